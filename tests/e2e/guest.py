# SPDX-License-Identifier: BSD-3-Clause
"""A guest that a test talks to over its serial console.

GH_VMM names the program under test, GH_GUEST the folder that scripts/fetch-guest filled. With
GH_VMM=qemu the same guests run on qemu-system-aarch64: a failure there is the test's own fault.
GH_TEST_PATIENCE multiplies every time-out; GH_TEST_PERSONALITY is the emulated kernel's generation,
GH_TEST_SANDBOX the key sandbox.
"""
import fcntl
import itertools
import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import tempfile
import termios
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
GUEST = pathlib.Path(os.environ.get("GH_GUEST", ROOT / ".guest"))
VMM = os.environ.get("GH_VMM", str(ROOT / "build/release/gh-vmm"))
PATIENCE = float(os.environ.get("GH_TEST_PATIENCE", "1"))
GUESTS = itertools.count()
PROMPT = rb"/root # (\x1b\[6n)?$"


def need(*names):
    """Skips the test if a guest file is missing; where nothing may be missing, fails it."""
    for name in names:
        if not (GUEST / name).exists():
            reason = f"no {GUEST / name}: run scripts/fetch-guest --cloud --installer --tools"
            if os.environ.get("GH_TEST_NO_SKIP"):
                raise AssertionError(reason)
            raise unittest.SkipTest(reason)


def config(**changes):
    """The configuration of a small Debian guest, as a dictionary."""
    # A name of its own: whoever runs beside it has another control socket.
    values = {"name": f"e2e-{os.getpid()}-{next(GUESTS)}", "kernel": str(GUEST / "vmlinuz"), "initrd": str(GUEST / "initrd.gz"),
              "params": ["console=ttyS0"], "cpus": 1, "memory": "512MiB"}
    if personality := os.environ.get("GH_TEST_PERSONALITY"):
        values["hypervisor"] = {"device": "emulated", "personality": personality}
    if sandbox := os.environ.get("GH_TEST_SANDBOX"):
        values["sandbox"] = sandbox
    values.update(changes)
    return {key: value for key, value in values.items() if value is not None}


def with_modules(folder, modules, files=(), **programs):
    """An initrd with modules of the kernel's, static programs (source files in guest/) in /bin, and files
    (FILE=PATH-IN-GUEST), and the command that loads the modules in this order."""
    need("vmlinuz", "busybox", *(f"modules/{name}.ko" for name in modules))
    files = [*files, *(f"{GUEST}/modules/{name}.ko=modules/{name}.ko" for name in modules)]
    for name, source in programs.items():
        program = pathlib.Path(folder) / name
        subprocess.run(["aarch64-linux-gnu-gcc", "-O2", "-static", "-Wall", "-Wextra", "-Werror", "-o", program,
                        pathlib.Path(__file__).parent / "guest" / source], check=True)
        files.append(f"{program}=bin/{name}")
    initrd = pathlib.Path(folder) / "initrd.gz"
    subprocess.run([ROOT / "scripts/make-initrd", initrd, *files], check=True)
    return str(initrd), " && ".join(f"insmod /modules/{name}.ko" for name in modules)


def qemu_command(values):
    size = values["memory"].replace("iB", "")
    params = " ".join(values["params"]).replace("ttyS0", "ttyAMA0")
    return ["qemu-system-aarch64", "-M", "virt,gic-version=3", "-cpu", "cortex-a57", "-m", size,
            "-smp", str(values["cpus"]), "-nographic", "-nodefaults", "-serial", "mon:stdio",
            "-no-reboot", "-kernel", values["kernel"], "-initrd", values["initrd"], "-append", params]


def take_terminal():
    """In the child: stdin becomes its controlling terminal, as a shell would have it."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Guest:
    """A running VM; `with` ends it whatever happens. `before`: a command to run gh-vmm under;
    `before_exec`: what its process calls first."""

    def __init__(self, values, *, terminal=False, stdin=None, options=(), before=(), before_exec=None):
        self.folder = tempfile.TemporaryDirectory()
        path = pathlib.Path(self.folder.name) / "config.json"
        path.write_text(json.dumps(values))
        command = qemu_command(values) if VMM == "qemu" else [*before, VMM, "run", *options, str(path)]
        self.terminal = None
        if terminal:
            self.terminal, stdin = pty.openpty()
            self.mode_before = self.mode()
        self.errors = open(pathlib.Path(self.folder.name) / "stderr", "w+b")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE if stdin is None else stdin,
                                        stdout=stdin if terminal else subprocess.PIPE,
                                        stderr=self.errors, start_new_session=True,
                                        preexec_fn=take_terminal if terminal else before_exec)
        if terminal:
            os.close(stdin)
        self.output = self.terminal if terminal else self.process.stdout.fileno()
        self.seen = b""
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        refused = [line for line in self.stderr().splitlines() if "the sandbox has refused" in line]
        for pipe in (self.process.stdin, self.process.stdout, self.errors):
            if pipe:
                pipe.close()
        if self.terminal is not None:
            os.close(self.terminal)
        self.folder.cleanup()
        assert not refused, refused

    def mode(self):
        """How the terminal is set."""
        return termios.tcgetattr(self.terminal)

    def stderr(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def _fail(self, what):
        tail = self.seen[-3000:].decode(errors="replace")
        raise AssertionError(f"{what}\n--- console\n{tail}\n--- stderr\n{self.stderr()[-2000:]}")

    def _read(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self.output], [], [], left)[0]:
            return None
        try:
            data = os.read(self.output, 65536)
        except OSError:  # a terminal whose other end is closed
            data = b""
        self.seen += data
        self.rest += data
        return data

    def expect(self, pattern, seconds=60):
        """Reads the console until `pattern` matches what is not yet consumed."""
        deadline = time.monotonic() + seconds * PATIENCE
        expression = re.compile(pattern if isinstance(pattern, bytes) else pattern.encode())
        while not (match := expression.search(self.rest)):
            data = self._read(deadline)
            if data is None:
                self._fail(f"no {pattern!r} within {seconds * PATIENCE:.0f} s")
            if not data:
                self._fail(f"the console ended before {pattern!r}")
        self.rest = self.rest[match.end():]
        return match

    def drain(self):
        """Reads what a program that has ended left on the console."""
        while self._read(time.monotonic() + 10):
            pass

    def send(self, text):
        data = text.encode() if isinstance(text, str) else text
        if self.terminal is not None:
            os.write(self.terminal, data)
        else:
            self.process.stdin.write(data)
            self.process.stdin.flush()

    def boot(self, seconds=180):
        self.expect(PROMPT, seconds)
        return self

    def run(self, command, seconds=120):
        """Runs a shell command; returns its output and fails the test if its status is not 0."""
        self.send(f'{command}; echo "=""=$?=="\n')
        # The shell's echo, which its line editing may break anywhere.
        self.expect(rb"[\r\n]*".join(re.escape(bytes([byte])) for byte in b'"=""=$?=="') + rb"[^\n]*\n")
        match = self.expect(rb"(?s)(.*)==(\d+)==\r*\n", seconds)
        self.expect(PROMPT)
        if match[2] != b"0":
            self._fail(f"{command!r} ended with status {match[2].decode()}")
        return match[1].replace(b"\r", b"").decode(errors="replace")

    def exit_code(self, seconds=60):
        deadline = time.monotonic() + seconds * PATIENCE
        while (data := self._read(deadline)) != b"":
            if data is None:
                self._fail(f"the VM did not end within {seconds * PATIENCE:.0f} s")
        try:
            return self.process.wait(max(1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._fail("the process outlives its console")

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def cpu_seconds(self):
        """Host CPU time of the whole process so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
