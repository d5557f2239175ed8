# SPDX-License-Identifier: LGPL-2.1-or-later
"""The real usherd on a private bus, with folders of its own and the forking launcher: PID 1 is not asked for anything."""

import contextlib
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

import dbus
from gi.repository import GLib

from bus import DEADLINE_SECONDS, MockPolkit, PrivateBus

BUILD = pathlib.Path(os.environ["USHER_BUILD"])
USHERCTL = BUILD / "client" / "usherctl"
NAME = "org.usher1"
ROOT = "/org/usher1"


def open_files(pid):
    """What the descriptors of a process lead to, with their flags (open(2)); one that is closed meanwhile is left out."""
    flags = {}
    for number in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            path = os.readlink(f"/proc/{pid}/fd/{number}")
            flags[path] = int(pathlib.Path(f"/proc/{pid}/fdinfo/{number}").read_text().split("flags:")[1].split()[0], 8)
    return flags


class Usherd:
    """Starts it at once; close() ends it and every guest it left."""

    def __init__(self, bus, launcher="fork", inside=()):
        """inside: a command to start it with, such as nsenter."""
        self.bus = bus
        self.inside = list(inside)
        self.launcher = launcher
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="usherd-"))
        self.guests = self.folder / "etc" / "guests"
        for name in ("etc/guests", "run", "state", "log"):
            (self.folder / name).mkdir(parents=True)
        self.log = self.folder / "usherd.log"
        self.start()

    def environment(self):
        return self.bus.environment(
            RUNTIME_DIRECTORY=str(self.folder / "run"), STATE_DIRECTORY=str(self.folder / "state"),
            LOGS_DIRECTORY=str(self.folder / "log"), CONFIGURATION_DIRECTORY=str(self.folder / "etc"),
            USHER_LIBEXECDIR=str(BUILD / "daemon"),
            # As systemd has it (systemd.exec(5)): programs are sought there.
            PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")

    def start(self):
        with open(self.log, "ab") as log:
            self.process = self.bus.start([*self.inside, str(BUILD / "daemon" / "usherd"), f"--launcher={self.launcher}",
                                           "--log-level=debug"], NAME, env=self.environment(), stderr=log)
        # Each start needs a new connection, as the name has another owner.
        self.connection = self.bus.connect()
        self.manager = self.interface(ROOT, "org.usher1.Manager")

    def stop(self):
        self.bus.stop(self.process)
        if self.process.returncode != 0:
            raise AssertionError(f"usherd ended with {self.process.returncode}\n{self.log.read_text()}")

    def kill(self):
        """SIGKILL: the daemon has no chance to say anything."""
        self.bus._processes.remove(self.process)
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def interface(self, path, name):
        return dbus.Interface(self.connection.get_object(NAME, path, introspect=False), name)

    def define(self, name, text):
        (self.guests / f"{name}.guest").write_text(text)
        self.manager.Reload()

    def guest(self, name):
        return self.interface(self.manager.GetGuest(name), "org.usher1.Guest")

    def property(self, name, key):
        path = self.manager.GetGuest(name)
        return self.interface(path, "org.freedesktop.DBus.Properties").Get("org.usher1.Guest", key)

    def details(self, name):
        return self.guest(name).GetDetails()

    def wait_for(self, predicate, what, seconds=DEADLINE_SECONDS):
        """Runs the loop until predicate() holds; it is looked at after every signal."""
        loop = GLib.MainLoop()
        timer = GLib.timeout_add_seconds(seconds, loop.quit)

        def look(*_):
            if predicate():
                loop.quit()
            return True

        match = self.connection.add_signal_receiver(look, bus_name=NAME)
        idle = GLib.timeout_add(20, look)
        if not predicate():
            loop.run()
        match.remove()
        GLib.source_remove(idle)
        GLib.source_remove(timer)
        if not predicate():
            raise TimeoutError(f"{what}\n{self.log.read_text()}")

    def wait_for_state(self, name, *states):
        self.wait_for(lambda: self.property(name, "State") in states, f"guest {name} did not become {' or '.join(states)}")

    def wait_until_undone(self):
        """Waits until no journal is left. After a restart a guest is "stopped" at once, while usherd still looks for what ran."""
        self.wait_for(lambda: not any((self.folder / "run" / "journal").iterdir()), "a journal is still there")

    def run_job(self, call):
        """Makes a call that returns a job; returns how it ended: result, message."""
        ended, messages = {}, {}

        def on_removed(number, path, subject, result):
            ended[path] = str(result)

        def on_properties(interface, changed, _, path=None):
            if "Message" in changed:
                messages[path] = str(changed["Message"])

        matches = [
            self.connection.add_signal_receiver(on_removed, "JobRemoved", "org.usher1.Manager", NAME),
            self.connection.add_signal_receiver(on_properties, "PropertiesChanged", "org.freedesktop.DBus.Properties", NAME,
                                                path_keyword="path"),
        ]
        job = call()
        self.wait_for(lambda: job in ended, f"job {job} did not end")
        for match in matches:
            match.remove()
        return ended[job], messages.get(job, "")

    def close(self):
        for name in list(self.manager.ListGuests()):
            pid = int(name[1]["Pid"])
            if pid:
                os.kill(pid, signal.SIGKILL)
        self.stop()
        subprocess.run(["rm", "-rf", str(self.folder)], check=True)


class UsherdTest(unittest.TestCase):
    """Each test has a usherd of its own, on a bus of its own."""

    def setUp(self):
        self.bus = PrivateBus()
        self.addCleanup(self.bus.close)
        self.polkit = MockPolkit(self.bus)
        self.usherd = Usherd(self.bus)
        self.addCleanup(self.usherd.close)
        self.manager = self.usherd.manager
