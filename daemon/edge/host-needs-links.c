/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "host-needs-private.h"

/* route: the interface that the routing table names; name: it, or what it is made of. */
static void note_interface(const HostPlace *place, Host *host, const char *route, const char *name,
                           unsigned depth)
{
    g_autofree char *link = g_strdup_printf("class/net/%s", name);
    g_autofree char *path = depth < STACK_MAX ? needs_resolve(place, link) : NULL;
    if (!path)
        return;

    g_autofree char *reason = depth == 0 ? g_strdup_printf("default route over %s", route)
                                         : g_strdup_printf("default route over %s (%s)", route, name);
    if (needs_note_path(host, path, reason))
        return;
    g_auto(GStrv) entries = needs_list(place, path);
    for (char **entry = entries; *entry; entry++)
        if (g_str_has_prefix(*entry, "lower_"))
            note_interface(place, host, route, *entry + strlen("lower_"), depth + 1);
}

static bool all_zero(const char *digits)
{
    return strspn(digits, "0") == strlen(digits);
}

enum { ROUTE_UP = 0x1, ROUTE_REJECT = 0x200 }; /* RTF_UP, RTF_REJECT of route(8) */

static bool default_route_v4(const char *line, char name[static 64])
{
    char destination[16], mask[16];
    unsigned flags;

    return sscanf(line, "%63s %15s %*s %x %*s %*s %*s %15s", name, destination, &flags, mask) == 4 &&
           all_zero(destination) && all_zero(mask) && (flags & (ROUTE_UP | ROUTE_REJECT)) == ROUTE_UP;
}

static bool default_route_v6(const char *line, char name[static 64])
{
    char destination[40], length[8];
    unsigned flags;

    return sscanf(line, "%39s %7s %*s %*s %*s %*s %*s %*s %x %63s", destination, length, &flags, name) == 4 &&
           all_zero(destination) && all_zero(length) && (flags & (ROUTE_UP | ROUTE_REJECT)) == ROUTE_UP;
}

int needs_note_links(const HostPlace *place, Host *host)
{
    g_auto(GStrv) lines_v4 = NULL, lines_v6 = NULL;
    int r = needs_read_lines(place, "net/route", &lines_v4);
    if (r >= 0)
        r = needs_read_lines(place, "net/ipv6_route", &lines_v6);
    if (r < 0)
        return r;

    char name[64];
    for (char **line = lines_v4; *line; line++)
        if (default_route_v4(*line, name))
            note_interface(place, host, name, name, 0);
    for (char **line = lines_v6; *line; line++)
        if (default_route_v6(*line, name))
            note_interface(place, host, name, name, 0);
    return 0;
}
