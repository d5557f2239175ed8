/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The program usher-launch of this build, against a daemon that this test plays. /bin/sh stands for QEMU:
 * what it was given can be asked from within. */
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/base/wire.h"
#include "../suite.h"
#include "peer.h"
#include "send-fds.h"

#define NOBODY 65534

static char folder[32];
static char *program, *socket_path, *notify_path, *errors_path, *log_path;
static int listener, notify, log_fd, program_fd;
static pid_t child;

static int listen_at(const char *path, int type)
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

static void setup(void)
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

static void teardown(void)
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
static void launch_as(uid_t uid, const char *first, const char *second)
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

static void launch(const char *first, const char *second)
{
    launch_as(geteuid(), first, second);
}

static int finish(void)
{
    int status;

    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status), "usher-launch was killed by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

/* Fails if usher-launch ends before it connects, as nothing would come any more. */
static void wait_for_connection(void)
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
static int take_hello(const char *expected)
{
    wait_for_connection();
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    g_autofree char *hello = peer_hear(fd);
    ck_assert_str_eq(hello, expected);
    return fd;
}

static void say_with_fds(int fd, const char *const *words, const int *fds, unsigned n)
{
    g_autoptr(GByteArray) bytes = NULL;

    ck_assert_int_eq(wire_pack(words, &bytes), 0);
    send_fds_to(fd, bytes->data, bytes->len, fds, n);
}

static void assert_file(const char *path, const char *expected)
{
    g_autofree char *text = NULL;

    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    ck_assert_str_eq(text, expected);
}

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

static int file_with(const char *text)
{
    int fd = memfd_create("test", MFD_CLOEXEC);

    ck_assert_int_eq(write(fd, text, strlen(text)), strlen(text));
    lseek(fd, 0, SEEK_SET);
    return fd;
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
                    cases[i].exit ? "usher-launch: guest win10 was killed, and not by usherd\n" : "");
        close_fd(fd);
    }
    setenv("EXIT_CODE", "killed", 1);
    setenv("EXIT_STATUS", "KILL", 1);
    /* Nothing is left to be stopped. */
    launch("--stop", "win10");
    ck_assert_int_eq(finish(), 0);
    unsetenv("EXIT_CODE");
    unsetenv("EXIT_STATUS");
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

/* Nobody starts this program as a helper. */
static int peer_play(const char *part, const char *name)
{
    return 2;
}

SUITE("usher-launch", it_becomes_what_it_is_told_with_the_files_in_their_places,
      descriptors_stand_where_they_belong_even_if_they_came_elsewhere,
      the_environment_is_clean_and_stdin_is_empty, threads_are_moved_by_what_is_left_behind,
      readiness_is_told_before_it_becomes_qemu, the_limit_of_locked_memory_is_lowered_and_never_raised,
      a_file_that_its_user_may_not_reopen_is_copied,
      what_it_cannot_become_is_told_in_the_log_and_in_the_journal, a_refusal_is_told_with_its_remedy,
      a_daemon_that_goes_away_is_told, a_daemon_that_is_not_there_is_told, nonsense_is_no_order,
      a_stop_waits_for_the_end, a_kill_of_somebody_else_s_is_a_failure_and_usherd_s_is_none,
      a_stop_asks_the_next_daemon_when_one_goes_away, a_wrong_call_says_how_to_do_it,
      a_companion_is_started_with_its_own_files_before_qemu, a_companion_ends_with_qemu_however_that_ends,
      a_companion_ends_when_the_daemon_goes_before_qemu_is_there, a_companion_that_is_not_there_is_told)
