/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "usb-interfaces.h"

#include <errno.h>
#include <string.h>

#include "../../base/file.h"
#include "../../core/host/usb.h"

/* Documentation/admin-guide/devices.txt; each bus has 128 numbers (usb_dev_minor() in
 * drivers/usb/core/devio.c). */
#define USB_MAJOR 189

/* The name in sysfs, "1-2.3"; NULL: it is not there. */
int usb_interfaces_port(int sys_fd, const char *node, char **ret)
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
int usb_interfaces_list(int sys_fd, const char *port, GPtrArray **ret)
{
    g_autofree char *folder = g_strdup_printf(USB_INTERFACES_FOLDER "/%s", port),
                    *prefix = g_strdup_printf("%s:", port);
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
char *usb_interfaces_driver(int sys_fd, const char *interface)
{
    g_autofree char *link = g_strdup_printf(USB_INTERFACES_FOLDER "/%s/driver", interface);
    char *driver;

    return file_link_name_at(sys_fd, link, &driver) < 0 ? NULL : driver;
}

int usb_drivers_read(int sys_fd, const char *node, char **ret)
{
    g_autoptr(GPtrArray) interfaces = NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *port = NULL;

    int r = usb_interfaces_port(sys_fd, node, &port);
    if (r >= 0 && port)
        r = usb_interfaces_list(sys_fd, port, &interfaces);
    if (r < 0 && r != -ENOENT)
        return r;
    for (unsigned i = 0; interfaces && i < interfaces->len; i++) {
        const char *interface = g_ptr_array_index(interfaces, i);
        g_autofree char *driver = usb_interfaces_driver(sys_fd, interface);
        if (driver)
            g_string_append_printf(text, "%s%s:%s", text->len > 0 ? " " : "", strchr(interface, ':') + 1,
                                   driver);
    }
    *ret = interfaces ? g_strdup(text->str) : NULL;
    return 0;
}
