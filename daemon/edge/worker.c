/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../base/cleanup.h"
#include "../base/log.h"
#include "clock.h"
#include "worker.h"

#define START_USEC (30 * G_USEC_PER_SEC)
#define IDLE_USEC (15 * G_USEC_PER_SEC)

typedef enum WorkerState {
    WORKER_STARTING,  /* asked for, has not connected */
    WORKER_IDLE,      /* nobody's; goes after IDLE_USEC */
    WORKER_HELD,      /* a job's, between steps */
    WORKER_STEPPING,  /* a job's, taking a step: answered is owed */
    WORKER_OPENING,   /* a job's, opening a file: opened, or disk_opened, is owed */
    WORKER_LOOKING,   /* a job's, looking for holders: found is owed */
    WORKER_ABANDONED, /* hangs in the kernel; answered (the late one) is owed */
    WORKER_DEAD,      /* a job's, but its process is gone */
} WorkerState;

struct Worker {
    WorkerPool *pool;
    char *instance;
    WorkerState state;
    Channel *channel;
    sd_event_source *deadline; /* of its start, or of its idleness */
    WorkerAnswered answered;
    WorkerOpened opened;
    WorkerDiskOpened disk_opened;
    WorkerHolders found;
    void *userdata;
};

struct WorkerRequest {
    WorkerPool *pool;
    WorkerReady ready;
    void *userdata;
    Worker *worker; /* chosen, to be told in the next turn */
    char *message;  /* why there is none, likewise */
    sd_event_source *turn;
};

struct WorkerPool {
    sd_event *event;
    Launcher *launcher;
    uint64_t next;       /* the next instance */
    uint64_t oldest;     /* instances before this one go when they are free */
    GPtrArray *workers;  /* of Worker, owned */
    GPtrArray *requests; /* of WorkerRequest, owned, the oldest first */
};

/* The pool. */

static void worker_free(void *data)
{
    Worker *worker = data;

    channel_free(worker->channel);
    sd_event_source_disable_unref(worker->deadline);
    g_free(worker->instance);
    g_free(worker);
}

static void request_free(void *data)
{
    WorkerRequest *request = data;

    sd_event_source_disable_unref(request->turn);
    g_free(request->message);
    g_free(request);
}

static void on_start_failed(const char *instance, const char *message, void *userdata);

WorkerPool *worker_pool_new(sd_event *event, Launcher *launcher)
{
    WorkerPool *pool = g_new0(WorkerPool, 1);
    struct timespec now;

    pool->event = sd_event_ref(event);
    pool->launcher = launcher;
    /* A worker that hung under an earlier daemon still has its unit: no number is used twice in one boot. */
    clock_gettime(CLOCK_BOOTTIME, &now);
    pool->next = now.tv_sec * 1000ull + now.tv_nsec / 1000000;
    pool->workers = g_ptr_array_new_with_free_func(worker_free);
    pool->requests = g_ptr_array_new_with_free_func(request_free);
    launcher_on_failed(launcher, LAUNCHER_BIND, on_start_failed, pool);
    return pool;
}

WorkerPool *worker_pool_free(WorkerPool *pool)
{
    if (!pool)
        return NULL;
    launcher_on_failed(pool->launcher, LAUNCHER_BIND, NULL, NULL);
    for (unsigned i = 0; i < pool->workers->len; i++)
        launcher_forget(pool->launcher, g_ptr_array_index(pool->workers, i));
    g_ptr_array_free(pool->requests, TRUE);
    g_ptr_array_free(pool->workers, TRUE);
    sd_event_unref(pool->event);
    g_free(pool);
    return NULL;
}

static void remove_worker(Worker *worker)
{
    launcher_forget(worker->pool->launcher, worker);
    g_ptr_array_remove_fast(worker->pool->workers, worker);
}

/* Requests. */

static int on_turn(sd_event_source *source, void *userdata)
{
    WorkerRequest *request = userdata;
    WorkerReady ready = request->ready;
    void *owner = request->userdata;
    Worker *worker = request->worker;
    g_autofree char *message = g_steal_pointer(&request->message);

    g_ptr_array_remove(request->pool->requests, request);
    ready(worker, message, owner);
    return 0;
}

/* Tells it in the next turn of the loop, with what is set in it. */
static int answer_request(WorkerRequest *request)
{
    return sd_event_add_defer(request->pool->event, &request->turn, on_turn, request);
}

/* The oldest that has neither a worker nor a refusal. */
static WorkerRequest *waiting_request(WorkerPool *pool)
{
    for (unsigned i = 0; i < pool->requests->len; i++) {
        WorkerRequest *request = g_ptr_array_index(pool->requests, i);
        if (!request->turn)
            return request;
    }
    return NULL;
}

static unsigned count_waiting(const WorkerPool *pool)
{
    unsigned n = 0;

    for (unsigned i = 0; i < pool->requests->len; i++)
        n += !((WorkerRequest *)g_ptr_array_index(pool->requests, i))->turn;
    return n;
}

static unsigned count_starting(const WorkerPool *pool)
{
    unsigned n = 0;

    for (unsigned i = 0; i < pool->workers->len; i++)
        n += ((Worker *)g_ptr_array_index(pool->workers, i))->state == WORKER_STARTING;
    return n;
}

static int on_idle_over(sd_event_source *source, uint64_t usec, void *userdata)
{
    /* Its channel closes, and so usher-bind ends. */
    remove_worker(userdata);
    return 0;
}

static bool outdated(const Worker *worker)
{
    return g_ascii_strtoull(worker->instance, NULL, 10) < worker->pool->oldest;
}

/* Gives a free worker to whoever waits longest, or lets it wait for the next. */
static void place(Worker *worker)
{
    WorkerPool *pool = worker->pool;
    WorkerRequest *request;

    /* Whoever waits has a newer one coming. */
    if (outdated(worker)) {
        remove_worker(worker);
        return;
    }
    request = waiting_request(pool);
    worker->deadline = sd_event_source_disable_unref(worker->deadline);
    worker->state = request ? WORKER_HELD : WORKER_IDLE;
    if (request)
        request->worker = worker;
    int r = request ? answer_request(request)
                    : clock_after(pool->event, IDLE_USEC, on_idle_over, worker, &worker->deadline);
    if (r < 0)
        g_error("cannot wait for usher-bind: %s", strerror(-r));
}

/* One that was to come will not: whoever has none to wait for any more is told. */
static void give_up(Worker *worker, const char *message)
{
    WorkerPool *pool = worker->pool;

    bool spare = count_waiting(pool) < count_starting(pool);

    if (spare)
        log_warning("usher-bind@%s: %s", worker->instance, message);
    remove_worker(worker);
    if (spare)
        return;
    WorkerRequest *request = waiting_request(pool);
    request->message = g_strdup(message);
    int r = answer_request(request);
    if (r < 0)
        g_error("cannot tell of usher-bind: %s", strerror(-r));
}

static int on_start_late(sd_event_source *source, uint64_t usec, void *userdata)
{
    give_up(userdata, "usher-bind did not come up within 30 s");
    return 0;
}

static void on_start_asked(int error, const char *message, void *userdata)
{
    if (error < 0)
        give_up(userdata, message ?: strerror(-error));
}

static Worker *find_starting(WorkerPool *pool, const char *instance)
{
    for (unsigned i = 0; i < pool->workers->len; i++) {
        Worker *worker = g_ptr_array_index(pool->workers, i);
        if (worker->state == WORKER_STARTING && g_str_equal(worker->instance, instance))
            return worker;
    }
    return NULL;
}

static void on_start_failed(const char *instance, const char *message, void *userdata)
{
    Worker *worker = find_starting(userdata, instance);

    if (worker)
        give_up(worker, message);
}

static int start_worker(WorkerPool *pool)
{
    if (pool->workers->len >= WORKER_POOL_MAX)
        return -EBUSY;

    Worker *worker = g_new0(Worker, 1);
    *worker = (Worker){.pool = pool, .state = WORKER_STARTING};
    worker->instance = g_strdup_printf("%" G_GUINT64_FORMAT, pool->next++);
    g_ptr_array_add(pool->workers, worker);
    int r = clock_after(pool->event, START_USEC, on_start_late, worker, &worker->deadline);
    if (r >= 0)
        r = launcher_start(pool->launcher, LAUNCHER_BIND, worker->instance, on_start_asked, worker);
    if (r < 0)
        remove_worker(worker);
    return r;
}

static Worker *find_idle(WorkerPool *pool)
{
    for (unsigned i = 0; i < pool->workers->len; i++) {
        Worker *worker = g_ptr_array_index(pool->workers, i);
        if (worker->state == WORKER_IDLE)
            return worker;
    }
    return NULL;
}

void worker_pool_renew(WorkerPool *pool)
{
    pool->oldest = pool->next;
    for (unsigned i = pool->workers->len; i > 0; i--) {
        Worker *worker = g_ptr_array_index(pool->workers, i - 1);
        if (worker->state == WORKER_IDLE)
            remove_worker(worker);
    }
}

int worker_request(WorkerPool *pool, WorkerReady ready, void *userdata, WorkerRequest **ret_request)
{
    Worker *idle = find_idle(pool);

    int r = idle ? 0 : start_worker(pool);
    if (r < 0)
        return r;
    WorkerRequest *request = g_new0(WorkerRequest, 1);
    *request = (WorkerRequest){.pool = pool, .ready = ready, .userdata = userdata};
    g_ptr_array_add(pool->requests, request);
    if (idle)
        place(idle);
    if (ret_request)
        *ret_request = request;
    return 0;
}

void worker_request_cancel(WorkerRequest *request)
{
    WorkerPool *pool = request->pool;
    Worker *worker = request->worker;

    g_ptr_array_remove(pool->requests, request);
    if (worker)
        worker_release(worker);
}

/* Answers. */

/* "-" is what is not there, "=VALUE" what is; anything else is no answer. */
static bool read_live(const char *word, const char **ret)
{
    if (word[0] != '=' && !g_str_equal(word, "-"))
        return false;
    *ret = word[0] == '=' ? word + 1 : NULL;
    return true;
}

/* A positive decimal number, as errno has it. 0: it is none. */
static int read_errno(const char *word)
{
    guint64 number;

    return g_ascii_string_to_unsigned(word, 10, 1, 4095, &number, NULL) ? (int)number : 0;
}

static bool read_answer(char **words, WorkerAnswer *ret)
{
    unsigned n = g_strv_length(words);

    *ret = (WorkerAnswer){0};
    if (n == 2 && g_str_equal(words[0], "done"))
        ret->verdict = WORKER_DONE;
    else if (n == 2 && g_str_equal(words[0], "drift"))
        ret->verdict = WORKER_DRIFT;
    else if (n == 3 && g_str_equal(words[0], "failed") && read_errno(words[1]) > 0)
        *ret = (WorkerAnswer){.verdict = WORKER_FAILED, .error = -read_errno(words[1])};
    else
        return false;
    return read_live(words[n - 1], &ret->live);
}

static void on_opened(Worker *worker, char **words, int *fds, unsigned n_fds)
{
    WorkerOpened opened = g_steal_pointer(&worker->opened);
    int none = -1;

    worker->state = WORKER_HELD;
    if (g_str_equal(words[0], "opened") && n_fds == 1)
        opened(0, &fds[0], worker->userdata);
    else if (g_str_equal(words[0], "failed") && words[1] && read_errno(words[1]) > 0)
        opened(-read_errno(words[1]), &none, worker->userdata);
    else
        opened(-EBADMSG, &none, worker->userdata);
}

/* What is said of a disk: 0, 1 or -errno, as WorkerDiskOpened takes it. */
static int read_disk(char **words, unsigned n_fds, DiskSeen **ret_seen, GPtrArray **ret_holders)
{
    if (g_str_equal(words[0], "opened") && n_fds == 1)
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
    int r = read_disk(words, n_fds, &seen, &holders);
    opened(r, seen, holders, r == 0 ? &fds[0] : &none, worker->userdata);
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

/* Its process is gone, or talks nonsense. The owner is told if it waits; else it will notice by -ENOTCONN. */
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
    remove_worker(worker);
    if (answered)
        answered(&(WorkerAnswer){.verdict = WORKER_LOST}, userdata);
    if (opened)
        opened(-ECONNRESET, &none, userdata);
    if (disk_opened)
        disk_opened(-ECONNRESET, NULL, NULL, &none, userdata);
    if (found)
        found(-ECONNRESET, NULL, userdata);
}

static void on_message(Channel *channel, char **words, int *fds, unsigned n_fds, void *userdata)
{
    Worker *worker = userdata;
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
    if (!words || !expected || !read_answer(words, &answer)) {
        if (words && worker->state != WORKER_ABANDONED)
            log_error("usher-bind@%s says what nobody asked for: %s", worker->instance, words[0]);
        lose(worker);
        return;
    }

    WorkerAnswered answered = g_steal_pointer(&worker->answered);
    void *owner = worker->userdata;
    if (worker->state == WORKER_ABANDONED)
        remove_worker(worker);
    else
        worker->state = WORKER_HELD;
    if (answered)
        answered(&answer, owner);
}

void worker_pool_adopt(WorkerPool *pool, const char *instance, Channel *channel)
{
    Worker *worker = find_starting(pool, instance);

    if (!worker) {
        log_notice("usher-bind@%s was not asked for and is sent away", instance);
        channel_free(channel);
        return;
    }
    channel_set_handler(channel, on_message, worker);
    channel_accept_fds(channel, 1);
    worker->channel = channel;
    place(worker);
}

/* What a job does with its worker. */

/* The state is WORKER_HELD and the channel alive, or -errno says why not. */
static int send_words(Worker *worker, const char *const *words, int fd)
{
    if (worker->state == WORKER_DEAD)
        return -ENOTCONN;
    if (worker->state != WORKER_HELD)
        return -EBUSY;
    return channel_send(worker->channel, words, &fd, fd >= 0);
}

int worker_step(Worker *worker, const Step *step, WorkerAnswered answered, void *userdata)
{
    return worker_step_marked(worker, step, -1, answered, userdata);
}

int worker_step_marked(Worker *worker, const Step *step, int mark_fd, WorkerAnswered answered, void *userdata)
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
    if (r >= 0)
        worker->disk_opened = opened;
    return r;
}

int worker_open_link(Worker *worker, const char *name, WorkerOpened opened, void *userdata)
{
    return ask_to_open(worker, (const char *const[]){"link", name, NULL}, opened, userdata);
}

int worker_open_folder(Worker *worker, const char *path, WorkerOpened opened, void *userdata)
{
    return ask_to_open(worker, (const char *const[]){"folder", path, NULL}, opened, userdata);
}

int worker_open_device(Worker *worker, const char *path, WorkerOpened opened, void *userdata)
{
    return ask_to_open(worker, (const char *const[]){"device", path, NULL}, opened, userdata);
}

int worker_holders(Worker *worker, char *const *addresses, WorkerHolders found, void *userdata)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new();

    g_ptr_array_add(words, (void *)"holders");
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

void worker_release(Worker *worker)
{
    if (worker->state == WORKER_DEAD)
        remove_worker(worker);
    else if (worker->state == WORKER_HELD)
        place(worker);
    else
        worker_abandon(worker, NULL, NULL);
}

void worker_abandon(Worker *worker, WorkerAnswered late, void *userdata)
{
    worker->opened = NULL;
    worker->disk_opened = NULL;
    worker->found = NULL;
    worker->answered = late;
    worker->userdata = userdata;
    if (worker->state == WORKER_DEAD || worker->state == WORKER_HELD)
        worker_release(worker);
    else
        worker->state = WORKER_ABANDONED;
}
