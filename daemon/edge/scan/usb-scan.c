/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "usb-scan.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"
#include "../../core/host/usb.h"
#include "../sight/usb-interfaces.h"

#define DEVICES "bus/usb/devices"
#define CLASS_HUB 0x09
#define UDEV_LIMIT (64 * 1024)

/* Adds a part of a device, by the part's name in its class. */
typedef void (*UsbPart)(const HostPlace *place, HostUsb *usb, const char *name);

static bool read_number(int fd, const char *name, unsigned base, unsigned *ret)
{
    g_autofree char *text = NULL;
    guint64 number;

    if (file_read_value_at(fd, name, &text) < 0 ||
        !g_ascii_string_to_unsigned(g_strchug(text), base, 0, UINT_MAX, &number, NULL))
        return false;
    *ret = number;
    return true;
}

/* What udev knows of the device: "E:ID_SERIAL_SHORT=123456" (systemd's sd-device, device-private.c). False if
 * it knows nothing of it. */
static bool read_udev(const HostPlace *place, const HostUsb *usb, char **ret)
{
    /* /run is beside /sys, whichever root that is. */
    g_autofree char *path =
        g_strdup_printf("../run/udev/data/c189:%u", (usb->bus - 1) * 128 + usb->number - 1);
    g_autofree char *text = NULL;

    if (file_read_all_at(place->sys_fd, path, UDEV_LIMIT, &text, NULL) < 0)
        return false;
    const char *line = strstr(text, "\nE:ID_SERIAL_SHORT=");
    if (line) {
        const char *value = strchr(line, '=') + 1;
        *ret = g_strndup(value, strcspn(value, "\n"));
    }
    return true;
}

static void read_serial(const HostPlace *place, int fd, HostUsb *usb)
{
    char *text;

    if (!read_udev(place, usb, &usb->serial) && file_read_value_at(fd, "serial", &text) >= 0)
        usb->serial = text;
}

static void read_place(const HostPlace *place, const char *path, HostUsb *usb)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(place->sys_fd, path, target, sizeof(target) - 1);

    if (n < 0)
        return;
    target[n] = '\0';
    usb->place = usb_place(usb->port, target);
}

static void scan_device(const HostPlace *place, const char *port, Host *host)
{
    g_autofree char *path = g_strdup_printf(DEVICES "/%s", port);
    _cleanup_close_ int fd = openat(place->sys_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    unsigned bus, number, vendor, product, class = 0;

    if (fd < 0 || !read_number(fd, "busnum", 10, &bus) || !read_number(fd, "devnum", 10, &number) ||
        !read_number(fd, "idVendor", 16, &vendor) || !read_number(fd, "idProduct", 16, &product))
        return;
    read_number(fd, "bDeviceClass", 16, &class);
    HostUsb *usb = host_add_usb(host, port);
    read_place(place, path, usb);
    usb->bus = bus;
    usb->number = number;
    usb->vendor = vendor;
    usb->product = product;
    usb->hub = class == CLASS_HUB;
    read_serial(place, fd, usb);
    g_autofree char *node = usb_node(usb);
    if (usb_drivers_read(place->sys_fd, node, &usb->drivers) < 0 || !usb->drivers)
        usb->drivers = g_strdup("");
    usb->inputs = g_new0(char *, 1);
}

static void add_input(const HostPlace *place, HostUsb *usb, const char *name)
{
    g_autofree char *node = g_strconcat("input/", name, NULL);
    unsigned n = g_strv_length(usb->inputs);
    struct stat st;

    usb->inputs = g_renew(char *, usb->inputs, n + 2);
    usb->inputs[n] = g_strdup(name);
    usb->inputs[n + 1] = NULL;
    /* One of our steps gives the node away like this. */
    if (!usb->needed_for && fstatat(place->dev_fd, node, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_uid != 0)
        usb->needed_for = g_strdup_printf("a guest has %s, by an [Input] section", name);
}

/* Notes device mapper, LVM or md that is built upon a disk of it, mounted or not. */
static void add_disk(const HostPlace *place, HostUsb *usb, const char *name)
{
    g_autofree char *path = g_strdup_printf("class/block/%s/holders", name);
    g_auto(GStrv) holders = NULL;

    if (!usb->needed_for && file_list_at(place->sys_fd, path, &holders) >= 0 && *holders)
        usb->needed_for = g_strdup_printf("%s on %s", *holders, name);
}

/* class/input/event5 leads to devices/pci0000:00/…/usb1/1-2/1-2:1.0/…/input7/event5. */
static void scan_part(const HostPlace *place, const char *class, const char *name, UsbPart add, Host *host)
{
    g_autofree char *path = g_strdup_printf("class/%s/%s", class, name);
    char target[PATH_MAX];
    ssize_t n = readlinkat(place->sys_fd, path, target, sizeof(target) - 1);

    if (n < 0)
        return;
    target[n] = '\0';
    g_auto(GStrv) parts = g_strsplit(target, "/", -1);
    for (char **part = parts; *part; part++) {
        HostUsb *usb = host_find_usb(host, *part);
        if (usb)
            add(place, usb, name);
    }
}

/* What hangs on the devices. */
static void scan_parts(const HostPlace *place, const char *class, const char *prefix, UsbPart add, Host *host)
{
    g_autofree char *folder = g_strconcat("class/", class, NULL);
    g_auto(GStrv) names = NULL;

    if (file_list_at(place->sys_fd, folder, &names) < 0)
        return;
    for (char **name = names; *name; name++)
        if (g_str_has_prefix(*name, prefix))
            scan_part(place, class, *name, add, host);
}

void usb_scan(const HostPlace *place, Host *host)
{
    g_auto(GStrv) ports = NULL;

    if (file_list_at(place->sys_fd, DEVICES, &ports) < 0)
        return;
    for (char **port = ports; *port; port++)
        if (usb_port_valid(*port))
            scan_device(place, *port, host);
    if (host->usbs->len == 0)
        return;
    scan_parts(place, "input", "event", add_input, host);
    scan_parts(place, "block", "", add_disk, host);
}
