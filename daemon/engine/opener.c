/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "opener.h"

#include "../base/cleanup.h"
#include "../base/log.h"
#include "../edge/host-services/clock.h"

typedef struct Hang {
    Hangs *hangs;
    char *what;
    gint64 since; /* monotonic */
} Hang;

struct Hangs {
    GPtrArray *list; /* of Hang, owned */
};

struct Opener {
    Engine *engine;
    bool question;
    FileKind kind;
    char *what; /* what is being asked for; NULL: nothing is */
    DiskWish wish;
    WorkerOpened opened; /* either of both */
    WorkerDiskOpened disk_opened;
    void *userdata;
    gint64 since;  /* when the worker was asked, monotonic */
    int error;     /* to be told in the next turn */
    char *message; /* why there is no worker */
    WorkerRequest *request;
    Worker *worker;
    sd_event_source *turn, *deadline;
};

/* What hangs. */

DEFINE_ELEMENT_FREE(Hang, hang_free, hang)
{
    g_free(hang->what);
}

Hangs *hangs_new(void)
{
    Hangs *hangs = g_new(Hangs, 1);

    hangs->list = g_ptr_array_new_with_free_func(hang_free);
    return hangs;
}

DEFINE_FREE(Hangs, hangs_free, hangs)
{
    g_ptr_array_unref(hangs->list);
}

unsigned hangs_count(const Hangs *hangs)
{
    return hangs->list->len;
}

/* An ask that was dropped under way mostly comes back at once: the same may be asked again. */
static bool hangs_have(const Hangs *hangs, const char *what, uint64_t usec)
{
    for (unsigned i = 0; i < hangs->list->len; i++) {
        const Hang *hang = g_ptr_array_index(hangs->list, i);
        if (g_str_equal(hang->what, what) && (uint64_t)(g_get_monotonic_time() - hang->since) >= usec)
            return true;
    }
    return false;
}

static void on_back(const WorkerAnswer *answer, void *userdata)
{
    Hang *hang = userdata;

    log_info("usher-bind is back from %s", hang->what);
    g_ptr_array_remove(hang->hangs->list, hang);
}

/* Leaves the worker to finish its question unheard. */
static void abandon(Opener *opener)
{
    Hangs *hangs = opener->engine->hangs;
    Hang *hang = g_new(Hang, 1);

    *hang = (Hang){hangs, g_strdup(opener->what), opener->since};
    g_ptr_array_add(hangs->list, hang);
    worker_abandon(opener->worker, on_back, hang);
    opener->worker = NULL;
}

/* Answers. */

/* Ends the ask; the caller gives the answer. */
static void settle(Opener *opener, int error)
{
    g_clear_pointer(&opener->what, g_free);
    if (!opener->question)
        opener->deadline = sd_event_source_disable_unref(opener->deadline);
    if (error == -ECONNRESET)
        opener->worker = NULL;
}

static void fail(Opener *opener, int error)
{
    int none = -1;

    settle(opener, error);
    if (opener->opened)
        opener->opened(error, NULL, &none, opener->userdata);
    else
        opener->disk_opened(error, NULL, NULL, &none, opener->userdata);
}

/* What is opened and not looked at comes with its descriptor. */
static bool is_only_opened(FileKind kind)
{
    return kind == FILE_KIND_LINK || kind == FILE_KIND_VHOST || kind == FILE_KIND_USB ||
           kind == FILE_KIND_VFIO || kind == FILE_KIND_DISPLAY;
}

static void on_opened(int error, const FileSeen *seen, int *fd, void *userdata)
{
    Opener *opener = userdata;

    settle(opener, error);
    if (error == 0 && *fd < 0 && !opener->question && is_only_opened(opener->kind)) {
        error = -EBADMSG;
        seen = NULL;
    }
    opener->opened(error, seen, fd, opener->userdata);
}

static void on_disk(int error, const DiskSeen *seen, const GPtrArray *holders, int *fd, void *userdata)
{
    Opener *opener = userdata;

    settle(opener, error);
    opener->disk_opened(error, seen, holders, fd, opener->userdata);
}

static int on_turn(sd_event_source *source, void *userdata)
{
    Opener *opener = userdata;

    opener->turn = sd_event_source_disable_unref(opener->turn);
    fail(opener, opener->error);
    return 0;
}

static void fail_soon(Opener *opener, int error)
{
    opener->error = error;
    if (sd_event_add_defer(opener->engine->event, &opener->turn, on_turn, opener) < 0)
        g_error("out of memory");
}

static int on_late(sd_event_source *source, uint64_t usec, void *userdata)
{
    Opener *opener = userdata;

    opener->deadline = sd_event_source_disable_unref(opener->deadline);
    /* Nothing is being asked, or the answer comes in this turn. */
    if (!opener->what || !opener->worker || opener->turn)
        return 0;
    log_warning("%s does not answer; usherd leaves usher-bind waiting for it", opener->what);
    abandon(opener);
    fail(opener, -ETIMEDOUT);
    return 0;
}

/* Asks. */

static int send(Opener *opener)
{
    return opener->opened
               ? worker_open(opener->worker, opener->kind, opener->what, !opener->question, on_opened, opener)
               : worker_disk(opener->worker, &opener->wish, on_disk, opener);
}

static void request_worker(Opener *opener);

static void ask_worker(Opener *opener)
{
    int r = send(opener);

    opener->since = g_get_monotonic_time();
    /* The worker went away since the last ask. */
    if (r == -ENOTCONN) {
        worker_release(opener->worker);
        opener->worker = NULL;
        request_worker(opener);
        return;
    }
    if (r >= 0 && !opener->deadline &&
        clock_after(opener->engine->event, opener->engine->limits.answer_usec, on_late, opener,
                    &opener->deadline) < 0)
        g_error("out of memory");
    if (r < 0)
        fail_soon(opener, r);
}

static void on_worker(Worker *worker, const char *message, void *userdata)
{
    Opener *opener = userdata;

    opener->request = NULL;
    opener->worker = worker;
    if (worker) {
        ask_worker(opener);
        return;
    }
    g_free(opener->message);
    opener->message = g_strdup(message);
    fail(opener, -ECHILD);
}

static void request_worker(Opener *opener)
{
    int r = worker_request(opener->engine->workers, on_worker, opener, &opener->request);

    if (r < 0)
        fail_soon(opener, r);
}

static void ask(Opener *opener, FileKind kind, const char *what, void *userdata)
{
    Hangs *hangs = opener->engine->hangs;
    unsigned limit = opener->question ? OPENER_HANGS_QUESTION : OPENER_HANGS_START;

    g_assert(!opener->what);
    opener->kind = kind;
    opener->what = g_strdup(what);
    opener->userdata = userdata;
    if (hangs_have(hangs, what, opener->engine->limits.answer_usec))
        fail_soon(opener, -ETIMEDOUT);
    else if (hangs_count(hangs) >= limit)
        fail_soon(opener, -EUSERS);
    else if (opener->worker)
        ask_worker(opener);
    else
        request_worker(opener);
}

void opener_open(Opener *opener, FileKind kind, const char *what, WorkerOpened opened, void *userdata)
{
    opener->opened = opened;
    ask(opener, kind, what, userdata);
}

void opener_open_disk(Opener *opener, const DiskWish *wish, WorkerDiskOpened opened, void *userdata)
{
    opener->opened = NULL;
    opener->disk_opened = opened;
    opener->wish = *wish;
    ask(opener, FILE_KIND_DISK, wish->path, userdata);
}

Opener *opener_new(Engine *engine, bool question)
{
    Opener *opener = g_new0(Opener, 1);

    opener->engine = engine;
    opener->question = question;
    return opener;
}

DEFINE_FREE(Opener, opener_free, opener)
{
    if (opener->request)
        worker_request_cancel(opener->request);
    if (opener->worker && opener->what && !opener->turn)
        abandon(opener);
    else if (opener->worker)
        worker_release(opener->worker);
    sd_event_source_disable_unref(opener->turn);
    sd_event_source_disable_unref(opener->deadline);
    g_free(opener->what);
    g_free(opener->message);
}

Fault *opener_fault(const Opener *opener, int error, const char *guest, const char *what)
{
    if (error == -ECHILD)
        return fault_new(FAULT_FAILED, "see journalctl -u 'usher-bind@*'", "cannot start usher-bind: %s",
                         opener->message ?: "it does not start");
    if (error == -ETIMEDOUT && (opener->kind == FILE_KIND_USER || opener->kind == FILE_KIND_GROUP ||
                                opener->kind == FILE_KIND_DISPLAY))
        return fault_new(FAULT_TIMEOUT, "see whether getent(1) answers, then try again",
                         "guest %s: the host's list of users and groups does not answer for %s", guest, what);
    if (error == -ETIMEDOUT)
        return fault_new(FAULT_TIMEOUT,
                         "see whether its file server answers, or unmount it: umount -l; then try again",
                         "guest %s: %s does not answer (a dead NFS or FUSE mount?)", guest, what);
    if (error == -EUSERS)
        return fault_new(FAULT_BUSY, "see which in journalctl -u usherd, and unmount those: umount -l",
                         "guest %s: usherd cannot look at %s: %u files or devices do not answer already",
                         guest, what, hangs_count(opener->engine->hangs));
    return NULL;
}
