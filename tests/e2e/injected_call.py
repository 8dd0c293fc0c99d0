# SPDX-License-Identifier: BSD-3-Clause
"""Has a running process make a system call that it would not make by itself, as an intruder would:
by ptrace(2), at a thread that waits in the kernel. On x86-64."""
import contextlib
import ctypes
import errno
import os
import platform
import signal
import time

AVAILABLE = platform.machine() == "x86_64"

OPENAT, MMAP, SOCKET, EXECVE, PTRACE, FORK = 257, 9, 41, 59, 101, 57
ATTACH, DETACH, SINGLESTEP, GETREGS, SETREGS = 16, 17, 9, 12, 13
RED_ZONE = 4096
SYSCALL = b"\x0f\x05"

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_ulong, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


class Registers(ctypes.Structure):
    """struct user_regs_struct of <sys/user.h>"""
    _fields_ = [(name, ctypes.c_ulonglong) for name in (
        "r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi",
        "orig_rax", "rip", "cs", "eflags", "rsp", "ss", "fs_base", "gs_base", "ds", "es", "fs", "gs")]


def ptrace(request, thread, data=0):
    if libc.ptrace(request, thread, 0, data) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@contextlib.contextmanager
def stopped(thread):
    """The registers of a thread that stands still meanwhile, and goes on as if nothing had been."""
    ptrace(ATTACH, thread)
    os.waitpid(thread, 0x40000000)  # __WALL
    registers = Registers()
    ptrace(GETREGS, thread, ctypes.addressof(registers))
    try:
        yield registers
    finally:
        ptrace(SETREGS, thread, ctypes.addressof(registers))
        ptrace(DETACH, thread)


def in_kernel(registers, memory):
    """Whether the thread waits in a system call."""
    return os.pread(memory, 2, registers.rip - 2) == SYSCALL and registers.orig_rax < 1 << 32


def call(thread, number, *arguments):
    """What the call answers: a result, the name of the error, or SIGSYS where a filter has refused it.
    Texts are passed by address."""
    memory = os.open(f"/proc/{thread}/mem", os.O_RDWR | os.O_CLOEXEC)
    try:
        while True:
            with stopped(thread) as before:
                if in_kernel(before, memory):
                    return run(thread, memory, before, number, arguments)
            time.sleep(0.01)
    finally:
        os.close(memory)


def run(thread, memory, before, number, arguments):
    values = []
    place = before.rsp - RED_ZONE
    for argument in arguments:
        if isinstance(argument, str):
            place -= len(argument) + 1
            os.pwrite(memory, argument.encode() + b"\0", place)
            argument = place
        values.append(argument & (1 << 64) - 1)
    registers = Registers.from_buffer_copy(before)
    registers.rax, registers.orig_rax, registers.rip = number, (1 << 64) - 1, before.rip - len(SYSCALL)
    for name, value in zip(("rdi", "rsi", "rdx", "r10", "r8", "r9"), values):
        setattr(registers, name, value)
    ptrace(SETREGS, thread, ctypes.addressof(registers))
    ptrace(SINGLESTEP, thread)
    _, status = os.waitpid(thread, 0x40000000)
    assert os.WIFSTOPPED(status) and os.WSTOPSIG(status) in (signal.SIGTRAP, signal.SIGSYS), hex(status)
    if os.WSTOPSIG(status) == signal.SIGSYS:  # which the thread does not get, nor the step's end
        ptrace(SINGLESTEP, thread)
        os.waitpid(thread, 0x40000000)
        return "SIGSYS"
    ptrace(GETREGS, thread, ctypes.addressof(registers))
    result = ctypes.c_longlong(registers.rax).value
    return errno.errorcode[-result] if -4096 < result < 0 else result
