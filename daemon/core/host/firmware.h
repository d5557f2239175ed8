/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* UEFI firmware as the host's distribution describes it, a JSON file for each build
 * (docs/interop/firmware.json of QEMU's), and which of them a guest gets. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* One that a guest of ours can boot: for q35 on x86_64, two raw images of flash memory. */
typedef struct Firmware {
    char *source;   /* the descriptor, for messages */
    char *code;     /* the image that is read */
    char *template; /* the variables as they are at first: each guest has a copy of its own */
    bool secure_boot, enrolled_keys;
    bool needs_smm;
} Firmware;

/* NULL if the descriptor describes none of that kind, or is not a descriptor at all. */
Firmware *firmware_parse(const char *source, const char *text, size_t size);

/* The first that fits, of those in the order of their files' names. With secure boot it must have keys
 * enrolled, as without any it checks nothing; without, it must not know of it. NULL: none fits. Borrowed. */
const Firmware *firmware_choose(const GPtrArray *firmwares, bool secure_boot);

Firmware *firmware_copy(const Firmware *firmware);
/* NULL is fine; returns NULL. */
Firmware *firmware_free(Firmware *firmware);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Firmware, firmware_free)
