# SPDX-License-Identifier: LGPL-2.1-or-later
"""usherctl as built in $USHER_BUILD, against a private bus with a mock of the daemon upon it."""

import fcntl
import json
import os
import pathlib
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import unittest

from bus import DEADLINE_SECONDS, PrivateBus

HERE = pathlib.Path(__file__).parent
USHERCTL = pathlib.Path(os.environ["USHER_BUILD"]) / "client" / "usherctl"
MANUAL = HERE.parent.parent / "man" / "usherctl.1.scd"
CONTRACT = HERE.parent.parent / "dbus" / "org.usher1.xml"

# What usherctl ends with.
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
