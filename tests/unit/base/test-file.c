/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/base/file.h"
#include "../suite.h"

static char folder[] = "/tmp/usher-test-file-XXXXXX";
static int dir_fd;

static void setup(void)
{
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(dir_fd, 0);
}

static void teardown(void)
{
    g_autofree char *command = g_strdup_printf("rm -rf %s", folder);

    close_fd(dir_fd);
    ck_assert_int_eq(system(command), 0);
}

static void put(const char *name, const char *text)
{
    _cleanup_close_ int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    ck_assert_int_eq(write(fd, text, strlen(text)), strlen(text));
}

static void assert_value(const char *text, const char *expected)
{
    g_autofree char *value = NULL;

    put("driver_override", text);
    ck_assert_int_eq(file_read_value_at(dir_fd, "driver_override", &value), 0);
    ck_assert_str_eq(value, expected);
}

START_TEST(a_value_is_read_without_the_newlines_at_its_end)
{
    assert_value("vfio-pci\n\n", "vfio-pci");
}
END_TEST

START_TEST(an_empty_file_is_an_empty_value)
{
    assert_value("", "");
}
END_TEST

START_TEST(a_file_over_the_limit_is_refused_and_sets_nothing)
{
    g_autofree char *big = g_strnfill(5000, 'x');
    char *value = NULL;

    put("big", big);
    ck_assert_int_eq(file_read_all_at(dir_fd, "big", 4999, &value, NULL), -EFBIG);
    ck_assert_ptr_null(value);
    ck_assert_int_eq(file_read_all_at(dir_fd, "big", 5000, &value, NULL), 0);
    ck_assert_str_eq(value, big);
    g_free(value);
}
END_TEST

START_TEST(the_beginning_of_a_long_file_is_whole_lines)
{
    g_autofree char *text = NULL, *whole = NULL, *nothing = NULL;

    put("table", "one\ntwo\nthree\n");
    ck_assert_int_eq(file_read_begin_at(dir_fd, "table", 10, &text), 0);
    ck_assert_str_eq(text, "one\ntwo\n");
    ck_assert_int_eq(file_read_begin_at(dir_fd, "table", 14, &whole), 0);
    ck_assert_str_eq(whole, "one\ntwo\nthree\n");
    ck_assert_int_eq(file_read_begin_at(dir_fd, "table", 2, &nothing), 0);
    ck_assert_str_eq(nothing, "");
}
END_TEST

START_TEST(a_nul_inside_a_file_is_kept)
{
    _cleanup_close_ int fd = openat(dir_fd, "nul", O_WRONLY | O_CREAT, 0644);
    g_autofree char *text = NULL;
    size_t size;

    ck_assert_int_eq(write(fd, "a\0b", 3), 3);
    ck_assert_int_eq(file_read_all_at(dir_fd, "nul", 100, &text, &size), 0);
    ck_assert_uint_eq(size, 3);
    ck_assert_mem_eq(text, "a\0b", 4);
}
END_TEST

START_TEST(an_attribute_that_is_not_there_is_not_made)
{
    ck_assert_int_eq(file_write_value_at(dir_fd, "driver_override", "vfio-pci"), -ENOENT);
    ck_assert_int_eq(faccessat(dir_fd, "driver_override", F_OK, 0), -1);
}
END_TEST

START_TEST(the_errno_of_a_failed_write_is_told)
{
    ck_assert_int_eq(file_write_value_at(AT_FDCWD, "/dev/full", "x"), -ENOSPC);
}
END_TEST

START_TEST(a_link_gives_the_last_part_of_its_target)
{
    g_autofree char *name = NULL;

    ck_assert_int_eq(symlinkat("../../../bus/pci/drivers/radeon", dir_fd, "driver"), 0);
    ck_assert_int_eq(file_link_name_at(dir_fd, "driver", &name), 0);
    ck_assert_str_eq(name, "radeon");
    ck_assert_int_eq(file_link_name_at(dir_fd, "no-driver", &name), -ENOENT);
}
END_TEST

START_TEST(a_replaced_file_has_the_new_text_and_leaves_nothing_beside_it)
{
    g_auto(GStrv) names = NULL;
    g_autofree char *text = NULL;

    put("state", "old");
    ck_assert_int_eq(file_replace_at(dir_fd, "state", "new\n", 0600), 0);
    ck_assert_int_eq(file_read_value_at(dir_fd, "state", &text), 0);
    ck_assert_str_eq(text, "new");
    ck_assert_int_eq(file_list_at(dir_fd, ".", &names), 0);
    ck_assert_uint_eq(g_strv_length(names), 1);
}
END_TEST

START_TEST(folders_are_made_on_the_way)
{
    struct stat st;
    int fd = file_open_dirs_at(dir_fd, "a/b/c", 0750);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstatat(dir_fd, "a/b/c", &st, 0), 0);
    ck_assert(S_ISDIR(st.st_mode));
    close_fd(fd);
    fd = file_open_dirs_at(dir_fd, "a/b/c", 0750);
    ck_assert_int_ge(fd, 0);
    close_fd(fd);
}
END_TEST

START_TEST(names_in_a_folder_come_sorted)
{
    g_auto(GStrv) names = NULL;

    put("b", "");
    put("a", "");
    put("c", "");
    ck_assert_int_eq(file_list_at(dir_fd, ".", &names), 0);
    g_autofree char *joined = g_strjoinv(" ", names);
    ck_assert_str_eq(joined, "a b c");
    ck_assert_int_eq(file_list_at(dir_fd, "nowhere", &names), -ENOENT);
}
END_TEST

SUITE_WITH("file", setup, teardown, a_value_is_read_without_the_newlines_at_its_end,
           an_empty_file_is_an_empty_value, a_file_over_the_limit_is_refused_and_sets_nothing,
           the_beginning_of_a_long_file_is_whole_lines, a_nul_inside_a_file_is_kept,
           an_attribute_that_is_not_there_is_not_made,
           the_errno_of_a_failed_write_is_told, a_link_gives_the_last_part_of_its_target,
           a_replaced_file_has_the_new_text_and_leaves_nothing_beside_it, folders_are_made_on_the_way,
           names_in_a_folder_come_sorted)
