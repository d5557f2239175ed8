/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Images in a folder of the test's own; block devices are the lab's. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/core/plan/qcow2.h"
#include "../../../daemon/edge/hand/disk-open.h"
#include "../scratch.h"
#include "../suite.h"

static char *folder;
static HolderPlace place;

static void setup(void)
{
    folder = scratch_new("disk-open");
    place.sys_fd = open("/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
    place.proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    place.dev_fd = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void teardown(void)
{
    scratch_remove(folder);
    g_clear_pointer(&folder, g_free);
    close_fd(place.sys_fd);
    close_fd(place.proc_fd);
    close_fd(place.dev_fd);
}

static char *in_folder(const char *name)
{
    return g_build_filename(folder, name, NULL);
}

/* 0 with what was seen, its descriptor closed; 1 with the holders; or -errno. */
static int try(const DiskWish *wish, DiskSeen **ret_seen, GPtrArray **ret_holders)
{
    int fd = -1;
    int r = disk_open(&place, wish, ret_seen, ret_holders, &fd);
    ck_assert_int_eq(fd >= 0, r == 0);
    close_fd(fd);
    return r;
}

static unsigned count_files(void)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    unsigned n = 0;
    while (g_dir_read_name(dir))
        n++;
    g_dir_close(dir);
    return n;
}

START_TEST(an_image_is_made_once)
{
    g_autofree char *path = in_folder("a.qcow2");
    DiskWish wish = {.path = path, .format = DISK_FORMAT_QCOW2, .writable = true, .size = 1 << 20};
    g_autoptr(DiskSeen) made = NULL, there = NULL;
    GPtrArray *holders = NULL;
    struct stat st;

    ck_assert_int_eq(try(&wish, &made, &holders), 0);
    ck_assert(made->made && made->look == DISK_LOOK_QCOW2 && !made->backing);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    wish.size = 2 << 20;
    ck_assert_int_eq(try(&wish, &there, &holders), 0);
    ck_assert(!there->made);
    ck_assert_str_eq(there->id, made->id);
    ck_assert_uint_eq(count_files(), 1);
}
END_TEST

START_TEST(a_raw_image_is_as_long_as_the_disk_and_takes_no_space)
{
    g_autofree char *path = in_folder("a.img"), *left = in_folder(".a.img.usher-new");
    DiskWish wish = {.path = path, .writable = true, .size = UINT64_C(5) << 30};
    g_autoptr(DiskSeen) seen = NULL;
    GPtrArray *holders = NULL;
    struct stat st;

    /* What a try leaves that was cut short. */
    ck_assert(g_file_set_contents(left, "half", -1, NULL));
    ck_assert_int_eq(try(&wish, &seen, &holders), 0);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_size, INT64_C(5) << 30);
    ck_assert_int_lt(st.st_blocks, 100);
    ck_assert_uint_eq(count_files(), 1);
}
END_TEST

START_TEST(nothing_is_made_where_it_was_not_asked_for_or_cannot_be)
{
    g_autofree char *path = in_folder("a.img"), *deep = in_folder("no/a.img"), *link = in_folder("link"),
                    *over = in_folder("link/a.img"), *dangling = in_folder("dangling");
    g_autoptr(DiskSeen) seen = NULL;
    GPtrArray *holders = NULL;

    ck_assert_int_eq(symlink(".", link), 0);
    ck_assert_int_eq(symlink("nowhere", dangling), 0);
    ck_assert_int_eq(try(&(DiskWish){.path = path, .writable = true}, &seen, &holders), -ENOENT);
    ck_assert_int_eq(try(&(DiskWish){.path = deep, .writable = true, .size = 1 << 20}, &seen, &holders),
                     -ENOENT);
    ck_assert_int_eq(try(&(DiskWish){.path = over, .writable = true, .size = 1 << 20}, &seen, &holders),
                     -ELOOP);
    ck_assert_int_eq(try(&(DiskWish){.path = dangling, .writable = true, .size = 1 << 20}, &seen, &holders),
                     -ELOOP);
    ck_assert_int_eq(try(&(DiskWish){.path = "/dev/disk/by-id/no-such", .writable = true, .size = 1 << 20},
                         &seen, &holders),
                     -ENOENT);
    ck_assert_uint_eq(count_files(), 2);
}
END_TEST

START_TEST(what_an_image_says_of_other_files_is_told)
{
    g_autofree char *path = in_folder("a.qcow2");
    DiskWish wish = {.path = path,
                     .format = DISK_FORMAT_QCOW2,
                     .writable = true,
                     .size = 1 << 20,
                     .backing = "/etc/shadow"};
    g_autoptr(DiskSeen) seen = NULL, plain = NULL, torn = NULL, other = NULL;
    GPtrArray *holders = NULL;

    ck_assert_int_eq(try(&wish, &seen, &holders), 0);
    ck_assert_int_eq(seen->look, DISK_LOOK_QCOW2);
    ck_assert_str_eq(seen->backing, "/etc/shadow");
    /* A file that is said to be raw is not looked into. */
    wish.format = DISK_FORMAT_RAW;
    ck_assert_int_eq(try(&wish, &plain, &holders), 0);
    ck_assert_int_eq(plain->look, DISK_LOOK_PLAIN);
    wish.format = DISK_FORMAT_QCOW2;
    ck_assert_int_eq(truncate(path, 110), 0);
    ck_assert_int_eq(try(&wish, &torn, &holders), 0);
    ck_assert_int_eq(torn->look, DISK_LOOK_BROKEN);
    ck_assert(g_file_set_contents(path, "plain text", -1, NULL));
    ck_assert_int_eq(try(&wish, &other, &holders), 0);
    ck_assert_int_eq(other->look, DISK_LOOK_NO_QCOW2);
}
END_TEST

/* As QEMU locks an image (block/file-posix.c). */
static int lock_byte(const char *path, off_t byte)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    int fd = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
    return fd;
}

START_TEST(an_image_that_another_qemu_writes_to_is_in_use)
{
    g_autofree char *path = in_folder("a.img");
    DiskWish reads = {.path = path}, writes = {.path = path, .writable = true};
    g_autoptr(DiskSeen) first = NULL, second = NULL, third = NULL, fourth = NULL;
    g_autoptr(GPtrArray) by_writer = NULL, by_reader = NULL, of_reader = NULL;
    GPtrArray *nobody = NULL;

    ck_assert(g_file_set_contents(path, "disk", -1, NULL));
    int writer = lock_byte(path, 101);
    ck_assert_int_eq(try(&writes, &first, &by_writer), 1);
    ck_assert_int_eq(try(&reads, &second, &of_reader), 1);
    ck_assert_str_eq(first->id, second->id);
    writer = close_fd(writer);
    /* Somebody reads, and lets nobody write. */
    int reader = lock_byte(path, 201);
    ck_assert_int_eq(try(&reads, &third, &nobody), 0);
    ck_assert_ptr_null(nobody);
    ck_assert_int_eq(try(&writes, &fourth, &by_reader), 1);
    reader = close_fd(reader);
}
END_TEST

START_TEST(an_image_is_opened_past_the_page_cache_where_its_file_system_can)
{
    g_autofree char *path = in_folder("a.img");
    DiskWish direct = {.path = path, .writable = true, .direct = true}, plain = {.path = path},
             cannot = {.path = "/proc/version", .direct = true};
    g_autoptr(DiskSeen) first = NULL, second = NULL, third = NULL;
    GPtrArray *nobody = NULL;
    int fd = -1;

    ck_assert(g_file_set_contents(path, "disk", -1, NULL));
    ck_assert_int_eq(disk_open(&place, &direct, &first, &nobody, &fd), 0);
    ck_assert_int_eq(fcntl(fd, F_GETFL) & (O_DIRECT | O_ACCMODE), O_DIRECT | O_RDWR);
    fd = close_fd(fd);
    ck_assert_int_eq(disk_open(&place, &plain, &second, &nobody, &fd), 0);
    ck_assert_int_eq(fcntl(fd, F_GETFL) & O_DIRECT, 0);
    fd = close_fd(fd);
    ck_assert_int_eq(try(&cannot, &third, &nobody), -EOPNOTSUPP);
}
END_TEST

SUITE_WITH("disk-open", setup, teardown, an_image_is_made_once,
           a_raw_image_is_as_long_as_the_disk_and_takes_no_space,
           nothing_is_made_where_it_was_not_asked_for_or_cannot_be, what_an_image_says_of_other_files_is_told,
           an_image_that_another_qemu_writes_to_is_in_use,
           an_image_is_opened_past_the_page_cache_where_its_file_system_can)
