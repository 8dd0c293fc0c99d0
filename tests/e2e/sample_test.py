# SPDX-License-Identifier: BSD-3-Clause
"""A client in the kernel sample's manner (sample_client.c), which starts a VM and lets the hypervisor run
it, on every generation of the emulated device. GH_SAMPLE names the program."""
import os
import pathlib
import signal
import struct
import subprocess
import tempfile
import unittest

from guest import VMM
from gunyah import FIRST_SAMPLE, PROXY, SPIN, STATIC, SYSTEM_OFF, devicetree
from personality_test import LENDING, SHARE_ONLY

# Loads from where a VMM's device would be; the vector of what that raises leaves the syndrome and 42
# at 0x80001000.
LOAD = [0xd2b00005, 0x912000a1, 0x914004a5,   # mov x5, #0x80000000; add x1, x5, #0x800; add x5, x5, #0x1000
        0xd518c001, 0xd5033fdf,               # msr vbar_el1, x1; isb
        0xd2820002, 0xb9400043] + SPIN        # mov x2, #0x1000; ldr w3, [x2]
LEAVE = [0xd5385203, 0x52800544, 0xb90004a3,  # mrs x3, esr_el1; mov w4, #42; str w3, [x5, #4]
         0xd5033f9f, 0xb90000a4]              # dsb sy; str w4, [x5]
LEFT = "guest left 0x2a 0x96000010\n"


def image(end):
    code = struct.pack(f"<{len(LOAD)}I", *LOAD).ljust(0xa00, b"\0")
    return code + struct.pack(f"<{len(LEAVE + end)}I", *LEAVE, *end)


class Sample:
    """The sample under gh-vmm emulate, line by line."""

    def __init__(self, personality, end, *options, vcpus=STATIC):
        self.folder = tempfile.TemporaryDirectory()
        folder = pathlib.Path(self.folder.name)
        (folder / "image").write_bytes(image(end))
        (folder / "tree").write_bytes(devicetree(vcpus))
        self.process = subprocess.Popen(
            [VMM, "emulate", "--personality", personality, "--", os.environ["GH_SAMPLE"], *options,
             str(folder / "image"), str(folder / "tree")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()
        self.folder.cleanup()

    def line(self):
        return self.process.stdout.readline()

    def logged(self, text):
        """Waits for a line of the log with that text; False: the log ended without."""
        return any(text in line for line in self.process.stderr)

    def interrupt(self):
        """SIGINT: what else it says, the rest of the log, and its exit status."""
        self.process.send_signal(signal.SIGINT)
        said, log = self.process.communicate()
        return said, log, self.process.returncode


class Scheduled(unittest.TestCase):
    """The devicetree leaves the vCPUs to the hypervisor."""

    def test_a_guest_in_shared_memory_runs_until_the_client_ends(self):
        for name in LENDING + SHARE_ONLY:
            with self.subTest(name), Sample(name, SPIN) as sample:
                self.assertEqual(sample.line(), "started\n")
                self.assertEqual(sample.line(), "guest says 0x2a\n")
                said, log, status = sample.interrupt()
                self.assertEqual((said, status), (LEFT, 0), log)
                self.assertIn("VM 0x80 has ended: the VM was stopped by force", log)

    def test_a_guest_in_lent_memory_ends_and_the_log_says_so(self):
        for name in LENDING:
            with self.subTest(name), Sample(name, SYSTEM_OFF, "-l") as sample:
                self.assertEqual(sample.line(), "started\n")
                self.assertTrue(sample.logged("VM 0x80 has ended: the guest powered off"))
                said, _, status = sample.interrupt()
                self.assertEqual((said, status), (LEFT, 0))

    def test_a_tree_of_the_first_sample_is_scheduled_too(self):
        with Sample("v10", SPIN, vcpus=FIRST_SAMPLE) as sample:
            self.assertEqual((sample.line(), sample.line()), ("started\n", "guest says 0x2a\n"))
            self.assertEqual(sample.interrupt()[2], 0)

    def test_a_kernel_that_cannot_lend_refuses(self):
        for name in SHARE_ONLY:
            with self.subTest(name), Sample(name, SPIN, "-l") as sample:
                said, log = sample.process.communicate()
                self.assertEqual((said, sample.process.returncode), ("", 1))
                self.assertIn("SET_USER_MEM_REGION: Invalid argument", log)


class Proxy(unittest.TestCase):
    def test_nobody_runs_a_proxy_vm_without_vcpu_functions(self):
        """The guest had all the time that it took to end a VM that ran."""
        with Sample("android15", SPIN, vcpus=PROXY) as sample:
            self.assertEqual(sample.line(), "started\n")
            with Sample("android15", SYSTEM_OFF) as other:
                self.assertTrue(other.logged("has ended"))
            said, _, status = sample.interrupt()
            self.assertEqual((said, status), ("guest left 0 0\n", 0))


if __name__ == "__main__":
    unittest.main()
