/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The values that are about CPUs. */
#include <string.h>

#include "../host/cpu-list.h"
#include "value.h"

/* Names go into -cpu, where a comma would begin another property and an equals sign end this one's name. */
static bool feature_valid(const char *name)
{
    if (!g_ascii_isalnum(name[0]))
        return false;
    for (const char *c = name; *c; c++)
        if (!g_ascii_islower(*c) && !g_ascii_isdigit(*c) && !strchr("._-", *c))
            return false;
    return true;
}

/* "vendor=GenuineIntel": a property with a value, which is a word. */
static bool property_valid(const char *property)
{
    g_auto(GStrv) halves = g_strsplit(property, "=", 2);

    if (g_strv_length(halves) != 2 || !feature_valid(halves[0]) || *halves[1] == '\0')
        return false;
    for (const char *c = halves[1]; *c; c++)
        if (!g_ascii_isalnum(*c) && !strchr("._-", *c))
            return false;
    return true;
}

bool value_set_features(const DefinitionKey *key, const char *text, void *field, char **ret_hint)
{
    g_auto(GStrv) parts = g_strsplit(text, ",", -1);
    g_autoptr(GString) all = g_string_new(NULL);

    for (char **part = parts; *part; part++) {
        const char *feature = g_strstrip(*part);
        if (property_valid(feature)) {
            g_string_append_printf(all, "%s%s", all->len > 0 ? "," : "", feature);
            continue;
        }
        if (feature[0] != '+' && feature[0] != '-') {
            if (feature_valid(feature))
                *ret_hint = g_strdup_printf("write +%s or -%s", feature, feature);
            return false;
        }
        if (!feature_valid(feature + 1))
            return false;
        g_string_append_printf(all, "%s%s=%s", all->len > 0 ? "," : "", feature + 1,
                               feature[0] == '+' ? "on" : "off");
    }
    if (strlen(text) > key->max)
        return false;
    g_free(*(char **)field);
    *(char **)field = g_strdup(all->str);
    return true;
}

bool value_set_cpus(const DefinitionKey *key, const char *text, void *field, char **ret_hint)
{
    g_autoptr(GArray) list = cpu_list_parse(text);

    if (!list)
        return false;
    g_free(*(char **)field);
    *(char **)field = g_strdup(text);
    return true;
}
