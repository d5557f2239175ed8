/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "holder-links.h"

#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/file.h"

#define ROUTES_LIMIT (16 * 1024 * 1024)

static char **read_lines(const HostPlace *place, const char *name)
{
    g_autofree char *text = NULL;
    if (file_read_all_at(place->proc_fd, name, ROUTES_LIMIT, &text, NULL) < 0)
        return g_new0(char *, 1);
    return g_strsplit(text, "\n", -1);
}

/* The names of the interfaces that routes go over. What every link that is up has by itself does not count:
 * the routes of version 6 to its neighbours and to many at once. */
static GHashTable *read_routed(const HostPlace *place)
{
    GHashTable *routed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_auto(GStrv) lines_v4 = read_lines(place, "net/route"), lines_v6 = read_lines(place, "net/ipv6_route");
    char name[64], destination[40];

    /* The heading names an interface called "Iface", which is nobody's. */
    for (char **line = lines_v4; *line; line++)
        if (sscanf(*line, "%63s %39s", name, destination) == 2)
            g_hash_table_add(routed, g_strdup(name));
    for (char **line = lines_v6; *line; line++)
        if (sscanf(*line, "%39s %*s %*s %*s %*s %*s %*s %*s %*s %63s", destination, name) == 2 &&
            !g_str_has_prefix(destination, "fe80") && !g_str_has_prefix(destination, "ff00"))
            g_hash_table_add(routed, g_strdup(name));
    return routed;
}

/* The function that an interface belongs to, of those asked for; NULL for none. */
static const char *owner_of(const HostPlace *place, const char *name, char *const *addresses)
{
    g_autofree char *link = g_strdup_printf("class/net/%s", name);
    char target[PATH_MAX];
    ssize_t n = readlinkat(place->sys_fd, link, target, sizeof(target) - 1);
    if (n < 0)
        return NULL;
    target[n] = '\0';

    for (char *const *address = addresses; *address; address++) {
        g_autofree char *part = g_strdup_printf("/%s/", *address);
        if (strstr(target, part))
            return *address;
    }
    return NULL;
}

static bool is_up(const HostPlace *place, const char *name)
{
    g_autofree char *path = g_strdup_printf("class/net/%s/flags", name), *text = NULL;
    return file_read_value_at(place->sys_fd, path, &text) >= 0 && strtoul(text, NULL, 16) & IFF_UP;
}

static bool has_master(const HostPlace *place, const char *name)
{
    g_autofree char *path = g_strdup_printf("class/net/%s/master", name);
    return faccessat(place->sys_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int holder_links_add(const HostPlace *place, char *const *addresses, GPtrArray *holders)
{
    g_auto(GStrv) names = NULL;
    int r = file_list_at(place->sys_fd, "class/net", &names);
    if (r < 0)
        return r == -ENOENT ? 0 : r;

    g_autoptr(GHashTable) routed = read_routed(place);
    for (char **name = names; *name; name++) {
        const char *address = owner_of(place, *name, addresses);
        if (address && is_up(place, *name) &&
            (has_master(place, *name) || g_hash_table_contains(routed, *name)))
            g_ptr_array_add(holders, holder_new(HOLDER_LINK, address, *name, 0, NULL, NULL, NULL));
    }
    return 0;
}
