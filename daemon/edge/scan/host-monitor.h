/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tells when a PCI function comes, goes, or changes its driver, or an input or USB device comes or goes, from
 * udev's netlink messages (never by reading uevent files); from the kernel's own where no udevd runs. */
#pragma once

#include <systemd/sd-event.h>

typedef struct HostMonitor HostMonitor;

/* action: "add", "remove", "bind", "unbind", "change"; address as sysfs writes it,
 * or the name of an input device ("event5") or a USB device ("1-2.3"). When messages were lost:
 * "change" with the address "", which means look at everything anew. The monitor may be freed from within. */
typedef void (*HostMonitorHandler)(const char *action, const char *address, void *userdata);

int host_monitor_new(sd_event *event, HostMonitorHandler handler, void *userdata, HostMonitor **ret);
HostMonitor *host_monitor_free(HostMonitor *monitor);
