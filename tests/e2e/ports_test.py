# SPDX-License-Identifier: BSD-3-Clause
"""Debian's drivers of the small virtio devices: random numbers."""
import tempfile
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


if __name__ == "__main__":
    unittest.main()
