# SPDX-License-Identifier: BSD-3-Clause
"""How a VM is spoken to and how it ends: pipes, terminals, signals, exit codes."""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import termios
import time
import unittest

import guest
import tiny_test
from guest import Guest, config
from gunyah import STATIC, Tree


class Lifecycle(unittest.TestCase):
    def setUp(self):
        guest.need("vmlinuz-cloud", "initrd.gz")

    def vm(self, **options):
        return Guest(config(kernel=str(guest.GUEST / "vmlinuz-cloud")), **options)

    def test_commands_from_a_pipe(self):
        """All input is there before the guest runs: nothing of it may be lost."""
        read, write = os.pipe()
        os.write(write, b"uname -a; cat /proc/cpuinfo; stty sane; poweroff -f\n")
        os.close(write)
        with self.vm(stdin=read) as vm:
            os.close(read)
            vm.expect(r"Linux guest 6\.1\S* .*aarch64", seconds=240)
            vm.expect(r"processor\s*: 0")
            self.assertEqual(vm.exit_code(), 0)

    def test_reboot_is_32(self):
        with self.vm() as vm:
            vm.boot().send("reboot -f\n")
            self.assertEqual(vm.exit_code(), 32)

    def test_sigterm_ends_in_order(self):
        with self.vm() as vm:
            vm.boot().signal(signal.SIGTERM)
            self.assertGreaterEqual(vm.exit_code(), 0)
            self.assertNotIn("terminate called", vm.stderr())

    def test_sigint_ends_in_order(self):
        with self.vm() as vm:
            vm.boot().signal(signal.SIGINT)
            self.assertGreaterEqual(vm.exit_code(), 0)

    def test_escape_ends_and_restores_the_terminal(self):
        with self.vm(terminal=True) as vm:
            vm.boot()
            self.assertFalse(vm.mode()[3] & termios.ICANON, "the terminal is raw")
            vm.send(b"\x01x")
            vm.exit_code()
            self.assertEqual(vm.mode(), vm.mode_before)

    def test_sigterm_restores_the_terminal(self):
        with self.vm(terminal=True) as vm:
            vm.boot().signal(signal.SIGTERM)
            vm.exit_code()
            self.assertEqual(vm.mode(), vm.mode_before)

    def test_job_control(self):
        """Ctrl-C ends the command in the guest, not the VM."""
        with self.vm(terminal=True) as vm:
            vm.boot().send("sleep 1000\n")
            vm.expect("sleep 1000")
            time.sleep(2)
            vm.send(b"\x03")
            vm.expect(guest.PROMPT)
            self.assertIn("still here", vm.run("echo still here"))

    def test_closed_stdin_does_not_spin(self):
        read, write = os.pipe()
        os.close(write)
        with self.vm(stdin=read) as vm:
            os.close(read)
            vm.boot()
            time.sleep(2)  # the shell settles
            before = vm.cpu_seconds()
            time.sleep(4)
            self.assertLess(vm.cpu_seconds() - before, 1.0)


class Refusals(unittest.TestCase):
    def run_config(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "config.json"
            path.write_text(text)
            return subprocess.run([guest.VMM, "run", str(path)], capture_output=True, text=True,
                                  stdin=subprocess.DEVNULL, timeout=60)

    def test_bad_config_is_35(self):
        result = self.run_config('{"name": "x", "kernel": "/nowhere/vmlinuz", "cpsu": 2}')
        self.assertEqual(result.returncode, 35)
        self.assertIn("cpus", result.stderr)  # did you mean
        self.assertIn("/nowhere/vmlinuz", result.stderr)  # and the other error in the same go

    def test_bad_arguments_are_35(self):
        result = subprocess.run([guest.VMM, "run", "--no-such-option"], capture_output=True, timeout=60)
        self.assertEqual(result.returncode, 35)

    def test_a_vm_that_nobody_could_run_is_refused(self):
        """An overlay takes the vCPUs from gh-vmm, and gives them to the hypervisor."""
        overlay = Tree()
        vcpus = {key.replace("_", "-"): value for key, value in STATIC.items()}
        overlay.node("", {}, lambda: overlay.node(
            "fragment@0", {"target-path": "/gunyah-vm-config/vcpus"}, lambda: overlay.node("__overlay__", vcpus)))
        with tempfile.TemporaryDirectory() as folder:
            kernel, dtbo = pathlib.Path(folder) / "kernel", pathlib.Path(folder) / "overlay.dtbo"
            kernel.write_bytes(tiny_test.image())
            dtbo.write_bytes(overlay.blob())
            result = self.run_config(json.dumps({"kernel": str(kernel), "memory": "16MiB",
                                                 "dtb": {"overlays": [str(dtbo)]}}))
        self.assertEqual(result.returncode, 1)
        self.assertIn("the hypervisor runs the vCPUs itself", result.stderr)

    def test_wrong_architecture_is_refused(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(pathlib.Path("/bin/true").read_bytes())
            file.flush()
            result = self.run_config('{"name": "x", "kernel": "%s"}' % file.name)
        self.assertIn(result.returncode, (1, 35))
        self.assertIn(file.name, result.stderr)


if __name__ == "__main__":
    unittest.main()
