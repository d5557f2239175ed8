/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bar-size.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../base/file.h"

/* A line a resource, "first last flags"; the BARs come first (resource_show() of the kernel's pci-sysfs.c).
 */
int bar_sizes_read(int device_fd, uint64_t *ret)
{
    g_autofree char *text = NULL;
    int r = file_read_all_at(device_fd, "resource", 4096, &text, NULL);
    const char *line = text;

    if (r < 0)
        return r;
    memset(ret, 0, BARS_MAX * sizeof(*ret));
    for (unsigned i = 0; line && i < BARS_MAX; i++) {
        unsigned long first, last;
        if (sscanf(line, "%lx %lx", &first, &last) == 2 && last > first)
            ret[i] = last - first + 1;
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    return 0;
}

bool bar_resizable(int device_fd, unsigned bar)
{
    g_autofree char *name = g_strdup_printf("resource%u_resize", bar);

    return faccessat(device_fd, name, F_OK, 0) == 0;
}

uint64_t bar_sizes_possible(int device_fd, unsigned bar)
{
    g_autofree char *name = g_strdup_printf("resource%u_resize", bar), *text = NULL;
    guint64 sizes;

    if (file_read_value_at(device_fd, name, &text) < 0 ||
        !g_ascii_string_to_unsigned(text, 16, 0, G_MAXUINT64, &sizes, NULL))
        return 0;
    return sizes;
}
