/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>

#include "../../../daemon/base/cleanup.h"
#include "fake-worker-private.h"

#define NEVER G_MAXUINT

DEFINE_ELEMENT_FREE(Worker, worker_free, worker)
{
    sd_event_source_disable_unref(worker->turn);
    step_free(worker->step);
    g_free(worker->path);
}

DEFINE_ELEMENT_FREE(WorkerRequest, request_free, request)
{
    sd_event_source_disable_unref(request->turn);
}

WorkerPool *fake_workers_new(sd_event *event, FakeHost *host)
{
    WorkerPool *pool = g_new0(WorkerPool, 1);

    pool->event = event;
    pool->host = host;
    pool->place = (StepPlace){.sys_fd = fake_host_sys_fd(host),
                              .dev_fd = fake_host_dev_fd(host),
                              .proc_fd = fake_host_proc_fd(host)};
    pool->workers = g_ptr_array_new_with_free_func(worker_free);
    pool->requests = g_ptr_array_new_with_free_func(request_free);
    pool->holders = holders_new();
    pool->fail_at = pool->hang_at = pool->lose_at = NEVER;
    return pool;
}

DEFINE_FREE(WorkerPool, worker_pool_free, pool)
{
    g_ptr_array_unref(pool->workers);
    g_ptr_array_unref(pool->requests);
    g_ptr_array_unref(pool->holders);
    g_free(pool->refusal);
    g_free(pool->dead);
}

unsigned fake_workers_steps(const WorkerPool *pool)
{
    return pool->steps;
}

void fake_workers_fail(WorkerPool *pool, unsigned n, int error)
{
    pool->fail_at = n;
    pool->error = error;
}

unsigned fake_workers_claims(const WorkerPool *pool)
{
    return pool->claims;
}

void fake_workers_hang(WorkerPool *pool, unsigned n)
{
    pool->hang_at = n;
}

void fake_workers_lose(WorkerPool *pool, unsigned n, unsigned times, bool acted)
{
    pool->lose_at = n;
    pool->lose_times = times;
    pool->acted = acted;
}

void fake_workers_refuse(WorkerPool *pool, unsigned times, const char *message)
{
    g_free(pool->refusal);
    pool->refusal = g_strdup(message);
    pool->refuse_times = times;
}

void fake_workers_lose_idle(WorkerPool *pool)
{
    for (unsigned i = 0; i < pool->workers->len; i++) {
        Worker *worker = g_ptr_array_index(pool->workers, i);
        worker->dead = worker->dead || !worker->step;
    }
}

static int on_request(sd_event_source *source, void *userdata)
{
    WorkerRequest *request = userdata;
    WorkerPool *pool = request->pool;
    WorkerReady ready = request->ready;
    void *owner = request->userdata;
    Worker *worker = NULL;

    g_ptr_array_remove(pool->requests, request);
    bool refused = pool->refuse_times > 0;
    if (refused) {
        pool->refuse_times--;
    } else {
        worker = g_new0(Worker, 1);
        worker->pool = pool;
        g_ptr_array_add(pool->workers, worker);
    }
    ready(worker, refused ? pool->refusal : NULL, owner);
    return 0;
}

int worker_request(WorkerPool *pool, WorkerReady ready, void *userdata, WorkerRequest **ret_request)
{
    WorkerRequest *request = g_new0(WorkerRequest, 1);

    *request = (WorkerRequest){.pool = pool, .ready = ready, .userdata = userdata};
    g_ptr_array_add(pool->requests, request);
    if (!pool->late)
        ck_assert_int_ge(sd_event_add_defer(pool->event, &request->turn, on_request, request), 0);
    *ret_request = request;
    return 0;
}

void worker_request_cancel(WorkerRequest *request)
{
    g_ptr_array_remove(request->pool->requests, request);
}

void worker_pool_adopt(WorkerPool *pool, const char *instance, Channel *channel)
{
    ck_abort_msg("no worker was asked for that would connect");
}

/* What usher-bind does, with the failure that was ordered. */
static WorkerVerdict act(Worker *worker, char **ret_live, int *ret_error, GPtrArray **ret_holders)
{
    FakeHost *host = worker->pool->host;

    if (worker->fail)
        fake_host_fail_write(host, 0, worker->fail);
    WorkerVerdict verdict = step_act(&worker->pool->place, worker->step, ret_live, ret_error, ret_holders);
    if (worker->fail)
        fake_host_fail_write(host, 0, 0);
    worker->fail = 0;
    return verdict;
}

static void answer(Worker *worker, const WorkerAnswer *answer)
{
    WorkerAnswered answered = worker->answered;
    void *userdata = worker->userdata;

    g_clear_pointer(&worker->step, step_free);
    worker->turn = sd_event_source_disable_unref(worker->turn);
    if (worker->released || answer->verdict == WORKER_LOST)
        g_ptr_array_remove(worker->pool->workers, worker);
    if (answered)
        answered(answer, userdata);
}

static int on_step(sd_event_source *source, void *userdata)
{
    Worker *worker = userdata;
    g_autofree char *live = NULL;
    g_autoptr(GPtrArray) holders = NULL;
    int error = 0;

    if (worker->lost && !worker->acted) {
        answer(worker, &(WorkerAnswer){.verdict = WORKER_LOST});
        return 0;
    }
    WorkerVerdict verdict = act(worker, &live, &error, &holders);
    if (worker->lost)
        answer(worker, &(WorkerAnswer){.verdict = WORKER_LOST});
    else
        answer(worker, &(WorkerAnswer){verdict, error, live, holders});
    return 0;
}

void fake_worker_run(Worker *worker, sd_event_handler_t handler)
{
    worker->waits = worker->pool->late ? handler : NULL;
    if (!worker->waits)
        ck_assert_int_ge(sd_event_add_defer(worker->pool->event, &worker->turn, handler, worker), 0);
}

int worker_step(Worker *worker, const Step *step, int mark_fd, WorkerAnswered answered, void *userdata)
{
    WorkerPool *pool = worker->pool;

    ck_assert_msg(!worker->step && !worker->path, "two things at a time of one worker");
    if (worker->dead)
        return -ENOTCONN;
    unsigned n = pool->steps++;
    worker->step = step_copy(step);
    worker->answered = answered;
    worker->userdata = userdata;
    worker->fail = n == pool->fail_at ? pool->error : 0;
    worker->lost = n >= pool->lose_at && n - pool->lose_at < pool->lose_times;
    worker->acted = pool->acted;
    worker->hanging = n == pool->hang_at;
    if (!worker->hanging)
        fake_worker_run(worker, on_step);
    return 0;
}

void fake_workers_be_late(WorkerPool *pool)
{
    pool->late = true;
}

void fake_workers_answer(WorkerPool *pool, bool twice)
{
    pool->late = false;
    for (unsigned i = 0; i < pool->requests->len; i++) {
        WorkerRequest *request = g_ptr_array_index(pool->requests, i);
        if (!request->turn)
            ck_assert_int_ge(sd_event_add_defer(pool->event, &request->turn, on_request, request), 0);
    }
    for (unsigned i = 0; i < pool->workers->len; i++) {
        Worker *worker = g_ptr_array_index(pool->workers, i);
        worker->dead |= twice;
        if (worker->waits)
            fake_worker_run(worker, worker->waits);
    }
}

bool fake_workers_hanging(const WorkerPool *pool)
{
    for (unsigned i = 0; i < pool->workers->len; i++)
        if (((const Worker *)g_ptr_array_index(pool->workers, i))->hanging)
            return true;
    return false;
}

/* Nobody waits for the answer any more, so the worker goes (worker.c, lose()). */
static int on_late_path(sd_event_source *source, void *userdata)
{
    answer(userdata, &(WorkerAnswer){.verdict = WORKER_LOST});
    return 0;
}

void fake_workers_come_back(WorkerPool *pool)
{
    for (unsigned i = 0; i < pool->workers->len; i++) {
        Worker *worker = g_ptr_array_index(pool->workers, i);
        if (worker->hanging) {
            worker->hanging = false;
            fake_worker_run(worker, worker->released && worker->path ? on_late_path : worker->path ? worker->handler : on_step);
        }
    }
}

void fake_workers_crash(WorkerPool *pool, bool finish)
{
    for (unsigned i = 0; i < pool->workers->len; i++) {
        Worker *worker = g_ptr_array_index(pool->workers, i);
        g_autofree char *live = NULL;
        g_autoptr(GPtrArray) holders = NULL;
        int error;
        if (worker->step && finish)
            act(worker, &live, &error, &holders);
        worker->turn = sd_event_source_disable_unref(worker->turn);
        g_clear_pointer(&worker->step, step_free);
    }
}

void worker_pool_renew(WorkerPool *pool)
{
}

void fake_workers_find_holder(WorkerPool *pool, Holder *holder)
{
    if (holder)
        g_ptr_array_add(pool->holders, holder);
    else
        g_ptr_array_set_size(pool->holders, 0);
}

void fake_workers_fail_look(WorkerPool *pool, int error)
{
    pool->look_error = error;
}

static int on_look(sd_event_source *source, void *userdata)
{
    Worker *worker = userdata;
    WorkerPool *pool = worker->pool;
    WorkerHolders found = g_steal_pointer(&worker->found);

    worker->turn = sd_event_source_disable_unref(worker->turn);
    found(pool->look_error, pool->look_error < 0 ? NULL : pool->holders, worker->userdata);
    return 0;
}

int worker_holders(Worker *worker, char *const *addresses, bool claim, WorkerHolders found, void *userdata)
{
    ck_assert_msg(!worker->step && !worker->path, "two things at a time of one worker");
    ck_assert_msg(*addresses, "a look at nothing");
    if (worker->dead)
        return -ENOTCONN;
    worker->pool->claims += claim;
    worker->found = found;
    worker->userdata = userdata;
    fake_worker_run(worker, on_look);
    return 0;
}

void worker_release(Worker *worker)
{
    if (worker->step || worker->path)
        worker_abandon(worker, NULL, NULL);
    else
        g_ptr_array_remove(worker->pool->workers, worker);
}

void worker_abandon(Worker *worker, WorkerAnswered late, void *userdata)
{
    worker->released = true;
    worker->answered = late;
    worker->userdata = userdata;
    if (!worker->step && worker->path && !worker->hanging) {
        worker->turn = sd_event_source_disable_unref(worker->turn);
        fake_worker_run(worker, on_late_path);
    }
    if (!worker->step && !worker->path)
        g_ptr_array_remove(worker->pool->workers, worker);
}
