# SPDX-License-Identifier: LGPL-2.1-or-later
"""usherctl show --command: the command line that QEMU would get, of a guest or of a file."""

import json
import pathlib
import tempfile
import time
import unittest

from client import FAILED, NO_SUCH, OK, USAGE, ClientTest

CARD = "[PCI gpu]\nAddress=0000:fe:1f.0\nFunctions=0,1\n"


class FileTest(ClientTest):
    """Of a file, without any usherd."""

    mocked = False

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name, "fresh.guest")

    def show(self, text, *options):
        self.path.write_text(text, encoding="utf-8")
        return self.usherctl("show", "--command", str(self.path), *options)

    def test_it_is_one_argument_a_line_and_comments_name_the_descriptors(self):
        result = self.show(CARD + "[Disk main]\nPath=/srv/a disk.img\nFormat=raw\n")
        self.assert_run(result, OK)
        lines = result.stdout.splitlines()
        self.assertEqual(lines[1:3], ["-name", "guest=fresh,debug-threads=on"])
        self.assertIn("fe:1f.1", result.stdout)
        self.assertRegex(result.stdout, r"(?m)^# fd \d+: disk /srv/a disk\.img$")
        arguments = [line for line in lines if not line.startswith("#")]
        self.assertEqual(lines[:len(arguments)], arguments, "the comments come last")

    def test_drop_ins_count(self):
        drop_ins = pathlib.Path(f"{self.path}.d")
        drop_ins.mkdir()
        (drop_ins / "10-more.conf").write_text("[Memory]\nSize=3G\n", encoding="utf-8")
        self.assertIn("size=3072M", self.show("[Memory]\nSize=4G\n").stdout)

    def test_a_mistake_is_told_as_by_validate(self):
        self.assert_run(self.show("[CPU]\nCoers=3\n"), FAILED, stdout="",
                        stderr=f"{self.path}:2: [CPU] Coers= is not known; did you mean Cores=?\n")

    def test_what_was_assumed_is_told_on_standard_error(self):
        result = self.show("[PCI gpu]\nAddress=0000:fe:1f.0\n")
        self.assert_run(result, OK)
        self.assertIn("[PCI gpu] 0000:fe:1f.0 is not on this host", result.stderr)

    def test_json_has_the_same(self):
        [shown] = json.loads(self.show(CARD, "--json=short").stdout)
        plain = self.show(CARD).stdout.splitlines()
        self.assertEqual(shown["guest"], "fresh")
        self.assertEqual(shown["arguments"], [line for line in plain if not line.startswith("#")])
        self.assertEqual(["# " + line for line in shown["files"]], [line for line in plain if line.startswith("# fd")])

    def test_no_program_is_started_for_it(self):
        self.path.write_text(CARD + "[Firmware]\nType=uefi\n[TPM]\nVersion=2.0\n", encoding="utf-8")
        best = 1.0
        for _ in range(20):
            start = time.monotonic()
            self.assert_run(self.usherctl("show", "--command", str(self.path)), OK)
            best = min(best, time.monotonic() - start)
        self.assertLess(best, 0.05)

    def test_it_goes_with_show_alone(self):
        self.assert_run(self.usherctl("list", "--command"), USAGE)
        self.assert_run(self.usherctl("show", "--command", "--fingerprint", "01:00.0"), USAGE)
        self.assert_run(self.usherctl("show", "--command", "/etc/passwd"), USAGE)
        self.assert_run(self.usherctl("show", "--command", "/nowhere/x.guest"), FAILED, stdout="",
                        stderr="Cannot read /nowhere/x.guest: No such file or directory\n")


class GuestTest(ClientTest):
    def test_usherd_is_asked_for_the_files_of_a_guest(self):
        result = self.usherctl("show", "--command", "win10")
        self.assert_run(result, OK)
        self.assertIn("guest=win10,debug-threads=on", result.stdout)
        self.assertEqual([call[0] for call in self.calls()], ["GetGuest", "GetFiles"])
        self.assert_run(self.usherctl("show", "--command", "nobody"), NO_SUCH, stdout="")


if __name__ == "__main__":
    unittest.main()
