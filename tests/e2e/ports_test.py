# SPDX-License-Identifier: BSD-3-Clause
"""Debian's drivers of the small virtio devices: random numbers, consoles, sockets, memory."""
import fcntl
import hashlib
import os
import random
import socket
import struct
import subprocess
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


class Vsock(Ports):
    MODULES = ["vsock", "vmw_vsock_virtio_transport_common", "vmw_vsock_virtio_transport"]
    PROGRAMS = {"vsock": "vsock.c"}

    def setUp(self):
        super().setUp()
        self.path = f"{self.folder}/v"
        self.data = random.Random(2).randbytes(3_000_001)
        self.digest = hashlib.sha256(self.data).hexdigest()

    def connect(self, port):
        """To a port of the guest's; the socket, or None where it is refused."""
        connection = call(self.path)
        connection.sendall(b"CONNECT %d\n" % port)
        answer = b""
        while not answer.endswith(b"\n"):
            letter = connection.recv(1)
            if not letter:
                connection.close()
                return None
            answer += letter
        self.assertRegex(answer, rb"^OK \d+\n$")
        return connection

    def echo(self, port, data):
        """What the guest's echo gives back, both ways at once and to the end."""
        connection = self.connect(port)

        def send():
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)

        with connection:
            threading.Thread(target=send, daemon=True).start()
            return read_exactly(connection, len(data) + 1)

    def test_both_ways(self):
        with self.guest(vsock={"cid": 77, "path": self.path}, cpus=2) as vm:
            vm.boot()
            vm.run(self.probe)
            # The guest calls: the host gives back what it hears, to the end of it.
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(f"{self.path}_7000")
            listener.listen()
            vm.send("head -c 3000001 /dev/urandom >/data; sha256sum /data; "
                    "vsock call 7000 </data >/back; sha256sum /back\n")
            caller, _ = listener.accept()
            heard = b""
            while part := caller.recv(1 << 16):
                heard += part
                caller.sendall(part)
            caller.close()
            listener.close()
            digest = hashlib.sha256(heard).hexdigest()
            self.assertEqual(len(heard), 3_000_001)
            vm.expect(digest + "  /data")
            vm.expect(digest + "  /back")
            vm.expect(guest.PROMPT)
            self.assertIn("reset", vm.run("vsock call 7001 2>&1 || true").lower())
            # The host calls.
            self.assertIsNone(self.connect(5000))
            vm.run("vsock echo 5000 & sleep 1")
            self.assertEqual(self.echo(5000, self.data), self.data)
            connections = [self.connect(5000) for _ in range(40)]
            for number, connection in enumerate(connections):
                connection.sendall(b"hello %d" % number)
            for number, connection in enumerate(connections):
                wanted = b"hello %d" % number
                self.assertEqual(read_exactly(connection, len(wanted)), wanted)
            for connection in connections:
                connection.close()
            self.assertEqual(self.echo(5000, b"still there"), b"still there")
            self.power_off(vm)
        self.assertFalse(os.path.exists(self.path))


class Balloon(Ports):
    MODULES = ["virtio_balloon"]
    MIB = 1 << 20

    def held(self, vm):
        """Bytes of guest memory that the host has."""
        with open(f"/proc/{vm.process.pid}/smaps_rollup") as file:
            return sum(int(line.split()[1]) for line in file if line.startswith("Pss_Shmem:")) * 1024

    def until(self, what, condition):
        for _ in range(600):
            if condition():
                return
            time.sleep(0.1)
        self.fail(what)

    def available(self, vm):
        return int(vm.run("awk '/MemAvailable/ {print $2}' /proc/meminfo")) * 1024

    def fill(self, vm):
        vm.run("mount -t tmpfs -o size=300m none /mnt && head -c 250000000 /dev/zero >/mnt/x")
        self.assertGreater(self.held(vm), 250 * self.MIB)

    def test_what_is_free_goes_back_unasked(self):
        with self.guest(balloon=True) as vm:
            vm.boot()
            vm.run("mkdir -p /mnt")
            vm.run(self.probe)
            self.fill(vm)
            vm.run("umount /mnt")
            self.until("freed memory stays with gh-vmm", lambda: self.held(vm) < 100 * self.MIB)
            self.fill(vm)
            self.assertEqual(vm.run("tr -d '\\0' </mnt/x | wc -c").strip(), "0")
            self.power_off(vm)

    def test_a_target(self):
        control = f"{self.folder}/control"
        values = config(initrd=self.initrd, balloon={"size": "200MiB"}, control=control)
        with Guest(values) as vm:
            vm.boot()
            before = self.available(vm)
            vm.run(self.probe)
            self.until("the balloon does not fill", lambda: self.available(vm) < before - 190 * self.MIB)
            subprocess.run([guest.VMM, "balloon", control, "20MiB"], check=True)
            self.until("the balloon does not empty", lambda: self.available(vm) > before - 40 * self.MIB)
            self.power_off(vm)

    def test_a_vm_without(self):
        control = f"{self.folder}/control"
        with Guest(config(initrd=self.initrd, control=control)) as vm:
            vm.boot()
            answer = subprocess.run([guest.VMM, "balloon", control, "20MiB"], capture_output=True)
            self.assertEqual(answer.returncode, 1)
            self.assertIn(b"this VM has no balloon", answer.stderr)
            self.power_off(vm)


if __name__ == "__main__":
    unittest.main()
