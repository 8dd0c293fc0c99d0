# SPDX-License-Identifier: BSD-3-Clause
"""The small devices of the board, as Debian's kernel uses them."""
import pathlib
import subprocess
import tempfile
import time
import unittest

import guest
from guest import Guest, config

MODULES = ("evdev", "gpio_keys", "sp805_wdt")


class Platform(unittest.TestCase):
    def setUp(self):
        guest.need("vmlinuz", "busybox", *(f"modules/{name}.ko" for name in MODULES))
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.initrd = pathlib.Path(self.folder.name) / "initrd.gz"
        files = [f"{guest.GUEST}/modules/{name}.ko=lib/{name}.ko" for name in MODULES]
        subprocess.run([guest.ROOT / "scripts/make-initrd", self.initrd, *files], check=True)

    def vm(self, **changes):
        return Guest(config(initrd=str(self.initrd), **changes))

    def test_the_guest_knows_the_time(self):
        with self.vm() as vm:
            vm.boot()
            self.assertIn("rtc-pl031", vm.run("cat /sys/class/rtc/rtc0/name"))
            self.assertAlmostEqual(int(vm.run("date +%s")), time.time(), delta=5)
            since_epoch = int(vm.run("cat /sys/class/rtc/rtc0/since_epoch"))
            self.assertAlmostEqual(since_epoch, time.time(), delta=5)

    def test_an_alarm_of_the_clock_interrupts(self):
        with self.vm() as vm:
            vm.boot()
            before = vm.run("grep rtc /proc/interrupts | awk '{print $2}'")
            vm.run("echo +2 > /sys/class/rtc/rtc0/wakealarm && sleep 4")
            after = vm.run("grep rtc /proc/interrupts | awk '{print $2}'")
            self.assertEqual(int(before) + 1, int(after))

    def test_the_power_button_is_an_input_device(self):
        with self.vm() as vm:
            vm.boot()
            vm.run("insmod /lib/evdev.ko && insmod /lib/gpio_keys.ko")
            self.assertIn('N: Name="gpio-keys"', vm.run("cat /proc/bus/input/devices"))
            self.assertRegex(vm.run("cat /proc/interrupts"), r"pl061|30011000\.gpio .*Power Button")

    def test_a_watchdog_that_is_fed_lets_the_guest_live(self):
        with self.vm(watchdog=True) as vm:
            vm.boot()
            vm.run("insmod /lib/sp805_wdt.ko")
            vm.run("watchdog -T 4 -t 1 /dev/watchdog && sleep 6")
            vm.send("poweroff -f\n")
            self.assertEqual(vm.exit_code(), 0)

    def test_a_watchdog_that_starves_bites(self):
        with self.vm(watchdog=True) as vm:
            vm.boot()
            vm.run("insmod /lib/sp805_wdt.ko")
            vm.send("watchdog -F -T 2 -t 100 /dev/watchdog\n")
            self.assertEqual(vm.exit_code(), 36)
            self.assertIn("watchdog", vm.stderr())

    def test_a_panic_that_is_told_is_34(self):
        """Debian's kernel has no driver for pvpanic: its one store is done by hand."""
        with self.vm() as vm:
            vm.boot()
            self.assertEqual(vm.run("devmem 0x30013000 8").strip(), "0x03")
            vm.send("devmem 0x30013000 8 1\n")
            self.assertEqual(vm.exit_code(), 34)
            self.assertIn("the guest panicked", vm.stderr())

    def test_without_them_there_are_none(self):
        with self.vm(rtc=False, power_button=False, pvpanic=False) as vm:
            vm.boot()
            self.assertEqual(vm.run("ls /sys/class/rtc /sys/bus/amba/devices").split(),
                             ["/sys/bus/amba/devices:", "/sys/class/rtc:"])


if __name__ == "__main__":
    unittest.main()
