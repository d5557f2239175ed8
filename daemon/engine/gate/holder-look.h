/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks who holds devices: usher-bind looks at network links, processes and disks. Nothing waits for it but
 * the callback. */
#pragma once

#include "../../core/host/holder.h"
#include "../engine.h"

typedef struct HolderLook HolderLook;

/* What a job is at meanwhile. */
#define HOLDER_LOOK_WORDS "looking who uses the devices"

/* holders (of Holder) is borrowed; NULL: fault, borrowed too, says why it could not be found out. The look
 * may be freed from within. */
typedef void (*HolderLooked)(const GPtrArray *holders, const Fault *fault, void *userdata);

/* Addresses (of char*, as sysfs writes them) are copied. claim: as holder_scan() takes it. Calls back exactly
 * once, from the loop, within half a minute; for no addresses there are no holders. */
HolderLook *holder_look_new(Engine *engine, const GPtrArray *addresses, bool claim, HolderLooked looked,
                            void *userdata);
/* No call after it. NULL is fine; returns NULL. */
HolderLook *holder_look_free(HolderLook *look);
