# SPDX-License-Identifier: LGPL-2.1-or-later
"""usherctl create, on a mock of usherd: what it takes of the host, offers, refuses and sends."""

import os
import subprocess
import unittest

from bus import DEADLINE_SECONDS
from client import FAILED, NO_SUCH, OK, USAGE, USHERCTL, ClientTest, Terminal


class CreateTest(ClientTest):
    def test_create_sends_a_text_for_a_new_guest(self):
        self.assert_run(self.usherctl("create", "fresh", "--memory=8G"), OK, stdout="fresh is defined; see it: usherctl cat fresh\n", stderr="")
        member, (name, text, options) = self.calls()[0]
        self.assertEqual((member, name, options), ("DefineGuest", "fresh", {"new": 1}))
        self.assertIn("\n[Memory]\nSize=8G\n", text)
        self.assert_run(self.usherctl("create", "linux"), FAILED, stdout="", stderr="there is a guest linux already; choose another name\n")

    def test_create_takes_what_belongs_to_a_card(self):
        self.assert_run(self.usherctl("create", "fresh", "--preset=linux", "--gpu=01:00.0"), OK, stderr="")
        text = next(arguments[1] for member, arguments in self.calls() if member == "DefineGuest")
        self.assertIn("\n[PCI gpu]\n# VGA compatible controller: AMD Radeon RX 6800. Its driver loses", text)
        self.assertIn("\nAddress=0000:01:00.0\n", text)
        self.assertIn("\nFingerprint=1002:73bf 1da2:e437 030000 0000:00:01.0/00.0/00.0/00.0\n", text)
        self.assertNotIn("[PCI gpu-sound]", text)

    def create_at_a_terminal(self, answers):
        """What it shows, and the text that it sends."""
        terminal = Terminal(columns=200)
        process = subprocess.Popen([USHERCTL, "create", "fresh", "--preset=linux", "--no-ask-password"], env=self.environment(),
                                   stdin=terminal.slave, stdout=terminal.slave, stderr=terminal.slave)
        terminal.close_slave()
        for answer in answers:
            terminal.read_until(r"none\)\? $")
            os.write(terminal.master, answer.encode())
        terminal.read_until(None)
        terminal.close()
        self.assertEqual(process.wait(DEADLINE_SECONDS), OK, terminal.text)
        return terminal.text, next(arguments[1] for member, arguments in self.calls() if member == "DefineGuest")

    def test_create_offers_the_cards_at_a_terminal(self):
        shown, text = self.create_at_a_terminal(["7\n", "1\n"])
        self.assertIn("1  0000:01:00.0  VGA compatible controller: AMD Radeon RX 6800 (guest win10 has it now)", shown)
        self.assertEqual(shown.count("Which card shall the guest get (1-1, Enter: none)?"), 2)
        self.assertIn("\nAddress=0000:01:00.0\n", text)

    def test_create_takes_none_if_none_is_chosen(self):
        self.assertNotIn("[PCI", self.create_at_a_terminal(["\n"])[1])

    def test_create_refuses_a_card_and_a_preset_that_are_not_there(self):
        self.assert_run(self.usherctl("create", "fresh", "--gpu=01:00.3"), NO_SUCH, stdout="",
                        stderr="There is no device at 01:00.3; did you mean 0000:01:00.0, VGA compatible controller: AMD Radeon RX 6800? See all: usherctl devices\n")
        self.assert_run(self.usherctl("create", "fresh", "--preset=window11"), USAGE, stdout="",
                        stderr="There is no preset window11; did you mean windows11?\n")
        self.assert_run(self.usherctl("create", "fresh", "--preset=macos"), USAGE, stdout="",
                        stderr="There is no preset macos; there are windows11, windows10 and linux\n")
        self.assertNotIn("DefineGuest", [call[0] for call in self.calls()])


if __name__ == "__main__":
    unittest.main()
