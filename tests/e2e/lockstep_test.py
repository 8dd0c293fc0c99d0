# SPDX-License-Identifier: BSD-3-Clause
"""Debian with every hot unit run by the interpreter and as translated code, and compared."""
import gzip
import hashlib
import pathlib
import re
import subprocess
import tempfile
import unittest

import guest
from guest import Guest, config
from selfcheck_test import known_data
from stress_test import stressed

OPTIONS = ("--engine", "lockstep")


class Lockstep(unittest.TestCase):
    def ends_without_differences(self, vm, millions):
        """Powers off; at least so many million instructions were compared, and nothing differed."""
        vm.send("poweroff -f\n")
        self.assertEqual(vm.exit_code(), 0)
        summary = re.search(r"lock step: .* (\d+) instructions compared, .* (\d+) differences", vm.stderr())
        self.assertIsNotNone(summary, vm.stderr())
        self.assertEqual(summary[2], "0")
        self.assertGreater(int(summary[1]), millions * 1_000_000)

    def test_boot_and_commands(self):
        guest.need("vmlinuz", "busybox")
        data = known_data(1 << 18)
        with tempfile.TemporaryDirectory() as folder:
            files = {"data": data, "data.gz": gzip.compress(data)}
            for name, content in files.items():
                (pathlib.Path(folder) / name).write_bytes(content)
            initrd = pathlib.Path(folder) / "initrd.gz"
            subprocess.run([guest.ROOT / "scripts/make-initrd", initrd,
                            *(f"{folder}/{name}=data/{name}" for name in files)], check=True)
            with Guest(config(initrd=str(initrd)), options=OPTIONS) as vm:
                vm.boot(seconds=300)
                for name in ("md5", "sha1", "sha256", "sha512"):
                    self.assertIn(hashlib.new(name, data).hexdigest(), vm.run(f"{name}sum /data/data"), name)
                sha256 = hashlib.sha256(data).hexdigest()
                for command in ("gunzip -c /data/data.gz", "gzip -9 -c /data/data | gunzip -c"):
                    self.assertIn(sha256, vm.run(f"{command} | sha256sum", seconds=240), command)
                self.assertIn("busybox", vm.run("find / -xdev -name 'busybox*'; ls -l / | sort | md5sum"))
                self.ends_without_differences(vm, 500)

    def test_stress(self):
        with tempfile.TemporaryDirectory() as folder, stressed(folder, 1, OPTIONS) as vm:
            vm.boot(seconds=300)
            self.assertIn("stress: good", vm.run("/bin/stress 4 1", seconds=300))
            self.ends_without_differences(vm, 500)

    def test_several_vcpus_are_refused(self):
        guest.need("vmlinuz")
        with Guest(config(cpus=2), options=OPTIONS) as vm:
            self.assertEqual(vm.exit_code(), 35)
            self.assertIn("cpus: got 2; expected 1, as hypervisor.engine is lockstep", vm.stderr())


if __name__ == "__main__":
    unittest.main()
