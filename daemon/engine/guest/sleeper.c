/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest and the host's sleep: what OnHostSleep= says, by logind's locks. */
#include <fcntl.h>
#include <string.h>

#include "../../base/file.h"
#include "../../base/log.h"
#include "private.h"

/* After the ladder the devices go back: a second or two. */
#define RESTORE_USEC (5 * G_USEC_PER_SEC)
/* In the guest's run folder: a daemon that is restarted between sleep and waking has to know. */
#define MARK "paused-for-sleep"

static HostSleep policy(const Guest *g)
{
    if (g->run->definition)
        return g->run->definition->on_host_sleep;
    /* Its file is gone. */
    return g->addresses->len > 0 ? HOST_SLEEP_INHIBIT : HOST_SLEEP_IGNORE;
}

static bool resting(const Guest *g)
{
    return g->state == GUEST_STOPPED || g->state == GUEST_FAILED;
}

/* "guest win10 owns 0000:01:00.0, 0000:01:00.1" */
static char *owner_words(const Guest *g)
{
    g_autoptr(GString) words = g_string_new(NULL);

    g_string_append_printf(words, "guest %s %s", g->name, g->addresses->len > 0 ? "owns " : "runs");
    for (unsigned i = 0; i < g->addresses->len; i++)
        g_string_append_printf(words, "%s%s", i ? ", " : "", (char *)g_ptr_array_index(g->addresses, i));
    return g_string_free(g_steal_pointer(&words), FALSE);
}

/* What it is to be paused before sleep for is done, or cannot be done. */
static bool nothing_to_wait_for(const Guest *g)
{
    return g->run->sleep_minded || g->state == GUEST_PAUSED || g->state == GUEST_UNRESPONSIVE ||
           g->state == GUEST_STOPPING || g->state == GUEST_RESTORING;
}

/* A guest that would be cut off in the middle of its shutdown keeps the host awake instead. */
static SleepLockMode shutdown_lock(const Guest *g, char **ret_why)
{
    uint64_t delay = sleep_delay_usec(g->engine->sleep), need = guest_stop_usec(g) + RESTORE_USEC;

    if (delay == 0) /* not known yet, or there is no logind */
        return SLEEP_LOCK_NONE;
    if (need <= delay) {
        *ret_why = g_strdup_printf("guest %s shuts down before", g->name);
        return SLEEP_LOCK_DELAY;
    }
    *ret_why = g_strdup_printf("guest %s may need %u s to shut down, InhibitDelayMaxSec= gives %u s", g->name,
                               (unsigned)(need / G_USEC_PER_SEC), (unsigned)(delay / G_USEC_PER_SEC));
    return SLEEP_LOCK_BLOCK;
}

static SleepLockMode wanted_lock(const Guest *g, char **ret_why)
{
    bool asleep = sleep_host(g->engine->sleep) == HOST_FALLS_ASLEEP;

    if (resting(g))
        return SLEEP_LOCK_NONE;
    switch (policy(g)) {
    case HOST_SLEEP_INHIBIT:
        *ret_why = owner_words(g);
        return SLEEP_LOCK_BLOCK;
    case HOST_SLEEP_PAUSE:
        if (asleep && nothing_to_wait_for(g))
            return SLEEP_LOCK_NONE;
        *ret_why = g_strdup_printf("guest %s is paused before", g->name);
        return SLEEP_LOCK_DELAY;
    case HOST_SLEEP_SHUTDOWN:
        return shutdown_lock(g, ret_why);
    default:
        return SLEEP_LOCK_NONE;
    }
}

static void hold_lock(Guest *g)
{
    g_autofree char *why = NULL;
    SleepLockMode mode = wanted_lock(g, &why);

    if (mode == sleep_lock_mode(g->run->sleep_lock) &&
        g_strcmp0(why ?: "", sleep_lock_why(g->run->sleep_lock)) == 0)
        return;
    /* By then logind gives no more. */
    if (mode != SLEEP_LOCK_NONE && sleep_host(g->engine->sleep) == HOST_FALLS_ASLEEP)
        return;
    SleepLock *old = g->run->sleep_lock;
    g->run->sleep_lock = mode == SLEEP_LOCK_NONE ? NULL : sleep_lock_take(g->engine->sleep, mode, why);
    sleep_lock_free(old);
    if (mode == SLEEP_LOCK_BLOCK && policy(g) == HOST_SLEEP_SHUTDOWN)
        log_guest(LOG_WARNING, g->name,
                  "%s: so it keeps the host awake; raise it in logind.conf(5), or lower [Stop]", why);
}

static void hold_shutdown_lock(Guest *g)
{
    bool wanted = g->run->definition && g->run->definition->on_host_shutdown == HOST_SHUTDOWN_INHIBIT &&
                  !resting(g) && g->state != GUEST_STOPPING && g->state != GUEST_RESTORING;
    g_autofree char *why = g_strdup_printf("guest %s runs", g->name);

    if (wanted && !g->run->shutdown_lock)
        g->run->shutdown_lock = sleep_lock_take(g->engine->sleep, SLEEP_LOCK_SHUTDOWN, why);
    else if (!wanted)
        g->run->shutdown_lock = sleep_lock_free(g->run->shutdown_lock);
}

void guest_forget_sleep(Guest *g)
{
    g->run->paused_for_sleep = false;
    if (g->folder_fd >= 0)
        unlinkat(g->folder_fd, MARK, 0);
}

static void on_paused(const Fault *fault, void *userdata)
{
    Guest *g = userdata;

    g->run->sleep_asked = false;
    g->run->sleep_minded = true;
    if (fault)
        log_guest(LOG_WARNING, g->name, "the host goes to sleep, and it cannot be paused: %s",
                  fault->message);
    else
        g->run->paused_for_sleep = true;
    guest_announce(g);
    guest_mind_sleep(g);
}

static void on_continued(const Fault *fault, void *userdata)
{
    Guest *g = userdata;

    if (fault)
        log_guest(LOG_WARNING, g->name,
                  "the host is back, and it cannot be continued: %s; usherctl resume tries again",
                  fault->message);
}

static void pause_now(Guest *g)
{
    _cleanup_fault_ Fault *fault = NULL;

    log_guest(LOG_INFO, g->name, "the host goes to sleep: pausing");
    file_replace_at(g->folder_fd, MARK, "", 0600);
    if (guest_control(g, GUEST_CONTROL_PAUSE, on_paused, g, &fault) == 0)
        g->run->sleep_asked = true; /* the host waits for the answer */
    else
        on_paused(fault, g);
}

static void before_sleep(Guest *g)
{
    if (resting(g) || g->run->recovering || g->run->sleep_minded || g->run->sleep_asked)
        return;
    switch (policy(g)) {
    case HOST_SLEEP_PAUSE:
        if (g->state == GUEST_RUNNING)
            pause_now(g);
        return;
    case HOST_SLEEP_SHUTDOWN:
        g->run->sleep_minded = true;
        log_guest(LOG_INFO, g->name, "the host goes to sleep: shutting down");
        guest_stop(g, NULL, false, NULL);
        return;
    case HOST_SLEEP_INHIBIT:
        g->run->sleep_minded = true;
        log_guest(LOG_WARNING, g->name, "somebody sends the host to sleep although it keeps the host awake");
        return;
    default:
        return;
    }
}

static void after_sleep(Guest *g)
{
    g->run->sleep_minded = false;
    if (!g->run->paused_for_sleep || g->run->recovering)
        return;
    guest_forget_sleep(g);
    if (g->state != GUEST_PAUSED)
        return;
    _cleanup_fault_ Fault *fault = NULL;
    log_guest(LOG_INFO, g->name, "the host is back: going on");
    if (guest_control(g, GUEST_CONTROL_CONTINUE, on_continued, g, &fault) != 0)
        on_continued(fault, g);
}

void guest_mind_sleep(Guest *g)
{
    if (!g->run)
        return;
    if (sleep_host(g->engine->sleep) == HOST_FALLS_ASLEEP)
        before_sleep(g);
    else if (sleep_host(g->engine->sleep) == HOST_AWAKE)
        after_sleep(g);
    hold_lock(g);
    hold_shutdown_lock(g);
}

static int on_turn(sd_event_source *source, void *userdata)
{
    Guest *g = userdata;

    g->run->sleep_turn = sd_event_source_disable_unref(g->run->sleep_turn);
    guest_mind_sleep(g);
    return 0;
}

void guest_mind_sleep_soon(Guest *g)
{
    if (!g->run->sleep_turn)
        sd_event_add_defer(g->engine->event, &g->run->sleep_turn, on_turn, g);
}

void guest_recall_sleep(Guest *g)
{
    g->run->paused_for_sleep = faccessat(g->folder_fd, MARK, F_OK, 0) == 0;
}
