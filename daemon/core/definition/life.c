/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "life.h"

#include <glib.h>

static const char *const end_names[GUEST_END_MAX] = {
    [GUEST_END_OTHER] = "other",
    [GUEST_END_REBOOT] = "reboot",
    [GUEST_END_POWER_OFF] = "power-off",
    [GUEST_END_CRASH] = "crash",
};

bool life_goes_on(const DefinitionLife *life, GuestEnd end)
{
    switch (end) {
    case GUEST_END_REBOOT:
        return life->reboot != REBOOT_STOP;
    case GUEST_END_POWER_OFF:
        return life->power_off_restarts;
    case GUEST_END_CRASH:
        return life->crash_restarts;
    default:
        return false;
    }
}

const char *guest_end_to_string(GuestEnd end)
{
    return (unsigned)end < GUEST_END_MAX ? end_names[end] : NULL;
}

GuestEnd guest_end_from_string(const char *word)
{
    for (GuestEnd end = 0; end < GUEST_END_MAX; end++)
        if (g_str_equal(word, end_names[end]))
            return end;
    return GUEST_END_INVALID;
}
