/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "usb-drivers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "../../base/file.h"
#include "../../core/host/usb.h"
#include "../sight/usb-interfaces.h"

/* A driver of several interfaces may let go of all when it loses one (snd-usb-audio): so look at each
 * anew. */
static int unbind(int sys_fd, const GPtrArray *interfaces)
{
    for (unsigned i = 0; i < interfaces->len; i++) {
        const char *interface = g_ptr_array_index(interfaces, i);
        g_autofree char *driver = usb_interfaces_driver(sys_fd, interface);
        g_autofree char *path = g_strdup_printf(USB_INTERFACES_FOLDER "/%s/driver/unbind", interface);
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

    int r = usb_interfaces_port(sys_fd, node, &port);
    if (r < 0 || !port)
        return r < 0 ? r : -ENODEV;
    *ret = g_strdup_printf(USB_INTERFACES_FOLDER "/%s", port);
    return 0;
}

/* The configuration that drivers names, if another one is set; else NULL. */
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
    g_autofree char *folder = g_strdup_printf(USB_INTERFACES_FOLDER "/%s", port);
    g_autofree char *other = other_configuration(sys_fd, folder, drivers);
    g_autofree char *path = g_strdup_printf("%s/bConfigurationValue", folder);

    return other ? file_write_value_at(sys_fd, path, other) : 0;
}

static int probe(int sys_fd, const GPtrArray *interfaces)
{
    for (unsigned i = 0; i < interfaces->len; i++) {
        const char *interface = g_ptr_array_index(interfaces, i);
        g_autofree char *driver = usb_interfaces_driver(sys_fd, interface);
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

    int r = usb_interfaces_port(sys_fd, node, &port);
    if (r < 0 || !port)
        return r < 0 ? r : -ENODEV;
    if (*drivers)
        r = restore_configuration(sys_fd, port, drivers);
    if (r >= 0)
        r = usb_interfaces_list(sys_fd, port, &interfaces);
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
