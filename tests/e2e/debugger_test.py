# SPDX-License-Identifier: BSD-3-Clause
"""A debugger works inside the guest: single steps, hardware breakpoints and watchpoints."""
import pathlib
import subprocess
import tempfile
import unittest

import guest
from guest import Guest, config


class Debugger(unittest.TestCase):
    def test_ptrace(self):
        guest.need("vmlinuz", "busybox")
        with tempfile.TemporaryDirectory() as folder:
            program, initrd = pathlib.Path(folder) / "hwdebug", pathlib.Path(folder) / "initrd.gz"
            source = pathlib.Path(__file__).parent / "guest/hwdebug.c"
            subprocess.run(["aarch64-linux-gnu-gcc", "-O1", "-static", "-Wall", "-Wextra", "-Werror",
                            "-o", program, source], check=True)
            subprocess.run([guest.ROOT / "scripts/make-initrd", initrd, f"{program}=bin/hwdebug"], check=True)
            with Guest(config(initrd=str(initrd), cpus=2)) as vm:
                vm.boot()
                self.assertEqual(vm.run("hwdebug").strip(),
                                 "hwdebug: breakpoint, 8 steps, watchpoint before the store")
                vm.send("poweroff -f\n")
                self.assertEqual(vm.exit_code(), 0)


if __name__ == "__main__":
    unittest.main()
