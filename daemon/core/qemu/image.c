/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Images as QEMU's block nodes: the file, and in it the format. Both are always named, as QEMU would guess
 * wrong for a guest that writes what it likes. */
#include "../definition/disk.h"
#include "builder.h"

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

void builder_image(QemuBuilder *builder, const char *node, const QemuImage *image)
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
    builder_json(builder, "-blockdev", format);
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
