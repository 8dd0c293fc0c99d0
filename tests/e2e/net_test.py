# SPDX-License-Identifier: BSD-3-Clause
"""A guest on the network: by passt, without privileges, and by a tap in a namespace of the test's."""
import functools
import hashlib
import http.server
import os
import pathlib
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.request

import guest
from guest import Guest, config

MODULES = ["virtio_mmio", "failover", "net_failover", "virtio_net"]


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Network(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.initrd, load = guest.with_modules(self.folder, MODULES, [f"{guest.ROOT}/scripts/guest/lease=lease"])
        # The shell breaks what it echoes into lines, which the test would not find.
        self.probe = "dmesg -n 1 && stty cols 250 && " + load  # nor say anything between

    def guest(self, net, before=(), options=(), **changes):
        return Guest(config(initrd=self.initrd, cpus=2, net=net, **changes), before=before, options=options)

    def serve(self, address="127.0.0.1"):
        """A web server with one file; its port."""
        folder = self.folder / "web"
        folder.mkdir()
        self.data = random.Random(5).randbytes(8_000_003)
        (folder / "file").write_bytes(self.data)

        class Quiet(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer((address, 0), functools.partial(Quiet, directory=str(folder)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_address[1]

    def power_off(self, vm):
        self.assertNotRegex(vm.run("dmesg"), r"(?i)unable to handle|call trace|nobody cared|rx error|bad gso|checksum failure")
        vm.send("poweroff -f\n")
        self.assertEqual(vm.exit_code(), 0)


class User(Network):
    def setUp(self):
        super().setUp()
        if not shutil.which("passt") and not os.environ.get("GH_TEST_NO_SKIP"):
            self.skipTest("passt is not installed")
        if "default" not in subprocess.run(["ip", "route"], capture_output=True, text=True).stdout:
            self.skipTest("this host has no route to the outside, which passt wants")

    def get_address(self, vm):
        vm.run(self.probe)
        vm.run("ip link set lo up && ip link set eth0 up && udhcpc -q -n -t 10 -i eth0 -s /lease")

    def fetch(self, vm, url):
        """By the guest, to /tmp/www/file."""
        vm.run(f"wget -q -O /tmp/www/file {url}")

    def use(self, before=(), options=()):
        web, answer, datagrams = self.serve(), free_port(), free_port(socket.SOCK_DGRAM)
        net = {"type": "user", "mac": "02:00:00:00:00:99",
               "forward": [{"host": answer, "guest": 80}, {"host": datagrams, "guest": 7, "proto": "udp"}]}
        with self.guest(net, before, options) as vm:
            vm.boot()
            self.get_address(vm)
            self.assertEqual(vm.run("cat /sys/class/net/eth0/address").strip(), "02:00:00:00:00:99")
            self.assertEqual(vm.run("cat /sys/class/net/eth0/mtu").strip(), "65520")
            vm.run("mkdir /tmp/www; host=$(cat /tmp/router)")
            self.fetch(vm, f"http://$host:{web}/file")
            self.assertIn(hashlib.sha256(self.data).hexdigest(), vm.run("sha256sum /tmp/www/file"))
            vm.run("httpd -p 80 -h /tmp/www")
            with urllib.request.urlopen(f"http://127.0.0.1:{answer}/file", timeout=60 * guest.PATIENCE) as reply:
                self.assertEqual(hashlib.sha256(reply.read()).hexdigest(), hashlib.sha256(self.data).hexdigest())
            # busybox has nobody who would take it; datagrams may be lost
            unclaimed = "0"
            while unclaimed == "0":
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
                    one.sendto(b"is anybody there?", ("127.0.0.1", datagrams))
                unclaimed = vm.run("grep '^Udp: [0-9]' /proc/net/snmp").split()[2]
            self.power_off(vm)
            return vm.stderr()

    def test_fetch_and_forward(self):
        self.assertNotIn("net0", self.use())

    def test_without_namespaces(self):
        """As in a container: nobody may make namespaces."""
        probe = pathlib.Path(__file__).parent / "without_namespaces.py"
        said = self.use(before=[sys.executable, str(probe)], options=["-v"])
        self.assertIn("net0: no namespaces can be made here", said)

    def passt_of(self, port):
        """The process that forwards this port. It has left its parents, as daemons do."""
        found = subprocess.run(["pgrep", "-f", f"^passt .*127.0.0.1/{port}:"], capture_output=True, text=True, check=True)
        return int(found.stdout)

    def test_the_end_of_passt_is_a_link_that_goes_down(self):
        port = free_port()
        with self.guest({"forward": port}) as vm:
            vm.boot()
            self.get_address(vm)
            self.assertEqual(vm.run("cat /sys/class/net/eth0/carrier").strip(), "1")
            os.kill(self.passt_of(port), signal.SIGKILL)
            vm.run("while grep -q 1 /sys/class/net/eth0/carrier; do sleep 1; done")
            self.assertIn("net0: passt has ended", vm.stderr())
            self.power_off(vm)

    def test_passt_ends_with_gh_vmm(self):
        port = free_port()
        with self.guest({"forward": port}) as vm:
            vm.boot()
            ended = os.pidfd_open(self.passt_of(port))
            vm.process.kill()
        self.addCleanup(os.close, ended)
        self.assertTrue(select.select([ended], [], [], 60 * guest.PATIENCE)[0])

    def test_a_port_in_use_is_told(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with self.guest({"forward": port}) as vm:
                self.assertEqual(vm.exit_code(), 1)
                self.assertRegex(vm.stderr(), f"net0: passt ended: .*{port}")


class Tap(Network):
    """In a network namespace of the test's, where it may make interfaces."""

    def setUp(self):
        super().setUp()
        self.namespace = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
        script = "ip tuntap add dev tap0 mode tap"
        made = subprocess.run([*self.namespace, "sh", "-c", script], capture_output=True, text=True)
        if made.returncode:
            self.skipTest(f"no tap can be made here: {made.stderr.strip()}")

    def inside(self, last):
        """Makes a tap and a web server beside it, and then becomes gh-vmm."""
        script = f"""ip link set lo up && ip tuntap add dev tap0 mode tap && ip link set tap0 up &&
            ip addr add 192.0.2.1/24 dev tap0 && cd {self.folder} &&
            {{ {sys.executable} -m http.server 8000 --bind 192.0.2.1 >/dev/null 2>&1 & }} &&
            echo $! >server && {last} exec "$@" """
        return [*self.namespace, "sh", "-c", script, "-"]

    def use(self, net, last=""):
        data = random.Random(6).randbytes(20_000_003)
        (self.folder / "file").write_bytes(data)
        with self.guest(net, before=self.inside(last)) as vm:
            self.addCleanup(lambda: os.kill(int((self.folder / "server").read_text()), signal.SIGKILL))
            vm.boot()
            vm.run(self.probe)
            vm.run("ip addr add 192.0.2.2/24 dev eth0 && ip link set eth0 up")
            vm.run("wget -q -O /tmp/file http://192.0.2.1:8000/file")
            self.assertIn(hashlib.sha256(data).hexdigest(), vm.run("sha256sum /tmp/file"))
            vm.run("ping -c 3 -s 1400 192.0.2.1")
            self.offloads = vm.run("cat /sys/bus/virtio/devices/virtio0/features").strip()
            self.power_off(vm)
            self.assertNotIn("net0", vm.stderr())

    def test_by_name(self):
        self.use({"tap": "tap0"})
        for feature in (0, 1, 5, 7, 8, 11, 12, 15, 16):
            self.assertEqual(self.offloads[feature], "1")

    def test_a_tap_that_vanishes_is_a_link_that_goes_down(self):
        with self.guest({"tap": "tap0"}, before=self.inside("")) as vm:
            self.addCleanup(lambda: os.kill(int((self.folder / "server").read_text()), signal.SIGKILL))
            vm.boot()
            vm.run(self.probe)
            vm.run("ip link set eth0 up")
            subprocess.run(["nsenter", "-t", str(vm.process.pid), "--net", "ip", "link", "del", "tap0"], check=True)
            vm.run("while grep -q 1 /sys/class/net/eth0/carrier; do sleep 1; done")
            self.assertIn("net0: the tap tap0 is gone", vm.stderr())
            # A driver that begins anew finds the same.
            vm.run("(cd /sys/bus/virtio/drivers/virtio_net && echo virtio0 >unbind && echo virtio0 >bind)")
            vm.run("ip link set eth0 up && grep -q 0 /sys/class/net/eth0/carrier")
            self.power_off(vm)
            self.assertNotIn("net0 stops", vm.stderr())

    def test_a_tap_of_somebody_else(self):
        with self.guest({"tap": "tap1"}, before=self.inside("")) as vm:
            self.addCleanup(lambda: os.kill(int((self.folder / "server").read_text()), signal.SIGKILL))
            self.assertEqual(vm.exit_code(), 1)
            self.assertIn("there is no interface tap1; to make one: sudo ip tuntap add", vm.stderr())


class Refused(Network):
    def test_no_passt_is_told_with_the_remedy(self):
        with self.guest("user", before=["env", "PATH=/nowhere"]) as vm:
            self.assertEqual(vm.exit_code(), 1)
            self.assertIn("apt install passt", vm.stderr())

    def test_a_descriptor_that_is_no_network(self):
        with self.guest({"fd": 3}, before=["bash", "-c", 'exec 3</dev/null; exec "$@"', "-"]) as vm:
            self.assertEqual(vm.exit_code(), 1)
            self.assertIn("neither a tap nor a stream socket", vm.stderr())


if __name__ == "__main__":
    unittest.main()
