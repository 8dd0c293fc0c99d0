# SPDX-License-Identifier: BSD-3-Clause
"""Clients of gh-vmm emulate and what of their memory a guest has, at which time."""
import errno
import mmap
import os
import random
import resource
import signal
import struct
import tempfile
import threading
import time
import traceback

from client_lifetime import run, server
from gunyah import (BASE, DTB, LOAD_THERE, OFF, RECLAIM_REGION, RELEASE_THERE, REPORT, REPORT_THERE, SIZE,
                    STORE_ALONG, STORE_AND_OFF, STORE_THERE, STORE_WIDELY, SYSTEM_OFF, THERE, VCPU_RUN, WAIT, Vm,
                    errno_of, fallocate)


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
        # The device may not have heard of the signal yet, and still want this thread for the call that is over.
        for _ in range(200):
            os.close(os.open("/dev/gunyah", os.O_RDWR))
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
