# SPDX-License-Identifier: BSD-3-Clause
"""A guest mounts folders of the host's (virtiofs), which virtiofsd shares over vhost-user."""
import hashlib
import os
import pathlib
import random
import select
import shutil
import signal
import subprocess
import tempfile
import unittest

import guest
from guest import Guest, config

MODULES = ["virtio_mmio", "fuse", "virtiofs"]
PROGRAMS = ["/usr/libexec/virtiofsd", "/usr/lib/virtiofsd", "/usr/lib/qemu/virtiofsd"]
MOUNT = "mkdir -p /mnt && mount -t virtiofs share /mnt"


def virtiofsd():
    """What gh-vmm finds; the test needs it."""
    for path in [shutil.which("virtiofsd"), *PROGRAMS]:
        if path and os.access(path, os.X_OK):
            return path
    if os.environ.get("GH_TEST_NO_SKIP"):
        raise AssertionError("virtiofsd is not installed")
    raise unittest.SkipTest("virtiofsd is not installed")


def children(pid):
    """The processes that it has started, and theirs."""
    found = []
    for child in map(int, pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
        found += [child, *children(child)]
    return found


class FolderTest(unittest.TestCase):
    """A folder with a file in it, and an initrd that can mount it."""

    def setUp(self):
        self.virtiofsd = virtiofsd()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.folder.chmod(0o755)
        self.share = self.folder / "share"
        self.share.mkdir()
        (self.share / "from-host").write_text("written by the host\n")
        self.initrd, self.probe = guest.with_modules(self.folder, MODULES)

    def guest(self, folder=None, before=(), options=(), **changes):
        folders = [str(self.share) if folder is None else folder]
        return Guest(config(initrd=self.initrd, cpus=2, folders=folders, **changes), before=before, options=options)

    def mount(self, vm):
        vm.boot()
        vm.run(f"{self.probe} && {MOUNT}")
        self.assertEqual(vm.run("cat /mnt/from-host"), "written by the host\n")

    def power_off(self, vm):
        self.assertNotRegex(vm.run("dmesg"), r"(?i)unable to handle|call trace|nobody cared|stall")
        vm.send("poweroff -f\n")
        self.assertEqual(vm.exit_code(), 0)

    def write_back(self, vm):
        vm.run("echo written by the guest >/mnt/from-guest && sync")
        self.assertEqual((self.share / "from-guest").read_text(), "written by the guest\n")


class Files(FolderTest):
    def test_files_of_both_sides(self):
        """Each sees what the other writes; a large file; many names; nothing is said."""
        data = random.Random(7).randbytes(64 << 20)
        (self.share / "large").write_bytes(data)
        names = self.share / "names"
        names.mkdir()
        for number in range(2000):
            (names / f"file-{number}").write_text(str(number))
        with self.guest() as vm:
            self.mount(vm)
            self.write_back(vm)
            (self.share / "later").write_text("written meanwhile")
            self.assertEqual(vm.run("cat /mnt/later"), "written meanwhile")
            self.assertIn(hashlib.sha256(data).hexdigest(), vm.run("sha256sum /mnt/large"))
            self.assertEqual(vm.run("ls /mnt/names | wc -l").strip(), "2000")
            self.assertEqual(vm.run("cat /mnt/names/* | wc -c").strip(), str(sum(len(str(n)) for n in range(2000))))
            vm.run("cp /mnt/large /mnt/copy && mv /mnt/copy /mnt/moved && rm -r /mnt/names && mkdir /mnt/made && sync")
            self.assertEqual((self.share / "moved").read_bytes(), data)
            self.assertFalse(names.exists())
            self.assertTrue((self.share / "made").is_dir())
            vm.run("umount /mnt && mount -t virtiofs share /mnt && cat /mnt/from-host")
            self.power_off(vm)
            self.assertNotIn("folder0", vm.stderr())

    def test_the_guest_does_not_leave_the_folder(self):
        (self.folder / "secret").write_text("not to be seen")
        (self.share / "way-out").symlink_to(self.folder / "secret")
        with self.guest() as vm:
            self.mount(vm)
            vm.run("if cat /mnt/way-out /mnt/../secret; then false; fi")
            self.power_off(vm)

    def test_read_only(self):
        folder = {"path": str(self.share), "tag": "share", "readonly": True}
        with self.guest(folder) as vm:
            self.mount(vm)
            vm.run("if echo no >/mnt/from-guest; then false; fi; if rm /mnt/from-host; then false; fi")
            self.power_off(vm)
        self.assertEqual(os.listdir(self.share), ["from-host"])

    def test_several_folders_and_a_name_that_needs_care(self):
        second = self.folder / "a, b\\c=d"
        second.mkdir()
        (second / "file").write_text("of the second")
        folders = [str(self.share), {"path": str(second), "tag": "the second"}]
        with Guest(config(initrd=self.initrd, cpus=2, folders=folders)) as vm:
            self.mount(vm)
            vm.run("mkdir /second && mount -t virtiofs 'the second' /second")
            self.assertEqual(vm.run("cat /second/file"), "of the second")
            self.power_off(vm)


class Lives(FolderTest):
    """Of gh-vmm, its virtiofsd and its machines."""

    def test_a_guest_that_reboots_has_it_again(self):
        with self.guest(on_reboot={"action": "restart", "backoff": "10ms"}) as vm:
            self.mount(vm)
            vm.run("exec 5>/mnt/open-at-the-end")
            server = children(vm.process.pid)
            vm.send("reboot -f\n")
            self.mount(vm)
            self.write_back(vm)
            self.assertEqual(children(vm.process.pid), server)
            self.power_off(vm)
            self.assertNotIn("folder0", vm.stderr())

    def lose(self, vm):
        """The server, and then the machine."""
        self.mount(vm)
        for server in children(vm.process.pid):
            os.kill(server, signal.SIGKILL)
        self.assertIn("not connected", vm.run("cat /mnt/from-guest 2>&1 || true; ls /"))
        vm.run("if ls /mnt; then false; fi; sync")
        self.assertEqual(vm.stderr().count("folder0: virtiofsd has ended"), 1)
        vm.send("reboot -f\n")

    def test_the_end_of_virtiofsd_costs_the_folder_alone(self):
        with self.guest(on_reboot={"action": "restart", "backoff": "10ms"}) as vm:
            self.lose(vm)
            vm.boot()
            self.assertIn("who is confined starts no other", vm.stderr())
            vm.run(f"{self.probe} && if mount -t virtiofs share /mnt && ls /mnt; then false; fi")
            self.power_off(vm)

    def test_who_is_not_confined_starts_another(self):
        with self.guest(on_reboot={"action": "restart", "backoff": "10ms"}, sandbox="off") as vm:
            self.lose(vm)
            self.mount(vm)
            self.power_off(vm)

    def test_virtiofsd_ends_with_gh_vmm(self):
        with self.guest() as vm:
            vm.boot()
            ended = [os.pidfd_open(server) for server in children(vm.process.pid)]
            vm.process.kill()
        self.assertGreaterEqual(len(ended), 1)
        for server in ended:
            self.addCleanup(os.close, server)
            self.assertTrue(select.select([server], [], [], 60 * guest.PATIENCE)[0])

    def test_one_that_runs_already(self):
        if os.geteuid() != 0:
            self.skipTest("by itself virtiofsd wants root")
        path = self.folder / "vhost.sock"
        options = ["-o", f"source={self.share}", "-o", "sandbox=chroot"]
        with subprocess.Popen([self.virtiofsd, f"--socket-path={path}", *options], stderr=subprocess.DEVNULL) as server:
            self.addCleanup(server.kill)
            while not path.exists():
                self.assertIsNone(server.poll())
            with self.guest({"tag": "share", "socket": str(path)}) as vm:
                self.mount(vm)
                self.write_back(vm)
                self.power_off(vm)
            self.assertEqual(server.wait(60 * guest.PATIENCE), 0)


class Users(FolderTest):
    """An ordinary user's folder, where root may become one."""

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("only root may become somebody else")
        os.chown(self.share, 65534, 65534)

    USER = ["setpriv", "--reuid=65534", "--regid=65534", "--groups=100,65534"]

    def as_user(self):
        """Becomes somebody who may read the configuration, the last argument, and then gh-vmm."""
        script = 'for last; do :; done; chmod 755 "${last%/*}" && exec "$@"'
        return ["bash", "-c", script, "-", *self.USER]

    def test_what_the_user_may(self):
        probe = subprocess.run([*self.USER, "unshare", "--user", "true"], capture_output=True, text=True)
        if probe.returncode:
            self.skipTest(f"users may make no namespaces here: {probe.stderr.strip()}")
        (self.folder / "share" / "forbidden").write_text("root's own")
        (self.folder / "share" / "forbidden").chmod(0o600)
        with self.guest({"path": str(self.share), "tag": "share"}, before=self.as_user()) as vm:
            self.mount(vm)
            self.write_back(vm)
            self.assertEqual((self.share / "from-guest").stat().st_uid, 65534)
            vm.run("if cat /mnt/forbidden; then false; fi")
            self.power_off(vm)

    def test_read_only(self):
        folder = {"path": str(self.share), "tag": "share", "readonly": True}
        with self.guest(folder, before=self.as_user()) as vm:
            self.mount(vm)
            vm.run("if echo no >/mnt/from-guest; then false; fi")
            self.power_off(vm)


class Rights(FolderTest):
    """What root has in a container, or has not."""

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("only root has rights to give up")

    def test_without_the_right_to_make_namespaces(self):
        with self.guest(before=["setpriv", "--bounding-set=-sys_admin"], options=["-v"]) as vm:
            self.mount(vm)
            self.write_back(vm)
            self.power_off(vm)
            self.assertIn("folder0: sandbox=namespace: virtiofsd has ended: unshare", vm.stderr())

    def test_without_any_way_to_shut_itself_in(self):
        with self.guest(before=["setpriv", "--bounding-set=-sys_admin,-sys_chroot"]) as vm:
            self.assertEqual(vm.exit_code(), 1)
            self.assertRegex(vm.stderr(), f"folder0: {self.share} cannot be shared: .*chroot.*CAP_SYS_ADMIN")

    def test_no_virtiofsd_is_told_with_the_remedy(self):
        hide = 'for f in $FILES; do mount --bind /dev/null $f; done; PATH=/nowhere; export PATH; exec "$@"'
        there = " ".join(path for path in PROGRAMS if os.path.exists(path))
        with self.guest(before=["env", f"FILES={there}", "unshare", "--mount", "/bin/sh", "-c", hide, "-"]) as vm:
            self.assertEqual(vm.exit_code(), 1)
            self.assertIn("apt install virtiofsd", vm.stderr())


class Protected(FolderTest):
    def test_a_kernel_that_does_not_know_the_bounce_buffer_is_told_what_it_lacks(self):
        """Debian's; all but the folder goes on."""
        memory = {"size": "512MiB", "sharing": "lend", "swiotlb": "16MiB"}
        with self.guest(memory=memory) as vm:
            vm.boot()
            vm.run("insmod /modules/virtio_mmio.ko && insmod /modules/fuse.ko && (insmod /modules/virtiofs.ko & sleep 1)")
            self.assertIn("CONFIG_DMA_RESTRICTED_POOL=y", vm.stderr())
            vm.signal()
            self.assertEqual(vm.exit_code(), 0)


class Refused(FolderTest):
    def test_a_folder_that_is_none(self):
        with self.guest(str(self.share / "from-host")) as vm:
            self.assertEqual(vm.exit_code(), 35)
            self.assertIn("expected a folder", vm.stderr())

    def test_nobody_at_the_socket(self):
        with self.guest({"tag": "share", "socket": str(self.folder / "nobody.sock")}) as vm:
            self.assertEqual(vm.exit_code(), 1)
            self.assertRegex(vm.stderr(), "folder0: nobody listens at .*; start virtiofsd --socket-path=")


if __name__ == "__main__":
    unittest.main()
