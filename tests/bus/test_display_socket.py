# SPDX-License-Identifier: LGPL-2.1-or-later
"""The socket of a guest's display, which one user's viewers open: remote-viewer of that user on an X server without a screen."""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import unittest

from bus import DEADLINE_SECONDS
from test_daemon import GUEST
from test_streams import StreamTest
from test_viewers import XServer

OWNER, OTHER = "daemon", "nobody"
CONNECT = """
import socket, sys
stream = socket.socket(socket.AF_UNIX)
stream.settimeout(20)
try:
    stream.connect(sys.argv[1])
    print(stream.recv(12).decode())
except PermissionError:
    print("permission denied")
"""
SPICE = "[Display]\nType=spice\nCard=none\nUSBRedirect=2\n[Sound]\nType=spice\n"


class TheSocket(StreamTest):
    def setUp(self):
        super().setUp()
        # As /run/usher is.
        for folder in (self.usherd.folder, self.usherd.folder / "run"):
            folder.chmod(0o755)

    def start_for_owner(self, display, protocol):
        self.start(display.replace("[Display]\n", f"[Display]\nOwner={OWNER}\n"))
        self.socket = self.usherd.folder / "run" / "display" / f"demo.{protocol}"

    def connect_as(self, user):
        return subprocess.run([sys.executable, "-c", CONNECT, str(self.socket)], user=user, check=True, capture_output=True,
                              text=True).stdout.strip()

    def assert_for_its_owner_alone(self):
        self.assertEqual(self.connect_as(OWNER), "RFB 003.008")
        self.assertEqual(self.connect_as(OTHER), "permission denied")
        facts = self.socket.lstat()
        self.assertEqual((facts.st_mode & 0o7777, facts.st_uid), (0o600, pwd.getpwnam(OWNER).pw_uid))

    def test_is_for_its_owner_alone_as_long_as_the_guest_runs(self):
        self.start_for_owner("[Display]\nType=vnc\n", "vnc")
        self.assert_for_its_owner_alone()
        self.assertEqual(self.listening(), [])
        self.usherd.run_job(self.guest.Kill)
        self.assertEqual(list(self.socket.parent.iterdir()), [])

    def test_is_there_again_when_usherd_was_away(self):
        self.start_for_owner("[Display]\nType=vnc\n", "vnc")
        before = self.socket.lstat().st_ino
        self.usherd.kill()
        # What the definition says by then is of the guest's next start.
        text = self.usherd.guests / "demo.guest"
        text.write_text(text.read_text().replace(f"Owner={OWNER}", f"Owner={OTHER}"))
        self.usherd.start()
        self.usherd.wait_for(lambda: self.socket.lstat().st_ino != before, "the socket was not made again")
        self.assert_for_its_owner_alone()
        self.usherd.run_job(self.usherd.guest("demo").Kill)
        self.assertEqual(list(self.socket.parent.iterdir()), [])

    def test_is_gone_when_the_guest_ended_while_usherd_was_away(self):
        self.start_for_owner("[Display]\nType=vnc\n", "vnc")
        pid = int(self.usherd.property("demo", "Pid"))
        self.usherd.kill()
        os.kill(pid, signal.SIGKILL)
        self.usherd.start()
        self.usherd.wait_until_undone()
        self.assertEqual(list(self.socket.parent.iterdir()), [])

    def test_is_refused_for_a_user_that_does_not_exist(self):
        self.usherd.define("demo", GUEST + "[Display]\nType=vnc\nOwner=no-such-user\n")
        self.assert_error("Refused", r"guest demo: there is no user no-such-user on this host; correct Owner= in \[Display\]",
                          self.manager.PlanStart, "demo")

    def test_takes_many_viewers_at_once(self):
        self.start_for_owner("[Display]\nType=vnc\n", "vnc")
        streams = []
        for _ in range(20):
            streams.append(socket.socket(socket.AF_UNIX))
            streams[-1].settimeout(DEADLINE_SECONDS)
            self.addCleanup(streams[-1].close)
            streams[-1].connect(str(self.socket))
        for stream in streams:
            self.assertEqual(self.read(stream, 12), b"RFB 003.008\n")

    def test_carries_input_sound_and_usb_to_remote_viewer_without_a_card(self):
        self.start_for_owner(SPICE, "spice")
        x = XServer(self.usherd.folder)
        self.addCleanup(x.close)
        home = self.usherd.folder / "home"
        home.mkdir()
        shutil.chown(home, OWNER)
        seen = self.usherd.folder / "seen"
        with open(seen, "wb") as output:
            viewer = subprocess.Popen(
                [shutil.which("remote-viewer"), "--spice-debug", f"spice+unix://{self.socket}"], user=OWNER, stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, cwd=home,
                env={"PATH": os.environ["PATH"], "HOME": str(home), "XDG_RUNTIME_DIR": str(home), "DISPLAY": x.display, "GDK_BACKEND": "x11",
                     # No bus of a session, nor a program that would stay on one.
                     "LC_ALL": "C.UTF-8", "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent", "NO_AT_BRIDGE": "1"})
        self.addCleanup(viewer.wait)
        self.addCleanup(viewer.terminate)

        def channels(state):
            return set(re.findall(rf"\b([a-z]+)-\d+:\d+: {state}", seen.read_text(errors="replace")))

        # It opens the inputs' channel when the server offers one, and uses it once there is a screen.
        carried = {"main", "playback", "record", "usbredir"}
        self.usherd.wait_for(lambda: channels("channel up") >= carried, "remote-viewer did not open all channels")
        self.assertEqual(channels("spice_channel_constructed"), carried | {"inputs"})


del StreamTest

if __name__ == "__main__":
    unittest.main()
