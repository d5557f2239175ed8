/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk-geometry.h"

#include <fcntl.h>
#include <glib.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"

/* Documentation/ABI/stable/sysfs-block; 0: the attribute is not there. */
static unsigned read_number(int fd, bool partition, const char *attribute)
{
    g_autofree char *path = g_strconcat(partition ? "../queue/" : "queue/", attribute, NULL), *text = NULL;

    return file_read_value_at(fd, path, &text) < 0 ? 0 : strtoul(text, NULL, 10);
}

static bool has(int fd, const char *name)
{
    return faccessat(fd, name, F_OK, 0) == 0;
}

DiskGeometry disk_geometry_read(int sys_fd, unsigned major, unsigned minor)
{
    g_autofree char *path = g_strdup_printf("dev/block/%u:%u", major, minor);
    _cleanup_close_ int fd = openat(sys_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return (DiskGeometry){0};
    bool partition = has(fd, "partition"), whole = !partition && !has(fd, "dm");
    g_autofree char *rotational = NULL;
    bool told =
        file_read_value_at(fd, partition ? "../queue/rotational" : "queue/rotational", &rotational) >= 0;

    return (DiskGeometry){
        .logical = whole ? read_number(fd, partition, "logical_block_size") : 0,
        .physical = read_number(fd, partition, "physical_block_size"),
        .solid = told && g_str_equal(rotational, "0"),
    };
}
