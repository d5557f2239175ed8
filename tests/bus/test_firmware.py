# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests that boot with UEFI: OVMF under TCG up to its shell, spoken to over the serial console."""

import pathlib
import socket
import time
import unittest

import dbus

from test_daemon import GUEST, NONE, DaemonTest

UEFI = GUEST.replace("32M", "128M") + "[Firmware]\nType=uefi\n"
# Not EFI's own GUID, whose names are taken.
VARIABLE = "usher -guid 5d1c8a5e-1f6b-4f0e-9a35-757368657200"
BOOT_SECONDS = 120


class Console:
    """What a guest says on its serial console, and what it is told."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.socket.settimeout(1)
        self.seen = b""

    def wait_for(self, words, seconds=BOOT_SECONDS):
        end = time.monotonic() + seconds
        while words not in self.seen:
            try:
                self.seen += self.socket.recv(4096)
            except TimeoutError:
                pass
            if time.monotonic() > end:
                raise TimeoutError(f"the guest did not say {words}, but {self.seen[-2000:]}")
        before, self.seen = self.seen.split(words, 1)
        return before

    def type(self, text):
        # The shell loses what comes faster than it reads.
        for byte in text.encode() + b"\r":
            self.socket.send(bytes([byte]))
            self.wait_for(bytes([byte]) if byte != 13 else b"\n", 20)


class Uefi(DaemonTest):
    def nvram(self, name="nvram.fd"):
        return self.usherd.folder / "state" / "guests" / "demo" / name

    def shell(self):
        console = Console(self.usherd.folder / "run" / "guests" / "demo" / "console.sock")
        self.addCleanup(console.socket.close)
        console.wait_for(b"in 5 seconds to skip")
        console.socket.send(b"\x1b")
        console.wait_for(b"Shell> ")
        return console

    def stop(self):
        self.assertEqual(self.usherd.run_job(lambda: self.usherd.guest("demo").Stop(NONE)), ("done", ""))

    def test_a_variable_is_kept_over_a_restart_of_the_guest(self):
        self.start_guest(text=UEFI)
        made = self.nvram().stat()
        console = self.shell()
        console.type(f"setvar {VARIABLE} -bs -nv =0x4b455054")
        self.assertNotIn(b"Unable", console.wait_for(b"Shell> ", 20))
        self.stop()

        self.start_guest(text=UEFI)
        console = self.shell()
        console.type(f"setvar {VARIABLE}")
        self.assertIn(b"54 50 45 4B", console.wait_for(b"Shell> ", 20))
        self.assertEqual(self.nvram().stat().st_ino, made.st_ino)
        self.assertEqual(made.st_mode & 0o777, 0o600)

    def test_secure_boot_has_variables_of_its_own(self):
        self.start_guest(text=UEFI + "SecureBoot=yes\n")
        self.assertTrue(self.nvram("nvram-secure.fd").exists())
        self.assertFalse(self.nvram().exists())

    def test_variables_of_another_size_are_refused_and_left_alone(self):
        self.nvram().parent.mkdir(parents=True)
        self.nvram().write_bytes(b"another's")
        self.usherd.define("demo", UEFI)
        self.assert_error("Refused", r"guest demo: .*/nvram.fd was made for other firmware: it has 9 bytes, .* has \d+; move the file away",
                          self.manager.StartGuest, "demo", NONE)
        self.assertEqual(self.nvram().read_bytes(), b"another's")


if __name__ == "__main__":
    unittest.main()
