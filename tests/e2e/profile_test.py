# SPDX-License-Identifier: BSD-3-Clause
"""gh-vmm run --profile: a whole boot, its report and its map for perf."""
import pathlib
import re
import tempfile
import unittest

import guest
from guest import Guest, config


FUNCTIONS = "vectors|el0t_64_sync|el0_svc|do_page_fault|__pi_clear_page|clear_page|__pi_memset|memset"


class Profile(unittest.TestCase):
    def setUp(self):
        guest.need("vmlinuz-cloud", "initrd.gz")
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def boot(self, *options):
        """Boots and powers off; returns the report, the map and what kallsyms said."""
        report = pathlib.Path(self.folder.name) / "report"
        values = config(kernel=str(guest.GUEST / "vmlinuz-cloud"), cpus=2)
        with Guest(values, options=[f"--profile={report}", *options]) as vm:
            path = pathlib.Path(f"/tmp/perf-{vm.process.pid}.map")
            self.addCleanup(path.unlink, missing_ok=True)
            vm.boot()
            functions = vm.run(f"grep -E ' [tT] ({FUNCTIONS})$' /proc/kallsyms")
            vm.send("poweroff -f\n")
            self.assertEqual(vm.exit_code(), 0)
        return report.read_text(), path.read_text() if path.exists() else "", functions

    def row(self, report, label):
        """The last number of a row: that of all vCPUs."""
        match = re.search(rf"^ *{re.escape(label)} .*?(\d+)$", report, re.MULTILINE)
        self.assertIsNotNone(match, f"no row {label!r} in\n{report}")
        return int(match[1])

    def check_tables(self, report):
        for label in ("interrupts taken", "system calls", "exits: access to a device",
                      "exits: asleep (WFI, CPU_SUSPEND)", "hypercalls (HVC, SMC)",
                      "accesses to timer registers", "table walks, EL1 data",
                      "table walks, EL0 data", "blocks decoded", "on the clock"):
            self.assertGreater(self.row(report, label), 0, label)
        self.assertIn("PSCI CPU_ON", report)
        self.assertIn("PSCI SYSTEM_OFF", report)
        shares = [float(share) for share in re.findall(r"^ *([\d.]+)% +\d+ +\d+  T[01] EL[01]",
                                                       report, re.MULTILINE)]
        self.assertGreater(len(shares), 10)
        self.assertEqual(shares, sorted(shares, reverse=True))
        self.assertLessEqual(sum(shares), 101)

    def test_interpreter(self):
        report, _, _ = self.boot("--engine", "interpreter")
        self.check_tables(report)
        self.assertGreater(self.row(report, "instructions, interpreted"), 100_000_000)
        self.assertEqual(self.row(report, "instructions, translated"), 0)

    def test_translator(self):
        """Twice: the second time with the first's symbols, which KASLR has moved since."""
        report, perf_map, functions = self.boot()
        self.check_tables(report)
        if not perf_map:
            self.skipTest("this gh-vmm was built without the translator")
        self.assertGreater(self.row(report, "instructions, translated"),
                           self.row(report, "instructions, interpreted"))
        self.check_map(perf_map)
        symbols = pathlib.Path(self.folder.name) / "kallsyms"
        symbols.write_text(functions)
        report, perf_map, _ = self.boot("--symbols", str(symbols))
        self.check_map(perf_map)
        self.assertRegex(perf_map, r" guest:el1:vectors\+0x400\n")
        self.assertRegex(report, rf"(?m)^ *[\d.]+% +\d+  ({FUNCTIONS})$")

    def check_map(self, perf_map):
        names = 0
        for line in perf_map.splitlines():
            match = re.fullmatch(r"([0-9a-f]+) ([0-9a-f]+) (gh-vmm:\w+|guest:el[01]:\S+)", line)
            self.assertIsNotNone(match, line)
            self.assertGreater(int(match[2], 16), 0)
            names += 1
        self.assertGreater(names, 1000)


if __name__ == "__main__":
    unittest.main()
