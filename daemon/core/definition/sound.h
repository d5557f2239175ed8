/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who plays what a guest has to say. */
#pragma once

#include <errno.h>
#include <stdbool.h>

/* The sound server that plays for the guest. QEMU speaks PulseAudio's protocol with the first two; with SPICE
 * the viewer plays, and nobody with the last. */
typedef enum SoundType {
    SOUND_NONE,
    SOUND_PIPEWIRE,
    SOUND_PULSEAUDIO,
    SOUND_SPICE,
    SOUND_SILENT,
    SOUND_MAX,
    SOUND_INVALID = -EINVAL,
} SoundType;

typedef struct DefinitionSound {
    SoundType type; /* default none */
    char *socket;   /* absolute; of a sound server */
    bool optional;  /* default yes: nobody hears the guest if there is no server */
    bool absent;    /* there is none now: definition_set_absent() */
} DefinitionSound;
