/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The real usher-launch, and what it was told to run. */
#pragma once

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/base/wire.h"
#include "../suite.h"
#include "peer.h"
#include "send-fds.h"

static char folder[32];
static char *program, *socket_path, *notify_path, *errors_path, *log_path;
static int listener, notify, log_fd, program_fd;
static pid_t child;

static inline int listen_at(const char *path, int type)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(chmod(path, 0666), 0);
    if (type == SOCK_SEQPACKET)
        ck_assert_int_eq(listen(fd, 8), 0);
    return fd;
}

static inline void setup(void)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL), *here = g_path_get_dirname(self);

    program = g_build_filename(here, "../../../daemon/usher-launch", NULL);
    ck_assert_msg(access(program, X_OK) == 0, "build %s first", program);
    /* Other users may not be allowed into the folder that this was built in. */
    program_fd = open(program, O_PATH | O_CLOEXEC);
    ck_assert_int_ge(program_fd, 0);
    strcpy(folder, "/tmp/usher-launch-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chmod(folder, 0755), 0);
    socket_path = g_build_filename(folder, "helper.sock", NULL);
    notify_path = g_build_filename(folder, "notify", NULL);
    errors_path = g_build_filename(folder, "errors", NULL);
    log_path = g_build_filename(folder, "log", NULL);
    listener = listen_at(socket_path, SOCK_SEQPACKET);
    notify = listen_at(notify_path, SOCK_DGRAM);
    log_fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ck_assert_int_ge(log_fd, 0);
}

static inline void teardown(void)
{
    g_autofree char *command = g_strdup_printf("rm -rf %s", folder);

    ck_assert_int_eq(system(command), 0);
    close_fd(listener);
    close_fd(notify);
    close_fd(log_fd);
    close_fd(program_fd);
    g_free(program);
    g_free(socket_path);
    g_free(notify_path);
    g_free(errors_path);
    g_free(log_path);
}

/* As systemd would: with stderr to the journal (a file here), and an environment with more in it than QEMU is
 * to see. */
static inline void launch_as(uid_t uid, const char *first, const char *second)
{
    int errors = open(errors_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    child = fork();
    ck_assert_int_ge(child, 0);
    if (child != 0) {
        close_fd(errors);
        return;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setenv("USHER_SOCKET", socket_path, 1);
    setenv("NOTIFY_SOCKET", notify_path, 1);
    setenv("SECRET", "not for QEMU", 1);
    dup2(errors, STDERR_FILENO);
    if (uid != geteuid() && (setgid(uid) < 0 || setuid(uid) < 0))
        _exit(99);
    fexecve(program_fd, (char *[]){(char *)"usher-launch", (char *)first, (char *)second, NULL}, environ);
    _exit(98);
}

static inline void launch(const char *first, const char *second)
{
    launch_as(geteuid(), first, second);
}

static inline int finish(void)
{
    int status;

    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status), "usher-launch was killed by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

/* Fails if usher-launch ends before it connects, as nothing would come any more. */
static inline void wait_for_connection(void)
{
    int pidfd = pidfd_open(child, 0);
    struct pollfd waits[] = {{listener, POLLIN}, {pidfd, POLLIN}};

    ck_assert_int_ge(pidfd, 0);
    ck_assert_int_gt(poll(waits, G_N_ELEMENTS(waits), -1), 0);
    if (waits[0].revents == 0)
        ck_abort_msg("usher-launch ended with %d and said nothing", finish());
    close_fd(pidfd);
}

/* Takes the connection and what it says first. */
static inline int take_hello(const char *expected)
{
    wait_for_connection();
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    g_autofree char *hello = peer_hear(fd);
    ck_assert_str_eq(hello, expected);
    return fd;
}

static inline void say_with_fds(int fd, const char *const *words, const int *fds, unsigned n)
{
    g_autoptr(GByteArray) bytes = NULL;

    ck_assert_int_eq(wire_pack(words, &bytes), 0);
    send_fds_to(fd, bytes->data, bytes->len, fds, n);
}

static inline void assert_file(const char *path, const char *expected)
{
    g_autofree char *text = NULL;

    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    ck_assert_str_eq(text, expected);
}

static inline int file_with(const char *text)
{
    int fd = memfd_create("test", MFD_CLOEXEC);

    ck_assert_int_eq(write(fd, text, strlen(text)), strlen(text));
    lseek(fd, 0, SEEK_SET);
    return fd;
}

/* Nobody starts this program as a helper. */
static inline int peer_play(const char *part, const char *name)
{
    return 2;
}
