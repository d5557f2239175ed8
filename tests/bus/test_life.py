# SPDX-License-Identifier: LGPL-2.1-or-later
"""What becomes of a running guest: as test_daemon.py, with a mock of logind."""

import pathlib
import subprocess
import sys
import unittest

import dbus

from test_daemon import GUEST, NONE, DaemonTest

HERE = pathlib.Path(__file__).parent


def on_sleep(policy):
    return GUEST.replace("[CPU]", f"OnHostSleep={policy}\n[CPU]")


class TheHostSleeps(DaemonTest):
    DELAY_USEC = 30_000_000

    def setUp(self):
        super().setUp()
        self.start_logind()

    def start_logind(self):
        self.bus.start([sys.executable, "-B", str(HERE / "mock_login1.py"), str(self.DELAY_USEC)], "org.freedesktop.login1", stdout=subprocess.DEVNULL)
        login1 = self.bus.connection.get_object("org.freedesktop.login1", "/org/freedesktop/login1", introspect=False)
        self.logind = dbus.Interface(login1, "org.usher1.Mock")

    def locks(self):
        return [str(lock) for lock in self.logind.Locks()]

    def wait_for_locks(self, *expected):
        self.usherd.wait_for(lambda: self.locks() == list(expected), f"the locks did not become {expected}")

    def finding(self):
        return {str(f[0]): f for f in self.manager.CheckHost()}["sleep"]

    def test_not_while_a_guest_keeps_it_awake(self):
        self.start_guest(text=on_sleep("inhibit"))
        self.wait_for_locks("sleep:handle-lid-switch|usher|guest demo runs|block")
        self.usherd.run_job(self.usherd.guest("demo").Kill)
        self.wait_for_locks()

    def test_while_a_guest_is_paused_that_goes_on_afterwards(self):
        self.start_guest(text=on_sleep("pause"))
        lock = "sleep|usher|guest demo is paused before|delay"
        self.wait_for_locks(lock)
        self.logind.Prepare(True)
        self.usherd.wait_for_state("demo", "paused")
        self.usherd.wait_for(lambda: self.usherd.property("demo", "SubState") == "host-sleep", "it does not say why")
        self.wait_for_locks()
        self.logind.Prepare(False)
        self.usherd.wait_for_state("demo", "running")
        self.wait_for_locks(lock)

    def test_and_a_guest_that_was_paused_is_left_so(self):
        self.start_guest(text=on_sleep("pause"))
        self.usherd.guest("demo").Pause()
        self.usherd.wait_for_state("demo", "paused")
        self.logind.Prepare(True)
        self.wait_for_locks()
        self.logind.Prepare(False)
        self.wait_for_locks("sleep|usher|guest demo is paused before|delay")
        self.assertEqual((self.usherd.property("demo", "State"), self.usherd.property("demo", "SubState")), ("paused", ""))

    def test_and_a_guest_is_shut_down_before(self):
        self.start_guest(text=on_sleep("shutdown"))
        self.wait_for_locks("sleep|usher|guest demo shuts down before|delay")
        self.logind.Prepare(True)
        self.usherd.wait_for_state("demo", "stopped")
        self.wait_for_locks()
        self.logind.Prepare(False)

    def test_not_before_a_guest_had_the_time_to_shut_down(self):
        self.start_guest(text=on_sleep("shutdown").replace("PowerButtonSec=1", "PowerButtonSec=60"))
        self.wait_for_locks("sleep:handle-lid-switch|usher|guest demo may need 75 s to shut down, InhibitDelayMaxSec= gives 30 s|block")

    def test_for_all_that_a_guest_without_devices_minds(self):
        self.start_guest()
        self.assertEqual(self.locks(), [])
        self.assertEqual(str(self.finding()[1]), "ok")

    def test_under_a_guest_where_there_is_no_logind_which_is_told_once(self):
        self.bus.stop(self.bus._processes[-1])
        self.usherd.stop()
        self.usherd.start()
        self.manager = self.usherd.manager
        self.start_guest(text=on_sleep("inhibit"))
        self.assertEqual(str(self.finding()[1]), "warning")
        self.assertRegex(str(self.finding()[2]), "logind cannot be asked .*: the host may go to sleep under a guest")
        self.start_logind()
        self.wait_for_locks("sleep:handle-lid-switch|usher|guest demo runs|block")
        self.assertEqual(str(self.finding()[1]), "ok")


if __name__ == "__main__":
    unittest.main()
