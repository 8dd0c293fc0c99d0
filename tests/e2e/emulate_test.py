# SPDX-License-Identifier: BSD-3-Clause
"""gh-vmm emulate: programs of any kind find a /dev/gunyah and are served as by the kernel."""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

import guest
from guest import VMM

HERE = pathlib.Path(__file__).resolve().parent


def emulate(*command, options=(), seconds=120):
    return subprocess.run([VMM, "emulate", *options, "--", *command], capture_output=True, text=True,
                          timeout=seconds * guest.PATIENCE, cwd=HERE)


class Programs(unittest.TestCase):
    """Any program: what has nothing to do with the device is as always."""

    def test_the_device_is_there(self):
        self.assertEqual(emulate("test", "-c", "/dev/gunyah").returncode, 0)
        self.assertEqual(emulate("test", "-c", "/dev/other", options=["--device", "/dev/other"]).returncode, 0)

    def test_relative_paths_and_directories_find_it(self):
        done = emulate("sh", "-c", "cd /dev && test -c gunyah && test -c ./../dev//gunyah && exec 3<>gunyah")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_the_exit_status_is_the_commands(self):
        self.assertEqual(emulate("sh", "-c", "exit 7").returncode, 7)
        self.assertEqual(emulate("sh", "-c", "kill -TERM $$").returncode, 128 + signal.SIGTERM)

    def test_a_command_that_is_not_there_is_an_error(self):
        done = emulate("/nowhere/program")
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot run '/nowhere/program': ENOENT", done.stderr)

    def test_no_command_is_a_mistake(self):
        self.assertEqual(subprocess.run([VMM, "emulate"], capture_output=True).returncode, 35)

    def test_it_waits_for_all_that_the_command_started(self):
        done = emulate("sh", "-c", "(sleep 1; test -c /dev/gunyah && echo late) & echo early")
        self.assertEqual(done.stdout.split(), ["early", "late"])

    def test_sigterm_reaches_the_command(self):
        running = subprocess.Popen([VMM, "emulate", "--", "sh", "-c", "trap 'exit 5' TERM; echo up; "
                                    "while :; do sleep 0.1; done"], stdout=subprocess.PIPE, text=True)
        self.assertEqual(running.stdout.readline(), "up\n")
        running.send_signal(signal.SIGTERM)
        self.assertEqual(running.wait(10 * guest.PATIENCE), 5)
        running.stdout.close()


class ClientTest(unittest.TestCase):
    """A VMM written from the documented ABI alone (gunyah.py)."""

    def client(self, *arguments, seconds=120, options=()):
        done = emulate(sys.executable, "-B", "emulate_client.py", *arguments, seconds=seconds, options=options)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Clients(ClientTest):
    def test_a_guest_with_shared_memory(self):
        self.client("run", "share")

    def test_a_guest_with_private_memory(self):
        self.client("run", "private")

    def test_a_guest_with_lent_memory(self):
        self.client("run", "lend")

    def test_a_guest_that_speaks_to_the_resource_manager(self):
        self.client("rpc")

    def test_lent_memory_comes_back(self):
        self.client("returned")

    def test_lent_memory_is_out_of_reach(self):
        for name in ["android14", "android15", "android16"]:
            for arguments in [[], ["private"]]:
                done = emulate(sys.executable, "-B", "emulate_client.py", "touched", *arguments,
                               options=["--personality", name])
                self.assertEqual(done.returncode, 128 + signal.SIGBUS, done.stderr)

    def test_signals_interrupt(self):
        self.client("interrupted")

    def test_many_vms_at_once(self):
        self.client("threads")

    def test_killed_clients_leave_nothing(self):
        self.client("killed")

    def test_killed_clients_whose_guests_nobody_runs_leave_nothing(self):
        self.client("killed_unrun")

    def test_mad_clients_harm_only_themselves(self):
        for name in ["android14", "android15", "android16"]:
            with self.subTest(name):
                self.client("mad_clients", "1", options=["--personality", name])

    def test_killed_at_the_very_end(self):
        for _ in range(8):
            done = emulate(sys.executable, "-B", "emulate_client.py", "killed_last")
            self.assertEqual(done.returncode, 128 + signal.SIGKILL, done.stderr)

    def test_a_truncated_file_harms_only_its_guest(self):
        for name in ["android14", "android16"]:
            self.client("truncated", options=["--personality", name])

    def test_removal_ends_a_run(self):
        self.client("removed")

    def test_replaced_memory_is_let_go(self):
        self.client("replaced")

    def test_refusals(self):
        self.client("refused")

    def test_guest_memory_follows_the_drivers_rules(self):
        for name in ["v15", "v16", "v17"]:
            self.client("guest_memory", options=["--personality", name])

    def test_guest_memory_that_is_mapped_cannot_be_lent(self):
        self.client("mapped", options=["--personality", "v17"])

    def test_guest_memory_that_is_mapped_later_is_a_page_fault(self):
        for name in ["v15", "v16", "v17"]:
            self.client("mapped_later", options=["--personality", name])

    def test_memory_can_be_added_to_a_running_vm(self):
        for name in ["android15", "android16"]:
            self.client("added", options=["--personality", name])

    def test_memory_is_taken_from_a_guest_that_stores_to_it(self):
        self.client("taken", options=["--personality", "android16"])

    def test_memory_can_be_reclaimed(self):
        self.client("reclaimed", options=["--personality", "android16"])

    def test_lent_memory_that_was_released_can_be_reclaimed(self):
        self.client("released", options=["--personality", "android16"])

    def test_pages_count_against_the_limit_as_they_come(self):
        for name in ["android15", "android16"]:
            self.client("locked", options=["--personality", name])

    def test_pages_of_files_on_disk_are_no_guests(self):
        for name in ["android15", "android16"]:
            self.client("unbacked", options=["--personality", name])

    def test_signals_interrupt_while_memory_comes(self):
        for name in ["android15", "android16"]:
            self.client("kicked", options=["--personality", name])

    def test_production_refuses_shared_memory_and_says_why(self):
        with tempfile.TemporaryDirectory() as folder:
            log = pathlib.Path(folder) / "log"
            done = emulate(sys.executable, "-B", "emulate_client.py", "run", "share",
                           options=["--resource-manager", "production", "--log", str(log)])
            self.assertIn("No such device", done.stderr)
            self.assertIn("must be lent", log.read_text())


class Cycles(ClientTest):
    def test_ten_thousand_vms_leak_nothing(self):
        self.client("cycles", os.environ.get("GH_TEST_CYCLES", "10000"), seconds=600)


class Ourselves(unittest.TestCase):
    """gh-vmm as a client, by way of the kernel's interface."""

    def boot(self, *settings, options=()):
        guest.need("vmlinuz-cloud", "initrd.gz")
        values = guest.config(kernel=str(guest.GUEST / "vmlinuz-cloud"))
        values["hypervisor"] = {"device": "kernel"}
        for key, value in settings:
            values[key] = value
        with guest.Guest(values, before=[VMM, "emulate", *options, "--"]) as vm:
            vm.boot().send("uname -m; stty sane; poweroff -f\n")
            vm.expect("aarch64")
            self.assertEqual(vm.exit_code(), 0)

    def test_debian_boots(self):
        self.boot()


if __name__ == "__main__":
    unittest.main()
