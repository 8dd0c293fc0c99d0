# SPDX-License-Identifier: BSD-3-Clause
"""GDB debugs Debian's kernel from outside: --gdb."""
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import guest
from guest import Guest, config


def gdb(*commands):
    """What GDB says to a script of commands."""
    options = [part for command in commands for part in ("-ex", command)]
    result = subprocess.run(["gdb-multiarch", "-nx", "-batch", "-ex", "set pagination off",
                             "-ex", "set architecture aarch64", *options], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            timeout=120 * guest.PATIENCE, check=False)
    return result.stdout


class Debugger(unittest.TestCase):
    engine = "auto"

    def setUp(self):
        guest.need("vmlinuz", "initrd.gz")
        if not shutil.which("gdb-multiarch"):
            raise unittest.SkipTest("gdb-multiarch is not installed")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.socket = str(pathlib.Path(folder.name) / "gdb")

    def vm(self, suffix="", **changes):
        values = config(params=["console=ttyS0", "nokaslr"], **changes)
        return Guest(values, options=["--engine", self.engine, "--gdb", self.socket + suffix])

    def initrd(self, *modules):
        """The shell's, with modules in /lib."""
        guest.need(*(f"modules/{name}.ko" for name in modules))
        path = str(pathlib.Path(self.socket).parent / "initrd.gz")
        subprocess.run([guest.ROOT / "scripts/make-initrd", path,
                        *(f"{guest.GUEST}/modules/{name}.ko=lib/{name}.ko" for name in modules)], check=True)
        return path

    def address(self, vm, symbol):
        listed = vm.run(f"grep ' {symbol}$' /proc/kallsyms")
        return int(listed.split()[0], 16)

    def test_a_breakpoint_steps_and_a_watchpoint_in_a_system_call(self):
        with self.vm(",nowait", cpus=2) as vm:
            vm.boot()
            call = self.address(vm, "__arm64_sys_sethostname")
            vm.run("(while sleep 0.2; do hostname second; done) & true")
            said = gdb(f"target remote {self.socket}", f"hbreak *{call:#x}", "info threads", "continue",
                       "info registers pc", "x/i $pc", "stepi", "stepi", "info registers pc",
                       "continue", "delete",
                       # The call's result goes to the first word of struct pt_regs.
                       "watch -location *(unsigned long *)$x0", "continue", "print/x $ESR_EL1 >> 26", "detach")
            self.assertRegex(said, r"Thread 1 .*vCPU 0")
            self.assertRegex(said, r"Thread 2 .*vCPU 1")
            self.assertEqual(said.count(f"hit Breakpoint 1, {call:#018x} in ?? ()"), 2, said)
            steps = [int(pc, 16) for pc in re.findall(r"^pc +(0x[0-9a-f]+)", said, re.M)]
            self.assertEqual(steps, [call, call + 8], said)
            self.assertRegex(said, r"hit Hardware watchpoint 2: [^\n]*\n\nOld value = \d+\nNew value = 0\n")
            self.assertIn("$1 = 0x15", said)  # ESR_EL1.EC: SVC
            self.assertIn("second", vm.run("hostname"))
            vm.send("poweroff -f\n")
            self.assertEqual(vm.exit_code(), 0)

    def test_the_guest_waits_for_its_debugger_and_ends_with_it(self):
        with self.vm() as vm:
            self.assertIn("[Inferior 1 (Remote target) killed]", gdb(
                f"target remote {self.socket}", "stepi", "info registers pc", "kill"))
            self.assertEqual(vm.exit_code(), 0)
            self.assertEqual(vm.seen, b"")

    def test_a_signal_ends_a_vm_that_stands(self):
        with self.vm(cpus=2) as vm:
            time.sleep(2)
            vm.signal(signal.SIGINT)
            self.assertEqual(vm.exit_code(20), 0)
            self.assertIn("ended by SIGINT", vm.stderr())

    def test_the_watchdog_stands_still_while_the_guest_does(self):
        with self.vm(",nowait", initrd=self.initrd("sp805_wdt"), watchdog=True) as vm:
            vm.boot()
            vm.run("insmod /lib/sp805_wdt.ko && watchdog -T 4 -t 1 /dev/watchdog")
            gdb(f"target remote {self.socket}", "shell sleep 10", "detach")
            vm.run("sleep 6")
            vm.send("poweroff -f\n")
            self.assertEqual(vm.exit_code(), 0)

    def test_the_power_button_by_a_command(self):
        with self.vm(",nowait", initrd=self.initrd("evdev", "gpio_keys")) as vm:
            vm.boot()
            vm.run("insmod /lib/evdev.ko && insmod /lib/gpio_keys.ko")
            vm.send("hexdump -n 96 -e '4/4 \"%u \" 2/2 \"%u \" 1/4 \"%u\\n\"' /dev/input/event0; poweroff -f\n")
            vm.expect("hexdump")
            time.sleep(2)  # it reads
            self.assertIn("pressed", gdb(f"target remote {self.socket}", "monitor powerbtn", "detach"))
            vm.expect(r" 01 1161\r?\n")  # EV_KEY 1, KEY_POWER 116, pressed; hexdump joins the last of each size
            vm.expect(r" 01 1160\r?\n")
            self.assertEqual(vm.exit_code(), 0)


class InterpretedDebugger(Debugger):
    engine = "interpreter"
    test_the_power_button_by_a_command = None
    test_a_signal_ends_a_vm_that_stands = None


if __name__ == "__main__":
    unittest.main()
