# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who holds a device, and devices for a guest that runs."""

import unittest

import dbus

from test_daemon import GUEST, NONE, DaemonTest


class Holders(DaemonTest):
    def a_device(self):
        devices = [str(properties["Address"]) for _, properties in self.manager.ListDevices() if not properties["State"] == "bridge"]
        if not devices:
            self.skipTest("this machine has no PCI device")
        return devices[0]

    def test_are_found_by_the_bind_helper(self):
        address = self.a_device()
        found = self.manager.ListHolders(address)
        self.assertEqual(found.signature, "(sssusssb)")
        path = self.manager.GetDevice(address)
        self.assertEqual(self.usherd.interface(path, "org.usher1.Device").ListHolders(), found)

    def test_are_told_or_put_off_however_many_ask_at_once(self):
        address, answers = self.a_device(), []
        for _ in range(100):
            self.manager.ListHolders(address, reply_handler=lambda holders: answers.append("told"),
                                     error_handler=lambda error: answers.append(error.get_dbus_name()))
        self.usherd.wait_for(lambda: len(answers) == 100, "not all were answered")
        self.assertGreaterEqual(answers.count("told"), 64)
        self.assertEqual(set(answers) - {"told", "org.freedesktop.DBus.Error.LimitsExceeded"}, set())

    def test_may_be_named_to_be_stopped_by_service_alone(self):
        for value, pattern in ((dbus.Array(["session-2.scope"]), '"session-2.scope" is not a service; name services'),
                               (dbus.Array(["a b.service"]), '"a b.service" is not a service'),
                               ("sunshine.service", "option stop_holders is of the wrong type")):
            with self.subTest(value=value):
                options = dbus.Dictionary({"stop_holders": value}, signature="sv")
                self.usherd.define("demo", GUEST)
                self.assert_error("BadOption", pattern, self.manager.StartGuest, "demo", options)
                self.assert_error("BadOption", pattern, self.manager.BindDevice, self.a_device(), options)

    def test_that_do_not_exist_are_not_stopped(self):
        self.usherd.define("demo", GUEST)
        options = dbus.Dictionary({"stop_holders": dbus.Array(["sunshine.service"])}, signature="sv")
        self.assertEqual(self.usherd.run_job(lambda: self.manager.StartGuest("demo", options)), ("done", ""))

    def test_of_what_is_not_there_are_not_looked_for(self):
        self.assert_error("NoSuchDevice", "ffff:ff:1f.7", self.manager.ListHolders, "ffff:ff:1f.7")


class ADeviceForAGuestThatRuns(DaemonTest):
    """As far as possible without an IOMMU: QEMU is asked what it has, and nothing is touched."""

    def guest(self):
        return self.usherd.guest("demo")

    def test_is_refused_with_the_reason(self):
        devices = [str(properties["Address"]) for _, properties in self.manager.ListDevices() if not properties["State"] == "bridge"]
        self.usherd.define("demo", GUEST)
        self.assert_error("NotRunning", "guest demo is stopped; start it: usherctl start demo", self.guest().Attach, "0000:00:1f.7", NONE)
        self.start_guest()
        self.assert_error("NoSuchDevice", '"gpu" is not a PCI address', self.guest().Attach, "gpu", NONE)
        self.assert_error("NoSuchDevice", "there is no device ffff:ff:1f.7", self.guest().Attach, "ffff:ff:1f.7", NONE)
        self.assert_error("BadOption", "option force is not known", self.guest().Attach, "0000:00:1f.7",
                          dbus.Dictionary({"force": "yes"}, signature="sv"))
        for address in devices[:1]:
            for call in (self.guest().Attach, self.guest().PlanAttach):
                self.assert_error("NoIommu", f"{address} cannot be lent", call, address, NONE)
        self.assertEqual(self.usherd.property("demo", "Devices"), [])

    def test_cannot_leave_one_that_does_not_have_it(self):
        self.start_guest()
        for _ in range(2):
            self.assert_error("NoSuchDevice", "guest demo does not have 0000:00:1f.7; it has no device of the host",
                              self.guest().Detach, "0000:00:1f.7", NONE)
            self.assert_error("NoSuchDevice", "guest demo does not have", self.guest().PlanDetach, "0000:00:1f.7")
            self.usherd.stop()
            self.usherd.start()
            self.manager = self.usherd.manager
            self.usherd.wait_for_state("demo", "running")
            self.usherd.wait_for(self.is_known, "QEMU did not say what it has")

    def is_known(self):
        try:
            self.guest().Detach("0000:00:1f.7", NONE)
        except dbus.DBusException as error:
            return not error.get_dbus_name().endswith(("Busy", "NotRunning"))


if __name__ == "__main__":
    unittest.main()
