# SPDX-License-Identifier: LGPL-2.1-or-later
"""usherd as a whole on a private bus: the forking launcher, real QEMU under TCG, polkit as dbusmock plays it (the real one needs a system; it is asked in
the lab). Devices are not passed here, as this needs an IOMMU: the lab does that."""

import os
import pathlib
import pwd
import re
import signal
import socket
import subprocess
import sys
import unittest
import xml.etree.ElementTree as xml

import dbus

from bus import PrivateBus
from usherd import NAME, ROOT, Usherd, UsherdTest

CONTRACT = pathlib.Path(__file__).parent.parent.parent / "dbus" / "org.usher1.xml"
POLICY = CONTRACT.parent / "org.usher1.policy"
MANUAL = CONTRACT.parent.parent / "man" / "usherd.8.scd"
NONE = dbus.Dictionary({}, signature="sv")
GUEST = """[Guest]
Description=A guest for tests
[CPU]
Accelerator=tcg
Cores=1
[Memory]
Size=32M
[Stop]
PowerButtonSec=1
"""


def is_gone(pid):
    """Whether it is gone, or dead and not yet reaped by PID 1."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


class DaemonTest(UsherdTest):
    def assert_error(self, name, pattern, call, *arguments):
        with self.assertRaises(dbus.DBusException) as caught:
            call(*arguments)
        self.assertEqual(caught.exception.get_dbus_name(), "org.usher1.Error." + name, caught.exception.get_dbus_message())
        self.assertRegex(caught.exception.get_dbus_message(), pattern)

    def assert_gone(self, pid):
        self.assertTrue(is_gone(pid), f"process {pid} goes on")

    def start_guest(self, name="demo", text=GUEST):
        self.usherd.define(name, text)
        result, message = self.usherd.run_job(lambda: self.manager.StartGuest(name, NONE))
        self.assertEqual(result, "done", message)


class TheContract(DaemonTest):
    @staticmethod
    def members(interface):
        found = set()
        for member in interface:
            if member.tag == "property":
                found.add((member.tag, member.get("name"), member.get("type"), member.get("access")))
            elif member.tag in ("method", "signal"):
                arguments = tuple((a.get("name"), a.get("type"), a.get("direction", "out")) for a in member.iter("arg"))
                found.add((member.tag, member.get("name"), arguments))
        return found

    def introspect(self, path):
        text = self.usherd.interface(path, "org.freedesktop.DBus.Introspectable").Introspect()
        return {i.get("name"): self.members(i) for i in xml.fromstring(text).iter("interface")}

    def test_what_the_daemon_introspects_is_what_the_contract_says(self):
        contract = {i.get("name"): self.members(i) for i in xml.parse(CONTRACT).getroot().iter("interface")}
        self.usherd.define("demo", GUEST)
        result = self.introspect(ROOT)
        result.update(self.introspect(self.manager.GetGuest("demo")))
        device = self.manager.ListDevices()[0][0] if self.manager.ListDevices() else None
        if device:
            result.update(self.introspect(device))
        jobs = []
        match = self.usherd.connection.add_signal_receiver(
            lambda number, path, subject: jobs.append(self.introspect(path)), "JobNew", "org.usher1.Manager", NAME)
        self.assertEqual(self.usherd.run_job(lambda: self.manager.StartGuest("demo", NONE))[0], "done")
        match.remove()
        result.update(jobs[0])
        for name, members in contract.items():
            if name == "org.usher1.Device" and not device:
                continue
            self.assertEqual(result[name], members, name)

    def test_the_manual_names_every_action(self):
        manual = MANUAL.read_text(encoding="utf-8").split("# AUTHORISATION")[1]
        actions = [action.get("id") for action in xml.parse(POLICY).getroot().iter("action")]
        self.assertEqual([action for action in actions if f"_{action}_" not in manual], [])

    def test_object_manager_lists_each_guest_with_its_properties(self):
        self.usherd.define("demo", GUEST)
        managed = self.usherd.interface(ROOT, "org.freedesktop.DBus.ObjectManager").GetManagedObjects()
        guest = managed[self.manager.GetGuest("demo")]["org.usher1.Guest"]
        self.assertEqual(guest["Description"], "A guest for tests")
        self.assertEqual(guest["State"], "stopped")

    def test_busctl_is_a_client_of_equal_rank(self):
        self.usherd.define("demo", GUEST)
        done = subprocess.run(["busctl", f"--address={self.bus.address}", "call", NAME, ROOT, "org.usher1.Manager", "StartGuest",
                               "sa{sv}", "demo", "0"], capture_output=True, text=True, check=True)
        self.assertRegex(done.stdout, r'^o "/org/usher1/job/1"')
        self.usherd.wait_for_state("demo", "running")


class ANetwork(DaemonTest):
    def a_port(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            return taken.getsockname()[1]

    def test_a_forward_takes_connections_while_the_guest_runs_and_no_longer(self):
        port = self.a_port()
        self.start_guest(text=GUEST + f"[Network nat]\nForward=tcp:{port}:7\nRestrict=yes\n")
        socket.create_connection(("127.0.0.1", port), 5).close()
        self.assertEqual(self.usherd.run_job(self.usherd.guest("demo").Kill), ("done", ""))
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 5)

    def test_a_port_that_is_taken_is_told_before_anything_is_done(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.usherd.define("demo", GUEST + f"[Network nat]\nForward=tcp:{port}:7\n")
            self.assert_error("InUse", rf"^guest demo: \[Network nat\] Forward=: TCP port {port} of 127.0.0.1 is in use; .*ss -lnpt",
                              self.manager.StartGuest, "demo", NONE)
            self.assert_error("InUse", "is in use", self.manager.PlanStart, "demo")


class ALife(DaemonTest):
    def test_a_guest_starts_and_runs_as_a_process_of_its_own(self):
        self.start_guest()
        self.assertEqual(self.usherd.property("demo", "State"), "running")
        command = pathlib.Path(f"/proc/{int(self.usherd.property('demo', 'Pid'))}/cmdline").read_bytes().split(b"\0")
        self.assertIn(b"qemu-system-x86_64", command[0])
        self.assertIn(b"guest=demo,debug-threads=on", command)

    def test_a_guest_that_ignores_its_power_button_is_told_to_quit_on_the_next_rung(self):
        self.start_guest()
        rungs = []
        match = self.usherd.connection.add_signal_receiver(
            lambda interface, changed, _: rungs.append(str(changed.get("SubState", ""))), "PropertiesChanged",
            "org.freedesktop.DBus.Properties", NAME)
        result, message = self.usherd.run_job(lambda: self.manager.StopGuest("demo", NONE))
        match.remove()
        self.assertEqual((result, message), ("done", ""))
        self.assertEqual([r for i, r in enumerate(rungs) if r and r not in rungs[:i]], ["power-button", "quit"])
        self.assertEqual(self.usherd.property("demo", "State"), "stopped")
        self.assertEqual(self.usherd.property("demo", "Pid"), 0)

    def test_kill_ends_a_guest_at_once_and_leaves_it_stopped(self):
        self.start_guest()
        pid = int(self.usherd.property("demo", "Pid"))
        self.assertEqual(self.usherd.run_job(self.usherd.guest("demo").Kill), ("done", ""))
        self.assertEqual(self.usherd.property("demo", "State"), "stopped")
        self.assert_gone(pid)

    def test_a_stopped_process_is_killed_all_the_same(self):
        self.start_guest()
        os.kill(int(self.usherd.property("demo", "Pid")), signal.SIGSTOP)
        self.assertEqual(self.usherd.run_job(self.usherd.guest("demo").Kill), ("done", ""))

    def test_pause_and_resume_are_seen_as_states(self):
        self.start_guest()
        self.usherd.guest("demo").Pause()
        self.usherd.wait_for_state("demo", "paused")
        self.usherd.guest("demo").Resume()
        self.usherd.wait_for_state("demo", "running")

    def test_a_paused_guest_can_be_stopped(self):
        self.start_guest()
        self.usherd.guest("demo").Pause()
        self.usherd.wait_for_state("demo", "paused")
        self.assertEqual(self.usherd.run_job(lambda: self.manager.StopGuest("demo", NONE))[0], "done")

    def test_a_guest_starts_again_after_it_was_stopped(self):
        self.start_guest()
        self.usherd.run_job(self.usherd.guest("demo").Kill)
        self.assertEqual(self.usherd.run_job(lambda: self.manager.StartGuest("demo", NONE))[0], "done")

    def test_a_guest_killed_from_outside_has_failed_and_says_by_what(self):
        self.start_guest()
        os.kill(int(self.usherd.property("demo", "Pid")), signal.SIGKILL)
        self.usherd.wait_for_state("demo", "failed")
        self.assertRegex(self.usherd.property("demo", "Error"), "QEMU of guest demo was killed by signal 9 .Killed.; see: usherctl status demo")

    def test_two_starts_at_once_make_one_guest(self):
        self.usherd.define("demo", GUEST)
        job = self.manager.StartGuest("demo", NONE)
        self.assert_error("AlreadyRunning", "guest demo is (preparing|starting|running) already", self.manager.StartGuest, "demo", NONE)
        self.usherd.wait_for_state("demo", "running")
        self.assertEqual(job, ROOT + "/job/1")

    def test_a_stop_during_the_start_calls_it_off(self):
        self.usherd.define("demo", GUEST)
        self.manager.StartGuest("demo", NONE)
        self.assertEqual(self.usherd.run_job(lambda: self.manager.StopGuest("demo", NONE))[0], "done")
        self.assertEqual(self.usherd.property("demo", "State"), "stopped")

    def test_what_the_guest_prints_is_kept_in_its_console_log(self):
        self.start_guest(text=GUEST + "[Console]\nLog=yes\n")
        self.assertTrue((self.usherd.folder / "log" / "demo.console.log").exists())


class NamesThatAreNoText(unittest.TestCase):
    """A damaged pci.ids is mounted over the real one, for this daemon alone."""

    IDS = pathlib.Path("/usr/share/misc/pci.ids")

    def test_do_not_make_the_devices_disappear(self):
        bus = PrivateBus()
        self.addCleanup(bus.close)
        broken = pathlib.Path(bus.folder) / "pci.ids"
        # The bad byte comes before each name of a vendor, a device or a class.
        broken.write_bytes(re.sub(rb"(?m)^(\t*(?:C )?[0-9a-f]{2,4}  )", b"\\1\xff", self.IDS.read_bytes()))
        usherd = Usherd(bus, inside=["unshare", "--mount", "sh", "-c", f'mount --bind {broken} {self.IDS} && exec "$@"', "sh"])
        self.addCleanup(usherd.close)
        devices = usherd.manager.ListDevices()
        self.assertEqual(len(devices), len(list(pathlib.Path("/sys/bus/pci/devices").iterdir())))
        for _, properties in devices:
            self.assertTrue(str(properties["Class"]).startswith("\uFFFD"), properties)


class ARefusal(DaemonTest):
    def test_names_the_guest_that_is_not_there(self):
        self.assert_error("NoSuchGuest", "no guest nobody: there is no .*/etc/guests/nobody.guest", self.manager.StartGuest, "nobody", NONE)

    def test_answers_names_that_are_none(self):
        for name in ("../etc/passwd", "a/b", "two\nlines", "", "Capital", "-dash", "x" * 64):
            with self.subTest(name=name):
                self.assert_error("InvalidName", "is not the name of a guest; use a-z, 0-9 and -", self.manager.StartGuest, name, NONE)

    def test_says_file_line_and_key_of_a_mistake(self):
        self.usherd.define("demo", "[CPU]\nCoers=3\n")
        self.assert_error("BadDefinition", "demo.guest:2: .*Coers=.*Cores=", self.manager.StartGuest, "demo", NONE)
        self.assertRegex(self.usherd.property("demo", "DefinitionError"), "demo.guest:2: ")

    def test_names_a_kernel_image_that_is_missing(self):
        self.usherd.define("demo", GUEST + "[Kernel]\nImage=/nowhere/vmlinuz\n")
        self.assert_error("MissingFile", r"\[Kernel\] Image=/nowhere/vmlinuz: No such file or directory; put the file there, or correct Image=",
                          self.manager.PlanStart, "demo")

    def test_names_a_disk_that_is_missing(self):
        self.usherd.define("demo", GUEST + "[Disk system]\nPath=/nowhere/disk\nFormat=raw\n")
        self.assert_error("MissingFile", r"\[Disk system\] Path=/nowhere/disk", self.manager.PlanStart, "demo")

    def test_of_a_start_names_what_is_missing_as_its_dry_run_does(self):
        self.usherd.define("demo", GUEST + "[Kernel]\nImage=/nowhere/vmlinuz\n")
        result, message = self.usherd.run_job(lambda: self.manager.StartGuest("demo", NONE))
        self.assertEqual(result, "refused")
        self.assertRegex(message, r"\[Kernel\] Image=/nowhere/vmlinuz: No such file or directory; put the file there, or correct Image=")

    def test_names_a_device_that_is_not_there(self):
        self.usherd.define("demo", GUEST + "[PCI gpu]\nAddress=ffff:ff:1f.7\n")
        self.assert_error("NoSuchDevice", "ffff:ff:1f.7", self.manager.StartGuest, "demo", NONE)

    def test_answers_an_option_that_is_not_known(self):
        self.usherd.define("demo", GUEST)
        self.assert_error("BadOption", "option quickly is not known", self.manager.StartGuest, "demo", dbus.Dictionary({"quickly": True}, signature="sv"))

    def test_answers_a_stop_of_what_does_not_run(self):
        self.usherd.define("demo", GUEST)
        self.assert_error("NotRunning", "guest demo is not running", self.manager.StopGuest, "demo", NONE)

    def test_leaves_no_trace(self):
        self.usherd.define("demo", GUEST + "[PCI gpu]\nAddress=ffff:ff:1f.7\n")
        with self.assertRaises(dbus.DBusException):
            self.manager.StartGuest("demo", NONE)
        self.assertEqual(list((self.usherd.folder / "run" / "journal").iterdir()), [])
        self.assertEqual(list((self.usherd.folder / "run" / "guests").iterdir()), [])


class AnotherUser(DaemonTest):
    """The user nobody makes the calls, as polkit is not asked about uid 0."""

    SCRIPT = """
import os, sys, dbus, dbus.bus
os.setresgid({gid}, {gid}, {gid}); os.setresuid({uid}, {uid}, {uid})
connection = dbus.bus.BusConnection({address!r})
thing = connection.get_object("org.usher1", "{path}", introspect=False)
try:
    print(thing.{method}(*{arguments}, dbus_interface="{interface}"))
except dbus.DBusException as error:
    print(error.get_dbus_name(), error.get_dbus_message())
"""

    def call_as_nobody(self, method, *arguments, path="/org/usher1", interface="org.usher1.Manager"):
        nobody = pwd.getpwnam("nobody")
        script = self.SCRIPT.format(uid=nobody.pw_uid, gid=nobody.pw_gid, address=self.bus.address, method=method,
                                    arguments=arguments, path=path, interface=interface)
        return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    def ask_guest(self, method, *arguments):
        return self.call_as_nobody(method, *arguments, path="/org/usher1/guest/demo", interface="org.usher1.Guest")


class Authorisation(AnotherUser):
    def test_reading_needs_no_right(self):
        self.usherd.define("demo", GUEST)
        self.assertIn("A guest for tests", self.call_as_nobody("ListGuests"))

    def test_the_right_to_start_is_not_the_right_to_stop_services(self):
        self.usherd.define("demo", GUEST)
        self.polkit.allow("org.usher1.start-guest")
        self.assertIn("org.usher1.Error.NotAuthorized", self.call_as_nobody("StartGuest", "demo", dbus.Dictionary({"stop_holders": dbus.Array(["sunshine.service"])}, signature="sv")))
        self.assertEqual(self.usherd.property("demo", "State"), "stopped")

    def test_a_change_that_polkit_denies_is_not_made(self):
        self.usherd.define("demo", GUEST)
        self.assertIn("org.usher1.Error.NotAuthorized", self.call_as_nobody("StartGuest", "demo", NONE))
        self.assertEqual(self.usherd.property("demo", "State"), "stopped")

    def test_a_change_that_polkit_allows_is_made(self):
        self.usherd.define("demo", GUEST)
        self.polkit.allow("org.usher1.start-guest")
        self.assertIn("/org/usher1/job/1", self.call_as_nobody("StartGuest", "demo", NONE))
        self.usherd.wait_for_state("demo", "running")

    def test_each_change_has_a_right_of_its_own(self):
        self.usherd.define("demo", GUEST)
        self.polkit.allow("org.usher1.stop-guest")
        self.assertIn("NotAuthorized", self.call_as_nobody("StartGuest", "demo", NONE))

    def test_the_right_to_start_is_not_the_right_to_take_any_device(self):
        self.usherd.define("demo", GUEST)
        self.polkit.allow("org.usher1.start-guest")
        answer = self.ask_guest("Attach", "0000:00:01.0", NONE)
        self.assertIn("org.usher1.Error.NotAuthorized not authorised for org.usher1.bind-device", answer)
        self.polkit.allow("org.usher1.start-guest", "org.usher1.bind-device")
        self.assertIn("org.usher1.Error.NotRunning", self.ask_guest("Attach", "0000:00:01.0", NONE))
        self.polkit.allow("org.usher1.bind-device")
        self.assertIn("not authorised for org.usher1.start-guest", self.ask_guest("Attach", "0000:00:01.0", NONE))
        wish = dbus.Dictionary({"stop_holders": dbus.Array(["sunshine.service"])}, signature="sv")
        self.polkit.allow("org.usher1.start-guest", "org.usher1.bind-device")
        self.assertIn("not authorised for org.usher1.stop-holders", self.ask_guest("Attach", "0000:00:01.0", wish))
        self.polkit.allow("org.usher1.start-guest", "org.usher1.stop-holders")
        self.assertIn("not authorised for org.usher1.bind-device", self.ask_guest("Attach", "0000:00:01.0", wish))

    def test_what_qemu_wrote_is_for_those_who_may_read_it(self):
        self.usherd.define("demo", GUEST)
        for what in self.call_as_nobody("ListGuests"), self.call_as_nobody("GetAll", "org.usher1.Guest", path="/org/usher1/guest/demo",
                                                                              interface="org.freedesktop.DBus.Properties"):
            self.assertNotIn("LastWords", what)
        self.assertIn("not authorised for org.usher1.read-guest", self.ask_guest("GetDetails"))
        self.polkit.allow("org.usher1.read-guest")
        self.assertIn("LastWords", self.ask_guest("GetDetails"))

    def test_without_polkit_nothing_is_allowed(self):
        self.usherd.define("demo", GUEST)
        self.polkit.close()
        self.assertIn("org.usher1.Error.NotAuthorized", self.call_as_nobody("StartGuest", "demo", NONE))


class Definitions(DaemonTest):
    def test_a_new_file_is_seen_without_being_asked_for(self):
        (self.usherd.guests / "fresh.guest").write_text(GUEST)
        self.usherd.wait_for(lambda: any(g[1]["Name"] == "fresh" for g in self.manager.ListGuests()), "fresh.guest was not seen")

    def test_a_file_that_goes_takes_its_guest_along(self):
        self.usherd.define("demo", GUEST)
        (self.usherd.guests / "demo.guest").unlink()
        self.usherd.wait_for(lambda: not self.manager.ListGuests(), "the guest stayed")

    def test_a_running_guest_outlives_its_file(self):
        self.start_guest()
        (self.usherd.guests / "demo.guest").unlink()
        self.manager.Reload()
        self.assertEqual(self.usherd.property("demo", "State"), "running")
        self.assertEqual(self.usherd.run_job(lambda: self.manager.StopGuest("demo", NONE))[0], "done")

    def test_drop_ins_override_and_are_named_as_the_source(self):
        self.usherd.define("demo", GUEST)
        folder = self.usherd.guests / "demo.guest.d"
        folder.mkdir()
        (folder / "10-more.conf").write_text("[Memory]\nSize=64M\n")
        lines = self.usherd.guest("demo").GetDefinition()
        self.assertIn(("Memory", "Size", "64M", str(folder / "10-more.conf"), 2), [tuple(line) for line in lines])

    def test_validate_stores_nothing(self):
        self.manager.ValidateDefinition("new", [("/tmp/new.guest", GUEST)])
        self.assert_error("BadDefinition", "/tmp/new.guest:1: ", self.manager.ValidateDefinition, "new", [("/tmp/new.guest", "[Gust]\n")])
        self.assert_error("BadDefinition", "/tmp/b.conf:2: ", self.manager.ValidateDefinition, "new",
                          [("/tmp/new.guest", GUEST), ("/tmp/b.conf", "[CPU]\nCoers=3\n")])
        self.assertEqual(list(self.manager.ListGuests()), [])


class TheHost(DaemonTest):
    def test_check_says_something_of_each_thing_that_is_needed(self):
        findings = {f[0]: f for f in self.manager.CheckHost()}
        self.assertLessEqual({"iommu", "kvm", "vfio-pci", "qemu", "memlock", "unsafe-interrupts", "devices"}, set(findings))
        self.assertRegex(findings["qemu"][2], r"^/usr/bin/qemu-system-x86_64 is version \d+\.\d+.* and has vfio-pci$")

    def test_plans_change_nothing_and_need_no_right(self):
        self.usherd.define("demo", GUEST)
        self.assertEqual(list(self.manager.PlanStart("demo")), [])
        self.assertEqual(self.usherd.property("demo", "State"), "stopped")


if __name__ == "__main__":
    unittest.main()
