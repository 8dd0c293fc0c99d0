# SPDX-License-Identifier: BSD-3-Clause
"""The static arm64 gh-vmm (GH_VMM_ARM64; scripts/build-arm64 --test) as a service of systemd's on an arm64
Debian, which is a guest of ours itself."""
import json
import os
import shutil
import unittest

import guest
from debian import DebianCase
from tiny_test import WAIT, image


class Service(DebianCase):
    def setUp(self):
        program = os.environ.get("GH_VMM_ARM64")
        if not program:
            raise unittest.SkipTest("GH_VMM_ARM64 names no arm64 gh-vmm")
        super().setUp()
        given = self.folder / "given"
        given.mkdir()
        shutil.copy(program, given / "gh-vmm")
        shutil.copy(guest.ROOT / "systemd/gh-vmm@.service", given)
        (given / "kernel").write_bytes(image(WAIT))
        (given / "inner.json").write_text(json.dumps({
            "kernel": "kernel", "memory": "16MiB", "hypervisor": "emulated", "stop": {"grace": "1s"},
            "serial": {"type": "file", "path": "/run/console"}, "boot": {"ready": "first line"}}))

    def test_it_starts_is_watched_and_stops(self):
        vm = self.boot(folders=[{"path": str(self.folder / "given"), "tag": "given"}])
        vm.run("export SYSTEMD_PAGER= XDG_RUNTIME_DIR=/run")
        vm.run("mkdir /mnt/given /etc/gh-vmm && mount -t virtiofs given /mnt/given")
        vm.run("cp /mnt/given/gh-vmm /usr/bin && cp /mnt/given/*.service /etc/systemd/system"
               " && cp /mnt/given/kernel /mnt/given/inner.json /etc/gh-vmm")
        vm.run("systemctl daemon-reload && systemctl start gh-vmm@inner", 300)  # returns once it is ready
        self.assertIn("first line", vm.run("cat /run/console"))
        vm.run("gh-vmm status --ready inner")
        vm.run("sleep 40")  # longer than WatchdogSec
        self.assertIn("running", vm.run("gh-vmm list"))
        self.assertIn("NRestarts=0", vm.run("systemctl show gh-vmm@inner -p NRestarts"))
        vm.run("systemctl stop gh-vmm@inner")
        self.assertIn("Result=success", vm.run("systemctl show gh-vmm@inner -p Result"))
        # One that dies comes back.
        vm.run("systemctl start gh-vmm@inner && systemctl kill -s KILL gh-vmm@inner", 300)
        vm.run("until [ $(systemctl show gh-vmm@inner -p NRestarts --value) = 1 ] && "
               "systemctl is-active -q gh-vmm@inner; do sleep 1; done", 300)
        self.assertIn("running", vm.run("gh-vmm list"))
        vm.run("systemctl stop gh-vmm@inner")
        self.press_power_button(vm)


if __name__ == "__main__":
    unittest.main()
