/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Firmware descriptors in folders, and the variables that are made from what they name. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/core/plan/qcow2.h"
#include "../../../daemon/edge/hand/file-open.h"
#include "../../../daemon/edge/scan/tools-find.h"
#include "../../../daemon/edge/qemu/nvram.h"
#include "../suite.h"

/* In the header of an image (QEMU's docs/interop/qcow2.txt): the last byte of bits 0 to 63. */
#define INCOMPATIBLE_FEATURES 79
#define EXTERNAL_DATA (1 << 2)

static char *top;

static void set_up(void)
{
    top = g_dir_make_tmp("usher-tools-XXXXXX", NULL);
}

static void tear_down(void)
{
    g_autofree char *command = g_strdup_printf("rm -rf '%s'", top);

    ck_assert_int_eq(system(command), 0);
    g_free(top);
}

static char *path_of(const char *name)
{
    return g_build_filename(top, name, NULL);
}

static void write_file(const char *name, const char *text)
{
    g_autofree char *path = path_of(name), *folder = g_path_get_dirname(path);

    g_mkdir_with_parents(folder, 0755);
    ck_assert(g_file_set_contents(path, text, -1, NULL));
}

static void describe(const char *name, const char *code)
{
    g_autofree char *text = g_strdup_printf(
        "{\"interface-types\":[\"uefi\"],\"mapping\":{\"device\":\"flash\",\"executable\":{\"filename\":\"%"
        "s\","
        "\"format\":\"raw\"},\"nvram-template\":{\"filename\":\"/vars.fd\",\"format\":\"raw\"}},"
        "\"targets\":[{\"architecture\":\"x86_64\",\"machines\":[\"pc-q35-*\"]}],\"features\":[]}",
        code);

    write_file(name, text);
}

/* The code images in the order in which they were found, with a blank after each. */
static char *found(void)
{
    g_autofree char *etc = path_of("etc"), *usr = path_of("usr"), *nowhere = path_of("nowhere");
    const char *folders[] = {etc, nowhere, usr, NULL};
    g_autoptr(GPtrArray) firmwares = g_ptr_array_new_with_free_func((GDestroyNotify)firmware_free);
    GString *words = g_string_new(NULL);

    tools_find_firmware(folders, firmwares);
    for (unsigned i = 0; i < firmwares->len; i++)
        g_string_append_printf(words, "%s ", ((const Firmware *)g_ptr_array_index(firmwares, i))->code);
    return g_string_free(words, FALSE);
}

static void assert_found(const char *words)
{
    g_autofree char *codes = found();

    ck_assert_str_eq(codes, words);
}

START_TEST(descriptors_come_in_the_order_of_their_names_whatever_their_folder)
{
    describe("usr/40-a.json", "/a");
    describe("usr/60-c.json", "/c");
    describe("etc/50-b.json", "/b");
    write_file("usr/README", "no descriptor");
    write_file("usr/45-broken.json", "{");
    describe("usr/.40-a.json", "/hidden");
    assert_found("/a /b /c ");
}
END_TEST

START_TEST(the_administrators_descriptor_takes_the_place_of_the_distributions)
{
    describe("usr/40-a.json", "/a");
    describe("usr/60-c.json", "/c");
    describe("etc/40-a.json", "/mine");
    assert_found("/mine /c ");
}
END_TEST

START_TEST(an_empty_file_hides_the_distributions)
{
    describe("usr/40-a.json", "/a");
    describe("usr/60-c.json", "/c");
    write_file("etc/40-a.json", "");
    assert_found("/c ");
}
END_TEST

START_TEST(what_is_no_file_hides_the_distributions_and_is_not_waited_for)
{
    g_autofree char *nothing = path_of("etc/40-a.json"), *fifo = path_of("etc/50-b.json"),
                    *folder = path_of("etc/60-c.json"), *nowhere = path_of("etc/70-d.json"),
                    *large = path_of("etc/80-e.json");

    describe("usr/40-a.json", "/a");
    describe("usr/50-b.json", "/b");
    describe("usr/60-c.json", "/c");
    describe("usr/70-d.json", "/d");
    describe("usr/80-e.json", "/e");
    describe("usr/90-f.json", "/f");
    write_file("etc/80-e.json", "");
    ck_assert_int_eq(truncate(large, 10 << 20), 0);
    ck_assert_int_eq(symlink("/dev/null", nothing), 0);
    ck_assert_int_eq(mkfifo(fifo, 0644), 0);
    ck_assert_int_eq(mkdir(folder, 0755), 0);
    ck_assert_int_eq(symlink("nowhere", nowhere), 0);
    assert_found("/f ");
}
END_TEST

START_TEST(a_host_without_descriptors_has_no_firmware)
{
    assert_found("");
}
END_TEST

/* As a start does: the template is read only if there is nothing yet. */
static int open_nvram(const char *path, const char *template)
{
    int fd = nvram_open(path);

    if (fd != -ENOENT)
        return fd;
    _cleanup_close_ int from = open(template, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(from, 0);
    int r = nvram_make(path, from);
    return r < 0 ? r : nvram_open(path);
}

static char *read_nvram(const char *path)
{
    char *text = NULL;

    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    return text;
}

START_TEST(variables_are_made_once_from_the_template)
{
    g_autofree char *path = path_of("guests/win10/nvram.fd"), *template = path_of("vars.fd");
    struct stat st;

    write_file("vars.fd", "as new");
    _cleanup_close_ int fd = open_nvram(path, template);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, "MY", 2, 0), 2);
    ck_assert_int_eq(fstat(fd, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);

    write_file("vars.fd", "newer!");
    _cleanup_close_ int again = open_nvram(path, template);
    ck_assert_int_ge(again, 0);
    g_autofree char *text = read_nvram(path);
    ck_assert_str_eq(text, "MY new");
}
END_TEST

START_TEST(a_copy_that_was_cut_short_is_made_anew)
{
    g_autofree char *path = path_of("guests/win10/nvram.fd"), *template = path_of("vars.fd");

    write_file("vars.fd", "as new");
    write_file("guests/win10/nvram.fd.new", "as");
    _cleanup_close_ int fd = open_nvram(path, template);
    ck_assert_int_ge(fd, 0);
    g_autofree char *text = read_nvram(path), *left = path_of("guests/win10/nvram.fd.new");
    ck_assert_str_eq(text, "as new");
    ck_assert_int_ne(access(left, F_OK), 0);
}
END_TEST

START_TEST(a_template_is_read_from_a_copy_that_nobody_changes)
{
    g_autofree char *path = path_of("vars.fd"), *large = path_of("large.fd");
    g_autoptr(FileSeen) seen = NULL, none = NULL;
    int fd;

    write_file("vars.fd", "as new");
    ck_assert_int_eq(file_open(FILE_KIND_COPY, path, &seen, &fd), 0);
    ck_assert(S_ISREG(seen->mode));
    write_file("vars.fd", "newer");
    g_autofree char *copy = g_strdup_printf("/proc/self/fd/%d", fd), *text = read_nvram(copy);
    ck_assert_str_eq(text, "as new");
    ck_assert_int_eq(pwrite(fd, "MY", 2, 0), -1);
    close_fd(fd);

    write_file("large.fd", "");
    ck_assert_int_eq(truncate(large, FILE_COPY_MAX + 1), 0);
    ck_assert_int_eq(file_open(FILE_KIND_COPY, large, &none, &fd), -EFBIG);
}
END_TEST

/* QEMU would open whatever path the image names. */
START_TEST(an_image_with_its_contents_in_another_file_is_refused)
{
    g_autofree char *path = path_of("code.qcow2");
    g_autoptr(FileSeen) whole = NULL, apart = NULL;
    uint64_t length;
    int fd;

    g_autoptr(GByteArray) image = qcow2_new(1 << 20, NULL, NULL, &length);
    ck_assert(g_file_set_contents(path, (char *)image->data, image->len, NULL));
    ck_assert_int_eq(file_open(FILE_KIND_FILE, path, &whole, &fd), 0);
    close_fd(fd);
    image->data[INCOMPATIBLE_FEATURES] |= EXTERNAL_DATA;
    ck_assert(g_file_set_contents(path, (char *)image->data, image->len, NULL));
    ck_assert_int_eq(file_open(FILE_KIND_FILE, path, &apart, &fd), -EMLINK);
    ck_assert_int_eq(file_open(FILE_KIND_COPY, path, &apart, &fd), -EMLINK);
}
END_TEST

START_TEST(an_image_has_the_size_that_the_guest_sees)
{
    g_autofree char *raw = path_of("raw.fd"), *qcow2 = path_of("qcow2.fd"), *nowhere = path_of("nowhere");
    g_autoptr(GByteArray) image = NULL;
    uint64_t size, length;

    write_file("raw.fd", "nine byte");
    ck_assert_int_eq(nvram_size(raw, &size), 0);
    ck_assert_uint_eq(size, 9);
    image = qcow2_new(540672, NULL, NULL, &length);
    ck_assert(g_file_set_contents(qcow2, (char *)image->data, image->len, NULL));
    ck_assert_int_eq(nvram_size(qcow2, &size), 0);
    ck_assert_uint_eq(size, 540672);
    ck_assert_int_eq(nvram_size(nowhere, &size), -ENOENT);
}
END_TEST

START_TEST(a_link_in_the_place_of_the_variables_is_not_followed)
{
    g_autofree char *path = path_of("guests/win10/nvram.fd"), *template = path_of("vars.fd");

    write_file("vars.fd", "as new");
    write_file("guests/win10/other", "another's");
    ck_assert_int_eq(symlink("other", path), 0);
    ck_assert_int_eq(open_nvram(path, template), -ELOOP);
}
END_TEST

SUITE_WITH("tools-find", set_up, tear_down,
           descriptors_come_in_the_order_of_their_names_whatever_their_folder,
           the_administrators_descriptor_takes_the_place_of_the_distributions,
           an_empty_file_hides_the_distributions,
           what_is_no_file_hides_the_distributions_and_is_not_waited_for,
           a_host_without_descriptors_has_no_firmware, variables_are_made_once_from_the_template,
           a_copy_that_was_cut_short_is_made_anew, a_template_is_read_from_a_copy_that_nobody_changes,
           an_image_with_its_contents_in_another_file_is_refused, an_image_has_the_size_that_the_guest_sees,
           a_link_in_the_place_of_the_variables_is_not_followed)
