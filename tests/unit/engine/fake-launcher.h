/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stand-in for daemon/edge/launcher*.c, linked instead of them: starts nothing, and lets the test say what
 * becomes of what was asked for. The real ones are held to the same contract by
 * tests/unit/edge/test-launcher-*.c; what cannot be had from them are the moments: a launcher that dies
 * before it connects, a process that ends between two messages, a modprobe that hangs, systemd that does not
 * know what became of a unit. */
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

/* From now on nothing is told until fake_launcher_answer(), as where systemd is busy. */
void fake_launcher_be_late(Launcher *launcher);
/* Tells from the loop what has waited until now, so often each; what its owner has forgotten is not told.
 * Later questions are answered at once again. */
void fake_launcher_answer(Launcher *launcher, unsigned times);

/* Starts are not accepted, for this reason. */
void fake_launcher_refuse(Launcher *launcher, int error, const char *message);
/* The unit fails before its launcher has connected. */
void fake_launcher_fail(Launcher *launcher, const char *guest, const char *message);
/* It fails so as soon as it is killed. */
void fake_launcher_fail_when_killed(Launcher *launcher);
/* A watched process ends. */
void fake_launcher_exit(Launcher *launcher, const char *guest, const LauncherExit *exit);
bool fake_launcher_watches(const Launcher *launcher, const char *guest);
/* What launcher_find() finds. */
void fake_launcher_found(Launcher *launcher, const char *guest, pid_t pid);

/* A unit of the host's is in that state ("active"), loaded, and transient or not. Stops and starts of it
 * succeed, unless it is stubborn. */
void fake_launcher_unit(Launcher *launcher, const char *unit, const char *state, bool transient,
                        bool stubborn);
const char *fake_launcher_unit_state(const Launcher *launcher, const char *unit);

/* Modules are not there; or (hang) modprobe never comes back. */
void fake_launcher_break_modules(Launcher *launcher, bool hang);
