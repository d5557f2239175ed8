# SPDX-License-Identifier: LGPL-2.1-or-later
"""What one caller may cost the others: the words, calls and connections of somebody who means harm. usherd is the same process afterwards, answers
everybody else, and has not grown."""

import os
import pathlib
import pwd
import re
import select
import signal
import subprocess
import time
import unittest

import dbus
import dbus.lowlevel

from usherd import NAME, ROOT, UsherdTest

NONE = dbus.Dictionary({}, signature="sv")
LIMITS = "org.freedesktop.DBus.Error.LimitsExceeded"
GUEST = "[Guest]\nDescription=A guest for tests\n[CPU]\nAccelerator=tcg\nCores=1\n[Memory]\nSize=32M\n[Stop]\nPowerButtonSec=1\n"
FLOOD = pathlib.Path(__file__).with_name("flood.py")
# The bus looks up their groups, so the users must exist.
HOSTILE, OTHER = (pwd.getpwnam(name).pw_uid for name in ("nobody", "daemon"))
# C escapes make it four times as many bytes.
MANY = "é" * (4608 * 1024)


class LimitsTest(UsherdTest):
    def setUp(self):
        super().setUp()
        self.usherd.define("demo", GUEST)
        self.pid = self.usherd.process.pid

    def memory(self):
        """usherd's own memory in KiB, once it is done with what it answered last."""
        self.manager.ListGuests()
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


class Definitions(LimitsTest):
    def test_a_definition_of_megabytes_keeps_nobody_waiting(self):
        text = "[Network a]\n" + "".join(f"Forward=tcp:127.{i >> 16}.{i >> 8 & 255}.{i & 255}:1:1\n" for i in range(60000))
        begin = time.monotonic()
        self.assertEqual(self.refusal(self.manager.ValidateDefinition, "demo", [("a", text)]).get_dbus_name(), LIMITS)
        self.assertRegex(str(self.refusal(self.manager.ValidateDefinition, "demo", [("a", text[:200000])])), "a:258: .*more than 256 lines Forward=")
        self.assertRegex(str(self.refusal(self.manager.ValidateDefinition, "demo", [("a", "\n" * 262144), ("b", "\n")])), "longer than 256 KiB")
        self.assertRegex(str(self.refusal(self.manager.ValidateDefinition, "demo", [("a", "")] * 66)), "more than 64 drop-ins")
        self.assertLess(time.monotonic() - begin, 5)

    def test_files_have_the_same_bounds(self):
        folder = self.usherd.guests / "demo.guest.d"
        folder.mkdir()
        (folder / "big.conf").write_text("\n" * 262144)
        self.manager.Reload()
        self.assertRegex(self.usherd.property("demo", "DefinitionError"), "demo.guest: it is longer than 256 KiB with its drop-ins")
        (folder / "big.conf").unlink()
        for number in range(65):
            (folder / f"{number:02}.conf").write_text("\n")
        self.manager.Reload()
        self.assertRegex(self.usherd.property("demo", "DefinitionError"), "demo.guest: it has more than 64 drop-ins")
        (folder / "00.conf").unlink()
        self.manager.Reload()
        self.assertEqual(self.usherd.property("demo", "DefinitionError"), "")
        more = dbus.Dictionary({"drop_in": "99.conf"}, signature="sv")
        self.assertRegex(str(self.refusal(self.manager.DefineGuest, "demo", "[CPU]\nCores=1\n", more)), "more than 64 drop-ins")

    def test_there_are_as_many_guests_as_there_may_be(self):
        for number in range(1100):
            (self.usherd.guests / f"many-{number}.guest").write_text(GUEST)
        self.manager.Reload()
        self.assertEqual(len(self.manager.ListGuests()), 1024)
        self.assertRegex(str(self.refusal(self.manager.DefineGuest, "zebra", GUEST, NONE)), "as many guests as there may be")
        for number in range(1100):
            (self.usherd.guests / f"many-{number}.guest").unlink()
        self.manager.Reload()
        self.usherd.wait_for(lambda: len(self.manager.ListGuests()) == 1, "the guests did not go")
        self.manager.DefineGuest("zebra", GUEST, NONE)


class Objects(LimitsTest):
    def get(self, path, interface):
        return self.usherd.interface(path, "org.freedesktop.DBus.Properties").GetAll(interface)

    def assert_no_object(self, path, interface):
        with self.assertRaises(dbus.DBusException) as caught:
            self.get(path, interface)
        self.assertEqual(caught.exception.get_dbus_name(), "org.freedesktop.DBus.Error.UnknownObject", path)

    def test_a_guest_has_one_path(self):
        self.assertEqual(self.get("/org/usher1/guest/demo", "org.usher1.Guest")["Name"], "demo")
        for name in ("_64emo", "dem_6f", "_64_65_6d_6f", "demo_", "_", "Demo"):
            self.assert_no_object(f"/org/usher1/guest/{name}", "org.usher1.Guest")

    def test_a_device_has_one_path(self):
        path, properties = self.manager.ListDevices()[0]
        address = str(properties["org.usher1.Device"]["Address"] if "org.usher1.Device" in properties else properties["Address"])
        self.assertEqual(self.get(path, "org.usher1.Device")["Address"], address)
        encoded = path.rsplit("/", 1)[1]
        upper = encoded.replace("_3a", "_3A").replace("_2e", "_2E")
        spellings = {upper, "_30" + encoded[1:] if encoded[0] == "0" else "", encoded.replace("_30000", "_300000", 1), "0000" + encoded,
                     encoded.split("_3a", 1)[1] if encoded.count("_3a") == 2 else "", "_300_3a05_2e0"} - {encoded, ""}
        for name in spellings:
            self.assert_no_object(f"/org/usher1/device/{name}", "org.usher1.Device")

    def test_a_job_has_one_path(self):
        self.polkit.allow_all()
        seen = []

        def look(number, path, subject):
            seen.append(str(self.get(path, "org.usher1.Job")["State"]))
            for name in (f"0{number}", f"{number}_anything", f"_3{number}", f"{number}_", str((1 << 32) + number)):
                self.assert_no_object(f"/org/usher1/job/{name}", "org.usher1.Job")

        match = self.usherd.connection.add_signal_receiver(look, "JobNew", "org.usher1.Manager", NAME)
        self.usherd.run_job(lambda: self.manager.StartGuest("demo", NONE))
        match.remove()
        self.assertTrue(seen)

    def test_an_end_has_one_job_of_each_kind_however_often_it_is_asked_for(self):
        self.polkit.allow_all()
        # The firmware hears no power button.
        self.usherd.define("demo", GUEST.replace("PowerButtonSec=1", "PowerButtonSec=1h"))
        self.assertEqual(self.usherd.run_job(lambda: self.manager.StartGuest("demo", NONE)), ("done", ""))
        os.kill(int(self.usherd.property("demo", "Pid")), signal.SIGSTOP)
        guest = self.usherd.guest("demo")
        stops = {str(guest.Stop(NONE)) for _ in range(30)} | {str(self.manager.StopGuest("demo", NONE))}
        self.assertEqual(len(stops), 1)
        self.assertEqual([str(path) for path, _ in self.manager.ListJobs()], list(stops))
        self.assertEqual(self.usherd.run_job(guest.Kill)[0], "done")
        self.usherd.wait_for(lambda: not self.manager.ListJobs(), "a job goes on")

    def test_other_spellings_of_an_object_are_not_kept(self):
        def ask(first, last):
            for number in range(first, last):
                self.assert_no_object(f"/org/usher1/job/6_{number}" + "x" * 400, "org.usher1.Job")
                self.assert_no_object(f"/org/usher1/device/_300_3a05_2e0{number}" + "x" * 400, "org.usher1.Device")

        # Until what the allocator keeps for itself is there. Of those that follow each would take 400 bytes and more.
        ask(0, 1000)
        before = self.memory()
        ask(1000, 3000)
        self.assertLess(self.memory() - before, 1024)


class Forgeries(LimitsTest):
    """Anybody may send a signal to usherd alone, and a match rule for another sender's signals lets it pass."""

    def reload_as_other(self):
        script = ("import dbus, dbus.bus, os\n"
                  "bus = dbus.bus.BusConnection(os.environ['DBUS_SYSTEM_BUS_ADDRESS'])\n"
                  "print(bus.get_unique_name(), flush=True)\n"
                  "dbus.Interface(bus.get_object('org.usher1', '/org/usher1', introspect=False), 'org.usher1.Manager').Reload(timeout=30)\n"
                  "print('reloaded', flush=True)\n")
        process = subprocess.Popen(["/usr/bin/python3", "-c", script], env=self.bus.environment(), user=OTHER, cwd="/", stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process, process.stdout.readline().strip()

    def forge(self, path, interface, member, *arguments):
        forger = self.bus.connect()
        signal = dbus.lowlevel.SignalMessage(path, interface, member)
        signal.set_destination(NAME)
        signal.append(*arguments)
        forger.send_message(signal)
        forger.call_blocking(NAME, ROOT, "org.freedesktop.DBus.Peer", "Ping", "", ())
        forger.close()

    def test_nobody_takes_another_caller_off_the_bus(self):
        self.polkit.allow_all()
        self.polkit.hang()
        process, name = self.reload_as_other()
        self.usherd.wait_for(self.polkit.hangs, "polkit was not asked")
        self.forge("/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged", name, name, "")
        self.polkit.release()
        self.assertEqual(process.stdout.readline(), "reloaded\n")


THIRD = """
import dbus, os
manager = dbus.Interface(dbus.SystemBus().get_object("org.usher1", "/org/usher1"), "org.usher1.Manager")
for _ in range(1500):
    manager.ListGuests(timeout=60)
print("answered")
"""

# Calls once at once, and once when told to.
LATER = """
import dbus, dbus.lowlevel, sys
connection = dbus.SystemBus()
manager = dbus.Interface(connection.get_object("org.usher1", "/org/usher1"), "org.usher1.Manager")
manager.ListGuests()
def told(reply):
    print(reply.get_error_name() if isinstance(reply, dbus.lowlevel.ErrorMessage) else "answered", flush=True)
print("known", flush=True)
for line in sys.stdin:
    message = dbus.lowlevel.MethodCallMessage("org.usher1", "/org/usher1", "org.usher1.Manager", "ListGuests")
    pending = connection.send_message_with_reply(message, told, 60)
    connection.flush()
    print("sent", flush=True)
    pending.block()
"""


class Floods(LimitsTest):
    """Another user floods usherd while root asks."""

    def flood(self, *arguments):
        # Passed as text: the user may not be allowed into the script's folder.
        process = subprocess.Popen(["/usr/bin/python3", "-c", FLOOD.read_text(encoding="utf-8"), *arguments], cwd="/", env=self.bus.environment(), user=HOSTILE,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, extra_groups=[])
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stdin.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def wait_for_end(self, process):
        self.assertEqual(process.stdout.readline(), "done\n")

    def assert_answered_meanwhile(self, process, seconds):
        worst, asked = 0.0, 0
        while process.poll() is None and not select.select([process.stdout], [], [], 0)[0]:
            begin = time.monotonic()
            self.assertEqual(len(self.manager.ListGuests(timeout=60)), 1)
            worst, asked = max(worst, time.monotonic() - begin), asked + 1
        self.assertGreater(asked, 0)
        self.assertLess(worst, seconds)
        self.wait_for_end(process)

    def assert_no_larger(self, before):
        self.usherd.wait_for(lambda: self.memory() - before <= 2048, "the memory was not given back")

    def test_calls_whose_answers_nobody_waits_for_are_not_worked_for(self):
        before = self.memory()
        self.assert_answered_meanwhile(self.flood("mute", "1000"), 5)
        self.assert_no_larger(before)
        self.assert_alive()

    def test_many_calls_of_each_kind_keep_nobody_waiting(self):
        before = self.memory()
        self.assert_answered_meanwhile(self.flood("calls", "20"), 5)
        self.assert_no_larger(before)
        self.assert_alive()

    def test_a_third_user_is_refused_nothing_meanwhile(self):
        """He lists the guests as fast as he can, which costs more than the flood of who is refused at once."""
        for kind, rounds in (("names", "20"), ("mute", "1000"), ("calls", "20")):
            flood = self.flood(kind, rounds)
            third = subprocess.Popen(["/usr/bin/python3", "-c", THIRD], cwd="/", env=self.bus.environment(), user="daemon", extra_groups=[],
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            self.assertEqual(third.communicate(timeout=60)[0], "answered\n", kind)
            self.wait_for_end(flood)

    def test_calls_of_one_user_that_usherd_finds_in_a_heap_refuse_no_other(self):
        """The bus's answer to what is unread comes behind them all."""
        third = subprocess.Popen(["/usr/bin/python3", "-c", LATER], cwd="/", env=self.bus.environment(), user="daemon", extra_groups=[],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for pipe in (third.stdin, third.stdout):
            self.addCleanup(pipe.close)
        self.addCleanup(third.wait)
        self.addCleanup(third.kill)
        for kind in ("questions", "starts"):
            if kind == "questions":
                self.assertEqual(third.stdout.readline(), "known\n")
            self.usherd.process.send_signal(signal.SIGSTOP)
            try:
                self.wait_for_end(self.flood(kind, "1"))
                third.stdin.write("call\n")
                third.stdin.flush()
                self.assertEqual(third.stdout.readline(), "sent\n")
                # A round trip to the bus, which has both calls by then.
                self.bus.held_of(NAME)
            finally:
                self.usherd.process.send_signal(signal.SIGCONT)
            self.assertEqual(third.stdout.readline(), "answered\n", kind)

    def test_many_connections_are_one_user(self):
        before = self.memory()
        self.assert_answered_meanwhile(self.flood("connections", "1"), 10)
        self.assert_no_larger(before)
        self.assert_alive()

    def test_questions_of_who_has_left_are_dropped(self):
        process = self.flood("questions", "1")
        self.wait_for_end(process)
        process.kill()
        begin = time.monotonic()
        self.manager.CheckHost()
        self.assertLess(time.monotonic() - begin, 5)
        self.assert_alive()

    def test_who_does_not_read_his_answers_silences_usherd_for_nobody_else(self):
        self.usherd.define("demo", GUEST + ("#" + "x" * 250 + "\n") * 900)
        process = self.flood("deaf", "200")
        self.assert_answered_meanwhile(process, 5)
        held = self.bus.held_of(NAME)
        self.assertGreater(held, 1 << 20)
        self.assertLess(held, 64 << 20)
        process.kill()
        process.wait()
        self.usherd.wait_for(lambda: self.bus.held_of(NAME) < 65536, "the bus did not forget it")
        self.assert_alive()

    def test_unanswered_questions_to_polkit_lock_nobody_else_out(self):
        self.polkit.hang()
        process = self.flood("rights", "1")
        self.wait_for_end(process)
        self.assertEqual(self.usherd.run_job(lambda: self.manager.StartGuest("demo", NONE)), ("done", ""))
        self.assertEqual(self.usherd.run_job(self.usherd.guest("demo").Kill), ("done", ""))
        other = subprocess.Popen(["busctl", f"--address={self.bus.address}", "call", NAME, ROOT, "org.usher1.Manager", "Reload"], user=OTHER,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(other.stderr.close)
        with self.assertRaises(subprocess.TimeoutExpired):
            other.wait(1)
        self.polkit.release()
        self.assertNotIn("wait for", other.communicate(timeout=30)[1])

    def test_a_user_has_a_number_of_questions_to_polkit(self):
        self.polkit.hang()
        script = ("import dbus, dbus.bus, os, sys\n"
                  "bus = dbus.bus.BusConnection(os.environ['DBUS_SYSTEM_BUS_ADDRESS'])\n"
                  "manager = dbus.Interface(bus.get_object('org.usher1', '/org/usher1', introspect=False), 'org.usher1.Manager')\n"
                  "try:\n    manager.Reload(timeout=10)\nexcept dbus.DBusException as error:\n    print(error.get_dbus_message())\n")
        self.wait_for_end(self.flood("rights", "1"))
        done = subprocess.run(["/usr/bin/python3", "-c", script], env=self.bus.environment(), user=HOSTILE, cwd="/", capture_output=True, text=True, check=True)
        self.assertRegex(done.stdout, "wait for (polkit|an answer)")

    def test_a_crowded_helper_socket_lets_launchers_in(self):
        before = self.memory()
        crowd = self.flood("helper", "10000", str(self.usherd.folder / "run" / "helper.sock"))
        os.chmod(self.usherd.folder, 0o755)
        self.assertEqual(self.usherd.run_job(lambda: self.manager.StartGuest("demo", NONE)), ("done", ""))
        self.wait_for_end(crowd)
        self.assertEqual(self.usherd.run_job(self.usherd.guest("demo").Kill), ("done", ""))
        self.assertLess(len(re.findall("refused: |said nothing|cut off", self.usherd.log.read_text())), 30)
        self.assert_no_larger(before)
        self.assert_alive()


if __name__ == "__main__":
    unittest.main()
