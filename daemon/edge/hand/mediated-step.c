/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mediated-step.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "../../base/file.h"

/* A step's names must be spelt as the kernel spells them (%pUl): they come from a less privileged process. */
static int check(const Step *step, char **ret_type, PciAddress *ret_parent)
{
    const char *uuid = step->subject;

    if (!g_uuid_string_is_valid(uuid) || strspn(uuid, "0123456789abcdef-") != strlen(uuid))
        return -EINVAL;
    return step_mediated(step, ret_type, ret_parent) ? 0 : -EINVAL;
}

/* bus/mdev/devices/UUID leads to devices/pci0000:00/0000:00:02.0/UUID. */
static char *read_parent(int sys_fd, const char *uuid)
{
    g_autofree char *link = g_strconcat("bus/mdev/devices/", uuid, NULL);
    char target[PATH_MAX];

    ssize_t n = readlinkat(sys_fd, link, target, sizeof(target) - 1);
    if (n < 0)
        return NULL;
    target[n] = '\0';
    g_autofree char *above = g_path_get_dirname(target);
    return g_path_get_basename(above);
}

/* Found by the device that it is made of: a device that is being removed, and waits for whoever has it open,
 * has left its bus (device_del() in drivers/base/core.c) and lost its type, but is still there. */
int mediated_read(int sys_fd, const Step *step, char **ret)
{
    g_autofree char *wanted = NULL, *type = NULL, *other = NULL;
    PciAddress parent;

    int r = check(step, &wanted, &parent);
    if (r < 0)
        return r;
    g_autofree char *folder =
        g_strdup_printf("bus/pci/devices/%s/%s", PCI_ADDRESS_STR(parent), step->subject);
    if (faccessat(sys_fd, folder, F_OK, 0) < 0) {
        g_free(folder);
        folder = g_strconcat("bus/mdev/devices/", step->subject, NULL);
        other = read_parent(sys_fd, step->subject);
        if (!other) {
            *ret = g_strdup("");
            return 0;
        }
    }
    g_autofree char *link = g_strconcat(folder, "/mdev_type", NULL);
    r = file_link_name_at(sys_fd, link, &type);
    if (r < 0 && r != -ENOENT)
        return r;
    *ret = g_strdup_printf("%s@%s", type ?: "unknown", other ?: PCI_ADDRESS_STR(parent));
    return 0;
}

int mediated_write(int sys_fd, const Step *step)
{
    g_autofree char *type = NULL, *path = NULL;
    PciAddress parent;

    int r = check(step, &type, &parent);
    if (r < 0)
        return r;
    if (step->after[0] == '\0') {
        path = g_strdup_printf("bus/mdev/devices/%s/remove", step->subject);
        return file_write_value_at(sys_fd, path, "1");
    }
    path =
        g_strdup_printf("bus/pci/devices/%s/mdev_supported_types/%s/create", PCI_ADDRESS_STR(parent), type);
    return file_write_value_at(sys_fd, path, step->subject);
}
