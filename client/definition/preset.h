/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest of some kind is made of, where nobody says otherwise. */
#pragma once

#include <stdbool.h>

typedef struct Preset {
    const char *name;
    const char *memory, *cores;
    bool secure_boot; /* and a TPM, which Windows 11 asks for together */
    bool windows;     /* it has no drivers for virtio yet, and wants Hyper-V and the host's local time */
} Preset;

/* NULL: there is none of that name. */
const Preset *preset_find(const char *name);
/* Their names, NULL after the last. */
const char *const *preset_names(void);
