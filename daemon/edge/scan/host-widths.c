/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-widths.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"

#define IOMMUS "class/iommu"

/* "address sizes	: 39 bits physical, 48 bits virtual" of the first CPU; the others would take long on a
 * large host (proc(5)). */
static unsigned read_cpu(int proc_fd)
{
    static const char name[] = "address sizes";
    char text[4096];
    unsigned bits;

    _cleanup_close_ int fd = openat(proc_fd, "cpuinfo", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    text[MAX(n, 0)] = '\0';
    const char *line = strstr(text, name), *colon = line ? strchr(line, ':') : NULL;
    return colon && sscanf(colon, ": %3u bits physical", &bits) == 1 ? bits : 0;
}

/* MGAW of Intel's capability register: the bits of the largest address, less one (VT-d specification, 11.4.2;
 * Documentation/ABI/testing/sysfs-class-iommu-intel-iommu). AMD's have 48 bits and more. */
static unsigned read_iommu(int sys_fd, const char *name)
{
    g_autofree char *path = g_strdup_printf(IOMMUS "/%s/intel-iommu/cap", name), *text = NULL;
    guint64 capabilities;

    if (file_read_value_at(sys_fd, path, &text) < 0 ||
        !g_ascii_string_to_unsigned(text, 16, 0, G_MAXUINT64, &capabilities, NULL))
        return 0;
    return (capabilities >> 16 & 0x3f) + 1;
}

HostWidths host_widths_read(const HostPlace *place)
{
    HostWidths widths = {.cpu = read_cpu(place->proc_fd)};
    g_auto(GStrv) names = NULL;

    if (file_list_at(place->sys_fd, IOMMUS, &names) < 0)
        return widths;
    for (char **name = names; *name; name++) {
        unsigned bits = read_iommu(place->sys_fd, *name);
        if (bits > 0 && (widths.iommu == 0 || bits < widths.iommu))
            widths.iommu = bits;
    }
    return widths;
}
