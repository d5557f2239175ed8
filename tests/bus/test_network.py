# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests' links on the host: the real usherd, usher-bind and QEMU in a network namespace of the test's own, with real bridges, tap and macvtap devices of
the running kernel."""

import os
import signal
import subprocess
import unittest

import dbus

from bus import MockPolkit, PrivateBus
from usherd import Usherd, open_files

NONE = dbus.Dictionary({}, signature="sv")
GUEST = """[CPU]
Accelerator=tcg
Cores=1
[Memory]
Size=32M
[Stop]
PowerButtonSec=0
[Network lan]
MAC=52:54:00:12:34:56
"""


class Network:
    """A network namespace, and in it a sysfs that shows it."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "--net", "--mount", "sh", "-c",
                                        "mount -t sysfs sysfs /sys && ip link set lo up && echo && exec sleep infinity"],
                                       stdout=subprocess.PIPE)
        self.holder.stdout.readline()
        self.enter = ["nsenter", f"--target={self.holder.pid}", "--net", "--mount"]

    def run(self, *command):
        return subprocess.run([*self.enter, *command], capture_output=True, text=True, check=True).stdout

    def link(self, name):
        """What ip says of it in one line; "" if it is not there."""
        return "".join(line for line in self.run("ip", "-details", "-oneline", "link").splitlines() if f": {name}" in line)

    def close(self):
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()


class NetworkTest(unittest.TestCase):
    def setUp(self):
        self.network = Network()
        self.addCleanup(self.network.close)
        self.network.run("ip", "link", "add", "br0", "type", "bridge")
        self.network.run("ip", "link", "set", "br0", "up")
        self.bus = PrivateBus()
        self.addCleanup(self.bus.close)
        self.polkit = MockPolkit(self.bus)
        self.usherd = Usherd(self.bus, inside=self.network.enter)
        self.addCleanup(self.usherd.close)

    def start(self, text):
        self.usherd.define("demo", GUEST + text)
        self.assertEqual(self.usherd.run_job(lambda: self.usherd.manager.StartGuest("demo", NONE)), ("done", ""))

    def stop(self):
        self.assertEqual(self.usherd.run_job(lambda: self.usherd.manager.StopGuest("demo", NONE)), ("done", ""))

    def pid(self):
        return int(self.usherd.property("demo", "Pid"))

    def has_open(self, path):
        return path in open_files(self.pid())

    def taps(self):
        folder = f"/proc/{self.pid()}/fd"
        return sum(os.readlink(f"{folder}/{number}") == "/dev/net/tun" for number in os.listdir(folder))

    def assert_bridged(self):
        link = self.network.link("ush-demo_lan")
        self.assertRegex(link, r"[<,]UP[,>].* master br0 .*link/ether fe:54:00:12:34:56 .* tun type tap .*persist on")
        # The link has a carrier: somebody has the other end.
        self.assertIn("LOWER_UP", link)

    def refuse(self, pattern, text):
        self.usherd.define("demo", GUEST + text)
        for call in (lambda: self.usherd.manager.PlanStart("demo"), lambda: self.usherd.manager.StartGuest("demo", NONE)):
            with self.assertRaises(dbus.DBusException) as caught:
                call()
            self.assertRegex(caught.exception.get_dbus_message(), pattern)
        self.assertEqual(self.network.link("ush-demo_lan"), "")


class ABridge(NetworkTest):
    BRIDGE = "Mode=bridge\nBridge=br0\n"

    def test_the_guest_is_a_port_of_it_until_it_is_stopped(self):
        self.start(self.BRIDGE)
        self.assert_bridged()
        self.assertTrue(self.has_open("/dev/net/tun"))
        self.stop()
        self.assertEqual(self.network.link("ush-demo_lan"), "")

    def test_a_dry_run_tells_of_the_link_and_makes_none(self):
        self.usherd.define("demo", GUEST + self.BRIDGE)
        steps = [tuple(map(str, step)) for step in self.usherd.manager.PlanStart("demo")]
        self.assertEqual(steps, [("link", "ush-demo_lan", "", "tap on br0 as fe:54:00:12:34:56")])
        self.assertEqual(self.network.link("ush-demo_lan"), "")

    def test_the_link_goes_when_qemu_is_killed(self):
        self.start(self.BRIDGE)
        os.kill(self.pid(), signal.SIGKILL)
        self.usherd.wait_for_state("demo", "failed")
        self.assertEqual(self.network.link("ush-demo_lan"), "")

    def test_the_link_goes_when_usherd_was_killed_and_qemu_after_it(self):
        self.start(self.BRIDGE)
        pid = self.pid()
        self.usherd.kill()
        self.assert_bridged()
        os.kill(pid, signal.SIGKILL)
        self.usherd.start()
        self.usherd.wait_until_undone()
        self.assertEqual(self.network.link("ush-demo_lan"), "")

    def test_the_link_stays_when_usherd_is_killed_and_the_guest_goes_on(self):
        self.start(self.BRIDGE)
        self.usherd.kill()
        self.usherd.start()
        self.usherd.wait_for_state("demo", "running")
        self.assert_bridged()
        self.stop()
        self.assertEqual(self.network.link("ush-demo_lan"), "")

    def test_a_link_whose_bridge_went_meanwhile_goes_too(self):
        self.start(self.BRIDGE)
        self.network.run("ip", "link", "delete", "br0")
        self.stop()
        self.assertEqual(self.network.link("ush-demo_lan"), "")

    def test_a_link_that_somebody_took_away_is_no_trouble(self):
        self.start(self.BRIDGE)
        self.network.run("ip", "link", "delete", "ush-demo_lan")
        self.stop()

    def test_one_that_is_not_there_is_refused_with_those_that_are(self):
        self.refuse(r"^guest demo: \[Network lan\] Bridge=br7: this host has no such bridge; name one of those that exist: br0$",
                    "Mode=bridge\nBridge=br7\n")

    def test_a_card_with_queues_has_as_many_of_its_link(self):
        self.start(self.BRIDGE + "Queues=2\n")
        self.assert_bridged()
        self.assertRegex(self.network.link("ush-demo_lan"), "multi_queue numqueues 1 numdisabled 1 ")
        self.assertEqual(self.taps(), 2)
        self.stop()
        self.assertEqual(self.network.link("ush-demo_lan"), "")

    def test_a_card_that_needs_qemu_to_move_its_packets_gets_them_too(self):
        self.start(self.BRIDGE + "Model=e1000e\n")
        self.assert_bridged()
        self.stop()


class OtherLinks(NetworkTest):
    def test_a_network_of_ushers_own_is_refused_where_there_are_no_units(self):
        self.refuse(r"^guest demo: \[Network\] Mode=nat needs units of systemd, and usherd runs without systemd; write Mode=user$",
                    "Mode=nat\n")

    def test_a_macvtap_device_is_made_upon_its_parent_and_taken_away(self):
        self.start("Mode=macvtap\nParent=br0\n")
        self.assertRegex(self.network.link("ush-demo_lan@br0"), r"[<,]UP[,>].*link/ether 52:54:00:12:34:56 .* macvtap mode bridge")
        index = self.network.run("cat", "/sys/class/net/ush-demo_lan/ifindex").strip()
        self.assertTrue(self.has_open(f"/dev/tap{index}"))
        os.kill(self.pid(), signal.SIGKILL)
        self.usherd.wait_for_state("demo", "failed")
        self.assertEqual(self.network.link("ush-demo_lan"), "")

    def test_a_macvtap_device_has_as_many_queues_as_the_card(self):
        self.start("Mode=macvtap\nParent=br0\nQueues=2\n")
        self.stop()
        self.assertEqual(self.network.link("ush-demo_lan"), "")

    def test_a_tap_device_of_somebody_elses_needs_queues_of_its_own(self):
        self.network.run("ip", "tuntap", "add", "tap0", "mode", "tap")
        self.refuse("the tap device tap0 has one queue; make it anew with multi_queue", "Mode=tap\nDevice=tap0\nQueues=2\n")
        self.network.run("ip", "tuntap", "del", "tap0", "mode", "tap")
        self.network.run("ip", "tuntap", "add", "tap0", "mode", "tap", "multi_queue")
        self.start("Mode=tap\nDevice=tap0\nQueues=2\n")
        self.assertEqual(self.taps(), 2)
        self.stop()

    def test_a_tap_device_of_somebody_elses_is_taken_and_left(self):
        self.network.run("ip", "tuntap", "add", "tap0", "mode", "tap")
        self.network.run("ip", "link", "set", "tap0", "up")
        self.start("Mode=tap\nDevice=tap0\n")
        self.assertIn("LOWER_UP", self.network.link("tap0"))
        self.usherd.define("other", GUEST + "Mode=tap\nDevice=tap0\n")
        result, message = self.usherd.run_job(lambda: self.usherd.manager.StartGuest("other", NONE))
        self.assertEqual(result, "refused")
        self.assertRegex(message, "^guest other: network link tap0 is in use on the host")
        self.stop()
        # The kernel drops LOWER_UP before it notes that the carrier has gone (NO-CARRIER).
        self.assertNotIn("LOWER_UP", self.network.link("tap0"))

    def test_a_tap_device_that_is_not_there_is_refused(self):
        self.refuse("this host has no such tap device; make it: ip tuntap add tap0 mode tap$", "Mode=tap\nDevice=tap0\n")


if __name__ == "__main__":
    unittest.main()
