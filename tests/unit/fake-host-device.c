/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device of the fake host as sysfs shows it: its attributes and its driver. */
#include <check.h>
#include <fcntl.h>
#include <unistd.h>

#include "fake-host-private.h"

FakeDevice *fake_device_find(const FakeHost *host, const char *address)
{
    return g_hash_table_lookup(host->devices, address);
}

FakeDevice *fake_device_of(const FakeHost *host, const char *address)
{
    FakeDevice *device = fake_device_find(host, address);
    ck_assert_msg(device, "there is no %s", address);
    return device;
}

void fake_device_put(const FakeHost *host, const FakeDevice *device, const char *attribute, const char *text)
{
    g_autofree char *path = fake_text("%s/%s", device->path, attribute);
    g_autofree char *line = fake_text("%s\n", text);
    fake_tree_put(host->sys_fd, path, line);
}

char *fake_device_get(const FakeHost *host, const FakeDevice *device, const char *attribute)
{
    g_autofree char *path = fake_text("%s/sys/%s/%s", host->path, device->path, attribute);
    char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, NULL))
        return NULL;
    return g_strchomp(text);
}

bool fake_device_has(const FakeHost *host, const FakeDevice *device, const char *attribute)
{
    g_autofree char *path = fake_text("%s/%s", device->path, attribute);
    return faccessat(host->sys_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

char *fake_device_driver(const FakeHost *host, const FakeDevice *device)
{
    g_autofree char *path = fake_text("%s/sys/%s/driver", host->path, device->path);
    g_autofree char *target = g_file_read_link(path, NULL);
    return target ? g_path_get_basename(target) : g_strdup("");
}

void fake_device_link_driver(const FakeHost *host, const FakeDevice *device, const char *driver)
{
    g_autofree char *path = fake_text("%s/driver", device->path);
    g_autofree char *present = fake_device_driver(host, device);
    if (present[0]) {
        g_autofree char *back = fake_text("bus/pci/drivers/%s/%s", present, device->address);
        ck_assert_int_eq(unlinkat(host->sys_fd, path, 0), 0);
        ck_assert_int_eq(unlinkat(host->sys_fd, back, 0), 0);
    }
    if (driver[0]) {
        g_autofree char *folder = fake_text("bus/pci/drivers/%s", driver);
        g_autofree char *back = fake_text("%s/%s", folder, device->address);
        fake_tree_link(host->sys_fd, path, folder);
        fake_tree_link(host->sys_fd, back, device->path);
    }
}

bool fake_driver_lends(const char *driver)
{
    return g_str_has_suffix(driver, "vfio-pci") || g_str_has_suffix(driver, "vfio_pci");
}

bool fake_driver_registered(const FakeHost *host, const char *driver)
{
    g_autofree char *path = fake_text("bus/pci/drivers/%s", driver);
    return faccessat(host->sys_fd, path, F_OK, 0) == 0;
}

void fake_driver_register(const FakeHost *host, const char *driver)
{
    g_autofree char *path = fake_text("bus/pci/drivers/%s", driver);
    fake_tree_make(host->sys_fd, path);
}
