# SPDX-License-Identifier: BSD-3-Clause
"""A guest uses disks: ext4 in Debian, checked on the host before and after; a protected VM."""
import hashlib
import pathlib
import random
import shutil
import subprocess
import tempfile
import unittest

import guest
from guest import Guest, config

MODULES = ["virtio_mmio", "virtio_blk", "crc16", "crc32c_generic", "mbcache", "jbd2", "ext4"]


def host(*command):
    """Runs a command; what it says."""
    return subprocess.run([str(word) for word in command], check=True, stdin=subprocess.DEVNULL,
                          capture_output=True).stdout


def content(size):
    return random.Random(size).randbytes(size)


class DiskTest(unittest.TestCase):
    """With an initrd that can use disks, and the name of an image."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.image = self.folder / "disk.img"
        self.initrd, self.probe = guest.with_modules(self.folder, MODULES)

    def make_ext4(self):
        tree = self.folder / "tree"
        tree.mkdir()
        self.data = content(5_000_001)
        (tree / "from-host").write_bytes(self.data)
        shutil.copy(guest.GUEST / "busybox", tree / "busybox")
        host("truncate", "-s", "64M", self.image)
        host("mke2fs", "-q", "-t", "ext4", "-d", tree, self.image)

    def guest(self, **changes):
        return Guest(config(initrd=self.initrd, **changes))

    def use(self, disk, cpus=2):
        """Mounts, reads, writes, unmounts not but powers off; then looks at it from the host."""
        self.make_ext4()
        with self.guest(cpus=cpus, disks=[disk]) as vm:
            vm.boot()
            vm.run(self.probe)
            vm.run("mkdir /mnt && mount -t ext4 /dev/vda /mnt")
            self.assertIn(hashlib.sha256(self.data).hexdigest(), vm.run("/mnt/busybox sha256sum /mnt/from-host"))
            vm.run("dd if=/dev/urandom of=/mnt/from-guest bs=64k count=160 2>/dev/null")
            wanted = vm.run("sha256sum /mnt/from-guest").split()[0]
            vm.run("sync")
            self.assertNotRegex(vm.run("dmesg"), r"(?i)I/O error|unable to handle|call trace|nobody cared")
            self.interrupts = vm.run("cat /proc/interrupts")
            vm.run("umount /mnt")
            vm.send("poweroff -f\n")
            self.assertEqual(vm.exit_code(), 0)
            self.assertNotIn("disk0", vm.stderr())
        host("e2fsck", "-fn", self.image)
        written = host("debugfs", "-R", "cat /from-guest", self.image)
        self.assertEqual(hashlib.sha256(written).hexdigest(), wanted)
        self.assertEqual(host("debugfs", "-R", "cat /from-host", self.image), self.data)


class Disk(DiskTest):
    def test_ext4(self):
        self.use(str(self.image))

    def test_threads(self):
        self.use({"path": str(self.image), "queues": 2, "io": "threads"})

    def test_queues(self):
        self.use({"path": str(self.image), "queues": 2})
        self.assertIn("virtio", self.interrupts)

    def test_direct(self):
        if subprocess.run(["dd", f"if={__file__}", "of=/dev/null", "iflag=direct", "bs=4096", "count=1"],
                          capture_output=True).returncode:
            self.skipTest("no O_DIRECT here")
        self.use({"path": str(self.image), "direct": True})

    def test_what_was_synced_survives_the_end_of_gh_vmm(self):
        self.make_ext4()
        with self.guest(disks=[str(self.image)]) as vm:
            vm.boot()
            vm.run(self.probe)
            vm.run("mkdir /mnt && mount -t ext4 /dev/vda /mnt")
            vm.run("dd if=/dev/urandom of=/mnt/from-guest bs=64k count=32 2>/dev/null; sync")
            wanted = vm.run("sha256sum /mnt/from-guest").split()[0]
            vm.send("dd if=/dev/urandom of=/mnt/more bs=64k count=160\n")
            vm.process.kill()
            vm.process.wait()
        subprocess.run(["e2fsck", "-fp", self.image], stdout=subprocess.DEVNULL)  # replays the journal
        host("e2fsck", "-fn", self.image)
        written = host("debugfs", "-R", "cat /from-guest", self.image)
        self.assertEqual(hashlib.sha256(written).hexdigest(), wanted)

    def test_read_only_and_serial(self):
        self.image.write_bytes(content(1 << 20))
        before = self.image.read_bytes()
        disk = {"path": str(self.image), "readonly": True, "serial": "a serial of 20 bytes"}
        with self.guest(disks=[disk]) as vm:
            vm.boot()
            vm.run(self.probe)
            self.assertEqual(vm.run("cat /sys/block/vda/serial").strip(), "a serial of 20 bytes")
            self.assertEqual(vm.run("cat /sys/block/vda/ro").strip(), "1")
            self.assertIn(hashlib.sha256(before).hexdigest(), vm.run("sha256sum /dev/vda"))
            vm.run("if dd if=/dev/zero of=/dev/vda bs=512 count=1 2>/dev/null; then false; fi")
            vm.send("poweroff -f\n")
            self.assertEqual(vm.exit_code(), 0)
        self.assertEqual(self.image.read_bytes(), before)

    def test_the_driver_lets_go_and_comes_back_while_the_disk_works(self):
        data = content(32 << 20)
        self.image.write_bytes(data)
        with self.guest(cpus=2, disks=[str(self.image)]) as vm:
            vm.boot()
            vm.run(self.probe)
            for _ in range(5):
                vm.run("dd if=/dev/vda of=/dev/null bs=64k iflag=direct 2>/dev/null & "
                       "cd /sys/bus/virtio/drivers/virtio_blk && echo virtio0 >unbind && echo virtio0 >bind; "
                       "status=$?; cd /root; wait; test $status = 0")
            self.assertIn(hashlib.sha256(data).hexdigest(), vm.run("sha256sum /dev/vda"))
            vm.run("rmmod virtio_blk && insmod /modules/virtio_blk.ko")
            self.assertIn(hashlib.sha256(data).hexdigest(), vm.run("sha256sum /dev/vda"))
            vm.send("poweroff -f\n")
            self.assertEqual(vm.exit_code(), 0)

    def test_discard(self):
        self.make_ext4()
        before = self.image.stat().st_blocks
        with self.guest(disks=[str(self.image)]) as vm:
            vm.boot()
            vm.run(self.probe)
            vm.run("mkdir /mnt && mount -t ext4 /dev/vda /mnt && rm /mnt/from-host && sync && fstrim /mnt && umount /mnt")
            vm.send("poweroff -f\n")
            self.assertEqual(vm.exit_code(), 0)
        host("e2fsck", "-fn", self.image)
        self.assertLess(self.image.stat().st_blocks * 512, before * 512 - 4_000_000)

    def test_an_image_in_use_is_refused(self):
        self.image.write_bytes(bytes(1 << 20))
        with self.guest(disks=[str(self.image)]) as first:
            first.boot()
            with self.guest(disks=[str(self.image)]) as second:
                self.assertEqual(second.exit_code(), 1)
                self.assertIn(f"{self.image}: the disk is in use", second.stderr())
            first.send("poweroff -f\n")
            self.assertEqual(first.exit_code(), 0)

    def test_a_host_that_takes_no_more_is_an_io_error_of_the_guest(self):
        host("truncate", "-s", "1G", self.image)
        limited = ["bash", "-c", 'ulimit -f 614400; exec "$@"', "-"]  # 600 MiB
        with Guest(config(initrd=self.initrd, disks=[str(self.image)]), before=limited) as vm:
            vm.boot()
            vm.run(self.probe)
            write = "dd if=/dev/zero of=/dev/vda bs=64k count=1 conv=fsync 2>/dev/null"
            for place in (14400, 15000):
                vm.run(f"if {write} seek={place}; then false; fi")
            self.assertIn("I/O error", vm.run("dmesg"))
            vm.run(write)
            vm.send("poweroff -f\n")
            self.assertEqual(vm.exit_code(), 0)
            self.assertEqual(vm.stderr().count("the guest sees an I/O error"), 1)


    def test_a_kernel_that_does_not_know_the_bounce_buffer_is_told_what_it_lacks(self):
        """Debian's: its rings are in lent RAM, so the disk stands still and all else goes on."""
        self.image.write_bytes(bytes(1 << 20))
        memory = {"size": "512MiB", "sharing": "lend", "swiotlb": "16MiB"}
        with self.guest(disks=[str(self.image)], memory=memory) as vm:
            vm.boot()
            vm.run("insmod /modules/virtio_mmio.ko")
            vm.run("insmod /modules/virtio_blk.ko & sleep 1")
            vm.run("ls /")
            self.assertIn("CONFIG_DMA_RESTRICTED_POOL=y", vm.stderr())
            vm.signal()  # Linux would wait for its disk
            self.assertEqual(vm.exit_code(), 0)


class Protected(unittest.TestCase):
    """RAM is lent; what devices reach is the bounce buffer behind it."""
    RAM, SIZE = 0x8000_0000, 64 << 20

    def test_a_driver_that_keeps_to_the_bounce_buffer(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            kernel, elf, image = folder / "disk", folder / "disk.elf", folder / "disk.img"
            host("aarch64-linux-gnu-gcc", "-O2", "-ffreestanding", "-nostdlib", "-static", "-fno-pic",
                 "-mstrict-align", "-mgeneral-regs-only", "-fno-stack-protector", "-Wall", "-Wextra", "-Werror",
                 "-Wl,--build-id=none,-Ttext-segment=0x80000000,--section-start=.head=0x80000000",
                 f"-DPOOL={self.RAM + self.SIZE:#x}ul", "-o", elf,
                 pathlib.Path(__file__).parent / "guest/disk.c")
            host("aarch64-linux-gnu-objcopy", "-O", "binary", elf, kernel)
            data = content(512)
            image.write_bytes(data + bytes(512 * 7))
            values = config(kernel=str(kernel), initrd=None, params=[], disks=[str(image)],
                            memory={"size": self.SIZE, "sharing": "lend", "swiotlb": "2MiB"})
            values.setdefault("hypervisor", {"device": "emulated"})["resource_manager"] = "production"
            with Guest(values) as vm:
                vm.expect("disk: good")
                self.assertEqual(vm.exit_code(), 0)
                self.assertIn("memory that the host does not have or has lent", vm.stderr())
            self.assertEqual(image.read_bytes(), data + data + bytes(512 * 6))


if __name__ == "__main__":
    unittest.main()
