# SPDX-License-Identifier: BSD-3-Clause
"""A guest of a few instructions, made here: the whole program without a kernel to fetch. GH_VMM may be
a command with arguments, such as qemu-aarch64 before an arm64 gh-vmm."""
import json, os, pathlib, struct, subprocess, tempfile, unittest

LINE = "a first line\n"


POWER_OFF = [0x52800100, 0x72B08000, 0xD4000002, 0x14000000]  # mov w0, #8; movk w0, #0x8400, lsl #16; hvc #0; b .
WAIT = [0xD503207F, 0x17FFFFFF]                               # wfi; b .-4


def image(then=POWER_OFF):
    """An arm64 Image (Documentation/arch/arm64/booting.rst) that prints the line and does what follows."""
    code = [0xD2A60001]                                       # mov x1, #0x30000000: the first serial line
    for char in LINE.encode():
        code += [0x52800000 | char << 5, 0x39000020]          # mov w0, #char; strb w0, [x1]
    code += then
    header = struct.pack("<IIQQQ24x4sI", 0x14000010, 0, 0, 1 << 16, 0x0A, b"ARMd", 0)
    return header + struct.pack(f"<{len(code)}I", *code)


def boot(*options, before_exec=None):
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "kernel").write_bytes(image())
        config = pathlib.Path(folder) / "vm.json"
        config.write_text(json.dumps({"kernel": "kernel", "memory": "16MiB", "hypervisor": "emulated"}))
        command = os.environ["GH_VMM"].split() + ["run", *options, str(config)]
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                              preexec_fn=before_exec)


class Tiny(unittest.TestCase):

    def check(self, result):
        self.assertEqual((result.stdout.replace("\r", ""), result.returncode), (LINE, 0), result.stderr)

    def test_first_line(self):
        self.check(boot())

    def test_first_line_interpreted(self):
        self.check(boot("--engine", "interpreter"))


if __name__ == "__main__":
    unittest.main()
