# SPDX-License-Identifier: LGPL-2.1-or-later
"""QEMUs that do not answer or die, and daemons that go away, each with guests that run."""

import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from bus import DEADLINE_SECONDS
from test_daemon import GUEST, NONE, DaemonTest
from usherd import BUILD, NAME


class AQemuThatDoesNotAnswer(DaemonTest):
    """After SIGSTOP, QEMU is there and says nothing."""

    PATIENT = GUEST.replace("PowerButtonSec=1", "PowerButtonSec=60\nTerminateSec=1")

    def setUp(self):
        super().setUp()
        self.start_guest(text=self.PATIENT)
        self.pid = int(self.usherd.property("demo", "Pid"))
        os.kill(self.pid, signal.SIGSTOP)

    def tearDown(self):
        try:
            os.kill(self.pid, signal.SIGCONT)
        except ProcessLookupError:
            pass

    def silence(self):
        self.assert_error("Unresponsive", "QEMU of guest demo does not answer; to end the guest: usherctl kill", self.usherd.guest("demo").Pause)

    def test_is_told_so_and_stays_so_and_others_are_answered(self):
        self.silence()
        self.assertEqual(self.usherd.property("demo", "State"), "unresponsive")
        self.silence()
        self.assertEqual([str(path) for path, _ in self.manager.ListGuests()], ["/org/usher1/guest/demo"])

    def test_is_noticed_when_somebody_looks(self):
        self.usherd.wait_for_state("demo", "unresponsive")

    def test_runs_again_when_it_answers_and_obeys_no_call_that_had_failed(self):
        self.silence()
        os.kill(self.pid, signal.SIGCONT)
        self.usherd.wait_for_state("demo", "running", "paused")
        self.assertEqual(self.usherd.property("demo", "State"), "running")
        self.usherd.guest("demo").Pause()
        self.usherd.wait_for_state("demo", "paused")

    def test_can_be_killed(self):
        self.silence()
        self.assertEqual(self.usherd.run_job(self.usherd.guest("demo").Kill), ("done", ""))
        self.assert_gone(self.pid)

    def test_is_stopped_by_the_rungs_that_need_no_answer(self):
        rungs = []
        match = self.usherd.connection.add_signal_receiver(
            lambda interface, changed, _: rungs.append(str(changed.get("SubState", ""))), "PropertiesChanged",
            "org.freedesktop.DBus.Properties", NAME)
        self.assertEqual(self.usherd.run_job(lambda: self.manager.StopGuest("demo", NONE)), ("done", ""))
        match.remove()
        self.assertEqual([r for i, r in enumerate(rungs) if r and r not in rungs[:i]], ["power-button", "terminate", "kill"])
        self.assert_gone(self.pid)

    def test_is_found_by_the_next_daemon_which_waits_for_it(self):
        self.usherd.kill()
        self.usherd.start()
        self.manager = self.usherd.manager
        self.usherd.wait_for_state("demo", "unresponsive")
        self.assertEqual(self.usherd.property("demo", "Pid"), self.pid)
        os.kill(self.pid, signal.SIGCONT)
        self.usherd.wait_for_state("demo", "running")


class AQemuThatDiesAtItsStart(DaemonTest):
    def test_ends_in_failed_with_its_last_words(self):
        image = self.usherd.folder / "odd.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(image), "1M"], check=True)
        with open(image, "r+b") as file:
            file.seek(48)
            file.write((12345).to_bytes(8, "big"))  # where the table of refcounts is
        self.usherd.define("demo", GUEST + f"[Disk system]\nPath={image}\nFormat=qcow2\n")
        result, message = self.usherd.run_job(lambda: self.manager.StartGuest("demo", NONE))
        self.assertEqual(result, "failed")
        self.assertRegex(message, "QEMU of guest demo ended with exit status 1; see: usherctl status demo")
        self.assertEqual(self.usherd.property("demo", "State"), "failed")
        self.assertRegex(self.usherd.details("demo")["LastWords"], "Reference count table offset invalid")


class ADaemonThatGoesAway(DaemonTest):
    def check_adopted(self, pid):
        self.usherd.wait_for_state("demo", "running")
        self.assertEqual(self.usherd.property("demo", "Pid"), pid)
        self.assertEqual(self.usherd.run_job(lambda: self.manager.StopGuest("demo", NONE))[0], "done")
        self.assert_gone(pid)

    def restart(self, end):
        self.start_guest()
        pid = int(self.usherd.property("demo", "Pid"))
        end()
        os.kill(pid, 0)
        self.usherd.start()
        self.manager = self.usherd.manager
        return pid

    def test_finds_its_guest_after_a_restart(self):
        self.check_adopted(self.restart(self.usherd.stop))

    def test_finds_its_guest_after_being_killed(self):
        self.check_adopted(self.restart(self.usherd.kill))

    def test_notices_that_a_guest_ended_meanwhile(self):
        self.start_guest()
        pid = int(self.usherd.property("demo", "Pid"))
        self.usherd.kill()
        os.kill(pid, signal.SIGKILL)
        self.usherd.start()
        self.manager = self.usherd.manager
        self.usherd.wait_until_undone()
        self.usherd.wait_for_state("demo", "stopped", "failed")
        self.assertEqual(self.usherd.run_job(lambda: self.manager.StartGuest("demo", NONE))[0], "done")


class ABusThatClosesTheConnection(unittest.TestCase):
    """As dbus-daemon does with who says for 30 seconds not who it is. The peer is the test's own: a real one has no reason to."""

    def wait_until_it_waits(self, pid):
        end = time.monotonic() + DEADLINE_SECONDS
        while pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "S":
            self.assertLess(time.monotonic(), end)

    def test_ends_the_daemon_before_it_has_begun(self):
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as peer:
            peer.bind(f"{folder}/bus")
            peer.listen()
            peer.settimeout(DEADLINE_SECONDS)
            directories = {f"{name}_DIRECTORY": folder for name in ("RUNTIME", "STATE", "LOGS", "CONFIGURATION")}
            with subprocess.Popen([BUILD / "daemon" / "usherd", "--launcher=fork"], stderr=subprocess.PIPE, text=True,
                                  env={"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={folder}/bus", "PATH": "/usr/sbin:/usr/bin", **directories}) as usherd:
                connection = peer.accept()[0]
                self.wait_until_it_waits(usherd.pid)
                connection.close()
                words = usherd.communicate(timeout=DEADLINE_SECONDS)[1]
            self.assertRegex(words, "^cannot reach the system bus: ")
            self.assertNotIn("org.usher1", words)
            self.assertFalse(pathlib.Path(folder, "helper.sock").exists())
            self.assertEqual(usherd.returncode, 1)


if __name__ == "__main__":
    unittest.main()
