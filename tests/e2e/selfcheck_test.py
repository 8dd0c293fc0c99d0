# SPDX-License-Identifier: BSD-3-Clause
"""What the guest computes of known data agrees with the host."""
import gzip
import hashlib
import lzma
import pathlib
import subprocess
import tempfile
import unittest

import guest
from guest import Guest, config


def known_data(size):
    """Text that compresses to about a third, the same on every host."""
    state, out = 1, bytearray()
    while len(out) < size:
        state = (state * 6364136223846793005 + 1442695040888963407) & (2**64 - 1)
        out += b"%d word-%d\n" % (state >> 48, state >> 59)
    return bytes(out[:size])


class SelfCheck(unittest.TestCase):
    def test_hashes_and_compressors(self):
        guest.need("vmlinuz", "busybox", "xz/xz")
        with tempfile.TemporaryDirectory() as folder:
            self.checks(pathlib.Path(folder))

    def checks(self, folder):
        data = known_data(1 << 20)
        (folder / "data").write_bytes(data)
        (folder / "data.xz").write_bytes(lzma.compress(data))
        (folder / "data.gz").write_bytes(gzip.compress(data))
        files = [f"{folder}/{name}=data/{name}" for name in ("data", "data.xz", "data.gz")]
        files += [f"{guest.GUEST}/xz/{name}=lib/{name}"
                  for name in ("ld-linux-aarch64.so.1", "libc.so.6", "liblzma.so.5")]
        files.append(f"{guest.GUEST}/xz/xz=bin/xz.real")
        subprocess.run([guest.ROOT / "scripts/make-initrd", folder / "initrd.gz", *files], check=True)
        digests = {name: hashlib.new(name, data).hexdigest() for name in ("md5", "sha1", "sha256", "sha512")}
        with Guest(config(initrd=str(folder / "initrd.gz"))) as vm:
            vm.boot()
            for name, digest in digests.items():
                self.assertIn(digest, vm.run(f"{name}sum /data/data"), name)
            sha256 = digests["sha256"]
            for command in ("gunzip -c /data/data.gz", "xzcat /data/data.xz",
                            "gzip -9 -c /data/data | gunzip -c", "xz.real -dc /data/data.xz",
                            "xz.real -2 -c /data/data | xz.real -dc"):
                self.assertIn(sha256, vm.run(f"{command} | sha256sum", seconds=240), command)
            # And the other way: the host reads what the guest compressed (busybox gzip is not ours).
            packed = vm.run("head -c 20000 /data/data | xz.real -c | base64 -w 76")
            self.assertEqual(lzma.decompress(_base64(packed)), data[:20000])
            vm.send("poweroff -f\n")
            self.assertEqual(vm.exit_code(), 0)


def _base64(text):
    import base64
    return base64.b64decode("".join(text.split()))


if __name__ == "__main__":
    unittest.main()
