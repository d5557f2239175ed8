/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qcow2.h"

#include <string.h>

#define MAGIC 0x514649fbu /* "QFI\xfb" */
#define VERSION_2_BYTES 72
/* QEMU takes clusters of 512 bytes to 2 MiB (block/qcow2.h, MIN_CLUSTER_BITS and MAX_CLUSTER_BITS). */
#define CLUSTER_BITS_MIN 9
#define CLUSTER_BITS_MAX 21
#define INCOMPATIBLE_EXTERNAL_DATA (UINT64_C(1) << 2)
#define EXTENSION_BACKING_FORMAT 0xe2792acau

/* Of an image that is made here. */
#define CLUSTER_BITS 16
#define CLUSTER (UINT64_C(1) << CLUSTER_BITS)
#define REFCOUNT_ORDER 4 /* 16 bits each */

enum {
    AT_MAGIC = 0,
    AT_VERSION = 4,
    AT_NAME_OFFSET = 8,
    AT_NAME_SIZE = 16,
    AT_CLUSTER_BITS = 20,
    AT_SIZE = 24,
    AT_L1_SIZE = 36,
    AT_L1_OFFSET = 40,
    AT_REFCOUNT_OFFSET = 48,
    AT_REFCOUNT_CLUSTERS = 56,
    AT_INCOMPATIBLE = 72,
    AT_REFCOUNT_ORDER = 96,
    AT_HEADER_LENGTH = 100,
};

static uint32_t read_32(const uint8_t *bytes, size_t at)
{
    uint32_t value;

    memcpy(&value, bytes + at, sizeof(value));
    return GUINT32_FROM_BE(value);
}

static uint64_t read_64(const uint8_t *bytes, size_t at)
{
    uint64_t value;

    memcpy(&value, bytes + at, sizeof(value));
    return GUINT64_FROM_BE(value);
}

static void write_32(uint8_t *bytes, size_t at, uint32_t value)
{
    value = GUINT32_TO_BE(value);
    memcpy(bytes + at, &value, sizeof(value));
}

static void write_64(uint8_t *bytes, size_t at, uint64_t value)
{
    value = GUINT64_TO_BE(value);
    memcpy(bytes + at, &value, sizeof(value));
}

int qcow2_read(const void *data, size_t size, Qcow2Header *ret)
{
    const uint8_t *bytes = data;

    if (size < VERSION_2_BYTES || read_32(bytes, AT_MAGIC) != MAGIC)
        return -EINVAL;
    uint32_t version = read_32(bytes, AT_VERSION), cluster_bits = read_32(bytes, AT_CLUSTER_BITS);
    if (version < 2 || version > 3 || (version == 3 && size < QCOW2_HEADER_BYTES))
        return -EBADMSG;
    if (cluster_bits < CLUSTER_BITS_MIN || cluster_bits > CLUSTER_BITS_MAX)
        return -EBADMSG;

    Qcow2Header header = {
        .size = read_64(bytes, AT_SIZE),
        .name_offset = read_64(bytes, AT_NAME_OFFSET),
        .name_size = read_32(bytes, AT_NAME_SIZE),
        .external_data = version == 3 && read_64(bytes, AT_INCOMPATIBLE) & INCOMPATIBLE_EXTERNAL_DATA,
    };
    uint64_t cluster = UINT64_C(1) << cluster_bits;
    /* The name lies in the first cluster, behind the header. QEMU reads a name of no length as none. */
    if (header.name_offset == 0 || header.name_size == 0)
        header.name_offset = header.name_size = 0;
    else if (header.name_offset < VERSION_2_BYTES || header.name_offset > cluster ||
             header.name_size > QCOW2_NAME_BYTES || header.name_size > cluster - header.name_offset)
        return -EBADMSG;
    *ret = header;
    return 0;
}

char *qcow2_name(const void *bytes, size_t size)
{
    g_autofree char *text = g_strndup(bytes, size);
    GString *shown = g_string_new(NULL);

    if (strlen(text) == size && g_utf8_validate(text, -1, NULL)) {
        for (const char *c = text; *c; c = g_utf8_next_char(c))
            if (g_unichar_iscntrl(g_utf8_get_char(c)))
                g_string_append_printf(shown, "\\x%02x", g_utf8_get_char(c));
            else
                g_string_append_unichar(shown, g_utf8_get_char(c));
        return g_string_free(shown, FALSE);
    }
    for (const uint8_t *c = bytes; c < (const uint8_t *)bytes + size; c++)
        if (g_ascii_isprint(*c))
            g_string_append_c(shown, *c);
        else
            g_string_append_printf(shown, "\\x%02x", *c);
    return g_string_free(shown, FALSE);
}

char *qcow2_backing_path(const char *image, const char *name)
{
    const char *colon = strchr(name, ':'), *slash = strchr(name, '/');

    /* A colon before any slash makes it a protocol's (QEMU's path_has_protocol()). */
    if (colon && (!slash || colon < slash))
        return NULL;
    g_autofree char *folder = g_path_get_dirname(image);
    return g_canonicalize_filename(name, folder);
}

/* Extensions lie between the header and the name: the format of the backing file, then an end. */
static size_t write_extensions(uint8_t *bytes, size_t at, const char *backing_format)
{
    if (backing_format) {
        size_t size = strlen(backing_format);
        write_32(bytes, at, EXTENSION_BACKING_FORMAT);
        write_32(bytes, at + 4, size);
        memcpy(bytes + at + 8, backing_format, size);
        at += 8 + (size + 7) / 8 * 8;
    }
    return at + 8;
}

GByteArray *qcow2_new(uint64_t size, const char *backing, const char *backing_format, uint64_t *ret_length)
{
    /* Header, table of refcounts, refcounts, L1 table. One cluster of refcounts covers 2 GiB of the file, an
     * L2 table half a GiB of the disk. */
    const uint64_t per_l2 = CLUSTER / 8 * CLUSTER;
    uint64_t n_l1 = (size + per_l2 - 1) / per_l2, l1_clusters = (n_l1 * 8 + CLUSTER - 1) / CLUSTER;
    uint64_t n_clusters = 3 + MAX(l1_clusters, 1);

    if (backing && strlen(backing) > QCOW2_NAME_BYTES)
        return NULL;
    GByteArray *image = g_byte_array_new();
    g_byte_array_set_size(image, 3 * CLUSTER);
    uint8_t *bytes = image->data;
    memset(bytes, 0, image->len);
    write_32(bytes, AT_MAGIC, MAGIC);
    write_32(bytes, AT_VERSION, 3);
    write_32(bytes, AT_CLUSTER_BITS, CLUSTER_BITS);
    write_64(bytes, AT_SIZE, size);
    write_32(bytes, AT_L1_SIZE, n_l1);
    write_64(bytes, AT_L1_OFFSET, 3 * CLUSTER);
    write_64(bytes, AT_REFCOUNT_OFFSET, CLUSTER);
    write_32(bytes, AT_REFCOUNT_CLUSTERS, 1);
    write_32(bytes, AT_REFCOUNT_ORDER, REFCOUNT_ORDER);
    write_32(bytes, AT_HEADER_LENGTH, QCOW2_HEADER_BYTES);
    size_t end = write_extensions(bytes, QCOW2_HEADER_BYTES, backing ? backing_format : NULL);
    if (backing) {
        write_64(bytes, AT_NAME_OFFSET, end);
        write_32(bytes, AT_NAME_SIZE, strlen(backing));
        memcpy(bytes + end, backing, strlen(backing));
    }
    write_64(bytes, CLUSTER, 2 * CLUSTER);
    for (uint64_t i = 0; i < n_clusters; i++)
        bytes[2 * CLUSTER + i * 2 + 1] = 1;
    *ret_length = n_clusters * CLUSTER;
    return image;
}
