/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "board-wish.h"

#include "../../daemon/core/host/usb.h"

#include <stdlib.h>
#include <string.h>

void wish_description(Wishes *wishes, const char *text, const Node *from)
{
    DraftSection *section = draft_section(wishes->draft, "Guest");
    g_autofree char *bare = g_strstrip(g_strdup(text));
    g_auto(GStrv) lines = g_strsplit(bare, "\n", 2);

    if (!lines[0])
        return;
    if (draft_get(section, "Description")) {
        draft_left(wishes->draft, from, "Description= takes one line, and another text of the file has it");
        return;
    }
    draft_set(section, "Description", from, "%s", g_strchomp(lines[0]));
    if (lines[1])
        draft_left(wishes->draft, from, "Description= takes one line, so it has the first one");
}

void wish_clock(Wishes *wishes, const char *base, const Node *from)
{
    bool local = g_str_equal(base, "localtime"), zone = strchr(base, '/') != NULL;
    DraftSection *section = draft_section(wishes->draft, "Clock");

    if (local || zone || g_str_equal(base, "utc"))
        draft_set(section, "Base", from, "%s", local ? "local" : base);
    else
        draft_left(wishes->draft, from, "a guest's clock always starts at the host's time, not at %s", base);
}

void wish_hpet(Wishes *wishes, bool on, const Node *from)
{
    draft_set(draft_section(wishes->draft, "Clock"), "HPET", from, "%s", on ? "yes" : "no");
}

void wish_sleep(Wishes *wishes, int s3, int s4, const Node *from)
{
    if (s3 >= 0 || s4 >= 0)
        draft_set(draft_section(wishes->draft, "Guest"), "Suspend", from, "%s",
                  s3 == 1 || s4 == 1 ? "yes" : "no");
    if (s3 >= 0 && s4 >= 0 && s3 != s4)
        draft_differs(wishes->draft, from, "Suspend= is about S3 and S4 together");
}

void wish_uuid(Wishes *wishes, const char *uuid, const Node *from)
{
    draft_set(draft_section(wishes->draft, "Guest"), "UUID", from, "%s", uuid);
}

void wish_genid(Wishes *wishes, const char *id, const Node *from)
{
    /* libvirt and Proxmox make one where none is written. */
    if (*id && !g_str_equal(id, "1") && !g_str_equal(id, "auto"))
        draft_set(draft_section(wishes->draft, "Guest"), "GenerationID", from, "%s", id);
    else
        draft_left(wishes->draft, from,
                   "a vmgenid that is made anew; write one into [Guest] GenerationID=: uuidgen");
}

static const char *smbios_key(unsigned type, const char *name)
{
    static const struct {
        unsigned type;
        const char *name, *key;
    } keys[] = {{0, "vendor", "BIOSVendor"},    {0, "version", "BIOSVersion"},
                {0, "date", "BIOSDate"},        {1, "manufacturer", "Manufacturer"},
                {1, "product", "Product"},      {1, "version", "Version"},
                {1, "serial", "Serial"},        {2, "manufacturer", "BoardManufacturer"},
                {2, "product", "BoardProduct"}, {2, "version", "BoardVersion"},
                {2, "serial", "BoardSerial"},   {1, "sku", "SKU"},
                {1, "family", "Family"}};

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        if (keys[i].type == type && g_str_equal(keys[i].name, name))
            return keys[i].key;
    return NULL;
}

void wish_smbios(Wishes *wishes, unsigned type, const char *name, const char *value, const Node *from)
{
    const char *key = smbios_key(type, name);

    if (type == 1 && g_str_equal(name, "uuid")) {
        wish_uuid(wishes, value, from);
        return;
    }
    if (key) {
        draft_set(draft_section(wishes->draft, "SMBIOS"), key, from, "%s", value);
        if (type == 2)
            draft_set(draft_section(wishes->draft, "SMBIOS"), "Board", from, "yes");
        return;
    }
    draft_left(wishes->draft, from, "[SMBIOS] has no key for %s of table %u, which Windows does not look at",
               name, type);
}

void wish_boot_menu(Wishes *wishes, const Node *from)
{
    draft_set(draft_section(wishes->draft, "Firmware"), "BootMenu", from, "yes");
}

void wish_virtio_input(Wishes *wishes, const char *kind, const Node *from)
{
    DraftSection *section = draft_section(wishes->draft, "Display");

    if (g_str_equal(kind, "keyboard"))
        draft_set(section, "Keyboard", from, "virtio");
    else
        draft_set(section, "Mouse", from, "%s", g_str_equal(kind, "mouse") ? "virtio" : "virtio-tablet");
}

void wish_rng(Wishes *wishes, const Node *from)
{
    draft_set(draft_section(wishes->draft, "Guest"), "RNG", from, "yes");
    if (node_at(from, "rate") || node_at(from, "max_bytes") || node_at(from, "max-bytes"))
        draft_left(wishes->draft, from, "no key limits how many random numbers the guest takes");
}

void wish_acpi_table(Wishes *wishes, const char *path, const Node *from)
{
    draft_more(draft_section(wishes->draft, "Guest"), "ACPITable", from, "%s", path);
}

void wish_looking_glass(Wishes *wishes, const char *path, guint64 size, const Node *from)
{
    /* Scream's sound comes the same way, often beside Looking Glass (its README, "IVSHMEM"). */
    if (strstr(path, "scream") || draft_nth(wishes->draft, "LookingGlass", 0)) {
        draft_left(wishes->draft, from,
                   "a guest shares memory with Looking Glass alone, and so not %s; for sound see [Sound]",
                   path);
        return;
    }
    DraftSection *section = draft_section(wishes->draft, "LookingGlass");

    if (g_str_has_prefix(path, "/dev/kvmfr")) {
        draft_set(section, "Device", from, "%s", path);
        return;
    }
    g_autofree char *text = wish_size(size ?: 32 << 20);
    draft_set(section, "Size", from, "%s", text);
    draft_differs(
        wishes->draft, from,
        "the memory is /dev/shm/usher/looking-glass-NAME instead of %s: start the viewer with -f, and set "
        "Owner= to its user",
        path);
}

/* "0x05ac", "05ac", "1452" as QEMU's vendorid reads it. */
static unsigned number_of(const char *text)
{
    return strtoul(text, NULL, 16);
}

/* A file of the host's sysfs; NULL: there is none. */
static char *sysfs_text(const Wishes *wishes, const char *port, const char *name)
{
    g_autofree char *path = g_build_filename(wishes->options->host, "sys/bus/usb/devices", port, name, NULL);
    char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) ? g_strstrip(text) : NULL;
}

static bool is_number(const Wishes *wishes, const char *port, const char *name, unsigned number)
{
    g_autofree char *text = sysfs_text(wishes, port, name);

    return text && g_ascii_strtoull(text, NULL, 10) == number;
}

/* The name that stays of a port of this host ("1-2.3"); NULL: nothing is plugged in there. */
static char *place_of(const Wishes *wishes, const char *port)
{
    g_autofree char *path = g_build_filename(wishes->options->host, "sys/bus/usb/devices", port, NULL);
    g_autofree char *link = usb_port_valid(port) ? g_file_read_link(path, NULL) : NULL;

    return link ? usb_place(port, link) : NULL;
}

/* The port at which this host has the device of those numbers; NULL: at none. */
static char *port_of(const Wishes *wishes, unsigned bus, unsigned number)
{
    g_autofree char *path = g_build_filename(wishes->options->host, "sys/bus/usb/devices", NULL);
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    const char *port;

    while (folder && (port = g_dir_read_name(folder)))
        if (usb_port_valid(port) && is_number(wishes, port, "busnum", bus) &&
            is_number(wishes, port, "devnum", number))
            return g_strdup(port);
    return NULL;
}

void wish_usb_numbered(Wishes *wishes, const char *bus, const char *number, const Node *from)
{
    g_autofree char *port = bus && number ? port_of(wishes, number_of(bus), number_of(number)) : NULL;
    g_autofree char *vendor = port ? sysfs_text(wishes, port, "idVendor") : NULL,
                    *product = port ? sysfs_text(wishes, port, "idProduct") : NULL;

    if (!port || !vendor || !product) {
        draft_left(
            wishes->draft, from,
            "bus and number of a USB device (%s, %s) change with each plugging, and this host has none "
            "of these now; lsusb shows its ID for a [USB] section",
            bus ?: "?", number ?: "?");
        return;
    }
    DraftSection *section = draft_add(wishes->draft, "USB", "usb");
    g_autofree char *place = place_of(wishes, port);
    draft_set(section, "ID", from, "%s:%s", vendor, product);
    draft_set(section, "Port", from, "%s", place ?: port);
    draft_differs(
        wishes->draft, from,
        "bus %s and number %s change with each plugging; it is what is there now, by its ID and its "
        "port, which stay",
        bus, number);
}

void wish_usb(Wishes *wishes, const char *vendor, const char *product, const char *port, const Node *from)
{
    DraftSection *section = draft_add(wishes->draft, "USB", "usb");

    if (vendor && product)
        draft_set(section, "ID", from, "%04x:%04x", number_of(vendor), number_of(product));
    g_autofree char *place = port ? place_of(wishes, port) : NULL;
    if (port)
        draft_set(section, "Port", from, "%s", place ?: port);
    if (place)
        draft_differs(
            wishes->draft, from,
            "port %s of this host has a name that stays; the numbers of buses may be others after the "
            "next boot",
            port);
    else if (port && strchr(port, '-'))
        draft_differs(
            wishes->draft, from,
            "the number of the bus in %s may be another after the next boot; udevadm info shows the "
            "name that stays (ID_PATH), which Port= takes too",
            port);
}

void wish_evdev(Wishes *wishes, const char *device, const char *toggle, const Node *from)
{
    const char *name = strstr(device, "kbd") ? "keyboard" : strstr(device, "mouse") ? "mouse" : "input";
    DraftSection *section = draft_add(wishes->draft, "Input", name);

    draft_set(section, "Device", from, "%s", device);
    if (toggle)
        draft_set(section, "GrabToggle", from, "%s", toggle);
    if (g_str_has_prefix(device, "/dev/input/event"))
        draft_differs(wishes->draft, from,
                      "%s may be another device after the next boot; a name in /dev/input/by-id stays",
                      device);
}

void wish_huge_pages(Wishes *wishes, guint64 size, const Node *from)
{
    draft_set(draft_section(wishes->draft, "Memory"), "HugePages", from, "%s",
              size >= 1u << 30 ? "1G" : "2M");
    if (size != 1u << 30 && size != 2u << 20)
        draft_differs(wishes->draft, from, "pages have 2M or 1G");
}
