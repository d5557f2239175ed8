# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is plugged in, or is not: [USB] and [Sound]. Real usherd, real QEMU under TCG; there is no USB device here."""

import pathlib
import socket
import subprocess
import tempfile
import unittest

from bus import DEADLINE_SECONDS
from test_daemon import GUEST, NONE, DaemonTest
from usherd import BUILD

ABSENT = "headset: fffe:fffe is not plugged in; the guest gets it when it is plugged in"


class Plugs(DaemonTest):
    def test_a_guest_starts_without_the_usb_device_that_is_absent_and_says_so(self):
        self.start_guest(text=GUEST + "[USB headset]\nID=fffe:fffe\n")
        self.usherd.wait_for(lambda: self.usherd.property("demo", "Usb") == [ABSENT], "the word of the absent device")
        status = subprocess.run([BUILD / "client" / "usherctl", "status", "demo"], env=self.bus.environment(LC_ALL="C.UTF-8"), capture_output=True,
                                text=True, timeout=DEADLINE_SECONDS, check=False).stdout
        self.assertIn("USB: " + ABSENT, status)

    def test_a_sound_server_that_is_not_there_is_refused_with_what_to_look_at(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "native"
            self.usherd.define("demo", GUEST + f"[Sound]\nType=pipewire\nSocket={path}\nOptional=no\n")
            missing = r"\[Sound\] Socket=.*: No such file or directory; is its user logged in"
            self.assert_error("MissingFile", missing, self.manager.PlanStart, "demo")
            result, message = self.usherd.run_job(lambda: self.manager.StartGuest("demo", NONE))
            self.assertEqual(result, "refused")
            self.assertRegex(message, missing)
            path.touch()
            self.assert_error("MissingFile", r"\[Sound\] Socket=.*: it is not a socket", self.manager.PlanStart, "demo")
            path.unlink()
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(str(path))
                path.chmod(0o777)
                self.manager.PlanStart("demo")


if __name__ == "__main__":
    unittest.main()
