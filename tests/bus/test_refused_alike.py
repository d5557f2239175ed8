# SPDX-License-Identifier: LGPL-2.1-or-later
"""What this QEMU cannot do is refused alike by validation, dry run, definition and start, also by a daemon that has never asked it before.
Real usherd, real QEMU under TCG."""

import subprocess
import unittest

from test_daemon import GUEST, NONE, DaemonTest
from usherd import USHERCTL

NIC = "[Network lan]\nMode=none\n"
WRONG = {
    "a feature that no CPU has": ("[CPU]\nFeatures=+fnord\n", r"\[CPU\] Features=: .* has no CPU property fnord; see which there are"),
    "a feature that is misspelt": ("[CPU]\nFeatures=phys-bit=39\n", r"\[CPU\] Features=: .* has no CPU property phys-bit; did you mean phys-bits\?"),
    "a model that is misspelt": ("[CPU]\nModel=EPCY\n", r"has no CPU model EPCY; did you mean Model=EPYC\?"),
    "a machine that is too new": ("[Guest]\nMachine=pc-q35-99.0\n", r"has no machine pc-q35-99.0; write Machine=pc-q35-"),
    "a property of a device": (NIC + "[QEMU]\nSet=net-lan.host_mt=1500\n", r"has no virtio-net-pci property host_mt, which net-lan needs; did you mean host_mtu\?"),
    "a device that there is not": (NIC + "[QEMU]\nSet=disk-a.serial=1\n", r"\[QEMU\] Set=: this guest has no device disk-a; this guest's devices are port-net-lan net-lan"),
    "a type of device": ("[QEMU]\nArguments=-device pvpanicc\n", r"has no device type pvpanicc, which \[QEMU\] Arguments= needs; did you mean pvpanic\?"),
}


class RefusedAlike(DaemonTest):
    def setUp(self):
        super().setUp()
        (self.usherd.folder / "etc" / "usherd.conf").write_text("[Usherd]\nAllowQemuArguments=yes\n")
        self.forget()

    def forget(self):
        """A daemon that knows nothing of QEMU."""
        self.usherd.stop()
        for cache in (self.usherd.folder / "state").glob("*.facts"):
            cache.unlink()
        self.usherd.start()
        self.manager = self.usherd.manager

    def test_validation_refuses_what_qemu_cannot_do(self):
        for what, (text, words) in WRONG.items():
            with self.subTest(what):
                self.forget()
                self.assert_error("Refused", words, self.manager.ValidateDefinition, "demo", [("/x/demo.guest", GUEST + text)])

    def test_so_does_what_defines_a_guest(self):
        text, words = WRONG["a feature that is misspelt"]
        self.assert_error("Refused", words, self.manager.DefineGuest, "demo", GUEST + text, NONE)
        self.assertFalse((self.usherd.guests / "demo.guest").exists())

    def test_so_does_a_dry_run_and_nothing_is_left_of_it(self):
        for what, (text, words) in WRONG.items():
            with self.subTest(what):
                self.forget()
                self.usherd.define("demo", GUEST + text)
                self.assert_error("Refused", words, self.manager.PlanStart, "demo")

    def test_so_does_a_start_before_the_guests_process_is_there(self):
        for what, (text, words) in WRONG.items():
            with self.subTest(what):
                self.forget()
                self.usherd.define("demo", GUEST + text)
                result, message = self.usherd.run_job(lambda: self.manager.StartGuest("demo", NONE))
                self.assertEqual(result, "refused")
                self.assertRegex(message, words)
                self.assertNotIn("usher-launch", self.usherd.log.read_text().split("preparing")[-1])
                # Now that it is known, at once.
                self.assert_error("Refused", words, self.manager.StartGuest, "demo", NONE)

    def test_validate_names_a_guest_or_a_file(self):
        text, words = WRONG["a property of a device"]
        self.usherd.define("demo", GUEST + text)
        for argument in ("demo", str(self.usherd.guests / "demo.guest")):
            with self.subTest(argument):
                self.forget()
                result = subprocess.run([USHERCTL, "validate", argument], env=self.bus.environment(LC_ALL="C.UTF-8"), capture_output=True, text=True, check=False)
                self.assertEqual(result.returncode, 1, result.stdout)
                self.assertRegex(result.stderr, words)

    def test_many_who_ask_at_once_are_answered_by_one_question(self):
        self.usherd.define("demo", GUEST)
        answers = []
        for _ in range(5):
            self.manager.ValidateDefinition("demo", [("/x/demo.guest", GUEST)], reply_handler=lambda: answers.append(True), error_handler=answers.append)
        self.usherd.wait_for(lambda: len(answers) == 5, "not all are answered")
        self.assertEqual(answers, [True] * 5)

    def test_who_asks_and_goes_leaves_the_daemon_well(self):
        other = self.bus.connect()
        asking = other.get_object("org.usher1", "/org/usher1", introspect=False)
        for _ in range(3):
            asking.ValidateDefinition("demo", [("/x/demo.guest", GUEST)], dbus_interface="org.usher1.Manager", reply_handler=lambda: None, error_handler=lambda error: None)
        other.flush()
        other.close()
        self.manager.ValidateDefinition("demo", [("/x/demo.guest", GUEST)])


if __name__ == "__main__":
    unittest.main()
