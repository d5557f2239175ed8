/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who proves what to the fork launcher: it knows the processes that it started. test-launcher-systemd.c shows
 * what systemd's control groups prove. */
#include <signal.h>
#include <sys/wait.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/edge/helper/helper-socket.h"
#include "../suite.h"
#include "loop.h"
#include "peer.h"

static PeerFolder folder;
static sd_event *event;
static Launcher *launcher;
static HelperSocket *helpers;

/* Who was handed over. */
static int callers;
static HelperVerb verb;
static LauncherKind kind;
static char *instance;
static pid_t pid;
static uid_t uid;
static gid_t gid;
static Channel *channel;

/* How the helper that play() starts has ended; its status tells what it heard. */
static int ends;
static LauncherExit ended;

enum {
    HEARD_NOTHING = 10, /* cut off without a word */
    HEARD_REFUSED = 11,
    HEARD_WELCOME = 12,
};

static void on_message(Channel *from, char **words, int *fds, unsigned n_fds, void *userdata)
{
    if (!words)
        channel = channel_free(from);
}

static void on_helper(const HelperCaller *caller, Channel *from, void *userdata)
{
    callers++;
    verb = caller->verb;
    kind = caller->kind;
    g_free(instance);
    instance = g_strdup(caller->instance);
    pid = caller->pid;
    uid = caller->uid;
    gid = caller->gid;
    channel = from;
    channel_set_handler(from, on_message, NULL);
    ck_assert_int_eq(channel_send(from, (const char *const[]){"welcome", NULL}, NULL, 0), 0);
}

static void on_exited(const LauncherExit *exit, void *userdata)
{
    ends++;
    ended = *exit;
}

static void setup(void)
{
    callers = ends = 0;
    peer_folder_make(&folder);
    event = loop_new();
    ck_assert_int_eq(launcher_new_fork(event, folder.path, folder.socket, &launcher), 0);
    int fd = helper_socket_listen(folder.socket);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(helper_socket_new(event, fd, launcher, on_helper, NULL, &helpers), 0);
}

static void teardown(void)
{
    channel = channel_free(channel);
    helpers = helper_socket_free(helpers);
    launcher = launcher_free(launcher);
    event = sd_event_unref(event);
    peer_folder_remove(&folder);
    g_clear_pointer(&instance, g_free);
    while (waitpid(-1, NULL, 0) > 0)
        ;
}

static void on_started(int error, const char *message, void *userdata)
{
    g_autofree char *path = g_strdup_printf("/proc/self/task/%d/children", getpid()), *text = NULL;

    ck_assert_int_eq(error, 0);
    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    ck_assert_int_eq(launcher_watch(launcher, LAUNCHER_GUEST, userdata, atoi(text), on_exited, NULL), 0);
}

/* Starts a helper that plays the part which its name says, and waits until it has ended. */
static int play_guest(const char *name)
{
    ck_assert_int_eq(launcher_start(launcher, LAUNCHER_GUEST, name, on_started, (void *)name), 0);
    loop_until_count(event, &ends, 1);
    ck_assert(ended.known && !ended.by_signal);
    return ended.status;
}

START_TEST(a_guest_that_we_started_is_handed_over)
{
    ck_assert_int_eq(play_guest("guest"), HEARD_WELCOME);
    ck_assert_int_eq(callers, 1);
    ck_assert_int_eq(verb, HELPER_GUEST);
    ck_assert_int_eq(kind, LAUNCHER_GUEST);
    ck_assert_str_eq(instance, "guest");
    ck_assert_int_gt(pid, 1);
    ck_assert_uint_eq(uid, getuid());
    ck_assert_uint_eq(gid, getgid());
}
END_TEST

START_TEST(what_a_guest_waits_for_is_told_apart)
{
    ck_assert_int_eq(play_guest("stop"), HEARD_WELCOME);
    ck_assert_int_eq(verb, HELPER_STOP);
    channel = channel_free(channel);
    ends = 0;
    ck_assert_int_eq(play_guest("ended"), HEARD_WELCOME);
    ck_assert_int_eq(verb, HELPER_ENDED);
    channel = channel_free(channel);
    ends = 0;
    ck_assert_int_eq(play_guest("restored"), HEARD_WELCOME);
    ck_assert_int_eq(verb, HELPER_RESTORED);
}
END_TEST

START_TEST(a_bind_helper_that_we_started_is_handed_over)
{
    ck_assert_int_eq(launcher_start(launcher, LAUNCHER_BIND, "7", NULL, NULL), 0);
    loop_until_count(event, &callers, 1);
    ck_assert_int_eq(verb, HELPER_BIND);
    ck_assert_int_eq(kind, LAUNCHER_BIND);
    ck_assert_str_eq(instance, "7");
}
END_TEST

START_TEST(a_helper_may_not_speak_for_another_guest)
{
    ck_assert_int_eq(play_guest("liar"), HEARD_REFUSED);
    ck_assert_int_eq(callers, 0);
}
END_TEST

START_TEST(a_guest_may_not_be_a_bind_helper)
{
    ck_assert_int_eq(play_guest("binder"), HEARD_REFUSED);
    ck_assert_int_eq(callers, 0);
}
END_TEST

START_TEST(what_says_anything_else_is_refused)
{
    static const char *const parts[] = {"mumbler", "too-much", "too-little", "unknown-verb"};

    for (unsigned i = 0; i < G_N_ELEMENTS(parts); i++) {
        ends = 0;
        ck_assert_msg(play_guest(parts[i]) == HEARD_REFUSED, "%s heard %d", parts[i], ended.status);
    }
    ck_assert_int_eq(callers, 0);
}
END_TEST

START_TEST(garbage_is_cut_off)
{
    ck_assert_int_eq(play_guest("garbage"), HEARD_NOTHING);
    ck_assert_int_eq(callers, 0);
}
END_TEST

START_TEST(descriptors_with_a_hello_are_cut_off)
{
    ck_assert_int_eq(play_guest("giver"), HEARD_NOTHING);
    ck_assert_int_eq(callers, 0);
}
END_TEST

START_TEST(a_child_of_a_helper_is_no_helper)
{
    ck_assert_int_eq(play_guest("grandchild"), HEARD_REFUSED);
    ck_assert_int_eq(callers, 0);
}
END_TEST

/* The test itself is a stranger: root, perhaps, but not started by the launcher. */
START_TEST(a_stranger_is_refused_in_words_whoever_it_is)
{
    _cleanup_close_ int fd = peer_connect(folder.socket);
    ck_assert_int_ge(fd, 0);
    ck_assert(peer_say(fd, "hello guest guest"));
    loop_settle(event);
    g_autofree char *answer = peer_hear(fd);
    ck_assert_str_eq(answer, "refused this process is not in a unit of usher "
                             "start a guest with: usherctl start NAME, or systemctl start usher-guest@NAME");
    g_autofree char *end = peer_hear(fd);
    ck_assert_ptr_null(end);
    ck_assert_int_eq(callers, 0);
}
END_TEST

static bool is_gone(int fd)
{
    return recv(fd, &(char){0}, 1, MSG_DONTWAIT) == 0;
}

static int on_turn(sd_event_source *source, void *userdata)
{
    *(bool *)userdata = true;
    return 0;
}

/* The end of a process is heard after all else, so that its last words come before. */
START_TEST(a_crowd_does_not_hold_up_what_comes_after_all_else)
{
    sd_event_source *last = NULL;
    bool had_its_turn = false;
    int fds[100];

    for (unsigned i = 0; i < G_N_ELEMENTS(fds); i++)
        ck_assert_int_ge(fds[i] = peer_connect(folder.socket), 0);
    ck_assert_int_ge(sd_event_add_defer(event, &last, on_turn, &had_its_turn), 0);
    ck_assert_int_ge(sd_event_source_set_priority(last, SD_EVENT_PRIORITY_NORMAL + 10), 0);
    loop_until(event, &had_its_turn);
    ck_assert_msg(!is_gone(fds[G_N_ELEMENTS(fds) - 1]), "all of the crowd came before it");
    while (!is_gone(fds[G_N_ELEMENTS(fds) - 1]))
        ck_assert_int_gt(sd_event_run(event, LOOP_DEADLINE_USEC), 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(fds); i++)
        close_fd(fds[i]);
    sd_event_source_unref(last);
    loop_settle(event);
}
END_TEST

START_TEST(strangers_that_say_nothing_do_not_crowd_out_a_guest)
{
    int fds[80];

    for (unsigned i = 0; i < G_N_ELEMENTS(fds); i++)
        ck_assert_int_ge(fds[i] = peer_connect(folder.socket), 0);
    while (!is_gone(fds[G_N_ELEMENTS(fds) - 1]))
        ck_assert_int_gt(sd_event_run(event, LOOP_DEADLINE_USEC), 0);
    /* A user may have eight strangers; the others have been cut off. */
    for (unsigned i = 0; i < G_N_ELEMENTS(fds); i++) {
        bool gone = is_gone(fds[i]);
        ck_assert_msg(gone == (i >= 8), "stranger %u is %s", i, gone ? "gone" : "there");
    }
    ck_assert_int_eq(play_guest("guest"), HEARD_WELCOME);
    ck_assert_int_eq(callers, 1);
    for (unsigned i = 0; i < G_N_ELEMENTS(fds); i++)
        close_fd(fds[i]);
    loop_settle(event);
}
END_TEST

START_TEST(who_says_nothing_is_cut_off_in_time)
{
    char byte;

    _cleanup_close_ int fd = peer_connect(folder.socket);
    while (recv(fd, &byte, 1, MSG_DONTWAIT) < 0)
        ck_assert_msg(sd_event_run(event, LOOP_DEADLINE_USEC) > 0, "nothing is done about it");
}
END_TEST

START_TEST(who_waits_is_cut_off_with_the_socket)
{
    char byte;

    _cleanup_close_ int fd = peer_connect(folder.socket);
    loop_settle(event);
    helpers = helper_socket_free(helpers);
    ck_assert_int_eq(recv(fd, &byte, 1, MSG_DONTWAIT), 0);
}
END_TEST

START_TEST(the_socket_is_open_to_all_and_replaces_an_old_one)
{
    struct stat st;

    ck_assert_int_eq(stat(folder.socket, &st), 0);
    ck_assert(S_ISSOCK(st.st_mode));
    ck_assert_uint_eq(st.st_mode & 0777, 0666);
    int again = helper_socket_listen(folder.socket);
    ck_assert_int_ge(again, 0);
    close_fd(again);
    ck_assert_int_eq(
        helper_socket_listen("/tmp/" /* 108 bytes and more */
                             "0123456789012345678901234567890123456789012345678901234567890123456789"
                             "0123456789012345678901234567890123456789"),
        -ENAMETOOLONG);
}
END_TEST

START_TEST(the_socket_that_systemd_passed_is_known_by_its_name)
{
    g_autofree char *self = g_strdup_printf("%d", getpid());
    PeerFolder place;

    ck_assert_int_eq(helper_socket_from_systemd(), -ENOENT);
    peer_folder_make(&place);
    int fd = helper_socket_listen(place.socket), other = open("/dev/null", O_RDONLY | O_CLOEXEC);
    /* 3 and 4 are this program's for the length of the test: systemd passes them there. */
    int kept[2] = {fcntl(3, F_DUPFD_CLOEXEC, 10), fcntl(4, F_DUPFD_CLOEXEC, 10)};
    int high = fcntl(fd, F_DUPFD_CLOEXEC, 10);
    dup2(other, 3);
    dup2(high, 4);
    setenv("LISTEN_PID", self, 1);
    setenv("LISTEN_FDS", "2", 1);
    setenv("LISTEN_FDNAMES", "other:helper", 1);
    ck_assert_int_eq(helper_socket_from_systemd(), 4);
    setenv("LISTEN_FDNAMES", "helper:other", 1);
    ck_assert_msg(helper_socket_from_systemd() == -ENOENT, "what is no listening socket is not taken for it");
    unsetenv("LISTEN_FDS");
    for (int i = 0; i < 2; i++) {
        close(3 + i);
        if (kept[i] >= 0)
            dup3(kept[i], 3 + i, O_CLOEXEC);
        close_fd(kept[i]);
    }
    close_fd(high);
    peer_folder_remove(&place);
}
END_TEST

/* The helper's part. */

static int listen_to(int fd)
{
    g_autofree char *answer = peer_hear(fd);

    if (!answer)
        return HEARD_NOTHING;
    if (g_str_equal(answer, "welcome"))
        return HEARD_WELCOME;
    return g_str_has_prefix(answer, "refused ") ? HEARD_REFUSED : 1;
}

static int give(int fd)
{
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec part = {(char *)"hello\0guest\0giver", 18};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &fd, sizeof(fd));
    return sendmsg(fd, &message, 0) > 0 ? listen_to(fd) : 2;
}

static int delegate(void)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        int fd = peer_connect(getenv("USHER_SOCKET"));
        _exit(peer_say(fd, "hello guest grandchild") ? listen_to(fd) : 2);
    }
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}

static const char *const lines[][2] = {
    {"guest", "hello guest guest"},
    {"stop", "hello stop stop"},
    {"restored", "hello restored restored"},
    {"ended", "hello ended ended"},
    {"liar", "hello guest other"},
    {"binder", "hello bind"},
    {"mumbler", "good morning"},
    {"too-much", "hello guest too-much more"},
    {"too-little", "hello guest"},
    {"unknown-verb", "hello sudo unknown-verb"},
};

static int peer_play(const char *part, const char *name)
{
    if (g_strcmp0(name, "grandchild") == 0)
        return delegate();
    int fd = peer_connect(getenv("USHER_SOCKET"));
    if (fd < 0)
        return 2;
    if (!name)
        return peer_say(fd, "hello bind") ? listen_to(fd) : 2;
    if (g_str_equal(name, "giver"))
        return give(fd);
    if (g_str_equal(name, "garbage"))
        return send(fd, "no NUL", 6, 0) == 6 ? listen_to(fd) : 2;
    for (unsigned i = 0; i < G_N_ELEMENTS(lines); i++)
        if (g_str_equal(name, lines[i][0]))
            return peer_say(fd, lines[i][1]) ? listen_to(fd) : 2;
    return 2;
}

SUITE_WITH("helper-socket", setup, teardown, a_guest_that_we_started_is_handed_over,
           what_a_guest_waits_for_is_told_apart, a_bind_helper_that_we_started_is_handed_over,
           a_helper_may_not_speak_for_another_guest, a_guest_may_not_be_a_bind_helper,
           what_says_anything_else_is_refused, garbage_is_cut_off, descriptors_with_a_hello_are_cut_off,
           a_child_of_a_helper_is_no_helper, a_stranger_is_refused_in_words_whoever_it_is,
           a_crowd_does_not_hold_up_what_comes_after_all_else,
           strangers_that_say_nothing_do_not_crowd_out_a_guest, who_says_nothing_is_cut_off_in_time,
           who_waits_is_cut_off_with_the_socket, the_socket_is_open_to_all_and_replaces_an_old_one,
           the_socket_that_systemd_passed_is_known_by_its_name)
