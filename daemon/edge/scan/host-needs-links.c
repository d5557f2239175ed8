/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../base/file.h"
#include "host-needs-private.h"

/* Some thousand routes. A router of the Internet has a million, which would take a second at each look. */
#define ROUTES_LIMIT (1024 * 1024)

/* route: the interface that the routing table names; name: that interface, or one that it is made of. */
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

/* The first of them. Of version 4 the default route is among those: the table is sorted by destination
 * (fib_route_seq_next() in net/ipv4/fib_trie.c). */
static int read_routes(const HostPlace *place, const char *name, char ***ret)
{
    g_autofree char *text = NULL;
    int r = file_read_begin_at(place->proc_fd, name, ROUTES_LIMIT, &text);

    if (r < 0 && r != -ENOENT)
        return r;
    *ret = g_strsplit(text ? text : "", "\n", -1);
    return 0;
}

int needs_note_links(const HostPlace *place, Host *host)
{
    g_auto(GStrv) lines_v4 = NULL, lines_v6 = NULL;
    int r = read_routes(place, "net/route", &lines_v4);
    if (r >= 0)
        r = read_routes(place, "net/ipv6_route", &lines_v6);
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
