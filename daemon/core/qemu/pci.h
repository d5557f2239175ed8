/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices of the host behind root ports of their own, on QEMU's command line and plugged in later: the same
 * names and the same properties either way. A slot is a root port and what is behind it; the port's id in
 * QEMU is "port-" and the slot's name, the ids of the functions are the slot's name with "-0", "-1", … */
#pragma once

#include <json-c/json.h>

#include "../plan/plan.h"

/* Slots that are empty when the guest starts: "spare-0", "spare-1", … */
#define QEMU_SPARE_SLOT "spare-"
#define QEMU_PORT_PREFIX "port-"

/* "pci-gpu": the slot that is the device's own if it has a section in the definition. The caller frees it. */
char *qemu_pci_slot(const PlanDevice *device);

/* Which function of which slot an id names; false if it is none of ours. The caller frees the slot. */
bool qemu_pci_parse_id(const char *id, char **ret_slot, unsigned *ret_function);

/* The object that devices with iommufd share, as -object and object-add take it. fd: the number of its
 * descriptor, or the name that getfd gave it. Not "iommufd": QEMU looks for a bare name along all paths, and
 * each device has a link of that name to the object, so a second device would find it twice
 * (object_resolve_partial_path() of its qom/object.c). */
#define QEMU_IOMMUFD_ID "iommufd0"
struct json_object *qemu_iommufd(const char *fd);

/* A function as -device and device_add take it. rom: where QEMU finds the file of ROM=, read once; NULL:
 * none. fd: likewise that of the function's own node; NULL: QEMU opens the node of its group. */
struct json_object *qemu_pci_function(const PlanDevice *device, const char *slot, unsigned function,
                                      const char *rom, const char *fd);
