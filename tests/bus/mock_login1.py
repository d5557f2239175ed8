# SPDX-License-Identifier: LGPL-2.1-or-later
"""A mock of logind, as far as usherd asks it: locks, and the word that the host goes to sleep.

It is a mock because nobody wants the machine that runs the tests suspended. The signatures are those of org.freedesktop.login1(5); the real
one is asked in the lab.

    Mock.Locks()            "what|who|why|mode" of each lock that is held
    Mock.Prepare(asleep)    PrepareForSleep
"""

import os
import select
import sys

import dbus
import dbus.bus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

NAME = "org.freedesktop.login1"
PATH = "/org/freedesktop/login1"
MANAGER = "org.freedesktop.login1.Manager"
MOCK = "org.usher1.Mock"


class Login1(dbus.service.Object):
    def __init__(self, bus, delay_usec):
        super().__init__(dbus.service.BusName(NAME, bus, do_not_queue=True), PATH)
        self.delay_usec = delay_usec
        self.asleep = False
        self.locks = []

    @dbus.service.method(MANAGER, in_signature="ssss", out_signature="h")
    def Inhibit(self, what, who, why, mode):
        ours, theirs = os.pipe()
        self.locks.append((ours, f"{what}|{who}|{why}|{mode}"))
        # Takes a copy, as UnixFd does.
        answer = dbus.types.UnixFd(theirs)
        os.close(theirs)
        return answer

    @dbus.service.method("org.freedesktop.DBus.Properties", in_signature="s", out_signature="a{sv}")
    def GetAll(self, interface):
        return {"InhibitDelayMaxUSec": dbus.UInt64(self.delay_usec), "PreparingForSleep": dbus.Boolean(self.asleep), "IdleHint": False}

    @dbus.service.signal(MANAGER, signature="b")
    def PrepareForSleep(self, start):
        pass

    @dbus.service.method(MOCK, out_signature="as")
    def Locks(self):
        """A lock is held as long as the other end of its pipe is open somewhere."""
        poll = select.poll()
        for fd, _ in self.locks:
            poll.register(fd, 0)
        gone = {fd for fd, events in poll.poll(0) if events & select.POLLHUP}
        return dbus.Array([words for fd, words in self.locks if fd not in gone], signature="s")

    @dbus.service.method(MOCK, in_signature="b")
    def Prepare(self, asleep):
        self.asleep = bool(asleep)
        self.PrepareForSleep(asleep)


def main(delay_usec):
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    bus = dbus.bus.BusConnection(os.environ["DBUS_SYSTEM_BUS_ADDRESS"])
    login1 = Login1(bus, int(delay_usec))  # noqa: F841 (lives as long as the loop)
    GLib.MainLoop().run()


main(*sys.argv[1:])
