/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The socket of a display, as usher-bind makes it for one user. */
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/edge/hand/display-socket.h"
#include "../scratch.h"
#include "../suite.h"

#define DAEMON_UID 1
#define NOBODY_UID 65534

/* A folder that everybody may look into. */
static char *a_folder(void)
{
    char *path = scratch_new("display");

    ck_assert_int_eq(chmod(path, 0755), 0);
    return path;
}

static int make(const char *owner, const char *folder, const char *name)
{
    g_autofree char *what = g_strdup_printf("%s:%s/%s", owner, folder, name);
    int fd = -1;
    int r = display_socket_make(what, &fd);

    ck_assert((r == 0) == (fd >= 0));
    return r < 0 ? r : fd;
}

/* 0 or -errno; in a process of its own, which is that user's. */
static int connect_as(uid_t uid, const char *folder, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        g_snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", folder, name);
        _exit(setuid(uid) < 0                                                 ? 255
              : connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? errno
                                                                              : 0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) != 255);
    return -WEXITSTATUS(status);
}

START_TEST(its_owner_alone_can_connect)
{
    g_autofree char *folder = a_folder(), *path = g_build_filename(folder, "win10.spice", NULL);
    _cleanup_close_ int fd = make("+1", folder, "win10.spice");
    struct stat st;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(lstat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode, S_IFSOCK | 0600);
    ck_assert_uint_eq(st.st_uid, DAEMON_UID);
    ck_assert_int_eq(connect_as(NOBODY_UID, folder, "win10.spice"), -EACCES);
    ck_assert_int_eq(connect_as(DAEMON_UID, folder, "win10.spice"), 0);
    _cleanup_close_ int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(client, 0);
    scratch_remove(folder);
}
END_TEST

START_TEST(it_takes_the_place_of_an_earlier_one)
{
    g_autofree char *folder = a_folder(), *left = g_build_filename(folder, "win10.spice.new", NULL);
    _cleanup_close_ int first = make("root", folder, "win10.spice");

    /* An usher-bind ended in the middle. */
    ck_assert(g_file_set_contents(left, "", 0, NULL));
    _cleanup_close_ int second = make("root", folder, "win10.spice");
    ck_assert_int_ge(second, 0);
    ck_assert_int_eq(connect_as(0, folder, "win10.spice"), 0);
    ck_assert_int_eq(accept4(first, NULL, NULL, SOCK_CLOEXEC), -1);
    ck_assert_int_eq(errno, EAGAIN);
    _cleanup_close_ int client = accept4(second, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(client, 0);
    ck_assert_int_lt(access(left, F_OK), 0);
    scratch_remove(folder);
}
END_TEST

START_TEST(it_is_made_in_a_folder_of_roots_alone)
{
    g_autofree char *folder = a_folder(), *link = g_strconcat(folder, "-link", NULL);

    ck_assert_int_eq(symlink(folder, link), 0);
    ck_assert_int_eq(make("root", link, "win10.spice"), -ENOTDIR);
    ck_assert_int_eq(unlink(link), 0);
    ck_assert_int_eq(chmod(folder, 0777), 0);
    ck_assert_int_eq(make("root", folder, "win10.spice"), -EPERM);
    ck_assert_int_eq(chmod(folder, 0755), 0);
    ck_assert_int_eq(chown(folder, DAEMON_UID, -1), 0);
    ck_assert_int_eq(make("root", folder, "win10.spice"), -EPERM);
    scratch_remove(folder);
}
END_TEST

START_TEST(what_is_no_display_of_a_guest_or_no_user_is_refused)
{
    g_autofree char *folder = a_folder();
    static const char *const names[] = {"",          "win10", ".spice",      "Win10.spice",
                                        "a b.spice", "..",    "win10/.spice"};
    static const char *const owners[] = {"+", "+-1", "+4294967295", "+1x"};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        ck_assert_int_lt(make("root", folder, names[i]), 0);
    for (size_t i = 0; i < G_N_ELEMENTS(owners); i++)
        ck_assert_int_eq(make(owners[i], folder, "win10.spice"), -EINVAL);
    ck_assert_int_eq(make("no-such-user", folder, "win10.spice"), -ENOENT);
    ck_assert_int_eq(make("", folder, "win10.spice"), -ENOENT);
    scratch_remove(folder);
}
END_TEST

SUITE("display-socket", its_owner_alone_can_connect, it_takes_the_place_of_an_earlier_one,
      it_is_made_in_a_folder_of_roots_alone, what_is_no_display_of_a_guest_or_no_user_is_refused)
