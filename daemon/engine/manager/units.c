/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Helpers that come to the manager from their units: bind helpers, and what ExecStart=, ExecStop= and
 * ExecStopPost= of a guest's unit ask for. A guest that systemd starts by itself, at boot, waits until udev
 * has brought the host's devices up. */
#include "../../base/log.h"
#include "../../edge/scan/udev-settle.h"
#include "private.h"

/* udevadm settle waits for 120 s by default; a boot that takes longer has other troubles. */
#define SETTLE_USEC (60 * G_USEC_PER_SEC)

/* A launcher that only systemd asked for, while udev is busy. */
typedef struct Arrival {
    Manager *manager;
    Channel *channel;
    char *name;
    pid_t pid;
    uid_t uid;
    gid_t gid;
    UdevSettle *settle;
} Arrival;

void manager_arrival_free(void *data)
{
    Arrival *arrival = data;

    udev_settle_free(arrival->settle);
    channel_free(arrival->channel);
    g_free(arrival->name);
    g_free(arrival);
}

static void refuse(Channel *channel, const Fault *fault)
{
    const char *words[] = {"refused", fault->message, fault->remedy ?: "", NULL};

    channel_send(channel, words, NULL, 0);
    channel_free(channel);
}

static bool awaited(Manager *m, const char *name)
{
    GuestEntry *entry = manager_guest_entry(m, name);

    return entry && guest_state(entry->guest) == GUEST_PREPARING;
}

static void start_arrived(Manager *m, Arrival *arrival)
{
    Channel *channel = g_steal_pointer(&arrival->channel);
    _cleanup_fault_ Fault *fault = NULL;
    unsigned job;
    int r = 0;

    /* Somebody may have asked for the same guest while it waited. */
    if (!awaited(m, arrival->name))
        r = manager_start_by(m, arrival->name, true, NULL, &job, &fault);
    if (r < 0)
        fault_raise(&fault, FAULT_FAILED, NULL, "cannot start guest %s: %s", arrival->name, g_strerror(-r));
    if (r != 0) {
        log_guest(LOG_ERR, arrival->name, "refused: %s", fault->message);
        refuse(channel, fault);
        return;
    }
    guest_connected(manager_guest_entry(m, arrival->name)->guest, channel, arrival->pid, arrival->uid,
                    arrival->gid);
}

static void on_settled(void *userdata)
{
    Arrival *arrival = userdata;
    Manager *m = arrival->manager;

    start_arrived(m, arrival);
    g_ptr_array_remove_fast(m->arrivals, arrival);
}

/* The launcher went away: systemd stopped the unit meanwhile. */
static void on_gone(Channel *channel, char **words, int *fds, unsigned n_fds, void *userdata)
{
    Arrival *arrival = userdata;

    if (!words)
        g_ptr_array_remove_fast(arrival->manager->arrivals, arrival);
}

static void await_udev(Manager *m, const HelperCaller *caller, Channel *channel)
{
    Arrival *arrival = g_new0(Arrival, 1);

    *arrival = (Arrival){m, channel, g_strdup(caller->instance), caller->pid, caller->uid, caller->gid, NULL};
    g_ptr_array_add(m->arrivals, arrival);
    channel_set_handler(channel, on_gone, arrival);
    int r =
        udev_settle_new(m->engine->event, "/run/udev", SETTLE_USEC, on_settled, arrival, &arrival->settle);
    if (r < 0)
        on_settled(arrival);
}

static void on_launcher(Manager *m, const HelperCaller *caller, Channel *channel)
{
    _cleanup_fault_ Fault *fault = NULL;

    if (awaited(m, caller->instance)) {
        guest_connected(manager_guest_entry(m, caller->instance)->guest, channel, caller->pid, caller->uid,
                        caller->gid);
        return;
    }
    /* Without units only usherd starts launchers: one that nobody waits for belongs to a start that was
     * called off. */
    if (!g_str_equal(launcher_name(m->engine->launcher), "systemd")) {
        fault_raise(&fault, FAULT_REFUSED, NULL, "nobody asked for guest %s to be started", caller->instance);
        refuse(channel, fault);
        return;
    }
    await_udev(m, caller, channel);
}

static void on_ending_unit(Manager *m, const HelperCaller *caller, Channel *channel)
{
    GuestEntry *entry = manager_guest_entry(m, caller->instance);

    /* While the unit still goes down, somebody may have asked for the next start, which waits for that. The
     * caller then belongs to the previous run, and how that ended does not matter any more. */
    bool again = entry && guest_awaits_launcher(entry->guest);
    if (!entry || again) {
        channel_send(channel, (const char *const[]){again ? "killed" : "ended", NULL}, NULL, 0);
        channel_free(channel);
        return;
    }
    if (caller->verb == HELPER_STOP)
        guest_stop(entry->guest, NULL, true, NULL);
    guest_wait(entry->guest, channel, caller->verb == HELPER_RESTORED);
}

void manager_hello(Manager *m, const HelperCaller *caller, Channel *channel)
{
    switch (caller->verb) {
    case HELPER_BIND:
        worker_pool_adopt(m->engine->workers, caller->instance, channel);
        return;
    case HELPER_GUEST:
        on_launcher(m, caller, channel);
        return;
    case HELPER_STOP:
    case HELPER_ENDED:
    case HELPER_RESTORED:
        on_ending_unit(m, caller, channel);
        return;
    default:
        channel_free(channel);
    }
}
