# SPDX-License-Identifier: BSD-3-Clause
"""Debian's arm64 kernels boot to a shell and run commands, with 1, 2 and 8 vCPUs."""
import unittest

import guest
from guest import Guest, config


class Boot(unittest.TestCase):
    options = ()

    def boots(self, kernel, cpus):
        guest.need(kernel, "initrd.gz")
        with Guest(config(kernel=str(guest.GUEST / kernel), cpus=cpus), options=self.options) as vm:
            vm.boot(seconds=240)
            self.assertRegex(vm.run("uname -a"), r"Linux guest 6\.1\..* aarch64")
            self.assertEqual(vm.run("cat /proc/cpuinfo").count("processor"), cpus)
            # Every CPU works and gives the same answer.
            hashes = vm.run(f"for i in $(seq {cpus}); do taskset -c $((i - 1)) sha256sum /bin/busybox & done; wait")
            self.assertEqual(len(set(line.split()[0] for line in hashes.splitlines() if "busybox" in line)), 1)
            self.assertEqual(hashes.count("/bin/busybox"), cpus)
            self.assertNotRegex(vm.run("dmesg"), r"(?i)unable to handle|call trace|rcu.*stall|undefined instruction")
            vm.send("poweroff -f\n")
            self.assertEqual(vm.exit_code(), 0)

    def test_generic_1(self):
        self.boots("vmlinuz", 1)

    def test_generic_2(self):
        self.boots("vmlinuz", 2)

    def test_generic_8(self):
        self.boots("vmlinuz", 8)

    def test_cloud_1(self):
        self.boots("vmlinuz-cloud", 1)

    def test_cloud_2(self):
        self.boots("vmlinuz-cloud", 2)

    def test_cloud_8(self):
        self.boots("vmlinuz-cloud", 8)


class InterpretedBoot(Boot):
    options = ("--engine", "interpreter")


class Installer(unittest.TestCase):
    options = ()

    def test_first_screen(self):
        """The text installer asks for the language."""
        guest.need("installer/linux", "installer/initrd.gz")
        values = config(kernel=str(guest.GUEST / "installer/linux"), memory="1GiB",
                        initrd=str(guest.GUEST / "installer/initrd.gz"),
                        params=["console=ttyS0", "DEBIAN_FRONTEND=text"])
        with Guest(values, options=self.options) as vm:
            vm.expect(r"Select a language", seconds=400)
            vm.expect(r"English")


class InterpretedInstaller(Installer):
    options = ("--engine", "interpreter")


if __name__ == "__main__":
    unittest.main()
