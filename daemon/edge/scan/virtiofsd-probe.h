/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finds the host's virtiofsd, and asks it what it can do: the first of those that are there, and if it cannot
 * be used, the next. The answer is valid as long as the paths of all, and inode, size and mtime, are the
 * same; else they are asked anew, while the loop goes on. */
#pragma once

#include <systemd/sd-event.h>

#include "../../core/qemu/virtiofsd.h"

/* How long each may take, until it is killed and counts as one that cannot be used. */
#define VIRTIOFSD_PROBE_DEADLINE_USEC (10 * G_USEC_PER_SEC)

typedef struct VirtiofsdProbe VirtiofsdProbe;

/* Where it may be; all are borrowed and NULL-terminated. */
typedef struct VirtiofsdPlaces {
    const char *const *descriptors; /* folders, the one that counts most first */
    const char *const *programs;    /* tried in this order, after those that are described */
} VirtiofsdPlaces;

/* Those of this system. */
extern const VirtiofsdPlaces virtiofsd_places;

VirtiofsdProbe *virtiofsd_probe_new(sd_event *event, const VirtiofsdPlaces *places);
/* NULL is fine; returns NULL. */
VirtiofsdProbe *virtiofsd_probe_free(VirtiofsdProbe *probe);

/* Runs the loop until what there is has answered; for before anybody else is served. 0 or -errno. */
int virtiofsd_probe_settle(VirtiofsdProbe *probe);

/* What there is now. NULL: none, or one that has not answered yet, which *ret_asked tells. probe may be NULL.
 * Borrowed, valid until the loop runs. */
const Virtiofsd *virtiofsd_probe_known(VirtiofsdProbe *probe, bool *ret_asked);
