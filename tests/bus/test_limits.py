# SPDX-License-Identifier: LGPL-2.1-or-later
"""What one caller may cost the others: the words, calls and connections of somebody who means harm. usherd is the same process afterwards, answers
everybody else, and has not grown."""

import pathlib
import unittest

import dbus

from bus import MockPolkit, PrivateBus
from usherd import NAME, ROOT, Usherd

NONE = dbus.Dictionary({}, signature="sv")
LIMITS = "org.freedesktop.DBus.Error.LimitsExceeded"
GUEST = "[Guest]\nDescription=A guest for tests\n[CPU]\nAccelerator=tcg\nCores=1\n[Memory]\nSize=32M\n[Stop]\nPowerButtonSec=1\n"
# Four times as many bytes once they are escaped as in C.
MANY = "é" * (4608 * 1024)


class LimitsTest(unittest.TestCase):
    def setUp(self):
        self.bus = PrivateBus()
        self.addCleanup(self.bus.close)
        self.polkit = MockPolkit(self.bus)
        self.usherd = Usherd(self.bus)
        self.addCleanup(self.usherd.close)
        self.manager = self.usherd.manager
        self.usherd.define("demo", GUEST)
        self.pid = self.usherd.process.pid

    def memory(self):
        """Of its own, in KiB."""
        lines = pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Clean", "Private_Dirty")))

    def refusal(self, call, *arguments):
        with self.assertRaises(dbus.DBusException) as caught:
            call(*arguments, timeout=60)
        return caught.exception

    def assert_alive(self):
        self.assertIsNone(self.usherd.process.poll(), self.usherd.log.read_text()[-4000:])
        self.assertEqual(len(self.manager.ListGuests()), 1)


class Words(LimitsTest):
    def assert_short(self, error):
        self.assertLess(len(error.get_dbus_message().encode()), 1024)

    def test_no_call_with_megabytes_of_words_ends_usherd(self):
        devices = self.usherd.interface("/org/usher1/guest/demo", "org.usher1.Guest")
        properties = self.usherd.interface(ROOT, "org.freedesktop.DBus.Properties")
        for call, arguments in (
                (self.manager.GetGuest, (MANY,)), (self.manager.GetDevice, (MANY,)), (self.manager.ListHolders, (MANY,)),
                (self.manager.PlanStart, (MANY,)), (self.manager.PlanStop, (MANY,)), (self.manager.PlanBind, (MANY, NONE)),
                (self.manager.PlanBind, ("0000:00:00.0", dbus.Dictionary({MANY: "x"}, signature="sv"))),
                (self.manager.StartGuest, (MANY, NONE)), (self.manager.StartGuest, ("demo", dbus.Dictionary({MANY: True}, signature="sv"))),
                (self.manager.BindDevice, (MANY, NONE)), (self.manager.ClearQuarantine, (MANY,)),
                (self.manager.ValidateDefinition, ("demo", [(MANY, GUEST)])), (self.manager.ValidateDefinition, (MANY, [("a", GUEST)])),
                (self.manager.ValidateDefinition, ("demo", [("a", MANY)])), (self.manager.DefineGuest, (MANY, GUEST, NONE)),
                (self.manager.DefineGuest, ("demo", GUEST, dbus.Dictionary({"drop_in": MANY}, signature="sv"))),
                (devices.PlanAttach, (MANY, NONE)), (devices.EjectMedium, (MANY, NONE)),
                (properties.Get, (MANY, "Version")), (properties.Get, ("org.usher1.Manager", MANY))):
            error = self.refusal(call, *arguments)
            self.assert_short(error)
            self.assertEqual(error.get_dbus_name(), LIMITS)
        self.assert_alive()

    def test_a_path_of_tens_of_kilobytes_is_no_object(self):
        path = "/org/usher1/guest/" + "x" * 60000
        error = self.refusal(self.usherd.interface(path, "org.usher1.Guest").Kill)
        self.assertEqual(error.get_dbus_name(), "org.freedesktop.DBus.Error.UnknownObject")
        self.assert_short(error)
        self.assert_alive()

    def test_a_call_of_many_small_things_is_too_long_as_well(self):
        many = dbus.Array([""] * 1000000, signature="s")
        error = self.refusal(self.manager.StartGuest, "demo", dbus.Dictionary({"stop_holders": many}, signature="sv"))
        self.assertEqual(error.get_dbus_name(), LIMITS)
        self.assert_alive()

    def test_a_name_that_is_within_the_limit_is_quoted_in_part(self):
        long_name = "é" * 4000
        for call in (lambda name, **more: self.manager.GetGuest(name, **more), lambda name, **more: self.manager.GetDevice(name, **more),
                     lambda name, **more: self.manager.PlanStart(name, **more), lambda name, **more: self.manager.StartGuest(name, NONE, **more),
                     lambda name, **more: self.manager.StartGuest("demo", dbus.Dictionary({name: True}, signature="sv"), **more),
                     lambda name, **more: self.manager.DefineGuest("demo", GUEST, dbus.Dictionary({"drop_in": name}, signature="sv"), **more),
                     lambda name, **more: self.manager.ValidateDefinition(name, [("a", GUEST)], **more)):
            error = self.refusal(call, long_name)
            self.assert_short(error)
            self.assertIn("…", error.get_dbus_message())
            self.assertNotIn("é" * 65, error.get_dbus_message())
        error = self.refusal(self.manager.ValidateDefinition, "demo", [("é" * 4000, GUEST)])
        self.assertRegex(error.get_dbus_message(), "path is longer than")

    def test_the_memory_of_long_words_is_given_back(self):
        self.refusal(self.manager.GetGuest, MANY)
        before = self.memory()
        for _ in range(40):
            self.refusal(self.manager.GetGuest, MANY)
            self.refusal(self.manager.PlanStart, "é" * 4000)
        self.assertLess(self.memory() - before, 2048)


if __name__ == "__main__":
    unittest.main()
