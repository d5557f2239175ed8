/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The phases of a start about the guest's unit, and the launcher that comes up in it. */
#include "private.h"

static bool is_here(const Run *run)
{
    return run->start.launch && (run->start.by_unit || run->start.unit == GUEST_UNIT_ACCEPTED);
}

void phase_launcher(Run *run)
{
    if (is_here(run))
        start_phase_done(run);
}

static void look_again(Run *run)
{
    if (start_is_at(run, phase_launcher))
        phase_launcher(run);
}

static void on_start_asked(int error, const char *message, void *userdata)
{
    Run *run = userdata;
    Guest *g = run->guest;

    /* A launcher that is here shows that the unit was started, even if systemd takes too long to say so. */
    if (g->state == GUEST_PREPARING && (error == 0 || run->start.launch)) {
        run->start.unit = GUEST_UNIT_ACCEPTED;
        look_again(run);
        return;
    }
    /* A launcher that was called off was killed, and its end is no failure. */
    if (error == 0 || run->stop_asked || (g->state != GUEST_PREPARING && g->state != GUEST_STOPPING))
        return;
    g_autofree char *unit = launcher_unit(g->engine->launcher, LAUNCHER_GUEST, g->name);
    g_autofree char *remedy = g_strdup_printf("see: systemctl status %s", unit);
    guest_fail(g,
               fault_new(FAULT_FAILED, remedy, "cannot start %s: %s", unit, message ?: g_strerror(-error)));
}

void phase_unit(Run *run)
{
    Guest *g = run->guest;
    int r = 0;

    if (!run->start.by_unit) {
        run->start.unit = GUEST_UNIT_ASKED;
        r = launcher_start(g->engine->launcher, LAUNCHER_GUEST, g->name, on_start_asked, run);
    }
    if (r < 0)
        on_start_asked(r, NULL, run);
    else
        start_phase_done(run);
}

void phase_unit_off(Run *run)
{
    launcher_forget(run->guest->engine->launcher, run);
    run->start.unit = GUEST_UNIT_UNASKED;
}

static int on_launcher_late(sd_event_source *source, uint64_t usec, void *userdata)
{
    Guest *g = userdata;
    g_autofree char *unit = launcher_unit(g->engine->launcher, LAUNCHER_GUEST, g->name);
    g_autofree char *remedy = g_strdup_printf("see: journalctl -u %s", unit);

    if (!g->run->start.launch || g->run->start.unit == GUEST_UNIT_ASKED)
        guest_fail(g, fault_new(FAULT_TIMEOUT, remedy,
                                "usher-launch of guest %s did not come up within %" PRIu64 " s", g->name,
                                g->engine->limits.launcher_usec / G_USEC_PER_SEC));
    return 0;
}

void guest_await_launcher(Guest *g)
{
    guest_set_deadline(g, g->engine->limits.launcher_usec, on_launcher_late);
}

void guest_launch_failed(Guest *g, const char *message)
{
    /* Otherwise it is the unit of an earlier run. */
    if (!g->run || g->run->start.unit == GUEST_UNIT_UNASKED || g->run->start.launch)
        return;
    g->run->start.unit = GUEST_UNIT_UNASKED;
    if (g->state == GUEST_PREPARING || g->state == GUEST_STOPPING)
        on_start_asked(-ECHILD, message, g->run);
}

/* The launcher reports on companions, and then says nothing more, so the next message is its end. After `run`
 * that end is QEMU taking its place. */
static void on_launcher(Channel *channel, char **words, int *fds, unsigned n_fds, void *userdata)
{
    Run *run = userdata;
    Guest *g = run->guest;

    if (words) {
        if (g->state == GUEST_STARTING)
            guest_pinned(g, words);
        else if (g->state == GUEST_PREPARING)
            companions_answered(run->companions, words);
        return;
    }
    run->start.launch = channel_free(channel);
    /* A launcher of an earlier run, whose unit is ended before this run's is started. */
    if (g->state == GUEST_PREPARING && !run->start.by_unit && run->start.unit != GUEST_UNIT_ACCEPTED) {
        guest_await_launcher(g);
    } else if (g->state == GUEST_PREPARING) {
        run->start.unit = GUEST_UNIT_UNASKED;
        g_autofree char *unit = launcher_unit(g->engine->launcher, LAUNCHER_GUEST, g->name);
        g_autofree char *remedy = g_strdup_printf("see: systemctl status %s", unit);
        guest_fail(g, fault_new(FAULT_GUEST_FAILED, remedy,
                                "usher-launch of guest %s went away before QEMU started", g->name));
    }
}

void guest_connected(Guest *g, Channel *channel, pid_t pid, uid_t uid, gid_t gid)
{
    Run *run = g->run;

    if (g->state != GUEST_PREPARING || run->start.launch) {
        guest_refuse_channel(channel, "nobody asked for this start", "");
        return;
    }
    run->start.launch = channel;
    run->process.pid = pid;
    run->process.uid = uid;
    run->process.gid = gid;
    channel_set_handler(channel, on_launcher, run);
    if (run->execution)
        execution_set_guest(run->execution, uid, gid);
    look_again(run);
}
