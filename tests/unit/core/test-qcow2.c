/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Headers of qcow2 images: those of the real qemu-img, hostile ones, and ours as the real qemu-img sees them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../../daemon/core/plan/qcow2.h"
#include "../scratch.h"
#include "../suite.h"

static uint8_t *a_header(uint32_t version)
{
    static uint8_t bytes[QCOW2_HEADER_BYTES];

    memset(bytes, 0, sizeof(bytes));
    memcpy(bytes, "QFI\xfb\0\0\0", 7);
    bytes[7] = version;
    bytes[23] = 16; /* cluster_bits */
    bytes[30] = 0x10;
    return bytes;
}

static void set_name(uint8_t *bytes, uint64_t offset, uint32_t size)
{
    offset = GUINT64_TO_BE(offset);
    size = GUINT32_TO_BE(size);
    memcpy(bytes + 8, &offset, 8);
    memcpy(bytes + 16, &size, 4);
}

START_TEST(what_is_no_qcow2_image_is_none)
{
    Qcow2Header header;
    ck_assert_int_eq(qcow2_read("", 0, &header), -EINVAL);
    ck_assert_int_eq(qcow2_read(a_header(3), 71, &header), -EINVAL);
    uint8_t *bytes = a_header(3);
    bytes[0] = 'q';
    ck_assert_int_eq(qcow2_read(bytes, QCOW2_HEADER_BYTES, &header), -EINVAL);
}
END_TEST

START_TEST(a_header_says_size_and_names)
{
    Qcow2Header header;
    uint8_t *bytes = a_header(2);
    ck_assert_int_eq(qcow2_read(bytes, 72, &header), 0);
    ck_assert_uint_eq(header.size, 0x1000);
    ck_assert_uint_eq(header.name_size, 0);
    set_name(bytes, 104, 12);
    ck_assert_int_eq(qcow2_read(bytes, 72, &header), 0);
    ck_assert_uint_eq(header.name_offset, 104);
    ck_assert_uint_eq(header.name_size, 12);
    ck_assert(!header.external_data);
    bytes = a_header(3);
    bytes[79] = 4;
    ck_assert_int_eq(qcow2_read(bytes, QCOW2_HEADER_BYTES, &header), 0);
    ck_assert(header.external_data);
}
END_TEST

START_TEST(a_header_that_cannot_be_is_broken)
{
    static const struct {
        uint64_t offset;
        uint32_t size;
    } names[] = {{1, 5},      {71, 1},    {65537, 1}, {65536, 1},       {65530, 7},
                 {104, 1024}, {104, ~0u}, {~0ull, 1}, {~0ull - 10, 12}, {1ull << 63, 10}};
    Qcow2Header header;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        uint8_t *bytes = a_header(3);
        set_name(bytes, names[i].offset, names[i].size);
        ck_assert_msg(qcow2_read(bytes, QCOW2_HEADER_BYTES, &header) == -EBADMSG, "name %zu", i);
    }
    uint8_t *bytes = a_header(4);
    ck_assert_int_eq(qcow2_read(bytes, QCOW2_HEADER_BYTES, &header), -EBADMSG);
    bytes = a_header(1);
    ck_assert_int_eq(qcow2_read(bytes, QCOW2_HEADER_BYTES, &header), -EBADMSG);
    bytes = a_header(3);
    ck_assert_int_eq(qcow2_read(bytes, QCOW2_HEADER_BYTES - 1, &header), -EBADMSG);
    static const uint8_t cluster_bits[] = {0, 8, 22, 64, 255};
    for (size_t i = 0; i < sizeof(cluster_bits); i++) {
        bytes = a_header(3);
        bytes[23] = cluster_bits[i];
        ck_assert_int_eq(qcow2_read(bytes, QCOW2_HEADER_BYTES, &header), -EBADMSG);
    }
}
END_TEST

/* Whatever the bytes, a name lies within bounds. */
START_TEST(no_bytes_lead_out_of_the_first_cluster)
{
    GRand *dice = g_rand_new_with_seed(7);
    unsigned n_read = 0;
    for (int i = 0; i < 200000; i++) {
        uint8_t *bytes = a_header(g_rand_boolean(dice) ? 3 : 2);
        for (int n = g_rand_int_range(dice, 1, 12); n > 0; n--)
            bytes[g_rand_int_range(dice, 4, 40)] = g_rand_int_range(dice, 0, 4) ? 0 : g_rand_int(dice);
        Qcow2Header header;
        size_t size = g_rand_int_range(dice, 0, QCOW2_HEADER_BYTES + 1);
        if (qcow2_read(bytes, size, &header) != 0)
            continue;
        n_read++;
        ck_assert_uint_le(header.name_size, QCOW2_NAME_BYTES);
        ck_assert_uint_le(header.name_offset, 2 << 20);
        ck_assert_uint_le(header.name_offset + header.name_size, 2 << 20);
    }
    g_rand_free(dice);
    ck_assert_uint_gt(n_read, 100);
}
END_TEST

START_TEST(a_name_can_be_shown)
{
    g_autofree char *plain = qcow2_name("/srv/b\xc3\xa4se.img", 14), *tail = qcow2_name("/etc/passwd", 4);
    g_autofree char *bell = qcow2_name("a\a\nb", 4), *nul = qcow2_name("a\0b", 3),
                    *noise = qcow2_name("\xff/x", 3);
    ck_assert_str_eq(plain, "/srv/b\xc3\xa4se.img");
    ck_assert_str_eq(tail, "/etc");
    ck_assert_str_eq(bell, "a\\x07\\x0ab");
    ck_assert_str_eq(nul, "a\\x00b");
    ck_assert_str_eq(noise, "\\xff/x");
}
END_TEST

START_TEST(a_name_is_meant_from_the_image)
{
    g_autofree char *beside = qcow2_backing_path("/srv/images/a.qcow2", "base.qcow2");
    g_autofree char *above = qcow2_backing_path("/srv/images/a.qcow2", "../base/./b");
    g_autofree char *there = qcow2_backing_path("/srv/images/a.qcow2", "/base//b:1");
    ck_assert_str_eq(beside, "/srv/images/base.qcow2");
    ck_assert_str_eq(above, "/srv/base/b");
    ck_assert_str_eq(there, "/base/b:1");
    ck_assert_ptr_null(qcow2_backing_path("/a", "nbd:unix:/x"));
    ck_assert_ptr_null(qcow2_backing_path("/a", "json:{\"driver\":\"file\"}"));
}
END_TEST

/* The standard output of qemu-img; it must succeed. */
static char *qemu_img(const char *format, ...) G_GNUC_PRINTF(1, 2);

static char *qemu_img(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *rest = g_strdup_vprintf(format, arguments), *line = g_strconcat("qemu-img ", rest, NULL);
    va_end(arguments);
    char *output = NULL;
    int status;
    ck_assert(g_spawn_command_line_sync(line, &output, NULL, &status, NULL));
    ck_assert_msg(status == 0, "%s", line);
    return output;
}

static void write_new(const char *path, uint64_t size, const char *backing)
{
    uint64_t length;
    g_autoptr(GByteArray) image = qcow2_new(size, backing, "raw", &length);
    ck_assert(g_file_set_contents(path, (const char *)image->data, image->len, NULL));
    ck_assert_int_eq(truncate(path, length), 0);
}

START_TEST(an_image_made_here_is_one_to_qemu)
{
    static const uint64_t sizes[] = {1 << 20, 512 << 20, (512 << 20) + 512, 100ull << 30, 64ull << 40};
    g_autofree char *folder = scratch_new("qcow2"), *path = g_build_filename(folder, "i.qcow2", NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        write_new(path, sizes[i], NULL);
        g_autofree char *check = qemu_img("check -f qcow2 %s", path);
        g_autofree char *info = qemu_img("info -f qcow2 --output=json %s", path);
        g_autofree char *size = g_strdup_printf("\"virtual-size\": %" G_GUINT64_FORMAT, sizes[i]);
        ck_assert_msg(strstr(check, "No errors were found"), "%s", check);
        ck_assert_msg(strstr(info, size), "%s", info);
        ck_assert_ptr_null(strstr(info, "backing"));
    }
    scratch_remove(folder);
}
END_TEST

START_TEST(an_image_made_upon_another_shows_it)
{
    g_autofree char *folder = scratch_new("qcow2"), *path = g_build_filename(folder, "i.qcow2", NULL);
    g_autofree char *base = g_build_filename(folder, "base.img", NULL), *text = NULL, *bytes = NULL;
    g_autofree char *name = NULL;
    gsize size;
    ck_assert(g_file_set_contents(base, "underneath", -1, NULL));
    ck_assert_int_eq(truncate(base, 1 << 20), 0);
    write_new(path, 2 << 20, base);
    g_autofree char *check = qemu_img("check -f qcow2 %s", path), *info = qemu_img("info -f qcow2 %s", path);
    g_autofree char *flat = g_build_filename(folder, "flat", NULL);
    g_autofree char *converted = qemu_img("convert -f qcow2 -O raw %s %s", path, flat);
    ck_assert_ptr_nonnull(strstr(info, "backing file format: raw"));
    ck_assert(g_file_get_contents(flat, &text, &size, NULL));
    ck_assert_uint_eq(size, 2 << 20);
    ck_assert_str_eq(text, "underneath");

    Qcow2Header header;
    ck_assert(g_file_get_contents(path, &bytes, &size, NULL));
    ck_assert_int_eq(qcow2_read(bytes, size, &header), 0);
    name = qcow2_name(bytes + header.name_offset, header.name_size);
    ck_assert_str_eq(name, base);
    g_autofree char *endless = g_strnfill(QCOW2_NAME_BYTES + 1, 'x');
    uint64_t length;
    ck_assert_ptr_null(qcow2_new(1 << 20, endless, "raw", &length));
    scratch_remove(folder);
}
END_TEST

START_TEST(images_of_qemu_img_are_understood)
{
    static const char *const options[] = {"",
                                          "-o compat=0.10",
                                          "-o cluster_size=512",
                                          "-o cluster_size=2M",
                                          "-o extended_l2=on,cluster_size=16k",
                                          "-o compression_type=zstd"};
    g_autofree char *folder = scratch_new("qcow2"), *path = g_build_filename(folder, "i.qcow2", NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
        g_autofree char *made =
            qemu_img("create -q -f qcow2 -u -b base.img -F raw %s %s 3M", options[i], path);
        g_autofree char *bytes = NULL, *name = NULL;
        gsize size;
        Qcow2Header header;
        ck_assert(g_file_get_contents(path, &bytes, &size, NULL));
        ck_assert_int_eq(qcow2_read(bytes, size, &header), 0);
        ck_assert_uint_eq(header.size, 3 << 20);
        name = qcow2_name(bytes + header.name_offset, header.name_size);
        ck_assert_str_eq(name, "base.img");
        ck_assert(!header.external_data);
    }
    g_autofree char *external = qemu_img("create -q -f qcow2 -o data_file=%s/d %s 1M", folder, path),
                    *bytes = NULL;
    gsize size;
    Qcow2Header header;
    ck_assert(g_file_get_contents(path, &bytes, &size, NULL));
    ck_assert_int_eq(qcow2_read(bytes, size, &header), 0);
    ck_assert(header.external_data);
    scratch_remove(folder);
}
END_TEST

SUITE("qcow2", what_is_no_qcow2_image_is_none, a_header_says_size_and_names,
      a_header_that_cannot_be_is_broken, no_bytes_lead_out_of_the_first_cluster, a_name_can_be_shown,
      a_name_is_meant_from_the_image, an_image_made_here_is_one_to_qemu, an_image_made_upon_another_shows_it,
      images_of_qemu_img_are_understood)
