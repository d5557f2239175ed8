/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Companions: programs that are started before QEMU and end with it. */
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "launched.h"

/* Has a shell script started as a companion, with the file as its descriptor 3; its pid. */
static pid_t start_companion(int fd, const char *script, int file)
{
    int fds[] = {file, log_fd};

    say_with_fds(fd, (const char *const[]){"companion", "swtpm", "/bin/sh", "-c", script, NULL}, fds, 2);
    g_autofree char *answer = peer_hear(fd);
    ck_assert_msg(g_str_has_prefix(answer, "started "), "%s", answer);
    return atoi(answer + strlen("started "));
}

static void wait_for_words(const char *words)
{
    for (;;) {
        g_autofree char *text = NULL;
        ck_assert(g_file_get_contents(log_path, &text, NULL, NULL));
        if (strstr(text, words))
            return;
        g_usleep(1000);
    }
}

START_TEST(a_companion_is_started_with_its_own_files_before_qemu)
{
    int file = file_with("three "), other = file_with("QEMU's");

    setup();
    launch("win10", NULL);
    int fd = take_hello("hello guest win10");
    pid_t pid = start_companion(
        fd, "cat <&3; cat; echo $PPID; ls /proc/$$/fd; env | grep -c SECRET; exec sleep 100", file);
    wait_for_words("2\n3\n0\n");
    g_autofree char *expected = g_strdup_printf("three %d\n0\n1\n2\n3\n0\n", child);
    assert_file(log_path, expected);
    ck_assert_int_eq(kill(pid, 0), 0);
    int fds[] = {other, log_fd};
    say_with_fds(fd, (const char *const[]){"run", "0", "/bin/sh", "-c", "cat <&3; exit 5", NULL}, fds, 2);
    ck_assert_int_eq(finish(), 5);
    wait_for_words("QEMU's");
    close_fd(fd);
    close_fd(file);
    close_fd(other);
    teardown();
}
END_TEST

static void assert_ends_with(int signo)
{
    int file = file_with("");

    setup();
    launch("win10", NULL);
    int fd = take_hello("hello guest win10");
    pid_t pid =
        start_companion(fd, "trap 'echo told; exit' TERM; echo up; while :; do sleep 0.01; done", file);
    int pidfd = pidfd_open(pid, 0);
    ck_assert_int_ge(pidfd, 0);
    wait_for_words("up\n");
    if (signo != 0) {
        say_with_fds(fd,
                     (const char *const[]){"run", "0", "/bin/sh", "-c", "echo qemu; exec sleep 100", NULL},
                     &log_fd, 1);
        wait_for_words("qemu\n");
        kill(child, signo);
    }
    close_fd(fd);
    waitpid(child, NULL, 0);
    struct pollfd ended = {pidfd, POLLIN};
    ck_assert_int_eq(poll(&ended, 1, 60 * 1000), 1);
    wait_for_words("told\n");
    close_fd(pidfd);
    close_fd(file);
    teardown();
}

START_TEST(a_companion_ends_with_qemu_however_that_ends)
{
    assert_ends_with(SIGTERM);
    assert_ends_with(SIGKILL);
}
END_TEST

START_TEST(a_companion_ends_when_the_daemon_goes_before_qemu_is_there)
{
    assert_ends_with(0);
}
END_TEST

START_TEST(a_companion_that_is_not_there_is_told)
{
    setup();
    launch("win10", NULL);
    int fd = take_hello("hello guest win10");
    say_with_fds(fd, (const char *const[]){"companion", "swtpm", "/nowhere/swtpm", NULL}, &log_fd, 1);
    g_autofree char *answer = peer_hear(fd), *expected = g_strdup_printf("failed %d", ENOENT);
    ck_assert_str_eq(answer, expected);
    close_fd(fd);
    ck_assert_int_eq(finish(), 1);
    teardown();
}
END_TEST

SUITE("usher-launch-companions", a_companion_is_started_with_its_own_files_before_qemu,
      a_companion_ends_with_qemu_however_that_ends,
      a_companion_ends_when_the_daemon_goes_before_qemu_is_there, a_companion_that_is_not_there_is_told)
