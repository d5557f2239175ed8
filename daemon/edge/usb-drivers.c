/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "usb-drivers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "../base/file.h"
#include "../core/usb.h"

#define DEVICES "bus/usb/devices"
/* Documentation/admin-guide/devices.txt; each bus has 128 numbers (usb_dev_minor() in
 * drivers/usb/core/devio.c). */
#define USB_MAJOR 189

/* The name in sysfs, "1-2.3"; NULL: it is not there. */
static int find_port(int sys_fd, const char *node, char **ret)
{
    unsigned bus, number;

    if (!usb_node_parse(node, &bus, &number))
        return -EINVAL;
    g_autofree char *link = g_strdup_printf("dev/char/%d:%u", USB_MAJOR, (bus - 1) * 128 + number - 1);
    int r = file_link_name_at(sys_fd, link, ret);
    if (r == -ENOENT)
        *ret = NULL;
    return r == -ENOENT ? 0 : r;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "1-2.3:1.0" and so on. */
static int list_interfaces(int sys_fd, const char *port, GPtrArray **ret)
{
    g_autofree char *folder = g_strdup_printf(DEVICES "/%s", port), *prefix = g_strdup_printf("%s:", port);
    g_auto(GStrv) names = NULL;

    int r = file_list_at(sys_fd, folder, &names);
    if (r < 0)
        return r;
    *ret = g_ptr_array_new_with_free_func(g_free);
    for (char **name = names; *name; name++)
        if (g_str_has_prefix(*name, prefix))
            g_ptr_array_add(*ret, g_strdup(*name));
    g_ptr_array_sort(*ret, compare_names);
    return 0;
}

/* NULL for none. */
static char *read_driver(int sys_fd, const char *interface)
{
    g_autofree char *link = g_strdup_printf(DEVICES "/%s/driver", interface);
    char *driver;

    return file_link_name_at(sys_fd, link, &driver) < 0 ? NULL : driver;
}

int usb_drivers_read(int sys_fd, const char *node, char **ret)
{
    g_autoptr(GPtrArray) interfaces = NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *port = NULL;

    int r = find_port(sys_fd, node, &port);
    if (r >= 0 && port)
        r = list_interfaces(sys_fd, port, &interfaces);
    if (r < 0 && r != -ENOENT)
        return r;
    for (unsigned i = 0; interfaces && i < interfaces->len; i++) {
        const char *interface = g_ptr_array_index(interfaces, i);
        g_autofree char *driver = read_driver(sys_fd, interface);
        if (driver)
            g_string_append_printf(text, "%s%s:%s", text->len > 0 ? " " : "", strchr(interface, ':') + 1,
                                   driver);
    }
    *ret = interfaces ? g_strdup(text->str) : NULL;
    return 0;
}

/* A driver that has several interfaces lets go of all when one is taken from it (snd-usb-audio): the others
 * are looked at anew. */
static int unbind(int sys_fd, const GPtrArray *interfaces)
{
    for (unsigned i = 0; i < interfaces->len; i++) {
        const char *interface = g_ptr_array_index(interfaces, i);
        g_autofree char *driver = read_driver(sys_fd, interface);
        g_autofree char *path = g_strdup_printf(DEVICES "/%s/driver/unbind", interface);
        if (!driver)
            continue;
        int r = file_write_value_at(sys_fd, path, interface);
        if (r < 0)
            return r;
    }
    return 0;
}

int usb_drivers_folder(int sys_fd, const char *node, char **ret)
{
    g_autofree char *port = NULL;

    int r = find_port(sys_fd, node, &port);
    if (r < 0 || !port)
        return r < 0 ? r : -ENODEV;
    *ret = g_strdup_printf(DEVICES "/%s", port);
    return 0;
}

/* The configuration that drivers names, where it is not the one that is set; NULL otherwise. */
static char *other_configuration(int sys_fd, const char *folder, const char *drivers)
{
    g_autofree char *path = g_strdup_printf("%s/bConfigurationValue", folder), *now = NULL;
    g_autofree char *before = g_strndup(drivers, strcspn(drivers, "."));

    if (file_read_value_at(sys_fd, path, &now) < 0 || g_str_equal(now, before))
        return NULL;
    return g_steal_pointer(&before);
}

bool usb_drivers_leave(int sys_fd, const char *folder, const char *drivers)
{
    g_autofree char *other = *drivers ? other_configuration(sys_fd, folder, drivers) : NULL;

    return !*drivers || other;
}

/* The kernel looks for drivers by itself where the configuration changes. */
static int restore_configuration(int sys_fd, const char *port, const char *drivers)
{
    g_autofree char *folder = g_strdup_printf(DEVICES "/%s", port);
    g_autofree char *other = other_configuration(sys_fd, folder, drivers);
    g_autofree char *path = g_strdup_printf("%s/bConfigurationValue", folder);

    return other ? file_write_value_at(sys_fd, path, other) : 0;
}

static int probe(int sys_fd, const GPtrArray *interfaces)
{
    for (unsigned i = 0; i < interfaces->len; i++) {
        const char *interface = g_ptr_array_index(interfaces, i);
        g_autofree char *driver = read_driver(sys_fd, interface);
        if (driver)
            continue;
        int r = file_write_value_at(sys_fd, "bus/usb/drivers_probe", interface);
        if (r < 0)
            return r;
    }
    return 0;
}

int usb_drivers_write(int sys_fd, const char *node, const char *drivers)
{
    g_autoptr(GPtrArray) interfaces = NULL;
    g_autofree char *port = NULL;

    int r = find_port(sys_fd, node, &port);
    if (r < 0 || !port)
        return r < 0 ? r : -ENODEV;
    if (*drivers)
        r = restore_configuration(sys_fd, port, drivers);
    if (r >= 0)
        r = list_interfaces(sys_fd, port, &interfaces);
    if (r < 0)
        return r;
    return *drivers ? probe(sys_fd, interfaces) : unbind(sys_fd, interfaces);
}

int usb_node_open(int dev_fd, const char *node)
{
    unsigned bus, number;

    if (!usb_node_parse(node, &bus, &number))
        return -EINVAL;
    int fd = openat(dev_fd, node + strlen("/dev/"), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    return fd < 0 ? -errno : fd;
}
