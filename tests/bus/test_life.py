# SPDX-License-Identifier: LGPL-2.1-or-later
"""What becomes of a running guest: as test_daemon.py, with a mock of logind."""

import os
import pathlib
import subprocess
import sys
import time
import unittest

import dbus

from bus import DEADLINE_SECONDS
from test_daemon import GUEST, NONE, DaemonTest

HERE = pathlib.Path(__file__).parent


def on_sleep(policy):
    return GUEST.replace("[CPU]", f"OnHostSleep={policy}\n[CPU]")


def start_logind(bus, delay_usec):
    bus.start([sys.executable, "-B", str(HERE / "mock_login1.py"), str(delay_usec)], "org.freedesktop.login1", stdout=subprocess.DEVNULL)
    login1 = bus.connection.get_object("org.freedesktop.login1", "/org/freedesktop/login1", introspect=False)
    return dbus.Interface(login1, "org.usher1.Mock")


class TheHostSleeps(DaemonTest):
    DELAY_USEC = 30_000_000

    def setUp(self):
        super().setUp()
        self.start_logind()

    def start_logind(self):
        self.logind = start_logind(self.bus, self.DELAY_USEC)

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
        lock = "sleep|usher|guest demo is paused before the host sleeps|delay"
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
        self.wait_for_locks("sleep|usher|guest demo is paused before the host sleeps|delay")
        self.assertEqual((self.usherd.property("demo", "State"), self.usherd.property("demo", "SubState")), ("paused", ""))

    def test_and_a_guest_is_shut_down_before(self):
        self.start_guest(text=on_sleep("shutdown"))
        self.wait_for_locks("sleep|usher|guest demo shuts down before the host sleeps|delay")
        self.logind.Prepare(True)
        self.usherd.wait_for_state("demo", "stopped")
        self.wait_for_locks()
        self.logind.Prepare(False)

    def test_not_before_a_guest_had_the_time_to_shut_down(self):
        self.start_guest(text=on_sleep("shutdown").replace("PowerButtonSec=1", "PowerButtonSec=60"))
        self.wait_for_locks("sleep:handle-lid-switch|usher|guest demo may need 75 s to shut down, and InhibitDelayMaxSec= gives 30 s|block")

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


class ASystemInTrouble(DaemonTest):
    """The guest runs trouble.S."""

    def start_trouble(self, kind, definition):
        disk = self.usherd.folder / "trouble.img"
        subprocess.run(["gcc", "-m32", "-nostdlib", "-static", "-Wl,-melf_i386,--oformat=binary,-Ttext=0x7c00,--build-id=none", f"-D{kind}", "-o", str(disk),
                        str(HERE / "trouble.S")], check=True)
        os.truncate(disk, 1 << 20)
        disk.chmod(0o666)
        self.usherd.define("demo", GUEST + definition + f"[Disk system]\nPath={disk}\nFormat=raw\n")
        self.manager.StartGuest("demo", NONE)

    def boots(self):
        log = self.usherd.folder / "log" / "demo.console.log"
        return log.read_text().count("boot") if log.exists() else 0

    def wait_for_sub_state(self, words):
        self.usherd.wait_for(lambda: self.usherd.property("demo", "SubState") == words, f"it does not say {words}")
        self.assertEqual(self.usherd.property("demo", "State"), "paused")

    def test_that_panics_has_failed(self):
        self.start_trouble("PANIC", "[Guest]\nOnPanic=fail\n")
        self.usherd.wait_for_state("demo", "failed")
        self.assertEqual(str(self.usherd.property("demo", "Error")), "guest demo has failed: its system has panicked; see: usherctl status demo")

    def test_that_panics_boots_again(self):
        self.start_trouble("PANIC", "[Guest]\nOnPanic=reset\n")
        self.usherd.wait_for(lambda: self.boots() >= 3, "it did not boot again")
        self.assertIn(self.usherd.property("demo", "State"), ("running", "paused"))

    def test_that_panics_is_paused_until_it_is_reset(self):
        self.start_trouble("PANIC", "[Guest]\nOnPanic=pause\n")
        self.wait_for_sub_state("panicked")
        self.usherd.kill()
        self.usherd.start()
        self.manager = self.usherd.manager
        self.wait_for_sub_state("panicked")
        self.assertEqual(self.boots(), 1)
        self.usherd.guest("demo").Reset()
        self.usherd.wait_for(lambda: self.boots() == 2, "it did not boot again")

    def test_that_panics_may_be_ignored(self):
        self.start_trouble("PANIC", "[Guest]\nOnPanic=ignore\n")
        self.usherd.wait_for(lambda: "its system has panicked: nothing is done" in self.usherd.log.read_text(), "it was not told")
        self.assertEqual(self.usherd.property("demo", "State"), "running")

    def test_that_hangs_has_failed(self):
        self.start_trouble("WATCHDOG", "[Watchdog]\nAction=fail\n")
        self.usherd.wait_for_state("demo", "failed")
        self.assertEqual(str(self.usherd.property("demo", "Error")),
                         "guest demo has failed: its system hangs, and has not reset its watchdog; see: usherctl status demo")

    def test_that_hangs_boots_again(self):
        self.start_trouble("WATCHDOG", "[Watchdog]\nAction=reset\n")
        self.usherd.wait_for(lambda: self.boots() >= 2, "it did not boot again")

    def test_that_hangs_is_paused(self):
        self.start_trouble("WATCHDOG", "[Watchdog]\nAction=pause\n")
        self.wait_for_sub_state("watchdog")


    def test_that_reboots_again_and_again_is_started_again_five_times(self):
        self.start_trouble("REBOOT", "[Guest]\nOnReboot=restart\n")
        self.usherd.wait_for_state("demo", "failed")
        self.assertEqual(str(self.usherd.property("demo", "Error")),
                         "guest demo is not started again: it was started again 5 times within 5 minutes, and once more it rebooted; "
                         "correct that, then: usherctl start demo")
        self.assertEqual(self.boots(), 6)

    def test_that_reboots_may_be_stopped(self):
        self.start_trouble("REBOOT", "[Guest]\nOnReboot=stop\n")
        self.usherd.wait_for_state("demo", "stopped")
        self.assertEqual(self.boots(), 1)

    def test_that_powers_off_is_started_again_until_somebody_stops_it(self):
        self.start_trouble("POWEROFF", "[Guest]\nOnPowerOff=restart\n")
        self.usherd.wait_for(lambda: self.boots() >= 2, "it was not started again")
        end = time.monotonic() + DEADLINE_SECONDS
        while not self.is_stopped():
            self.assertLess(time.monotonic(), end)

    def is_stopped(self):
        """A stop comes at any moment: while the guest runs, ends, or is about to be started again."""
        try:
            self.usherd.run_job(self.usherd.guest("demo").Kill)
        except dbus.DBusException:
            pass
        return self.usherd.property("demo", "State") == "stopped"

    def test_that_puts_itself_to_sleep_is_shown_so_and_woken_by_resume(self):
        self.start_trouble("SLEEP", "")
        self.wait_for_sub_state("suspended")
        self.usherd.kill()
        self.usherd.start()
        self.manager = self.usherd.manager
        self.wait_for_sub_state("suspended")
        self.assertEqual(self.boots(), 1)
        self.usherd.guest("demo").Resume()
        self.usherd.wait_for(lambda: self.boots() == 2, "it was not woken")
        self.wait_for_sub_state("suspended")
        self.usherd.guest("demo").Reset()
        self.usherd.wait_for(lambda: self.boots() == 3, "it was not reset")

    def test_that_sleeps_again_and_again_is_not_waited_for_when_it_is_stopped(self):
        self.start_trouble("SLEEP", "[Stop]\nPowerButtonSec=1h\n")
        self.wait_for_sub_state("suspended")
        rungs = []
        self.usherd.connection.add_signal_receiver(lambda interface, changed, _: rungs.append(str(changed.get("SubState", ""))), "PropertiesChanged",
                                                   "org.freedesktop.DBus.Properties", "org.usher1")
        self.assertEqual(self.usherd.run_job(lambda: self.manager.StopGuest("demo", NONE)), ("done", ""))
        self.assertIn("wake-up", rungs)
        self.assertIn("quit", rungs)
        self.assertEqual(self.usherd.property("demo", "State"), "stopped")

    def test_that_has_panicked_is_not_waited_for_when_it_is_stopped(self):
        self.start_trouble("PANIC", "[Guest]\nOnPanic=pause\n[Stop]\nPowerButtonSec=1h\n")
        self.wait_for_sub_state("panicked")
        self.assertEqual(self.usherd.run_job(lambda: self.manager.StopGuest("demo", NONE)), ("done", ""))
        self.assertEqual(self.usherd.property("demo", "State"), "stopped")


class TheHostGoesDown(DaemonTest):
    def test_not_while_a_guest_keeps_it_up(self):
        logind = start_logind(self.bus, 5_000_000)
        self.usherd.stop()
        self.usherd.start()
        self.manager = self.usherd.manager
        self.start_guest(text=GUEST.replace("[CPU]", "OnHostShutdown=inhibit\n[CPU]"))
        self.usherd.wait_for(lambda: list(logind.Locks()) == ["shutdown|usher|guest demo runs|block"], "it does not")
        self.usherd.run_job(self.usherd.guest("demo").Kill)
        self.usherd.wait_for(lambda: not logind.Locks(), "it still does")


class AnAgent(DaemonTest):
    """An agent's port without a system inside; the lab has one with a system."""

    def test_that_is_not_there_is_told_and_asked_for_nothing(self):
        self.start_guest(text=GUEST + "[Agent]\nEnabled=yes\n")
        self.assertEqual(self.usherd.property("demo", "Agent"), "absent")
        self.assertEqual(list(self.usherd.property("demo", "Addresses")), [])
        guest = self.usherd.guest("demo")
        self.assert_error("Refused", r"guest demo has no agent; .*; or press the guest's reset button: usherctl reset", guest.Reboot)
        self.assert_error("Refused", r"guest demo has no agent; install qemu-guest-agent in the guest, and write \[Agent\]", guest.Freeze)
        self.assertEqual(self.usherd.run_job(lambda: self.manager.StopGuest("demo", NONE)), ("done", ""))

    def test_of_a_guest_that_does_not_run_is_nothing(self):
        self.usherd.define("demo", GUEST + "[Agent]\nEnabled=yes\n")
        self.assertEqual(self.usherd.property("demo", "Agent"), "")
        self.assert_error("NotRunning", "guest demo is stopped; start it: usherctl start demo", self.usherd.guest("demo").Thaw)

    def test_port_is_found_by_the_next_daemon(self):
        self.start_guest(text=GUEST + "[Agent]\nEnabled=yes\n")
        self.usherd.kill()
        self.usherd.start()
        self.manager = self.usherd.manager
        self.usherd.wait_for_state("demo", "running")
        self.assertEqual(self.usherd.property("demo", "Agent"), "absent")


if __name__ == "__main__":
    unittest.main()
