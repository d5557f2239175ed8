/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher-bind as a process, spoken to over its socket; USHER_BIND says where it is. */
#pragma once

#include <glib.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

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

static inline int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    ck_assert_uint_lt(strlen(path), sizeof(address.sun_path));
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    return fd;
}

static inline pid_t spawn(const char *socket)
{
    const char *program = g_getenv("USHER_BIND");
    ck_assert_msg(program, "USHER_BIND is not set");
    g_autofree char *variable = g_strdup_printf("USHER_SOCKET=%s", socket);
    char *const argv[] = {(char *)"usher-bind", NULL}, *const envp[] = {variable, NULL};
    pid_t pid;
    ck_assert_int_eq(posix_spawn(&pid, program, NULL, NULL, argv, envp), 0);
    return pid;
}

static inline Helper helper_new(void)
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
static inline int helper_end(Helper *helper)
{
    int status;
    helper->fd = close_fd(helper->fd);
    ck_assert_int_eq(waitpid(helper->pid, &status, 0), helper->pid);
    helper->pid = 0;
    return status;
}

static inline void helper_free(Helper *helper)
{
    if (helper->pid)
        helper_end(helper);
    scratch_remove(helper->folder);
    g_free(helper->folder);
    g_free(helper->socket);
}

#define A_HELPER __attribute__((cleanup(helper_free))) Helper helper = helper_new()

/* The answer, words joined by blanks; a descriptor, where one is expected. */
static inline char *ask(const Helper *helper, const char *const *words, int *ret_fd)
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

static inline void assert_answer(const Helper *helper, const char *const *words, const char *expected)
{
    g_autofree char *answer = ask(helper, words, NULL);
    ck_assert_str_eq(answer, expected);
}

#define DISK(path, how) ((const char *[]){"disk", path, how, "raw", "0", "-", "raw", NULL})

static inline void assert_open_fails(const Helper *helper, const char *path, const char *how, int error)
{
    g_autofree char *expected = g_strdup_printf("failed %d -", error);
    assert_answer(helper, DISK(path, how), expected);
}
