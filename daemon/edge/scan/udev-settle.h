/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waits until udev has nothing in hand: while the host boots, drivers and /dev/kvm come up by its rules. */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

typedef struct UdevSettle UdevSettle;

/* Called once, from the loop, unless freed before: when udev's queue is empty, or the time is over. */
typedef void (*UdevSettled)(void *userdata);

/* run_path: "/run/udev", in which udevd keeps a file `queue` while it has events (libudev's
 * udev_queue_get_queue_is_empty() looks there too). No such folder: no udev, nothing to wait for. */
int udev_settle_new(sd_event *event, const char *run_path, uint64_t timeout_usec, UdevSettled settled,
                    void *userdata, UdevSettle **ret);
UdevSettle *udev_settle_free(UdevSettle *settle);
