/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vfio-node.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"
#include "../../core/host/pci-address.h"
#include "../../core/plan/file-wish.h"

/* "vfio3", as vfio_init_device() of the kernel's vfio_main.c names it; NULL: there is none. */
static char *read_name(int folder)
{
    g_auto(GStrv) names = NULL;

    if (file_list_at(folder, ".", &names) < 0)
        return NULL;
    for (char **name = names; *name; name++)
        if (g_str_has_prefix(*name, "vfio") &&
            strspn(*name + strlen("vfio"), "0123456789") == strlen(*name) - strlen("vfio"))
            return g_strdup(*name);
    return NULL;
}

static int open_device(const HolderPlace *place, PciAddress address)
{
    g_autofree char *path = g_strdup_printf("bus/pci/devices/%s/vfio-dev", PCI_ADDRESS_STR(address));
    _cleanup_close_ int folder = openat(place->sys_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_autofree char *name = folder >= 0 ? read_name(folder) : NULL, *text = NULL;
    unsigned major_number, minor_number;
    struct stat st;

    if (!name)
        return -ENODEV;
    g_autofree char *attribute = g_strdup_printf("%s/dev", name);
    g_autofree char *node = g_strdup_printf("vfio/devices/%s", name);
    if (file_read_value_at(folder, attribute, &text) < 0 ||
        sscanf(text, "%u:%u", &major_number, &minor_number) != 2)
        return -ENODEV;
    _cleanup_close_ int fd = openat(place->dev_fd, node, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(major_number, minor_number))
        return -ENODEV;
    return steal_fd(&fd);
}

int vfio_node_open(const HolderPlace *place, const char *what)
{
    PciAddress address;

    if (pci_address_from_string(what, &address) == 0)
        return open_device(place, address);
    if (strcmp(what, VFIO_IOMMU) != 0)
        return -EINVAL;
    int fd = openat(place->dev_fd, what + strlen("/dev/"), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? -errno : fd;
}
