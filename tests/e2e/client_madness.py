# SPDX-License-Identifier: BSD-3-Clause
"""Clients of gh-vmm emulate that are out of their mind."""
import ctypes
import mmap
import os
import random
import signal
import struct
import threading
import time

from client_lifetime import run
from gunyah import BASE, SPIN, WAIT, Vm, errno_of, fallocate, ioctl


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
