# SPDX-License-Identifier: BSD-3-Clause
"""gh-vmm is killed while its guest writes, over and over: what the guest had synced is there, and the
journal cures the rest. GH_TEST_KILLS says how often."""
import hashlib
import os
import random
import re
import subprocess
import time
import unittest

from disk_test import DiskTest, host

KILLS = int(os.environ.get("GH_TEST_KILLS", "100"))

# Files of 4 KiB to 256 KiB that are written, synced, and told on the console.
WRITE = ("rm -f /mnt/f*; n=0; while :; do n=$((n+1)); f=/mnt/f$n; "
         "dd if=/dev/urandom of=$f bs=4k count=$((n*7%64+1)) conv=fsync 2>/dev/null; "
         "echo synced $f $(sha256sum <$f); done\n")


class Kill(DiskTest):
    def write_and_kill(self, dice):
        """What the guest said was synced: names and digests."""
        with self.guest(disks=[str(self.image)]) as vm:
            vm.boot()
            vm.run(f"{self.probe} && mkdir /mnt && mount -t ext4 /dev/vda /mnt")
            vm.send(WRITE)
            vm.expect(rb"\nsynced /mnt/")
            time.sleep(dice.uniform(0, 0.6))
            vm.process.kill()
            vm.process.wait()
            vm.drain()
            return re.findall(rb"synced /mnt/(\w+) ([0-9a-f]{64})", vm.seen)

    def check(self, synced):
        # Replays the journal, as mounting it does, and looks no further where that left no errors.
        subprocess.run(["e2fsck", "-p", self.image], stdout=subprocess.DEVNULL)
        done = subprocess.run(["e2fsck", "-fn", self.image], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)
        for name, digest in synced:
            data = host("debugfs", "-R", f"cat /{name.decode()}", self.image)
            self.assertEqual(hashlib.sha256(data).hexdigest(), digest.decode(), name)

    def test_what_was_synced_survives(self):
        dice = random.Random(1)
        host("truncate", "-s", "64M", self.image)
        host("mke2fs", "-q", "-t", "ext4", self.image)
        told = 0
        for turn in range(KILLS):
            synced = self.write_and_kill(dice)
            with self.subTest(turn=turn):
                self.check(synced)
            told += len(synced)
        self.assertGreater(told, KILLS)


if __name__ == "__main__":
    unittest.main()
