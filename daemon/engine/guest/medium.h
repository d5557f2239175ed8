/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes what is in a guest's CD drives: the image goes to QEMU as a descriptor (add-fd), the drive takes it
 * from there (blockdev-change-medium, eject), and the descriptor is given up again, as the drive has its own
 * by then. */
#pragma once

#include "../engine.h"
#include "control.h"
#include "qemu-link.h"

typedef struct Medium Medium;

/* guest, its name, and link are borrowed. */
Medium *medium_new(Engine *engine, const char *guest, QemuLink *link);
/* A change under way is dropped without a call. NULL is fine; returns NULL. */
Medium *medium_free(Medium *medium);

/* Puts the image fd into a drive, or with fd -1 takes out what is in it. cdroms: of DefinitionCdrom,
 * borrowed; NULL: none. drive: which of them; "": the only one. fd is taken over in every case. QEMU
 * must hear (qemu_link_hears()). FAULT_NO_SUCH_DEVICE; FAULT_BAD_OPTION: fd is no image, or may
 * be written to; FAULT_IN_USE: another guest writes to it; FAULT_BUSY: one change at a time. */
int medium_change(Medium *medium, const GPtrArray *cdroms, const char *drive, int fd, bool force,
                  GuestControlled changed, void *userdata, Fault **ret_fault);

/* QEMU's DEVICE_TRAY_MOVED. */
void medium_tray_moved(Medium *medium, struct json_object *data);
/* The connection is gone: a change under way fails. */
void medium_drop(Medium *medium);
