# SPDX-License-Identifier: BSD-3-Clause
"""guest/unannounced.c in a Debian guest: code that changes without cache maintenance is stale by
contract and new by strict tracking, with both engines, on one vCPU and from one to another."""
import pathlib
import re
import subprocess
import tempfile
import unittest

import guest
from guest import Guest, config

ROUNDS = 2000


class Strict(unittest.TestCase):
    def stale(self, cpus, *options):
        guest.need("vmlinuz", "busybox")
        with tempfile.TemporaryDirectory() as folder:
            program, initrd = pathlib.Path(folder) / "unannounced", pathlib.Path(folder) / "initrd.gz"
            source = pathlib.Path(__file__).parent / "guest/unannounced.c"
            subprocess.run(["aarch64-linux-gnu-gcc", "-O2", "-static", "-pthread", "-Wall", "-Wextra", "-Werror",
                            "-o", program, source], check=True)
            subprocess.run([guest.ROOT / "scripts/make-initrd", initrd, f"{program}=bin/unannounced"], check=True)
            with Guest(config(initrd=str(initrd), cpus=cpus), options=options) as vm:
                vm.boot(seconds=240)
                said = vm.run(f"/bin/unannounced {ROUNDS} {cpus}", seconds=240)
                vm.send("poweroff -f\n")
                self.assertEqual(vm.exit_code(), 0)
        return int(re.search(rf"stale (\d+) of {ROUNDS}", said)[1])

    def test_contract(self):
        self.assertGreater(self.stale(1), ROUNDS // 2)

    def test_1(self):
        self.assertEqual(self.stale(1, "--code", "strict"), 0)

    def test_1_interpreter(self):
        self.assertEqual(self.stale(1, "--code", "strict", "--engine", "interpreter"), 0)

    def test_2(self):
        self.assertEqual(self.stale(2, "--code", "strict"), 0)

    def test_2_interpreter(self):
        self.assertEqual(self.stale(2, "--code", "strict", "--engine", "interpreter"), 0)


if __name__ == "__main__":
    unittest.main()
