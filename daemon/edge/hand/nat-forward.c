/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "nat-forward.h"

#include <errno.h>
#include <glib.h>
#include <unistd.h>

#include "../../base/file.h"

#define FORWARD "sys/net/ipv4/ip_forward"
#define CONF "sys/net/ipv4/conf"
/* There while it is us who switched forwarding on. A line for each value to put back: "1 eth0/forwarding". */
#define NOTE "forwarding"

static void note(GString *text, int proc_fd, const char *name, const char *value)
{
    g_autofree char *path = g_strconcat(CONF "/", name, NULL), *live = NULL;

    if (file_read_value_at(proc_fd, path, &live) >= 0 && g_str_equal(live, value))
        g_string_append_printf(text, "%s %s\n", value, name);
}

/* With each change of ip_forward, the kernel sets these, too (inet_forward_change() of net/ipv4/devinet.c):
 * accept_redirects of "all" to the opposite, and forwarding of "default" and of each link to the same. Only
 * what it leaves otherwise has to be put back. */
static int look(int proc_fd, GString *text)
{
    g_auto(GStrv) links = NULL;
    int r = file_list_at(proc_fd, CONF, &links);

    if (r < 0)
        return r;
    note(text, proc_fd, "all/accept_redirects", "0");
    for (char **link = links; *link; link++) {
        g_autofree char *name = g_strconcat(*link, "/forwarding", NULL);
        note(text, proc_fd, name, "1");
    }
    return 0;
}

/* The note comes first: one too many does no harm, as it says what is there. */
int nat_forward_start(int proc_fd, int run_fd)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *before = NULL;

    int r = file_read_value_at(proc_fd, FORWARD, &before);
    if (r < 0 || !g_str_equal(before, "0"))
        return r;
    r = look(proc_fd, text);
    if (r >= 0)
        r = file_replace_at(run_fd, NOTE, text->str, 0644);
    return r < 0 ? r : file_write_value_at(proc_fd, FORWARD, "1");
}

/* A link may have gone. */
static int put_back(int proc_fd, char *line)
{
    g_autofree char *path = line[0] && line[1] ? g_strconcat(CONF "/", line + 2, NULL) : NULL;

    if (!path)
        return 0;
    line[1] = '\0';
    int r = file_write_value_at(proc_fd, path, line);
    return r == -ENOENT ? 0 : r;
}

int nat_forward_stop(int proc_fd, int run_fd)
{
    g_autofree char *text = NULL;

    int r = file_read_value_at(run_fd, NOTE, &text);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    r = file_write_value_at(proc_fd, FORWARD, "0");
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; r >= 0 && *line; line++)
        r = put_back(proc_fd, *line);
    if (r >= 0)
        unlinkat(run_fd, NOTE, 0);
    return r;
}
