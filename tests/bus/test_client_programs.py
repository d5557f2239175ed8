# SPDX-License-Identifier: LGPL-2.1-or-later
"""The programs that usherctl runs, and the shell that completes its words."""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from bus import DEADLINE_SECONDS
from client import FAILED, HERE, MANUAL, NO_SUCH, OK, USHERCTL, ClientTest, Terminal

COMPLETION = HERE.parent.parent / "client" / "completion" / "usherctl.bash-completion"


@contextlib.contextmanager
def stand_in(name, script):
    """A program that notes its arguments, and then does what script says: its folder, and a function that tells what it
    noted."""
    with tempfile.TemporaryDirectory() as folder:
        program, said = pathlib.Path(folder, name), pathlib.Path(folder, "said")
        program.write_text(f'#!/bin/sh\necho "$@" >>{said}\n{script}\n', encoding="utf-8")
        program.chmod(0o755)
        yield folder, lambda: said.read_text(encoding="utf-8") if said.exists() else ""


class BootTest(ClientTest):
    def run_with_systemctl(self, script, *args):
        with stand_in("systemctl", script) as (folder, said):
            return self.usherctl(*args, PATH=f"{folder}:{os.environ['PATH']}"), said()

    def test_enable_and_disable_are_systemctls(self):
        result, said = self.run_with_systemctl("exit 0", "enable", "win10", "linux")
        self.assert_run(result, OK, stderr="")
        self.assertEqual(said, "enable -- usher-guest@win10.service usher-guest@linux.service\n")
        _, said = self.run_with_systemctl("exit 0", "disable", "gone")
        self.assertEqual(said, "disable -- usher-guest@gone.service\n")

    def test_a_guest_that_is_not_defined_is_not_enabled(self):
        result, said = self.run_with_systemctl("exit 0", "enable", "elephant", "linux")
        self.assert_run(result, NO_SUCH)
        self.assertEqual(said, "enable -- usher-guest@linux.service\n")
        result, said = self.run_with_systemctl("exit 0", "disable", "--", "--root=x")
        self.assert_run(result, NO_SUCH)
        self.assertEqual(said, "")

    def test_its_failure_is_ours(self):
        self.assert_run(self.run_with_systemctl("exit 5", "disable", "linux")[0], FAILED)

    def test_its_absence_is_told(self):
        result = self.usherctl("disable", "linux", PATH="/nonexistent")
        self.assert_run(result, FAILED)
        self.assertIn("Cannot run systemctl: No such file or directory", result.stderr)


class RemoteTest(ClientTest):
    def with_ssh(self, script, *args):
        with stand_in("ssh", script) as (folder, said):
            result = self.usherctl(*args, PATH=f"{folder}:{os.environ['PATH']}",
                                   DBUS_SYSTEM_BUS_ADDRESS="unix:path=/nonexistent")
            return result, said()

    def test_another_host_is_reached_over_ssh(self):
        result, said = self.with_ssh(f"exec systemd-stdio-bridge --bus-path={self.bus.address}",
                                     "-H", "root@hall", "list", "--no-legend")
        self.assert_run(result, OK, stderr="")
        self.assertIn("win10", result.stdout)
        self.assertIn("root@hall", said)

    def test_a_host_that_cannot_be_reached_is_named(self):
        result, _ = self.with_ssh("exit 255", "--host=hall", "list")
        self.assert_run(result, FAILED, stdout="")
        self.assertIn("Cannot reach usherd on hall over ssh", result.stderr)
        self.assertIn("try: ssh hall usherctl", result.stderr)


class CompletionTest(ClientTest):
    def complete(self, line, **env):
        """What bash would offer at the end of the line."""
        script = '. "$1"; COMP_LINE=$2 COMP_POINT=${#2}; _usherctl; printf "%s\\n" "${COMPREPLY[@]}"'
        path = f"{env.pop('first', USHERCTL.parent)}:{USHERCTL.parent}:{os.environ['PATH']}"
        result = subprocess.run(["bash", "-c", script, "bash", COMPLETION, line], env=self.environment(PATH=path, **env),
                                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
        self.assertEqual(result.stderr, "")
        return result.stdout.split()

    def test_verbs_and_options_are_offered(self):
        self.assertEqual(self.complete("usherctl re"), ["reset", "resume", "reboot", "restore", "reload"])
        self.assertEqual(self.complete("usherctl --no-p"), ["--no-pager"])
        self.assertEqual(self.complete("usherctl bind --d"), ["--dry-run"])
        self.assertEqual(self.complete("usherctl list --d"), [])
        self.assertEqual(self.complete("usherctl --json="), ["pretty", "short", "off"])

    def test_guests_are_offered_by_name(self):
        self.assertEqual(self.complete("usherctl start "), ["broken", "linux", "typo", "win10"])
        self.assertEqual(self.complete("usherctl --no-block stop w"), ["win10"])

    def test_devices_are_offered_past_the_colons_that_bash_breaks_at(self):
        self.assertEqual(self.complete("usherctl bind 0000:0"), ["01:00.0", "01:00.1", "02:00.0", "03:00.0"])
        self.assertEqual(self.complete("usherctl restore 0000:01:"), ["00.0", "00.1"])
        self.assertIn("0000:00:00.0", self.complete("usherctl devices "))
        self.assertEqual(self.complete("usherctl show --fingerprint 0000:02"), ["02:00.0"])
        self.assertIn("win10", self.complete("usherctl status "))

    def test_every_verb_of_the_help_is_offered(self):
        verbs = re.findall(r"(?m)^  ([a-z]+) ", self.usherctl("help").stdout)
        self.assertEqual(sorted(self.complete("usherctl ")), sorted(verbs))

    def test_the_names_of_guests_are_offered_to_every_verb_that_takes_one(self):
        verbs = re.findall(r"(?m)^  ([a-z]+) \S*NAME", self.usherctl("help").stdout)
        self.assertIn("thaw", verbs)
        for verb in verbs:
            if verb != "create":
                self.assertIn("win10", self.complete(f"usherctl {verb} w"), verb)

    def test_an_option_is_offered_and_explained_for_those_verbs_that_know_it(self):
        text, nowhere = self.usherctl("help").stdout, {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent"}
        for option, value in (("dry-run", ""), ("no-block", ""), ("force", ""), ("all", ""), ("fingerprint", ""), ("eject", ""), ("clear", ""),
                              ("functions", "=0"), ("group", "=all"), ("stop-holders", "=a.service"), ("with", "=x")):
            explained = re.search(rf"(?m)^ .*--{option}\b.*\n(?: {{28}}.*\n)*", text).group()
            options = MANUAL.read_text(encoding="utf-8").split("# OPTIONS")[1]
            manual = re.search(rf"(?m)^.*\*--{option}=?\*.*\n((?:\t.*\n)+)", options).group(1)
            for verb in re.findall(r"(?m)^  ([a-z]+) ", text):
                if verb in ("help", "version"):
                    continue
                refusal = self.usherctl(verb, f"--{option}{value}", **nowhere).stderr
                known = "does not go with usherctl" not in refusal
                self.assertEqual(f"--{option}" in {word.rstrip("=") for word in self.complete(f"usherctl {verb} --{option}")}, known,
                                 f"{verb} --{option} in the completion")
                self.assertEqual(bool(re.search(rf"[ ,]{verb}[:,]", explained)), known, f"{verb} --{option} in the help")
                self.assertEqual(f"*{verb}*" in manual, known, f"{verb} --{option} in the manual")

    def test_every_option_of_the_help_is_offered_somewhere(self):
        offered = {option.rstrip("=") for verb in ("", "bind ", "console ", "view ", "devices ", "show ", "reset ", "cdrom ", "create ", "import ") for option in self.complete(f"usherctl {verb}--")}
        self.assertEqual(set(re.findall(r"--[a-z-]+", self.usherctl("help").stdout)), offered)

    def test_names_from_another_host_are_not_expanded(self):
        with tempfile.TemporaryDirectory() as folder:
            fake = pathlib.Path(folder, "usherctl")
            fake.write_text(f"#!/bin/sh\necho '$(touch${{IFS}}{folder}/trap)x running'\n", encoding="utf-8")
            fake.chmod(0o755)
            self.assertEqual(len(self.complete("usherctl -H evil start ", first=folder)), 1)
            self.assertFalse(pathlib.Path(folder, "trap").exists())

    def test_an_absent_daemon_leaves_the_line_alone(self):
        self.assertEqual(self.complete("usherctl start ", DBUS_SYSTEM_BUS_ADDRESS="unix:path=/nonexistent"), [])


class AgentTest(ClientTest):
    """For a user who is not root and sits at a terminal, polkit's agent asks."""

    def start_as_user(self, *args):
        """Runs usherctl with a pkttyagent that notes its arguments and says that it is there."""
        with stand_in("pkttyagent", f'eval "exec $2>&-"\nexec sleep {2 * DEADLINE_SECONDS}') as (folder, said):
            os.chmod(folder, 0o777)
            # That user may not be allowed into the folder that this was built in.
            usherctl = shutil.copy(USHERCTL, folder)
            os.chmod(usherctl, 0o755)
            terminal = Terminal()
            process = subprocess.Popen([usherctl, *args], stdin=terminal.slave, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, text=True,
                                       env=self.environment(PATH=f"{folder}:{os.environ['PATH']}"),
                                       user=65534 if os.geteuid() == 0 else None)
            output, _ = process.communicate(timeout=DEADLINE_SECONDS)
            terminal.close_slave()
            terminal.close()
            return process.returncode, output, said()

    def test_the_agent_is_started_for_a_verb_that_changes_something_and_ended_with_it(self):
        status, output, said = self.start_as_user("start", "linux")
        self.assertEqual((status, output), (OK, ""))
        self.assertRegex(said, r"^--notify-fd \d+ --fallback$")

    def test_no_agent_is_started_to_look_or_if_nobody_shall_be_asked(self):
        self.assertEqual(self.start_as_user("list", "--no-legend")[2], "")
        self.assertEqual(self.start_as_user("start", "linux", "--no-ask-password")[2], "")


if __name__ == "__main__":
    unittest.main()
