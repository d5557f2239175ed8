# SPDX-License-Identifier: LGPL-2.1-or-later
"""A definition that not everybody may read, and what usherd hides because of that. As test_daemon.py."""

import concurrent.futures
import os
import pathlib
import signal
import unittest

import dbus

from test_daemon import GUEST, NONE, AnotherUser


class AClosedDefinition(AnotherUser):
    """Not everybody may read its file, so nobody reads it through usherd."""

    CLOSED = GUEST.replace("A guest for tests", "hush") + "[Kernel]\nImage=/hush/vmlinuz\nCommandLine=hush\n[Disk system]\nPath=/hush.raw\nFormat=raw\n"

    def define_closed(self, text=CLOSED):
        file = self.usherd.guests / "demo.guest"
        file.touch(mode=0o600)
        self.usherd.define("demo", text)

    def all_that_is_told(self):
        properties = "org.freedesktop.DBus.Properties"
        return [self.call_as_nobody("ListGuests"), self.call_as_nobody("ListJobs"), self.call_as_nobody("PlanStart", "demo"), self.call_as_nobody("CheckHost"),
                self.call_as_nobody("GetManagedObjects", interface="org.freedesktop.DBus.ObjectManager"),
                self.call_as_nobody("GetAll", "org.usher1.Guest", path="/org/usher1/guest/demo", interface=properties),
                *(self.ask_guest(method) for method in ("GetDefinition", "GetFiles", "GetDetails", "CheckDisks")),
                self.ask_guest("PlanAttach", "0000:00:01.0", NONE)]

    def assert_hushed(self):
        for told in self.all_that_is_told():
            self.assertNotIn("hush", told)

    def test_tells_nobody_a_word(self):
        self.define_closed()
        self.assert_hushed()
        self.assertIn("not authorised for org.usher1.read-guest", self.ask_guest("GetFiles"))

    def test_that_is_wrong_is_not_quoted(self):
        self.define_closed(GUEST + "hush=1\n")
        self.assertIn("hush", self.usherd.details("demo")["DefinitionError"])
        self.assert_hushed()

    def test_whose_start_fails_is_not_quoted(self):
        self.define_closed(GUEST + "[Kernel]\nImage=/etc/hosts\nCommandLine=hush\n[Stop]\nPowerButtonSec=0\n")
        heard = []
        self.usherd.connection.add_signal_receiver(lambda *words: heard.append(str(words)), bus_name="org.usher1")
        self.assertEqual(self.usherd.run_job(lambda: self.manager.StartGuest("demo", NONE))[0], "failed")
        self.assertTrue(heard)
        self.assertNotIn("hush", "".join(heard))
        self.assertNotIn("hosts", "".join(heard))
        self.assertTrue(self.usherd.details("demo")["LastWords"])
        self.assert_hushed()

    def test_is_told_by_root_and_by_whom_polkit_names(self):
        self.define_closed()
        self.assertEqual(self.usherd.guest("demo").GetFiles()[0][1], self.CLOSED)
        self.assertEqual(self.usherd.details("demo")["Description"], "hush")
        self.polkit.allow("org.usher1.read-guest")
        self.assertIn("hush", self.ask_guest("GetFiles"))
        self.assertIn("hush", self.ask_guest("GetDefinition"))
        self.assertIn("/hush", self.call_as_nobody("PlanStart", "demo"))

    def test_is_one_with_a_drop_in_that_is_closed(self):
        self.usherd.define("demo", GUEST)
        self.assertIn("Accelerator", self.ask_guest("GetFiles"))
        folder = self.usherd.guests / "demo.guest.d"
        folder.mkdir()
        drop_in = folder / "50-secret.conf"
        drop_in.touch(mode=0o600)
        drop_in.write_text("[Guest]\nDescription=hush\n")
        self.manager.Reload()
        self.assert_hushed()

    def test_is_one_in_a_closed_folder(self):
        self.usherd.define("demo", self.CLOSED)
        self.assertIn("hush", self.ask_guest("GetFiles"))
        self.usherd.guests.chmod(0o700)
        self.manager.Reload()
        self.assert_hushed()

    def test_is_one_as_soon_as_it_is_closed(self):
        self.usherd.define("demo", self.CLOSED)
        self.assertIn("hush", self.call_as_nobody("ListGuests"))
        (self.usherd.guests / "demo.guest").chmod(0o600)
        self.usherd.wait_for(lambda: self.usherd.property("demo", "Description") == "demo", "it was not seen")
        self.assert_hushed()

    def asked_qemu(self):
        """The processes of a QEMU that usherd asks what it can do."""
        found = []
        for child in pathlib.Path(f"/proc/{self.usherd.process.pid}/task/{self.usherd.process.pid}/children").read_text().split():
            try:
                name = pathlib.Path(f"/proc/{child}/comm").read_text()
            except OSError:
                continue
            found += [int(child)] if name.startswith("qemu-system") else []
        return found

    def test_is_one_that_was_closed_while_qemu_was_asked_what_it_can_do(self):
        for call in lambda: self.call_as_nobody("PlanStart", "demo"), lambda: self.ask_guest("CheckDisks"):
            self.usherd.stop()
            for cache in (self.usherd.folder / "state").glob("*.facts"):
                cache.unlink()
            self.usherd.start()
            file = self.usherd.guests / "demo.guest"
            file.touch()
            file.chmod(0o644)
            self.usherd.define("demo", GUEST)
            with self.subTest(call), concurrent.futures.ThreadPoolExecutor() as pool:
                told = pool.submit(call)
                self.usherd.wait_for(self.asked_qemu, "QEMU is not asked")
                qemu = self.asked_qemu()[0]
                os.kill(qemu, signal.SIGSTOP)
                self.assertFalse(told.done())
                file.chmod(0o600)
                file.write_text(self.CLOSED)
                os.kill(qemu, signal.SIGCONT)
                self.assertIn("not authorised for org.usher1.read-guest", told.result())

    def test_stays_one_when_it_is_written_over_the_bus(self):
        self.define_closed()
        self.manager.DefineGuest("demo", self.CLOSED + "# more\n", NONE)
        self.manager.DefineGuest("demo", "[Guest]\nDescription=hush\n", dbus.Dictionary({"drop_in": "50-more.conf"}, signature="sv"))
        for file in self.usherd.guests / "demo.guest", self.usherd.guests / "demo.guest.d" / "50-more.conf":
            self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        self.assert_hushed()


if __name__ == "__main__":
    unittest.main()
