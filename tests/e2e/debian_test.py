# SPDX-License-Identifier: BSD-3-Clause
"""A whole Debian (scripts/mkguest debian): log in, fetch, write, power off by the button, boot again."""
import functools
import hashlib
import http.server
import os
import pathlib
import random
import subprocess
import tempfile
import threading
import unittest

import guest
from guest import VMM, Guest, config


class Debian(unittest.TestCase):
    def setUp(self):
        guest.need("debian/debian.img", "debian/vmlinuz", "debian/initrd.img")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        os.environ["XDG_RUNTIME_DIR"] = folder.name
        self.image = self.folder / "debian.img"
        subprocess.run(["cp", "--sparse=always", guest.GUEST / "debian/debian.img", self.image], check=True)

    def serve(self, data):
        """A host's HTTP server: its port."""
        (self.folder / "www").mkdir()
        (self.folder / "www/data").write_bytes(data)
        handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=self.folder / "www")
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        return server.server_address[1]

    def boot(self):
        params = ["root=/dev/vda", "rw", "console=ttyS0", "net.ifnames=0"]
        vm = Guest(config(name="debian", kernel=str(guest.GUEST / "debian/vmlinuz"), params=params, cpus=2,
                          initrd=str(guest.GUEST / "debian/initrd.img"), memory="1GiB",
                          disks=[str(self.image)], net={"type": "user"}))
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

    def test_a_day_in_its_life(self):
        served = random.Random(7).randbytes(20_000_000)
        port = self.serve(served)
        vm = self.boot()
        self.assertEqual(vm.run("systemctl --failed --no-legend --no-pager").strip(), "")
        vm.run("until ip route show default | grep -q via; do sleep 0.2; done")
        vm.run(f"wget -q http://$(ip route show default | awk '{{print $3}}'):{port}/data")
        self.assertIn(hashlib.sha256(served).hexdigest(), vm.run("sha256sum data"))
        vm.run("dd if=/dev/urandom of=written bs=1M count=100 conv=fsync 2>/dev/null", 300)
        written = vm.run("sha256sum written")
        self.press_power_button(vm)
        vm = self.boot()
        self.assertEqual(vm.run("sha256sum written"), written)
        self.press_power_button(vm)


if __name__ == "__main__":
    unittest.main()
