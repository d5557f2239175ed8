# SPDX-License-Identifier: LGPL-2.1-or-later
"""What usherctl shows: lists, a status, findings, and what happens as it does."""

import json
import re
import signal
import subprocess
import time
import unittest

from bus import DEADLINE_SECONDS
from client import FAILED, NO_SUCH, NOT_RUNNING, OK, USHERCTL, ClientTest


class ListTest(ClientTest):
    def test_without_a_verb_the_guests_are_listed_in_one_call(self):
        result = self.usherctl()
        self.assert_run(result, OK, stderr="")
        self.assertEqual(self.calls(), [["ListGuests", []], ["ListSkipped", []]])
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
        self.assertEqual(set(guests[3]), {"name", "state", "sub_state", "unit", "pid", "devices", "usb", "display", "tainted", "agent", "addresses", "warnings", "drift", "description", "since",
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
        self.assertIn("Devices: 0000:01:00.0 VGA compatible controller: AMD Radeon RX 6800 [vfio-pci, iommufd]\n"
                      "             0000:01:00.1 Audio device: AMD Navi 21 HDMI [vfio-pci, iommufd]\n", result.stdout)

    def test_a_guest_shows_what_it_goes_without(self):
        self.assertIn("Warning: [CDROM install] Path=/srv/a.iso is not there; the drive is empty\n", self.usherctl("status", "win10").stdout)

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
        for line in ("State: guest", "Guest: win10", "Backend: iommufd", "Driver: vfio-pci", "Group: 2", "Siblings: 0000:01:00.1",
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
        self.assertEqual(lines[-1], "5 devices; 1 bridge left out, to see them: --all.")

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


if __name__ == "__main__":
    unittest.main()
