/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Workers and who waits for one: they are started when they are asked for, and go when nobody has needed them
 * for a while. */
#include <string.h>
#include <time.h>

#include "../../base/cleanup.h"
#include "../../base/log.h"
#include "../host-services/clock.h"
#include "worker-private.h"

#define START_USEC (30 * G_USEC_PER_SEC)
#define IDLE_USEC (15 * G_USEC_PER_SEC)

DEFINE_ELEMENT_FREE(Worker, worker_free, worker)
{
    channel_free(worker->channel);
    sd_event_source_disable_unref(worker->deadline);
    g_free(worker->instance);
}

DEFINE_ELEMENT_FREE(WorkerRequest, request_free, request)
{
    sd_event_source_disable_unref(request->turn);
    g_free(request->message);
}

static void on_start_failed(const char *instance, const char *message, void *userdata);

WorkerPool *worker_pool_new(sd_event *event, Launcher *launcher)
{
    WorkerPool *pool = g_new0(WorkerPool, 1);
    struct timespec now;

    pool->event = sd_event_ref(event);
    pool->launcher = launcher;
    /* A worker that hung under an earlier daemon keeps its unit: so no number is used twice in one boot. */
    clock_gettime(CLOCK_BOOTTIME, &now);
    pool->next = now.tv_sec * 1000ull + now.tv_nsec / 1000000;
    pool->workers = g_ptr_array_new_with_free_func(worker_free);
    pool->requests = g_ptr_array_new_with_free_func(request_free);
    launcher_on_failed(launcher, LAUNCHER_BIND, on_start_failed, pool);
    return pool;
}

DEFINE_FREE(WorkerPool, worker_pool_free, pool)
{
    launcher_on_failed(pool->launcher, LAUNCHER_BIND, NULL, NULL);
    for (unsigned i = 0; i < pool->workers->len; i++)
        launcher_forget(pool->launcher, g_ptr_array_index(pool->workers, i));
    g_ptr_array_free(pool->requests, TRUE);
    g_ptr_array_free(pool->workers, TRUE);
    sd_event_unref(pool->event);
}

void worker_remove(Worker *worker)
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

/* Calls back in the next turn of the loop, with what the request then holds. */
static int answer_request(WorkerRequest *request)
{
    return sd_event_add_defer(request->pool->event, &request->turn, on_turn, request);
}

/* The oldest request that has neither a worker nor a refusal. */
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
    /* usher-bind ends when its channel closes. */
    worker_remove(userdata);
    return 0;
}

static bool outdated(const Worker *worker)
{
    return g_ascii_strtoull(worker->instance, NULL, 10) < worker->pool->oldest;
}

static void start_for_who_waits(WorkerPool *pool);

void worker_place(Worker *worker)
{
    WorkerPool *pool = worker->pool;
    WorkerRequest *request;

    if (outdated(worker)) {
        worker_remove(worker);
        start_for_who_waits(pool);
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

/* Refuses the oldest request for which no worker comes any more, if there is one. */
static void refuse_one(WorkerPool *pool, const char *message)
{
    WorkerRequest *request = count_waiting(pool) > count_starting(pool) ? waiting_request(pool) : NULL;

    if (!request)
        return;
    request->message = g_strdup(message);
    int r = answer_request(request);
    if (r < 0)
        g_error("cannot report that usher-bind failed: %s", strerror(-r));
}

/* A worker that is still starting will not come. A connected one is there, whatever is said of its start:
 * systemd may answer long after the worker has connected, or not at all within the bus's time. */
static void give_up(Worker *worker, const char *message)
{
    WorkerPool *pool = worker->pool;

    if (worker->state != WORKER_STARTING) {
        log_warning("usher-bind@%s has connected, although its start was reported as failed: %s",
                    worker->instance, message);
        return;
    }
    if (count_waiting(pool) < count_starting(pool))
        log_warning("usher-bind@%s: %s", worker->instance, message);
    worker_remove(worker);
    refuse_one(pool, message);
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

Worker *worker_find_starting(WorkerPool *pool, const char *instance)
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
    Worker *worker = worker_find_starting(userdata, instance);

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
        worker_remove(worker);
    return r;
}

/* One that was on its way is not to be used, and whoever waited for it has no other coming. */
static void start_for_who_waits(WorkerPool *pool)
{
    int r = count_waiting(pool) > count_starting(pool) ? start_worker(pool) : 0;

    if (r < 0)
        refuse_one(pool, g_strerror(-r));
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
            worker_remove(worker);
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
        worker_place(idle);
    if (ret_request)
        *ret_request = request;
    return 0;
}

void worker_release(Worker *worker)
{
    if (worker->state == WORKER_DEAD)
        worker_remove(worker);
    else if (worker->state == WORKER_HELD)
        worker_place(worker);
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

void worker_request_cancel(WorkerRequest *request)
{
    WorkerPool *pool = request->pool;
    Worker *worker = request->worker;

    g_ptr_array_remove(pool->requests, request);
    if (worker)
        worker_release(worker);
}
