# SPDX-License-Identifier: LGPL-2.1-or-later
"""Consoles and displays of real guests (QEMU under TCG), through the descriptors that usherd hands out; polkit is dbusmock's."""

import contextlib
import os
import pathlib
import select
import signal
import socket
import struct
import threading
import time
import unittest

import dbus

import test_daemon
from bus import DEADLINE_SECONDS
from test_daemon import GUEST, NONE, DaemonTest
from usherd import open_files

# A boot sector: writes the words at 0x4c to the first serial port, then echoes each byte with its case turned.
CODE = bytes.fromhex("31c08ed8be4c7c" "ac84c07412" "88c4bafd03eca82074fb" "88e0baf803eeebe9"
                     "bafd03eca80174fb" "baf803ec3420" "88c4bafd03eca82074fb" "88e0baf803ee" "ebe0")
WORDS = b"Hello, reader!\r\n"


def boot_sector():
    assert len(CODE) <= 0x4c
    return (CODE.ljust(0x4c, b"\x90") + WORDS + b"\0").ljust(510, b"\0") + b"\x55\xaa"


def force(value=True):
    return dbus.Dictionary({"force": value}, signature="sv")


class StreamTest(DaemonTest):
    def start(self, more=""):
        image = self.usherd.folder / "disk.img"
        image.write_bytes(boot_sector().ljust(1 << 20, b"\0"))
        self.start_guest(text=f"{GUEST}[Disk system]\nPath={image}\nFormat=raw\n{more}")
        self.guest = self.usherd.guest("demo")

    def adopt(self, descriptor):
        """Makes a socket of a descriptor that came over the bus."""
        stream = socket.socket(fileno=descriptor.take())
        stream.settimeout(DEADLINE_SECONDS)
        self.addCleanup(stream.close)
        return stream

    def console(self, options=NONE):
        return self.adopt(self.guest.OpenConsole(options))

    def display(self):
        return self.adopt(self.guest.OpenDisplay())

    def read(self, stream, size):
        data = b""
        while len(data) < size:
            part = stream.recv(size - len(data))
            self.assertTrue(part, f"the stream ended after {data!r}")
            data += part
        return data

    def read_until(self, stream, words):
        data = b""
        while words not in data:
            data += self.read(stream, 1)
        return data

    def listening(self):
        """TCP sockets that QEMU listens on."""
        pid = int(self.usherd.property("demo", "Pid"))
        inodes = open_files(pid)
        lines = [line.split() for name in ("tcp", "tcp6") for line in pathlib.Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]]
        return [line[1] for line in lines if f"socket:[{line[9]}]" in inodes and line[3] == "0A"]


class AConsole(StreamTest):
    def echo(self, stream, text):
        stream.sendall(text)
        self.read_until(stream, text.swapcase())

    def test_carries_what_is_typed_and_what_the_guest_writes(self):
        self.start()
        stream = self.console()
        self.echo(stream, b"hellousher")
        self.echo(stream, b"AGAIN")

    def test_is_for_one_reader_until_he_leaves(self):
        self.start()
        first = self.console()
        self.echo(first, b"x")
        self.assert_error("Busy", "somebody has the console of guest demo open; to take the console over: usherctl console --force demo", self.guest.OpenConsole, NONE)
        first.close()
        self.usherd.wait_for(self.opens, "the console stayed taken")

    def opens(self):
        try:
            stream = self.console()
            self.echo(stream, b"y")
            stream.close()
        except dbus.DBusException as error:
            self.assertEqual(error.get_dbus_name(), "org.usher1.Error.Busy")
            return False
        return True

    def test_can_be_taken_from_its_reader_who_hears_of_it(self):
        self.start()
        first = self.console()
        self.echo(first, b"x")
        second = self.console(force())
        self.echo(second, b"mine")
        self.assertEqual(first.recv(100), b"")
        third = self.console(force())
        self.echo(third, b"no")
        self.assertEqual(second.recv(100), b"")

    def test_ends_with_the_guest(self):
        self.start()
        stream = self.console()
        self.usherd.run_job(self.guest.Kill)
        while stream.recv(100):
            pass
        self.assert_error("NotRunning", "guest demo is stopped; start it: usherctl start demo", self.guest.OpenConsole, NONE)

    def test_outlives_a_restart_of_the_daemon(self):
        self.start()
        stream = self.console()
        self.usherd.kill()
        self.usherd.start()
        self.manager = self.usherd.manager
        self.usherd.wait_for_state("demo", "running")
        self.echo(stream, b"still")
        self.guest = self.usherd.guest("demo")
        taken = self.console(force())
        self.assertEqual(stream.recv(100), b"")
        self.echo(taken, b"mine")
        log = self.usherd.folder / "log" / "demo.console.log"
        self.usherd.wait_for(lambda: b"MINE" in log.read_bytes(), "the console's log going on")
        self.echo(self.console(force()), b"again")
        self.assertEqual(taken.recv(100), b"")

    def test_of_a_qemu_that_does_not_answer_is_not_waited_for(self):
        self.start()
        pid = int(self.usherd.property("demo", "Pid"))
        os.kill(pid, signal.SIGSTOP)
        self.addCleanup(os.kill, pid, signal.SIGCONT)
        self.assert_error("Unresponsive", "does not answer", self.guest.OpenConsole, NONE)
        self.assert_error("Unresponsive", "does not answer", self.guest.OpenConsole, NONE)

    def test_knows_one_option(self):
        self.start()
        self.assert_error("BadOption", "option gently is not known; known is force", self.guest.OpenConsole,
                          dbus.Dictionary({"gently": True}, signature="sv"))
        self.assert_error("BadOption", "option force is of the wrong type", self.guest.OpenConsole, force("yes"))


class Flood:
    """Writes blocks into what QEMU has as its standard error, and into its console's log, as fast as they are taken, until it is left."""

    def __init__(self, pid, folder):
        self.folder = folder
        self.paths = [f"/proc/{pid}/fd/2", str(folder / "run" / "guests" / "demo" / "console.pipe")]
        self.over = threading.Event()
        self.most = self.taken = 0

    def size(self):
        """Of all logs; one that is put away just then counts the next time."""
        size = 0
        for file in [*(self.folder / "run" / "guests" / "demo").iterdir(), *(self.folder / "log").iterdir()]:
            with contextlib.suppress(FileNotFoundError):
                size += file.stat().st_size if file.is_file() else 0
        return size

    def write(self):
        block = b"vfio: the card does not answer\n" * 2048
        pipes = [os.open(path, os.O_WRONLY | os.O_NONBLOCK) for path in self.paths]
        while not self.over.is_set():
            for pipe in select.select([], pipes, [], 0.1)[1]:
                try:
                    self.taken += os.write(pipe, block)
                except (BlockingIOError, BrokenPipeError):
                    pass
            self.most = max(self.most, self.size())
        for pipe in pipes:
            os.close(pipe)

    def __enter__(self):
        self.thread = threading.Thread(target=self.write)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


class AQemuThatWritesWithoutEnd(StreamTest):
    """QEMU complains at each access to a card that fell off the bus; a guest prints what it likes."""

    # Two files of each log at their largest, and the small ones beside them.
    MOST = 2 * (128 << 10) + 2 * (1 << 20) + (64 << 10)

    def answer_others(self, seconds):
        end, slowest = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            begin = time.monotonic()
            self.manager.ListGuests()
            slowest = max(slowest, time.monotonic() - begin)
        return slowest

    def test_neither_fills_the_host_nor_keeps_others_waiting(self):
        self.start("[Console]\nLog=yes\n")
        with Flood(int(self.usherd.property("demo", "Pid")), self.usherd.folder) as flood:
            self.assertLess(self.answer_others(3), 1)
            self.assertGreater(flood.taken, 4 << 20)
            self.usherd.kill()
            self.usherd.start()
            self.manager = self.usherd.manager
            self.usherd.wait_for_state("demo", "running")
            before = flood.taken
            self.assertLess(self.answer_others(3), 1)
            self.assertGreater(flood.taken, before)
            self.assertIn("the card does not answer", self.usherd.details("demo")["LastWords"])
            begin = time.monotonic()
            self.assertEqual(self.usherd.run_job(self.usherd.guest("demo").Kill)[0], "done")
            self.assertLess(time.monotonic() - begin, 5)
        self.assertLessEqual(flood.most, self.MOST)
        # The test's daemon logs to a file: a journal would get as many of QEMU's lines.
        self.assertLess(self.usherd.log.read_text().count("QEMU: vfio"), 2 * 200)


class ADisplay(StreamTest):
    def handshake(self, stream):
        """Speaks RFB 3.8 (RFC 6143) up to the screen's size, and returns that."""
        self.assertEqual(self.read(stream, 12), b"RFB 003.008\n")
        stream.sendall(b"RFB 003.008\n")
        self.assertEqual(self.read(stream, 2), b"\x01\x01")  # one kind of security: none
        stream.sendall(b"\x01")
        self.assertEqual(self.read(stream, 4), b"\0\0\0\0")
        stream.sendall(b"\x01")
        width, height = struct.unpack(">HH", self.read(stream, 4))
        self.read(stream, 16)
        self.assertTrue(self.read(stream, struct.unpack(">I", self.read(stream, 4))[0]).startswith(b"QEMU"))
        return width, height

    def frame(self, stream, width, height):
        """The whole screen as it is now, four bytes a pixel."""
        stream.sendall(struct.pack(">BBHHHH", 3, 0, 0, 0, width, height))
        kind, _, count = struct.unpack(">BBH", self.read(stream, 4))
        self.assertEqual(kind, 0)
        pixels = b""
        for _ in range(count):
            _, _, w, h, encoding = struct.unpack(">HHHHi", self.read(stream, 12))
            self.assertEqual(encoding, 0)  # raw
            pixels += self.read(stream, w * h * 4)
        return pixels

    def test_shows_the_guests_screen_over_vnc(self):
        self.start("[Display]\nType=vnc\n")
        self.assertEqual(self.usherd.property("demo", "Display"), "vnc")
        stream = self.display()
        width, height = self.handshake(stream)
        # Firmware needs a moment to write its first words. It sets another mode meanwhile: who has not said that he follows it gets
        # what fits of the new screen (RFC 6143, 7.8.2), and asks for the size once more.
        deadline, colours = time.monotonic() + DEADLINE_SECONDS, set()
        while len(colours) < 2 and time.monotonic() < deadline:
            pixels = self.frame(stream, width, height)
            if len(pixels) == width * height * 4:
                colours = {pixels[i:i + 3] for i in range(0, len(pixels), 4)}
            else:
                stream = self.display()
                width, height = self.handshake(stream)
        self.assertGreater(len(colours), 1, "the screen stayed of one colour")

    def test_is_for_several_viewers_and_opens_no_port(self):
        self.start("[Display]\nType=vnc\n")
        one, two = self.display(), self.display()
        # The sizes may differ, as the firmware sets its mode meanwhile.
        for viewer in (one, two):
            self.assertGreater(min(self.handshake(viewer)), 0)
        self.assertEqual(self.listening(), [])

    def test_speaks_spice(self):
        self.start("[Display]\nType=spice\n")
        stream = self.display()
        # A link message of the main channel, without capabilities (spice-protocol, protocol.h).
        stream.sendall(b"REDQ" + struct.pack("<IIIIBBIII", 2, 2, 18, 0, 1, 0, 0, 0, 18))
        self.assertEqual(self.read(stream, 4), b"REDQ")
        self.assertEqual(self.listening(), [])

    def test_that_there_is_none_is_said(self):
        self.start()
        self.assertEqual(self.usherd.property("demo", "Display"), "none")
        self.assert_error("Refused", r"guest demo has no display; give the guest one for its next start: usherctl edit demo, \[Display\] Type=vnc",
                          self.guest.OpenDisplay)


class TheRightTo(StreamTest):
    SCRIPT = test_daemon.AnotherUser.SCRIPT
    call_as_nobody = test_daemon.AnotherUser.call_as_nobody
    ask_guest = test_daemon.AnotherUser.ask_guest

    def test_open_a_console_or_a_display_is_polkits_to_give_one_by_one(self):
        self.start("[Display]\nType=vnc\n")
        self.assertIn("NotAuthorized", self.ask_guest("OpenConsole", NONE))
        self.assertIn("NotAuthorized", self.ask_guest("OpenDisplay"))
        self.polkit.allow("org.usher1.open-console")
        self.assertIn("UnixFd", self.ask_guest("OpenConsole", NONE))
        self.assertIn("NotAuthorized", self.ask_guest("OpenDisplay"))
        self.polkit.allow("org.usher1.open-display")
        self.assertIn("UnixFd", self.ask_guest("OpenDisplay"))
        self.assertIn("NotAuthorized", self.ask_guest("OpenConsole", NONE))


if __name__ == "__main__":
    unittest.main()
