# SPDX-License-Identifier: LGPL-2.1-or-later
"""usherctl as built in $USHER_BUILD, against a private bus.

The daemon is a mock here (mock_usherd.py), as what the client prints must be tested for states that are hard to have: a
stuck device, last words with escape sequences, a daemon that dies during a job. The mock takes its signatures from
dbus/org.usher1.xml."""

import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import unittest

import dbus
import dbus.lowlevel

from bus import DEADLINE_SECONDS
from client import DETACHED, FAILED, MANUAL, NO_SUCH, NOT_RUNNING, OK, USAGE, USHERCTL, ClientTest, Terminal


class StopHoldersTest(ClientTest):
    def test_named_services_go_along_as_a_list(self):
        self.assert_run(self.usherctl("start", "--stop-holders=a.service,b.service", "linux"), OK, stdout="", stderr="")
        self.assert_run(self.usherctl("bind", "--stop-holders=a.service", "--group=all", "03:00.0"), OK, stdout="", stderr="")
        self.assertEqual(self.calls(), [["StartGuest", ["linux", {"stop_holders": ["a.service", "b.service"]}]],
                                        ["BindDevice", ["03:00.0", {"group": "all", "stop_holders": ["a.service"]}]]])

    def test_other_verbs_do_not_know_the_option(self):
        self.assert_run(self.usherctl("stop", "--stop-holders=a.service", "linux"), USAGE, stdout="")
        self.assert_run(self.usherctl("start", "--dry-run", "--stop-holders=a.service", "linux"), USAGE, stdout="")
        self.assertEqual(self.calls(), [])


class JobTest(ClientTest):
    def test_a_start_waits_for_its_job_and_says_nothing(self):
        self.assert_run(self.usherctl("start", "linux"), OK, stdout="", stderr="")
        self.assertEqual(self.calls(), [["StartGuest", ["linux", {}]]])

    def test_why_a_job_failed_is_told_plainly(self):
        self.assert_run(self.usherctl("start", "broken"), FAILED, stdout="",
                        stderr="QEMU of broken ended with status 1; see usherctl status broken\n"
                               "QEMU's last words (broken):\n    qemu: first line\n    qemu: ?[31mred line\n")

    def test_a_job_that_ended_before_the_reply_is_not_missed(self):
        self.assert_run(self.usherctl("start", "hasty"), FAILED, stderr="hasty was over before it began\n")

    def test_a_job_that_ended_badly_without_words_is_told_too(self):
        result = self.usherctl("start", "typo")
        self.assert_run(result, FAILED)
        self.assertIn('The start of typo ended as "stuck"', result.stderr)

    def test_what_is_so_already_is_told_and_is_success(self):
        self.assert_run(self.usherctl("start", "win10"), OK, stderr="win10 runs already\n")
        self.assert_run(self.usherctl("stop", "linux"), OK, stderr="linux does not run\n")

    def test_an_unknown_guest_is_status_4(self):
        result = self.usherctl("start", "elephant")
        self.assert_run(result, NO_SUCH, stderr="there is no guest elephant; see usherctl list\n")

    def test_all_names_are_tried_and_the_worst_status_is_returned(self):
        result = self.usherctl("start", "elephant", "broken", "linux")
        self.assert_run(result, NO_SUCH)
        self.assertEqual([args[0] for member, args in self.calls() if member == "StartGuest"], ["elephant", "broken", "linux"])
        self.assertIn("QEMU of broken ended", result.stderr)

    def test_no_block_returns_while_the_job_runs(self):
        self.assert_run(self.usherctl("start", "--no-block", "slow"), OK, stdout="", stderr="")
        self.assertRegex(self.usherctl("status").stdout, r"start: slow: waiting for the mock")
        self.play("EndJobs")

    def test_kill_and_stop_end_with_their_jobs(self):
        self.assert_run(self.usherctl("stop", "win10"), OK, stdout="", stderr="")
        self.assert_run(self.usherctl("kill", "win10"), OK, stdout="", stderr="")
        self.assertEqual([member for member, _ in self.calls()], ["StopGuest", "GetGuest", "Kill"])

    def test_a_step_is_named_on_a_terminal_with_its_seconds_and_ctrl_c_detaches(self):
        terminal = Terminal()
        process = subprocess.Popen([USHERCTL, "start", "slow"], env=self.environment(), stderr=terminal.slave)
        terminal.close_slave()
        terminal.read_until(r"\r\x1b\[Kslow: 4 of 4: driver of 0000:01:00\.0: none → vfio-pci")
        terminal.read_until(r"slow: 4 of 4: .* \(4s\)")
        process.send_signal(signal.SIGINT)
        terminal.read_until(None)
        self.assertEqual(process.wait(DEADLINE_SECONDS), DETACHED)
        self.assertTrue(terminal.text.replace("\r\n", "\n").endswith(
            "\r\x1b[KThe start of slow goes on without this terminal; see its progress: usherctl status slow\n"))
        terminal.close()
        self.play("EndJobs")

    def test_a_progress_line_does_not_wrap(self):
        text, status = self.on_terminal("start", "linux", columns=30)
        self.assertEqual(status, OK)
        parts = [part for part in text.split("\r\x1b[K") if part]
        self.assertTrue(parts)
        for part in parts:
            self.assertLessEqual(len(part), 29)
        self.assertTrue(text.endswith("\r\x1b[K"))

    def test_a_dying_daemon_is_told_and_not_waited_for(self):
        result = self.usherctl("start", "doomed")
        self.assert_run(result, FAILED)
        self.assertIn("usherd went away during the start of doomed", result.stderr)
        self.assertIn("systemctl status usherd", result.stderr)
        self.bus.stop(self.mock)
        self.start_mock()

    def test_nobody_else_says_that_the_daemon_has_gone(self):
        terminal = Terminal()
        process = subprocess.Popen([USHERCTL, "start", "slow"], env=self.environment(), stderr=terminal.slave)
        terminal.close_slave()
        terminal.read_until(r"slow: 4 of 4")
        forger = self.bus.connect()
        for name in forger.list_names():
            signal_ = dbus.lowlevel.SignalMessage("/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged")
            signal_.set_destination(name)
            signal_.append("org.usher1", ":1.1", "")
            forger.send_message(signal_)
        forger.list_names()
        forger.close()
        self.play("EndJobs")
        terminal.read_until(None)
        self.assertEqual(process.wait(DEADLINE_SECONDS), OK, terminal.text)
        self.assertNotIn("went away", terminal.text)
        terminal.close()

    def test_methods_without_a_job_are_called_on_the_guest(self):
        for verb in ("reset", "pause", "resume"):
            self.assert_run(self.usherctl(verb, "win10"), OK, stdout="", stderr="")
            self.assert_run(self.usherctl(verb, "linux"), NOT_RUNNING, stderr="it does not run; start it first\n")
            self.assert_run(self.usherctl(verb, "elephant"), NO_SUCH)
        self.assertEqual([member for member, _ in self.calls()][:2], ["GetGuest", "Reset"])

    def test_the_cd_is_opened_by_the_caller_and_handed_over(self):
        with tempfile.NamedTemporaryFile(suffix=".iso") as image:
            self.assert_run(self.usherctl("cdrom", "win10", image.name), OK, stdout="", stderr="")
            self.assert_run(self.usherctl("cdrom", "--force", "win10", "install", image.name), OK, stdout="", stderr="")
            self.assert_run(self.usherctl("cdrom", "linux", image.name), NOT_RUNNING)
        self.assert_run(self.usherctl("cdrom", "win10", "install", "--eject"), OK, stdout="", stderr="")
        self.assertEqual([call for call in self.calls() if call[0].endswith("Medium")],
                         [["ChangeMedium", ["", "descriptor", {"force": False}]], ["ChangeMedium", ["install", "descriptor", {"force": True}]],
                          ["ChangeMedium", ["", "descriptor", {"force": False}]], ["EjectMedium", ["install", {"force": False}]]])
        self.assert_run(self.usherctl("cdrom", "win10", "/nowhere.iso"), FAILED, stderr="Cannot open /nowhere.iso: No such file or directory\n")
        self.assert_run(self.usherctl("cdrom", "win10"), USAGE)
        self.assert_run(self.usherctl("pause", "--eject", "win10"), USAGE)


class PlugTest(ClientTest):
    def test_a_device_is_plugged_into_the_guest_that_is_named(self):
        self.assert_run(self.usherctl("attach", "win10", "03:00.0"), OK, stdout="", stderr="")
        self.assert_run(self.usherctl("attach", "win10", "03:00.0", "--group=all", "--stop-holders=a.service"), OK)
        self.assert_run(self.usherctl("attach", "linux", "03:00.0"), NOT_RUNNING, stderr="it does not run; start it first\n")
        self.assert_run(self.usherctl("attach", "elephant", "03:00.0"), NO_SUCH)
        self.assertEqual([call for call in self.calls() if call[0] == "Attach"][:2],
                         [["Attach", ["03:00.0", {}]], ["Attach", ["03:00.0", {"group": "all", "stop_holders": ["a.service"]}]]])

    def test_a_guest_that_keeps_it_is_told(self):
        self.assert_run(self.usherctl("detach", "win10", "03:00.0"), FAILED,
                        stderr="guest win10 has not released 03:00.0 within 30 s, and keeps it\n")

    def test_both_have_a_plan(self):
        self.assertIn("To attach 03:00.0 takes 3 steps:", self.usherctl("attach", "--dry-run", "win10", "03:00.0").stdout)
        self.assertIn("To detach 03:00.0 takes 1 step:", self.usherctl("detach", "--dry-run", "win10", "03:00.0").stdout)
        self.assertEqual([member for member, _ in self.calls() if member != "GetGuest"], ["PlanAttach", "PlanDetach"])

    def test_both_want_a_guest_and_one_device(self):
        for arguments in (("win10",), ("win10", "03:00.0", "04:00.0"), ("win10", "03:00.0", "--force")):
            self.assert_run(self.usherctl("attach", *arguments), USAGE)
            self.assert_run(self.usherctl("detach", *arguments), USAGE)


class BindTest(ClientTest):
    def test_devices_are_let_out_of_quarantine_by_address(self):
        self.assert_run(self.usherctl("reset", "--clear", "03:00.0"), OK, stdout="", stderr="")
        self.assertEqual(self.calls(), [["ClearQuarantine", ["03:00.0"]]])
        self.assert_run(self.usherctl("reset", "--clear", "01:00.0"), FAILED, stderr="01:00.0 is not in quarantine\n")

    def test_only_options_that_were_said_are_sent(self):
        self.assert_run(self.usherctl("bind", "03:00.0"), OK, stdout="", stderr="")
        self.assert_run(self.usherctl("bind", "03:00.0", "--functions=0,1", "--group=all"), OK)
        self.assertEqual(self.calls(), [["BindDevice", ["03:00.0", {}]],
                                        ["BindDevice", ["03:00.0", {"functions": "0,1", "group": "all"}]]])

    def test_a_refusal_is_printed_as_the_daemon_words_it(self):
        self.assert_run(self.usherctl("bind", "02:00.0"), FAILED, stderr=(
            "0000:02:00.0 (Samsung 980 PRO) holds the disk mounted at /; unmount it first\n"))
        self.assert_run(self.usherctl("bind", "7f:00.0"), NO_SUCH)

    def test_drift_ends_a_restore_as_a_failure(self):
        self.assert_run(self.usherctl("restore", "03:00.0"), FAILED, stderr=(
            "driver of 0000:03:00.0 is e1000e, neither before nor after\n"))


class DryRunTest(ClientTest):
    def test_the_steps_are_a_table_with_values_before_and_after(self):
        self.assert_run(self.usherctl("start", "--dry-run", "linux"), OK, stderr="", stdout=(
            "To start linux takes 4 steps:\n"
            "KIND      SUBJECT       BEFORE  AFTER\n"
            "module    vfio_pci      absent  live\n"
            "driver    0000:01:00.0  amdgpu  -\n"
            "override  0000:01:00.0  -       vfio-pci\n"
            "driver    0000:01:00.0  -       vfio-pci\n"))
        self.assertEqual(self.calls(), [["PlanStart", ["linux"]]])

    def test_each_verb_asks_for_its_own_plan_and_does_nothing(self):
        for verb, name in (("stop", "win10"), ("bind", "01:00.0"), ("restore", "01:00.0")):
            self.assert_run(self.usherctl(verb, "--dry-run", name), OK)
        self.assert_run(self.usherctl("bind", "--dry-run", "--group=all", "01:00.0"), OK)
        self.assertEqual(self.calls(), [["PlanStop", ["win10"]], ["PlanBind", ["01:00.0", {}]],
                                        ["PlanRestore", ["01:00.0"]], ["PlanBind", ["01:00.0", {"group": "all"}]]])

    def test_an_empty_plan_is_said_to_be_one(self):
        self.assert_run(self.usherctl("start", "--dry-run", "win10"), OK,
                        stdout="No steps on the host are needed to start win10.\n")

    def test_steps_are_flat_objects_in_json(self):
        steps = json.loads(self.usherctl("start", "--dry-run", "--json=short", "linux").stdout)
        self.assertEqual(steps[1], {"kind": "driver", "subject": "0000:01:00.0", "before": "amdgpu", "after": ""})
        self.assertEqual(len(steps), 4)

    def test_a_refused_plan_is_a_refusal(self):
        self.assert_run(self.usherctl("start", "--dry-run", "elephant"), NO_SUCH, stdout="",
                        stderr="there is no guest elephant; see usherctl list\n")

    def test_other_verbs_do_not_take_it(self):
        self.assert_run(self.usherctl("kill", "--dry-run", "win10"), USAGE, stdout="", stderr=(
            "--dry-run does not go with usherctl kill\nSee the verbs and options: usherctl --help\n"))
        self.assertEqual(self.calls(), [])


class DefinitionTest(ClientTest):
    def test_a_definition_is_shown_with_the_origin_of_each_line(self):
        self.assert_run(self.usherctl("show", "win10"), OK, stderr="", stdout=(
            "[Guest]\n# /etc/usher/guests/win10.guest:2\nDescription=Windows with the Radeon\n\n"
            "[CPU]\n# /etc/usher/guests/win10.guest:4\nCores=3\n"
            "# /etc/usher/guests/win10.guest.d/10-more.conf:2\nThreads=2\n"))

    def test_its_lines_are_flat_objects_in_json(self):
        lines = json.loads(self.usherctl("show", "win10", "--json=short").stdout)
        self.assertEqual(lines[2], {"guest": "win10", "section": "CPU", "key": "Threads", "value": "2",
                                    "file": "/etc/usher/guests/win10.guest.d/10-more.conf", "line": 2})
        self.assert_run(self.usherctl("show", "elephant", "--json=short"), NO_SUCH, stdout="")

    def test_a_fingerprint_is_the_line_to_paste(self):
        self.assert_run(self.usherctl("show", "--fingerprint", "01:00.0"), OK, stderr="", stdout=(
            "Fingerprint=1002:73bf 1da2:e437 030000 0000:00:01.0/00.0/00.0/00.0\n"))
        both = self.usherctl("show", "--fingerprint", "01:00.0", "7f:00.0", "--json=short")
        self.assert_run(both, NO_SUCH,
                        stderr="There is no device 7f:00.0; see which there are: usherctl devices --all\n")
        self.assertEqual(json.loads(both.stdout), [
            {"address": "0000:01:00.0", "fingerprint": "1002:73bf 1da2:e437 030000 0000:00:01.0/00.0/00.0/00.0"}])

    def test_a_file_is_sent_under_the_name_that_it_has(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "fresh.guest")
            pathlib.Path(path).write_text("[CPU]\nCores=3\n", encoding="utf-8")
            self.assert_run(self.usherctl("validate", path), OK, stdout=f"{path} is valid.\n", stderr="")
            self.assertEqual(self.calls(), [["ValidateDefinition", ["fresh", [[path, "[CPU]\nCores=3\n"]]]]])

    def test_a_file_is_sent_with_its_drop_ins(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "fresh.guest")
            path.write_text("[CPU]\n", encoding="utf-8")
            drop_ins = pathlib.Path(f"{path}.d")
            drop_ins.mkdir()
            for name, text in (("20-b.conf", "[CPU]\nCoers=3\n"), ("10-a.conf", "[Memory]\n"), ("README", "Coers")):
                (drop_ins / name).write_text(text, encoding="utf-8")
            self.assert_run(self.usherctl("validate", str(path)), FAILED, stdout="",
                            stderr=f"{drop_ins}/20-b.conf:2: [CPU] Coers= is not known; did you mean Cores=?\n")
            self.assertEqual([file for file, _ in self.calls()[0][1][1]], [str(path), f"{drop_ins}/10-a.conf", f"{drop_ins}/20-b.conf"])

    def test_a_mistake_is_told_with_file_and_line_and_the_other_files_are_tried(self):
        with tempfile.TemporaryDirectory() as folder:
            bad, good = os.path.join(folder, "bad.guest"), os.path.join(folder, "good.guest")
            pathlib.Path(bad).write_text("[CPU]\nCoers=3\n", encoding="utf-8")
            pathlib.Path(good).write_text("[CPU]\n", encoding="utf-8")
            self.assert_run(self.usherctl("validate", bad, good), FAILED, stdout=f"{good} is valid.\n",
                            stderr=f"{bad}:2: [CPU] Coers= is not known; did you mean Cores=?\n")

    def test_what_is_no_text_is_not_sent(self):
        with tempfile.TemporaryDirectory() as folder:
            for contents, word in ((b"a\0b", "NUL"), (b"\xff\xfe", "UTF-8")):
                path = os.path.join(folder, "odd.guest")
                pathlib.Path(path).write_bytes(contents)
                result = self.usherctl("validate", path)
                self.assert_run(result, FAILED, stdout="")
                self.assertIn(word, result.stderr)
        self.assert_run(self.usherctl("validate", "/nowhere/x.guest"), FAILED,
                        stderr="Cannot read /nowhere/x.guest: No such file or directory\n")
        self.assert_run(self.usherctl("validate", "/etc/passwd"), USAGE)
        self.assertEqual(self.calls(), [])

    def test_a_guest_is_validated_by_the_daemon_with_its_drop_ins(self):
        self.assert_run(self.usherctl("validate", "win10"), OK, stdout="win10 is valid.\n", stderr="")
        self.assertEqual([call[0] for call in self.calls()], ["GetGuest", "GetDefinition", "CheckDisks"])
        self.assert_run(self.usherctl("validate", "typo", "linux"), FAILED, stdout="linux is valid.\n",
                        stderr="/etc/usher/guests/typo.guest:3: [CPU] Coers= is not known; did you mean Cores=?\n")
        self.assert_run(self.usherctl("validate", "nobody"), NO_SUCH, stdout="")

    def test_cat_prints_the_files_of_each_guest(self):
        result = self.usherctl("cat", "win10", "linux")
        self.assert_run(result, OK, stderr="")
        one = ("# /etc/usher/guests/win10.guest\n[Guest]\nDescription=Windows with the Radeon\n\n[CPU]\nCores=3\n\n"
               "# /etc/usher/guests/win10.guest.d/10-more.conf\n# Twice as many\n[CPU]\nThreads=2\n")
        self.assertEqual(result.stdout, one + "\n" + one)

    def test_what_a_new_guest_has_is_for_create_alone(self):
        result = self.usherctl("start", "win10", "--memory=8G")
        self.assert_run(result, USAGE, stdout="")
        self.assertIn("does not go with usherctl start", result.stderr)
        self.assert_run(self.usherctl("create", "a", "b"), USAGE, stderr="usherctl create takes one name: usherctl create NAME\n")
        self.assert_run(self.usherctl("create", "a", "--disk=/srv/x"), USAGE, stdout="")
        self.assertEqual(self.calls(), [])

    def test_undefine_removes_what_does_not_run(self):
        self.assert_run(self.usherctl("undefine", "linux", "win10"), FAILED, stdout="",
                        stderr="guest win10 is running; end it first: usherctl stop win10\n")
        self.assertEqual([call for call in self.calls() if call[0] == "UndefineGuest"],
                         [["UndefineGuest", ["linux", {}]], ["UndefineGuest", ["win10", {}]]])

    def test_reload_asks_the_daemon_to(self):
        self.assert_run(self.usherctl("reload"), OK, stdout="", stderr="")
        self.assertEqual(self.calls(), [["Reload", []], ["ListSkipped", []]])


class ErrorTest(ClientTest):
    def test_a_missing_permission_says_how_to_get_it(self):
        result = self.usherctl("start", "forbidden")
        self.assert_run(result, FAILED)
        self.assertIn("Cannot start forbidden: you are not allowed to; run usherctl as root", result.stderr)
        self.assert_no_noise(result.stderr)

    def test_a_silent_daemon_is_told_from_an_absent_one(self):
        result = self.usherctl("start", "mute")
        self.assertIn("Cannot start mute: usherd does not answer; see what it does: systemctl status usherd",
                      result.stderr)

    def test_a_daemon_of_another_version_is_told(self):
        self.assertIn("do not fit together", self.usherctl("start", "older").stderr)

    def test_messages_cannot_steer_the_terminal(self):
        self.assert_run(self.usherctl("start", "poisoned"), FAILED, stderr="QEMU said ?[2J\n")

    def test_a_mistyped_verb_gets_the_nearest_word(self):
        self.assert_run(self.usherctl("strat", "win10"), USAGE, stdout="", stderr=(
            "There is no verb strat; did you mean start?\nSee the verbs and options: usherctl --help\n"))
        self.assert_run(self.usherctl("frobnicate"), USAGE, stderr=(
            "There is no verb frobnicate\nSee the verbs and options: usherctl --help\n"))

    def test_a_mistyped_option_gets_the_nearest_word(self):
        self.assertIn("There is no option --no-legnd; did you mean --no-legend?",
                      self.usherctl("list", "--no-legnd").stderr)
        self.assertIn("There is no option -Z\n", self.usherctl("-Z").stderr)
        self.assertIn("--json takes a value", self.usherctl("list", "--json").stderr)
        self.assertIn("--no-pager takes no value", self.usherctl("--no-pager=1").stderr)
        self.assert_run(self.usherctl("list", "--json=xml"), USAGE, stdout="")

    def test_missing_and_superfluous_arguments_are_usage_errors(self):
        self.assert_run(self.usherctl("start"), USAGE,
                        stderr="usherctl start takes at least one name: usherctl start NAME…\n")
        self.assert_run(self.usherctl("list", "win10"), USAGE)
        self.assert_run(self.usherctl("bind", "01:00.0", "--all"), USAGE)
        self.assertEqual(self.calls(), [])

    def test_help_names_every_verb_and_needs_no_bus(self):
        result = self.usherctl("help", DBUS_SYSTEM_BUS_ADDRESS="unix:path=/nonexistent")
        self.assert_run(result, OK, stderr="")
        for verb in ("list", "status", "start", "stop", "kill", "reset", "pause", "resume", "cdrom", "attach", "detach", "devices", "groups", "bind",
                     "restore", "create", "edit", "undefine", "cat", "show", "validate", "enable", "disable", "check", "monitor", "version"):
            self.assertRegex(result.stdout, rf"(?m)^  {verb} ")
        self.assertEqual(self.usherctl("--help").stdout, result.stdout)

    def test_the_manual_tells_of_every_verb_and_option(self):
        manual = MANUAL.read_text(encoding="utf-8")
        text = self.usherctl("help").stdout
        for verb in re.findall(r"(?m)^  ([a-z]+) ", text):
            self.assertRegex(manual, rf"(?m)^(.*, )?\*{verb}\*")
        for option in re.findall(r"--[a-z-]+", text):
            self.assertRegex(manual, rf"(?m)^(.*, )?\*{option}=?\*")

    def test_version_tells_both_sides(self):
        result = self.usherctl("version")
        self.assert_run(result, OK, stderr="")
        self.assertRegex(result.stdout, r"^usherctl \d+\.\d+\.\d+\nusherd 9\.9 \(launcher: fork\)\n$")
        self.assertRegex(self.usherctl("--version").stdout, r"^usherctl \d+\.\d+\.\d+\n$")


class AbsentTest(ClientTest):
    mocked = False

    def test_an_absent_daemon_is_told_with_what_to_do(self):
        for args in (["list"], ["status"], ["devices"], ["start", "win10"], ["check"], ["monitor"],
                     ["start", "--dry-run", "--json=short", "win10"]):
            result = self.usherctl(*args)
            self.assert_run(result, FAILED, stdout="")
            self.assertIn("usherd is not running and could not be started; see why: systemctl status usherd", result.stderr)
            self.assert_no_noise(result.stderr)

    def test_a_daemon_that_fails_when_activated_is_told_alike(self):
        service = pathlib.Path(self.bus.services, "org.usher1.service")
        service.write_text("[D-BUS Service]\nName=org.usher1\nExec=/bin/false\nUser=root\n", encoding="utf-8")
        dbus.Interface(self.bus.connection.get_object("org.freedesktop.DBus", "/org/freedesktop/DBus"),
                       "org.freedesktop.DBus").ReloadConfig()
        self.addCleanup(service.unlink)
        self.assertIn("usherd is not running and could not be started", self.usherctl("list").stderr)

    def test_version_does_not_need_the_daemon(self):
        result = self.usherctl("version")
        self.assert_run(result, OK, stderr="")
        self.assertTrue(result.stdout.endswith("usherd is not running\n"), result.stdout)

    def test_an_absent_bus_is_told_with_what_to_do(self):
        result = self.usherctl("list", DBUS_SYSTEM_BUS_ADDRESS="unix:path=/nonexistent")
        self.assert_run(result, FAILED, stdout="", stderr=(
            "Cannot reach the system bus: No such file or directory; see whether it runs: systemctl status dbus\n"))


if __name__ == "__main__":
    unittest.main()
