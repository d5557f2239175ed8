/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Images as QEMU's block nodes: the file, and in it the format. Both are always named, as QEMU would guess
 * wrong for a guest that writes what it likes. */
#include "../definition/disk.h"
#include "builder.h"

/* What QEMU says by itself. */
#define SECTOR_BYTES 512

static const char *const format_drivers[] = {[DISK_FORMAT_RAW] = "raw", [DISK_FORMAT_QCOW2] = "qcow2"};

static struct json_object *new_node(const char *driver, const char *name, const QemuImage *image)
{
    struct json_object *node = json_new_driver(driver);
    bool direct = disk_cache_direct(image->cache), unsafe = image->cache == DISK_CACHE_UNSAFE;

    json_set_text(node, "node-name", "%s", name);
    json_set_bool(node, "read-only", image->read_only);
    /* Each node has its own setting: a node that is not asked to pass a discard on drops it. */
    if (image->discard)
        json_set_text(node, "discard", "unmap");
    /* What each word stands for is in qemu-block-drivers(7), "cache". */
    if (direct || unsafe) {
        struct json_object *cache = json_object_new_object();
        json_set_bool(cache, "direct", direct);
        json_set_bool(cache, "no-flush", unsafe);
        json_object_object_add(node, "cache", cache);
    }
    return node;
}

int builder_image(QemuBuilder *builder, const char *node, const QemuImage *image)
{
    g_autofree char *file_node = g_strconcat(node, "-file", NULL);
    struct json_object *file = new_node("file", file_node, image),
                       *format = new_node(format_drivers[image->format], node, image);

    int fd = builder_file_set(builder, QEMU_FILE_DISK, image->path, image->read_only);
    json_set_text(file, "filename", "/dev/fdset/%d", fd);
    if (image->io != DISK_IO_THREADS)
        json_set_text(file, "aio", image->io == DISK_IO_NATIVE ? "native" : "io_uring");
    builder_json(builder, "-blockdev", file);
    builder_file_at(builder, fd)->argument = builder->command->argv->len - 1;
    builder_file_at(builder, fd)->direct = disk_cache_direct(image->cache);

    json_set_text(format, "file", "%s", file_node);
    /* Without this, the image could have QEMU open whatever path it likes. */
    if (image->format == DISK_FORMAT_QCOW2)
        json_object_object_add(format, "backing",
                               image->backing ? json_object_new_string(image->backing) : NULL);
    if (image->zeroes != DISK_ZEROES_OFF)
        json_set_text(format, "detect-zeroes", image->zeroes == DISK_ZEROES_UNMAP ? "unmap" : "on");
    builder_json(builder, "-blockdev", format);
    return fd;
}

void json_set_sectors(struct json_object *device, unsigned logical, unsigned physical)
{
    if (logical > SECTOR_BYTES)
        json_set_number(device, "logical_block_size", logical);
    if (physical > SECTOR_BYTES)
        json_set_number(device, "physical_block_size", physical);
}

/* Replaces an argument that is an object, which it takes over. */
static void replace(QemuCommand *command, unsigned argument, struct json_object *object)
{
    char **place = (char **)&g_ptr_array_index(command->argv, argument);

    g_free(*place);
    *place = g_strdup(
        json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(object);
}

static struct json_object *parse(const QemuCommand *command, unsigned argument)
{
    return json_tokener_parse(g_ptr_array_index(command->argv, argument));
}

void qemu_command_set_block_device(QemuCommand *command, int fd, const DiskGeometry *geometry)
{
    const QemuFile *file = &g_array_index(command->files, QemuFile, fd - QEMU_FD_FIRST);
    struct json_object *node = parse(command, file->argument);

    g_assert(file->kind == QEMU_FILE_DISK);
    json_set_text(node, "driver", "host_device");
    replace(command, file->argument, node);
    if (file->device == 0)
        return;
    struct json_object *device = parse(command, file->device);
    if (file->sectors)
        json_set_sectors(device, geometry->logical, geometry->physical);
    if (file->rotation && geometry->solid)
        json_set_number(device, "rotation_rate", 1);
    replace(command, file->device, device);
}
