/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* USB devices, and what the kernel does when their drivers are told to go or to come. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fake-host-private.h"
#include "scratch.h"

#define CONTROLLER "0000:00:14.0"

static char *interface_path(const char *port, unsigned interface)
{
    return fake_text("devices/pci0000:00/" CONTROLLER "/usb1/%s/%s:1.%u", port, port, interface);
}

static char *device_path(const char *port)
{
    return fake_text("devices/pci0000:00/" CONTROLLER "/usb1/%s", port);
}

static void put(const FakeHost *host, const char *folder, const char *attribute, const char *text)
{
    g_autofree char *path = fake_text("%s/%s", folder, attribute);
    fake_tree_put(host->sys_fd, path, text);
}

static void link_driver(const FakeHost *host, const char *folder, const char *driver)
{
    g_autofree char *link = fake_text("%s/driver", folder), *target = fake_text("bus/usb/drivers/%s", driver);

    fake_tree_make(host->sys_fd, target);
    fake_tree_link(host->sys_fd, link, target);
}

void fake_host_plug_usb(FakeHost *host, const FakeUsb *usb)
{
    g_autofree char *path = device_path(usb->port), *by_port = fake_text("bus/usb/devices/%s", usb->port);
    g_autofree char *by_number = fake_text("dev/char/189:%u", usb->number - 1);
    g_autofree char *number = fake_text("%u\n", usb->number), *vendor = fake_text("%04x\n", usb->vendor),
                    *product = fake_text("%04x\n", usb->product);

    fake_tree_make(host->sys_fd, path);
    put(host, path, "busnum", "1\n");
    put(host, path, "devnum", number);
    put(host, path, "idVendor", vendor);
    put(host, path, "idProduct", product);
    put(host, path, "bDeviceClass", "00\n");
    put(host, path, "bConfigurationValue", "1\n");
    if (usb->serial)
        put(host, path, "serial", usb->serial);
    fake_tree_link(host->sys_fd, by_port, path);
    fake_tree_link(host->sys_fd, by_number, path);
    fake_tree_put(host->sys_fd, "bus/usb/drivers_probe", "");
    for (unsigned i = 0; usb->drivers[i]; i++) {
        g_autofree char *interface = interface_path(usb->port, i);
        g_autofree char *link = fake_text("bus/usb/devices/%s:1.%u", usb->port, i);
        fake_tree_make(host->sys_fd, interface);
        fake_tree_link(host->sys_fd, link, interface);
        /* Notes which driver finds it by itself; sysfs has no such file. */
        put(host, interface, "native", usb->drivers[i]);
        if (*usb->drivers[i])
            link_driver(host, interface, usb->drivers[i]);
    }
}

void fake_host_unplug_usb(FakeHost *host, const FakeUsb *usb)
{
    g_autofree char *path = device_path(usb->port), *full = fake_text("%s/sys/%s", host->path, path);
    g_autofree char *by_port = fake_text("bus/usb/devices/%s", usb->port);
    g_autofree char *by_number = fake_text("dev/char/189:%u", usb->number - 1);

    ck_assert_int_eq(unlinkat(host->sys_fd, by_port, 0), 0);
    ck_assert_int_eq(unlinkat(host->sys_fd, by_number, 0), 0);
    for (unsigned i = 0; usb->drivers[i]; i++) {
        g_autofree char *link = fake_text("bus/usb/devices/%s:1.%u", usb->port, i);
        ck_assert_int_eq(unlinkat(host->sys_fd, link, 0), 0);
    }
    scratch_remove(full);
}

char *fake_host_usb_drivers(const FakeHost *host, const FakeUsb *usb)
{
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; usb->drivers[i]; i++) {
        g_autofree char *path = interface_path(usb->port, i);
        g_autofree char *link = fake_text("%s/sys/%s/driver", host->path, path),
                        *target = g_file_read_link(link, NULL);
        g_autofree char *name = target ? g_path_get_basename(target) : g_strdup("none");
        g_string_append_printf(text, "%s%s", i > 0 ? " " : "", name);
    }
    return g_string_free(text, FALSE);
}

void fake_host_claim_usb(FakeHost *host, const FakeUsb *usb, const char *driver)
{
    for (unsigned i = 0; usb->drivers[i]; i++) {
        g_autofree char *path = interface_path(usb->port, i), *link = fake_text("%s/driver", path);
        unlinkat(host->sys_fd, link, 0);
        if (driver)
            link_driver(host, path, driver);
    }
}

static int unbind(FakeHost *host, const char *path, const char *value)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    g_autofree char *link = fake_text("bus/usb/devices/%s/driver", value);

    if (g_strv_length(parts) != 6 || !g_str_equal(parts[3], value))
        return -ENODEV;
    return unlinkat(host->sys_fd, link, 0) < 0 ? -errno : 0;
}

static int probe(FakeHost *host, const char *value)
{
    g_autofree char *folder = fake_text("bus/usb/devices/%s", value), *native = NULL;
    g_autofree char *full = fake_text("%s/sys/%s/native", host->path, folder),
                    *link = fake_text("%s/driver", folder);
    char port[32];
    unsigned interface;

    if (!g_file_get_contents(full, &native, NULL, NULL) ||
        sscanf(value, "%31[^:]:1.%u", port, &interface) != 2)
        return -ENODEV;
    g_autofree char *path = interface_path(port, interface);
    if (*native && faccessat(host->sys_fd, link, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        link_driver(host, path, native);
    return 0;
}

bool fake_kernel_write_usb(FakeHost *host, const char *path, const char *value, int *ret)
{
    if (g_str_equal(path, "bus/usb/drivers_probe"))
        *ret = probe(host, value);
    else if (g_str_has_prefix(path, "bus/usb/devices/") && g_str_has_suffix(path, "/driver/unbind"))
        *ret = unbind(host, path, value);
    else
        return false;
    return true;
}
