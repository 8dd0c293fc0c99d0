# SPDX-License-Identifier: BSD-3-Clause
"""gh-vmm is a client of every kernel generation: Debian boots on each emulated one and powers off."""
import json
import pathlib
import subprocess
import tempfile
import unittest

import guest
from guest import Guest, VMM, config

SHARE_ONLY = ["v11", "v12", "v13", "v14"]
LENDING = ["v10", "android14-early", "android14", "v15", "v16", "v17", "android15", "android16"]
LENT = {"size": "256MiB", "sharing": "lend", "swiotlb": "16MiB"}


class Shared(unittest.TestCase):
    """RAM is shared with the guest."""

    def test_every_generation(self):
        guest.need("vmlinuz", "initrd.gz")
        for name in LENDING + SHARE_ONLY:
            with self.subTest(name), Guest(config(memory="256MiB", hypervisor={"device": "emulated",
                                                                               "personality": name})) as vm:
                vm.boot()
                self.assertIn("aarch64", vm.run("uname -a"))
                vm.send("poweroff -f\n")
                self.assertEqual(vm.exit_code(), 0)


class Lent(unittest.TestCase):
    """RAM is lent, with a shared bounce buffer, under a Resource Manager that demands it."""

    def settings(self, name):
        return config(memory=LENT, hypervisor={"device": "emulated", "personality": name,
                                               "resource_manager": "production"})

    def test_every_generation_that_can(self):
        guest.need("vmlinuz", "initrd.gz")
        for name in LENDING:
            with self.subTest(name), Guest(self.settings(name)) as vm:
                vm.boot()
                # The buffer is right behind RAM, as our devicetree says, whether or not the Resource
                # Manager, which writes this range, heeds guest addresses.
                self.assertIn("restricted-dma@90000000", vm.run("ls /proc/device-tree/reserved-memory"))
                self.assertIn("node   0: [mem 0x0000000080000000-0x0000000090ffffff]",
                              vm.run("dmesg | grep 'node   0'"))
                vm.send("poweroff -f\n")
                self.assertEqual(vm.exit_code(), 0)

    def test_the_others_say_what_to_set(self):
        for name in SHARE_ONLY:
            with self.subTest(name), Guest(self.settings(name)) as vm:
                self.assertEqual(vm.exit_code(), 1)
                self.assertIn('set it to "share"', vm.stderr())


class Served(unittest.TestCase):
    """gh-vmm as an ordinary program, with a device that another gh-vmm serves."""

    def run_served(self, name, memory):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "config.json"
            path.write_text(json.dumps(config(memory=memory, hypervisor={"device": "kernel"})))
            return subprocess.run([VMM, "emulate", "--personality", name, "--", VMM, "run", str(path)],
                                  input="uname -a; stty sane; poweroff -f\n", capture_output=True, text=True,
                                  timeout=180 * guest.PATIENCE)

    def test_shared_memory(self):
        guest.need("vmlinuz", "initrd.gz")
        for name in ["v10", "v11", "v14", "android14", "v17", "android16"]:
            with self.subTest(name):
                done = self.run_served(name, "256MiB")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("aarch64", done.stdout)

    def test_lent_memory(self):
        guest.need("vmlinuz", "initrd.gz")
        for name in ["v10", "android14", "v17", "android15"]:
            with self.subTest(name):
                done = self.run_served(name, LENT)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("aarch64", done.stdout)


if __name__ == "__main__":
    unittest.main()
