# SPDX-License-Identifier: BSD-3-Clause
"""What the examples for fleets tell an orchestrator to run, run as it would."""
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time
import unittest

import guest

EXAMPLES = guest.ROOT / "examples"


class Example(unittest.TestCase):
    def setUp(self):
        guest.need("vmlinuz", "initrd.gz")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.environment = os.environ | {"XDG_RUNTIME_DIR": self.folder}

    def place(self, text, images):
        """Writes the configuration that is in an example, with our images, to where `run` expects it."""
        body = re.search(r"^( *)\{\n(.*?)^\1\}$", text, re.M | re.S)[0]
        pathlib.Path(self.folder, "vm.json").write_text(body.replace(images, str(guest.GUEST)))

    def call(self, *arguments):
        return subprocess.run([guest.VMM, *arguments], env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, check=False).returncode

    def start(self, arguments):
        process = subprocess.Popen([guest.VMM, *arguments], env=self.environment, cwd=self.folder,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_kubernetes(self):
        text = (EXAMPLES / "kubernetes.yaml").read_text()
        self.place(text, "/images")
        arguments = json.loads(re.search(r"^ *args: (\[.*\])$", text, re.M)[1])
        ready, alive = [json.loads(command)[1:] for command in re.findall(r"command: (\[.*?\])", text)]
        vm = self.start([argument.replace("/config", self.folder) for argument in arguments])
        self.assertEqual(self.call(*ready), 1)
        deadline = time.monotonic() + 120 * guest.PATIENCE
        while self.call(*ready) != 0:
            self.assertLess(time.monotonic(), deadline, "the readiness probe says no")
            time.sleep(0.2)
        self.assertEqual(self.call(*alive), 0)
        vm.send_signal(signal.SIGTERM)
        self.assertEqual(vm.wait(int(re.search(r"terminationGracePeriodSeconds: (\d+)", text)[1])), 0)

    def test_nomad(self):
        text = (EXAMPLES / "nomad.hcl").read_text().replace('{{ env "NOMAD_ALLOC_INDEX" }}', "0")
        self.place(text, "/srv/vm-images")
        arguments = json.loads(re.sub(r",\s*\]", "]", re.search(r"args = (\[.*?\n *\])", text, re.S)[1]))
        vm = self.start([argument.replace("${NOMAD_TASK_DIR}", self.folder) for argument in arguments])
        socket = pathlib.Path(self.folder, "control.sock")
        deadline = time.monotonic() + 120 * guest.PATIENCE
        while self.call("status", str(socket)) != 0:
            self.assertLess(time.monotonic(), deadline, "no control socket answers")
            time.sleep(0.2)
        self.assertTrue(pathlib.Path(self.folder, "console.sock").is_socket())
        vm.send_signal(signal.SIGTERM)
        self.assertEqual(vm.wait(int(re.search(r'kill_timeout = "(\d+)s"', re.sub(" +", " ", text))[1])), 0)
