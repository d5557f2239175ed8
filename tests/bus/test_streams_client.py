# SPDX-License-Identifier: LGPL-2.1-or-later
"""usherctl console and usherctl view, of real guests."""

import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import termios
import time
import unittest

from bus import DEADLINE_SECONDS
from test_streams import StreamTest
from usherd import USHERCTL


class TheConsoleVerb(StreamTest):
    """usherctl console on a pseudo-terminal."""

    def setUp(self):
        super().setUp()
        self.start()
        self.ours, self.theirs = pty.openpty()
        self.before = termios.tcgetattr(self.theirs)
        self.seen = b""
        self.process = None

    def tearDown(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        os.close(self.ours)
        os.close(self.theirs)

    def run_on_terminal(self, *args):
        self.process = subprocess.Popen([USHERCTL, "console", *args, "demo"], env=self.bus.environment(LC_ALL="C.UTF-8"), stdin=self.theirs,
                                        stdout=self.theirs, stderr=self.theirs)
        self.see(rb"On the console of demo. To leave it: \^\] \^\]\r\n")
        self.wait_until(lambda: not termios.tcgetattr(self.theirs)[3] & termios.ICANON)

    def wait_until(self, predicate):
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not predicate():
            self.assertLess(time.monotonic(), deadline)
            select.select([], [], [], 0.01)

    def see(self, pattern):
        while not re.search(pattern, self.seen):
            self.assertTrue(select.select([self.ours], [], [], DEADLINE_SECONDS)[0], f"no {pattern} in {self.seen}")
            self.seen += os.read(self.ours, 4096)

    def type(self, text):
        os.write(self.ours, text)

    def assert_left(self):
        self.see(rb"Left the console of demo.\r\n")
        self.assertEqual(self.process.wait(DEADLINE_SECONDS), 0)
        self.assertEqual(termios.tcgetattr(self.theirs), self.before)

    def test_types_and_reads_and_is_left_by_two_escapes(self):
        self.run_on_terminal()
        self.type(b"hello\x03")  # Ctrl-C is the guest's
        self.see(rb"HELLO#")
        self.type(b"\x1d\x1d")
        self.assert_left()
        self.assertEqual(self.usherd.property("demo", "State"), "running")

    def test_a_single_escape_is_the_guests(self):
        self.run_on_terminal()
        self.type(b"\x1dz")
        self.see(rb"=Z")
        self.type(b"\x1d")
        self.see(rb"=Z=")
        self.type(b"\x1d\x1d")
        self.assert_left()

    def test_gives_the_terminal_back_when_it_is_ended(self):
        self.run_on_terminal()
        self.process.send_signal(signal.SIGTERM)
        self.assert_left()

    def test_says_that_the_guest_is_gone(self):
        self.run_on_terminal()
        self.usherd.run_job(self.guest.Kill)
        self.assert_left()
        self.see(rb"The console was closed: the guest is gone, or somebody else took the console.\r\n")

    def test_takes_it_over_when_it_shall(self):
        first = self.console()
        refused = subprocess.run([USHERCTL, "console", "demo"], env=self.bus.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("somebody has the console of guest demo open", refused.stderr)
        self.run_on_terminal("--force")
        while first.recv(100):
            pass
        self.type(b"mine")
        self.see(rb"MINE")

    def test_sends_what_is_no_terminal_as_it_is(self):
        process = subprocess.Popen([USHERCTL, "console", "demo"], env=self.bus.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        process.stdin.write(b"\x1d\x1dabc")
        process.stdin.close()
        seen = b""
        while b"==ABC" not in seen:
            seen += os.read(process.stdout.fileno(), 100)
        process.terminate()
        self.assertEqual(process.wait(DEADLINE_SECONDS), 0)
        process.stdout.close()

    def test_is_refused_for_another_host_with_a_way_that_works(self):
        result = subprocess.run([USHERCTL, "-H", "there", "console", "demo"], env=self.bus.environment(), capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 2)
        self.assertIn("ssh -t there usherctl console demo", result.stderr)


class TheViewVerb(StreamTest):
    """usherctl view with a viewer that notes what it sees."""

    VIEWER = """#!/usr/bin/python3
import os, socket, sys
mode = oct(os.stat(os.path.dirname(sys.argv[1])).st_mode)[-3:]
for number in range(2):
    viewer = socket.socket(socket.AF_UNIX)
    viewer.connect(sys.argv[1])
    print(mode, viewer.recv(12, socket.MSG_WAITALL), flush=True)
"""

    def view(self, viewer, display="vnc", name="gvncviewer"):
        self.start(f"[Display]\nType={display}\n" if display else "")
        (self.usherd.folder / "bin").mkdir()
        if viewer:
            self.install(viewer, name)
        return self.view_again()

    def install(self, viewer, name):
        program = self.usherd.folder / "bin" / name
        program.write_text(viewer)
        program.chmod(0o755)
        return program

    def view_again(self, *options):
        environment = self.bus.environment(PATH=str(self.usherd.folder / "bin"), XDG_RUNTIME_DIR=str(self.usherd.folder), LC_ALL="C.UTF-8")
        result = subprocess.run([USHERCTL, "view", *options, "demo"], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                timeout=DEADLINE_SECONDS, check=False)
        self.assertEqual(list(self.usherd.folder.glob("usherctl-*")), [])
        return result

    def test_gives_the_viewer_a_private_socket_and_ends_with_it(self):
        result = self.view(self.VIEWER)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(result.stdout, "700 b'RFB 003.008\\n'\n" * 2)

    def test_says_what_to_install_where_there_is_no_viewer(self):
        result = self.view(None)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr, "There is no viewer for vnc that connects to a socket; "
                         "install it: apt install gvncviewer\n")

    def test_passes_on_that_the_viewer_failed(self):
        self.assertEqual(self.view("#!/bin/sh\nexit 1\n").returncode, 1)

    def arguments(self, *options):
        result = self.view_again(*options)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return re.sub(rf"{self.usherd.folder}/usherctl-\w+/display", "SOCKET", result.stdout.strip())

    def test_starts_the_viewer_of_ones_choice_as_that_wants_it(self):
        note = "#!/bin/sh\necho \"$*\"\n"
        self.view(note, "spice", "remote-viewer")
        memory = pathlib.Path("/dev/shm/usher/looking-glass-demo")
        for name in ("spicy", "looking-glass-client", "other"):
            program = self.install(note, name)
        self.assertEqual(self.arguments(), "spice+unix://SOCKET")
        self.assertEqual(self.arguments("--with=spicy"), "--uri=spice+unix://SOCKET")
        self.assertEqual(self.arguments("--with=looking-glass-client"), "-p 0 -c SOCKET")
        self.assertEqual(self.arguments(f"--with={program}"), "spice+unix://SOCKET")
        memory.parent.mkdir(exist_ok=True)
        self.addCleanup(memory.unlink)
        memory.touch()
        self.assertEqual(self.arguments("--with=looking-glass-client"), f"-p 0 -c SOCKET -f {memory}")

    def test_says_which_viewer_does_not_do(self):
        self.view("#!/bin/sh\nexit 0\n")
        for program, words in (("looking-glass-client", "looking-glass-client needs [Display] Type=spice, and this guest has vnc\n"),
                               ("/opt/remote-viewer", "remote-viewer needs [Display] Type=spice, and this guest has vnc\n"),
                               ("no-such-viewer", "There is no program no-such-viewer; install it, or give its path: --with=/PATH/PROGRAM\n")):
            result = self.view_again(f"--with={program}")
            self.assertEqual((result.returncode, result.stderr), (1, words))

    def test_says_that_the_guest_has_no_display(self):
        result = self.view(self.VIEWER, None)
        self.assertEqual(result.returncode, 1)
        self.assertIn("guest demo has no display", result.stderr)


if __name__ == "__main__":
    unittest.main()
