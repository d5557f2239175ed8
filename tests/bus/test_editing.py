# SPDX-License-Identifier: LGPL-2.1-or-later
"""Definitions written over D-Bus and with usherctl, by the real usherd on a private bus; polkit is dbusmock's."""

import os
import pathlib
import pty
import subprocess
import unittest

import dbus

from bus import DEADLINE_SECONDS
import test_daemon
from test_daemon import GUEST, NONE, DaemonTest
from usherd import USHERCTL


def options(**values):
    return dbus.Dictionary(values, signature="sv")


class EditingTest(DaemonTest):
    def file(self, name="demo"):
        return self.usherd.guests / f"{name}.guest"

    def drop_in(self, file="override.conf", name="demo"):
        return self.usherd.guests / f"{name}.guest.d" / file

    def define(self, text=GUEST, name="demo", **values):
        return self.manager.DefineGuest(name, text, options(**values))

    def usherctl(self, *args, **env):
        return subprocess.run([USHERCTL, *args], env={**self.bus.environment(LC_ALL="C.UTF-8"), **env}, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=DEADLINE_SECONDS, check=False)

    def assert_refused(self, error, pattern, *arguments, **keywords):
        self.assert_error(error, pattern, lambda: self.define(*arguments, **keywords))

    def assert_done(self, result, stderr=""):
        self.assertEqual((result.returncode, result.stderr), (0, stderr))


class Defining(EditingTest):
    def test_writes_a_file_that_all_may_read_and_the_guest_is_there_at_once(self):
        path = self.define()
        self.assertEqual(self.file().read_text(), GUEST)
        self.assertEqual(self.file().stat().st_mode & 0o7777, 0o644)
        self.assertEqual(path, self.manager.GetGuest("demo"))
        self.assertEqual(self.usherd.property("demo", "Description"), "A guest for tests")

    def test_of_what_is_wrong_leaves_the_old_text(self):
        self.define()
        self.assert_refused("BadDefinition", "demo.guest:2: .*Coers=.*Cores=", "[CPU]\nCoers=3\n")
        self.assert_refused("BadDefinition", r"demo.guest: .*|demo.guest:\d+: ", "nonsense")
        self.assertEqual(self.file().read_text(), GUEST)
        self.assertEqual(os.listdir(self.usherd.guests), ["demo.guest"])

    def test_of_what_is_wrong_with_a_drop_in_that_is_there_names_the_line(self):
        self.define()
        self.define("[CPU]\nThreads=128\n", drop_in="10-wide.conf")
        self.assert_refused("BadDefinition", "but a guest has 255 at most", GUEST.replace("Cores=1", "Cores=3"))
        self.assertEqual(self.file().read_text(), GUEST)

    def test_writes_drop_ins_and_an_empty_text_takes_one_out(self):
        self.define()
        self.define("[Memory]\nSize=64M\n", drop_in="override.conf")
        self.assertEqual(self.drop_in().read_text(), "[Memory]\nSize=64M\n")
        self.assertIn("64M", [str(line[2]) for line in self.usherd.guest("demo").GetDefinition()])
        self.define("", drop_in="override.conf")
        self.assertFalse(self.drop_in().parent.exists())
        self.define("", drop_in="override.conf")

    def test_of_a_drop_in_needs_a_guest_and_a_plain_name(self):
        self.assert_refused("NoSuchGuest", "no guest demo", "[CPU]\nCores=2\n", drop_in="a.conf")
        self.define()
        for name in ("../demo.guest", "a/b.conf", "a.txt", ".hidden.conf", "", "a b.conf", "x" * 200 + ".conf"):
            with self.subTest(name=name):
                self.assert_refused("BadOption", "is not the name of a drop-in", "[CPU]\nCores=2\n", drop_in=name)
        self.assertEqual(os.listdir(self.usherd.guests), ["demo.guest"])

    def test_a_new_guest_does_not_take_the_place_of_another(self):
        self.define(new=True)
        self.assert_refused("Refused", "there is a guest demo already; choose another name", "[CPU]\nCores=2\n", new=True)
        self.assertEqual(self.file().read_text(), GUEST)

    def test_refuses_names_and_options_that_are_none(self):
        for name in ("../x", "A", "", "a b", "x" * 64):
            with self.subTest(name=name):
                self.assert_refused("InvalidName", "is not the name of a guest", name=name)
        self.assert_refused("BadOption", "option quickly is not known; known are drop_in, new and replaces", quickly=True)
        self.assert_refused("BadOption", "option new is of the wrong type", new="yes")
        self.assertEqual(os.listdir(self.usherd.guests), [])

    def test_a_running_guest_keeps_what_it_was_started_with(self):
        self.start_guest()
        self.define(GUEST.replace("32M", "64M"))
        pid = int(self.usherd.property("demo", "Pid"))
        self.assertIn(b"size=32M", pathlib.Path(f"/proc/{pid}/cmdline").read_bytes())
        self.assertEqual(self.usherd.property("demo", "State"), "running")
        self.usherd.run_job(self.usherd.guest("demo").Kill)
        self.usherd.run_job(lambda: self.manager.StartGuest("demo", NONE))
        self.assertIn(b"size=64M", pathlib.Path(f"/proc/{int(self.usherd.property('demo', 'Pid'))}/cmdline").read_bytes())

    def test_tells_the_files_as_they_stand_right_or_wrong(self):
        self.usherd.define("demo", "[CPU]\nCoers=3\n")
        self.assertEqual([tuple(map(str, file)) for file in self.usherd.guest("demo").GetFiles()], [(str(self.file()), "[CPU]\nCoers=3\n")])
        self.file().write_bytes(b"\xff")
        self.assert_error("BadDefinition", "demo.guest is not text; save it as UTF-8", self.usherd.guest("demo").GetFiles)


class Undefining(EditingTest):
    def test_removes_file_and_drop_ins(self):
        self.define()
        self.define("[Memory]\nSize=64M\n", drop_in="override.conf")
        self.manager.UndefineGuest("demo", NONE)
        self.assertEqual(os.listdir(self.usherd.guests), [])
        self.usherd.wait_for(lambda: not self.manager.ListGuests(), "the guest stayed")

    def test_is_refused_while_the_guest_runs(self):
        self.start_guest()
        self.assert_error("Refused", "guest demo is running; end it first: usherctl stop demo", self.manager.UndefineGuest, "demo", NONE)
        self.assertTrue(self.file().exists())

    def test_of_what_is_not_there_says_so(self):
        self.assert_error("NoSuchGuest", "no guest demo", self.manager.UndefineGuest, "demo", NONE)
        self.assert_error("InvalidName", "is not the name of a guest", self.manager.UndefineGuest, "../demo", NONE)


class TheRightTo(EditingTest):
    SCRIPT = test_daemon.Authorisation.SCRIPT
    call_as_nobody = test_daemon.Authorisation.call_as_nobody

    def test_define_is_polkits_to_give(self):
        self.assertIn("NotAuthorized", self.call_as_nobody("DefineGuest", "demo", GUEST, NONE))
        self.assertEqual(os.listdir(self.usherd.guests), [])
        self.define()
        self.assertIn("NotAuthorized", self.call_as_nobody("UndefineGuest", "demo", NONE))
        self.assertTrue(self.file().exists())
        self.polkit.allow("org.usher1.define-guest")
        self.assertIn("/org/usher1/guest/other", self.call_as_nobody("DefineGuest", "other", GUEST, NONE))
        self.assertIn("None", self.call_as_nobody("UndefineGuest", "demo", NONE))


class Create(EditingTest):
    def test_writes_a_definition_that_the_daemon_takes(self):
        result = self.usherctl("create", "demo", "--memory=64M", "--cpus=3", "--disk=/srv/a.qcow2", "--description=50% off")
        self.assert_done(result)
        self.assertEqual(result.stdout, "demo is defined; see it: usherctl cat demo\n")
        lines = {(str(line[0]), str(line[1])): str(line[2]) for line in self.usherd.guest("demo").GetDefinition()}
        self.assertEqual(lines["CPU", "Cores"], "3")
        self.assertEqual(lines["Disk system", "Format"], "qcow2")
        self.assertEqual(self.usherd.property("demo", "Description"), "50% off")

    def test_prints_what_it_would_write(self):
        result = self.usherctl("create", "demo", "--memory=64M", "--dry-run")
        self.assert_done(result)
        self.assertIn("\nSize=64M\n", result.stdout)
        self.assertEqual(os.listdir(self.usherd.guests), [])
        self.usherctl("create", "demo", "--memory=64M")
        self.assertEqual(self.file().read_text(), result.stdout)

    def test_tells_which_value_the_daemon_does_not_take(self):
        result = self.usherctl("create", "demo", "--memory=lots")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertRegex(result.stderr, r"demo.guest:\d+: \[Memory\] Size=lots is not ")
        self.assertEqual(os.listdir(self.usherd.guests), [])

    def test_each_preset_is_valid_and_its_dry_run_passes(self):
        (self.usherd.folder / "disk.raw").write_bytes(bytes(1 << 20))
        for preset in ("windows11", "windows10", "linux"):
            with self.subTest(preset):
                self.assert_done(self.usherctl("create", preset, f"--preset={preset}", "--memory=64M", f"--disk={self.usherd.folder / 'disk.raw'}"))
                self.assert_done(self.usherctl("validate", preset))
                self.assert_done(self.usherctl("start", "--dry-run", preset))

    def test_nothing_is_asked_without_a_terminal(self):
        result = self.usherctl("create", "demo", "--preset=windows10", "--dry-run")
        self.assert_done(result)
        self.assertNotIn("Which card", result.stdout)
        self.assertNotIn("[PCI", result.stdout)

    def test_leaves_a_guest_alone_that_is_there(self):
        self.define()
        self.assertEqual(self.usherctl("create", "demo").returncode, 1)
        self.assertEqual(self.file().read_text(), GUEST)


class Skipped(EditingTest):
    """What lies in the folder and is no guest's is told where one looks for the guest."""

    TOLD = "Windows_11.guest is left out: a guest's name has a-z, 0-9 and - only, at most 63, and no - at its beginning; rename it: windows-11.guest\n"

    def setUp(self):
        super().setUp()
        self.define()
        (self.usherd.guests / "Windows_11.guest").write_text(GUEST)
        self.usherd.manager.Reload()

    def test_list_and_reload_say_it_beside_what_they_say_else(self):
        result = self.usherctl("list", "--no-legend")
        self.assertEqual((result.returncode, result.stderr), (0, self.TOLD))
        self.assertIn("demo", result.stdout)
        self.assertNotIn("Windows_11", result.stdout)
        result = self.usherctl("reload")
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", self.TOLD))

    def test_check_warns_of_it(self):
        result = self.usherctl("check", "--no-legend")
        self.assertRegex(result.stdout, r"warning +definitions +.*/guests/Windows_11.guest is left out: .*\n.*rename it: windows-11.guest")

    def test_once_it_is_renamed_nothing_is_said(self):
        (self.usherd.guests / "Windows_11.guest").rename(self.usherd.guests / "windows-11.guest")
        self.usherd.manager.Reload()
        result = self.usherctl("list", "--no-legend")
        self.assertEqual(result.stderr, "")
        self.assertIn("windows-11", result.stdout)


class Edit(EditingTest):
    def setUp(self):
        super().setUp()
        self.define()
        self.seen = self.usherd.folder / "seen"

    def editor(self, script):
        """An editor that shows us the text it was given, and then does what the script says to "$1"."""
        path = self.usherd.folder / "an editor"
        path.write_text(f'#!/bin/sh\ncp "$1" {self.seen}\n{script}\n')
        path.chmod(0o755)
        return {"SYSTEMD_EDITOR": f"'{path}'", "TMPDIR": str(self.usherd.folder)}

    def left_behind(self):
        return [path for path in self.usherd.folder.glob("usherctl-*/*")]

    def test_makes_a_drop_in_and_shows_the_definition_below_it(self):
        self.assert_done(self.usherctl("edit", "demo", **self.editor('sed -i "1i [Memory]\\nSize=64M" "$1"')))
        self.assertEqual(self.drop_in().read_text(), "[Memory]\nSize=64M\n")
        self.assertIn(f"### {self.file()}\n# [Guest]\n# Description=A guest for tests\n", self.seen.read_text())
        self.assertEqual(self.file().read_text(), GUEST)
        self.assertEqual(self.left_behind(), [])

    def test_offers_the_drop_in_that_is_there_and_removes_it_when_it_is_emptied(self):
        self.define("[Memory]\nSize=64M\n", drop_in="override.conf")
        self.assert_done(self.usherctl("edit", "demo", **self.editor('sed -i 1,2d "$1"')))
        self.assertTrue(self.seen.read_text().startswith("[Memory]\nSize=64M\n"))
        self.assertFalse(self.drop_in().exists())

    def test_full_edits_the_file_itself(self):
        self.assert_done(self.usherctl("edit", "--full", "demo", **self.editor('sed -i s/32M/64M/ "$1"')))
        self.assertEqual(self.seen.read_text(), GUEST)
        self.assertEqual(self.file().read_text(), GUEST.replace("32M", "64M"))

    def test_a_text_left_as_it_was_changes_nothing(self):
        for args in (["edit", "demo"], ["edit", "--full", "demo"]):
            self.assert_done(self.usherctl(*args, **self.editor("true")), "Nothing was changed\n")
        self.assertEqual(os.listdir(self.usherd.guests), ["demo.guest"])

    def test_a_mistake_is_not_installed_and_the_text_is_kept(self):
        result = self.usherctl("edit", "demo", **self.editor('printf "[CPU]\\nCoers=3\\n" >"$1"'))
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"override.conf:2: \[CPU\] Coers= is not known; did you mean Cores=\?\n")
        self.assertEqual([f"The text is kept in {path}" for path in self.left_behind()], result.stderr.splitlines()[1:])
        self.assertEqual(self.left_behind()[0].read_text(), "[CPU]\nCoers=3\n")
        self.assertFalse(self.drop_in().exists())

    def test_on_a_terminal_a_mistake_can_be_edited_again(self):
        script = 'if grep -q Coers "$1"; then sed -i s/Coers/Cores/ "$1"; else printf "[CPU]\\nCoers=3\\n" >"$1"; fi'
        ours, theirs = pty.openpty()
        process = subprocess.Popen([USHERCTL, "edit", "demo"], env=self.bus.environment(LC_ALL="C.UTF-8", **self.editor(script)),
                                   stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        os.write(ours, b"y\n")
        _, errors = process.communicate(timeout=DEADLINE_SECONDS)
        self.assertEqual(process.returncode, 0, errors)
        self.assertIn("Nothing was changed. Edit it again? [Y/n] ", errors)
        self.assertEqual(self.drop_in().read_text(), "[CPU]\nCores=3\n")
        self.assertEqual(self.left_behind(), [])
        os.close(ours)
        os.close(theirs)

    def test_what_somebody_else_has_changed_meanwhile_is_not_replaced(self):
        theirs = GUEST.replace("32M", "48M")
        (self.usherd.folder / "theirs").write_text(theirs)
        script = f'cp {self.usherd.folder}/theirs {self.file()}; sed -i s/32M/64M/ "$1"'
        result = self.usherctl("edit", "--full", "demo", **self.editor(script))
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"somebody else has changed .*/demo.guest meanwhile; see what it says now: usherctl cat demo\n")
        self.assertEqual(self.file().read_text(), theirs)
        self.assertEqual([path.read_text() for path in self.left_behind()], [GUEST.replace("32M", "64M")])

    def test_who_edits_it_again_after_that_replaces_it(self):
        (self.usherd.folder / "theirs").write_text(GUEST.replace("32M", "48M"))
        script = f'[ -e {self.usherd.folder}/twice ] || cp {self.usherd.folder}/theirs {self.file()}; touch {self.usherd.folder}/twice; sed -i s/32M/64M/ "$1"'
        ours, theirs = pty.openpty()
        process = subprocess.Popen([USHERCTL, "edit", "--full", "demo"], env=self.bus.environment(LC_ALL="C.UTF-8", **self.editor(script)),
                                   stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        os.write(ours, b"y\n")
        _, errors = process.communicate(timeout=DEADLINE_SECONDS)
        self.assertEqual(process.returncode, 0, errors)
        self.assertEqual(self.file().read_text(), GUEST.replace("32M", "64M"))
        os.close(ours)
        os.close(theirs)

    def test_an_editor_that_fails_or_is_not_there_changes_nothing(self):
        result = self.usherctl("edit", "demo", **self.editor('printf "[CPU]\\nCores=3\\n" >"$1"; exit 1'))
        self.assertEqual((result.returncode, result.stderr), (1, "The editor failed, so nothing was changed\n"))
        result = self.usherctl("edit", "demo", SYSTEMD_EDITOR="/nowhere/editor", TMPDIR=str(self.usherd.folder))
        self.assertEqual((result.returncode, result.stderr),
                         (1, "Cannot run $SYSTEMD_EDITOR (/nowhere/editor): No such file or directory\n"))
        self.assertFalse(self.drop_in().exists())

    def test_a_running_guest_is_said_to_heed_it_later(self):
        self.start_guest()
        result = self.usherctl("edit", "demo", **self.editor('sed -i "1i [Memory]\\nSize=64M" "$1"'))
        self.assert_done(result, "demo is running: the change takes effect at its next start\n")

    def test_of_no_guest_says_so(self):
        result = self.usherctl("edit", "nobody", **self.editor("true"))
        self.assertEqual(result.returncode, 4)
        self.assertIn("no guest nobody", result.stderr)


class OtherVerbs(EditingTest):
    def test_cat_prints_the_files_as_they_stand(self):
        self.define("# Mine\n" + GUEST)
        self.define("[Memory]\nSize=64M\n", drop_in="10-more.conf")
        result = self.usherctl("cat", "demo")
        self.assert_done(result)
        self.assertEqual(result.stdout, f"# {self.file()}\n# Mine\n{GUEST}\n# {self.drop_in('10-more.conf')}\n[Memory]\nSize=64M\n")

    def test_validate_sees_drop_ins(self):
        self.define()
        self.drop_in().parent.mkdir()
        self.drop_in().write_text("[CPU]\nCoers=3\n")
        result = self.usherctl("validate", "demo")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"override.conf:2: \[CPU\] Coers= is not known")
        self.drop_in().write_text("[CPU]\nCores=3\n")
        self.assertEqual(self.usherctl("validate", "demo").stdout, "demo is valid.\n")

    def test_undefine_and_rm_remove_guests(self):
        self.define(name="a")
        self.define(name="b")
        self.assert_done(self.usherctl("undefine", "a"))
        self.assert_done(self.usherctl("rm", "b"))
        self.assertEqual(os.listdir(self.usherd.guests), [])
        self.assertEqual(self.usherctl("rm", "b").returncode, 4)


if __name__ == "__main__":
    unittest.main()
