/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "holder-links.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../base/file.h"
#include "../../base/log.h"
#include "../../core/host/link-map.h"
#include "netlink-dump.h"

#define PPPOE_LIMIT (1024 * 1024)

/* A network namespace while it is read. */
typedef struct Space {
    LinkMap *map;
    int number;
} Space;

static int on_message(const struct nlmsghdr *message, void *userdata)
{
    const Space *space = userdata;

    return link_map_read(space->map, space->number, message);
}

static int dump(LinkMap *map, uint16_t type, unsigned char family, int number)
{
    Space space = {.map = map, .number = number};

    return netlink_dump(type, family, number, on_message, &space);
}

/* Routes are asked for only if they matter: a router may have a million of them. */
static int read_routes(LinkMap *map)
{
    int r = dump(map, RTM_GETROUTE, AF_INET, LINK_OWN);
    if (r >= 0)
        r = dump(map, RTM_GETROUTE, AF_INET6, LINK_OWN);
    if (r >= 0)
        r = dump(map, RTM_GETNEXTHOP, AF_UNSPEC, LINK_OWN);
    return r == -EOPNOTSUPP ? 0 : r;
}

/* Other network namespaces. */

/* Adds the namespaces that have a process, each with one of its processes. */
static void read_processes(const HolderPlace *place, GHashTable *spaces)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_auto(GStrv) names = NULL;
    char *own = NULL;
    if (file_link_name_at(place->proc_fd, "self/ns/net", &own) < 0 ||
        file_list_at(place->proc_fd, ".", &names) < 0)
        return;

    g_hash_table_add(seen, own);
    for (char **name = names; *name; name++) {
        g_autofree char *path = g_strdup_printf("%s/ns/net", *name);
        char *space = NULL;
        guint64 pid;
        if (!g_ascii_string_to_unsigned(*name, 10, 1, G_MAXINT, &pid, NULL) ||
            file_link_name_at(place->proc_fd, path, &space) < 0 || !g_hash_table_add(seen, space))
            continue;
        int number = netlink_space_of(pid);
        if (number >= 0)
            g_hash_table_insert(spaces, GINT_TO_POINTER(number), GINT_TO_POINTER((int)pid));
        else if (number != -ESRCH)
            log_warning("cannot see the network links of process %d: %s", (int)pid, g_strerror(-number));
    }
}

/* The numbers of all other namespaces, each with a process that stands for it; 0 for none. */
static int read_spaces(const HolderPlace *place, GHashTable **ret)
{
    g_autoptr(GHashTable) spaces = g_hash_table_new(NULL, NULL);
    g_autoptr(GArray) numbers = NULL;
    int r = netlink_spaces(&numbers);
    if (r < 0)
        return r;

    for (unsigned i = 0; i < numbers->len; i++)
        g_hash_table_insert(spaces, GINT_TO_POINTER(g_array_index(numbers, int, i)), NULL);
    read_processes(place, spaces);
    g_hash_table_remove(spaces, GINT_TO_POINTER(netlink_space_own()));
    *ret = g_steal_pointer(&spaces);
    return 0;
}

static int read_links(LinkMap *map, GHashTable *spaces)
{
    GHashTableIter iter;
    gpointer number;
    int r = dump(map, RTM_GETLINK, AF_UNSPEC, LINK_OWN);

    g_hash_table_iter_init(&iter, spaces);
    while (r >= 0 && g_hash_table_iter_next(&iter, &number, NULL)) {
        int read = dump(map, RTM_GETLINK, AF_UNSPEC, GPOINTER_TO_INT(number));
        /* A namespace that went meanwhile has no links; without CAP_NET_ADMIN they cannot be seen. */
        if (read == -EPERM || read == -EACCES)
            log_warning("cannot see the network links of namespace %d: %s", GPOINTER_TO_INT(number),
                        g_strerror(-read));
    }
    return r;
}

/* What netlink does not tell of our own namespace. */

static void read_uppers(const HolderPlace *place, LinkMap *map)
{
    const GPtrArray *links = link_map_links(map);

    for (unsigned i = 0; i < links->len; i++) {
        const Link *link = g_ptr_array_index(links, i);
        g_autofree char *folder = g_strdup_printf("class/net/%s", link->name);
        g_auto(GStrv) entries = NULL;
        if (link->space != LINK_OWN || file_list_at(place->sys_fd, folder, &entries) < 0)
            continue;
        for (char **entry = entries; *entry; entry++)
            if (g_str_has_prefix(*entry, "upper_"))
                link_map_stack(map, link->name, *entry + strlen("upper_"));
    }
}

/* A session over Ethernet is a socket: no link is above, and pppN tells of none below (pppoe_seq_show() in
 * pppoe.c). */
static void read_sessions(const HolderPlace *place, LinkMap *map)
{
    g_autofree char *text = NULL;
    if (file_read_all_at(place->proc_fd, "net/pppoe", PPPOE_LIMIT, &text, NULL) < 0)
        return;

    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    char name[64];
    for (char **line = lines; *line; line++)
        if (sscanf(*line, "%*s %*s %63s", name) == 1)
            link_map_note_sessions(map, name, "PPPoE");
}

/* Whose a link is. */

/* The function on a sysfs path, if it was asked for; else NULL. */
static const char *function_on(const HolderPlace *place, const char *path, char *const *addresses)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(place->sys_fd, path, target, sizeof(target) - 2);
    if (n < 0)
        return NULL;
    target[n] = '/';
    target[n + 1] = '\0';

    for (char *const *address = addresses; *address; address++) {
        g_autofree char *part = g_strdup_printf("/%s/", *address);
        if (strstr(target, part))
            return *address;
    }
    return NULL;
}

/* The function that a link belongs to. A link of our own namespace is found by name, unless another has the
 * name by now; sysfs shows no others, so those are found by their device. */
static const char *owner_of(const HolderPlace *place, const Link *link, char *const *addresses)
{
    g_autofree char *path = NULL, *index = NULL;
    if (link->space != LINK_OWN) {
        path = g_strdup_printf("bus/%s/devices/%s", link->bus, link->parent);
        return link->bus && link->parent ? function_on(place, path, addresses) : NULL;
    }

    path = g_strdup_printf("class/net/%s/ifindex", link->name);
    if (file_read_value_at(place->sys_fd, path, &index) < 0 || strtoul(index, NULL, 10) != link->index)
        return NULL;
    *strrchr(path, '/') = '\0';
    return function_on(place, path, addresses);
}

/* Words. */

static char *describe(const Link *link, const LinkUse *use)
{
    g_autofree char *table = use->table == RT_TABLE_MAIN || use->table == 0
                                 ? g_strdup("")
                                 : g_strdup_printf(" in table %u", use->table);

    if (use->table > 0 && use->link == link)
        return g_strdup_printf("default route over %s%s", link->name, table);
    if (use->table > 0)
        return g_strdup_printf("default route over %s (%s)%s", use->link->name, link->name, table);
    if (use->sessions)
        return g_strdup_printf("%s on %s", use->sessions, link->name);
    if (use->link == link)
        return g_strdup(link->name);
    return g_strdup_printf("%s on %s", use->link->name, link->name);
}

/* A process that lives in another namespace stands for what is used there. */
static Holder *name_process(const HolderPlace *place, const char *address, const char *what, int pid)
{
    g_autofree char *command_path = g_strdup_printf("%d/comm", pid),
                    *cgroup_path = g_strdup_printf("%d/cgroup", pid);
    g_autofree char *command = NULL, *cgroup = NULL, *unit = NULL, *session = NULL;

    if (file_read_value_at(place->proc_fd, command_path, &command) < 0)
        command = g_strdup("?");
    holder_place(file_read_value_at(place->proc_fd, cgroup_path, &cgroup) < 0 ? "" : cgroup, &unit, &session);
    return holder_new(HOLDER_LINK, address, what, pid, command, unit, session);
}

static void add_uses(const HolderPlace *place, const LinkMap *map, GHashTable *spaces, const Link *link,
                     const char *address, GPtrArray *holders)
{
    g_autoptr(GPtrArray) uses = link_map_uses(map, link);

    for (unsigned i = 0; i < uses->len; i++) {
        const LinkUse *use = g_ptr_array_index(uses, i);
        g_autofree char *what = describe(link, use);
        int pid = GPOINTER_TO_INT(g_hash_table_lookup(spaces, GINT_TO_POINTER(use->link->space)));
        Holder *holder = pid > 0 ? name_process(place, address, what, pid)
                                 : holder_new(use->table > 0 ? HOLDER_HOST : HOLDER_LINK, address, what, 0,
                                              NULL, NULL, NULL);
        g_ptr_array_add(holders, holder);
    }
}

int holder_links_add(const HolderPlace *place, char *const *addresses, GPtrArray *holders)
{
    g_autoptr(LinkMap) map = link_map_new();
    g_autoptr(GHashTable) owned = g_hash_table_new(NULL, NULL), spaces = NULL;
    int r = read_spaces(place, &spaces);
    if (r >= 0)
        r = read_links(map, spaces);
    if (r < 0)
        return r;

    const GPtrArray *links = link_map_links(map);
    for (unsigned i = 0; i < links->len; i++) {
        const Link *link = g_ptr_array_index(links, i);
        const char *address = owner_of(place, link, addresses);
        if (address)
            g_hash_table_insert(owned, (gpointer)link, (gpointer)address);
    }
    r = g_hash_table_size(owned) > 0 ? read_routes(map) : 0;
    if (r < 0)
        return r;
    read_uppers(place, map);
    read_sessions(place, map);
    link_map_connect(map, netlink_space_own());
    for (unsigned i = 0; i < links->len; i++) {
        const char *address = g_hash_table_lookup(owned, g_ptr_array_index(links, i));
        if (address)
            add_uses(place, map, spaces, g_ptr_array_index(links, i), address, holders);
    }
    return 0;
}
