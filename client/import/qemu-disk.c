/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disks: a device, and behind it -drive or the nodes of -blockdev. */
#include <stdlib.h>
#include <string.h>

#include "disk-wish.h"
#include "qemu-private.h"

/* What stands behind a device, from whichever option. */
typedef struct Drive {
    const char *path, *format, *cache, *discard, *io, *zeroes;
    const char *left; /* as a DiskWish has it */
    bool read_only;
} Drive;

#define LAYERS_MAX 8
#define BACKING_MAX 64
#define DISK_NODES                                                                                           \
    "import finds no image file and no block device behind the disk, in the format raw or qcow2; add a "     \
    "[Disk] section with its Path= and Format="

static int switch_of(Node *node, const char *name)
{
    return option_on(node, name) ? 1 : option_off(node, name) ? 0 : -1;
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

/* A node of the chain: an option of its own, or a part of one ("file."). */
typedef struct Layer {
    Node *node;
    char *prefix;
} Layer;

static const char *take(const Layer *layer, const char *name)
{
    g_autofree char *whole = g_strconcat(layer->prefix, name, NULL);

    return node_take(layer->node, whole);
}

static int switch_at(const Layer *layer, const char *name)
{
    g_autofree char *whole = g_strconcat(layer->prefix, name, NULL);

    return switch_of(layer->node, whole);
}

static bool begins(const Node *node, const char *prefix)
{
    for (unsigned i = 0; i < node->children->len; i++)
        if (g_str_has_prefix(((const Node *)node->children->pdata[i])->name, prefix))
            return true;
    return false;
}

/* What the layer is on; false: it is the last. */
static bool below(const Qemu *qemu, const Layer *layer, Layer *ret)
{
    g_autofree char *file = g_strconcat(layer->prefix, "file", NULL), *inner = g_strconcat(file, ".", NULL);
    const char *name = node_look(layer->node, file);

    ret->node = name ? qemu_find(qemu, "-blockdev", "node-name", name) : layer->node;
    if (!ret->node || (!name && !begins(layer->node, inner)))
        return false;
    ret->prefix = name ? g_strdup("") : g_steal_pointer(&inner);
    return true;
}

static bool is_one(const char *driver, const char *const *drivers)
{
    return driver && g_strv_contains(drivers, driver);
}

static void read_layer(const Layer *layer, Drive *drive)
{
    static const char *const filters[] = {"throttle", "copy-on-read", NULL};
    static const char *const files[] = {"file", "host_device", "host_cdrom", NULL};
    static const char *const own[] = {"node-name", "auto-read-only", "file",
                                      "locking",   "throttle-group", NULL};
    const char *driver = take(layer, "driver"), *format = take(layer, "format");
    int direct = switch_at(layer, "cache.direct"), no_flush = switch_at(layer, "cache.no-flush");
    bool filter = is_one(driver, filters);

    driver = format ?: driver;
    if (!driver && *layer->prefix)
        driver = "file";
    drive->path = take(layer, "filename") ?: drive->path;
    drive->io = take(layer, "aio") ?: drive->io;
    drive->zeroes = take(layer, "detect-zeroes") ?: drive->zeroes;
    drive->cache = disk_cache_of(direct, no_flush, -1) ?: drive->cache;
    drive->read_only = switch_at(layer, "read-only") == 1 || drive->read_only;
    for (const char *const *name = own; *name; name++)
        take(layer, *name);
    if (is_window(layer->node))
        leave(layer->node, drive, DISK_WINDOW);
    /* libvirt lets the file be punched whatever was asked for; what the guest gets is the format's to say. */
    const char *discard = take(layer, "discard");
    drive->discard = discard ?: filter ? drive->discard : NULL;
    if (filter)
        return;
    /* Below the format stands a file as it is: else its contents would be another's. */
    if (drive->format ? !g_str_equal(drive->format, "raw") : !is_one(driver, files))
        leave(layer->node, drive, DISK_NODES);
    drive->format = is_one(driver, files) ? "raw" : driver;
}

static void read_layers(const Qemu *qemu, Node *top, const char *prefix, Drive *drive)
{
    Layer layers[LAYERS_MAX] = {{top, g_strdup(prefix)}};
    unsigned n = 1;

    while (n < LAYERS_MAX && below(qemu, &layers[n - 1], &layers[n]))
        n++;
    if (n == LAYERS_MAX)
        leave(top, drive, DISK_NODES);
    while (n-- > 0) {
        read_layer(&layers[n], drive);
        g_free(layers[n].prefix);
    }
}

static void read_nodes(Qemu *qemu, const char *name, Drive *drive)
{
    Node *top = qemu_find(qemu, "-blockdev", "node-name", name);

    if (top)
        read_layers(qemu, top, "", drive);
}

/* -drive's own words. */
static void read_drive(const Qemu *qemu, Node *option, Drive *drive)
{
    static const char *const own[] = {"id", "if", "index", "media", "bus", "unit", NULL};
    const char *read_only = node_take(option, "readonly") ?: node_take(option, "read-only");

    if (!node_at(option, "file") && begins(option, "file.")) {
        read_layers(qemu, option, "", drive);
    } else {
        drive->path = node_take(option, "file") ?: node_take(option, "filename");
        drive->format = node_take(option, "format") ?: node_take(option, "driver");
    }
    drive->cache = node_take(option, "cache") ?: drive->cache;
    drive->io = node_take(option, "aio") ?: drive->io;
    drive->zeroes = node_take(option, "detect-zeroes") ?: drive->zeroes;
    drive->discard = node_take(option, "discard") ?: drive->discard;
    drive->read_only = drive->read_only || (read_only && !g_str_equal(read_only, "off"));
    int direct = switch_of(option, "cache.direct"), no_flush = switch_of(option, "cache.no-flush");
    drive->cache = disk_cache_of(direct, no_flush, switch_of(option, "cache.writeback")) ?: drive->cache;
    if (is_window(option))
        leave(option, drive, DISK_WINDOW);
    else if (option_on(option, "snapshot"))
        leave(option, drive, DISK_PASSING);
    option_off(option, "snapshot");
    node_take_each(option, own);
}

static void fill(DiskWish *disk, const Drive *drive)
{
    bool unmap = g_strcmp0(drive->discard, "unmap") == 0 || g_strcmp0(drive->discard, "on") == 0;

    disk->path = drive->path && *drive->path ? drive->path : NULL;
    disk->format = g_strcmp0(drive->format, "host_device") == 0 ? "raw" : drive->format;
    disk->left = drive->left;
    disk->cache = drive->cache;
    disk->io = drive->io;
    disk->zeroes = drive->zeroes;
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

static DraftSection *write_disk(Qemu *qemu, DiskWish *disk)
{
    if (!disk->cd && !disk->path && !disk->left)
        disk->left = DISK_NODES;
    if (!disk->cd && node_at(qemu->root, "-snapshot"))
        disk->left = DISK_PASSING;
    if (!disk->name || g_str_has_prefix(disk->name, "libvirt-"))
        disk->name = disk->cd ? "cd" : draft_nth(qemu->wishes->draft, "Disk", 0) ? "disk" : "system";
    if (disk->cd && disk->bus && !g_str_equal(disk->bus, "virtio-scsi") && !g_str_equal(disk->bus, "usb"))
        disk->bus = "sata";
    return disk_wish_write(qemu->wishes, disk);
}

/* The images below an overlay, by their nodes. */
static void write_backing(Qemu *qemu, Node *node, DraftSection *section)
{
    g_autofree char *prefix = g_strdup("");

    for (unsigned depth = 0; node && section && depth < BACKING_MAX; depth++) {
        g_autofree char *key = g_strconcat(prefix, "backing", NULL), *inner = g_strconcat(key, ".", NULL);
        const char *name = node_take(node, key);
        Node *next = name ? qemu_find(qemu, "-blockdev", "node-name", name) : node;
        Drive drive = {};

        if (!next && !g_str_equal(name, "null"))
            draft_left(qemu->wishes->draft, node, "no -blockdev is called %s, which is below the image",
                       name);
        if (!next || (!name && !begins(node, inner)))
            return;
        g_free(prefix);
        prefix = name ? g_strdup("") : g_steal_pointer(&inner);
        read_layers(qemu, next, prefix, &drive);
        if (drive.left || !drive.path || !drive.format) {
            draft_left(qemu->wishes->draft, next,
                       "import finds no file behind this image below a disk; add Backing=FORMAT:PATH to it");
            return;
        }
        draft_more(section, "Backing", next, "%s:%s", drive.format, drive.path);
        node = next;
    }
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
        read_drive(qemu, option, &drive);
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
    node_take_each(device, own);
    DraftSection *section = write_disk(qemu, &disk);
    write_backing(qemu, option ?: qemu_find(qemu, "-blockdev", "node-name", name), section);
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
    read_drive(qemu, option, &drive);
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
