/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files, disks and devices that usher-bind opens, looks at, makes or refuses. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "bind-helper.h"

static char *a_file(const Helper *helper, const char *name)
{
    char *path = g_build_filename(helper->folder, name, NULL);
    ck_assert(g_file_set_contents(path, "contents", -1, NULL));
    return path;
}

START_TEST(a_file_is_opened_and_handed_over)
{
    A_HELPER;
    g_autofree char *path = a_file(&helper, "disk");
    static const struct {
        const char *how;
        int mode;
    } cases[] = {{"r", O_RDONLY}, {"w", O_RDWR}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        _cleanup_close_ int fd = -1;
        g_autofree char *answer = ask(&helper, DISK(path, cases[i].how), &fd);
        char text[16] = "";
        ck_assert(g_str_has_prefix(answer, "opened f"));
        ck_assert(g_str_has_suffix(answer, " there plain -"));
        ck_assert_int_eq(read(fd, text, sizeof(text) - 1), 8);
        ck_assert_str_eq(text, "contents");
        ck_assert_int_eq(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), cases[i].mode);
    }
}
END_TEST

/* Closing the file may take as long as opening it. */
START_TEST(a_file_that_is_only_looked_at_is_closed_where_it_was_opened)
{
    A_HELPER;
    g_autofree char *path = a_file(&helper, "disk");
    _cleanup_close_ int fd = -1;
    g_autofree char *answer = ask(&helper, DISK(path, "r?"), &fd);

    ck_assert(g_str_has_prefix(answer, "opened f"));
    ck_assert_int_eq(fd, -1);
}
END_TEST

START_TEST(no_link_is_followed)
{
    A_HELPER;
    g_autofree char *path = a_file(&helper, "disk");
    g_autofree char *link = g_build_filename(helper.folder, "link", NULL);
    g_autofree char *way = g_build_filename(helper.folder, "way", NULL);
    g_autofree char *through = g_build_filename(way, "disk", NULL);
    ck_assert_int_eq(symlink("disk", link), 0);
    ck_assert_int_eq(symlink(".", way), 0);
    assert_open_fails(&helper, link, "r", ELOOP);
    assert_open_fails(&helper, through, "r", ELOOP);
    assert_open_fails(&helper, "/proc/self/fd/0", "r", ELOOP);
}
END_TEST

START_TEST(what_is_no_disk_or_file_is_not_opened)
{
    A_HELPER;
    g_autofree char *fifo = g_build_filename(helper.folder, "fifo", NULL);
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    assert_open_fails(&helper, fifo, "r", ENOTBLK);
    assert_open_fails(&helper, fifo, "w", ENOTBLK);
    assert_open_fails(&helper, "/dev/null", "w", ENOTBLK);
    assert_open_fails(&helper, helper.folder, "r", EISDIR);
    assert_open_fails(&helper, helper.folder, "w", EISDIR);
    g_autofree char *missing = g_build_filename(helper.folder, "missing", NULL);
    assert_open_fails(&helper, missing, "w", ENOENT);
    ck_assert_int_lt(access(missing, F_OK), 0);
}
END_TEST

#define KEEP(kind, what) ((const char *[]){"open", kind, "keep", what, NULL})
#define LOOK(kind, what) ((const char *[]){"open", kind, "look", what, NULL})

/* What is of its kind comes as a descriptor. */
static int assert_handed_over(const Helper *helper, const char *kind, const char *what, unsigned mode,
                              unsigned size)
{
    g_autofree char *expected = g_strdup_printf("opened %u - - 0 0 0 %u -", mode, size);
    int fd = -1;
    g_autofree char *answer = ask(helper, KEEP(kind, what), &fd);

    ck_assert_str_eq(answer, expected);
    ck_assert_int_ge(fd, 0);
    return fd;
}

/* It is seen, and not opened. */
static void assert_not_handed_over(const Helper *helper, const char *kind, const char *what, unsigned mode)
{
    g_autofree char *expected = g_strdup_printf("opened %u - - 0 0 0 0 -", mode);

    assert_answer(helper, KEEP(kind, what), expected);
}

/* The name is enough to connect, even through folders that the connecting user may not search. */
START_TEST(a_socket_that_anybody_may_connect_to_is_handed_over_by_its_name)
{
    A_HELPER;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_autofree char *path = g_build_filename(helper.folder, "native", NULL), *plain = a_file(&helper, "disk");
    _cleanup_close_ int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), name = -1,
                        client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(chmod(path, 0770), 0);
    ck_assert_int_eq(chmod(plain, 0600), 0);
    assert_not_handed_over(&helper, "socket", path, S_IFSOCK | 0770);
    assert_not_handed_over(&helper, "socket", plain, S_IFREG | 0600);
    ck_assert_int_eq(chmod(path, 0777), 0);
    name = assert_handed_over(&helper, "socket", path, S_IFSOCK | 0777, 0);
    g_snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", name);
    ck_assert_int_eq(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
}
END_TEST

static void assert_seen(const Helper *helper, const char *kind, const char *what, unsigned mode,
                        unsigned size)
{
    g_autofree char *expected = g_strdup_printf("opened %u - - 0 0 0 %u -", mode, size);
    assert_answer(helper, LOOK(kind, what), expected);
}

START_TEST(what_a_path_or_a_name_leads_to_is_told_without_handing_it_over)
{
    A_HELPER;
    g_autofree char *file = a_file(&helper, "file"), *fifo = g_build_filename(helper.folder, "fifo", NULL),
                    *link = g_build_filename(helper.folder, "link", NULL),
                    *missing = g_strdup_printf("failed %d -", ENOENT),
                    *einval = g_strdup_printf("failed %d -", EINVAL);

    ck_assert_int_eq(chmod(file, 0640), 0);
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    ck_assert_int_eq(symlink("file", link), 0);
    assert_seen(&helper, "file", file, S_IFREG | 0640, strlen("contents"));
    assert_seen(&helper, "file", link, S_IFREG | 0640, strlen("contents"));
    assert_seen(&helper, "disk", fifo, S_IFIFO | 0600, 0);
    assert_seen(&helper, "folder", helper.folder, S_IFDIR | 0700, 0);
    assert_seen(&helper, "user", "root", 0, 0);
    assert_seen(&helper, "group", "root", 0, 0);
    assert_answer(&helper, LOOK("file", "/no/such/file"), missing);
    assert_answer(&helper, LOOK("user", "no-such-user"), missing);
    assert_answer(&helper, LOOK("group", "no-such-group"), missing);
    assert_answer(&helper, LOOK("file", "file"), einval);
    assert_answer(&helper, LOOK("smell", file), einval);
}
END_TEST

START_TEST(where_a_disk_would_be_made_its_room_is_told)
{
    A_HELPER;
    g_autofree char *path = g_build_filename(helper.folder, "new.img", NULL),
                    *link = g_build_filename(helper.folder, "dangling", NULL),
                    *missing = g_strdup_printf("failed %d -", ENOENT),
                    *answer = ask(&helper, LOOK("disk", path), NULL);
    unsigned long long room, free;

    ck_assert_int_eq(sscanf(answer, "opened 0 - - %llu %llu", &room, &free), 2);
    ck_assert_uint_gt(room, 0);
    ck_assert_uint_ge(room, free);
    ck_assert_int_eq(symlink("nowhere", link), 0);
    assert_answer(&helper, LOOK("disk", link), missing);
}
END_TEST

START_TEST(a_file_to_be_read_is_opened_over_links_and_nothing_else_is)
{
    A_HELPER;
    g_autofree char *file = a_file(&helper, "file"), *link = g_build_filename(helper.folder, "link", NULL),
                    *fifo = g_build_filename(helper.folder, "fifo", NULL);
    char text[16] = "";

    ck_assert_int_eq(chmod(file, 0644), 0);
    ck_assert_int_eq(symlink("file", link), 0);
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    _cleanup_close_ int fd = assert_handed_over(&helper, "file", link, S_IFREG | 0644, strlen("contents"));
    ck_assert_int_eq(read(fd, text, sizeof(text) - 1), 8);
    assert_not_handed_over(&helper, "file", fifo, S_IFIFO | 0600);
    assert_not_handed_over(&helper, "file", helper.folder, S_IFDIR | 0700);
    assert_not_handed_over(&helper, "file", "/dev/null", S_IFCHR | 0666);
}
END_TEST

/* Whoever waits to write to it would go on. */
START_TEST(a_pipe_in_the_place_of_a_file_is_not_touched)
{
    A_HELPER;
    g_autofree char *fifo = g_build_filename(helper.folder, "fifo", NULL);

    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    assert_not_handed_over(&helper, "file", fifo, S_IFIFO | 0600);
    ck_assert_int_lt(open(fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC), 0);
    ck_assert_int_eq(errno, ENXIO);
}
END_TEST

/* An image is not made over a link. */
START_TEST(a_folder_is_opened_over_a_link_but_not_as_the_place_of_an_image)
{
    A_HELPER;
    g_autofree char *way = g_build_filename(helper.folder, "way", NULL), *file = a_file(&helper, "file"),
                    *eloop = g_strdup_printf("failed %d -", ELOOP),
                    *enotdir = g_strdup_printf("failed %d -", ENOTDIR);

    ck_assert_int_eq(symlink(".", way), 0);
    _cleanup_close_ int folder = assert_handed_over(&helper, "folder", way, S_IFDIR | 0700, 0),
                        place = assert_handed_over(&helper, "place", helper.folder, S_IFDIR | 0700, 0);
    assert_answer(&helper, KEEP("folder", file), enotdir);
    assert_answer(&helper, KEEP("place", way), eloop);
}
END_TEST

START_TEST(only_devices_that_guests_use_are_opened)
{
    A_HELPER;
    g_autofree char *einval = g_strdup_printf("failed %d -", EINVAL);

    assert_answer(&helper, KEEP("vhost", "/dev/null"), einval);
    assert_answer(&helper, KEEP("usb", "/dev/null"), einval);
    assert_answer(&helper, KEEP("kvmfr", "/dev/null"), einval);
    assert_answer(&helper, KEEP("kvmfr", "/dev/kvmfr0/../null"), einval);
    assert_answer(&helper, KEEP("link", "../null"), einval);
}
END_TEST

START_TEST(an_image_that_is_not_there_is_made)
{
    A_HELPER;
    g_autofree char *path = g_build_filename(helper.folder, "new", NULL);
    const char *words[] = {"disk", path, "w", "raw", "1048576", "-", "raw", NULL};
    _cleanup_close_ int fd = -1, again = -1;
    g_autofree char *made = ask(&helper, words, &fd), *there = ask(&helper, words, &again);
    struct stat st;

    ck_assert(g_str_has_suffix(made, " made plain -"));
    ck_assert(g_str_has_suffix(there, " there plain -"));
    ck_assert_int_eq(fstat(fd, &st), 0);
    ck_assert_int_eq(st.st_size, 1048576);
}
END_TEST

START_TEST(a_wish_that_is_not_understood_is_refused)
{
    A_HELPER;
    g_autofree char *path = a_file(&helper, "disk");
    static const char *const hows[] = {"", "x", "rw", "wx", "r "};
    for (size_t i = 0; i < G_N_ELEMENTS(hows); i++)
        assert_open_fails(&helper, path, hows[i], EBADMSG);
    assert_open_fails(&helper, "disk", "r", EBADMSG);
    assert_open_fails(&helper, "", "r", EBADMSG);
    g_autofree char *bad = g_strdup_printf("failed %d -", EBADMSG);
    assert_answer(&helper, (const char *[]){"disk", path, "r", "vmdk", "0", "-", "raw", NULL}, bad);
    assert_answer(&helper, (const char *[]){"disk", path, "r", "raw", "-1", "-", "raw", NULL}, bad);
    assert_answer(&helper, (const char *[]){"disk", path, "r", "raw", "0", "x", "raw", NULL}, bad);
    assert_answer(&helper, (const char *[]){"disk", path, "r", "raw", "0", "-", NULL}, bad);
}
END_TEST

SUITE("bind-open", a_file_is_opened_and_handed_over,
      a_file_that_is_only_looked_at_is_closed_where_it_was_opened, no_link_is_followed,
      what_is_no_disk_or_file_is_not_opened, a_socket_that_anybody_may_connect_to_is_handed_over_by_its_name,
      what_a_path_or_a_name_leads_to_is_told_without_handing_it_over,
      where_a_disk_would_be_made_its_room_is_told, a_file_to_be_read_is_opened_over_links_and_nothing_else_is,
      a_pipe_in_the_place_of_a_file_is_not_touched,
      a_folder_is_opened_over_a_link_but_not_as_the_place_of_an_image,
      only_devices_that_guests_use_are_opened, an_image_that_is_not_there_is_made,
      a_wish_that_is_not_understood_is_refused)
