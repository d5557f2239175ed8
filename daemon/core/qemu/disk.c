/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../definition/disk.h"
#include "builder.h"

/* The longest that virtio-blk and NVMe let a guest read. */
#define SERIAL_MAX 20
/* The ports of q35's own controller: disks count from the first, CD drives from the last, so that neither
 * moves the other. */
#define SATA_PORTS 6
/* After all that a BootIndex= can say. */
#define BOOT_FIRST_DISK 100
#define BOOT_FIRST_CDROM 200
/* After the disks on the same controller. */
#define SCSI_FIRST_CDROM 64

static const char *const disk_drivers[] = {
    [DISK_BUS_VIRTIO_BLK] = "virtio-blk-pci",
    [DISK_BUS_VIRTIO_SCSI] = "scsi-hd",
    [DISK_BUS_NVME] = "nvme",
    [DISK_BUS_SATA] = "ide-hd",
};

/* The section's name, which the guest's udev puts into /dev/disk/by-id; a hash makes long ones differ. */
static char *make_serial(const char *section)
{
    if (strlen(section) <= SERIAL_MAX)
        return g_strdup(section);
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, section, -1);
    return g_strdup_printf("%.11s-%.8s", section, hash);
}

/* The controller that disks and CD drives share; it comes with the first of them. */
static void add_shared_scsi(QemuBuilder *builder)
{
    if (builder->scsi)
        return;
    builder->scsi = true;
    builder_port(builder, PORTS_SCSI, 0, "scsi");
    builder_json(builder, "-device", builder_device("virtio-scsi-pci", "scsi", "scsi", 0));
}

/* What virtio devices call their number of queues. */
static void set_service(struct json_object *device, const DefinitionDisk *disk, const char *queues)
{
    if (disk->iothread)
        json_set_text(device, "iothread", "iothread-%s", disk->name);
    if (disk->queues > 0)
        json_set_number(device, queues, disk->queues);
}

/* A thread and queues are a whole controller's: a disk that is to have its own has a controller, too. */
static bool has_own_scsi(const DefinitionDisk *disk)
{
    return disk->iothread || disk->queues > 0;
}

static void add_own_scsi(QemuBuilder *builder, const DefinitionDisk *disk, const char *id)
{
    builder_port(builder, PORTS_DISK, builder->n_disk_ports++, id);
    struct json_object *controller = builder_device("virtio-scsi-pci", id, id, 0);
    set_service(controller, disk, "num_queues");
    builder_json(builder, "-device", controller);
}

static void add_iothread(QemuBuilder *builder, const DefinitionDisk *disk)
{
    struct json_object *thread = json_object_new_object();

    json_set_text(thread, "qom-type", "iothread");
    json_set_text(thread, "id", "iothread-%s", disk->name);
    builder_json(builder, "-object", thread);
}

/* The disk's device, with its bus and address. */
static struct json_object *new_disk(QemuBuilder *builder, const DefinitionDisk *disk, unsigned index)
{
    g_autofree char *id = g_strconcat("disk-", disk->name, NULL),
                    *scsi = g_strconcat("scsi-", disk->name, NULL);
    const char *driver = disk_drivers[disk->bus];

    if (disk->bus == DISK_BUS_VIRTIO_BLK || disk->bus == DISK_BUS_NVME) {
        builder_port(builder, PORTS_DISK, builder->n_disk_ports++, id);
        struct json_object *device = builder_device(driver, id, id, 0);
        set_service(device, disk, "num-queues");
        return device;
    }
    struct json_object *device = json_new_driver(driver);
    json_set_text(device, "id", "%s", id);
    if (disk->bus == DISK_BUS_SATA) {
        json_set_text(device, "bus", "ide.%u", builder->n_sata++);
        return device;
    }
    if (has_own_scsi(disk))
        add_own_scsi(builder, disk, scsi);
    else
        add_shared_scsi(builder);
    json_set_text(device, "bus", "%s.0", has_own_scsi(disk) ? scsi : "scsi");
    json_set_number(device, "scsi-id", index);
    return device;
}

/* Adds the chain from the bottom upwards, and returns the node of the disk itself. Nodes' names have 31 bytes
 * at most, too few for a section's name. */
static char *add_images(QemuBuilder *builder, const DefinitionDisk *disk, unsigned index, int *ret_fd)
{
    g_autofree char *below = NULL;

    for (unsigned i = disk->backing ? disk->backing->len : 0; i > 0; i--) {
        const DefinitionImage *image = g_ptr_array_index(disk->backing, i - 1);
        char *node = g_strdup_printf("disk-%u-backing-%u", index, i - 1);

        builder_image(builder, node,
                      &(QemuImage){image->path, image->format, disk->cache, disk->io, false, true, below});
        g_free(below);
        below = node;
    }
    char *node = g_strdup_printf("disk-%u", index);
    *ret_fd = builder_image(builder, node,
                            &(QemuImage){disk->path, disk->format, disk->cache, disk->io, disk->discard,
                                         disk->read_only, below, disk->zeroes});
    return node;
}

static bool tells_rotation(const DefinitionDisk *disk)
{
    return disk->bus == DISK_BUS_SATA || disk->bus == DISK_BUS_VIRTIO_SCSI;
}

static void set_geometry(struct json_object *device, const DefinitionDisk *disk)
{
    if (disk->sector == DISK_SECTOR_512E || disk->sector == DISK_SECTOR_4096)
        json_set_sectors(device, disk->sector == DISK_SECTOR_4096 ? 4096 : 0, 4096);
    if (disk->rotation > 0)
        json_set_number(device, "rotation_rate", disk->rotation);
}

/* The device was added just now; a block device tells the rest when it is opened. */
static void note_device(QemuBuilder *builder, const DefinitionDisk *disk, int fd)
{
    QemuFile *file = builder_file_at(builder, fd);

    file->device = builder->command->argv->len - 1;
    file->sectors = disk->sector == DISK_SECTOR_AUTO && disk->format == DISK_FORMAT_RAW;
    file->rotation = disk->rotation == 0 && tells_rotation(disk);
}

/* One that is absent leaves its port empty: whatever comes after it stays where it is. */
void qemu_add_disk(QemuBuilder *builder, const DefinitionDisk *disk, unsigned index)
{
    int fd = -1;
    g_autofree char *serial = disk->serial ? g_strdup(disk->serial) : make_serial(disk->name),
                    *node = disk->absent ? NULL : add_images(builder, disk, index, &fd);

    if (disk->iothread)
        add_iothread(builder, disk);
    struct json_object *device = new_disk(builder, disk, index);
    if (disk->absent) {
        json_object_put(device);
        return;
    }
    json_set_text(device, "drive", "%s", node);
    json_set_text(device, "serial", "%s", serial);
    if (disk->cache == DISK_CACHE_WRITETHROUGH || disk->cache == DISK_CACHE_DIRECTSYNC)
        json_set_text(device, "write-cache", "off");
    set_geometry(device, disk);
    /* -kernel comes before all others, as 0. */
    json_set_number(device, "bootindex", disk->boot_index ?: BOOT_FIRST_DISK + index);
    builder_json(builder, "-device", device);
    note_device(builder, disk, fd);
}

void qemu_add_cdrom(QemuBuilder *builder, const DefinitionCdrom *cdrom, unsigned index)
{
    bool sata = cdrom->bus == CDROM_BUS_SATA;
    struct json_object *device = json_new_driver(sata ? "ide-cd" : "scsi-cd");

    json_set_text(device, "id", "cdrom-%s", cdrom->name);
    if (sata) {
        json_set_text(device, "bus", "ide.%u", SATA_PORTS - 1 - builder->n_sata_cdroms++);
    } else {
        add_shared_scsi(builder);
        json_set_text(device, "bus", "scsi.0");
        json_set_number(device, "scsi-id", SCSI_FIRST_CDROM + index);
    }
    if (cdrom->path && !cdrom->absent) {
        g_autofree char *node = g_strdup_printf("cdrom-%u", index);
        builder_image(builder, node, &(QemuImage){cdrom->path, DISK_FORMAT_RAW, .read_only = true});
        json_set_text(device, "drive", "%s", node);
    }
    json_set_number(device, "bootindex", cdrom->boot_index ?: BOOT_FIRST_CDROM + index);
    builder_json(builder, "-device", device);
}
