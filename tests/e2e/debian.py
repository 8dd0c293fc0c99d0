# SPDX-License-Identifier: BSD-3-Clause
"""What tests of a whole Debian (scripts/mkguest debian) have in common."""
import os
import pathlib
import subprocess
import tempfile
import unittest

import guest
from guest import VMM, Guest, config


class DebianCase(unittest.TestCase):
    """Each test has an image of its own, which stays from one boot to the next."""

    def setUp(self):
        guest.need("debian/debian.img", "debian/vmlinuz", "debian/initrd.img")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        os.environ["XDG_RUNTIME_DIR"] = folder.name
        self.image = self.folder / "debian.img"
        subprocess.run(["cp", "--sparse=always", guest.GUEST / "debian/debian.img", self.image], check=True)

    def boot(self, **changes):
        """To a shell of root's."""
        params = ["root=/dev/vda", "rw", "console=ttyS0", "net.ifnames=0"]
        values = {"name": "debian", "kernel": str(guest.GUEST / "debian/vmlinuz"), "params": params, "cpus": 2,
                  "initrd": str(guest.GUEST / "debian/initrd.img"), "memory": "1GiB",
                  "disks": [str(self.image)], "net": {"type": "user"}}
        vm = Guest(config(**values | changes))
        self.addCleanup(vm.__exit__)
        vm.expect(rb"debian login: ", 300)
        vm.send("root\n")
        vm.expect(rb"root@debian:~# ")
        vm.send("bind 'set enable-bracketed-paste off'; PS1='/root # '\n")
        vm.expect(guest.PROMPT)
        return vm

    def press_power_button(self, vm):
        subprocess.run([VMM, "powerbtn", "debian"], check=True)
        self.assertEqual(vm.exit_code(120), 0)
