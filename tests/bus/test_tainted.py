# SPDX-License-Identifier: LGPL-2.1-or-later
"""[QEMU] of a definition: off until usherd.conf allows it, and seen by everybody where it is used. Real usherd, real QEMU under TCG."""

import pathlib
import subprocess
import unittest

import dbus

from bus import DEADLINE_SECONDS
from test_daemon import GUEST, NONE, DaemonTest
from usherd import BUILD

NOT_ALLOWED = r"guest demo: \[QEMU\] is not allowed on this host; remove it, or write AllowQemuArguments=yes into usherd.conf"
EXTRA = GUEST + "[QEMU]\nArguments=-device 'pvpanic'\nArguments=-boot menu=on\nSet=net-lan.ats=on\n[Network lan]\nMode=none\n"


class Tainted(DaemonTest):
    def allow(self):
        (self.usherd.folder / "etc" / "usherd.conf").write_text("[Usherd]\nAllowQemuArguments=yes\n")
        self.usherd.stop()
        self.usherd.start()
        self.manager = self.usherd.manager

    def status(self):
        return subprocess.run([BUILD / "client" / "usherctl", "status", "demo"], env=self.bus.environment(LC_ALL="C.UTF-8"), capture_output=True,
                              text=True, timeout=DEADLINE_SECONDS, check=False).stdout

    def test_a_guest_with_arguments_of_its_own_does_not_start_unless_that_is_allowed(self):
        self.usherd.define("demo", EXTRA)
        for call in (lambda: self.manager.StartGuest("demo", NONE), lambda: self.manager.PlanStart("demo")):
            self.assert_error("Refused", NOT_ALLOWED, call)
        self.assertEqual(self.usherd.property("demo", "Tainted"), True)

    def test_nor_can_it_be_defined(self):
        self.usherd.define("demo", GUEST)
        for options in ({}, {"drop_in": "50-more.conf"}):
            self.assert_error("Refused", NOT_ALLOWED, self.manager.DefineGuest, "demo", EXTRA, dbus.Dictionary(options, signature="sv"))
        self.assert_error("Refused", NOT_ALLOWED, self.manager.ValidateDefinition, "demo", [("/tmp/demo.guest", EXTRA)])
        self.assertEqual(self.usherd.property("demo", "Tainted"), False)
        self.allow()
        self.manager.DefineGuest("demo", EXTRA, NONE)
        self.assertEqual(self.usherd.property("demo", "Tainted"), True)

    def test_where_it_is_allowed_the_arguments_come_last_and_the_sandbox_stays(self):
        self.allow()
        self.start_guest(text=EXTRA)
        pid = int(self.usherd.property("demo", "Pid"))
        words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[:-1]
        self.assertEqual(words[-4:], ["-device", "pvpanic", "-boot", "menu=on"])
        self.assertIn("on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny", words)
        self.assertTrue(any(word.startswith("driver=virtio-net-pci,id=net-lan,") and word.endswith(",ats=on") for word in words), words)
        self.assertIn("\nSeccomp:\t2\n", pathlib.Path(f"/proc/{pid}/status").read_text())
        self.assertEqual(self.usherd.property("demo", "Tainted"), True)
        self.assertRegex(self.status(), r"Tainted: the definition's \[QEMU\] section changes how QEMU runs")

    def test_the_word_stays_for_the_run_whatever_the_definition_says_meanwhile(self):
        self.allow()
        self.start_guest(text=EXTRA)
        self.usherd.define("demo", GUEST)
        self.assertEqual(self.usherd.property("demo", "Tainted"), True)
        self.usherd.run_job(self.usherd.guest("demo").Kill)
        self.assertEqual(self.usherd.property("demo", "Tainted"), False)
        self.assertNotIn("ainted", self.status())

    def test_a_device_that_is_not_there_is_told_with_those_that_are(self):
        self.allow()
        self.manager.CheckHost()  # so that QEMU is known
        self.usherd.define("demo", GUEST + "[QEMU]\nSet=disk-system.queue-size=8\n[Network lan]\nMode=none\n")
        self.assert_error("Refused", r"\[QEMU\] Set=: this guest has no device disk-system; this guest's devices are port-net-lan net-lan", self.manager.StartGuest, "demo", NONE)

    def test_what_would_loosen_the_sandbox_is_no_argument(self):
        for option in ("-sandbox off", "--sandbox off", "-readconfig /x", "-daemonize", "-run-with chroot=/", "--run-with user=root", "-async-teardown"):
            self.usherd.define("demo", GUEST + f"[QEMU]\nArguments={option}\n")
            self.assert_error("BadDefinition", f"usher alone gives QEMU the option {option.split()[0]}", self.manager.StartGuest, "demo", NONE)


if __name__ == "__main__":
    unittest.main()
