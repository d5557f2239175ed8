# SPDX-License-Identifier: LGPL-2.1-or-later
"""A system bus of one's own: tests start a dbus-daemon on a socket in a temporary folder, and point
DBUS_SYSTEM_BUS_ADDRESS at it. Nothing of the machine's own bus is used or touched."""

import os
import shutil
import subprocess
import sys
import tempfile

import dbus
import dbus.bus
import dbus.mainloop.glib
from gi.repository import GLib

DEADLINE_SECONDS = 30

CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{services}</servicedir>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_type="method_call"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow receive_sender="*" eavesdrop="true"/>
  </policy>
</busconfig>
"""


class PrivateBus:
    """A running dbus-daemon that allows everything. Close it, or use it with `with`."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="usher-bus-")
        self._processes = []
        # Other users must be able to connect: tests of authorisation run clients under another uid.
        os.chmod(self.folder, 0o755)
        self.services = os.path.join(self.folder, "services")
        os.mkdir(self.services)
        config = os.path.join(self.folder, "bus.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(socket=os.path.join(self.folder, "socket"), services=self.services))
        with open(os.path.join(self.folder, "log"), "wb") as log:
            self._daemon = subprocess.Popen(
                ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile", "--print-address"],
                stdout=subprocess.PIPE, stderr=log, text=True)
        # The address is printed once the socket listens.
        self.address = self._daemon.stdout.readline().strip()
        if not self.address:
            raise RuntimeError("dbus-daemon did not start")
        self.connection = self.connect()

    def connect(self):
        """A further connection, dispatched by GLib's default main context."""
        loop = dbus.mainloop.glib.DBusGMainLoop()
        connection = dbus.bus.BusConnection(self.address, mainloop=loop)
        connection.set_exit_on_disconnect(False)
        return connection

    def environment(self, **extra):
        """What a process needs to take this bus for the system bus."""
        return {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": self.address, **extra}

    def start(self, argv, name, env=None, **popen):
        """Starts a service and returns its process once it owns the bus name."""
        process = subprocess.Popen(argv, env=env or self.environment(), **popen)
        self._processes.append(process)
        self.wait_for_owner(name)
        return process

    def stop(self, process):
        """Ends a process that start() returned."""
        self._processes.remove(process)
        _end(process)

    def held_of(self, name):
        """How many bytes of what the owner of that name has sent nobody has read yet."""
        bus = self.connection.get_object("org.freedesktop.DBus", "/org/freedesktop/DBus", introspect=False)
        return int(bus.GetConnectionStats(name, dbus_interface="org.freedesktop.DBus.Debug.Stats")["IncomingBytes"])

    def wait_for_owner(self, name, present=True):
        """Returns once somebody (or, with present=False, nobody) owns the name."""
        loop = GLib.MainLoop()
        seen = []

        def on_owner(owner):
            if bool(owner) == present:
                seen.append(owner)
                loop.quit()

        watch = self.connection.watch_name_owner(name, on_owner)
        timer = GLib.timeout_add_seconds(DEADLINE_SECONDS, loop.quit)
        if not seen:
            loop.run()
        watch.cancel()
        if not seen:
            raise TimeoutError(f"{name} did not {'come to' if present else 'leave'} the bus")
        GLib.source_remove(timer)

    def close(self):
        while self._processes:
            _end(self._processes.pop())
        self.connection.close()
        _end(self._daemon)
        self._daemon.stdout.close()
        shutil.rmtree(self.folder)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


class MockPolkit:
    """polkit's authority, as dbusmock plays it: denies everything until it is told otherwise."""

    NAME = "org.freedesktop.PolicyKit1"
    PATH = "/org/freedesktop/PolicyKit1/Authority"

    def __init__(self, bus):
        self.bus = bus
        self._process = bus.start([sys.executable, "-m", "dbusmock", "--system", "--template", "polkitd"], self.NAME,
                                  stdout=subprocess.DEVNULL)
        authority = bus.connection.get_object(self.NAME, self.PATH)
        self._mock = dbus.Interface(authority, "org.freedesktop.DBus.Mock")

    def allow_all(self, allowed=True):
        self._mock.AllowUnknown(allowed)

    def allow(self, *actions):
        """Only these actions."""
        self._mock.AllowUnknown(False)
        self._mock.SetAllowed(dbus.Array(actions, signature="s"))

    def hang(self, hanging=True):
        """Answers come only with release(), as if a person were typing a password."""
        self._mock.SimulateHang(hanging)

    def hangs(self):
        """Whether somebody waits for an answer."""
        return bool(self._mock.HaveHangingCalls())

    def release(self):
        self._mock.ReleaseHangingCalls()

    def close(self):
        self.bus.stop(self._process)


def _end(process):
    process.terminate()
    try:
        process.wait(DEADLINE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
