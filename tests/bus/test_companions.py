# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs that run beside QEMU (swtpm), and what becomes of a guest when one of the two ends."""

import os
import pathlib
import signal
import subprocess
import unittest

from test_daemon import GUEST, NONE, DaemonTest, is_gone

WITH_TPM = GUEST + "[TPM]\nVersion=2.0\n"


def children(pid):
    """Name and pid of each child of a process that has not ended."""
    found = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            name, fields = stat.read_text().split("(", 1)[1].rsplit(")", 1)
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields.split()[1]) == pid and fields.split()[0] != "Z":
            found[name] = int(stat.parent.name)
    return found


class ACompanion(DaemonTest):
    def setUp(self):
        super().setUp()
        self.start_guest(text=WITH_TPM)
        self.qemu = int(self.usherd.property("demo", "Pid"))
        self.swtpm = children(self.qemu)["swtpm"]

    def failed_since_swtpm_ended(self):
        self.usherd.wait_for_state("demo", "failed")
        self.assertEqual(str(self.usherd.property("demo", "Error")).split(";")[0], "swtpm of guest demo ended")
        self.assert_gone(self.qemu)
        self.assertEqual(list((self.usherd.folder / "run" / "journal").iterdir()), [])

    def restart_usherd(self, meanwhile=lambda: None):
        self.usherd.kill()
        meanwhile()
        self.usherd.start()
        self.manager = self.usherd.manager

    def test_keeps_its_state_to_itself(self):
        folder = self.usherd.folder / "state" / "guests" / "demo" / "tpm"
        self.assertEqual(folder.stat().st_mode & 0o777, 0o700)
        self.assertEqual({file.stat().st_mode & 0o777 for file in folder.glob("*.permall")}, {0o600})

    def test_that_dies_stops_the_guest_which_has_failed(self):
        os.kill(self.swtpm, signal.SIGKILL)
        self.failed_since_swtpm_ended()
        self.assertEqual(self.usherd.run_job(lambda: self.manager.StartGuest("demo", NONE)), ("done", ""))

    def test_that_dies_is_noticed_by_the_next_daemon_too(self):
        self.restart_usherd()
        self.usherd.wait_for_state("demo", "running")
        os.kill(self.swtpm, signal.SIGKILL)
        self.failed_since_swtpm_ended()

    def test_that_died_while_the_daemon_was_away_is_missed(self):
        self.restart_usherd(lambda: os.kill(self.swtpm, signal.SIGKILL))
        self.failed_since_swtpm_ended()

    def test_ends_with_a_guest_that_is_stopped(self):
        self.assertEqual(self.usherd.run_job(lambda: self.usherd.guest("demo").Stop(NONE)), ("done", ""))
        self.assert_gone(self.swtpm)
        self.assertEqual(self.usherd.property("demo", "State"), "stopped")

    def test_ends_with_a_qemu_that_is_killed_which_is_why_the_guest_failed(self):
        os.kill(self.qemu, signal.SIGKILL)
        self.usherd.wait_for_state("demo", "failed")
        self.assertRegex(self.usherd.property("demo", "Error"), "QEMU of guest demo was killed by signal 9")
        self.assert_gone(self.swtpm)

    def test_that_hangs_does_not_keep_the_guest_from_ending(self):
        os.kill(self.swtpm, signal.SIGSTOP)
        os.kill(self.qemu, signal.SIGKILL)
        self.usherd.wait_for_state("demo", "failed")
        self.assert_gone(self.swtpm)

    def test_ends_with_the_guest_while_the_daemon_is_away(self):
        self.restart_usherd(lambda: os.kill(self.qemu, signal.SIGKILL))
        self.usherd.wait_until_undone()
        # It ended by itself, or systemd stopped its unit: nobody waited for it.
        self.usherd.wait_for(lambda: is_gone(self.swtpm), "swtpm goes on")


class AShare(DaemonTest):
    def share(self, type, more=""):
        folder = self.usherd.folder / "docs"
        folder.mkdir(exist_ok=True)
        return GUEST + f"[Share docs]\nPath={folder}\nType={type}\n{more}"

    def test_by_9p_is_served_by_qemu_itself(self):
        self.start_guest(text=self.share("9p"))
        self.assertEqual(children(int(self.usherd.property("demo", "Pid"))), {})

    def test_by_virtiofs_ends_the_guest_when_its_companion_dies(self):
        self.start_guest(text=self.share("virtiofs"))
        os.kill(children(int(self.usherd.property("demo", "Pid")))["virtiofsd"], signal.SIGKILL)
        self.usherd.wait_for_state("demo", "failed")
        self.assertRegex(self.usherd.property("demo", "Error"), "^virtiofsd docs of guest demo ended")

    def test_by_virtiofs_is_read_only_and_mapped_where_virtiofsd_can_do_that(self):
        virtiofsd = next(path for path in ("/usr/libexec/virtiofsd", "/usr/lib/virtiofsd", "/usr/lib/qemu/virtiofsd") if os.path.exists(path))
        known = subprocess.run([virtiofsd, "--help"], check=True, capture_output=True, text=True).stdout
        for more, option in ("ReadOnly=yes\n", "--readonly"), ("Owner=mapped\n", "--translate-uid"):
            self.usherd.define("demo", self.share("virtiofs", more))
            if option not in known:
                self.assert_error("Refused", rf"\[Share docs\] {more.strip()}: {virtiofsd} has no {option}; write Type=9p", self.manager.PlanStart, "demo")
                continue
            self.start_guest(text=self.share("virtiofs", more))
            served = children(int(self.usherd.property("demo", "Pid")))["virtiofsd"]
            self.assertIn(option, pathlib.Path(f"/proc/{served}/cmdline").read_text())
            self.assertEqual(os.readlink(f"/proc/{served}/root"), str(self.usherd.folder / "docs"))
            self.assertEqual(self.usherd.run_job(lambda: self.usherd.guest("demo").Stop(NONE)), ("done", ""))

    def test_of_what_is_no_folder_is_refused(self):
        self.usherd.define("demo", self.share("9p"))
        (self.usherd.folder / "docs").rmdir()
        self.assert_error("MissingFile", r"\[Share docs\] Path=.*/docs: No such file or directory; create the folder", self.manager.PlanStart, "demo")
        (self.usherd.folder / "docs").write_text("a file")
        self.assert_error("MissingFile", r"\[Share docs\] Path=.*/docs: Not a directory", self.manager.PlanStart, "demo")


class ACompanionThatCannotStart(DaemonTest):
    def test_ends_the_start_with_its_last_words(self):
        folder = self.usherd.folder / "state" / "guests" / "demo"
        folder.mkdir(parents=True)
        (folder / "tpm").write_text("a file in the place of a folder")
        self.usherd.define("demo", WITH_TPM)
        result, message = self.usherd.run_job(lambda: self.manager.StartGuest("demo", NONE))
        self.assertEqual(result, "failed")
        # Either may be noticed first, as QEMU ends as soon as nobody answers it.
        self.assertRegex(message, "(swtpm|QEMU) of guest demo ended")
        self.assertRegex(self.usherd.details("demo")["LastWords"], "swtpm")


if __name__ == "__main__":
    unittest.main()
