# SPDX-License-Identifier: BSD-3-Clause
"""How to measure: each function here makes a measure, a function that takes a Side and gives a Sample."""
import contextlib
import os
import select
import socket
import subprocess
import tempfile
import threading
import time
from typing import NamedTuple

from .guest import BUILT, GUEST, VMM, Disk, Guest, Machine

SMALL = BUILT / "small.gz"        # busybox and our program
PROGRAMS = BUILT / "programs.gz"  # Debian's programs, too
DEVICES = BUILT / "devices.gz"    # busybox, our programs, and the modules of virtio devices
IMAGE = BUILT / "disk.img"        # the disk of 256 MiB
SHELL = GUEST / "initrd.gz"
DEBIAN = GUEST / "debian"         # scripts/mkguest debian
MIB = 1 << 20


class Sample(NamedTuple):
    """One measurement: what the row is about (host CPU seconds, if nothing else), and wall seconds."""
    figure: float
    wall: float | None = None


def between(begin, end, parts=1):
    return Sample((end.cpu - begin.cpu) / parts, (end.wall - begin.wall) / parts)


def until(machine, pattern):
    """From exec to a text on the console."""
    def measure(side):
        with Guest(side, machine) as vm:
            return Sample(*vm.wait_for(pattern)[1])
    return measure


def boot(cpus):
    return until(Machine(SMALL, "rdinit=/bench", cpus), rb"PID1\r\n")


def installer():
    folder = GUEST / "installer"
    return until(Machine(folder / "initrd.gz", "DEBIAN_FRONTEND=text", kernel=folder / "linux"),
                 rb"Select a language")


def first_byte():
    """Wall seconds are the figure: it is the person who waits."""
    def measure(side):
        machine = Machine(None, kernel=BUILT / ("tiny-16550" if side.ours else "tiny-pl011"))
        with Guest(side, machine) as vm:
            wall = vm.wait_for(rb"!")[1].wall
            return Sample(wall * 1000, wall)
    return measure


def marked(machine):
    """Between the lines BEGIN and END of a program in scripts/guest."""
    def measure(side):
        with Guest(side, machine) as vm:
            begin = vm.wait_for(rb"BEGIN\r\n")[1]
            return between(begin, vm.wait_for(rb"END\r\n")[1])
    return measure


def modules(*names):
    """What makes our programs load them."""
    return "modules=" + ",".join(f"/modules/{name}.ko" for name in ("virtio_mmio", *names))


def work(name, times, cpus=1):
    return marked(Machine(SMALL, f"rdinit=/bench -- {name} {times}", cpus))


def program(command):
    return marked(Machine(PROGRAMS, f"rdinit=/bench -- run {command}"))


def openssl(algorithm):
    """For each GiB, in blocks of 16 KiB. OpenSSL works for a second of the guest's and says how much
    it did, when it begins and when it is done: so its own start does not count."""
    command = f"/bin/openssl speed -mr -seconds 1 -bytes 16384 -evp {algorithm}"
    machine = Machine(PROGRAMS, f"rdinit=/bench -- run {command}")

    def measure(side):
        with Guest(side, machine) as vm:
            begin = vm.wait_for(rb"\+DT:[^\n]*\n")[1]
            done, end = vm.wait_for(rb"\+R:(\d+):[^\n]*\n")
            return between(begin, end, int(done[1]) * 16384 / 2**30)
    return measure


def instructions(name, times):
    """Guest instructions of that work: counted one by one for a small one, and extrapolated."""
    counts = []
    for few in ("1", "2"):
        trace = subprocess.run(["qemu-aarch64", "-singlestep", "-d", "exec,nochain", BUILT / "bench", name, few],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
        counts.append(trace.stderr.count(b"\nTrace "))
    return counts[0] + (counts[1] - counts[0]) * (times - 1)


def speed(name, times):
    """Million guest instructions a second of host CPU."""
    total = []

    def measure(side):
        if not total:
            total.append(instructions(name, times))
        sample = work(name, times)(side)
        return Sample(total[0] / sample.figure / 1e6, sample.wall)
    return measure


def disk(way, order, size, depth, times, direct):
    """Requests a second of wall time: it is the guest that waits. The page cache is warm, or the same
    for both: past it all goes to the medium."""
    machine = Machine(DEVICES, f"{modules('virtio_blk')} rdinit=/disk -- {way} {order} {size} {depth} {times}",
                      disk=Disk(IMAGE, direct))

    def measure(side):
        sample = marked(machine)(side)
        return Sample(times / sample.wall, sample.wall)
    return measure


def port(times):
    """64 KiB `times` times to a virtio console that goes to a file."""
    params = f"{modules('virtio_console')} port=/dev/hvc0 rdinit=/bench -- console {times}"

    def measure(side):
        with tempfile.TemporaryDirectory() as folder:
            return marked(Machine(DEVICES, params, port=f"{folder}/port"))(side)
    return measure


@contextlib.contextmanager
def host(serve):
    """A port of the host's that serves one connection."""
    def take():
        with contextlib.suppress(OSError):  # the guest was ended
            connection = listener.accept()[0]
            with connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                serve(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def take_all(connection):
    buffer = bytearray(MIB)
    while connection.recv_into(buffer):
        pass
    connection.send(b"!")


def give(connection):
    buffer = bytes(MIB)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it has had enough
        while True:
            connection.sendall(buffer)


def echo(connection):
    while byte := connection.recv(1):
        connection.send(byte)


def network(way, times):
    """MiB, or round trips, a second of wall time, between the guest and a program of the host's."""
    serve = {"up": take_all, "down": give, "ping": echo}[way]

    def measure(side):
        with host(serve) as number:
            params = f"{modules('failover', 'net_failover', 'virtio_net')} rdinit=/net -- {way} {number} {times}"
            sample = marked(Machine(DEVICES, params, network=True))(side)
        return Sample(times / sample.wall, sample.wall)
    return measure


@contextlib.contextmanager
def debian():
    """A whole Debian, on a copy of its disk."""
    with tempfile.TemporaryDirectory(dir=BUILT) as folder:
        image = f"{folder}/debian.img"
        subprocess.run(["cp", "--sparse=always", DEBIAN / "debian.img", image], check=True)
        yield Machine(DEBIAN / "initrd.img", "root=/dev/vda rw net.ifnames=0", 2, DEBIAN / "vmlinuz",
                      Disk(image), network=True)


def login():
    """From exec to Debian's prompt for a name. Wall seconds are the figure: it is the person who waits."""
    def measure(side):
        with debian() as machine:
            wall = until(machine, rb"debian login: ")(side).wall
        return Sample(wall, wall)
    return measure


def start():
    """Milliseconds from exec to the answer of GH_VM_START; nothing to compare with."""
    def measure(side):
        if not side.ours:
            return None
        with tempfile.TemporaryDirectory() as folder:
            fifo = f"{folder}/trace"
            os.mkfifo(fifo)
            reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
            with Guest(side, Machine(SHELL), [f"--trace-ioctls={fifo}"]) as vm:
                trace = b""
                while b"GH_VM_START" not in trace:
                    if not select.select([reader], [], [], 10)[0]:
                        raise RuntimeError("no GH_VM_START in the trace")
                    trace += os.read(reader, 65536)
                seconds = time.monotonic() - vm.begin
            os.close(reader)
        return Sample(seconds * 1000)
    return measure


def ioctl():
    """Median microseconds of an ioctl that another program makes; nothing to compare with."""
    def measure(side):
        if not side.ours:
            return None
        done = subprocess.run([VMM, "emulate", "--", BUILT / "ioctl"], capture_output=True, check=True)
        return Sample(float(done.stdout))
    return measure


def at_shell(look):
    """What `look` says of a guest whose shell waits for a command."""
    def measure(side):
        with Guest(side, Machine(SHELL)) as vm:
            vm.wait_for(rb"/root # ")
            time.sleep(3)
            return Sample(look(vm))
    return measure


def memory():
    return at_shell(Guest.own_memory)


def percent(vm):
    """Of a host core, while nobody asks the guest for anything."""
    before = vm.now()
    time.sleep(10)
    now = vm.now()
    return (now.cpu - before.cpu) / (now.wall - before.wall) * 100


def idle():
    return at_shell(percent)


def idle_debian():
    """Half a minute after the login, when what systemd has put off is done."""
    def measure(side):
        with debian() as machine, Guest(side, machine) as vm:
            vm.wait_for(rb"debian login: ")
            time.sleep(30)
            return Sample(percent(vm))
    return measure
