/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pool over the fork launcher. Most helpers are this program itself, which does what the step's subject
 * says; the real usher-bind of the same build is asked last. */
#include <signal.h>
#include <sys/wait.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/edge/helper/helper-socket.h"
#include "../../../daemon/edge/helper/worker.h"
#include "../suite.h"
#include "loop.h"
#include "peer.h"

static PeerFolder folder;
static sd_event *event;
static Launcher *launcher;
static HelperSocket *helpers;
static WorkerPool *pool;
static int adopted;
static pid_t last_pid;

/* What was called back. */
static int readies, answers, lates, opens;
static Worker *ready_worker, *ready_workers[4];
static char *ready_message, *live;
static WorkerAnswer answer;
static int open_error, opened_fd = -1;
static char *opened_id;
static unsigned n_holders;

static void on_helper(const HelperCaller *caller, Channel *channel, void *userdata)
{
    ck_assert_int_eq(caller->verb, HELPER_BIND);
    adopted++;
    last_pid = caller->pid;
    worker_pool_adopt(pool, caller->instance, channel);
}

static void on_ready(Worker *worker, const char *message, void *userdata)
{
    ready_workers[readies++] = ready_worker = worker;
    g_free(ready_message);
    ready_message = g_strdup(message);
}

static void note(const WorkerAnswer *given)
{
    answer = *given;
    g_free(live);
    live = g_strdup(given->live);
}

static void on_answer(const WorkerAnswer *given, void *userdata)
{
    answers++;
    note(given);
}

static void on_late(const WorkerAnswer *given, void *userdata)
{
    lates++;
    note(given);
}

static void on_opened(int error, const DiskSeen *seen, const GPtrArray *holders, int *fd, void *userdata)
{
    opens++;
    g_free(opened_id);
    opened_id = g_strdup(seen ? seen->id : NULL);
    n_holders = holders ? holders->len : 0;
    open_error = error;
    opened_fd = steal_fd(fd);
}

static int looks, look_error;
static unsigned seen_mode;

static void on_looked(int error, const FileSeen *seen, void *userdata)
{
    looks++;
    look_error = error;
    seen_mode = seen ? seen->mode : 0;
}

static void setup(void)
{
    adopted = readies = answers = lates = opens = looks = 0;
    peer_folder_make(&folder);
    event = loop_new();
    ck_assert_int_eq(launcher_new_fork(event, folder.path, folder.socket, &launcher), 0);
    int fd = helper_socket_listen(folder.socket);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(helper_socket_new(event, fd, launcher, on_helper, NULL, &helpers), 0);
    pool = worker_pool_new(event, launcher);
}

static void teardown(void)
{
    pool = worker_pool_free(pool);
    helpers = helper_socket_free(helpers);
    launcher = launcher_free(launcher);
    event = sd_event_unref(event);
    /* They end when their connections do. */
    while (waitpid(-1, NULL, 0) > 0)
        ;
    peer_folder_remove(&folder);
    g_clear_pointer(&ready_message, g_free);
    g_clear_pointer(&live, g_free);
    opened_fd = close_fd(opened_fd);
}

static Worker *get_worker(void)
{
    int before = readies;

    ck_assert_int_eq(worker_request(pool, on_ready, NULL, NULL), 0);
    ck_assert_msg(readies == before, "nothing is called back from within");
    loop_until_count(event, &readies, before + 1);
    ck_assert_msg(ready_worker != NULL, "no worker: %s", ready_message);
    return ready_worker;
}

static int step(Worker *worker, const char *subject, const char *after)
{
    g_autoptr(Step) taken = step_new(STEP_DRIVER, subject, "radeon", after);

    return worker_step(worker, taken, -1, on_answer, NULL);
}

static void take_to(Worker *worker, const char *subject, const char *after)
{
    int before = answers;

    ck_assert_int_eq(step(worker, subject, after), 0);
    ck_assert_int_eq(answers, before);
    loop_until_count(event, &answers, before + 1);
}

static void take(Worker *worker, const char *subject)
{
    take_to(worker, subject, "");
}

START_TEST(a_step_goes_to_a_helper_and_its_answer_comes_back)
{
    Worker *worker = get_worker();
    take(worker, "echo");
    ck_assert_int_eq(answer.verdict, WORKER_DONE);
    ck_assert_str_eq(live, "step driver echo radeon ");
    take(worker, "gone");
    ck_assert_int_eq(answer.verdict, WORKER_DONE);
    ck_assert_ptr_null(live);
    take(worker, "drift");
    ck_assert_int_eq(answer.verdict, WORKER_DRIFT);
    ck_assert_str_eq(live, "nouveau");
    take(worker, "fail");
    ck_assert_int_eq(answer.verdict, WORKER_FAILED);
    ck_assert_int_eq(answer.error, -EBUSY);
    ck_assert_str_eq(live, "");
    worker_release(worker);
}
END_TEST

START_TEST(a_released_worker_serves_the_next_job)
{
    Worker *first = get_worker();
    worker_release(first);
    ck_assert_ptr_eq(get_worker(), first);
    ck_assert_int_eq(adopted, 1);
    take(first, "echo");
    ck_assert_int_eq(answer.verdict, WORKER_DONE);
}
END_TEST

START_TEST(two_jobs_at_a_time_have_two_workers)
{
    Worker *first = get_worker(), *second = get_worker();
    ck_assert_ptr_ne(first, second);
    ck_assert_int_eq(adopted, 2);
    ck_assert_int_eq(step(first, "echo", ""), 0);
    ck_assert_int_eq(step(second, "echo", ""), 0);
    loop_until_count(event, &answers, 2);
}
END_TEST

START_TEST(a_worker_takes_one_step_at_a_time)
{
    Worker *worker = get_worker();
    ck_assert_int_eq(step(worker, "echo", ""), 0);
    ck_assert_int_eq(step(worker, "echo", ""), -EBUSY);
    ck_assert_int_eq(
        worker_disk(worker, &(DiskWish){.path = "/dev/null", .writable = false}, on_opened, NULL), -EBUSY);
    loop_until_count(event, &answers, 1);
    take(worker, "echo");
}
END_TEST

START_TEST(a_released_worker_goes_to_who_waits_longest)
{
    Worker *first = get_worker();
    ck_assert_int_eq(worker_request(pool, on_ready, NULL, NULL), 0);
    worker_release(first);
    loop_until_count(event, &readies, 2);
    ck_assert_ptr_eq(ready_workers[1], first);
    /* The worker that was started for this job comes too, and idles. */
    loop_until_count(event, &adopted, 2);
    ck_assert_ptr_ne(get_worker(), first);
    ck_assert_int_eq(adopted, 2);
}
END_TEST

START_TEST(a_request_that_was_taken_back_is_not_answered)
{
    WorkerRequest *request;

    ck_assert_int_eq(worker_request(pool, on_ready, NULL, &request), 0);
    worker_request_cancel(request);
    loop_until_count(event, &adopted, 1);
    ck_assert_int_eq(readies, 0);

    /* A request that had its worker already is not called back, either; the worker serves the next. */
    ck_assert_int_eq(worker_request(pool, on_ready, NULL, &request), 0);
    worker_request_cancel(request);
    loop_settle(event);
    ck_assert_int_eq(readies, 0);
    get_worker();
    ck_assert_int_eq(adopted, 1);
}
END_TEST

START_TEST(a_helper_that_dies_in_a_step_is_lost)
{
    Worker *worker = get_worker();
    take(worker, "die");
    ck_assert_int_eq(answer.verdict, WORKER_LOST);
    ck_assert_ptr_null(live);
    /* The helper is gone, and the worker with it; the next job gets another. */
    get_worker();
    ck_assert_int_eq(adopted, 2);
}
END_TEST

START_TEST(a_helper_that_dies_between_steps_is_noticed_at_the_next)
{
    siginfo_t ended;

    Worker *worker = get_worker();
    take(worker, "die-afterwards");
    ck_assert_int_eq(answer.verdict, WORKER_DONE);
    /* Waits for its end and leaves it to the launcher to reap. */
    ck_assert_int_eq(waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT), 0);
    loop_settle(event);
    ck_assert_int_eq(step(worker, "echo", ""), -ENOTCONN);
    worker_release(worker);
    get_worker();
    ck_assert_int_eq(adopted, 2);
}
END_TEST

/* The pool has not noticed that the connection is closed: only sending shows it. */
START_TEST(a_helper_that_cannot_be_spoken_to_any_more_is_not_given_to_the_next_job)
{
    siginfo_t ended;

    Worker *worker = get_worker();
    take(worker, "die-afterwards");
    ck_assert_int_eq(waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT), 0);
    ck_assert_int_eq(step(worker, "echo", ""), -ENOTCONN);
    worker_release(worker);
    take(get_worker(), "echo");
    ck_assert_int_eq(answer.verdict, WORKER_DONE);
    ck_assert_int_eq(adopted, 2);
}
END_TEST

START_TEST(a_helper_that_talks_nonsense_is_lost)
{
    static const char *const nonsense[] = {
        "whatever", "done", "done value", "failed =", "failed x =", "failed -5 =", "done =a =b", "opened"};

    for (unsigned i = 0; i < G_N_ELEMENTS(nonsense); i++) {
        Worker *worker = get_worker();
        readies = 0;
        take_to(worker, "say", nonsense[i]);
        ck_assert_msg(answer.verdict == WORKER_LOST, "taken for an answer: %s", nonsense[i]);
    }
}
END_TEST

START_TEST(a_helper_that_cannot_be_started_is_an_answer_in_words)
{
    g_autofree char *program = g_build_filename(folder.path, "usher-bind", NULL);
    ck_assert_int_eq(unlink(program), 0);
    ck_assert_int_eq(worker_request(pool, on_ready, NULL, NULL), 0);
    loop_until_count(event, &readies, 1);
    ck_assert_ptr_null(ready_worker);
    ck_assert_msg(g_str_has_suffix(ready_message, "usher-bind: No such file or directory"), "%s",
                  ready_message);
}
END_TEST

START_TEST(a_helper_that_ends_before_it_connects_is_an_answer_in_words)
{
    /* Nobody listens any more. */
    ck_assert_int_eq(unlink(folder.socket), 0);
    ck_assert_int_eq(worker_request(pool, on_ready, NULL, NULL), 0);
    loop_until_count(event, &readies, 1);
    ck_assert_ptr_null(ready_worker);
    ck_assert_str_eq(ready_message, "usher-bind exited with status 2 before it had connected to usherd");
}
END_TEST

/* The hanging helper waits for this FIFO to be opened for writing. */
static char *make_fifo(void)
{
    char *path = g_build_filename(folder.path, "fifo", NULL);

    ck_assert_int_eq(mkfifo(path, 0600), 0);
    return path;
}

START_TEST(a_worker_that_hangs_is_let_go_of_and_tells_when_it_comes_back)
{
    g_autofree char *fifo = make_fifo();
    Worker *worker = get_worker();
    ck_assert_int_eq(step(worker, fifo, ""), 0);
    worker_abandon(worker, on_late, NULL);
    /* It holds nobody up. */
    take(get_worker(), "echo");
    ck_assert_int_eq(answers, 1);
    ck_assert_int_eq(lates, 0);

    int fd = open(fifo, O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    loop_until_count(event, &lates, 1);
    ck_assert_int_eq(answer.verdict, WORKER_DONE);
    ck_assert_str_eq(live, "at last");
    ck_assert_msg(answers == 1, "who let go of it is not called any more");
    close_fd(fd);
}
END_TEST

START_TEST(a_worker_that_was_let_go_of_and_dies_tells_that)
{
    Worker *worker = get_worker();
    ck_assert_int_eq(step(worker, "die", ""), 0);
    worker_abandon(worker, on_late, NULL);
    loop_until_count(event, &lates, 1);
    ck_assert_int_eq(answer.verdict, WORKER_LOST);
    ck_assert_int_eq(answers, 0);

    worker = get_worker();
    ck_assert_int_eq(step(worker, "echo", ""), 0);
    worker_release(worker);
    take(get_worker(), "echo");
    ck_assert_msg(answers == 1, "one that is released in its step is not called either");
}
END_TEST

START_TEST(an_opened_file_comes_as_a_descriptor)
{
    char text[8] = "";

    Worker *worker = get_worker();
    ck_assert_int_eq(worker_disk(worker, &(DiskWish){.path = "/image", .writable = true}, on_opened, NULL),
                     0);
    loop_until_count(event, &opens, 1);
    ck_assert_int_eq(open_error, 0);
    ck_assert_int_eq(read(opened_fd, text, sizeof(text)), 2);
    ck_assert_mem_eq(text, "w\n", 2);
    ck_assert_str_eq(opened_id, "b8:16");
    opened_fd = close_fd(opened_fd);

    ck_assert_int_eq(worker_disk(worker, &(DiskWish){.path = "/image", .writable = false}, on_opened, NULL),
                     0);
    loop_until_count(event, &opens, 2);
    ck_assert_int_eq(read(opened_fd, text, sizeof(text)), 2);
    ck_assert_mem_eq(text, "r\n", 2);
    opened_fd = close_fd(opened_fd);

    ck_assert_int_eq(worker_disk(worker, &(DiskWish){.path = "/refused", .writable = false}, on_opened, NULL),
                     0);
    loop_until_count(event, &opens, 3);
    ck_assert_int_eq(open_error, -EACCES);
    ck_assert_int_eq(opened_fd, -1);

    ck_assert_int_eq(worker_disk(worker, &(DiskWish){.path = "/without", .writable = false}, on_opened, NULL),
                     0);
    loop_until_count(event, &opens, 4);
    ck_assert_msg(open_error == -EBADMSG, "opened without a descriptor is %d", open_error);

    ck_assert_int_eq(worker_disk(worker, &(DiskWish){.path = "/used"}, on_opened, NULL), 0);
    loop_until_count(event, &opens, 5);
    ck_assert_int_eq(open_error, 1);
    ck_assert_int_eq(opened_fd, -1);
    ck_assert_str_eq(opened_id, "b8:17");
    ck_assert_uint_eq(n_holders, 1);

    ck_assert_int_eq(worker_disk(worker, &(DiskWish){.path = "/die", .writable = false}, on_opened, NULL), 0);
    loop_until_count(event, &opens, 6);
    ck_assert_int_eq(open_error, -ECONNRESET);
}
END_TEST

static int look_at(Worker *worker, const char *path)
{
    int before = looks;

    ck_assert_int_eq(worker_look(worker, FILE_KIND_FILE, path, on_looked, NULL), 0);
    ck_assert_int_eq(worker_look(worker, FILE_KIND_FILE, path, on_looked, NULL), -EBUSY);
    loop_until_count(event, &looks, before + 1);
    return look_error;
}

START_TEST(what_was_seen_comes_as_a_value)
{
    Worker *worker = get_worker();
    ck_assert_int_eq(look_at(worker, "/seen"), 0);
    ck_assert_uint_eq(seen_mode, 33188);
    ck_assert_int_eq(look_at(worker, "/refused"), -EACCES);
    ck_assert_int_eq(look_at(worker, "/nonsense"), -EBADMSG);
    /* A file server may report that for a file; the worker is still there. */
    ck_assert_int_eq(look_at(worker, "/reset"), -EIO);
    ck_assert_int_eq(look_at(worker, "/seen"), 0);
    ck_assert_int_eq(look_at(worker, "/dies"), -ECONNRESET);
    /* Another one, at the same address perhaps. */
    get_worker();
    ck_assert_int_eq(adopted, 2);
}
END_TEST

START_TEST(a_look_that_was_given_up_tells_when_it_is_over_and_nothing_else)
{
    Worker *worker = get_worker();
    ck_assert_int_eq(worker_look(worker, FILE_KIND_FILE, "/seen", on_looked, NULL), 0);
    worker_abandon(worker, on_late, NULL);
    loop_until_count(event, &lates, 1);
    ck_assert_int_eq(answer.verdict, WORKER_LOST);
    ck_assert_int_eq(looks, 0);
    /* Another one, at the same address perhaps. */
    get_worker();
    ck_assert_int_eq(adopted, 2);
}
END_TEST

START_TEST(a_helper_that_nobody_asked_for_is_sent_away)
{
    ck_assert_int_eq(launcher_start(launcher, LAUNCHER_BIND, "1", NULL, NULL), 0);
    loop_until_count(event, &adopted, 1);
    loop_settle(event);
    /* Its connection is closed, so it ends; a hang here would be the failure. */
    pid_t pid = waitpid(-1, NULL, 0);
    ck_assert(pid > 0 || errno == ECHILD);
}
END_TEST

START_TEST(there_is_a_limit_to_their_number)
{
    WorkerRequest *requests[WORKER_POOL_MAX];

    g_autofree char *program = g_build_filename(folder.path, "usher-bind", NULL);
    ck_assert_int_eq(unlink(program), 0);
    for (unsigned i = 0; i < WORKER_POOL_MAX; i++)
        ck_assert_int_eq(worker_request(pool, on_ready, NULL, &requests[i]), 0);
    ck_assert_int_eq(worker_request(pool, on_ready, NULL, NULL), -EBUSY);
    for (unsigned i = 0; i < WORKER_POOL_MAX; i++)
        worker_request_cancel(requests[i]);
    loop_settle(event);
    ck_assert_int_eq(readies, 0);
    ck_assert_int_eq(worker_request(pool, on_ready, NULL, NULL), 0);
}
END_TEST

START_TEST(who_idles_goes_after_a_while)
{
    worker_release(get_worker());
    loop_settle(event);
    ck_assert_int_eq(kill(last_pid, 0), 0);
    while (kill(last_pid, 0) == 0)
        ck_assert_msg(sd_event_run(event, LOOP_DEADLINE_USEC) > 0, "an idle helper stays for ever");
    get_worker();
    ck_assert_int_eq(adopted, 2);
}
END_TEST

START_TEST(who_never_comes_is_given_up)
{
    g_autofree char *mute = g_build_filename(folder.path, "mute", NULL);
    ck_assert(g_file_set_contents(mute, "", 0, NULL));
    ck_assert_int_eq(worker_request(pool, on_ready, NULL, NULL), 0);
    loop_until_count(event, &readies, 1);
    ck_assert_ptr_null(ready_worker);
    ck_assert_str_eq(ready_message, "usher-bind did not come up within 30 s");
}
END_TEST

START_TEST(what_is_pending_is_dropped_with_the_pool)
{
    Worker *worker = get_worker();
    ck_assert_int_eq(worker_request(pool, on_ready, NULL, NULL), 0);
    ck_assert_int_eq(step(worker, "echo", ""), 0);
    pool = worker_pool_free(pool);
    helpers = helper_socket_free(helpers);
    loop_settle(event);
    ck_assert_int_eq(answers, 0);
    ck_assert_int_eq(readies, 1);
}
END_TEST

START_TEST(the_real_usher_bind_opens_a_file)
{
    char text[8] = "";

    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL), *here = g_path_get_dirname(self);
    g_autofree char *real = g_build_filename(here, "../../../daemon/usher-bind", NULL);
    g_autofree char *link = g_build_filename(folder.path, "usher-bind", NULL);
    g_autofree char *image = g_build_filename(folder.path, "image", NULL);
    ck_assert_msg(access(real, X_OK) == 0, "build %s first", real);
    ck_assert_int_eq(unlink(link), 0);
    ck_assert_int_eq(symlink(real, link), 0);
    ck_assert(g_file_set_contents(image, "disk\n", -1, NULL));

    Worker *worker = get_worker();
    ck_assert_int_eq(worker_disk(worker, &(DiskWish){.path = image, .writable = false}, on_opened, NULL), 0);
    loop_until_count(event, &opens, 1);
    ck_assert_int_eq(open_error, 0);
    ck_assert_int_eq(read(opened_fd, text, sizeof(text)), 5);
    ck_assert_str_eq(text, "disk\n");

    ck_assert_int_eq(
        worker_disk(worker, &(DiskWish){.path = "/no/such/file", .writable = false}, on_opened, NULL), 0);
    loop_until_count(event, &opens, 2);
    ck_assert_int_eq(open_error, -ENOENT);

    g_autoptr(Step) nowhere = step_new(STEP_DRIVER, "ffff:ff:1f.7", "", "vfio-pci");
    ck_assert_int_eq(worker_step(worker, nowhere, -1, on_answer, NULL), 0);
    loop_until_count(event, &answers, 1);
    ck_assert_msg(answer.verdict == WORKER_DRIFT && !live,
                  "a device that is not there is drift, and nothing is live");
    worker_release(worker);
}
END_TEST

/* The helper's part: what to do stands in the subject of the step, or in the path to open. */

static bool send_file(int fd, const char *flags)
{
    char control[CMSG_SPACE(sizeof(int))] = {0};
    static char words[] = "opened\0b8:16\0there\0plain\0-";
    struct iovec part = {words, sizeof(words)};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0 || dprintf(ends[1], "%s\n", flags) < 0)
        return false;
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &ends[0], sizeof(int));
    bool sent = sendmsg(fd, &message, 0) > 0;
    close(ends[0]);
    close(ends[1]);
    return sent;
}

static bool serve_open(int fd, char **words)
{
    if (g_str_equal(words[1], "/image"))
        return send_file(fd, words[2]);
    if (g_str_equal(words[1], "/used"))
        return peer_say(fd, "used b8:17 host sdb1 mounted 0 - - -");
    if (g_str_equal(words[1], "/refused"))
        return peer_say(fd, "failed 13 -");
    return g_str_equal(words[1], "/without") && peer_say(fd, "opened");
}

static bool serve_look(int fd, char **words)
{
    if (g_str_equal(words[2], "/seen"))
        return peer_say(fd, "seen 33188 - - 0 0");
    if (g_str_equal(words[2], "/refused"))
        return peer_say(fd, "failed 13 -");
    if (g_str_equal(words[2], "/reset"))
        return peer_say(fd, "failed 104 -");
    return g_str_equal(words[2], "/nonsense") && peer_say(fd, "seen much -");
}

/* With the subject's blanks as separators, unlike peer_say(): a value may hold one. */
static bool answer_done(int fd, const char *value)
{
    g_autofree char *bytes = g_strconcat("done|=", value, NULL);
    size_t size = strlen(bytes) + 1;

    bytes[4] = '\0';
    return send(fd, bytes, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static bool serve_step(int fd, const char *line, const char *subject)
{
    if (g_str_equal(subject, "echo"))
        return answer_done(fd, line);
    if (g_str_equal(subject, "gone"))
        return peer_say(fd, "done -");
    if (g_str_equal(subject, "drift"))
        return peer_say(fd, "drift =nouveau");
    if (g_str_equal(subject, "fail"))
        return peer_say(fd, "failed 16 =");
    if (g_str_equal(subject, "die-afterwards"))
        return peer_say(fd, "done =") && false;
    if (g_str_has_prefix(subject, "/")) {
        _cleanup_close_ int fifo = open(subject, O_RDONLY | O_CLOEXEC);
        return answer_done(fd, fifo >= 0 ? "at last" : "never");
    }
    return false;
}

#define SAY "step driver say radeon "

static int peer_play(const char *part, const char *name)
{
    g_autofree char *folder_path = g_path_get_dirname(getenv("USHER_SOCKET"));
    g_autofree char *mute = g_build_filename(folder_path, "mute", NULL);

    if (access(mute, F_OK) == 0) {
        /* A little longer than the pool waits. */
        alarm(32);
        pause();
    }
    int fd = peer_connect(getenv("USHER_SOCKET"));
    bool going = fd >= 0 && peer_say(fd, "hello bind");

    if (!going)
        return 2;
    while (going) {
        g_autofree char *line = peer_hear(fd);
        if (!line)
            return 0;
        g_auto(GStrv) words = g_strsplit(line, " ", -1);
        if (g_str_equal(words[0], "disk"))
            going = serve_open(fd, words);
        else if (g_str_equal(words[0], "look"))
            going = serve_look(fd, words);
        else if (g_str_equal(words[2], "say"))
            going = peer_say(fd, strstr(line, SAY) + strlen(SAY));
        else
            going = serve_step(fd, line, words[2]);
    }
    return 0;
}

SUITE_WITH("worker", setup, teardown, a_step_goes_to_a_helper_and_its_answer_comes_back,
           a_released_worker_serves_the_next_job, two_jobs_at_a_time_have_two_workers,
           a_worker_takes_one_step_at_a_time, a_released_worker_goes_to_who_waits_longest,
           a_request_that_was_taken_back_is_not_answered, a_helper_that_dies_in_a_step_is_lost,
           a_helper_that_dies_between_steps_is_noticed_at_the_next,
           a_helper_that_cannot_be_spoken_to_any_more_is_not_given_to_the_next_job,
           a_helper_that_talks_nonsense_is_lost, a_helper_that_cannot_be_started_is_an_answer_in_words,
           a_helper_that_ends_before_it_connects_is_an_answer_in_words,
           a_worker_that_hangs_is_let_go_of_and_tells_when_it_comes_back,
           a_worker_that_was_let_go_of_and_dies_tells_that, an_opened_file_comes_as_a_descriptor,
           what_was_seen_comes_as_a_value, a_look_that_was_given_up_tells_when_it_is_over_and_nothing_else,
           a_helper_that_nobody_asked_for_is_sent_away, there_is_a_limit_to_their_number,
           who_idles_goes_after_a_while, who_never_comes_is_given_up,
           what_is_pending_is_dropped_with_the_pool, the_real_usher_bind_opens_a_file)
