/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../../base/cleanup.h"
#include "../../core/definition/life.h"
#include "sleeper.h"

#include <fcntl.h>
#include <unistd.h>

#include "../../base/file.h"
#include "../../base/log.h"

/* How long the devices take to go back after the ladder: a second or two. */
#define RESTORE_USEC (5 * G_USEC_PER_SEC)
/* A file in the guest's run folder: a daemon that is restarted between sleep and waking has to know. */
#define MARK "paused-for-sleep"

struct Sleeper {
    Engine *engine;
    const char *guest;
    const SleeperHandler *handler;
    void *userdata;
    char *mark; /* its path below the engine's guests_fd */
    SleepLock *sleep_lock, *shutdown_lock;
    sd_event_source *turn;
    bool asked;  /* the host falls asleep, and the guest is to pause: the answer is owed */
    bool done;   /* the host falls asleep, and the guest's part is done */
    bool paused; /* usherd has paused the guest, and resumes it when the host is back */
};

Sleeper *sleeper_new(Engine *engine, const char *guest, const SleeperHandler *handler, void *userdata)
{
    Sleeper *sleeper = g_new(Sleeper, 1);

    *sleeper = (Sleeper){
        .engine = engine,
        .guest = guest,
        .handler = handler,
        .userdata = userdata,
        .mark = g_build_filename(guest, MARK, NULL),
    };
    return sleeper;
}

DEFINE_FREE(Sleeper, sleeper_free, sleeper)
{
    sd_event_source_disable_unref(sleeper->turn);
    sleep_lock_free(sleeper->sleep_lock);
    sleep_lock_free(sleeper->shutdown_lock);
    g_free(sleeper->mark);
}

bool sleeper_has_paused(const Sleeper *sleeper)
{
    return sleeper->paused;
}

static SleeperView look(const Sleeper *sleeper)
{
    SleeperView view = {};

    sleeper->handler->look(&view, sleeper->userdata);
    return view;
}

static HostSleep policy(const SleeperView *view)
{
    if (view->definition)
        return definition_life(view->definition)->host_sleep;
    return view->addresses->len > 0 ? HOST_SLEEP_INHIBIT : HOST_SLEEP_IGNORE;
}

static bool resting(const SleeperView *view)
{
    return view->state == GUEST_STOPPED || view->state == GUEST_FAILED;
}

/* "guest win10 owns 0000:01:00.0, 0000:01:00.1" */
static char *owner_words(const Sleeper *sleeper, const GPtrArray *addresses)
{
    GString *words = g_string_new(NULL);

    g_string_append_printf(words, "guest %s %s", sleeper->guest, addresses->len > 0 ? "owns " : "runs");
    for (unsigned i = 0; i < addresses->len; i++)
        g_string_append_printf(words, "%s%s", i ? ", " : "", (char *)g_ptr_array_index(addresses, i));
    return g_string_free(words, FALSE);
}

/* The guest is ready for the host's sleep, or cannot be made ready. */
static bool nothing_to_wait_for(const Sleeper *sleeper, GuestState state)
{
    return sleeper->done || state == GUEST_PAUSED || state == GUEST_UNRESPONSIVE || state == GUEST_STOPPING ||
           state == GUEST_RESTORING;
}

/* A guest that would be cut off in the middle of its shutdown keeps the host awake instead. */
static SleepLockMode wanted_for_stop(const Sleeper *sleeper, uint64_t stop_usec, char **ret_why)
{
    uint64_t delay = sleep_delay_usec(sleeper->engine->sleep), need = stop_usec + RESTORE_USEC;

    if (delay == 0) /* not known yet, or there is no logind */
        return SLEEP_LOCK_NONE;
    if (need <= delay) {
        *ret_why = g_strdup_printf("guest %s shuts down before the host sleeps", sleeper->guest);
        return SLEEP_LOCK_DELAY;
    }
    *ret_why = g_strdup_printf("guest %s may need %u s to shut down, and InhibitDelayMaxSec= gives %u s",
                               sleeper->guest, (unsigned)(need / G_USEC_PER_SEC),
                               (unsigned)(delay / G_USEC_PER_SEC));
    return SLEEP_LOCK_BLOCK;
}

static SleepLockMode wanted_lock(const Sleeper *sleeper, const SleeperView *view, char **ret_why)
{
    bool asleep = sleep_host(sleeper->engine->sleep) == HOST_FALLS_ASLEEP;

    if (resting(view))
        return SLEEP_LOCK_NONE;
    switch (policy(view)) {
    case HOST_SLEEP_INHIBIT:
        *ret_why = owner_words(sleeper, view->addresses);
        return SLEEP_LOCK_BLOCK;
    case HOST_SLEEP_PAUSE:
        if (asleep && nothing_to_wait_for(sleeper, view->state))
            return SLEEP_LOCK_NONE;
        *ret_why = g_strdup_printf("guest %s is paused before the host sleeps", sleeper->guest);
        return SLEEP_LOCK_DELAY;
    case HOST_SLEEP_SHUTDOWN:
        return wanted_for_stop(sleeper, view->stop_usec, ret_why);
    default:
        return SLEEP_LOCK_NONE;
    }
}

static void hold_sleep_lock(Sleeper *sleeper, const SleeperView *view)
{
    g_autofree char *why = NULL;
    SleepLockMode mode = wanted_lock(sleeper, view, &why);
    SleepLock *old = sleeper->sleep_lock;

    if (mode == sleep_lock_mode(old) && g_strcmp0(why ?: "", sleep_lock_why(old)) == 0)
        return;
    /* logind gives no more locks by then. */
    if (mode != SLEEP_LOCK_NONE && sleep_host(sleeper->engine->sleep) == HOST_FALLS_ASLEEP)
        return;
    sleeper->sleep_lock = mode == SLEEP_LOCK_NONE ? NULL : sleep_lock_take(sleeper->engine->sleep, mode, why);
    sleep_lock_free(old);
    if (mode == SLEEP_LOCK_BLOCK && policy(view) == HOST_SLEEP_SHUTDOWN)
        log_guest(LOG_WARNING, sleeper->guest,
                  "%s: so the guest keeps the host awake; raise InhibitDelayMaxSec= in logind.conf(5), or "
                  "lower the times in [Stop]",
                  why);
}

static void hold_shutdown_lock(Sleeper *sleeper, const SleeperView *view)
{
    bool wanted = view->definition &&
                  definition_life(view->definition)->host_shutdown == HOST_SHUTDOWN_INHIBIT &&
                  !resting(view) && view->state != GUEST_STOPPING && view->state != GUEST_RESTORING;
    g_autofree char *why = g_strdup_printf("guest %s runs", sleeper->guest);

    if (wanted && !sleeper->shutdown_lock)
        sleeper->shutdown_lock = sleep_lock_take(sleeper->engine->sleep, SLEEP_LOCK_SHUTDOWN, why);
    else if (!wanted)
        sleeper->shutdown_lock = sleep_lock_free(sleeper->shutdown_lock);
}

void sleeper_forget(Sleeper *sleeper)
{
    sleeper->paused = false;
    unlinkat(sleeper->engine->guests_fd, sleeper->mark, 0);
}

void sleeper_recall(Sleeper *sleeper)
{
    sleeper->paused = faccessat(sleeper->engine->guests_fd, sleeper->mark, F_OK, 0) == 0;
}

static void on_paused(const Fault *fault, void *userdata)
{
    Sleeper *sleeper = userdata;

    sleeper->asked = false;
    sleeper->done = true;
    if (fault)
        log_guest(LOG_WARNING, sleeper->guest, "the host goes to sleep, and the guest cannot be paused: %s",
                  fault->message);
    else
        sleeper->paused = true;
    sleeper->handler->changed(sleeper->userdata);
    sleeper_sync(sleeper);
}

static void on_continued(const Fault *fault, void *userdata)
{
    const Sleeper *sleeper = userdata;

    if (fault)
        log_guest(LOG_WARNING, sleeper->guest,
                  "the host is back, and the guest cannot be resumed: %s; to try again: usherctl resume",
                  fault->message);
}

static void pause_guest(Sleeper *sleeper)
{
    log_guest(LOG_INFO, sleeper->guest, "the host goes to sleep: pausing the guest");
    file_replace_at(sleeper->engine->guests_fd, sleeper->mark, "", 0600);
    sleeper->asked = true; /* the host waits for the answer */
    sleeper->handler->control(GUEST_CONTROL_PAUSE, on_paused, sleeper, sleeper->userdata);
}

static void before_sleep(Sleeper *sleeper, const SleeperView *view)
{
    if (resting(view) || view->recovering || sleeper->done || sleeper->asked)
        return;
    switch (policy(view)) {
    case HOST_SLEEP_PAUSE:
        if (view->state == GUEST_RUNNING)
            pause_guest(sleeper);
        return;
    case HOST_SLEEP_SHUTDOWN:
        sleeper->done = true;
        log_guest(LOG_INFO, sleeper->guest, "the host goes to sleep: shutting down the guest");
        sleeper->handler->stop(sleeper->userdata);
        return;
    case HOST_SLEEP_INHIBIT:
        sleeper->done = true;
        log_guest(LOG_WARNING, sleeper->guest,
                  "somebody sends the host to sleep although the guest keeps the host awake");
        return;
    default:
        return;
    }
}

static void after_sleep(Sleeper *sleeper, const SleeperView *view)
{
    sleeper->done = false;
    if (!sleeper->paused || view->recovering)
        return;
    sleeper_forget(sleeper);
    if (view->state != GUEST_PAUSED)
        return;
    log_guest(LOG_INFO, sleeper->guest, "the host is back: resuming the guest");
    sleeper->handler->control(GUEST_CONTROL_CONTINUE, on_continued, sleeper, sleeper->userdata);
}

void sleeper_sync(Sleeper *sleeper)
{
    SleeperView view = look(sleeper);

    if (sleep_host(sleeper->engine->sleep) == HOST_FALLS_ASLEEP)
        before_sleep(sleeper, &view);
    else if (sleep_host(sleeper->engine->sleep) == HOST_AWAKE)
        after_sleep(sleeper, &view);
    view = look(sleeper);
    hold_sleep_lock(sleeper, &view);
    hold_shutdown_lock(sleeper, &view);
}

static int on_turn(sd_event_source *source, void *userdata)
{
    Sleeper *sleeper = userdata;

    sleeper->turn = sd_event_source_disable_unref(sleeper->turn);
    sleeper_sync(sleeper);
    return 0;
}

void sleeper_sync_soon(Sleeper *sleeper)
{
    if (!sleeper->turn)
        sd_event_add_defer(sleeper->engine->event, &sleeper->turn, on_turn, sleeper);
}
