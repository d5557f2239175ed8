/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "holder-look.h"

#include "../../base/cleanup.h"
#include "../../edge/host-services/clock.h"

/* A look at thousands of processes takes a second; a process that hangs with its memory's lock held may make
 * the look hang too. */
#define LOOK_USEC (30 * G_USEC_PER_SEC)

struct HolderLook {
    Engine *engine;
    char **addresses;
    bool claim;
    HolderLooked looked;
    void *userdata;
    WorkerRequest *request;
    Worker *worker;
    sd_event_source *deadline; /* or the next turn of the loop */
};

static void fail(HolderLook *look, Fault *fault)
{
    _cleanup_fault_ Fault *owned = fault;

    look->looked(NULL, owned, look->userdata);
}

static void fail_look(HolderLook *look, const char *why)
{
    fail(look, fault_new(FAULT_FAILED, "see journalctl -u 'usher-bind@*'", "cannot find out who uses %s: %s",
                         look->addresses[0], why));
}

static void on_found(int error, const GPtrArray *holders, void *userdata)
{
    HolderLook *look = userdata;

    if (error == -ECONNRESET)
        look->worker = NULL;
    look->deadline = sd_event_source_disable_unref(look->deadline);
    if (holders)
        look->looked(holders, NULL, look->userdata);
    else
        fail_look(look, error == -ECONNRESET ? "usher-bind went away" : g_strerror(-error));
}

static void on_worker(Worker *worker, const char *message, void *userdata)
{
    HolderLook *look = userdata;

    look->request = NULL;
    look->worker = worker;
    int r = worker ? worker_holders(worker, look->addresses, look->claim, on_found, look) : 0;
    if (!worker)
        fail_look(look, message);
    else if (r < 0)
        fail_look(look, g_strerror(-r));
}

static int on_late(sd_event_source *source, uint64_t usec, void *userdata)
{
    HolderLook *look = userdata;

    fail(look, fault_new(FAULT_TIMEOUT, "a process hangs in the kernel: see ps -eo pid,stat,comm for state D",
                         "cannot find out who uses %s: the look at all processes did not end within 30 s",
                         look->addresses[0]));
    return 0;
}

static int on_nothing(sd_event_source *source, void *userdata)
{
    HolderLook *look = userdata;
    g_autoptr(GPtrArray) none = holders_new();

    look->looked(none, NULL, look->userdata);
    return 0;
}

static int on_no_worker(sd_event_source *source, void *userdata)
{
    fail_look(userdata, "no usher-bind is available");
    return 0;
}

HolderLook *holder_look_new(Engine *engine, const GPtrArray *addresses, bool claim, HolderLooked looked,
                            void *userdata)
{
    HolderLook *look = g_new0(HolderLook, 1);
    int r;

    *look = (HolderLook){.engine = engine, .claim = claim, .looked = looked, .userdata = userdata};
    look->addresses = g_new0(char *, addresses->len + 1);
    for (unsigned i = 0; i < addresses->len; i++)
        look->addresses[i] = g_strdup(g_ptr_array_index(addresses, i));
    if (addresses->len == 0)
        r = sd_event_add_defer(engine->event, &look->deadline, on_nothing, look);
    else if (worker_request(engine->workers, on_worker, look, &look->request) < 0)
        r = sd_event_add_defer(engine->event, &look->deadline, on_no_worker, look);
    else
        r = clock_after(engine->event, LOOK_USEC, on_late, look, &look->deadline);
    if (r < 0)
        g_error("out of memory");
    return look;
}

DEFINE_FREE(HolderLook, holder_look_free, look)
{
    sd_event_source_disable_unref(look->deadline);
    if (look->request)
        worker_request_cancel(look->request);
    if (look->worker)
        worker_release(look->worker);
    g_strfreev(look->addresses);
}
