/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "qemu-builder.h"

/* The longest that virtio-blk and NVMe let a guest read. */
#define SERIAL_MAX 20

static const char *const disk_drivers[] = {
    [DISK_BUS_VIRTIO_BLK] = "virtio-blk-pci",
    [DISK_BUS_VIRTIO_SCSI] = "scsi-hd",
    [DISK_BUS_NVME] = "nvme",
    [DISK_BUS_SATA] = "ide-hd",
};
static const char *const format_drivers[] = {[DISK_FORMAT_RAW] = "raw", [DISK_FORMAT_QCOW2] = "qcow2"};
/* The section's name, which the guest's udev puts into /dev/disk/by-id; a long one is told apart by its hash.
 */
static char *make_serial(const char *section)
{
    if (strlen(section) <= SERIAL_MAX)
        return g_strdup(section);
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, section, -1);
    return g_strdup_printf("%.11s-%.8s", section, hash);
}

/* The file, and in it the format: QEMU would guess neither right for every guest that writes what it likes.
 */
static void add_disk_nodes(QemuBuilder *builder, const DefinitionDisk *disk, unsigned index)
{
    int fd = builder_file_set(builder, QEMU_FILE_DISK, disk->path, disk->read_only);
    struct json_object *file = json_new_driver("file"),
                       *format = json_new_driver(format_drivers[disk->format]);

    /* Names of nodes have 31 bytes at most: too few for a section's name. */
    json_set_text(file, "node-name", "file-%u", index);
    json_set_text(file, "filename", "/dev/fdset/%d", fd);
    json_set_bool(file, "read-only", disk->read_only);
    builder_json(builder, "-blockdev", file);
    g_array_index(builder->command->files, QemuFile, fd - QEMU_FD_FIRST).argument =
        builder->command->argv->len - 1;

    json_set_text(format, "node-name", "disk-%u", index);
    json_set_text(format, "file", "file-%u", index);
    json_set_bool(format, "read-only", disk->read_only);
    /* An image that names another as its backing file would have QEMU open whatever path it likes. */
    if (disk->format == DISK_FORMAT_QCOW2)
        json_object_object_add(format, "backing", NULL);
    builder_json(builder, "-blockdev", format);
}

static void add_scsi_controller(QemuBuilder *builder)
{
    if (builder->scsi)
        return;
    builder->scsi = true;
    builder_port(builder, PORTS_SCSI, 0, "scsi");
    builder_json(builder, "-device", builder_device("virtio-scsi-pci", "scsi", "scsi", 0));
}

void qemu_add_disk(QemuBuilder *builder, const DefinitionDisk *disk, unsigned index)
{
    g_autofree char *id = g_strconcat("disk-", disk->name, NULL), *serial = make_serial(disk->name);
    const char *driver = disk_drivers[disk->bus];
    struct json_object *device;

    add_disk_nodes(builder, disk, index);
    if (disk->bus == DISK_BUS_VIRTIO_SCSI || disk->bus == DISK_BUS_SATA) {
        device = json_new_driver(driver);
        json_set_text(device, "id", "%s", id);
    } else {
        builder_port(builder, PORTS_DISK, builder->n_disk_ports++, id);
        device = builder_device(driver, id, id, 0);
    }
    if (disk->bus == DISK_BUS_SATA) {
        json_set_text(device, "bus", "ide.%u", builder->n_sata++);
    } else if (disk->bus == DISK_BUS_VIRTIO_SCSI) {
        add_scsi_controller(builder);
        json_set_text(device, "bus", "scsi.0");
        json_set_number(device, "scsi-id", index);
    }
    json_set_text(device, "drive", "disk-%u", index);
    json_set_text(device, "serial", "%s", serial);
    /* In the order of the file; -kernel comes before all, as 0. */
    json_set_number(device, "bootindex", index + 1);
    builder_json(builder, "-device", device);
}

void qemu_command_set_block_device(QemuCommand *command, int fd)
{
    const QemuFile *file = &g_array_index(command->files, QemuFile, fd - QEMU_FD_FIRST);
    char **argument = (char **)&g_ptr_array_index(command->argv, file->argument);
    struct json_object *node = json_tokener_parse(*argument);

    g_assert(file->kind == QEMU_FILE_DISK);
    json_set_text(node, "driver", "host_device");
    g_free(*argument);
    *argument = g_strdup(
        json_object_to_json_string_ext(node, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(node);
}
