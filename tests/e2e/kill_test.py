# SPDX-License-Identifier: BSD-3-Clause
"""gh-vmm is killed while its guest writes, over and over: what the guest had synced is there, and the
journal cures the rest. GH_TEST_KILLS says how often."""
import hashlib
import os
import pathlib
import random
import re
import subprocess
import tempfile
import time
import unittest

import guest
from disk_test import MODULES, PROBE, host
from guest import Guest, config

KILLS = int(os.environ.get("GH_TEST_KILLS", "100"))

# Files of 4 KiB to 256 KiB that are written, synced, and told on the console.
WRITE = ("rm -f /mnt/f*; n=0; while :; do n=$((n+1)); f=/mnt/f$n; "
         "dd if=/dev/urandom of=$f bs=4k count=$((n*7%64+1)) conv=fsync 2>/dev/null; "
         "echo synced $f $(sha256sum <$f); done\n")


class Kill(unittest.TestCase):
    def setUp(self):
        guest.need("vmlinuz", "busybox", *(f"modules/{name}.ko" for name in MODULES))
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.initrd = self.folder / "initrd.gz"
        files = [f"{guest.GUEST}/modules/{name}.ko=modules/{name}.ko" for name in MODULES]
        subprocess.run([guest.ROOT / "scripts/make-initrd", self.initrd, *files], check=True)

    def write_and_kill(self, image, dice):
        """What the guest said was synced: names and digests."""
        with Guest(config(initrd=str(self.initrd), disks=[str(image)])) as vm:
            vm.boot()
            vm.run(f"date -s @{int(time.time())}")  # e2fsck takes a deletion in 1970 for none
            vm.run(f"{PROBE} && mkdir /mnt && mount -t ext4 /dev/vda /mnt")
            vm.send(WRITE)
            vm.expect(rb"\nsynced /mnt/")
            time.sleep(dice.uniform(0, 0.6))
            vm.process.kill()
            vm.process.wait()
            vm.drain()
            return re.findall(rb"synced /mnt/(\w+) ([0-9a-f]{64})", vm.seen)

    def check(self, image, synced):
        # Replays the journal, as mounting it does, and looks no further where that left no errors.
        subprocess.run(["e2fsck", "-p", image], stdout=subprocess.DEVNULL)
        done = subprocess.run(["e2fsck", "-fn", image], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)
        for name, digest in synced:
            data = host("debugfs", "-R", f"cat /{name.decode()}", image)
            self.assertEqual(hashlib.sha256(data).hexdigest(), digest.decode(), name)

    def test_what_was_synced_survives(self):
        dice = random.Random(1)
        image = self.folder / "disk.img"
        host("truncate", "-s", "64M", image)
        host("mke2fs", "-q", "-t", "ext4", image)
        told = 0
        for turn in range(KILLS):
            synced = self.write_and_kill(image, dice)
            with self.subTest(turn=turn):
                self.check(image, synced)
            told += len(synced)
        self.assertGreater(told, KILLS)


if __name__ == "__main__":
    unittest.main()
