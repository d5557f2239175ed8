# SPDX-License-Identifier: LGPL-2.1-or-later
"""usherctl as built in $USHER_BUILD, against a private bus.

The daemon is a mock here (mock_usherd.py), as what the client prints must be tested for states that are hard to have: a
stuck device, last words with escape sequences, a daemon that dies during a job. The mock takes its signatures from
dbus/org.usher1.xml."""

import fcntl
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

import dbus
import dbus.lowlevel

from bus import DEADLINE_SECONDS, PrivateBus

HERE = pathlib.Path(__file__).parent
USHERCTL = pathlib.Path(os.environ["USHER_BUILD"]) / "client" / "usherctl"
MANUAL = HERE.parent.parent / "man" / "usherctl.1.scd"
COMPLETION = HERE.parent.parent / "client" / "completion" / "usherctl.bash-completion"
CONTRACT = HERE.parent.parent / "dbus" / "org.usher1.xml"

OK, FAILED, USAGE, NOT_RUNNING, NO_SUCH, DETACHED = 0, 1, 2, 3, 4, 130


class Terminal:
    """A pseudo-terminal for one or more of a process's streams, and all that is written to it."""

    def __init__(self, columns=80):
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.text = ""

    def read_until(self, pattern):
        """Reads until the pattern is there, or with None until nobody holds the terminal any more."""
        while pattern is None or not re.search(pattern, self.text):
            if not select.select([self.master], [], [], DEADLINE_SECONDS)[0]:
                raise TimeoutError(f"no {pattern!r} in {self.text!r}")
            try:
                part = os.read(self.master, 4096)
            except OSError:  # EIO: the other side is closed
                part = b""
            if not part:
                if pattern is None:
                    return
                raise EOFError(f"no {pattern!r} in {self.text!r}")
            self.text += part.decode()

    def close_slave(self):
        os.close(self.slave)

    def close(self):
        os.close(self.master)


class ClientTest(unittest.TestCase):
    """Each class has a bus of its own, and the mock on it if `mocked` says so."""

    mocked = True

    @classmethod
    def setUpClass(cls):
        cls.bus = PrivateBus()
        cls.addClassCleanup(cls.bus.close)
        cls.log = os.path.join(cls.bus.folder, "calls")
        if cls.mocked:
            cls.start_mock()

    @classmethod
    def start_mock(cls):
        cls.mock = cls.bus.start([sys.executable, HERE / "mock_usherd.py", CONTRACT, cls.log], "org.usher1")

    def setUp(self):
        pathlib.Path(self.log).write_text("", encoding="utf-8")

    def environment(self, **extra):
        env = self.bus.environment(LC_ALL="C.UTF-8", TERM="xterm", TZ="UTC")
        for name in ("NO_COLOR", "COLUMNS", "PAGER", "SYSTEMD_PAGER", "SYSTEMD_LESS"):
            env.pop(name, None)
        return {**env, **extra}

    def usherctl(self, *args, **env):
        return subprocess.run([USHERCTL, *args], env=self.environment(**env), capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=DEADLINE_SECONDS, check=False)

    def on_terminal(self, *args, columns=80, **env):
        """What a person sees with stdout and stderr on one terminal, and the exit status."""
        terminal = Terminal(columns)
        process = subprocess.Popen([USHERCTL, *args], env=self.environment(**env), stdin=subprocess.DEVNULL,
                                   stdout=terminal.slave, stderr=terminal.slave)
        terminal.close_slave()
        terminal.read_until(None)
        terminal.close()
        return terminal.text.replace("\r\n", "\n"), process.wait(DEADLINE_SECONDS)

    def calls(self):
        return [json.loads(line) for line in pathlib.Path(self.log).read_text(encoding="utf-8").splitlines()]

    def play(self, scene):
        mock = self.bus.connection.get_object("org.usher1", "/org/usher1", introspect=False)
        mock.get_dbus_method(scene, "org.usher1.Mock")()

    def assert_run(self, result, status, stdout=None, stderr=None):
        self.assertEqual(result.returncode, status, result.stderr)
        if stdout is not None:
            self.assertEqual(result.stdout, stdout)
        if stderr is not None:
            self.assertEqual(result.stderr, stderr)

    def assert_no_noise(self, text):
        for noise in ("org.freedesktop", "org.usher1", "GDBus", "sd-bus", "/org/"):
            self.assertNotIn(noise, text)


class ListTest(ClientTest):
    def test_without_a_verb_the_guests_are_listed_in_one_call(self):
        result = self.usherctl()
        self.assert_run(result, OK, stderr="")
        self.assertEqual(self.calls(), [["ListGuests", []]])
        self.assertEqual(result.stdout, self.usherctl("list").stdout)
        self.assertEqual(result.stdout, self.usherctl("list-guests").stdout)

    def test_columns_are_aligned_and_empty_cells_are_dashes(self):
        lines = self.usherctl("list").stdout.splitlines()
        self.assertEqual(lines[0], "NAME    STATE     PID  DEVICES                    DESCRIPTION")
        self.assertEqual(lines[1], "broken  failed      -  -                          broken")
        self.assertEqual(lines[2], "linux   stopped     -  -                          日本語 desktop")
        self.assertEqual(lines[4],
                         "win10   running  4711  0000:01:00.0,0000:01:00.1  Windows with the Radeon")
        self.assertEqual(lines[5:], ["", "4 guests."])

    def test_an_invalid_definition_is_told_in_its_row(self):
        self.assertRegex(self.usherctl("list").stdout, r"typo +invalid +- +- +typo\.guest:3: .*Coers=")

    def test_no_legend_leaves_the_rows_alone(self):
        lines = self.usherctl("list", "--no-legend").stdout.splitlines()
        self.assertEqual([line.split()[0] for line in lines], ["broken", "linux", "typo", "win10"])

    def test_json_has_the_properties_of_the_contract_as_keys(self):
        guests = json.loads(self.usherctl("list", "--json=short").stdout)
        self.assertEqual([guest["name"] for guest in guests], ["broken", "linux", "typo", "win10"])
        self.assertEqual(set(guests[3]), {"name", "state", "sub_state", "unit", "pid", "devices", "usb", "display", "tainted", "agent", "addresses", "drift", "description", "since",
                                          "error", "last_words", "source", "definition_error"})
        self.assertEqual(guests[3]["pid"], 4711)
        self.assertEqual(guests[3]["since"], 1700000000000000)
        self.assertEqual(guests[3]["devices"], ["0000:01:00.0", "0000:01:00.1"])
        self.assertEqual(guests[0]["last_words"], "qemu: first line\nqemu: \x1b[31mred line\n")

    def test_short_json_is_one_line_and_pretty_json_the_same_in_many(self):
        short = self.usherctl("list", "--json=short").stdout
        pretty = self.usherctl("list", "--json=pretty").stdout
        self.assertEqual(short.count("\n"), 1)
        self.assertGreater(pretty.count("\n"), 20)
        self.assertEqual(json.loads(short), json.loads(pretty))
        self.assertEqual(self.usherctl("list", "-j").stdout, short)
        self.assertEqual(self.usherctl("list", "--json=off").stdout, self.usherctl("list").stdout)

    def test_a_full_disk_is_a_failure(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            result = subprocess.run([USHERCTL, "list"], env=self.environment(), stdout=full, stderr=subprocess.PIPE,
                                    text=True, check=False)
        self.assertEqual(result.returncode, FAILED)
        self.assertIn("No space left", result.stderr)


class TerminalTest(ClientTest):
    def test_there_are_colours_on_a_terminal_only(self):
        text, status = self.on_terminal("list", "--no-pager")
        self.assertEqual(status, OK)
        self.assertIn("\x1b[1;32mrunning\x1b[0m", text)
        self.assertIn("\x1b[1;31mfailed\x1b[0m", text)
        self.assertNotIn("\x1b", self.usherctl("list").stdout)

    def test_no_color_and_a_dumb_terminal_mean_no_colours(self):
        self.assertNotIn("\x1b", self.on_terminal("list", "--no-pager", NO_COLOR="1")[0])
        self.assertNotIn("\x1b", self.on_terminal("list", TERM="dumb")[0])
        self.assertIn("\x1b", self.on_terminal("list", "--no-pager", NO_COLOR="")[0])

    def test_rows_are_cut_to_the_width_of_the_terminal_unless_full(self):
        text, _ = self.on_terminal("list", "--no-pager", columns=50, NO_COLOR="1")
        self.assertIn("0000:01:00.…", text)
        for line in text.splitlines():
            self.assertLessEqual(len(line) + 3 * line.count("日本語"), 50)
        self.assertIn("Windows with the Radeon", self.on_terminal("list", "--no-pager", "--full", columns=50)[0])

    def test_lists_go_through_the_pager_that_is_set(self):
        text, status = self.on_terminal("list", SYSTEMD_PAGER="sed 's/^/paged: /'", PAGER="false", NO_COLOR="1")
        self.assertEqual(status, OK)
        self.assertTrue(all(line.startswith("paged: ") for line in text.splitlines()), text)
        self.assertIn("paged: NAME", self.on_terminal("list", PAGER="sed 's/^/paged: /'", NO_COLOR="1")[0])

    def test_no_pager_is_run_when_none_is_wanted(self):
        for args, env in ((["--no-pager"], {}), (["--json=short"], {}), ([], {"SYSTEMD_PAGER": ""}),
                          ([], {"SYSTEMD_PAGER": "cat"}), ([], {"TERM": "dumb"})):
            text, _ = self.on_terminal("list", *args, NO_COLOR="1", PAGER="sed 's/^/paged: /'", **env)
            self.assertNotIn("paged:", text, (args, env))

    def test_leaving_the_pager_early_is_no_error(self):
        self.assertEqual(self.on_terminal("list", SYSTEMD_PAGER="true")[1], OK)

    def test_without_utf8_signs_are_ascii(self):
        self.assertIn("* win10", self.usherctl("status", "win10", LC_ALL="C").stdout)
        self.assertIn("● win10", self.usherctl("status", "win10").stdout)
        self.assertIn("`-0000:02:00.0", self.usherctl("groups", LC_ALL="C").stdout)


class StatusTest(ClientTest):
    def test_a_running_guest_is_pictured_with_its_devices_names(self):
        result = self.usherctl("status", "win10")
        self.assert_run(result, OK, stderr="")
        self.assertEqual(result.stdout.splitlines()[0], "● win10 - Windows with the Radeon")
        self.assertIn(" Definition: /etc/usher/guests/win10.guest\n", result.stdout)
        self.assertRegex(result.stdout, r"State: running since Tue 2023-11-14 22:13:20 UTC; \d+d \d+h ago\n")
        self.assertIn("Unit: usher-guest@win10.service\n", result.stdout)
        self.assertIn("PID: 4711\n", result.stdout)
        self.assertIn("Devices: 0000:01:00.0 VGA compatible controller: AMD Radeon RX 6800 [vfio-pci]\n"
                      "             0000:01:00.1 Audio device: AMD Navi 21 HDMI [vfio-pci]\n", result.stdout)

    def test_a_failed_guest_shows_its_error_and_last_words_without_escapes(self):
        result = self.usherctl("status", "broken")
        self.assert_run(result, NOT_RUNNING)
        self.assertTrue(result.stdout.startswith("× broken\n"), result.stdout)
        self.assertIn("Error: QEMU ended with status 1 while it started\n", result.stdout)
        self.assertTrue(result.stdout.endswith(
            "QEMU's last words:\n    qemu: first line\n    qemu: ?[31mred line\n"), result.stdout)

    def test_a_stopped_guest_is_status_3_and_an_unknown_one_4(self):
        self.assert_run(self.usherctl("status", "linux"), NOT_RUNNING)
        self.assert_run(self.usherctl("status", "win1"), NO_SUCH, stdout="",
                        stderr="There is no guest win1; did you mean win10?\n")
        self.assert_run(self.usherctl("status", "elephant"), NO_SUCH,
                        stderr="There is no guest elephant; see which there are: usherctl list\n")

    def test_of_several_names_all_are_shown_and_the_worst_is_returned(self):
        result = self.usherctl("status", "win10", "elephant", "linux")
        self.assert_run(result, NO_SUCH)
        self.assertIn("● win10", result.stdout)
        self.assertIn("\n\n○ linux", result.stdout)

    def test_a_device_can_be_asked_for_by_its_short_address(self):
        result = self.usherctl("status", "01:00.0")
        self.assert_run(result, OK)
        for line in ("State: guest", "Guest: win10", "Driver: vfio-pci", "Group: 2", "Siblings: 0000:01:00.1",
                     "Resets: flr bus", "Reset with: 0000:01:00.0",
                     "Fingerprint: 1002:73bf 1da2:e437 030000 0000:00:01.0/00.0/00.0/00.0", "IDs: class 0300, device 1002:73bf, subsystem 0000:0000"):
            self.assertIn(f"{line}\n", result.stdout)
        self.assert_run(self.usherctl("status", "09:00.0"), NO_SUCH, stdout="")
        self.assertIn(" Quarantine: since 2026-01-01 10:00:00: reset failed\n", self.usherctl("status", "03:00.0").stdout)

    def test_without_a_name_the_host_is_summed_up(self):
        result = self.usherctl("status")
        self.assert_run(result, OK, stderr="")
        self.assertIn("Daemon: usherd 9.9 (launcher: fork)\n", result.stdout)
        self.assertIn("Guests: 4, 1 running, 2 failed\n", result.stdout)
        self.assertIn("Devices: 5, 2 with guests, 1 stuck\n", result.stdout)
        self.assertIn("× broken  failed  QEMU ended with status 1 while it started\n", result.stdout)

    def test_json_is_an_object_for_one_name_and_an_array_for_more(self):
        one = json.loads(self.usherctl("status", "win10", "--json=short").stdout)
        self.assertEqual((one["name"], one["state"]), ("win10", "running"))
        more = json.loads(self.usherctl("status", "win10", "linux", "--json=short").stdout)
        self.assertEqual([each["name"] for each in more], ["win10", "linux"])
        host = json.loads(self.usherctl("status", "--json=short").stdout)
        self.assertEqual((host["version"], host["guests_running"], host["devices_stuck"]), ("9.9", 1, 1))
        self.assert_run(self.usherctl("status", "elephant", "--json=short"), NO_SUCH, stdout="")


class DevicesTest(ClientTest):
    def test_devices_are_sorted_and_bridges_left_out(self):
        lines = self.usherctl("devices").stdout.splitlines()
        self.assertEqual(lines[0].split("  ")[0], "ADDRESS")
        self.assertTrue(lines[0].endswith("HOST NEEDS"))
        self.assertEqual([line.split()[0] for line in lines[1:6]],
                         ["0000:01:00.0", "0000:01:00.1", "0000:02:00.0", "0000:03:00.0", "10000:e1:00.0"])
        self.assertEqual(lines[-1], "5 devices; 1 bridge left out, see them with --all.")

    def test_all_includes_bridges(self):
        result = self.usherctl("devices", "--all", "--no-legend")
        self.assertTrue(result.stdout.startswith("0000:00:00.0"), result.stdout)
        self.assertEqual(len(result.stdout.splitlines()), 6)

    def test_what_the_host_needs_and_whose_a_device_is_are_told(self):
        text = self.usherctl("devices").stdout
        self.assertRegex(text, r"0000:02:00\.0 +3 +nvme +host +- +Non-Volatile memory controller: Samsung 980 PRO +"
                               r"the disk mounted at /\n")
        self.assertRegex(text, r"0000:01:00\.0 +2 +vfio-pci +guest +win10 +VGA compatible controller: AMD")
        self.assertRegex(text, r"10000:e1:00\.0 +- +- +unused +- +0108: 8086:f1a5 +-\n")

    def test_named_devices_alone_can_be_listed(self):
        self.assertEqual(len(self.usherctl("devices", "02:00.0", "0000:03:00.0", "--no-legend").stdout.splitlines()), 2)
        self.assert_run(self.usherctl("devices", "7f:00.0"), NO_SUCH, stdout="",
                        stderr="There is no device 7f:00.0; see which there are: usherctl devices --all\n")

    def test_json_has_the_keys_of_the_contract(self):
        devices = json.loads(self.usherctl("devices", "--json=short").stdout)
        self.assertEqual(devices[0]["address"], "0000:01:00.0")
        for key in ("class", "vendor", "model", "driver", "group", "guest", "state", "class_id", "subsystem_id",
                    "driver_override", "needed_for", "siblings", "boot_vga", "reset_methods", "numa_node"):
            self.assertIn(key, devices[0])
        self.assertIs(devices[0]["boot_vga"], False)
        self.assertEqual(devices[4]["group"], -1)

    def test_groups_are_a_tree(self):
        self.assertIn("Group 2\n"
                      "├─0000:01:00.0 VGA compatible controller: AMD Radeon RX 6800 [vfio-pci] guest win10\n"
                      "└─0000:01:00.1 Audio device: AMD Navi 21 HDMI [vfio-pci] guest win10\n"
                      "Group 3\n", self.usherctl("groups").stdout)
        self.assertTrue(self.usherctl("groups").stdout.endswith(
            "Without a group\n└─10000:e1:00.0 0108: 8086:f1a5 unused\n"))

    def test_groups_as_json_name_their_devices(self):
        groups = json.loads(self.usherctl("groups", "--json=short").stdout)
        self.assertEqual(groups[1], {"group": 2, "devices": ["0000:01:00.0", "0000:01:00.1"]})


class HoldersTest(ClientTest):
    def test_each_holder_is_a_row(self):
        lines = self.usherctl("holders", "01:00.0").stdout.splitlines()
        self.assertEqual(lines[0].split(), ["DEVICE", "KIND", "WHAT", "PID", "COMMAND", "UNIT", "SESSION", "NEEDED"])
        self.assertEqual(lines[1].split(), ["0000:01:00.0", "file", "/dev/dri/card1", "812", "kwin_wayland", "user@1000.service", "2", "no"])
        self.assertRegex(lines[2], r"^0000:01:00.0 +host +the disk mounted at / +- +- +- +- +yes$")
        self.assertEqual(self.calls(), [["ListHolders", ["01:00.0"]]])

    def test_that_there_are_none_is_said(self):
        self.assert_run(self.usherctl("holders", "03:00.0"), OK, stdout="Nobody uses it.\n", stderr="")
        self.assert_run(self.usherctl("holders", "--no-legend", "03:00.0"), OK, stdout="", stderr="")

    def test_json_has_the_keys_of_the_manual(self):
        self.assertEqual(json.loads(self.usherctl("holders", "--json=short", "01:00.0", "03:00.0").stdout), [
            {"kind": "file", "device": "0000:01:00.0", "what": "/dev/dri/card1", "pid": 812, "command": "kwin_wayland",
             "unit": "user@1000.service", "session": "2", "needed": False},
            {"kind": "host", "device": "0000:01:00.0", "what": "the disk mounted at /", "pid": 0, "command": "", "unit": "",
             "session": "", "needed": True}])

    def test_a_device_that_is_not_there_is_told(self):
        self.assert_run(self.usherctl("holders", "7f:00.0"), NO_SUCH, stdout="")


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
                        stderr="QEMU of broken ended with status 1; see usherctl status broken\n")

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
        self.assertEqual([args[0] for _, args in self.calls()], ["elephant", "broken", "linux"])
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
                        stderr="guest win10 has not let go of 03:00.0 within 30 s, and keeps it\n")

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
                        stdout="To start win10 takes no steps on the host.\n")

    def test_steps_are_flat_objects_in_json(self):
        steps = json.loads(self.usherctl("start", "--dry-run", "--json=short", "linux").stdout)
        self.assertEqual(steps[1], {"kind": "driver", "subject": "0000:01:00.0", "before": "amdgpu", "after": ""})
        self.assertEqual(len(steps), 4)

    def test_a_refused_plan_is_a_refusal(self):
        self.assert_run(self.usherctl("start", "--dry-run", "elephant"), NO_SUCH, stdout="",
                        stderr="there is no guest elephant; see usherctl list\n")

    def test_other_verbs_do_not_take_it(self):
        self.assert_run(self.usherctl("kill", "--dry-run", "win10"), USAGE, stdout="", stderr=(
            "--dry-run is not for usherctl kill\nSee the verbs and options: usherctl --help\n"))
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

    def test_create_sends_a_text_for_a_new_guest(self):
        self.assert_run(self.usherctl("create", "fresh", "--memory=8G"), OK, stdout="fresh is defined; see it: usherctl cat fresh\n", stderr="")
        member, (name, text, options) = self.calls()[0]
        self.assertEqual((member, name, options), ("DefineGuest", "fresh", {"new": 1}))
        self.assertIn("\n[Memory]\nSize=8G\n", text)
        self.assert_run(self.usherctl("create", "linux"), FAILED, stdout="", stderr="there is a guest linux already; choose another name\n")

    def test_what_a_new_guest_has_is_for_create_alone(self):
        result = self.usherctl("start", "win10", "--memory=8G")
        self.assert_run(result, USAGE, stdout="")
        self.assertIn("is not for usherctl start", result.stderr)
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
        self.assertEqual(self.calls(), [["Reload", []]])


class CheckTest(ClientTest):
    def test_findings_are_marked_and_followed_by_what_to_do(self):
        self.assert_run(self.usherctl("check"), FAILED, stderr="", stdout=(
            "ok       iommu    The IOMMU is on\n"
            "note     kvm      KVM is nested\n"
            "warning  memlock  16 GB of memory can be locked\n"
            "                  → raise LimitMEMLOCK=\n"
            "error    vfio     There is no vfio-pci\n"
            "                  → install a kernel with CONFIG_VFIO_PCI\n"
            "\n1 error, 1 warning.\n"))

    def test_json_tells_the_same_with_the_same_status(self):
        result = self.usherctl("check", "--json=short")
        self.assert_run(result, FAILED)
        self.assertEqual(json.loads(result.stdout)[2], {
            "id": "memlock", "level": "warning", "message": "16 GB of memory can be locked",
            "remedy": "raise LimitMEMLOCK="})


class MonitorTest(ClientTest):
    def watch(self, *args):
        """What monitor prints of the story, up to its end."""
        process = subprocess.Popen([USHERCTL, "monitor", *args], env=self.environment(), stdout=subprocess.PIPE, text=True)
        with process.stdout:
            self.wait_for_call("ListJobs")
            self.play("Story")
            lines = [process.stdout.readline().rstrip("\n")]
            while "0000:03:00.0" not in lines[-1]:
                self.assertTrue(lines[-1], lines)
                lines.append(process.stdout.readline().rstrip("\n"))
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(DEADLINE_SECONDS), OK)
        return lines

    def wait_for_call(self, member):
        """The mock notes a call when it answers it; by then the client has subscribed."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        with open(self.log, encoding="utf-8") as log:
            while member not in (log.readline() or ""):
                self.assertLess(time.monotonic(), deadline, f"{member} was not called")

    def test_jobs_and_changes_are_printed_as_they_come(self):
        lines = self.watch()
        self.assertRegex(lines[0], r"^\d\d:\d\d:\d\d  job ")
        self.assertEqual([re.sub(r" +", " ", re.sub(r"job +\d+", "job N", line[10:])) for line in lines], [
            "job N begins, for linux", "guest linux preparing", "job N driver of 0000:01:00.0: amdgpu → none",
            "device 0000:01:00.0 driver none", "device 0000:01:00.0 unused", "guest linux running",
            "job N ended for linux: done", "device 0000:03:00.0 is gone"])

    def test_json_is_an_object_a_line(self):
        events = [json.loads(line) for line in self.watch("--json=short")]
        self.assertEqual({key: events[1][key] for key in ("kind", "subject", "text")},
                         {"kind": "guest", "subject": "linux", "text": "preparing"})


class BootTest(ClientTest):
    def run_with_systemctl(self, script, *args):
        """With a systemctl that notes its arguments, and then does what script says."""
        with tempfile.TemporaryDirectory() as folder:
            fake = pathlib.Path(folder, "systemctl")
            fake.write_text(f'#!/bin/sh\necho "$@" >>{folder}/said\n{script}\n', encoding="utf-8")
            fake.chmod(0o755)
            result = self.usherctl(*args, PATH=f"{folder}:{os.environ['PATH']}")
            said = pathlib.Path(folder, "said")
            return result, said.read_text(encoding="utf-8") if said.exists() else ""

    def test_enable_and_disable_are_systemctls(self):
        result, said = self.run_with_systemctl("exit 0", "enable", "win10", "linux")
        self.assert_run(result, OK, stderr="")
        self.assertEqual(said, "enable -- usher-guest@win10.service usher-guest@linux.service\n")
        _, said = self.run_with_systemctl("exit 0", "disable", "gone")
        self.assertEqual(said, "disable -- usher-guest@gone.service\n")

    def test_a_guest_that_is_not_defined_is_not_enabled(self):
        result, said = self.run_with_systemctl("exit 0", "enable", "elephant", "linux")
        self.assert_run(result, NO_SUCH)
        self.assertEqual(said, "enable -- usher-guest@linux.service\n")
        result, said = self.run_with_systemctl("exit 0", "disable", "--", "--root=x")
        self.assert_run(result, NO_SUCH)
        self.assertEqual(said, "")

    def test_its_failure_is_ours(self):
        self.assert_run(self.run_with_systemctl("exit 5", "disable", "linux")[0], FAILED)

    def test_its_absence_is_told(self):
        result = self.usherctl("disable", "linux", PATH="/nonexistent")
        self.assert_run(result, FAILED)
        self.assertIn("Cannot run systemctl: No such file or directory", result.stderr)


class ErrorTest(ClientTest):
    def test_a_missing_permission_says_how_to_get_it(self):
        result = self.usherctl("start", "forbidden")
        self.assert_run(result, FAILED)
        self.assertIn("Cannot start forbidden: you are not allowed to; run it as root", result.stderr)
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
        self.assertIn("--json is not used that way: it takes a value", self.usherctl("list", "--json").stderr)
        self.assertIn("--no-pager is not used that way: it takes no value", self.usherctl("--no-pager=1").stderr)
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


class RemoteTest(ClientTest):
    def with_ssh(self, script, *args):
        with tempfile.TemporaryDirectory() as folder:
            fake = pathlib.Path(folder, "ssh")
            fake.write_text(f'#!/bin/sh\necho "$@" >{folder}/said\n{script}\n', encoding="utf-8")
            fake.chmod(0o755)
            result = self.usherctl(*args, PATH=f"{folder}:{os.environ['PATH']}",
                                   DBUS_SYSTEM_BUS_ADDRESS="unix:path=/nonexistent")
            return result, pathlib.Path(folder, "said").read_text(encoding="utf-8")

    def test_another_host_is_reached_over_ssh(self):
        result, said = self.with_ssh(f"exec systemd-stdio-bridge --bus-path={self.bus.address}",
                                     "-H", "root@hall", "list", "--no-legend")
        self.assert_run(result, OK, stderr="")
        self.assertIn("win10", result.stdout)
        self.assertIn("root@hall", said)

    def test_a_host_that_cannot_be_reached_is_named(self):
        result, _ = self.with_ssh("exit 255", "--host=hall", "list")
        self.assert_run(result, FAILED, stdout="")
        self.assertIn("Cannot reach usherd on hall over ssh", result.stderr)
        self.assertIn("try: ssh hall usherctl", result.stderr)


class CompletionTest(ClientTest):
    def complete(self, line, **env):
        """What bash would offer at the end of the line."""
        script = '. "$1"; COMP_LINE=$2 COMP_POINT=${#2}; _usherctl; printf "%s\\n" "${COMPREPLY[@]}"'
        path = f"{env.pop('first', USHERCTL.parent)}:{USHERCTL.parent}:{os.environ['PATH']}"
        result = subprocess.run(["bash", "-c", script, "bash", COMPLETION, line], env=self.environment(PATH=path, **env),
                                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
        self.assertEqual(result.stderr, "")
        return result.stdout.split()

    def test_verbs_and_options_are_offered(self):
        self.assertEqual(self.complete("usherctl re"), ["reset", "resume", "reboot", "restore", "reload"])
        self.assertEqual(self.complete("usherctl --no-p"), ["--no-pager"])
        self.assertEqual(self.complete("usherctl bind --d"), ["--dry-run"])
        self.assertEqual(self.complete("usherctl list --d"), [])
        self.assertEqual(self.complete("usherctl --json="), ["pretty", "short", "off"])

    def test_guests_are_offered_by_name(self):
        self.assertEqual(self.complete("usherctl start "), ["broken", "linux", "typo", "win10"])
        self.assertEqual(self.complete("usherctl --no-block stop w"), ["win10"])

    def test_devices_are_offered_past_the_colons_that_bash_breaks_at(self):
        self.assertEqual(self.complete("usherctl bind 0000:0"), ["01:00.0", "01:00.1", "02:00.0", "03:00.0"])
        self.assertEqual(self.complete("usherctl restore 0000:01:"), ["00.0", "00.1"])
        self.assertIn("0000:00:00.0", self.complete("usherctl devices "))
        self.assertEqual(self.complete("usherctl show --fingerprint 0000:02"), ["02:00.0"])
        self.assertIn("win10", self.complete("usherctl status "))

    def test_every_verb_of_the_help_is_offered(self):
        verbs = re.findall(r"(?m)^  ([a-z]+) ", self.usherctl("help").stdout)
        self.assertEqual(sorted(self.complete("usherctl ")), sorted(verbs))

    def test_the_names_of_guests_are_offered_to_every_verb_that_takes_one(self):
        verbs = re.findall(r"(?m)^  ([a-z]+) \S*NAME", self.usherctl("help").stdout)
        self.assertIn("thaw", verbs)
        for verb in verbs:
            if verb != "create":
                self.assertIn("win10", self.complete(f"usherctl {verb} w"), verb)

    def test_an_option_is_offered_and_explained_for_those_verbs_that_know_it(self):
        text, nowhere = self.usherctl("help").stdout, {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent"}
        for option, value in (("dry-run", ""), ("no-block", ""), ("force", ""), ("all", ""), ("fingerprint", ""), ("eject", ""), ("clear", ""),
                              ("functions", "=0"), ("group", "=all"), ("stop-holders", "=a.service")):
            explained = re.search(rf"(?m)^ .*--{option}\b.*\n(?: {{28}}.*\n)*", text).group()
            options = MANUAL.read_text(encoding="utf-8").split("# OPTIONS")[1]
            manual = re.search(rf"(?m)^.*\*--{option}=?\*.*\n((?:\t.*\n)+)", options).group(1)
            for verb in re.findall(r"(?m)^  ([a-z]+) ", text):
                if verb in ("help", "version"):
                    continue
                refusal = self.usherctl(verb, f"--{option}{value}", **nowhere).stderr
                known = "is not for usherctl" not in refusal
                self.assertEqual(f"--{option}" in {word.rstrip("=") for word in self.complete(f"usherctl {verb} --{option}")}, known,
                                 f"{verb} --{option} in the completion")
                self.assertEqual(bool(re.search(rf"[ ,]{verb}[:,]", explained)), known, f"{verb} --{option} in the help")
                self.assertEqual(f"*{verb}*" in manual, known, f"{verb} --{option} in the manual")

    def test_every_option_of_the_help_is_offered_somewhere(self):
        offered = {option.rstrip("=") for verb in ("", "bind ", "console ", "devices ", "show ", "reset ", "cdrom ", "create ") for option in self.complete(f"usherctl {verb}--")}
        self.assertEqual(set(re.findall(r"--[a-z-]+", self.usherctl("help").stdout)), offered)

    def test_names_from_another_host_are_not_expanded(self):
        with tempfile.TemporaryDirectory() as folder:
            fake = pathlib.Path(folder, "usherctl")
            fake.write_text(f"#!/bin/sh\necho '$(touch${{IFS}}{folder}/trap)x running'\n", encoding="utf-8")
            fake.chmod(0o755)
            self.assertEqual(len(self.complete("usherctl -H evil start ", first=folder)), 1)
            self.assertFalse(pathlib.Path(folder, "trap").exists())

    def test_an_absent_daemon_leaves_the_line_alone(self):
        self.assertEqual(self.complete("usherctl start ", DBUS_SYSTEM_BUS_ADDRESS="unix:path=/nonexistent"), [])


class AgentTest(ClientTest):
    """For a user who is not root and sits at a terminal, polkit's agent asks."""

    def start_as_user(self, *args):
        """Runs usherctl with a pkttyagent that notes its arguments and says that it is there."""
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o777)
            fake = pathlib.Path(folder, "pkttyagent")
            fake.write_text(f'#!/bin/sh\necho "$@" >{folder}/said\neval "exec $2>&-"\nexec sleep {2 * DEADLINE_SECONDS}\n',
                            encoding="utf-8")
            fake.chmod(0o755)
            # That user may not be allowed into the folder that this was built in.
            usherctl = shutil.copy(USHERCTL, folder)
            os.chmod(usherctl, 0o755)
            terminal = Terminal()
            process = subprocess.Popen([usherctl, *args], stdin=terminal.slave, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, text=True,
                                       env=self.environment(PATH=f"{folder}:{os.environ['PATH']}"),
                                       user=65534 if os.geteuid() == 0 else None)
            output, _ = process.communicate(timeout=DEADLINE_SECONDS)
            terminal.close_slave()
            terminal.close()
            said = pathlib.Path(folder, "said")
            return process.returncode, output, said.read_text(encoding="utf-8") if said.exists() else ""

    def test_the_agent_is_started_for_a_verb_that_changes_something_and_ended_with_it(self):
        status, output, said = self.start_as_user("start", "linux")
        self.assertEqual((status, output), (OK, ""))
        self.assertRegex(said, r"^--notify-fd \d+ --fallback$")

    def test_no_agent_is_started_to_look_or_if_nobody_shall_be_asked(self):
        self.assertEqual(self.start_as_user("list", "--no-legend")[2], "")
        self.assertEqual(self.start_as_user("start", "linux", "--no-ask-password")[2], "")


class AbsentTest(ClientTest):
    mocked = False

    def test_an_absent_daemon_is_told_with_what_to_do(self):
        for args in (["list"], ["status"], ["devices"], ["start", "win10"], ["check"], ["monitor"],
                     ["start", "--dry-run", "--json=short", "win10"]):
            result = self.usherctl(*args)
            self.assert_run(result, FAILED, stdout="")
            self.assertIn("usherd does not run and could not be started; see why: systemctl status usherd", result.stderr)
            self.assert_no_noise(result.stderr)

    def test_a_daemon_that_fails_when_activated_is_told_alike(self):
        service = pathlib.Path(self.bus.services, "org.usher1.service")
        service.write_text("[D-BUS Service]\nName=org.usher1\nExec=/bin/false\nUser=root\n", encoding="utf-8")
        dbus.Interface(self.bus.connection.get_object("org.freedesktop.DBus", "/org/freedesktop/DBus"),
                       "org.freedesktop.DBus").ReloadConfig()
        self.addCleanup(service.unlink)
        self.assertIn("usherd does not run and could not be started", self.usherctl("list").stderr)

    def test_version_does_not_need_the_daemon(self):
        result = self.usherctl("version")
        self.assert_run(result, OK, stderr="")
        self.assertTrue(result.stdout.endswith("usherd does not run\n"), result.stdout)

    def test_an_absent_bus_is_told_with_what_to_do(self):
        result = self.usherctl("list", DBUS_SYSTEM_BUS_ADDRESS="unix:path=/nonexistent")
        self.assert_run(result, FAILED, stdout="", stderr=(
            "Cannot reach the system bus: No such file or directory; see whether it runs: systemctl status dbus\n"))


if __name__ == "__main__":
    unittest.main()
