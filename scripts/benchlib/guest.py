# SPDX-License-Identifier: BSD-3-Clause
"""A virtual machine under gh-vmm or QEMU, and what it has cost at each line of its console."""
import json
import os
import pathlib
import re
import select
import subprocess
import tempfile
import time
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
GUEST = pathlib.Path(os.environ.get("GH_GUEST", ROOT / ".guest")).resolve()  # as /proc names its files
BUILT = ROOT / "build/bench"  # the guests' own programs and initrds
VMM = os.environ.get("GH_VMM", str(ROOT / "build/release/gh-vmm"))
LIMIT = 600  # seconds until a guest that says nothing is given up


class Side(NamedTuple):
    """Who runs the guest: "gh-vmm" with an engine, or "qemu" with a CPU model."""
    who: str
    how: str

    @property
    def ours(self):
        return self.who == "gh-vmm"


class Disk(NamedTuple):
    """An image that both sides give to the guest, through the host's page cache or past it."""
    path: pathlib.Path
    direct: bool = False


class Machine(NamedTuple):
    """What both sides run. The network is one that needs no privileges: passt with gh-vmm, libslirp with QEMU."""
    initrd: pathlib.Path | None
    params: str = ""
    cpus: int = 1
    kernel: pathlib.Path = GUEST / "vmlinuz"
    disk: Disk | None = None
    network: bool = False
    port: str | None = None  # the file that a virtio console prints to


class Moment(NamedTuple):
    """Seconds since the start: host CPU of all threads, those that have ended included; and wall."""
    cpu: float
    wall: float


def qemu_command(model, machine):
    command = ["qemu-system-aarch64", "-M", "virt,gic-version=3", "-cpu", model, "-m", "1024",
               "-smp", str(machine.cpus), "-nographic", "-nodefaults", "-no-reboot",
               "-serial", "stdio", "-kernel", str(machine.kernel),
               "-global", "virtio-mmio.force-legacy=false"]
    if machine.initrd:
        command += ["-initrd", str(machine.initrd),
                    "-append", f"console=ttyAMA0 quiet {machine.params}"]
    if machine.disk:
        cache = "cache=none,aio=native" if machine.disk.direct else "cache=writeback,aio=threads"
        command += ["-device", "virtio-blk-device,drive=disk",
                    "-drive", f"if=none,id=disk,format=raw,{cache},file={machine.disk.path}"]
    if machine.network:
        command += ["-netdev", "user,id=net", "-device", "virtio-net-device,netdev=net"]
    if machine.port:
        command += ["-device", "virtio-serial-device", "-chardev", f"file,id=port,path={machine.port}",
                    "-device", "virtconsole,chardev=port"]
    return command


def config(machine):
    values = {"name": "bench", "kernel": str(machine.kernel), "memory": "1GiB", "cpus": machine.cpus}
    if machine.initrd:
        values |= {"initrd": str(machine.initrd),
                   "params": ["console=ttyS0", "quiet", *machine.params.split()]}
    if machine.disk:
        values["disks"] = [{"path": str(machine.disk.path), "direct": machine.disk.direct}]
    if machine.network:
        values["net"] = "user"
    if machine.port:
        values["console"] = [{"type": "file", "path": machine.port}]
    return values


class Guest:
    """A running VM; `with` ends it whatever happens."""

    def __init__(self, side, machine, options=()):
        self.folder = tempfile.TemporaryDirectory()
        self.errors = open(f"{self.folder.name}/stderr", "w+", encoding="utf-8")
        if side.ours:
            path = pathlib.Path(self.folder.name) / "bench.json"
            path.write_text(json.dumps(config(machine)))
            command = [VMM, "run", "--engine", side.how, *options, str(path)]
        else:
            command = qemu_command(side.how, machine)
        self.text = b""
        self.begin = time.monotonic()
        self.process = subprocess.Popen(command, bufsize=0, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.errors)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.errors.close()
        self.folder.cleanup()

    def now(self):
        # The kernel's name for a process' CPU clock, as clock_getcpuclockid(3) makes it: /proc would
        # count whole ticks of 10 ms.
        clock = ~self.process.pid << 3 | 2
        return Moment(time.clock_gettime(clock), time.monotonic() - self.begin)

    def wait_for(self, pattern):
        """(match, Moment) as soon as the console says what the expression `pattern` describes."""
        deadline = time.monotonic() + LIMIT
        expression, seen = re.compile(pattern), 0
        while not (match := expression.search(self.text, max(0, seen - 4096))):
            seen = len(self.text)
            left = max(0, deadline - time.monotonic())
            if not select.select([self.process.stdout], [], [], left)[0]:
                raise RuntimeError(f"no {pattern!r} within {LIMIT} s; the console said:\n" + self.tail())
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                raise RuntimeError(f"the VM ended before {pattern!r}; the console said:\n" + self.tail())
            self.text += data
        now = self.now()
        self.text = self.text[match.end():]
        return match, now

    def tail(self):
        self.errors.seek(0)
        return self.text[-2000:].decode(errors="replace") + self.errors.read()[-1000:]

    def own_memory(self):
        """MiB without guest memory: files of the guest, memfds, and what is as large as the guest.
        Shares (Pss), since memory with translated code is mapped twice."""
        total, mapping = 0, ""
        for line in pathlib.Path(f"/proc/{self.process.pid}/smaps").read_text().splitlines():
            if match := re.match(r"([0-9a-f]+)-([0-9a-f]+) .*", line):
                size = int(match[2], 16) - int(match[1], 16)
                memfd = "memfd:" in line
                mapping = "guest" if memfd or str(GUEST) in line or size >= 1 << 30 else "own"
            elif line.startswith("Pss:") and mapping == "own":
                total += int(line.split()[1])
        return total / 1024
