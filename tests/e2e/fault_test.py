# SPDX-License-Identifier: BSD-3-Clause
"""The host fails under a running VM: one device is worse off, one line says so, the rest goes on."""
import errno
import hashlib
import random
import subprocess
import unittest

import disk_test
import faults
import guest
from disk_test import host
from faults import Faults
from guest import Guest, config


@unittest.skipUnless(faults.AVAILABLE, "answers x86-64 system calls")
class DiskFaults(disk_test.DiskTest):
    """Calls about the image fail while `active`."""
    def setUp(self):
        super().setUp()
        self.active = False
        self.dice = random.Random(20261126)

    def vm(self, fault, **changes):
        calls = ["preadv", "pwritev", "fdatasync", "fallocate"]
        self.faults = Faults(calls, lambda call: fault(call) if self.active and call.path == str(self.image) else None)
        vm = Guest(config(initrd=self.initrd, cpus=2, disks=[str(self.image)],
                          control={"enabled": False}, **changes),
                   before_exec=self.faults.before_exec)
        self.addCleanup(self.faults.stop)
        self.faults.start()
        return vm

    def mount(self, vm):
        vm.boot()
        vm.run(self.probe)
        vm.run("mkdir /mnt && mount -t ext4 /dev/vda /mnt")

    def power_off(self, vm):
        vm.send("poweroff -f\n")
        self.assertEqual(vm.exit_code(), 0)

    def test_parts_and_interruptions_are_nobodys_business(self):
        def fault(call):
            if call.name in ("pwritev", "preadv") and self.dice.random() < 0.3:
                done = call.part(self.dice.random())
                return ("part", done) if done else errno.EINTR
            return None
        self.make_ext4()
        with self.vm(fault) as vm:
            self.active = True
            self.mount(vm)
            self.assertIn(hashlib.sha256(self.data).hexdigest(), vm.run("sha256sum /mnt/from-host"))
            vm.run("dd if=/dev/urandom of=/mnt/from-guest bs=64k count=160 2>/dev/null; sync")
            wanted = vm.run("sha256sum /mnt/from-guest").split()[0]
            self.assertNotRegex(vm.run("dmesg"), "I/O error")
            vm.run("umount /mnt")
            self.power_off(vm)
            self.assertEqual(vm.stderr().count("\n"), 1, vm.stderr())  # how it ended
        self.assertGreater(len(self.faults.seen), 20)
        host("e2fsck", "-fn", self.image)
        written = host("debugfs", "-R", "cat /from-guest", self.image)
        self.assertEqual(hashlib.sha256(written).hexdigest(), wanted)

    def test_errors_at_random(self):
        """Reads, writes, flushes and discards fail; what was synced before is there afterwards."""
        kinds = [errno.EIO, errno.ENOSPC, errno.EAGAIN, errno.EDQUOT, errno.ENOMEM]

        def fault(call):
            return self.dice.choice(kinds) if self.dice.random() < 0.2 else None
        self.make_ext4()
        with self.vm(fault) as vm:
            self.mount(vm)
            vm.run("dd if=/dev/urandom of=/mnt/before bs=64k count=16 2>/dev/null; sync")
            wanted = vm.run("sha256sum /mnt/before").split()[0]
            self.active = True
            vm.run("for i in $(seq 1 30); do dd if=/dev/urandom of=/mnt/after$i bs=16k count=16 conv=fsync; "
                   "dd if=/dev/vda of=/dev/null bs=64k count=32 skip=$i iflag=direct; rm -f /mnt/after$i; done "
                   ">/dev/null 2>&1; true")
            self.active = False
            self.assertIn("I/O error", vm.run("dmesg"))
            vm.run("echo 3 >/proc/sys/vm/drop_caches")
            vm.run("dd if=/dev/vda of=/dev/null bs=64k 2>/dev/null")  # the disk still works
            self.assertIn(wanted, vm.run("sha256sum /mnt/before"))
            self.power_off(vm)
            self.assertEqual(vm.stderr().count("the guest sees an I/O error"), 1, vm.stderr())
            self.assertEqual(vm.stderr().count("\n"), 2, vm.stderr())
        self.assertTrue({"preadv", "pwritev"} <= {name for name, _ in self.faults.seen}, self.faults.seen)
        subprocess.run(["e2fsck", "-fy", self.image], stdout=subprocess.DEVNULL)
        host("e2fsck", "-fn", self.image)
        written = host("debugfs", "-R", "cat /before", self.image)
        self.assertEqual(hashlib.sha256(written).hexdigest(), wanted)

    def test_a_flush_that_failed_is_no_success(self):
        self.image.write_bytes(bytes(8 << 20))
        with self.vm(lambda call: errno.EIO if call.name == "fdatasync" else None) as vm:
            vm.boot()
            vm.run(self.probe)
            write = "dd if=/dev/zero of=/dev/vda bs=64k count=1 conv=fsync 2>/dev/null"
            vm.run(write)
            self.active = True
            vm.run(f"if {write}; then false; fi")
            self.active = False
            vm.run(f"if {write}; then false; fi")  # what was lost does not come back
            vm.run("cat /dev/vda >/dev/null")
            self.power_off(vm)
            self.assertEqual(vm.stderr().count("the guest sees an I/O error"), 1)


@unittest.skipUnless(faults.AVAILABLE, "answers x86-64 system calls")
class SerialFaults(disk_test.DiskTest):
    def vm(self, fault, lines):
        self.faults = Faults(["write"], fault)
        vm = Guest(config(serial=lines, control={"enabled": False}), before_exec=self.faults.before_exec)
        self.addCleanup(self.faults.stop)
        self.faults.start()
        return vm

    def power_off(self, vm):
        vm.send("poweroff -f\n")
        self.assertEqual(vm.exit_code(), 0)

    def test_a_full_host_costs_a_log_its_rest_and_nothing_else(self):
        log = self.folder / "log"
        self.active = False
        fault = lambda call: errno.ENOSPC if self.active and call.path == str(log) else None
        with self.vm(fault, ["stdio", {"type": "file", "path": str(log)}]) as vm:
            vm.boot()
            vm.run("echo first line >/dev/ttyS1")
            self.active = True
            for number in range(5):
                vm.run(f"echo lost line {number} >/dev/ttyS1")
            self.assertIn("goes on", vm.run("echo goes on"))
            self.power_off(vm)
            self.assertEqual(vm.stderr().count("ENOSPC"), 1, vm.stderr())
            self.assertEqual(vm.stderr().count("\n"), 2, vm.stderr())
        self.assertIn("first line", log.read_text())

    def test_output_in_parts_and_with_pauses_is_whole(self):
        dice = random.Random(20261126)

        def fault(call):
            if not call.path.startswith("pipe:") or dice.random() < 0.5:
                return None
            done = call.part(dice.random()) if dice.random() < 0.5 else None
            return ("part", done) if done else dice.choice([errno.EAGAIN, errno.EINTR])
        with self.vm(fault, ["stdio"]) as vm:
            vm.boot()
            said = vm.run("seq 1 2000")
            self.assertEqual(said.split()[-2000:], [str(number) for number in range(1, 2001)])
            self.power_off(vm)
        self.assertGreater(len(self.faults.seen), 20)


if __name__ == "__main__":
    unittest.main()
