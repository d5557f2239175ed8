/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disks: a device, and behind it -drive or the nodes of -blockdev. */
#include <stdlib.h>
#include <string.h>

#include "disk-wish.h"
#include "qemu-private.h"

/* What stands behind a device, from whichever option. */
typedef struct Drive {
    const char *path, *format, *cache, *discard, *io;
    const char *left; /* as a DiskWish has it */
    bool read_only;
} Drive;

static int switch_of(Node *node, const char *name)
{
    return option_on(node, name) ? 1 : option_off(node, name) ? 0 : -1;
}

static void take_words(Node *node, const char *const *names)
{
    for (; *names; names++)
        node_take(node, *names);
}

/* A part of what is below, as the driver raw makes it of any. */
static bool is_window(const Node *layer)
{
    for (unsigned i = 0; i < layer->children->len; i++) {
        const char *name = ((const Node *)layer->children->pdata[i])->name;
        const char *last = strrchr(name, '.') ? strrchr(name, '.') + 1 : name;
        if (g_str_equal(last, "offset") || g_str_equal(last, "size"))
            return true;
    }
    return false;
}

static void leave(Node *layer, Drive *drive, const char *why)
{
    node_take_all(layer);
    drive->left = why;
}

static void read_layer(Node *layer, Drive *drive)
{
    static const char *const own[] = {"driver",  "node-name", "auto-read-only", "file", "file.driver",
                                      "locking", NULL};
    int direct = switch_of(layer, "cache.direct"), no_flush = switch_of(layer, "cache.no-flush");

    drive->path = node_take(layer, "filename") ?: node_take(layer, "file.filename") ?: drive->path;
    drive->io = node_take(layer, "aio") ?: node_take(layer, "file.aio") ?: drive->io;
    drive->discard = node_take(layer, "discard") ?: drive->discard;
    drive->cache = disk_cache_of(direct, no_flush, -1) ?: drive->cache;
    drive->read_only = drive->read_only || switch_of(layer, "read-only") == 1;
    node_take(layer, "file.discard");
    if (is_window(layer))
        leave(layer, drive, DISK_WINDOW);
    take_words(layer, own);
}

/* libvirt puts the format above the file. */
static bool read_nodes(Qemu *qemu, const char *name, Drive *drive)
{
    Node *format = qemu_find(qemu, "-blockdev", "node-name", name);
    const char *below = format ? node_look(format, "file") : NULL;
    Node *storage = qemu_find(qemu, "-blockdev", "node-name", below);

    if (!format)
        return false;
    drive->format = node_look(format, "driver");
    if (storage)
        read_layer(storage, drive);
    /* libvirt lets the file be punched whatever was asked for; what the guest gets is the format's to say. */
    drive->discard = NULL;
    read_layer(format, drive);
    return true;
}

/* -drive's own words. */
static void read_drive(Node *option, Drive *drive)
{
    static const char *const own[] = {"id", "if", "index", "media", "bus", "unit", "detect-zeroes", NULL};
    const char *read_only = node_take(option, "readonly") ?: node_take(option, "read-only");

    drive->path = node_take(option, "file") ?: node_take(option, "filename");
    drive->format = node_take(option, "format");
    drive->cache = node_take(option, "cache");
    drive->io = node_take(option, "aio");
    drive->discard = node_take(option, "discard");
    drive->read_only = read_only && !g_str_equal(read_only, "off");
    int direct = switch_of(option, "cache.direct"), no_flush = switch_of(option, "cache.no-flush");
    drive->cache = disk_cache_of(direct, no_flush, switch_of(option, "cache.writeback")) ?: drive->cache;
    if (is_window(option))
        leave(option, drive, DISK_WINDOW);
    else if (option_on(option, "snapshot"))
        leave(option, drive, DISK_PASSING);
    option_off(option, "snapshot");
    take_words(option, own);
}

static void fill(DiskWish *disk, const Drive *drive)
{
    bool unmap = g_strcmp0(drive->discard, "unmap") == 0 || g_strcmp0(drive->discard, "on") == 0;

    disk->path = drive->path && *drive->path ? drive->path : NULL;
    disk->format = g_strcmp0(drive->format, "host_device") == 0 ? "raw" : drive->format;
    disk->left = drive->left;
    disk->cache = drive->cache;
    disk->io = drive->io;
    disk->read_only = drive->read_only;
    disk->discard = unmap ? "unmap" : drive->discard ? "ignore" : NULL;
}

static const char *bus_of(const char *driver)
{
    return g_str_has_prefix(driver, "virtio-blk") ? "virtio-blk"
           : g_str_has_prefix(driver, "scsi-")    ? "virtio-scsi"
           : g_str_equal(driver, "nvme")          ? "nvme"
           : g_str_has_prefix(driver, "usb-")     ? "usb"
                                                  : "sata";
}

/* Of a disk on a SCSI controller, queues and thread are the controller's. */
static void read_controller(Qemu *qemu, Node *device, DiskWish *disk)
{
    const char *bus = node_look(device, "bus");
    g_autofree char *id = bus ? g_strndup(bus, strcspn(bus, ".")) : NULL;
    Node *controller = qemu_find(qemu, "-device", "id", id);

    if (!controller || !g_str_has_prefix(disk->bus, "virtio-scsi"))
        return;
    disk->queues = node_look(controller, "num_queues") ?: node_look(controller, "num-queues");
    disk->iothread = disk->iothread || node_at(controller, "iothread");
}

static bool forgets_all(const Qemu *qemu)
{
    for (unsigned i = 0; i < qemu->root->children->len; i++)
        if (g_str_equal(((const Node *)qemu->root->children->pdata[i])->name, "-snapshot"))
            return true;
    return false;
}

static void write_disk(Qemu *qemu, DiskWish *disk)
{
    if (!disk->cd && forgets_all(qemu))
        disk->left = DISK_PASSING;
    if (!disk->name || g_str_has_prefix(disk->name, "libvirt-"))
        disk->name = disk->cd ? "cd" : draft_nth(qemu->wishes->draft, "Disk", 0) ? "disk" : "system";
    if (disk->cd && disk->bus && !g_str_equal(disk->bus, "virtio-scsi") && !g_str_equal(disk->bus, "usb"))
        disk->bus = "sata";
    disk_wish_write(qemu->wishes, disk);
}

void qemu_read_disk(Qemu *qemu, Node *device)
{
    static const char *const own[] = {"scsi-id",
                                      "lun",
                                      "channel",
                                      "device_id",
                                      "write-cache",
                                      "num-queues",
                                      "num_queues",
                                      "drive",
                                      "werror",
                                      "rerror",
                                      "scsi",
                                      "unit",
                                      "share-rw",
                                      "logical_block_size",
                                      "physical_block_size",
                                      NULL};
    const char *driver = node_look(device, "driver"), *name = node_look(device, "drive");
    Node *option = qemu_find(qemu, "-drive", "id", name);
    Drive drive = {};
    DiskWish disk = {.id = node_look(device, "id"), .bus = bus_of(driver), .from = device};

    if (option)
        read_drive(option, &drive);
    else
        read_nodes(qemu, name, &drive);
    fill(&disk, &drive);
    disk.cd =
        g_str_has_suffix(driver, "-cd") || (option && g_strcmp0(node_look(option, "media"), "cdrom") == 0);
    disk.name = option ? node_look(option, "id") : NULL;
    disk.whole_scsi = g_str_equal(driver, "scsi-block") || g_str_equal(driver, "scsi-generic");
    disk.boot_index = node_take(device, "bootindex");
    disk.serial = node_take(device, "serial");
    disk.rotation = node_take(device, "rotation_rate");
    disk.iothread = node_take(device, "iothread") != NULL;
    if (option_off(device, "write-cache"))
        disk.cache = g_strcmp0(disk.cache, "none") == 0 ? "directsync" : "writethrough";
    disk.queues = node_look(device, "num-queues") ?: node_look(device, "num_queues");
    read_controller(qemu, device, &disk);
    disk.logical = node_look(device, "logical_block_size");
    disk.physical = node_look(device, "physical_block_size");
    qemu_take_place(qemu, device);
    take_words(device, own);
    write_disk(qemu, &disk);
}

/* Firmware in flash: the code first, then the variables. */
static void read_flash(Qemu *qemu, Node *option)
{
    Node *other = NULL;

    if (option->taken && node_at(option, "file")->taken)
        return;
    for (unsigned i = 0; i < qemu->root->children->len; i++) {
        Node *node = qemu->root->children->pdata[i];
        if (node != option && g_str_equal(node->name, "-drive") &&
            g_strcmp0(node_look(node, "if"), "pflash") == 0)
            other = node;
    }
    node_take_all(option);
    if (other)
        node_take_all(other);
    wish_uefi(qemu->wishes, node_look(option, "file"), option, other ? node_look(other, "file") : NULL,
              other);
}

static bool has_device(Qemu *qemu, const Node *option)
{
    return qemu_find(qemu, "-device", "drive", node_look(option, "id")) != NULL;
}

void qemu_read_drive(Qemu *qemu, Node *option)
{
    const char *interface = node_look(option, "if"), *media = node_look(option, "media");
    Drive drive = {};

    if (g_strcmp0(interface, "pflash") == 0 && node_at(option, "file")) {
        read_flash(qemu, option);
        return;
    }
    if (has_device(qemu, option))
        return;
    if (g_strcmp0(interface, "none") == 0 || g_strcmp0(interface, "floppy") == 0 ||
        g_strcmp0(interface, "sd") == 0)
        return;
    DiskWish disk = {.cd = g_strcmp0(media, "cdrom") == 0, .from = option};
    const char *serial = node_take(option, "serial"), *name = node_look(option, "id");
    read_drive(option, &drive);
    fill(&disk, &drive);
    disk.serial = serial;
    disk.name = name;
    disk.bus = g_strcmp0(interface, "virtio") == 0 ? "virtio-blk"
               : g_strcmp0(interface, "scsi") == 0 ? "virtio-scsi"
                                                   : "sata";
    write_disk(qemu, &disk);
}

void qemu_read_image(Qemu *qemu, Node *option)
{
    DiskWish disk = {
        .cd = g_str_equal(option->name, "-cdrom"), .path = option->value, .bus = "sata", .from = option};

    node_take_all(option);
    write_disk(qemu, &disk);
}
