# SPDX-License-Identifier: BSD-3-Clause
"""A running VM as its person, its scripts and its service manager see it. The guests are a few instructions
made here. GH_VMM may be a command with arguments, as for tiny_test."""
import json
import os
import pathlib
import pty
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest

import guest
import tiny_test

VMM = os.environ["GH_VMM"].split()
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PATIENCE = 60 * float(os.environ.get("GH_TEST_PATIENCE", "1"))


def ticking():
    """An arm64 Image that says "up" and then a point every million steps, without end."""
    code = [0xD2A60001]                                  # mov x1, #0x30000000: the first serial line
    code += [0x52800020, 0x39000420]                     # mov w0, #1; strb w0, [x1, #1]: it listens (IER)
    for char in b"up\n":
        code += [0x52800000 | char << 5, 0x39000020]     # mov w0, #char; strb w0, [x1]
    code += [0x52A00202, 0x51000442, 0x35FFFFE2,         # mov w2, #1 << 20; 1: sub w2, w2, #1; cbnz w2, 1b
             0x52800000 | ord(".") << 5, 0x39000020,   # mov w0, #'.'; strb w0, [x1]
             0x39400023, 0x17FFFFFA]                     # ldrb w3, [x1]; and again
    header = struct.pack("<IIQQQ24x4sI", 0x14000010, 0, 0, 1 << 16, 0x0A, b"ARMd", 0)
    return header + struct.pack(f"<{len(code)}I", *code)


def await_true(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {PATIENCE:.0f} s: {what}")
        time.sleep(0.02)


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "ticking").write_bytes(ticking())
        (self.folder / "ending").write_bytes(tiny_test.image())
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": str(self.folder)}
        self.environment.pop("NOTIFY_SOCKET", None)

    def config(self, name="vm", kernel="ticking", **values):
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps({"kernel": kernel, "memory": "16MiB", "hypervisor": "emulated",
                                    "serial": "pty", **values}))
        return str(path)

    def start(self, *options, **values):
        """A VM that runs, as a process that is ended with the test."""
        process = subprocess.Popen([*VMM, "run", *options, self.config(**values)], env=self.environment,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(lambda: (process.kill(), process.communicate()))
        return process

    def run_vm(self, *options, **values):
        return subprocess.run([*VMM, "run", *options, self.config(**values)], env=self.environment, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)

    def ask(self, *words, status=0):
        done = subprocess.run([*VMM, *words], env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stderr if status else done.stdout

    def status(self, name="vm"):
        done = subprocess.run([*VMM, "status", "--json", name], env=self.environment, capture_output=True)
        return json.loads(done.stdout) if done.returncode == 0 else {"state": "none"}

    def await_state(self, state, name="vm"):
        await_true(lambda: self.status(name)["state"] == state, f"{name} is {state}")

    def sent(self):
        return self.status()["consoles"][0]["sent"]


class Commands(Case):
    def test_list_and_status(self):
        one, two = self.start(name="one"), self.start(name="two", cpus=2)
        self.await_state("running", "one")
        self.await_state("running", "two")
        lines = [line.split() for line in self.ask("list").splitlines()]
        self.assertEqual([line[:3] for line in lines], [["NAME", "PID", "STATE"], ["one", str(one.pid), "running"],
                                                        ["two", str(two.pid), "running"]])
        self.assertEqual(lines[2][4:], ["16MiB", "2"])
        self.assertIn("state       running", self.ask("status", "one"))
        self.ask("status", "--ready", "one")
        metrics = self.ask("status", "--metrics", "two")
        self.assertIn('gh_vmm_vcpu_cpu_seconds_total{vm="two",vcpu="1"}', metrics)
        self.assertIn('gh_vmm_state{vm="two",state="running"} 1', metrics)

    def test_nobody_there(self):
        self.assertIn("no VM nobody is running", self.ask("status", "nobody", status=1))
        self.assertEqual(len(self.ask("list").splitlines()), 1)

    def test_suspend_and_resume(self):
        self.start()
        self.await_state("running")
        await_true(lambda: self.sent() > 10, "the guest ticks")
        self.ask("suspend", "vm")
        self.assertEqual(self.status()["state"], "paused")
        before, cpu = self.sent(), self.status()["vcpus"][0]["cpu_seconds"]
        time.sleep(0.5)
        self.assertEqual(self.sent(), before)
        self.assertLess(self.status()["vcpus"][0]["cpu_seconds"] - cpu, 0.05)
        self.ask("resume", "vm")
        await_true(lambda: self.sent() > before, "the guest ticks again")
        self.ask("resume", "vm")  # what is so already is no mistake

    def test_stop_waits_for_the_end(self):
        vm = self.start()
        self.await_state("running")
        self.ask("stop", "vm")
        self.assertEqual(vm.wait(PATIENCE), 0)
        self.assertIn(b"ended by gh-vmm stop", vm.stderr.read())
        self.assertEqual(list((self.folder / "gh-vmm").iterdir()), [])

    def test_stop_of_a_suspended_vm(self):
        vm = self.start()
        self.await_state("running")
        self.ask("suspend", "vm")
        self.ask("stop", "--force", "vm")
        self.assertEqual(vm.wait(PATIENCE), 0)

    def test_reset_and_events(self):
        self.start(boot={"ready": "up"})
        await_true(lambda: self.status().get("ready"), "the guest is ready")
        watcher = socket.socket(socket.AF_UNIX)
        self.addCleanup(watcher.close)
        watcher.connect(str(self.folder / "gh-vmm/vm.sock"))
        watcher.send(b'{"command": "events"}\n')
        lines = watcher.makefile()
        self.assertTrue(json.loads(lines.readline())["ok"])
        self.ask("suspend", "vm")
        self.ask("resume", "vm")
        self.ask("reset", "vm")
        await_true(lambda: self.status().get("restarts") == 1 and self.status().get("ready"), "a second start")
        self.ask("stop", "vm")
        events = [json.loads(line) for line in lines]
        self.assertEqual([event["event"] for event in events],
                         ["paused", "resumed", "stopped", "restarting", "starting", "running", "ready", "stopping",
                          "stopped", "exit"])
        self.assertEqual({event["vm"] for event in events}, {"vm"})
        self.assertEqual(events[-1]["status"], 0)

    def test_events_until_the_end(self):
        self.start()
        self.await_state("running")
        watcher = subprocess.Popen([*VMM, "events", "vm"], env=self.environment, stdout=subprocess.PIPE)

        def is_seen():
            self.ask("suspend", "vm")
            self.ask("resume", "vm")
            return select.select([watcher.stdout], [], [], 0)[0]

        await_true(is_seen, "somebody watches")
        self.ask("stop", "vm")
        last = watcher.communicate(timeout=PATIENCE)[0].splitlines()[-1]
        self.assertEqual(json.loads(last)["event"], "exit")

    def test_every_console_is_listed(self):
        socket_path = str(self.folder / "agent.sock")
        self.start(console=["pty", {"type": "socket", "path": socket_path, "name": "agent"}])
        self.await_state("running")
        consoles = self.status()["consoles"]
        self.assertEqual([(one["name"], one["type"]) for one in consoles],
                         [("ttyS0", "pty"), ("hvc0", "pty"), ("agent", "socket")])
        self.assertEqual(consoles[2]["path"], socket_path)
        self.assertRegex(self.ask("status", "vm"), f"\nagent +socket {socket_path}, 0 bytes out")
        self.assertIn("it has ttyS0, hvc0, agent", self.ask("console", "--line", "hvc7", "vm", status=1))

    def test_no_power_button_is_said(self):
        self.start()
        self.await_state("running")
        self.assertIn("no power button", self.ask("powerbtn", "vm", status=1))

    def test_a_socket_by_path(self):
        path = str(self.folder / "here.sock")
        self.start("--control", path)
        await_true(lambda: os.path.exists(path) and self.status(path)["state"] == "running", "it listens there")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        self.ask("stop", path)
        self.assertFalse(os.path.exists(path))

    def test_no_socket(self):
        done = self.run_vm(kernel="ending", control={"enabled": False})
        self.assertEqual(done.returncode, 0)
        self.assertFalse((self.folder / "gh-vmm").exists())

    def test_killed_and_started_again(self):
        vm = self.start()
        self.await_state("running")
        vm.kill()
        vm.wait()
        self.assertTrue((self.folder / "gh-vmm/vm.sock").exists())
        self.assertEqual(len(self.ask("list").splitlines()), 1)
        again = self.start()
        self.await_state("running")
        self.assertEqual(self.status()["pid"], again.pid)

    def test_a_second_vm_of_the_name(self):
        first = self.start()
        self.await_state("running")
        done = self.run_vm(kernel="ending")
        self.assertEqual(done.returncode, 0)
        self.assertIn(f"process {first.pid}'s", done.stderr)
        self.assertEqual(self.status()["pid"], first.pid)
        named = self.run_vm(kernel="ending", control=str(self.folder / "gh-vmm/vm.sock"))
        self.assertEqual(named.returncode, 1)

    def test_clients_of_crosvm(self):
        path = str(self.folder / "crosvm.sock")
        vm = self.start(control={"crosvm_socket": path})
        self.await_state("running")
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
            client.connect(path)
            for word, state in (("SuspendVcpus", "paused"), ("ResumeVcpus", "running")):
                client.send(json.dumps(word).encode())
                self.assertEqual(client.recv(100), b'"Ok"')
                self.assertEqual(self.status()["state"], state)
            client.send(b'"Powerbtn"')
            self.assertEqual(client.recv(100), b'{"Err":"the guest has no power button, or no driver for it"}')
            client.send(b'"Exit"')
            self.assertEqual(client.recv(100), b'"Ok"')
        self.assertEqual(vm.wait(PATIENCE), 0)

    def test_watchers_that_read_nothing_and_die(self):
        vm = self.start()
        self.await_state("running")
        watchers = []
        for _ in range(20):
            watcher = socket.socket(socket.AF_UNIX)
            watcher.connect(str(self.folder / "gh-vmm/vm.sock"))
            watcher.send(b'{"command": "events"}\n')
            watchers.append(watcher)
        self.await_state("running")
        for watcher in watchers[::2]:
            watcher.close()
        for _ in range(20):
            self.ask("suspend", "vm")
            self.ask("resume", "vm")
        self.assertEqual(self.status()["state"], "running")
        for watcher in watchers:
            watcher.close()
        self.assertIsNone(vm.poll())

    def test_garbage_in_hundreds_of_connections(self):
        vm = self.start()
        self.await_state("running")
        clients = []
        for number in range(300):
            client = socket.socket(socket.AF_UNIX)
            client.connect(str(self.folder / "gh-vmm/vm.sock"))
            try:
                client.send([b"\0" * 5000, b'{"command":', b'{"command":"events"}\n' * 2][number % 3])
            except BrokenPipeError:
                pass  # it has made room for others
            clients.append(client)
        for client in clients:
            client.close()
        self.await_state("running")
        self.assertIsNone(vm.poll())


class Console(Case):
    def console(self, *options):
        """The command at a terminal of its own."""
        terminal, slave = pty.openpty()
        self.addCleanup(os.close, terminal)
        process = subprocess.Popen([*VMM, "console", *options, "vm"], env=self.environment, stdin=slave,
                                   stdout=slave, stderr=slave, start_new_session=True,
                                   preexec_fn=guest.take_terminal)
        self.addCleanup(lambda: (process.kill(), process.wait()))
        os.close(slave)
        return process, terminal

    def expect(self, terminal, text):
        seen, deadline = b"", time.monotonic() + PATIENCE
        while text not in seen:
            left = max(0, deadline - time.monotonic())
            self.assertTrue(select.select([terminal], [], [], left)[0], seen[-200:])
            self.assertLess(time.monotonic(), deadline, seen[-200:])
            seen += os.read(terminal, 4096)

    def attach_and_leave(self):
        self.await_state("running")
        for _ in range(2):
            process, terminal = self.console()
            self.expect(terminal, b"....")
            os.write(terminal, b"\x01?")
            self.expect(terminal, b"the VM goes on")
            os.write(terminal, b"\x01x")
            self.assertEqual(process.wait(PATIENCE), 0)
        self.assertEqual(self.status()["state"], "running")

    def test_pty(self):
        self.start()
        self.attach_and_leave()

    def test_socket(self):
        self.start(serial={"type": "socket", "path": str(self.folder / "line")})
        self.attach_and_leave()

    def test_what_is_typed_arrives_and_the_end_ends(self):
        vm = self.start()
        self.await_state("running")
        process, terminal = self.console()
        self.expect(terminal, b"....")
        os.write(terminal, b"abc")
        await_true(lambda: self.status()["consoles"][0]["received"] > 0, "a byte at the guest")
        self.ask("stop", "vm")
        vm.wait(PATIENCE)
        self.assertEqual(process.wait(PATIENCE), 0)

    def test_a_vm_that_lies_gets_nothing_that_is_typed(self):
        precious = self.folder / "precious"
        precious.write_text("mine")
        other = socket.socket(socket.AF_UNIX)
        self.addCleanup(other.close)
        other.bind(str(self.folder / "other"))
        other.listen()
        for kind, path in ("pty", precious), ("socket", self.folder / "other"):
            with self.subTest(kind):
                pid = os.fork()
                if pid == 0:
                    own = socket.socket(socket.AF_UNIX)
                    own.bind(str(self.folder / f"{kind}-early"))
                    own.listen()
                    os.rename(self.folder / f"{kind}-early", self.folder / f"{kind}-vm")
                    caller, _ = own.accept()
                    caller.recv(4096)
                    line = {"name": "ttyS0", "type": kind, "path": str(path)}
                    caller.sendall(json.dumps({"ok": True, "result": {"consoles": [line]}}).encode() + b"\n")
                    caller.recv(1)
                    os._exit(0)
                self.addCleanup(os.waitpid, pid, 0)
                await_true((self.folder / f"{kind}-vm").exists, "the liar listens")
                done = subprocess.run([*VMM, "console", str(self.folder / f"{kind}-vm")], input=b"secret",
                                      capture_output=True, timeout=PATIENCE)
                self.assertEqual(done.returncode, 1)
                self.assertIn(b"do not trust it", done.stderr)
        self.assertEqual(precious.read_text(), "mine")

    def test_nothing_to_attach_to(self):
        self.start(serial="null")
        self.await_state("running")
        self.assertIn("serial.0=pty", self.ask("console", "vm", status=1))
        self.assertIn("no line 3; it has ttyS0", self.ask("console", "--line", "3", "vm", status=1))


class Supervision(Case):
    def test_restarts_up_to_the_limit(self):
        out = self.folder / "console"
        done = self.run_vm(kernel="ending", on_poweroff={"action": "restart", "limit": 2, "backoff": "10ms"},
                           serial={"type": "file", "path": str(out)})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr.count("in a row in"), 2, done.stderr)
        self.assertIn("restarted 2 times in a row", done.stderr)
        self.assertEqual(out.read_text(), tiny_test.LINE)  # each machine begins the file anew

    def test_kept_after_its_end(self):
        vm = self.start(kernel="ending", on_poweroff="pause")
        self.await_state("ended")
        self.assertIn("powered off", self.status()["why"])
        vm.terminate()
        self.assertEqual(vm.wait(PATIENCE), 0)

    def test_not_ready_in_time(self):
        done = self.run_vm(boot={"timeout": "300ms", "ready": "login:"})
        self.assertEqual(done.returncode, 37)
        self.assertIn('"login:" did not come on its first serial line', done.stderr)

    def test_ready_in_time(self):
        vm = self.start(boot={"timeout": "60s", "ready": "up"})
        await_true(lambda: self.status().get("ready"), "ready")
        vm.send_signal(signal.SIGINT)
        self.assertEqual(vm.wait(PATIENCE), 0)

    def test_scheduling_of_vcpu_threads(self):
        allowed = min(os.sched_getaffinity(0))
        vm = self.start(cpus={"count": 2, "affinity": str(allowed), "nice": 7})
        self.await_state("running")

        def threads(of_vcpus):
            for task in pathlib.Path(f"/proc/{vm.pid}/task").iterdir():
                if (task / "comm").read_text().startswith("vcpu-") == of_vcpus:
                    fields = (task / "stat").read_text().rsplit(")", 1)[1].split()
                    yield os.sched_getaffinity(int(task.name)), fields[16]

        await_true(lambda: list(threads(True)) == [({allowed}, "7")] * 2, "vCPUs are where they are to be")
        for _, nice in threads(False):
            self.assertEqual(nice, str(os.getpriority(os.PRIO_PROCESS, 0)))

    def test_vcpu_threads_join_a_group(self):
        """A folder of the test's in place of one of the kernel's, which few may make."""
        group = self.folder / "group"
        group.mkdir()
        (group / "cgroup.threads").touch()
        vm = self.start(cpus={"cgroup": str(group)})
        self.await_state("running")
        await_true(lambda: (group / "cgroup.threads").read_text(), "a thread joins")
        joined = (group / "cgroup.threads").read_text()
        self.assertEqual(pathlib.Path(f"/proc/{vm.pid}/task/{joined}/comm").read_text(), "vcpu-0\n")

    def test_a_group_that_is_not_there(self):
        done = self.run_vm(cpus={"cgroup": "nowhere"})
        self.assertEqual(done.returncode, 1)
        self.assertIn("cpus.cgroup: move a vCPU's thread to ", done.stderr)

    def test_a_processor_that_is_not_here(self):
        done = self.run_vm(cpus={"affinity": "1023"})
        self.assertEqual(done.returncode, 1)
        self.assertIn("cpus.affinity", done.stderr)


class Service(Case):
    def manager(self):
        """A service manager's end of sd_notify(3)."""
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(manager.close)
        manager.bind(str(self.folder / "notify"))
        manager.settimeout(PATIENCE)
        self.environment["NOTIFY_SOCKET"] = str(self.folder / "notify")
        return manager

    def until(self, manager, line):
        heard = []
        while line not in heard:
            heard.append(manager.recv(4096).decode())
        return heard

    def test_the_manager_is_told(self):
        manager = self.manager()
        vm = self.start(boot={"ready": "up"})
        self.assertEqual(self.until(manager, "READY=1"), ["STATUS=starting", "STATUS=running", "READY=1"])
        vm.terminate()
        self.assertIn("STATUS=stopping: ended by SIGTERM", self.until(manager, "STATUS=exit: ended by SIGTERM"))
        self.assertEqual(vm.wait(PATIENCE), 0)

    def test_the_watchdog_is_fed(self):
        self.environment["WATCHDOG_USEC"] = "200000"
        manager = self.manager()
        self.start()
        for _ in range(3):
            self.until(manager, "WATCHDOG=1")

    def test_daemon(self):
        pid_file, log = self.folder / "pid", self.folder / "log"
        done = self.run_vm("--daemon", "--pidfile", str(pid_file), "--log-file", str(log), serial="stdio")
        self.assertEqual(done.returncode, 0, done.stderr)
        pid = int(pid_file.read_text())
        self.addCleanup(lambda: os.path.exists(f"/proc/{pid}") and os.kill(pid, signal.SIGKILL))
        self.await_state("running")
        self.assertEqual(self.status()["pid"], pid)
        self.assertEqual(self.status()["consoles"][0]["type"], "pty")
        self.assertNotEqual(os.getsid(pid), os.getsid(0))
        self.ask("stop", "vm")
        await_true(lambda: "ended by gh-vmm stop" in log.read_text(), "its last word in the log")
        await_true(lambda: not pid_file.exists(), "the pid file is gone")

    def test_a_daemon_that_cannot_start_says_why(self):
        done = self.run_vm("--daemon", hypervisor={"device": "kernel", "path": "/nowhere/gunyah"})
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nowhere/gunyah", done.stderr)

    def test_logs_as_json(self):
        done = subprocess.run([*VMM, "--log-format", "json", "--log-level", "info", "run",
                               self.config(kernel="ending")], env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=PATIENCE)
        lines = [json.loads(line) for line in done.stderr.splitlines()]
        self.assertEqual({frozenset(line) for line in lines}, {frozenset(("time", "level", "message"))})
        self.assertEqual(lines[-1]["level"], "notice")
        self.assertIn("powered off", lines[-1]["message"])

    def test_an_unknown_level_is_refused(self):
        self.assertIn('did you mean "debug"', self.ask("--log-level", "debgu", "list", status=35))

    @unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze here")
    def test_the_unit_is_sound(self):
        unit = (ROOT / "systemd/gh-vmm@.service").read_text()
        path = self.folder / "gh-vmm@.service"
        path.write_text(unit.replace("/usr/bin/gh-vmm", "/bin/true"))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(path)], capture_output=True, text=True)
        self.assertNotIn("gh-vmm@", done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
