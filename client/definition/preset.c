/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "preset.h"

#include <glib.h>

static const Preset presets[] = {
    {.name = "windows11", .memory = "8G", .cores = "4", .secure_boot = true, .windows = true},
    {.name = "windows10", .memory = "8G", .cores = "4", .windows = true},
    {.name = "linux", .memory = "4G", .cores = "4"},
};

const Preset *preset_find(const char *name)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(presets); i++)
        if (g_str_equal(presets[i].name, name))
            return &presets[i];
    return NULL;
}

const char *const *preset_names(void)
{
    static const char *names[G_N_ELEMENTS(presets) + 1];

    for (unsigned i = 0; i < G_N_ELEMENTS(presets); i++)
        names[i] = presets[i].name;
    return names;
}
