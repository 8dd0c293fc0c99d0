# SPDX-License-Identifier: BSD-3-Clause
"""Clients of gh-vmm emulate and their VMs: from the first call to the last, however that comes."""
import errno
import os
import random
import signal
import struct
import threading
import time

from gunyah import ASK_AND_TELL, OFF, SPIN, STATIC, STORE_AND_OFF, SYSTEM_OFF, Vm, errno_of


def run(how):
    """A guest stores to a device, then powers off."""
    vm = Vm(STORE_AND_OFF, lend=how == "lend", private=how == "private").add_vcpu().start()
    assert vm.run() == ("mmio", 0x1000, 42, True)
    assert vm.run() == OFF
    vm.close()


def rpc():
    """A guest asks the Resource Manager for its vmid, and then to end it with a code of its own."""
    vm = Vm(ASK_AND_TELL, vdevices={"rm": {"vdevice_type": "rm-rpc"}})
    vm.ram[0x1000:0x1008] = struct.pack("<BBHI", 0x21, 1, 7, 0x56000024)
    vm.ram[0x1010:0x101c] = struct.pack("<BBHIHBB", 0x21, 1, 8, 0x56000085, 1, 4, 0)
    vm.add_vcpu().start()
    assert vm.run() == ("status", 2, 0)  # exited by itself
    assert vm.exit_reason() == struct.pack("<HBB", 1, 4, 0)
    assert struct.unpack_from("<QQ", vm.ram, 0x1200) == (0, 16)
    assert struct.unpack_from("<BBHIII", vm.ram, 0x1100) == (0x21, 2, 7, 0x56000024, 0, 0x80)
    vm.close()


def interrupted():
    """A signal interrupts VCPU_RUN, as often as it comes."""
    vm = Vm(SPIN).add_vcpu().start()

    signal.signal(signal.SIGALRM, lambda *_: None)
    for _ in range(5):
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        try:
            vm.run()
        except OSError as error:
            assert error.errno == errno.EINTR
            continue
        assert False, "VCPU_RUN returned by itself"


def threads():
    """VMs run side by side, each in a thread of its own."""
    failures = []

    def one():
        try:
            for _ in range(20):
                run("share")
        except BaseException as failure:  # told by the main thread
            failures.append(failure)

    workers = [threading.Thread(target=one) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failures, failures


def killed():
    """Children that die in VCPU_RUN leave nothing behind: 80 are more than there are vmids."""
    for _ in range(80):
        child = os.fork()
        if child == 0:
            Vm(SPIN, lend=True).add_vcpu().start().run()
        time.sleep(0.03)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    run("lend")


def killed_unrun():
    """Children that die while the hypervisor runs their guest leave nothing behind either, its
    threads above all."""
    def child():
        ready, tell = os.pipe()
        pid = os.fork()
        if pid == 0:
            vm = Vm(SPIN, lend=True, vcpus=STATIC).start()
            os.write(tell, b".")
            while vm:
                signal.pause()
        os.close(tell)
        assert os.read(ready, 1) == b"."
        os.close(ready)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

    for _ in range(3):
        child()
    run("lend")  # its close waits until all that are closed are gone
    before = server()
    for _ in range(80):
        child()
    run("lend")
    after = server()
    assert after[0] <= before[0] and after[1] <= before[1] + 1, f"{before}, then {after}"


def server():
    """Descriptors, threads and memory (KiB) of who serves us."""
    base = f"/proc/{os.getppid()}"
    with open(base + "/status", encoding="ascii") as status:
        fields = dict(line.split(":", 1) for line in status)
    return (len(os.listdir(base + "/fd")), int(fields["Threads"]), int(fields["VmRSS"].split()[0]))


def cycles(times):
    """Create, start, run, close, over and over: the server does not grow."""
    for _ in range(50):
        run("share")
    before = server()
    for _ in range(int(times)):
        run("share")
    after = server()
    print(f"descriptors, threads, KiB: {before}, then {after}")
    # One more thread: it comes when an end has to be waited for, and stays.
    assert after[0] <= before[0] and after[1] <= before[1] + 1, "leaks descriptors or threads"
    assert after[2] - before[2] < 4096, "leaks memory"


def refused():
    """What the device refuses, it refuses with the kernel's errno."""
    vm = Vm(SYSTEM_OFF)
    try:
        vm.control(0x4700)  # CREATE_VM is the device's
    except OSError as error:
        assert error.errno == errno.ENOTTY
    vm.start()
    vm.start()  # idempotent


def killed_last():
    """Nobody is left but vCPUs that spin: who serves them must get out of that in order."""
    for _ in range(3):
        vm = Vm(SPIN).add_vcpu().start()
        threading.Thread(target=lambda: errno_of(vm.run), daemon=True).start()
    time.sleep(random.uniform(0, 0.1))
    os.kill(os.getpid(), signal.SIGKILL)


def removed():
    """REMOVE_FUNCTION ends a VCPU_RUN even if its client takes immediate_exit back all the time."""
    vm = Vm(SPIN).add_vcpu().start()
    page, over = vm.page, False

    def clear():
        while not over:
            page[0] = 0

    threading.Thread(target=clear).start()
    for _ in range(20):
        runner = threading.Thread(target=lambda: errno_of(vm.run))
        runner.start()
        time.sleep(0.005)
        vm.remove_vcpu()
        runner.join()
        os.close(vm.vcpu)
        vm.add_vcpu()
    over = True
