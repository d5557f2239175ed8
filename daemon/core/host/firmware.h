/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* UEFI firmware as the host's distribution describes it, a JSON file for each build
 * (docs/interop/firmware.json of QEMU's), and which of them a guest gets. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* One that a guest of ours can boot: images of flash memory for q35 on x86_64, raw or qcow2. */
typedef struct Firmware {
    char *source;   /* the descriptor, for messages */
    char *code;     /* the image that is read; NULL: the guest's copy of the template has the code, too */
    char *template; /* the variables as they are at first: each guest has a copy of its own; NULL: it keeps
                       none */
    bool code_qcow2, template_qcow2;
    bool secure_boot, enrolled_keys;
    bool needs_smm;
    bool pinned; /* a definition names the images: usherd does not touch them */
} Firmware;

/* NULL if the descriptor describes none of that kind, or is not a descriptor at all. */
Firmware *firmware_parse(const char *source, const char *text, size_t size);

/* The same, appended to a GPtrArray of Firmware; false. For descriptor_list(). */
bool firmware_take(const char *source, const char *text, size_t size, void *firmwares);

/* The first that fits, of those in the order of their files' names; one that keeps variables comes before
 * those that do not. enrolled_keys: with secure boot, whether it has keys, as without any it checks nothing
 * before the guest's owner has enrolled his own. Without secure boot it must not know of it. NULL: none fits.
 * Borrowed. */
const Firmware *firmware_choose(const GPtrArray *firmwares, bool secure_boot, bool enrolled_keys);

Firmware *firmware_copy(const Firmware *firmware);
/* NULL is fine; returns NULL. */
Firmware *firmware_free(Firmware *firmware);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Firmware, firmware_free)
