# SPDX-License-Identifier: BSD-3-Clause
"""The host fails under a running VM: one device is worse off, one line says so, the rest goes on."""
import contextlib
import errno
import hashlib
import os
import random
import subprocess
import time
import unittest

import disk_test
import faults
import guest
import net_test
import ports_test
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


class FullDisk(disk_test.DiskTest):
    """A sparse image on a file system that is smaller, which is the test's own."""
    def guest(self, **disk):
        fill = f"mount -t tmpfs -o size=24m none {self.folder / 'small'} && truncate -s 64M {self.image} && exec \"$@\""
        rights = [] if os.geteuid() == 0 else ["--map-root-user"]
        before = ["unshare", "--mount", *rights, "sh", "-c", fill, "-"]
        return Guest(config(initrd=self.initrd, disks=[{"path": str(self.image), **disk}], control={"enabled": False}),
                     before=before)

    def setUp(self):
        super().setUp()
        (self.folder / "small").mkdir()
        self.image = self.folder / "small/disk.img"
        if subprocess.run(["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]), "true"],
                          capture_output=True).returncode:
            self.skipTest("no mount namespace can be made here")

    def check(self, **disk):
        with self.guest(**disk) as vm:
            vm.boot()
            vm.run(self.probe)
            vm.run("head -c 1000000 /dev/urandom >/first && dd if=/first of=/dev/vda conv=fsync 2>/dev/null")
            vm.run("if dd if=/dev/zero of=/dev/vda bs=1M seek=2 count=40 conv=fsync 2>/dev/null; then false; fi")
            self.assertIn("I/O error", vm.run("dmesg"))
            vm.run("echo 3 >/proc/sys/vm/drop_caches; head -c 1000000 /dev/vda | cmp - /first")
            vm.run("dd if=/first of=/dev/vda conv=fsync 2>/dev/null")
            vm.send("poweroff -f\n")
            self.assertEqual(vm.exit_code(), 0)
            self.assertEqual(vm.stderr().count("ENOSPC"), 1, vm.stderr())
            self.assertEqual(vm.stderr().count("\n"), 2, vm.stderr())

    def test_by_the_ring(self):
        self.check()

    def test_by_threads(self):
        self.check(io="threads")


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

    def test_a_peer_that_dies_makes_room_for_the_next(self):
        path = str(self.folder / "socket")
        with Guest(config(serial=["stdio", {"type": "socket", "path": path}])) as vm:
            vm.boot()
            vm.run("stty -F /dev/ttyS1 raw")
            for number in range(3):
                with ports_test.call(path) as client:
                    vm.send(f"echo client {number} >/dev/ttyS1\n")
                    said = b""  # what was said to nobody, and then
                    while b"client %d\n" % number not in said:
                        said += client.recv(65536)
                    vm.expect(guest.PROMPT)
                    vm.send("seq 1 100000 >/dev/ttyS1\n")
                    client.recv(1)
                    time.sleep(1)  # the guest waits for it, and it goes with much unread
                vm.expect(guest.PROMPT)  # nobody is left to wait for
            self.power_off(vm)


@unittest.skipUnless(faults.AVAILABLE, "answers x86-64 system calls")
class NetworkFaults(net_test.User):
    """Frames go in parts, with pauses, and are whole."""
    test_fetch_and_forward = test_without_namespaces = test_passt_ends_with_gh_vmm = None
    test_the_end_of_passt_is_a_link_that_goes_down = test_a_port_in_use_is_told = None

    def guest(self, net, before=(), options=(), **changes):
        vm = Guest(config(initrd=self.initrd, cpus=2, net=net, control={"enabled": False}, **changes),
                   before_exec=self.faults.before_exec)
        self.addCleanup(self.faults.stop)
        self.faults.start()
        return vm

    def fetch(self, vm, url):
        """A connection that our answering makes slow is one that passt sometimes resets."""
        vm.run(f"for try in 1 2 3; do wget -q -O /tmp/www/file {url} && break; false; done")

    def test_frames_in_parts(self):
        dice = random.Random(20261126)

        def fault(call):
            if dice.random() < 0.7 or call.thread_name != "net0":  # passt has inherited the filter
                return None
            done = call.part(dice.random()) if dice.random() < 0.6 else None
            return ("part", done) if done else dice.choice([errno.EAGAIN, errno.EINTR])
        self.faults = Faults(["sendto", "recvfrom"], fault)
        self.assertNotIn("net0", self.use())
        self.assertGreater(len(self.faults.seen), 20)


@unittest.skipUnless(faults.AVAILABLE, "answers x86-64 system calls")
class VsockFaults(ports_test.Vsock):
    test_both_ways = None

    def vm(self, names, fault):
        self.faults = Faults(names, fault)
        vm = Guest(config(initrd=self.initrd, vsock={"cid": 77, "path": self.path}, control={"enabled": False}),
                   before_exec=self.faults.before_exec)
        self.addCleanup(self.faults.stop)
        self.faults.start()
        return vm

    def ready(self, vm):
        vm.boot()
        vm.run(self.probe)
        vm.run("vsock echo 5000 & sleep 1")

    def test_streams_in_parts(self):
        dice = random.Random(20261126)

        def fault(call):
            if dice.random() < 0.5 or not call.path.startswith("socket:"):
                return None
            done = call.part(dice.random()) if dice.random() < 0.6 else None
            return ("part", done) if done else dice.choice([errno.EAGAIN, errno.EINTR])
        with self.vm(["sendto", "readv"], fault) as vm:
            self.ready(vm)
            self.assertEqual(self.echo(5000, self.data), self.data)
            self.power_off(vm)
        self.assertGreater(len(self.faults.seen), 20)

    def test_peers_that_die_and_a_host_without_descriptors(self):
        self.short = True
        with self.vm(["accept4"], lambda call: errno.EMFILE if self.short else None) as vm:
            self.ready(vm)
            with ports_test.call(self.path) as patient:
                patient.sendall(b"CONNECT 5000\n")
                time.sleep(0.3)
                self.short = False
                with contextlib.suppress(ConnectionResetError):  # sent away to make room, or served
                    self.assertIn(patient.recv(3), (b"OK ", b""))
            for _ in range(20):
                connection = self.connect(5000)
                connection.sendall(self.data[:100_000])
                connection.close()  # with what comes back unread
            self.assertEqual(self.echo(5000, self.data), self.data)
            self.power_off(vm)


@unittest.skipUnless(faults.AVAILABLE, "answers x86-64 system calls")
class BalloonFaults(ports_test.Balloon):
    test_what_is_free_goes_back_unasked = test_a_target = test_a_vm_without = None

    def test_a_host_that_takes_no_memory_back(self):
        MADV_REMOVE = 9
        self.faults = Faults(["madvise"], lambda call: errno.ENOMEM if call.arguments[2] == MADV_REMOVE else None)
        with Guest(config(initrd=self.initrd, balloon=True, control={"enabled": False}),
                   before_exec=self.faults.before_exec) as vm:
            self.addCleanup(self.faults.stop)
            self.faults.start()
            vm.boot()
            vm.run("mkdir -p /mnt")
            vm.run(self.probe)
            self.fill(vm)
            vm.run("umount /mnt")
            self.until("nothing was given back", lambda: len(self.faults.seen) > 10)
            self.fill(vm)
            self.power_off(vm)
            self.assertEqual(vm.stderr().count("the host does not take memory back: ENOMEM"), 1, vm.stderr())


if __name__ == "__main__":
    unittest.main()
