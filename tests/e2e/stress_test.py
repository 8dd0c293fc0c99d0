# SPDX-License-Identifier: BSD-3-Clause
"""guest/stress.c in a Debian guest: processes, signals, rights, atomics, code that changes.

As a program: stress_test.py SECONDS CPUS [OPTION...], the options being those of gh-vmm run; it
prints what gh-vmm itself holds while the guest works (scripts/soak)."""
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

import guest
from guest import Guest, config


def stressed(folder, cpus, options=()):
    """A guest that has the program."""
    guest.need("vmlinuz", "busybox")
    program, initrd = pathlib.Path(folder) / "stress", pathlib.Path(folder) / "initrd.gz"
    source = pathlib.Path(__file__).parent / "guest/stress.c"
    subprocess.run(["aarch64-linux-gnu-gcc", "-O2", "-static", "-pthread", "-Wall", "-Wextra", "-Werror",
                    "-o", program, source], check=True)
    subprocess.run([guest.ROOT / "scripts/make-initrd", initrd, f"{program}=bin/stress"], check=True)
    return Guest(config(initrd=str(initrd), cpus=cpus), options=options)


class Stress(unittest.TestCase):
    def stress(self, cpus, *options):
        with tempfile.TemporaryDirectory() as folder, stressed(folder, cpus, options) as vm:
            vm.boot(seconds=240)
            self.assertIn("stress: good", vm.run(f"/bin/stress 8 {cpus}", seconds=240))
            self.assertNotRegex(vm.run("dmesg"), r"(?i)unable to handle|call trace|rcu.*stall|undefined instruction")
            vm.send("poweroff -f\n")
            self.assertEqual(vm.exit_code(), 0)

    def test_1(self):
        self.stress(1)

    def test_2(self):
        self.stress(2)

    def test_8(self):
        self.stress(8)

    def test_2_interpreter(self):
        self.stress(2, "--engine", "interpreter")


def held(pid):
    """Resident memory in MiB and open files of a process."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    resident = int(status.split("VmRSS:")[1].split()[0]) // 1024
    return resident, len(os.listdir(f"/proc/{pid}/fd"))


def soak(seconds, cpus, options):
    """Runs for so long; returns an exit status. What gh-vmm holds may grow no more once the guest
    has touched its memory, which the first third is for."""
    with tempfile.TemporaryDirectory() as folder, stressed(folder, cpus, options) as vm:
        vm.boot(seconds=240)
        begin, spent, settled, last = time.monotonic(), 0, None, (0, 0)
        while spent < seconds:
            if "stress: good" not in vm.run(f"/bin/stress {min(30, seconds)} {cpus}", seconds=300):
                return 1
            spent, last = time.monotonic() - begin, held(vm.process.pid)
            if settled is None and spent > seconds / 3:
                settled = last
            print(f"{spent:6.0f} s: {last[0]} MiB resident, {last[1]} files open", flush=True)
        vm.send("poweroff -f\n")
        if vm.exit_code() != 0:
            return 1
    settled = settled or last
    if last[0] > settled[0] * 1.05 + 8 or last[1] > settled[1]:
        print(f"grew from {settled[0]} MiB and {settled[1]} files to {last[0]} MiB and {last[1]} files")
        return 1
    print("soak: good")
    return 0


if __name__ == "__main__":
    if len(sys.argv) >= 3:
        sys.exit(soak(float(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
    unittest.main()
