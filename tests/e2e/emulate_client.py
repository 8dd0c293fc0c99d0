# SPDX-License-Identifier: BSD-3-Clause
"""Programs for emulate_test.py, each run under gh-vmm emulate: emulate_client.py NAME [ARGUMENT...]."""
import ctypes
import errno
import mmap
import os
import random
import resource
import signal
import struct
import sys
import tempfile
import threading
import time
import traceback

from gunyah import (ASK_AND_TELL, BASE, DTB, LOAD_THERE, RECLAIM_REGION, RELEASE_THERE, REPORT, REPORT_THERE, SIZE, SPIN,
                    STATIC, STORE_ALONG, STORE_AND_OFF, STORE_THERE, STORE_WIDELY, SYSTEM_OFF, THERE, VCPU_RUN,
                    WAIT, Vm, ioctl, libc)

OFF = ("status", 2, 1)  # exited; PSCI SYSTEM_OFF


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


def returned():
    """Lent memory is back, with what it held, once the VM is closed."""
    vm = Vm(SYSTEM_OFF, lend=True, private=True)
    vm.ram[0x1000:0x1004] = b"mine"
    vm.add_vcpu().start()
    assert vm.run() == OFF
    vm.close()
    assert vm.ram[0x1000:0x1004] == b"mine"


def touched(private=False):
    """Lent memory is out of reach once the guest has wanted it: this ends by SIGBUS."""
    vm = Vm(STORE_AND_OFF, lend=True, private=bool(private)).add_vcpu().start()
    if errno_of(vm.control, RECLAIM_REGION, struct.pack("<QQ", THERE, 4096)) == 0:  # android16 pages on demand
        assert vm.ram[0] == STORE_AND_OFF[0] & 0xff
    assert vm.run() == ("mmio", 0x1000, 42, True)
    print(vm.ram[0])


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


def truncated():
    """A guest loses its memory's file, and only that."""
    memory = os.memfd_create("guest")
    vm = Vm(REPORT, memory=memory).add_vcpu().start()
    assert vm.run()[0] == "mmio"
    os.ftruncate(memory, 0)
    for _ in range(3):
        if vm.run()[0] != "mmio":
            break  # its code is gone, too
    run("share")


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


def replaced():
    """Memory that was replaced for a guest does not stay with who serves us."""
    keep = Vm(WAIT, private=True).add_vcpu().start()
    for _ in range(5):
        run("private")
    before = server()
    for _ in range(50):
        run("private")
    assert server()[0] <= before[0] + 1, f"{before}, then {server()}"
    keep.close()


def mad(seed):
    """Any call on any descriptor, from threads and forks, until somebody kills it."""
    forks = 0
    dice = random.Random(int(seed))
    memory = mmap.mmap(-1, 1 << 20)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    files = [os.open("/dev/gunyah", os.O_RDWR)]
    requests = [0x4700, 0x40204701, 0x40104702, 0x4703, 0x40104704, 0x4705, 0x4706, 0x40104707, 0x40404708,
                0x40204709, 0x4010470a, 0x40204111, 0x40104112, 0x40104113, 0x40284115, 0x4117, 0x4711]

    def control():
        likely = [0, 1, 7, 0x71, 1 << 32, 4 << 32 | 1, 16 << 32 | 2, 32 << 32 | 3, 4096, 1 << 20, BASE, address,
                  address + 4096, dice.randrange(1 << 64)]
        here = dice.randrange(0, 1 << 20, 8)
        memory[here:here + 64] = struct.pack("<8Q", *(dice.choice(likely) for _ in range(8)))
        where = dice.choice([address + here, address + here, 0, 1, address + (1 << 20) - 8, 1 << 63])
        made = ioctl(dice.choice(files), dice.choice(requests), where)
        if made > 2:
            files.append(made)

    def begin():
        """A VM that really runs, so that there is something to die in."""
        vm = Vm(dice.choice([SPIN, WAIT, WAIT, WAIT]), lend=dice.random() < 0.5, private=dice.random() < 0.5).add_vcpu().start()
        threading.Thread(target=lambda: errno_of(vm.run), daemon=True).start()
        files.extend([vm.fd, vm.vcpu])

    def fork():
        nonlocal forks
        forks += 1
        if forks < 4 and os.fork() == 0:  # at most 8 processes, each with descriptors of the others
            dice.seed(dice.random())

    acts = [control] * 20 + [
        begin, fork,
        lambda: files.append(os.dup(dice.choice(files))),
        lambda: files.append(os.open("/dev/gunyah", os.O_RDWR)),
    ] + 4 * [lambda: os.close(files.pop(dice.randrange(len(files)))) if len(files) > 1 else None] + [
        lambda: mmap.mmap(dice.choice(files), 4096, dice.choice([mmap.MAP_SHARED, mmap.MAP_PRIVATE])),
        lambda: fallocate(dice.choice(files), dice.randrange(4), dice.choice([0, 4096]), dice.choice([0, 4096, 5])),
        lambda: os.lseek(dice.choice(files), dice.randrange(8), dice.randrange(3)),
        lambda: os.stat(dice.choice(["/dev/gunyah", dice.choice(files)])),
    ]
    signal.alarm(20)  # the parent may be gone
    while True:
        errno_of(dice.choice(acts))


def mad_clients(seed):
    """Clients out of their mind that are killed at any moment; then a decent one finds all in order."""
    dice = random.Random(int(seed))
    for _ in range(30):
        child = os.fork()
        if child == 0:
            os.setpgid(0, 0)
            try:
                mad(dice.randrange(1 << 32))
            finally:
                os._exit(1)
        time.sleep(dice.uniform(0, 0.3))
        for group in (-child, child):  # it may have died before it had a group
            try:
                os.kill(group, signal.SIGKILL)
            except ProcessLookupError:
                pass
        # Killed by us, or by SIGBUS where it wrote to what it had lent.
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1]), "ended by itself"
    for how in ["share", "private", "lend"]:
        run(how)


def errno_of(function, *arguments):
    try:
        function(*arguments)
    except OSError as error:
        return error.errno
    return 0


def fallocate(fd, mode, offset, size):
    if libc.fallocate(fd, mode, offset, size) != 0:
        raise OSError(ctypes.get_errno(), "fallocate")


def guest_memory():
    """Memory of the driver's own: what a guest has touched, and has alone, cannot be mapped or freed before
    it ends."""
    keep, punch = 1, 2
    vm = Vm.with_guest_memory(STORE_AND_OFF)
    assert errno_of(fallocate, vm.memory, 0, 0, 4096) == errno.EOPNOTSUPP
    assert errno_of(fallocate, vm.memory, keep, 1, 4096) == errno.EINVAL
    assert errno_of(fallocate, vm.memory, keep, 0, 4096) == 0
    assert errno_of(os.ftruncate, vm.memory, 0) == errno.EOPNOTSUPP
    assert errno_of(mmap.mmap, vm.memory, 4096, mmap.MAP_PRIVATE) == errno.EINVAL
    vm.add_vcpu().start()
    with mmap.mmap(vm.memory, 4096, mmap.MAP_SHARED) as ram:
        assert int.from_bytes(ram[0:4], "little") == STORE_AND_OFF[0]
    assert errno_of(fallocate, vm.memory, keep | punch, DTB, 4096) == errno.EBUSY
    assert vm.run() == ("mmio", 0x1000, 42, True)
    # Nor be read or written: there is something else.
    assert os.pread(vm.memory, 4096, 0) == bytes(4096)
    assert os.pwrite(vm.memory, b"\xff" * 4096, 0) == 4096
    assert errno_of(fallocate, vm.memory, keep | punch, 0, 4096) == errno.EBUSY
    assert vm.run() == OFF
    assert errno_of(mmap.mmap, vm.memory, 4096, mmap.MAP_SHARED) == errno.EBUSY
    vm.close()
    with mmap.mmap(vm.memory, 4096, mmap.MAP_SHARED) as ram:
        assert int.from_bytes(ram[0:4], "little") == STORE_AND_OFF[0]


def mapped():
    """What is mapped cannot be lent."""
    vm = Vm.with_guest_memory(SYSTEM_OFF, mapped=True).add_vcpu()
    assert errno_of(vm.start) == errno.EPERM
    assert errno_of(vm.start) == errno.ENODEV


def mapped_later():
    """What is mapped when the guest wants it is a page fault exit, until it is unmapped."""
    vm = Vm.with_guest_memory(SYSTEM_OFF).add_vcpu().start()
    with mmap.mmap(vm.memory, 4096, mmap.MAP_SHARED):
        assert vm.run() == ("page fault", BASE, errno.EPERM)
        assert vm.run() == ("page fault", BASE, errno.EPERM)
    assert vm.run() == OFF


def added():
    """Memory that is added to a running VM is the guest's, shared or lent, private or a file."""
    for lend in (False, True):
        for private in (False, True):
            vm = Vm(LOAD_THERE, private=private).add_vcpu().start()
            assert vm.run() == ("mmio", THERE, 0, False)
            more = vm.more_memory(THERE, lend=lend, private=private)
            assert vm.run() == ("mmio", 0x1000, 0x77, True)
            assert vm.run() == OFF
            vm.close()
            assert more[0] == 0x77


def reclaimed():
    """RECLAIM_REGION of android16: shared memory comes back and goes again, lent memory is busy."""
    for private in (False, True):
        vm = Vm(REPORT_THERE).add_vcpu().start()
        assert vm.run() == ("mmio", THERE, 0, False)
        more = vm.more_memory(THERE, private=private)
        assert vm.run() == ("mmio", 0x1000, 0, True)
        assert vm.run() == ("mmio", 0x1000, 0x77, True)
        vm.control(RECLAIM_REGION, struct.pack("<QQ", THERE, 4096))
        more[0] = 0x78
        assert vm.run() == ("mmio", 0x1000, 0x78, True)
        vm.close()
    vm = Vm(STORE_AND_OFF, lend=True).add_vcpu().start()
    assert vm.run() == ("mmio", 0x1000, 42, True)
    assert errno_of(vm.control, RECLAIM_REGION, struct.pack("<QQ", BASE, 4096)) == errno.EBUSY
    assert vm.run() == OFF


def released():
    """Lent memory that the guest has released can be reclaimed, and comes again when the guest wants it."""
    for private in (False, True):
        vm = Vm(RELEASE_THERE).add_vcpu()
        more = vm.more_memory(THERE, lend=True, private=private)
        vm.start()
        assert vm.run() == ("mmio", 0x1000, 0, True)
        vm.control(RECLAIM_REGION, struct.pack("<QQ", THERE, 4096))
        assert more[0] == 0x99
        more[0] = 0x55
        assert vm.run() == ("mmio", 0x1000, 0x55, True)
        assert vm.run() == OFF
        vm.close()
        assert more[0] == 0x55


def unprivileged(function):
    """Calls it in a child without capabilities."""
    child = os.fork()
    if child == 0:
        try:
            os.setresuid(65534, 65534, 65534)
            function()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


def locked():
    """Every page that a fault brings in counts against RLIMIT_MEMLOCK."""
    def limit(pages):
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (pages * 4096, resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]))

    def child():
        tree = (SIZE - DTB) // 4096
        for how in ({}, {"lend": True}, {"private": True}):
            limit(tree - 1)
            vm = Vm(STORE_ALONG, **how).add_vcpu()
            assert errno_of(vm.start) == errno.ENOMEM
            vm.close()
            limit(tree + 3)
            vm = Vm(STORE_ALONG, **how).add_vcpu().start()
            got = vm.run()
            assert got == ("page fault", BASE + 3 * 4096, errno.ENOMEM), (how, got)
            assert vm.run() == ("page fault", BASE + 3 * 4096, errno.ENOMEM), how
            limit(tree + 5)
            assert vm.run() == ("page fault", BASE + 5 * 4096, errno.ENOMEM), how
            vm.close()

    unprivileged(child)


def unbacked():
    """A page that the kernel would have to write to a disk is no guest's."""
    with tempfile.TemporaryFile(dir=os.getcwd()) as file:
        file.truncate(4096)
        vm = Vm(LOAD_THERE).add_vcpu().start()
        assert vm.run() == ("mmio", THERE, 0, False)
        vm.more_memory(THERE, file=file.fileno())
        assert vm.run() == ("mmio", THERE, 0, False)  # a load with a syndrome looks like a device's
        vm.close()
        vm = Vm(LOAD_THERE).add_vcpu()
        vm.more_memory(THERE, lend=True, file=file.fileno())
        vm.start()
        assert vm.run() == ("page fault", THERE, errno.EIO)
        vm.close()
        vm = Vm(LOAD_THERE).add_vcpu().start()
        vm.more_memory(THERE, file=file.fileno(), private=True)
        assert vm.run() == ("mmio", 0x1000, 0x77, True)
        vm.close()
        file.truncate(SIZE)
        vm = Vm(SYSTEM_OFF, memory=file.fileno()).add_vcpu()
        assert errno_of(vm.start) == errno.EIO


def kicked():
    """A signal that comes while the device brings in lent memory interrupts VCPU_RUN all the same."""
    dice = random.Random(5)
    signal.signal(signal.SIGUSR1, lambda *_: None)

    def kick(vcpu):
        """Once the main thread is in VCPU_RUN."""
        inside = f"{os.getpid()}/task/{os.getpid()}/syscall"
        while True:
            with open("/proc/" + inside, encoding="ascii") as call:
                if call.read().split()[1:3] == [hex(vcpu), hex(VCPU_RUN)]:
                    break
        time.sleep(dice.uniform(0, 0.02))
        signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)

    for turn in range(20):
        vm = Vm(STORE_WIDELY)
        vm.more_memory(THERE, lend=True, private=turn % 2 == 0, size=128 << 20)
        vm.add_vcpu().start()
        kicker = threading.Thread(target=kick, args=[vm.vcpu])
        kicker.start()
        assert errno_of(vm.run) == errno.EINTR
        kicker.join()
        vm.close()


def taken(times=1000):
    """Memory that a guest stores to all the time is taken from it, over and over, and given again."""
    vm = Vm(STORE_THERE).add_vcpu().start()
    assert vm.run() == ("mmio", THERE, 0, True)
    memory = vm.more_memory(THERE)
    faults = []

    def keep_running():
        try:
            while True:
                faults.append(vm.run())
        except OSError as error:
            faults.append(error.errno)

    guest = threading.Thread(target=keep_running)
    guest.start()
    for _ in range(int(times)):
        vm.control(RECLAIM_REGION, struct.pack("<QQ", THERE, 4096))
        memory[0] = 0x55
        while memory[0] == 0x55 and not faults:  # until the guest has it again
            time.sleep(0)
    vm.remove_vcpu()
    guest.join()
    assert faults == [errno.EINTR], faults  # of the removal; else there was memory all the time
    vm.close()


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
