/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stand-in for daemon/edge/qemu/qemu-probe.c, linked instead of it. It answers at once what QEMU can do, as
 * thousands of starts are tried and none starts a QEMU; or when the test says so: late, twice, never, after
 * the asker has gone. tests/unit/edge/test-qemu-probe.c holds the real one to the same contract. */
#pragma once

#include "../../../daemon/edge/qemu/qemu-probe.h"

QemuProbe *fake_probe_new(void);
void fake_probe_free(QemuProbe *probe);

/* Somebody has asked meanwhile: what QEMU can do is known. */
void fake_probe_learn(QemuProbe *probe);
/* From now on questions wait for fake_probe_answer(). */
void fake_probe_be_late(QemuProbe *probe);
/* How many questions have no answer yet, including those whose asker has gone. */
unsigned fake_probe_waiting(const QemuProbe *probe);
/* Answers the oldest question so many times, unless its asker has gone. message: QEMU cannot be asked, as if
 * it did not answer in time; NULL: it can. */
void fake_probe_answer(QemuProbe *probe, unsigned times, const char *message);
