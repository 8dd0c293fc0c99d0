# SPDX-License-Identifier: BSD-3-Clause
"""What a running VM may still do: told by /proc, and tried by an intruder in gh-vmm's own threads."""
import hashlib
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import unittest
import urllib.request

import faults
import guest
import injected_call
import net_test
import ports_test
import tiny_test
from guest import Guest, config
from injected_call import call

AT_FDCWD = -100
PROT_ALL, MAP_ANONYMOUS = 7, 0x22


def confinement(thread):
    """Lines of /proc/PID/task/TID/status."""
    lines = (line.split(":", 1) for line in (thread / "status").read_text().splitlines())
    return {name: value.strip() for name, value in lines}


class Sandbox(unittest.TestCase):
    def setUp(self):
        guest.need("vmlinuz-cloud", "initrd.gz")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.disk = self.folder / "disk.img"
        self.disk.write_bytes(bytes(1 << 20))
        self.outside = self.folder / "outside"
        self.outside.write_text("nobody's business")

    def vm(self, sandbox, **changes):
        return Guest(config(kernel=str(guest.GUEST / "vmlinuz-cloud"), sandbox=sandbox,
                            disks=[{"path": str(self.disk), "readonly": True}], **changes))

    def threads(self, vm):
        return list(pathlib.Path(f"/proc/{vm.process.pid}/task").iterdir())

    def test_every_thread_of_a_running_vm_is_confined(self):
        with self.vm("on", cpus=2) as vm:
            vm.boot()
            threads = self.threads(vm)
            self.assertGreaterEqual(len(threads), 4)
            for thread in threads:
                state = confinement(thread)
                with self.subTest(thread=state["Name"]):
                    self.assertEqual(state["Seccomp"], "2")
                    self.assertEqual(state["NoNewPrivs"], "1")
                    for capabilities in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
                        self.assertEqual(int(state[capabilities], 16), 0)
            vm.send("poweroff -f\n")
            self.assertEqual(vm.exit_code(), 0)

    def test_off_is_off(self):
        before = confinement(pathlib.Path("/proc/self"))
        with self.vm("off") as vm:
            vm.boot()
            for thread in self.threads(vm):
                state = confinement(thread)
                for name in ("Seccomp", "NoNewPrivs", "CapEff"):
                    self.assertEqual(state[name], before[name])

    @unittest.skipUnless(injected_call.AVAILABLE, "injects x86-64 system calls")
    def test_an_intruder_gets_nowhere_in_any_thread(self):
        with self.vm("on") as vm:
            vm.boot()
            for thread in self.threads(vm):
                number = int(thread.name)
                with self.subTest(thread=(thread / "comm").read_text()):
                    self.assertEqual(call(number, injected_call.OPENAT, AT_FDCWD, str(self.outside), os.O_RDONLY),
                                     "EACCES")
                    self.assertEqual(call(number, injected_call.OPENAT, AT_FDCWD, str(self.disk), os.O_RDWR), "EACCES")
                    self.assertGreaterEqual(
                        call(number, injected_call.OPENAT, AT_FDCWD, str(self.disk), os.O_RDONLY), 0)
                    self.assertEqual(call(number, injected_call.EXECVE, "/bin/sh", 0, 0), "SIGSYS")
                    self.assertEqual(call(number, injected_call.FORK), "SIGSYS")
                    self.assertEqual(call(number, injected_call.SOCKET, socket.AF_INET, socket.SOCK_STREAM, 0), "SIGSYS")
                    self.assertEqual(call(number, injected_call.MMAP, 0, 4096, PROT_ALL, MAP_ANONYMOUS, -1, 0), "SIGSYS")
                    self.assertEqual(call(number, injected_call.PTRACE, 0, 0, 0, 0), "SIGSYS")
            vm.send("poweroff -f\n")  # and nothing of it hurt
            self.assertEqual(vm.exit_code(), 0)

    def test_all_kinds_of_serial_lines(self):
        lines = ["stdio", {"type": "file", "path": str(self.folder / "log")},
                 {"type": "socket", "path": str(self.folder / "socket")},
                 {"type": "pty", "path": str(self.folder / "pty")}]
        with self.vm("on", serial=lines) as vm:
            vm.boot()
            vm.run("echo to the file >/dev/ttyS1")
            with socket.socket(socket.AF_UNIX) as client, open(self.folder / "pty", "rb") as terminal:
                client.connect(str(self.folder / "socket"))
                vm.run("stty -F /dev/ttyS2 raw; stty -F /dev/ttyS3 raw; echo to the socket >/dev/ttyS2")
                self.assertEqual(client.recv(13, socket.MSG_WAITALL), b"to the socket")
                vm.run("echo to the terminal >/dev/ttyS3")
                self.assertEqual(terminal.read(15), b"to the terminal")
            vm.send("poweroff -f\n")
            self.assertEqual(vm.exit_code(), 0)
        self.assertIn("to the file", (self.folder / "log").read_text())
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["disk.img", "log", "outside"])


class Devices(ports_test.Vsock):
    """Devices of all kinds, in machines that are built anew in the confined process."""
    MODULES = [*net_test.MODULES[1:], "virtio_blk", *ports_test.Rng.MODULES, *ports_test.Console.MODULES,
               *ports_test.Vsock.MODULES, *ports_test.Balloon.MODULES]
    test_both_ways = None

    def config(self, **changes):
        self.disk, self.log, self.control = (f"{self.folder}/{name}" for name in ("disk", "log", "control"))
        pathlib.Path(self.disk).write_bytes(bytes(8 << 20))
        console = [{"type": "file", "path": self.log},
                   {"type": "socket", "path": f"{self.folder}/agent", "name": "agent"}]
        return config(initrd=self.initrd, cpus=2, disks=[{"path": self.disk, "queues": 2}], console=console,
                      vsock={"cid": 77, "path": self.path}, balloon=True, control=self.control, sandbox="on",
                      on_reboot="restart", **changes)

    def use(self, vm, number, network):
        vm.boot()
        vm.run("dmesg -n 1 && " + self.probe)  # the kernel says nothing between
        said = f"machine {number}"
        self.assertEqual(vm.run("head -c 9 /dev/vda | tr -d '\\0'"), f"machine {number - 1}" if number else "")
        vm.run(f"echo -n {said} | dd of=/dev/vda conv=fsync,notrunc 2>/dev/null")
        with open(self.disk, "rb") as disk:
            self.assertEqual(disk.read(9).decode(), said)
        vm.run(f"echo {said} >/dev/hvc0; dd if=/dev/hwrng bs=64 count=1 >/dev/null 2>&1")
        self.assertEqual(pathlib.Path(self.log).read_text().strip(), said)
        vm.run("vsock echo 5000 & sleep 1")
        self.assertEqual(self.echo(5000, self.data), self.data)
        subprocess.run([guest.VMM, "balloon", self.control, "20MiB"], check=True)
        network(vm)

    def three_machines(self, vm, network):
        for number, end in enumerate((lambda: vm.send("reboot -f\n"),
                                      lambda: subprocess.run([guest.VMM, "reset", self.control], check=True),
                                      lambda: vm.send("poweroff -f\n"))):
            self.use(vm, number, network)
            end()
        self.assertEqual(vm.exit_code(), 0)
        self.assertIn("confined: by Landlock", vm.stderr())

    def test_user_mode_networking(self):
        if not shutil.which("passt"):
            self.skipTest("passt is not installed")
        port = net_test.free_port()

        def network(vm):
            """passt is the one of the first machine, and its port is forwarded to each."""
            vm.run("ip link set lo up && ip link set eth0 up && udhcpc -q -n -t 10 -i eth0 -s /lease")
            vm.run("mkdir -p /tmp/www; cp /bin/vsock /tmp/www; httpd -p 80 -h /tmp/www")
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/vsock", timeout=60 * guest.PATIENCE) as reply:
                self.assertIn(hashlib.sha256(reply.read()).hexdigest(), vm.run("sha256sum /bin/vsock"))
        self.initrd, _ = guest.with_modules(self.folder, ["virtio_mmio", *self.MODULES],
                                            [f"{guest.ROOT}/scripts/guest/lease=lease"], **self.PROGRAMS)
        with Guest(self.config(net={"forward": [{"host": port, "guest": 80}]}), options=["-v"]) as vm:
            self.three_machines(vm, network)

    def test_tap(self):
        namespace = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
        make = "ip tuntap add dev tap0 mode tap && ip link set tap0 up && ip addr add 192.0.2.1/24 dev tap0"
        made = subprocess.run([*namespace, "sh", "-c", make], capture_output=True, text=True)
        if made.returncode:
            self.skipTest(f"no tap can be made here: {made.stderr.strip()}")

        def network(vm):
            vm.run("ip addr add 192.0.2.2/24 dev eth0 && ip link set eth0 up && ping -c 3 -s 1400 192.0.2.1")
        with Guest(self.config(net={"tap": "tap0"}), before=[*namespace, "sh", "-c", f'{make} && exec "$@"', "-"],
                   options=["-v"]) as vm:
            self.three_machines(vm, network)


@unittest.skipUnless(faults.AVAILABLE, "filters x86-64 system calls")
class WithoutLandlock(unittest.TestCase):
    """A kernel of before 5.13, played by a filter."""
    def boot(self, when):
        return tiny_test.boot("-v", "--sandbox", when, before_exec=lambda: faults.refuse(["landlock_create_ruleset"]))

    def test_auto_does_what_it_can_and_tells(self):
        result = self.boot("auto")
        self.assertEqual((result.returncode, result.stdout.replace("\r", "")), (0, tiny_test.LINE))
        self.assertIn("less confined: Landlock: landlock_create_ruleset: Function not implemented", result.stderr)

    def test_on_refuses_to_start(self):
        result = self.boot("on")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn("Landlock: landlock_create_ruleset: Function not implemented", result.stderr)
        self.assertIn('"sandbox": "on"', result.stderr)


if __name__ == "__main__":
    unittest.main()
