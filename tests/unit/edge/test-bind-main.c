/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher-bind as a process, spoken to over its socket; USHER_BIND says where it is. Of this host it touches
 * nothing. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/edge/helper/channel.h"
#include "../scratch.h"
#include "../suite.h"

typedef struct Helper {
    char *folder;
    char *socket;
    pid_t pid;
    int fd;
} Helper;

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    ck_assert_uint_lt(strlen(path), sizeof(address.sun_path));
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    return fd;
}

static pid_t spawn(const char *socket)
{
    const char *program = g_getenv("USHER_BIND");
    ck_assert_msg(program, "USHER_BIND is not set");
    g_autofree char *variable = g_strdup_printf("USHER_SOCKET=%s", socket);
    char *const argv[] = {(char *)"usher-bind", NULL}, *const envp[] = {variable, NULL};
    pid_t pid;
    ck_assert_int_eq(posix_spawn(&pid, program, NULL, NULL, argv, envp), 0);
    return pid;
}

static Helper helper_new(void)
{
    Helper helper = {.folder = scratch_new("bind")};
    helper.socket = g_build_filename(helper.folder, "helper.sock", NULL);
    _cleanup_close_ int listener = listen_at(helper.socket);
    helper.pid = spawn(helper.socket);
    helper.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(helper.fd, 0);

    g_auto(GStrv) words = NULL;
    unsigned n_fds;
    ck_assert_int_eq(channel_receive_blocking(helper.fd, &words, NULL, 0, &n_fds), 0);
    ck_assert(g_strv_equal((const char *const *)words, (const char *[]){"hello", "bind", NULL}));
    return helper;
}

/* Hangs up, and returns how the process ended. */
static int helper_end(Helper *helper)
{
    int status;
    helper->fd = close_fd(helper->fd);
    ck_assert_int_eq(waitpid(helper->pid, &status, 0), helper->pid);
    helper->pid = 0;
    return status;
}

static void helper_free(Helper *helper)
{
    if (helper->pid)
        helper_end(helper);
    scratch_remove(helper->folder);
    g_free(helper->folder);
    g_free(helper->socket);
}

#define A_HELPER __attribute__((cleanup(helper_free))) Helper helper = helper_new()

/* The answer, words joined by blanks; a descriptor, where one is expected. */
static char *ask(const Helper *helper, const char *const *words, int *ret_fd)
{
    g_auto(GStrv) answer = NULL;
    unsigned n_fds;
    int fd = -1;
    ck_assert_int_eq(channel_send_blocking(helper->fd, words, NULL, 0), 0);
    ck_assert_int_eq(channel_receive_blocking(helper->fd, &answer, &fd, ret_fd ? 1 : 0, &n_fds), 0);
    if (ret_fd)
        *ret_fd = n_fds == 1 ? fd : -1;
    return g_strjoinv(" ", answer);
}

static void assert_answer(const Helper *helper, const char *const *words, const char *expected)
{
    g_autofree char *answer = ask(helper, words, NULL);
    ck_assert_str_eq(answer, expected);
}

#define DISK(path, how) ((const char *[]){"disk", path, how, "raw", "0", "-", "raw", NULL})

static void assert_open_fails(const Helper *helper, const char *path, const char *how, int error)
{
    g_autofree char *expected = g_strdup_printf("failed %d -", error);
    assert_answer(helper, DISK(path, how), expected);
}

static char *a_file(const Helper *helper, const char *name)
{
    char *path = g_build_filename(helper->folder, name, NULL);
    ck_assert(g_file_set_contents(path, "contents", -1, NULL));
    return path;
}

START_TEST(the_mark_of_a_step_is_let_go_of_when_it_is_over)
{
    A_HELPER;
    const char *const words[] = {"step", "driver", "ffff:ff:1f.7", "radeon", "", NULL};
    int ends[2];
    char byte;
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    ck_assert_int_eq(channel_send_blocking(helper.fd, words, &ends[1], 1), 0);
    close(ends[1]);
    /* The end of the stream comes when the last descriptor of the other end is closed. */
    ck_assert_int_eq(read(ends[0], &byte, 1), 0);
    close(ends[0]);

    g_auto(GStrv) answer = NULL;
    unsigned n_fds;
    ck_assert_int_eq(channel_receive_blocking(helper.fd, &answer, NULL, 0, &n_fds), 0);
    ck_assert_str_eq(answer[0], "drift");
}
END_TEST

START_TEST(a_step_on_a_device_that_is_not_there_is_drift)
{
    A_HELPER;
    assert_answer(&helper, (const char *[]){"step", "driver", "ffff:ff:1f.7", "radeon", "", NULL}, "drift -");
    assert_answer(&helper, (const char *[]){"step", "power-control", "ffff:ff:1f.7", "auto", "on", NULL},
                  "drift -");
    assert_answer(&helper, (const char *[]){"step", "node-owner", "/dev/vfio/999999", "1:1", "0:0", NULL},
                  "done -");
}
END_TEST

START_TEST(a_step_that_makes_no_sense_fails)
{
    A_HELPER;
    g_autofree char *einval = g_strdup_printf("failed %d -", EINVAL);
    assert_answer(&helper, (const char *[]){"step", "erase", "ffff:ff:1f.7", "", "", NULL}, einval);
    assert_answer(&helper, (const char *[]){"step", "driver", "../../x", "radeon", "", NULL}, einval);
    assert_answer(&helper, (const char *[]){"step", "node-owner", "/dev/null", "0:0", "1:1", NULL}, einval);
}
END_TEST

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
static int assert_handed_over(const Helper *helper, const char *kind, const char *what, unsigned mode)
{
    g_autofree char *expected = g_strdup_printf("opened %u - - 0 0 0", mode);
    int fd = -1;
    g_autofree char *answer = ask(helper, KEEP(kind, what), &fd);

    ck_assert_str_eq(answer, expected);
    ck_assert_int_ge(fd, 0);
    return fd;
}

/* It is seen, and not opened. */
static void assert_not_handed_over(const Helper *helper, const char *kind, const char *what, unsigned mode)
{
    g_autofree char *expected = g_strdup_printf("opened %u - - 0 0 0", mode);

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
    name = assert_handed_over(&helper, "socket", path, S_IFSOCK | 0777);
    g_snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", name);
    ck_assert_int_eq(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
}
END_TEST

static void assert_seen(const Helper *helper, const char *kind, const char *what, unsigned mode)
{
    g_autofree char *expected = g_strdup_printf("opened %u - - 0 0 0", mode);
    assert_answer(helper, LOOK(kind, what), expected);
}

START_TEST(what_a_path_or_a_name_leads_to_is_told_without_handing_it_over)
{
    A_HELPER;
    g_autofree char *file = a_file(&helper, "file"), *fifo = g_build_filename(helper.folder, "fifo", NULL),
                    *link = g_build_filename(helper.folder, "link", NULL), *missing = g_strdup_printf("failed %d -", ENOENT),
                    *einval = g_strdup_printf("failed %d -", EINVAL);

    ck_assert_int_eq(chmod(file, 0640), 0);
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    ck_assert_int_eq(symlink("file", link), 0);
    assert_seen(&helper, "file", file, S_IFREG | 0640);
    assert_seen(&helper, "file", link, S_IFREG | 0640);
    assert_seen(&helper, "disk", fifo, S_IFIFO | 0600);
    assert_seen(&helper, "folder", helper.folder, S_IFDIR | 0700);
    assert_seen(&helper, "user", "root", 0);
    assert_seen(&helper, "group", "root", 0);
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
    g_autofree char *path = g_build_filename(helper.folder, "new.img", NULL), *link = g_build_filename(helper.folder, "dangling", NULL),
                    *missing = g_strdup_printf("failed %d -", ENOENT), *answer = ask(&helper, LOOK("disk", path), NULL);
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
    _cleanup_close_ int fd = assert_handed_over(&helper, "file", link, S_IFREG | 0644);
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
                    *eloop = g_strdup_printf("failed %d -", ELOOP), *enotdir = g_strdup_printf("failed %d -", ENOTDIR);

    ck_assert_int_eq(symlink(".", way), 0);
    _cleanup_close_ int folder = assert_handed_over(&helper, "folder", way, S_IFDIR | 0700),
                        place = assert_handed_over(&helper, "place", helper.folder, S_IFDIR | 0700);
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

START_TEST(it_goes_when_the_daemon_goes)
{
    A_HELPER;
    assert_open_fails(&helper, "", "r", EBADMSG);
    ck_assert_int_eq(helper_end(&helper), 0);
}
END_TEST

START_TEST(it_goes_when_it_hears_what_it_does_not_know)
{
    static const char *const messages[][7] = {{"reboot"},
                                              {"step", "driver", "x", "y"},
                                              {"step", "driver", "x", "y", "z", "!"},
                                              {"open", "/"},
                                              {""}};
    for (size_t i = 0; i < G_N_ELEMENTS(messages); i++) {
        A_HELPER;
        ck_assert_int_eq(channel_send_blocking(helper.fd, messages[i], NULL, 0), 0);
        char **words = NULL;
        unsigned n_fds;
        ck_assert_int_eq(channel_receive_blocking(helper.fd, &words, NULL, 0, &n_fds), -ECONNRESET);
        int status = helper_end(&helper);
        ck_assert(WIFEXITED(status));
        ck_assert_int_ne(WEXITSTATUS(status), 0);
    }
}
END_TEST

START_TEST(it_takes_no_descriptor_but_the_mark_of_a_step)
{
    A_HELPER;
    ck_assert_int_eq(
        channel_send_blocking(helper.fd, (const char *[]){"open", "/", "r", NULL}, (int[]){0}, 1), 0);
    int status = helper_end(&helper);
    ck_assert(WIFEXITED(status));
    ck_assert_int_ne(WEXITSTATUS(status), 0);
}
END_TEST

START_TEST(without_a_daemon_it_fails_at_once)
{
    g_autofree char *folder = scratch_new("bind");
    g_autofree char *path = g_build_filename(folder, "helper.sock", NULL);
    int status;
    pid_t pid = spawn(path);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    ck_assert_int_ne(WEXITSTATUS(status), 0);
    scratch_remove(folder);
}
END_TEST

START_TEST(it_finds_no_holders_of_a_device_that_is_not_there)
{
    A_HELPER;
    assert_answer(&helper, (const char *[]){"holders", "ffff:ff:1f.7", NULL}, "holders");
    assert_answer(&helper, (const char *[]){"holders", "../..", NULL}, "failed 22 -");
}
END_TEST

/* Stands for the descriptor of a VFIO group that somebody forgot to close on exec. */
START_TEST(it_keeps_nothing_that_it_inherited)
{
    int leaked[2];
    ck_assert_int_eq(pipe(leaked), 0);
    A_HELPER;
    close(leaked[1]);
    /* The end of the stream shows that nobody else has the other end any more. */
    char byte;
    ck_assert_int_eq(read(leaked[0], &byte, 1), 0);
    close(leaked[0]);
}
END_TEST

SUITE("bind-main", the_mark_of_a_step_is_let_go_of_when_it_is_over,
      a_step_on_a_device_that_is_not_there_is_drift, a_step_that_makes_no_sense_fails,
      a_file_is_opened_and_handed_over,
      a_file_that_is_only_looked_at_is_closed_where_it_was_opened, no_link_is_followed, what_is_no_disk_or_file_is_not_opened,
      a_socket_that_anybody_may_connect_to_is_handed_over_by_its_name,
      what_a_path_or_a_name_leads_to_is_told_without_handing_it_over, where_a_disk_would_be_made_its_room_is_told,
      a_file_to_be_read_is_opened_over_links_and_nothing_else_is,
      a_pipe_in_the_place_of_a_file_is_not_touched, a_folder_is_opened_over_a_link_but_not_as_the_place_of_an_image,
      only_devices_that_guests_use_are_opened, an_image_that_is_not_there_is_made, a_wish_that_is_not_understood_is_refused,
      it_goes_when_the_daemon_goes, it_goes_when_it_hears_what_it_does_not_know,
      it_takes_no_descriptor_but_the_mark_of_a_step, without_a_daemon_it_fails_at_once,
      it_finds_no_holders_of_a_device_that_is_not_there, it_keeps_nothing_that_it_inherited)
