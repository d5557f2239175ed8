/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sizes, as libvirt writes them. */
#include "libvirt-private.h"

static guint64 unit_of(const char *unit)
{
    static const struct {
        const char *unit;
        guint64 factor;
    } units[] = {
        {"b", 1},         {"bytes", 1},     {"KB", 1000},          {"k", 1 << 10},    {"K", 1 << 10},
        {"KiB", 1 << 10}, {"MB", 1000000},  {"M", 1 << 20},        {"MiB", 1 << 20},  {"GB", 1000000000},
        {"G", 1 << 30},   {"GiB", 1 << 30}, {"TB", 1000000000000}, {"T", 1ull << 40}, {"TiB", 1ull << 40}};

    for (size_t i = 0; unit && i < G_N_ELEMENTS(units); i++)
        if (g_ascii_strcasecmp(units[i].unit, unit) == 0)
            return units[i].factor;
    /* libvirt's default. */
    return 1 << 10;
}

guint64 libvirt_bytes(Node *element, const char *value)
{
    return wish_parse_size(value ?: "", unit_of(node_take(element, "@unit")));
}
