# SPDX-License-Identifier: BSD-3-Clause
"""Debian's drivers of the small virtio devices: random numbers, consoles."""
import fcntl
import hashlib
import os
import random
import socket
import struct
import tempfile
import termios
import threading
import time
import unittest

import guest
from guest import Guest, config

NOTHING_BAD = r"(?i)unable to handle|call trace|nobody cared|stall"


class Ports(unittest.TestCase):
    """What the tests of all devices share: an initrd with modules and programs, and a guest that has loaded them."""
    MODULES = []
    PROGRAMS = {}

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.initrd, self.probe = guest.with_modules(self.folder, ["virtio_mmio", *self.MODULES], **self.PROGRAMS)

    def guest(self, **changes):
        return Guest(config(initrd=self.initrd, **changes))

    def power_off(self, vm):
        self.assertNotRegex(vm.run("dmesg"), NOTHING_BAD)
        vm.send("poweroff -f\n")
        self.assertEqual(vm.exit_code(), 0)


def call(path):
    """A connection to a unix socket that gh-vmm listens on."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    connection.settimeout(120 * guest.PATIENCE)
    return connection


def read_exactly(connection, size):
    data = b""
    while len(data) < size:
        part = connection.recv(min(size - len(data), 1 << 16))
        if not part:
            break
        data += part
    return data


class Rng(Ports):
    MODULES = ["virtio-rng"]

    def test_random_numbers(self):
        with self.guest() as vm:
            vm.boot()
            vm.run(self.probe)
            self.assertEqual(vm.run("cat /sys/class/misc/hw_random/rng_current").strip(), "virtio_rng.0")
            command = "dd if=/dev/hwrng bs=4096 count=16 iflag=fullblock 2>/dev/null | md5sum"
            self.assertNotEqual(vm.run(command), vm.run(command))
            self.assertEqual(vm.run("dd if=/dev/hwrng bs=4096 count=4 iflag=fullblock 2>/dev/null | wc -c").strip(),
                             "16384")
            self.power_off(vm)

    def test_without(self):
        with self.guest(rng=False) as vm:
            vm.boot()
            vm.run("if ls /sys/firmware/devicetree/base | grep virtio; then false; fi")
            self.power_off(vm)


class Console(Ports):
    MODULES = ["virtio_console"]

    def test_hvc0(self):
        path = f"{self.folder}/console"
        with self.guest(console={"type": "socket", "path": path}, cpus=2) as vm:
            vm.boot()
            vm.run(self.probe)
            connection = call(path)
            vm.run("echo hello from the guest >/dev/hvc0")
            self.assertEqual(read_exactly(connection, 22), b"hello from the guest\r\n")
            connection.sendall(b"hello from the host\n")
            self.assertEqual(vm.run("head -n 1 </dev/hvc0").strip(), "hello from the host")
            self.power_off(vm)

    def test_ports(self):
        """A console into a file, and two ports, one of which nobody reads, while the other carries megabytes."""
        agent, idle, log = (f"{self.folder}/{name}" for name in ("agent", "idle", "log"))
        ports = [{"type": "file", "path": log}, {"type": "socket", "path": agent, "name": "org.example.agent"},
                 {"type": "socket", "path": idle, "name": "idle"}]
        data = random.Random(1).randbytes(3_000_001)
        digest = hashlib.sha256(data).hexdigest()
        with self.guest(console=ports, cpus=2) as vm:
            vm.boot()
            vm.run(self.probe)
            vm.run("echo to the log >/dev/hvc0")
            device = vm.run("grep -l org.example.agent /sys/class/virtio-ports/*/name").split("/")[4]
            blocked = vm.run("grep -l idle /sys/class/virtio-ports/*/name").split("/")[4]
            nobody = call(idle)
            vm.run(f"(cat /dev/zero >/dev/{blocked}) 2>/dev/null & sleep 1")
            connection = call(agent)
            threading.Thread(target=connection.sendall, args=[data], daemon=True).start()
            self.assertIn(digest, vm.run(f"head -c {len(data)} /dev/{device} >/data; sha256sum /data"))
            vm.send(f"cat /data >/dev/{device}\n")
            self.assertEqual(hashlib.sha256(read_exactly(connection, len(data))).hexdigest(), digest)
            vm.expect(guest.PROMPT)
            vm.run("kill %1")
            nobody.close()
            self.power_off(vm)
        with open(log, "rb") as file:
            self.assertEqual(file.read(), b"to the log\r\n")

    def test_a_terminal_and_its_size(self):
        path = f"{self.folder}/serial"
        values = config(initrd=self.initrd, serial={"type": "socket", "path": path}, console="stdio")
        with Guest(values, terminal=True) as vm:
            while not os.path.exists(path):
                time.sleep(0.05)
            line = call(path)
            seen = b""
            while not seen.rstrip(b"\x1b[6n").endswith(b"/root # "):
                seen += line.recv(4096)
            line.sendall(f"{self.probe} && setsid sh -c 'exec sh -i </dev/hvc0 >/dev/hvc0 2>&1'\n".encode())
            vm.boot()
            for rows, columns in (40, 140), (25, 80):
                fcntl.ioctl(vm.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
                for _ in range(100):  # the guest hears of it a little later
                    if vm.run("stty size").split() == [str(rows), str(columns)]:
                        break
                else:
                    self.fail(f"never {rows} rows of {columns}")
            self.power_off(vm)


if __name__ == "__main__":
    unittest.main()
