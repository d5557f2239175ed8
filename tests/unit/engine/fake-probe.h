/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stand-in for daemon/edge/qemu/qemu-probe.c, linked instead of it: what it says QEMU can do is known at once,
 * as thousands of starts are tried and none of them starts a QEMU; or it is told when the test says so: late,
 * twice, never, after who asked has gone. The real one is held to the same contract by
 * tests/unit/edge/test-qemu-probe.c. */
#pragma once

#include "../../../daemon/edge/qemu/qemu-probe.h"

QemuProbe *fake_probe_new(void);
void fake_probe_free(QemuProbe *probe);

/* From now on questions wait for fake_probe_answer(). */
void fake_probe_be_late(QemuProbe *probe);
/* How many were asked and have not been answered, those included whose asker has gone. */
unsigned fake_probe_waiting(const QemuProbe *probe);
/* Answers the oldest so often; to one whose asker has gone it says nothing. message: QEMU cannot be asked, as
 * where it does not answer in time; NULL: it can. */
void fake_probe_answer(QemuProbe *probe, unsigned times, const char *message);
