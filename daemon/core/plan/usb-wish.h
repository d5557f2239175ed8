/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which USB device a section [USB] means, and whether a guest may have it. */
#pragma once

#include "../../base/fault.h"
#include "../definition/handle.h"
#include "../host/host.h"

/* "046d:0a8f at port 1-2", as the section says it. The caller frees it. */
char *usb_wish_describe(const DefinitionUsb *wish);

/* The device that a section means; *ret NULL: it is not plugged in. FAULT_RAISED with REFUSED: it fits
 * several, which are named. */
int usb_find(const Host *host, const char *guest, const DefinitionUsb *wish, const HostUsb **ret,
             Fault **ret_fault);

/* FAULT_RAISED with REFUSED (a hub) or IN_USE: by the host, by another guest. */
int usb_judge(const HostUsb *usb, const char *guest, const DefinitionUsb *wish, Fault **ret_fault);
