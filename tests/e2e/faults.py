# SPDX-License-Identifier: BSD-3-Clause
"""Faults of the host: a program's system calls fail, or do part of what they should, as a test wants.

A seccomp filter that the program is started under has the kernel ask us about each of some calls
(seccomp_unotify(2)), so that nothing in the program knows. On x86-64."""
import array
import ctypes
import errno
import fcntl
import os
import platform
import select
import socket
import struct
import threading

AVAILABLE = platform.machine() == "x86_64"

NUMBERS = {"read": 0, "write": 1, "readv": 19, "writev": 20, "madvise": 28, "sendto": 44, "recvfrom": 45, "fsync": 74,
           "fdatasync": 75, "fallocate": 285, "accept4": 288, "preadv": 295, "pwritev": 296, "io_uring_setup": 425,
           "landlock_create_ruleset": 444}
NAMES = {number: name for name, number in NUMBERS.items()}

ALLOW, ERRNO, USER_NOTIF = 0x7fff0000, 0x00050000, 0x7fc00000
SET_MODE_FILTER, NEW_LISTENER, SYS_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 8, 317, 38
RECV, SEND = 0xc0502100, 0xc0182101
CONTINUE = 1

libc = ctypes.CDLL(None, use_errno=True)


def install(actions, flags):
    """Puts a filter on this process: `actions` of calls by name, all others are allowed."""
    program = [(0x20, 0, 0, 0)]  # the call's number
    for name, action in actions.items():
        program += [(0x15, 0, 1, NUMBERS[name]), (0x06, 0, 0, action)]
    program.append((0x06, 0, 0, ALLOW))
    code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *line) for line in program))
    header = ctypes.create_string_buffer(struct.pack("<H6xQ", len(program), ctypes.addressof(code)))
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    result = libc.syscall(SYS_SECCOMP, SET_MODE_FILTER, flags, header)
    if result < 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    return result


def refuse(names):
    """From now on these calls fail in this process as on a kernel that lacks them."""
    install({name: ERRNO | errno.ENOSYS for name in names}, 0)


class Call:
    """A call that waits for an answer."""

    def __init__(self, notification):
        self.identity, self.thread = struct.unpack_from("<QI", notification)
        number, *self.arguments = struct.unpack_from("<i12x6Q", notification, 16)
        self.name = NAMES[number]

    @property
    def path(self):
        """What the descriptor that it is about stands for."""
        return os.readlink(f"/proc/{self.thread}/fd/{self.arguments[0]}")

    @property
    def thread_name(self):
        with open(f"/proc/{self.thread}/comm", encoding="ascii") as name:
            return name.read().strip()

    def pieces(self):
        """(address, length) of each of its buffers."""
        if self.name in ("read", "write", "sendto", "recvfrom"):
            return [(self.arguments[1], self.arguments[2])]
        with open(f"/proc/{self.thread}/mem", "rb", 0) as memory:
            vectors = os.pread(memory.fileno(), 16 * self.arguments[2], self.arguments[1])
        return [struct.unpack_from("<QQ", vectors, at) for at in range(0, len(vectors), 16)]

    def part(self, share=0.5):
        """Does the first part of it for the program: how much that was. None: there is no part."""
        address, length = next((piece for piece in self.pieces() if piece[1]), (0, 0))
        length = int(length * share)
        if not length:
            return None
        memory = os.open(f"/proc/{self.thread}/mem", os.O_RDWR | os.O_CLOEXEC)
        file = self.descriptor()
        try:
            if self.name == "pwritev":
                return os.pwrite(file, os.pread(memory, length, address), self.arguments[3])
            if self.name == "preadv":
                return os.pwrite(memory, os.pread(file, length, self.arguments[3]), address)
            if self.name in ("write", "sendto"):
                return os.write(file, os.pread(memory, length, address))
            if self.name in ("read", "recvfrom", "readv"):
                return os.pwrite(memory, os.read(file, length), address)
            raise AssertionError(f"no parts of {self.name}")
        except BlockingIOError:
            return None
        finally:
            os.close(memory)
            os.close(file)

    def descriptor(self):
        """The program's descriptor, in this process."""
        with open(f"/proc/{self.thread}/status", encoding="ascii") as status:
            group = next(int(line.split()[1]) for line in status if line.startswith("Tgid:"))
        process = os.pidfd_open(group)
        try:
            result = libc.syscall(438, process, self.arguments[0], 0)  # pidfd_getfd
        finally:
            os.close(process)
        if result < 0:
            raise OSError(ctypes.get_errno(), "pidfd_getfd")
        return result


class Faults:
    """`before_exec` is for the program's Popen (preexec_fn). `decide(call)`: an errno, ("part", bytes
    done), or None for a call that goes its way; it is asked in a thread of its own."""

    def __init__(self, names, decide):
        self.names, self.decide = names, decide
        self.ours, self.theirs = socket.socketpair()
        self.seen = []
        self.failure = None
        self.thread = None

    def before_exec(self):
        # A ring's work is not done by system calls.
        actions = {name: USER_NOTIF for name in self.names}
        actions["io_uring_setup"] = ERRNO | errno.ENOSYS
        listener = install(actions, NEW_LISTENER)
        self.theirs.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [listener]))])

    def start(self):
        _, (listener,), _, _ = socket.recv_fds(self.ours, 1, 1)
        self.thread = threading.Thread(target=self.serve, args=(listener,))
        self.thread.start()
        return self

    def serve(self, listener):
        watch = select.poll()
        watch.register(listener, select.POLLIN)
        while not any(events & select.POLLHUP for _, events in watch.poll()):
            notification = bytearray(80)
            try:
                fcntl.ioctl(listener, RECV, notification)
                self.answer(listener, Call(notification))
            except FileNotFoundError:
                pass  # the caller is gone
        os.close(listener)

    def answer(self, listener, call):
        fault = None
        try:
            fault = self.decide(call)
        except Exception as failure:  # told by stop(); the program must go on
            self.failure = failure
        if fault is None:
            answer = struct.pack("<QqiI", call.identity, 0, 0, CONTINUE)
        else:
            self.seen.append((call.name, fault))
            done, error = (fault[1], 0) if isinstance(fault, tuple) else (0, -fault)
            answer = struct.pack("<QqiI", call.identity, done, error, 0)
        fcntl.ioctl(listener, SEND, bytearray(answer))

    def stop(self):
        """After the program's end; raises what went wrong here."""
        if self.thread:
            self.thread.join()
        self.ours.close()
        self.theirs.close()
        if self.failure:
            raise self.failure
