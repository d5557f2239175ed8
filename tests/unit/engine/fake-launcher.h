/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stand-in for daemon/edge/launcher*.c, linked instead of them: starts nothing, and lets the test decide
 * what happens to each request. tests/unit/edge/test-launcher-*.c hold the real ones to the same contract.
 * The real ones cannot be had at certain moments: a launcher that dies before it connects, a process that
 * ends between two messages, a modprobe that hangs, systemd that does not know what became of a unit. */
#pragma once

#include "../../../daemon/edge/launcher/launcher.h"
#include "../fake-host.h"

/* Freed by launcher_free(). Its name is "systemd". */
Launcher *fake_launcher_new(sd_event *event, FakeHost *host);

/* How often a start (a stop) of the guest was asked for. */
unsigned fake_launcher_starts(const Launcher *launcher, const char *guest);
unsigned fake_launcher_stops(const Launcher *launcher, const char *guest);
/* The last signal that the guest was sent; 0: none. A watched process that gets SIGKILL ends. */
int fake_launcher_signal(const Launcher *launcher, const char *guest);

/* From now on there are no answers before fake_launcher_answer(), as if systemd were busy. */
void fake_launcher_be_late(Launcher *launcher);
/* Gives all waiting answers from the loop, each so many times, except those that their owner has forgotten.
 * Later questions are answered at once again. */
void fake_launcher_answer(Launcher *launcher, unsigned times);

/* Refuses starts, for this reason. */
void fake_launcher_refuse(Launcher *launcher, int error, const char *message);
/* The unit fails before its launcher has connected. */
void fake_launcher_fail(Launcher *launcher, const char *guest, const char *message);
/* The unit fails in this way as soon as it is killed. */
void fake_launcher_fail_when_killed(Launcher *launcher);
/* A watched process ends. */
void fake_launcher_exit(Launcher *launcher, const char *guest, const LauncherExit *exit);
bool fake_launcher_watches(const Launcher *launcher, const char *guest);
/* What launcher_find() finds. */
void fake_launcher_found(Launcher *launcher, const char *guest, pid_t pid);

/* A unit of the host's is in this state ("active"), loaded, and transient or not. Stopping and starting it
 * succeed, unless it is stubborn. */
void fake_launcher_unit(Launcher *launcher, const char *unit, const char *state, bool transient,
                        bool stubborn);
const char *fake_launcher_unit_state(const Launcher *launcher, const char *unit);

/* Modules are missing; or (hang) modprobe never comes back. */
void fake_launcher_break_modules(Launcher *launcher, bool hang);
