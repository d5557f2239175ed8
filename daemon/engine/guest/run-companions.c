/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The phase of a start in which the companions come up, and the end of a guest that loses one. */
#include "../../base/log.h"
#include "../../edge/launcher/process-watch.h"
#include "private.h"

static void on_ready(void *userdata)
{
    Guest *g = userdata;

    start_phase_done(g->run);
}

static void on_companion_failed(const char *name, int error, void *userdata)
{
    Guest *g = userdata;

    guest_fail(g, fault_new(FAULT_GUEST_FAILED, "see journalctl -t usher-launch",
                            "cannot start %s of guest %s: %s", name, g->name, g_strerror(error)));
}

/* The guest is stopped by the ladder, as if somebody had asked: it may yet save its data. */
static void on_companion_lost(const char *name, void *userdata)
{
    Guest *g = userdata;

    if (g->run->stop_asked || qemu_link_ending(g->run->link) || g->fault ||
        (g->run->process.watched && process_ending(g->run->process.pid)))
        return;
    g_autofree char *remedy = g_strdup_printf("see its last output: usherctl status %s", g->name);
    Fault *fault =
        fault_new(FAULT_GUEST_FAILED, remedy, "%s of guest %s ended; the guest is stopped", name, g->name);

    log_guest(LOG_ERR, g->name, "%s", fault->message);
    if (!g->run->process.watched) {
        guest_fail(g, fault);
        return;
    }
    g->fault = fault;
    guest_stop(g, NULL, false, NULL);
}

static void on_companions_ended(void *userdata)
{
    guest_ended(userdata);
}

const CompanionsHandler guest_companions_handler = {on_ready, on_companion_failed, on_companion_lost,
                                                    on_companions_ended};

/* usher-launch starts it, and may hang on what it serves or runs from. */
static int on_companion_late(sd_event_source *source, uint64_t usec, void *userdata)
{
    Guest *g = userdata;
    const char *name = companions_awaited(g->run->companions);

    if (name)
        guest_fail(g, fault_new(FAULT_TIMEOUT, "see journalctl -t usher-launch",
                                "usher-launch of guest %s did not start %s within %" PRIu64 " s", g->name,
                                name, g->engine->limits.launcher_usec / G_USEC_PER_SEC));
    return 0;
}

void phase_companions(Run *run)
{
    guest_set_deadline(run->guest, run->guest->engine->limits.launcher_usec, on_companion_late);
    companions_start(run->companions, &(CompanionsStart){.launcher = run->start.launch,
                                                         .command = run->start.command,
                                                         .fds = run->start.fds,
                                                         .log = guest_log_fd(run->guest->stderr_log),
                                                         .launcher_pid = run->process.pid});
}
