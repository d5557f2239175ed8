/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"
#include "mediated-scan.h"

/* bus/mdev/devices/UUID leads to devices/pci0000:00/0000:00:02.0/UUID: what it was made of is above it. */
static void read_parent(int devices_fd, const char *uuid, HostMediated *mediated)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(devices_fd, uuid, target, sizeof(target) - 1);
    if (n < 0)
        return;
    target[n] = '\0';

    g_autofree char *path = g_path_get_dirname(target);
    g_autofree char *name = g_path_get_basename(path);
    mediated->of_function = pci_address_from_string(name, &mediated->parent) == 0;
}

static void scan_one(int devices_fd, const char *uuid, Host *host)
{
    g_autofree char *group = NULL;
    gint64 number;

    _cleanup_close_ int fd = openat(devices_fd, uuid, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    HostMediated *mediated = host_add_mediated(host, uuid);
    read_parent(devices_fd, uuid, mediated);
    if (file_link_name_at(fd, "iommu_group", &group) >= 0 &&
        g_ascii_string_to_signed(group, 10, 0, G_MAXINT, &number, NULL))
        mediated->group = number;
    /* mdev_type/name is words for people, which some drivers leave out: the folder's name is the type. */
    if (file_link_name_at(fd, "mdev_type", &mediated->type) < 0)
        mediated->type = NULL;
    if (file_read_value_at(fd, "mdev_type/device_api", &mediated->api) < 0)
        mediated->api = NULL;
}

void mediated_scan(const HostPlace *place, Host *host)
{
    g_auto(GStrv) names = NULL;

    _cleanup_close_ int devices_fd =
        openat(place->sys_fd, "bus/mdev/devices", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (devices_fd < 0 || file_list_at(devices_fd, ".", &names) < 0)
        return;
    for (char **name = names; *name; name++)
        if (g_uuid_string_is_valid(*name))
            scan_one(devices_fd, *name, host);
}

static void scan_type(int types_fd, const char *name, bool count, HostMediatedType *type)
{
    g_autofree char *words = g_strconcat(name, "/name", NULL), *api = g_strconcat(name, "/device_api", NULL),
                    *available = g_strconcat(name, "/available_instances", NULL), *text = NULL;
    guint64 number;

    if (file_read_value_at(types_fd, words, &type->words) < 0)
        type->words = NULL;
    if (file_read_value_at(types_fd, api, &type->api) < 0)
        type->api = NULL;
    if (count && file_read_value_at(types_fd, available, &text) >= 0 &&
        g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT, &number, NULL))
        type->available = number;
}

void mediated_scan_types(const HostPlace *place, PciAddress parent, bool count, Host *host)
{
    g_autofree char *path =
        g_strdup_printf("bus/pci/devices/%s/mdev_supported_types", PCI_ADDRESS_STR(parent));
    g_auto(GStrv) names = NULL;

    _cleanup_close_ int fd = openat(place->sys_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || file_list_at(fd, ".", &names) < 0)
        return;
    for (char **name = names; *name; name++)
        scan_type(fd, *name, count, host_add_mediated_type(host, parent, *name));
}
