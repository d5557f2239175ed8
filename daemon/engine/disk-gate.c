/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk-gate.h"

#include <fcntl.h>

#include "../base/cleanup.h"
#include "../base/log.h"
#include "../core/disk-wish.h"
#include "../edge/clock.h"

#define LOOK_USEC (30 * G_USEC_PER_SEC)

typedef struct OpenDisk {
    int fd; /* -1: it would be made */
    bool block;
} OpenDisk;

struct DiskGate {
    Engine *engine;
    const char *guest; /* its name */
    bool look;
    DiskGateAnswered answered;
    void *userdata;
    GPtrArray *wishes; /* of DiskWish, owned */
    GArray *disks;     /* of OpenDisk, by their place in wishes */
    GString *lines;
    WorkerRequest *request;
    Worker *worker;
    sd_event_source *turn; /* the first; then, where it only looks, how long that may take */
};

static void open_next(DiskGate *gate);

static void close_disk(void *disk)
{
    close_fd(((OpenDisk *)disk)->fd);
}

static void end(DiskGate *gate, Fault *fault)
{
    _cleanup_fault_ Fault *owned = fault;

    if (gate->worker)
        worker_release(gate->worker);
    gate->worker = NULL;
    gate->answered(owned, gate->userdata);
}

static const DiskWish *current(const DiskGate *gate)
{
    return g_ptr_array_index(gate->wishes, gate->disks->len);
}

static Fault *used_by_guest(const DiskGate *gate, const char *other)
{
    const DiskWish *wish = current(gate);
    g_autofree char *remedy = g_strdup_printf("stop that guest first: usherctl stop %s", other);

    return fault_new(FAULT_IN_USE, remedy, "guest %s: [%s] %s=%s is in use by guest %s", gate->guest,
                     wish->section, wish->key, wish->path, other);
}

/* NULL: the guest may have it. */
static Fault *judge(DiskGate *gate, const DiskSeen *seen)
{
    const DiskWish *wish = current(gate);
    DiskClaims *claims = gate->engine->disks;
    Fault *fault = NULL;

    if (disk_wish_judge(gate->guest, wish, seen, &fault) != 0)
        return fault;
    const char *other = gate->look ? disk_claims_against(claims, seen->id, wish->writable, gate->guest)
                                   : disk_claims_take(claims, seen->id, wish->writable, gate->guest);
    if (other)
        return used_by_guest(gate, other);
    if (seen->made)
        log_guest(LOG_NOTICE, gate->guest, "made %s with %" G_GUINT64_FORMAT " bytes, empty", wish->path,
                  wish->size);
    g_string_append_printf(gate->lines, "%s %c\n", seen->id, wish->writable ? 'w' : 'r');
    return NULL;
}

static Fault *held(const DiskGate *gate, const DiskSeen *seen, const GPtrArray *holders)
{
    const char *other = disk_claims_other(gate->engine->disks, seen->id, gate->guest);

    return other ? used_by_guest(gate, other) : disk_wish_held(gate->guest, current(gate), holders);
}

static void fail(DiskGate *gate, int error)
{
    end(gate, disk_wish_fault(gate->guest, current(gate), error));
}

static void go_on(DiskGate *gate, OpenDisk disk)
{
    g_array_append_val(gate->disks, disk);
    open_next(gate);
}

static void on_folder(int error, int *fd, void *userdata)
{
    DiskGate *gate = userdata;

    if (error == -ECONNRESET)
        gate->worker = NULL;
    if (error < 0)
        fail(gate, error);
    else
        go_on(gate, (OpenDisk){.fd = -1});
}

/* What would be made needs a place. */
static void ask_folder(DiskGate *gate)
{
    g_autofree char *folder = g_path_get_dirname(current(gate)->path);

    int r = worker_open_folder(gate->worker, folder, on_folder, gate);
    if (r < 0)
        fail(gate, r);
}

static void on_opened(int error, const DiskSeen *seen, const GPtrArray *holders, int *fd, void *userdata)
{
    DiskGate *gate = userdata;
    Fault *fault;

    if (error == -ECONNRESET)
        gate->worker = NULL;
    if (gate->look && error == -ENOENT && current(gate)->size > 0) {
        ask_folder(gate);
        return;
    }
    if (error < 0)
        fault = disk_wish_fault(gate->guest, current(gate), error);
    else
        fault = error > 0 ? held(gate, seen, holders) : judge(gate, seen);
    if (fault)
        end(gate, fault);
    else
        go_on(gate, (OpenDisk){steal_fd(fd), seen->id[0] == 'b'});
}

static void ask(DiskGate *gate)
{
    DiskWish wish = *current(gate);

    if (gate->look) {
        wish.size = 0;
        wish.writable &= !disk_path_device(wish.path);
    }
    int r = worker_disk(gate->worker, &wish, on_opened, gate);
    if (r < 0)
        fail(gate, r);
}

static void on_worker(Worker *worker, const char *message, void *userdata)
{
    DiskGate *gate = userdata;

    gate->request = NULL;
    gate->worker = worker;
    if (worker)
        ask(gate);
    else
        end(gate, fault_new(FAULT_FAILED, "see journalctl -u 'usher-bind@*'", "cannot start usher-bind: %s",
                            message));
}

static void open_next(DiskGate *gate)
{
    if (gate->disks->len == gate->wishes->len)
        end(gate, NULL);
    else
        ask(gate);
}

static int on_late(sd_event_source *source, uint64_t usec, void *userdata)
{
    DiskGate *gate = userdata;

    end(gate, fault_new(FAULT_TIMEOUT, "is it on a network that is gone?",
                        "guest %s: %s could not be looked at within 30 s", gate->guest, current(gate)->path));
    return 0;
}

static int on_turn(sd_event_source *source, void *userdata)
{
    DiskGate *gate = userdata;
    int r = 0;

    gate->turn = sd_event_source_disable_unref(gate->turn);
    if (gate->wishes->len == 0) {
        end(gate, NULL);
        return 0;
    }
    /* Others wait for their turn to ask. */
    if (gate->look)
        r = clock_after(gate->engine->event, LOOK_USEC, on_late, gate, &gate->turn);
    if (r >= 0)
        r = worker_request(gate->engine->workers, on_worker, gate, &gate->request);
    if (r < 0)
        end(gate, fault_new(FAULT_FAILED, "try again", "guest %s: cannot open its disks: %s", gate->guest,
                            g_strerror(-r)));
    return 0;
}

DiskGate *disk_gate_new(Engine *engine, const GuestDefinition *definition, bool look,
                        DiskGateAnswered answered, void *userdata)
{
    DiskGate *gate = g_new(DiskGate, 1);

    *gate = (DiskGate){.engine = engine,
                       .guest = definition->name,
                       .look = look,
                       .answered = answered,
                       .userdata = userdata};
    gate->wishes = disk_wishes(definition);
    gate->lines = g_string_new(NULL);
    gate->disks = g_array_new(FALSE, FALSE, sizeof(OpenDisk));
    g_array_set_clear_func(gate->disks, close_disk);
    if (sd_event_add_defer(engine->event, &gate->turn, on_turn, gate) < 0)
        g_error("out of memory");
    return gate;
}

DiskGate *disk_gate_free(DiskGate *gate)
{
    if (!gate)
        return NULL;
    sd_event_source_disable_unref(gate->turn);
    if (gate->request)
        worker_request_cancel(gate->request);
    if (gate->worker)
        worker_release(gate->worker);
    g_array_unref(gate->disks);
    g_ptr_array_unref(gate->wishes);
    g_string_free(gate->lines, TRUE);
    g_free(gate);
    return NULL;
}

int disk_gate_dup(const DiskGate *gate, const char *path, bool read_only, bool *ret_block)
{
    for (unsigned i = 0; i < gate->disks->len; i++) {
        const OpenDisk *disk = &g_array_index(gate->disks, OpenDisk, i);
        const DiskWish *wish = g_ptr_array_index(gate->wishes, i);
        if (!g_str_equal(wish->path, path) || wish->writable == read_only)
            continue;
        int fd = fcntl(disk->fd, F_DUPFD_CLOEXEC, 3);
        *ret_block = disk->block;
        return fd < 0 ? -errno : fd;
    }
    return -ENOENT;
}

const char *disk_gate_lines(const DiskGate *gate)
{
    return gate->lines->str;
}
