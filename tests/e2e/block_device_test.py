# SPDX-License-Identifier: BSD-3-Clause
"""A guest's disk on a block device of the host, and on a host that does not answer. Needs root, for loop
devices and a file system that can be frozen."""
import hashlib
import os
import subprocess
import unittest

from disk_test import DiskTest, content, host


class BlockDevice(DiskTest):
    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("loop devices need root")

    def attach(self, *options):
        """A loop device of the image; skips where there are none."""
        done = subprocess.run(["losetup", "-f", "--show", *options, str(self.image)], capture_output=True,
                              text=True)
        if done.returncode:
            self.skipTest(f"no loop device: {done.stderr.strip()}")
        device = done.stdout.strip()
        self.addCleanup(subprocess.run, ["losetup", "-d", device])
        return device

    def of_queue(self, vm, name):
        return int(vm.run(f"cat /sys/block/vda/queue/{name}"))

    def check(self, sector, io, direct):
        data = content(16 << 20)
        self.image.write_bytes(data)
        device = self.attach("--sector-size", str(sector))
        with self.guest(disks=[{"path": device, "io": io, "direct": direct}]) as vm:
            vm.boot()
            vm.run(self.probe)
            self.assertEqual(int(vm.run("cat /sys/block/vda/size")), 32768)
            self.assertEqual(self.of_queue(vm, "logical_block_size"), sector)
            self.assertEqual(self.of_queue(vm, "physical_block_size"), 4096)
            self.assertGreater(self.of_queue(vm, "discard_max_bytes"), 0)
            self.assertGreater(self.of_queue(vm, "write_zeroes_max_bytes"), 0)
            self.assertIn(hashlib.sha256(data).hexdigest(), vm.run("sha256sum /dev/vda"))
            vm.run("dd if=/dev/urandom of=/dev/vda bs=4k seek=100 count=300 conv=fsync 2>/dev/null")
            wanted = vm.run("sha256sum /dev/vda").split()[0]
            self.assertEqual(hashlib.sha256(self.image.read_bytes()).hexdigest(), wanted)
            vm.run("blkdiscard -o 8M -l 4M /dev/vda")
            self.assertEqual(self.image.read_bytes()[8 << 20:12 << 20], bytes(4 << 20))
            self.assertEqual(self.image.read_bytes()[12 << 20:], data[12 << 20:])
            self.assertNotRegex(vm.run("dmesg"), r"I/O error")
            vm.send("poweroff -f\n")
            self.assertEqual(vm.exit_code(), 0)
            self.assertNotIn("disk0", vm.stderr())

    def test_sectors_of_512_bytes(self):
        self.check(512, "auto", False)

    def test_sectors_of_512_bytes_by_threads(self):
        self.check(512, "threads", False)

    def test_sectors_of_4096_bytes(self):
        self.check(4096, "auto", False)

    def test_sectors_of_4096_bytes_past_the_page_cache(self):
        self.check(4096, "auto", True)

    def test_reads_go_on_while_a_write_hangs(self):
        """The file system of the image is frozen: what writes waits, what reads goes on."""
        self.image.write_bytes(bytes(200 << 20))
        host("mke2fs", "-q", "-t", "ext4", self.image)
        device, mount = self.attach(), self.folder / "mount"
        mount.mkdir()
        host("mount", device, mount)
        self.addCleanup(subprocess.run, ["umount", mount])
        disk = mount / "disk.img"
        data = content(4 << 20)
        disk.write_bytes(data)
        host("sync", "-f", disk)
        with self.guest(disks=[{"path": str(disk), "direct": True, "io": "uring"}]) as vm:
            vm.boot()
            vm.run(self.probe)
            host("fsfreeze", "-f", mount)
            try:
                vm.run("{ dd if=/dev/zero of=/dev/vda bs=4k count=8 oflag=direct 2>/dev/null; echo wrote >/written; } & true")
                self.assertIn(hashlib.sha256(data[1 << 20:]).hexdigest(),
                              vm.run("dd if=/dev/vda bs=64k skip=16 iflag=direct 2>/dev/null | sha256sum"))
                vm.run("test ! -e /written")
            finally:
                host("fsfreeze", "-u", mount)
            vm.run("while ! test -e /written; do sleep 0.1; done; sync")
            vm.send("poweroff -f\n")
            self.assertEqual(vm.exit_code(), 0)
        self.assertEqual(disk.read_bytes()[:32768], bytes(32768))
        self.assertEqual(disk.read_bytes()[32768:], data[32768:])


if __name__ == "__main__":
    unittest.main()
