/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a job has its worker do, and what comes back. */
#include <string.h>

#include "../../base/log.h"
#include "worker-private.h"

/* Answers. */

/* "-" stands for what is not there, "=VALUE" for what is; anything else is no answer. */
static bool read_live(const char *word, const char **ret)
{
    if (word[0] != '=' && !g_str_equal(word, "-"))
        return false;
    *ret = word[0] == '=' ? word + 1 : NULL;
    return true;
}

/* A positive decimal number, as in errno; 0: it is none. A file server may report any error, but -ECONNRESET
 * must only mean that the worker itself is gone. */
static int read_errno(const char *word)
{
    guint64 number;

    return g_ascii_string_to_unsigned(word, 10, 1, 4095, &number, NULL)
               ? (number == ECONNRESET ? EIO : (int)number)
               : 0;
}

/* holders: what the answer borrows; the caller frees it. */
static bool read_answer(char **words, WorkerAnswer *ret, GPtrArray **holders)
{
    unsigned n = g_strv_length(words);

    *ret = (WorkerAnswer){0};
    if (n == 2 && g_str_equal(words[0], "done"))
        ret->verdict = WORKER_DONE;
    else if (n == 2 && g_str_equal(words[0], "drift"))
        ret->verdict = WORKER_DRIFT;
    else if (n >= 3 && g_str_equal(words[0], "failed") && read_errno(words[1]) > 0)
        *ret = (WorkerAnswer){.verdict = WORKER_FAILED, .error = -read_errno(words[1])};
    else
        return false;
    if (n > 3 && holders_from_words(words + 3, holders) < 0)
        return false;
    ret->holders = *holders;
    return read_live(words[MIN(n, 3) - 1], &ret->live);
}

static void on_opened(Worker *worker, char **words, int *fds, unsigned n_fds)
{
    WorkerOpened opened = g_steal_pointer(&worker->opened);
    g_autoptr(FileSeen) seen = NULL;
    int none = -1, r = -EBADMSG;

    worker->state = WORKER_HELD;
    if (g_str_equal(words[0], "opened") && n_fds <= (worker->only_looks ? 0 : 1))
        r = file_seen_from_words(words + 1, &seen);
    else if (g_str_equal(words[0], "failed") && words[1] && read_errno(words[1]) > 0)
        r = -read_errno(words[1]);
    opened(r, seen, r == 0 && n_fds > 0 ? &fds[0] : &none, worker->userdata);
}

/* What the worker says about a disk: 0, 1 or -errno, as WorkerDiskOpened takes it. */
static int read_disk(char **words, unsigned n_fds, unsigned wanted, DiskSeen **ret_seen,
                     GPtrArray **ret_holders)
{
    if (g_str_equal(words[0], "opened") && n_fds == wanted)
        return disk_seen_from_words(words + 1, ret_seen);
    if (g_str_equal(words[0], "failed") && words[1] && read_errno(words[1]) > 0)
        return -read_errno(words[1]);
    if (!g_str_equal(words[0], "used") || !words[1] || holders_from_words(words + 2, ret_holders) < 0)
        return -EBADMSG;
    *ret_seen = g_new0(DiskSeen, 1);
    (*ret_seen)->id = g_strdup(words[1]);
    return 1;
}

static void on_disk(Worker *worker, char **words, int *fds, unsigned n_fds)
{
    WorkerDiskOpened opened = g_steal_pointer(&worker->disk_opened);
    g_autoptr(DiskSeen) seen = NULL;
    g_autoptr(GPtrArray) holders = NULL;
    int none = -1;

    worker->state = WORKER_HELD;
    int r = read_disk(words, n_fds, worker->only_looks ? 0 : 1, &seen, &holders);
    opened(r, seen, holders, r == 0 && n_fds > 0 ? &fds[0] : &none, worker->userdata);
}

static void on_holders(Worker *worker, char **words)
{
    WorkerHolders found = g_steal_pointer(&worker->found);
    g_autoptr(GPtrArray) holders = NULL;
    int r = -EBADMSG;

    worker->state = WORKER_HELD;
    if (g_str_equal(words[0], "holders"))
        r = holders_from_words(words + 1, &holders);
    else if (g_str_equal(words[0], "failed") && words[1] && read_errno(words[1]) > 0)
        r = -read_errno(words[1]);
    found(r, holders, worker->userdata);
}

/* Its process is gone, or talks nonsense. An owner that waits is told; another notices by -ENOTCONN. */
static void lose(Worker *worker)
{
    WorkerAnswered answered = g_steal_pointer(&worker->answered);
    WorkerOpened opened = g_steal_pointer(&worker->opened);
    WorkerDiskOpened disk_opened = g_steal_pointer(&worker->disk_opened);
    WorkerHolders found = g_steal_pointer(&worker->found);
    void *userdata = worker->userdata;
    int none = -1;

    if (worker->state == WORKER_HELD) {
        worker->channel = channel_free(worker->channel);
        worker->state = WORKER_DEAD;
        return;
    }
    worker_remove(worker);
    if (answered)
        answered(&(WorkerAnswer){.verdict = WORKER_LOST}, userdata);
    if (opened)
        opened(-ECONNRESET, NULL, &none, userdata);
    if (disk_opened)
        disk_opened(-ECONNRESET, NULL, NULL, &none, userdata);
    if (found)
        found(-ECONNRESET, NULL, userdata);
}

static void on_message(Channel *channel, char **words, int *fds, unsigned n_fds, void *userdata)
{
    Worker *worker = userdata;
    g_autoptr(GPtrArray) holders = NULL;
    WorkerAnswer answer;

    if (words && worker->state == WORKER_OPENING && worker->disk_opened) {
        on_disk(worker, words, fds, n_fds);
        return;
    }
    if (words && worker->state == WORKER_OPENING) {
        on_opened(worker, words, fds, n_fds);
        return;
    }
    if (words && worker->state == WORKER_LOOKING) {
        on_holders(worker, words);
        return;
    }
    bool expected = worker->state == WORKER_STEPPING || worker->state == WORKER_ABANDONED;
    if (!words || !expected || !read_answer(words, &answer, &holders)) {
        if (words && worker->state != WORKER_ABANDONED)
            log_error("usher-bind@%s sends an answer that nobody asked for: %s", worker->instance, words[0]);
        lose(worker);
        return;
    }

    WorkerAnswered answered = g_steal_pointer(&worker->answered);
    void *owner = worker->userdata;
    if (worker->state == WORKER_ABANDONED)
        worker_remove(worker);
    else
        worker->state = WORKER_HELD;
    if (answered)
        answered(&answer, owner);
}

/* What a job does with its worker. */

/* 0 if the state is WORKER_HELD and the channel alive; else -errno. */
static int send_words(Worker *worker, const char *const *words, int fd)
{
    if (worker->state == WORKER_DEAD)
        return -ENOTCONN;
    if (worker->state != WORKER_HELD)
        return -EBUSY;
    int r = channel_send(worker->channel, words, &fd, fd >= 0);
    if (r != -EPIPE && r != -ECONNRESET)
        return r;
    /* The worker died just now, before the loop noticed: it is lost at once, so that no other job gets it. */
    lose(worker);
    return -ENOTCONN;
}

int worker_step(Worker *worker, const Step *step, int mark_fd, WorkerAnswered answered, void *userdata)
{
    const char *words[] = {"step", step_kind_to_string(step->kind), step->subject, step->before, step->after,
                           NULL};

    int r = send_words(worker, words, mark_fd);
    if (r < 0)
        return r;
    worker->state = WORKER_STEPPING;
    worker->answered = answered;
    worker->userdata = userdata;
    return 0;
}

static int ask_to_open(Worker *worker, const char *const *words, WorkerOpened opened, void *userdata)
{
    int r = send_words(worker, words, -1);
    if (r < 0)
        return r;
    worker->state = WORKER_OPENING;
    worker->opened = opened;
    worker->userdata = userdata;
    return 0;
}

int worker_disk(Worker *worker, const DiskWish *wish, WorkerDiskOpened opened, void *userdata)
{
    g_auto(GStrv) words = disk_wish_to_words("disk", wish);

    int r = ask_to_open(worker, (const char *const *)words, NULL, userdata);
    if (r < 0)
        return r;
    worker->disk_opened = opened;
    worker->only_looks = wish->how != DISK_HOW_OPEN;
    return 0;
}

int worker_open(Worker *worker, FileKind kind, const char *what, bool keep, WorkerOpened opened,
                void *userdata)
{
    const char *words[] = {"open", file_kind_to_string(kind), keep ? "keep" : "look", what, NULL};
    int r = ask_to_open(worker, words, opened, userdata);

    if (r >= 0)
        worker->only_looks = !keep;
    return r;
}

int worker_holders(Worker *worker, char *const *addresses, bool claim, WorkerHolders found, void *userdata)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new();

    g_ptr_array_add(words, (void *)(claim ? "claimants" : "holders"));
    for (char *const *address = addresses; *address; address++)
        g_ptr_array_add(words, *address);
    g_ptr_array_add(words, NULL);
    int r = send_words(worker, (const char *const *)words->pdata, -1);
    if (r < 0)
        return r;
    worker->state = WORKER_LOOKING;
    worker->found = found;
    worker->userdata = userdata;
    return 0;
}

void worker_pool_adopt(WorkerPool *pool, const char *instance, Channel *channel)
{
    Worker *worker = worker_find_starting(pool, instance);

    if (!worker) {
        log_notice("usher-bind@%s connected without being asked, and is cut off", instance);
        channel_free(channel);
        return;
    }
    channel_set_handler(channel, on_message, worker);
    channel_accept_fds(channel, 1);
    worker->channel = channel;
    worker_place(worker);
}
