/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What somebody asks for when he asks for a device: functions of one slot, as the snapshot knows them. */
#pragma once

#include "../../base/fault.h"
#include "../host/host.h"

typedef struct BindWish {
    PciAddress address;
    uint8_t functions;          /* bit n: function n of the slot; 0: all that are there */
    unsigned virtual_functions; /* this many of the device, which stays with the host; 0: the device itself */
    bool whole_group;           /* bind what else lives in the group too, unused */
    char *
        *may_stop; /* units that may be stopped for it; NULL: none. Borrowed; for who carries the plan out */
} BindWish;

/* The functions that a wish means, ascending; an array of HostDevice* of the snapshot that the caller frees,
 * never empty. All functions of a slot are those of its card: a virtual function (SR-IOV) comes alone, and
 * none comes along, as they are lent one by one. A slot that has a display and more than a graphics card has
 * is an APU's: of it, those for picture and sound are meant, or the named one alone. FAULT_RAISED with
 * NO_SUCH_DEVICE (the remedy names what is nearby), REFUSED (a bridge), NO_IOMMU (no IOMMU, no group, or
 * vfio's no-IOMMU mode, which isolates nothing). */
int wish_resolve(const Host *host, const BindWish *wish, GPtrArray **ret, Fault **ret_fault);

/* The functions of the slot that a wish for all of them left to the host, as they are none of the card;
 * likewise an array that the caller frees. functions: as wish_resolve() gave them. */
GPtrArray *wish_left(const Host *host, const BindWish *wish, const GPtrArray *functions);
