/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks a QEMU binary what it can do: starts it with -machine none over QMP on a socketpair, asynchronously;
 * the answer is cached in a file and valid as long as path, binary and modules are the same. */
#pragma once

#include <systemd/sd-event.h>

#include "../../core/qemu/facts.h"

/* How long QEMU may take, until it is killed. */
#define QEMU_PROBE_DEADLINE_USEC (20 * G_USEC_PER_SEC)

typedef struct QemuProbe QemuProbe;

/* facts NULL: message says why ("/usr/bin/qemu-system-x86_64: No such file or directory"). Called exactly
 * once for each qemu_probe_get(), from the loop or, where the answer is known, from within; not after
 * qemu_probe_forget() or qemu_probe_free(). facts are borrowed, valid until the callback returns. */
typedef void (*QemuProbed)(const QemuFacts *facts, const char *message, void *userdata);

/* cache_dir_fd is borrowed; -1: no cache. path: the program ("/usr/bin/qemu-system-x86_64"). */
QemuProbe *qemu_probe_new(sd_event *event, const char *path, int cache_dir_fd);
/* Kills a QEMU that is being asked. Questions without an answer are dropped. */
QemuProbe *qemu_probe_free(QemuProbe *probe);
/* Another deadline than QEMU_PROBE_DEADLINE_USEC, from the next start on. */
void qemu_probe_set_deadline(QemuProbe *probe, uint64_t usec);

/* Why it could not be asked when it was asked last; NULL: it answered, or nobody has asked. Borrowed, valid
 * until the loop runs. */
const char *qemu_probe_failure(const QemuProbe *probe);
void qemu_probe_get(QemuProbe *probe, QemuProbed probed, void *userdata);
/* No call with this userdata any more: for who goes before the answer comes. Fine if nothing is asked. */
void qemu_probe_forget(QemuProbe *probe, const void *userdata);
/* What is known now without asking; NULL if nothing is, or if the binary or a module has changed since.
 * Borrowed, valid until the loop runs. */
const QemuFacts *qemu_probe_known(QemuProbe *probe);
