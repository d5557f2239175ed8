/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Base= of [Clock]. */
#include <string.h>

#include "machine.h"
#include "value.h"

/* Names of files below zoneinfo: "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "CET". Not
 * the rules and offsets that GLib takes for zones, too ("EST5EDT,M3.2.0", "+05:30"): a name without a folder
 * has letters alone, and no part begins with a dot. */
static bool may_be_zone(const char *text)
{
    bool folder = strchr(text, '/') != NULL, start = true;

    for (const char *c = text; *c; c++) {
        bool letter = g_ascii_isalpha(*c);

        if (start ? !letter : !letter && (!folder || !(g_ascii_isdigit(*c) || strchr("/_+-", *c))))
            return false;
        start = *c == '/';
    }
    return !start;
}

bool value_set_clock(const DefinitionKey *key, const char *text, void *field, char **ret_hint)
{
    char **string = field;

    if (strlen(text) > key->max || !may_be_zone(text))
        return false;
    g_free(*string);
    *string = g_strdup(text);
    return true;
}

const char *definition_zone(const DefinitionMachine *machine)
{
    bool zone =
        !g_str_equal(machine->clock.base, CLOCK_UTC) && !g_str_equal(machine->clock.base, CLOCK_LOCAL);

    return zone ? machine->clock.base : NULL;
}
