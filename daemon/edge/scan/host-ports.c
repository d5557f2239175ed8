/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-ports.h"

#include <arpa/inet.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "../../base/file.h"

#define SOCKETS_LIMIT (16 * 1024 * 1024)
/* TCP_LISTEN, and what a UDP socket that is bound shows (Documentation/networking/proc_net_tcp.rst). */
#define STATE_TCP_LISTEN 0x0a
#define STATE_UDP_BOUND 0x07

/* Addresses are shown as they lie in memory, word by word in hexadecimal. An all-zero IPv6 address takes IPv4
 * connections too, unless its socket says otherwise, which is not shown. */
static bool addresses_meet(const char *shown, const char *address)
{
    struct in_addr ours;
    g_autofree char *word = NULL;

    inet_pton(AF_INET, address, &ours);
    if (ours.s_addr == INADDR_ANY || strspn(shown, "0") == strlen(shown))
        return true;
    word = g_strdup_printf("%08X", ours.s_addr);
    if (strlen(shown) == 8)
        return g_str_equal(shown, word);
    /* ::ffff:a.b.c.d */
    return g_str_has_prefix(shown, "0000000000000000FFFF0000") && g_str_has_suffix(shown, word);
}

static bool listed(int proc_fd, const char *file, unsigned state, const char *address, unsigned port)
{
    g_autofree char *text = NULL;

    if (file_read_all_at(proc_fd, file, SOCKETS_LIMIT, &text, NULL) < 0)
        return false;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line; line++) {
        char shown[33];
        unsigned line_port, line_state;

        if (sscanf(*line, " %*u: %32[0-9A-F]:%x %*s %x", shown, &line_port, &line_state) == 3 &&
            line_port == port && line_state == state && addresses_meet(shown, address))
            return true;
    }
    return false;
}

bool host_port_taken(int proc_fd, bool udp, const char *address, unsigned port)
{
    if (udp)
        return listed(proc_fd, "net/udp", STATE_UDP_BOUND, address, port) ||
               listed(proc_fd, "net/udp6", STATE_UDP_BOUND, address, port);
    return listed(proc_fd, "net/tcp", STATE_TCP_LISTEN, address, port) ||
           listed(proc_fd, "net/tcp6", STATE_TCP_LISTEN, address, port);
}
