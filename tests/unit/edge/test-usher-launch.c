/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The program usher-launch of this build, against a daemon that this test plays. /bin/sh stands for QEMU:
 * what it was given can be asked from within. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "launched.h"

#define NOBODY 65534

/* Has it run a script in QEMU's place, with the files as its descriptors 3, 4, …; its exit status. */
static int run(const char *memlock, const char *script, const int *files, unsigned n)
{
    int fds[16];
    int fd = take_hello("hello guest win10");

    memcpy(fds, files, n * sizeof(int));
    fds[n] = log_fd;
    say_with_fds(fd, (const char *const[]){"run", memlock, "/bin/sh", "-c", script, NULL}, fds, n + 1);
    close_fd(fd);
    return finish();
}

START_TEST(it_becomes_what_it_is_told_with_the_files_in_their_places)
{
    int files[3];

    setup();
    launch("win10", NULL);
    files[0] = file_with("three");
    files[1] = file_with("four");
    files[2] = file_with("five");
    ck_assert_int_eq(
        run("1048576", "cat <&3; cat <&4; cat <&5; echo; echo words >&2; ls /proc/$$/fd; exit 7", files, 3),
        7);
    /* 10 and above would be leftovers; dash keeps none. */
    assert_file(log_path, "threefourfive\nwords\n0\n1\n2\n3\n4\n5\n");
    assert_file(errors_path, "");
    for (unsigned i = 0; i < 3; i++)
        close_fd(files[i]);
    teardown();
}
END_TEST

START_TEST(descriptors_stand_where_they_belong_even_if_they_came_elsewhere)
{
    int files[12];

    setup();
    launch("win10", NULL);
    for (unsigned i = 0; i < 12; i++) {
        g_autofree char *text = g_strdup_printf("%u ", i + 3);
        files[i] = file_with(text);
    }
    ck_assert_int_eq(
        run("0", "for i in 3 4 5 6 7 8 9 10 11 12 13 14; do cat /proc/self/fd/$i; done", files, 12), 0);
    assert_file(log_path, "3 4 5 6 7 8 9 10 11 12 13 14 ");
    for (unsigned i = 0; i < 12; i++)
        close_fd(files[i]);
    teardown();
}
END_TEST

START_TEST(the_environment_is_clean_and_stdin_is_empty)
{
    setup();
    launch("win10", NULL);
    ck_assert_int_eq(run("0", "cat; /usr/bin/env | sort | grep -v -e ^PWD= -e ^_= -e ^SHLVL=", NULL, 0), 0);
    assert_file(log_path,
                "LANG=C.UTF-8\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
    teardown();
}
END_TEST

START_TEST(threads_are_moved_by_what_is_left_behind)
{
    cpu_set_t all;
    unsigned first = 0;
    int ready[2];
    char byte;

    ck_assert_int_eq(sched_getaffinity(0, sizeof(all), &all), 0);
    while (!CPU_ISSET(first, &all))
        first++;
    g_autofree char *cpu = g_strdup_printf("%u", first),
                    *alone = g_strdup_printf("Cpus_allowed_list:\t%u\n", first);
    setup();
    launch("win10", NULL);
    g_autofree char *thread = g_strdup_printf("%d", child);
    int fd = take_hello("hello guest win10");
    say_with_fds(fd, (const char *const[]){"pin", cpu, NULL}, &log_fd, 0);
    ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
    say_with_fds(fd,
                 (const char *const[]){"run", "0", "/bin/sh", "-c",
                                       "grep Cpus_allowed_list /proc/self/status; echo >&3; exec sleep 300",
                                       NULL},
                 (const int[]){ready[1], log_fd}, 2);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close_fd(ready[0]);
    close_fd(ready[1]);
    say_with_fds(fd, (const char *const[]){"place", thread, cpu, thread, "1023", NULL}, &log_fd, 0);
    g_autofree char *words = peer_hear(fd);
    ck_assert_str_eq(words, "failed 22 1023");
    /* It has gone, and so has the connection. */
    g_autofree char *nothing = peer_hear(fd);
    ck_assert_ptr_null(nothing);
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    assert_file(log_path, alone);
    close_fd(fd);
    teardown();
}
END_TEST

START_TEST(readiness_is_told_before_it_becomes_qemu)
{
    char message[64] = "";

    setup();
    launch("win10", NULL);
    ck_assert_int_eq(run("0", "exit 0", NULL, 0), 0);
    ck_assert_int_gt(recv(notify, message, sizeof(message) - 1, MSG_DONTWAIT), 0);
    ck_assert_msg(g_str_has_prefix(message, "READY=1\n"), "%s", message);
    teardown();
}
END_TEST

START_TEST(the_limit_of_locked_memory_is_lowered_and_never_raised)
{
    struct rlimit limit = {16 * 1024, 16 * 1024};

    setup();
    launch("win10", NULL);
    ck_assert_int_eq(run("8192", "ulimit -l; ulimit -H -l", NULL, 0), 0);
    assert_file(log_path, "8\n8\n");

    ck_assert_int_eq(ftruncate(log_fd, 0), 0);
    launch("win10", NULL);
    ck_assert_int_eq(prlimit(child, RLIMIT_MEMLOCK, &limit, NULL), 0);
    ck_assert_int_eq(run("1073741824", "ulimit -l; ulimit -H -l", NULL, 0), 0);
    assert_file(log_path, "16\n16\n");
    teardown();
}
END_TEST

START_TEST(a_file_that_its_user_may_not_reopen_is_copied)
{
    int files[2];

    ck_assert_msg(geteuid() == 0, "this test program has to be run by root");
    setup();
    g_autofree char *secret = g_build_filename(folder, "secret", NULL),
                    *other = g_build_filename(folder, "other", NULL);
    ck_assert(g_file_set_contents(secret, "kernel", -1, NULL));
    ck_assert(g_file_set_contents(other, "disk", -1, NULL));
    ck_assert_int_eq(chmod(secret, 0600) | chmod(other, 0600), 0);
    files[0] = open(secret, O_RDONLY | O_CLOEXEC);
    files[1] = open(other, O_RDONLY | O_CLOEXEC);
    launch_as(NOBODY, "win10", NULL);
    ck_assert_int_eq(run("0", "cat /proc/self/fd/3; id -u; readlink /proc/$$/fd/4 | grep -c memfd", files, 2),
                     1);
    assert_file(log_path, "kernel65534\n0\n");
    close_fd(files[0]);
    close_fd(files[1]);
    teardown();
}
END_TEST

START_TEST(what_it_cannot_become_is_told_in_the_log_and_in_the_journal)
{
    setup();
    launch("win10", NULL);
    int fd = take_hello("hello guest win10");
    say_with_fds(fd, (const char *const[]){"run", "0", "/no/such/qemu", NULL}, &log_fd, 1);
    ck_assert_int_eq(finish(), 3);
    const char *words =
        "usher-launch: cannot start /no/such/qemu for guest win10: No such file or directory\n";
    assert_file(log_path, words);
    assert_file(errors_path, words);
    close_fd(fd);
    teardown();
}
END_TEST

START_TEST(a_refusal_is_told_with_its_remedy)
{
    setup();
    launch("win10", NULL);
    int fd = take_hello("hello guest win10");
    ck_assert(send(fd, "refused\0the GPU is in use\0stop gdm first", 41, 0) == 41);
    ck_assert_int_eq(finish(), 1);
    assert_file(errors_path, "usher-launch: the GPU is in use\nusher-launch: stop gdm first\n");
    close_fd(fd);
    teardown();
}
END_TEST

START_TEST(a_daemon_that_goes_away_is_told)
{
    setup();
    launch("win10", NULL);
    close_fd(take_hello("hello guest win10"));
    ck_assert_int_eq(finish(), 1);
    assert_file(errors_path,
                "usher-launch: usherd went away before guest win10 could start; start it again\n");
    teardown();
}
END_TEST

START_TEST(a_daemon_that_is_not_there_is_told)
{
    setup();
    ck_assert_int_eq(unlink(socket_path), 0);
    g_autofree char *words =
        g_strdup_printf("usher-launch: cannot connect to usherd at %s: No such file or directory; "
                        "is usherd.socket up?\n",
                        socket_path);
    launch("win10", NULL);
    ck_assert_int_eq(finish(), 1);
    assert_file(errors_path, words);
    launch("--stop", "win10");
    ck_assert_int_eq(finish(), 1);
    assert_file(errors_path, words);
    teardown();
}
END_TEST

START_TEST(nonsense_is_no_order)
{
    static const char *const nonsense[] = {"ended", "run", "run 0", "run 0 /bin/true"};

    setup();
    for (unsigned i = 0; i < G_N_ELEMENTS(nonsense); i++) {
        launch("win10", NULL);
        int fd = take_hello("hello guest win10");
        ck_assert(peer_say(fd, nonsense[i]));
        ck_assert_msg(finish() == 1, "taken for an order: %s", nonsense[i]);
        close_fd(fd);
    }
    launch("win10", NULL);
    int fd = take_hello("hello guest win10");
    say_with_fds(fd, (const char *const[]){"run", "lots", "/bin/true", NULL}, &log_fd, 1);
    ck_assert_int_eq(finish(), 3);
    close_fd(fd);
    teardown();
}
END_TEST

START_TEST(a_stop_waits_for_the_end)
{
    setup();
    launch("--stop", "win10");
    int fd = take_hello("hello stop win10");
    ck_assert_int_eq(waitpid(child, NULL, WNOHANG), 0);
    ck_assert(peer_say(fd, "ended"));
    ck_assert_int_eq(finish(), 0);
    close_fd(fd);

    launch("--restored", "win10");
    fd = take_hello("hello restored win10");
    ck_assert(send(fd, "refused\0no such guest\0", 23, 0) == 23);
    ck_assert_int_eq(finish(), 1);
    assert_file(errors_path, "usher-launch: no such guest\n");
    close_fd(fd);
    teardown();
}
END_TEST

START_TEST(a_kill_of_somebody_else_s_is_a_failure_and_usherd_s_is_none)
{
    static const struct {
        const char *code, *status, *word;
        int exit;
    } cases[] = {
        {"killed", "KILL", "killed", 0}, {"killed", "KILL", "ended", 4}, {"killed", "SEGV", "ended", 0},
        {"exited", "0", "ended", 0},     {"exited", "0", "killed", 0},
    };

    setup();
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        setenv("EXIT_CODE", cases[i].code, 1);
        setenv("EXIT_STATUS", cases[i].status, 1);
        launch("--restored", "win10");
        int fd = take_hello("hello restored win10");
        ck_assert(peer_say(fd, cases[i].word));
        ck_assert_int_eq(finish(), cases[i].exit);
        assert_file(errors_path,
                    cases[i].exit ? "usher-launch: something other than usherd killed guest win10\n" : "");
        close_fd(fd);
    }
    unsetenv("EXIT_CODE");
    unsetenv("EXIT_STATUS");
    teardown();
}
END_TEST

/* Else systemd would kill the programs beside QEMU, which write their data. */
START_TEST(after_qemu_s_own_end_nothing_is_asked_for_and_the_rest_is_waited_for)
{
    setup();
    setenv("EXIT_CODE", "exited", 1);
    launch("--stop", "win10");
    int fd = take_hello("hello ended win10");
    ck_assert_int_eq(waitpid(child, NULL, WNOHANG), 0);
    ck_assert(peer_say(fd, "ended"));
    ck_assert_int_eq(finish(), 0);
    close_fd(fd);
    unsetenv("EXIT_CODE");
    teardown();
}
END_TEST

START_TEST(a_stop_asks_the_next_daemon_when_one_goes_away)
{
    setup();
    launch("--restored", "win10");
    close_fd(take_hello("hello restored win10"));
    close_fd(take_hello("hello restored win10"));
    int fd = take_hello("hello restored win10");
    ck_assert(peer_say(fd, "ended"));
    ck_assert_int_eq(finish(), 0);
    close_fd(fd);
    teardown();
}
END_TEST

START_TEST(a_wrong_call_says_how_to_do_it)
{
    setup();
    launch(NULL, NULL);
    ck_assert_int_eq(finish(), 2);
    launch("--unknown", "win10");
    ck_assert_int_eq(finish(), 2);
    launch("--stop", NULL);
    ck_assert_int_eq(finish(), 2);
    teardown();
}
END_TEST

SUITE("usher-launch", it_becomes_what_it_is_told_with_the_files_in_their_places,
      descriptors_stand_where_they_belong_even_if_they_came_elsewhere,
      the_environment_is_clean_and_stdin_is_empty, threads_are_moved_by_what_is_left_behind,
      readiness_is_told_before_it_becomes_qemu, the_limit_of_locked_memory_is_lowered_and_never_raised,
      a_file_that_its_user_may_not_reopen_is_copied,
      what_it_cannot_become_is_told_in_the_log_and_in_the_journal, a_refusal_is_told_with_its_remedy,
      a_daemon_that_goes_away_is_told, a_daemon_that_is_not_there_is_told, nonsense_is_no_order,
      a_stop_waits_for_the_end, a_kill_of_somebody_else_s_is_a_failure_and_usherd_s_is_none,
      after_qemu_s_own_end_nothing_is_asked_for_and_the_rest_is_waited_for,
      a_stop_asks_the_next_daemon_when_one_goes_away, a_wrong_call_says_how_to_do_it)
