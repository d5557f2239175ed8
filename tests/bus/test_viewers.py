# SPDX-License-Identifier: LGPL-2.1-or-later
"""usherctl view with the viewers that people have, on an X server without a screen (Xvfb)."""

import os
import shutil
import signal
import struct
import subprocess
import unittest

from bus import DEADLINE_SECONDS
from test_streams import ADisplay, StreamTest
from usherd import USHERCTL


def lit(pixels, width):
    """The rows of a screen (four bytes a pixel), with a byte for each pixel: whether it is bright."""
    bits = bytes(max(pixels[i:i + 3]) >= 0xa0 for i in range(0, len(pixels), 4))
    return [bits[i:i + width] for i in range(0, len(bits), width)]


class XServer:
    """A running Xvfb. Close it."""

    def __init__(self, folder):
        self.folder = folder
        reading, writing = os.pipe()
        self.process = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writing), "-nolisten", "tcp", "-fbdir", str(folder), "-screen", "0", "1024x768x24"],
            pass_fds=[writing], stderr=subprocess.DEVNULL)
        os.close(writing)
        with open(reading, encoding="ascii") as numbers:
            self.display = ":" + numbers.readline().strip()

    def rows(self):
        """What is on the screen (XWDFile.h: a header of big-endian words, the colours, the pixels)."""
        image = (self.folder / "Xvfb_screen0").read_bytes()
        header = struct.unpack(">25I", image[:100])
        size, width, height, bits, line, colours = header[0], header[4], header[5], header[11], header[12], header[19]
        assert bits == 32 and line == width * 4
        start = size + colours * 12
        return lit(image[start:start + line * height], width)

    def close(self):
        self.process.terminate()
        self.process.wait()


class AViewer(StreamTest):
    handshake = ADisplay.handshake
    frame = ADisplay.frame

    def firmware_words(self):
        """The rows of bits of the first line that SeaBIOS writes, without the dark at both ends."""
        stream = self.display()
        width, height = self.handshake(stream)
        rows = [row.strip(b"\0") for row in lit(self.frame(stream, width, height), width)[:16]]
        stream.close()
        return [row for row in rows if row.count(1) > 20]

    def shows(self, words, x):
        screen = x.rows()
        return all(any(row in line for line in screen) for row in words)

    def view(self, program, words):
        folder = self.usherd.folder / program
        folder.mkdir()
        x = XServer(folder)
        self.addCleanup(x.close)
        # GTK of today has its icons drawn by a program in a sandbox (libglycin), which bwrap makes.
        for name in filter(shutil.which, (program, "bwrap")):
            (folder / name).symlink_to(shutil.which(name))
        environment = self.bus.environment(PATH=str(folder), DISPLAY=x.display, XDG_RUNTIME_DIR=str(folder), HOME=str(folder),
                                           GDK_BACKEND="x11", LC_ALL="C.UTF-8")
        with open(folder / "words", "w", encoding="utf-8") as output:
            view = subprocess.Popen([USHERCTL, "view", "demo"], env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        self.addCleanup(view.wait)
        self.addCleanup(view.terminate)
        self.usherd.wait_for(lambda: self.shows(words, x), f"{program} does not show the guest's screen")
        self.assertIsNone(view.poll())
        view.send_signal(signal.SIGINT)
        view.wait(DEADLINE_SECONDS)
        self.assertEqual(list(folder.glob("usherctl-*")), [])

    def test_shows_the_screen_of_a_guest(self):
        self.start("[Display]\nType=vnc\n")
        # The same twice: the firmware is neither writing nor setting its mode.
        self.usherd.wait_for(lambda: len(self.firmware_words()) > 5 and self.firmware_words() == self.firmware_words(), "the firmware wrote nothing")
        words = self.firmware_words()
        for program in ("gvncviewer", "xtigervncviewer"):
            with self.subTest(program):
                self.view(program, words)
        self.usherd.run_job(self.guest.Kill)
        self.start("[Display]\nType=spice\n")
        self.view("remote-viewer", words)


del StreamTest, ADisplay

if __name__ == "__main__":
    unittest.main()
