# SPDX-License-Identifier: BSD-3-Clause
"""A whole Debian (scripts/mkguest debian): log in, fetch, write, power off by the button, boot again."""
import functools
import hashlib
import http.server
import random
import threading
import unittest

from debian import DebianCase


class Debian(DebianCase):
    def serve(self, data):
        """A host's HTTP server: its port."""
        (self.folder / "www").mkdir()
        (self.folder / "www/data").write_bytes(data)
        handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=self.folder / "www")
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        return server.server_address[1]

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
