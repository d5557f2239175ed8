/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sleep-watch.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>

#include "../../base/cleanup.h"
#include "../../base/log.h"

#define LOGIN1_NAME "org.freedesktop.login1"
#define LOGIN1_PATH "/org/freedesktop/login1"
#define LOGIN1_MANAGER "org.freedesktop.login1.Manager"

struct SleepWatch {
    sd_bus *bus;
    SleepChanged changed;
    void *userdata;
    sd_bus_slot *prepares, *owners, *question;
    HostWake host;
    uint64_t delay_usec;
    char *error;
    bool told;        /* of the error, in the log */
    GPtrArray *locks; /* of SleepLock, borrowed: those there are */
};

struct SleepLock {
    SleepWatch *watch;
    SleepLockMode mode;
    char *why;
    sd_bus_slot *call;
    int fd; /* -1: not held */
};

/* Does not start a logind that is not running: without logind, nobody suspends by it either. */
static int call_login1(SleepWatch *watch, sd_bus_slot **ret_slot, sd_bus_message_handler_t handler,
                       void *userdata, const char *interface, const char *method, const char *types, ...)
{
    sd_bus_message *call = NULL;
    va_list arguments;

    int r = sd_bus_message_new_method_call(watch->bus, &call, LOGIN1_NAME, LOGIN1_PATH, interface, method);
    if (r >= 0)
        r = sd_bus_message_set_auto_start(call, false);
    va_start(arguments, types);
    if (r >= 0)
        r = sd_bus_message_appendv(call, types, arguments);
    va_end(arguments);
    if (r >= 0)
        r = sd_bus_call_async(watch->bus, ret_slot, call, handler, userdata, 0);
    sd_bus_message_unref(call);
    return r < 0 ? r : 0;
}

static void set_error(SleepWatch *watch, const char *words)
{
    g_free(watch->error);
    watch->error = g_strdup(words);
    if (!watch->told)
        log_notice("logind cannot be asked (%s): the host may go to sleep under a guest", words);
    watch->told = true;
}

static const char *error_words(sd_bus_message *reply)
{
    const sd_bus_error *error = sd_bus_message_get_error(reply);

    return error->message ?: error->name;
}

static int on_locked(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    SleepLock *lock = userdata;
    int fd;

    lock->call = sd_bus_slot_unref(lock->call);
    /* A logind that is gone is known from elsewhere. */
    if (sd_bus_message_is_method_error(reply, NULL)) {
        if (!lock->watch->error)
            log_warning("logind gives no lock because \"%s\": %s", lock->why, error_words(reply));
        return 0;
    }
    if (sd_bus_message_read(reply, "h", &fd) >= 0)
        lock->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    return 0;
}

static void ask_for(SleepLock *lock)
{
    /* The lid needs a lock of its own: by default logind heeds no other when the lid is closed
     * (LidSwitchIgnoreInhibited=, logind.conf(5)). */
    static const char *const what[] = {
        [SLEEP_LOCK_SHUTDOWN] = "shutdown",
        [SLEEP_LOCK_DELAY] = "sleep",
        [SLEEP_LOCK_BLOCK] = "sleep:handle-lid-switch",
    };

    if (lock->fd >= 0 || lock->call || lock->watch->error)
        return;
    int r =
        call_login1(lock->watch, &lock->call, on_locked, lock, LOGIN1_MANAGER, "Inhibit", "ssss",
                    what[lock->mode], "usher", lock->why, lock->mode == SLEEP_LOCK_DELAY ? "delay" : "block");
    if (r < 0)
        set_error(lock->watch, strerror(-r));
}

static int read_answer(SleepWatch *watch, sd_bus_message *reply)
{
    const char *name;
    int asleep = false;

    int r = sd_bus_message_enter_container(reply, 'a', "{sv}");
    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
        r = sd_bus_message_read(reply, "s", &name);
        if (r >= 0 && g_str_equal(name, "InhibitDelayMaxUSec"))
            r = sd_bus_message_read(reply, "v", "t", &watch->delay_usec);
        else if (r >= 0 && g_str_equal(name, "PreparingForSleep"))
            r = sd_bus_message_read(reply, "v", "b", &asleep);
        else if (r >= 0)
            r = sd_bus_message_skip(reply, "v");
        if (r >= 0)
            r = sd_bus_message_exit_container(reply);
    }
    watch->host = asleep ? HOST_FALLS_ASLEEP : HOST_AWAKE;
    return r;
}

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    SleepWatch *watch = userdata;

    watch->question = sd_bus_slot_unref(watch->question);
    g_clear_pointer(&watch->error, g_free);
    int r = sd_bus_message_is_method_error(reply, NULL) ? 0 : read_answer(watch, reply);
    if (sd_bus_message_is_method_error(reply, NULL))
        set_error(watch, error_words(reply));
    else if (r < 0)
        set_error(watch, "its answer makes no sense");
    /* A logind that does not answer sends nobody to sleep. */
    if (watch->host == HOST_WAKE_UNKNOWN)
        watch->host = HOST_AWAKE;
    for (unsigned i = 0; i < watch->locks->len; i++)
        ask_for(g_ptr_array_index(watch->locks, i));
    watch->changed(watch->userdata);
    return 0;
}

static int ask(SleepWatch *watch)
{
    watch->question = sd_bus_slot_unref(watch->question);
    return call_login1(watch, &watch->question, on_answer, watch, "org.freedesktop.DBus.Properties", "GetAll",
                       "s", LOGIN1_MANAGER);
}

static int on_prepare(sd_bus_message *signal, void *userdata, sd_bus_error *error)
{
    SleepWatch *watch = userdata;
    int asleep;

    if (sd_bus_message_read(signal, "b", &asleep) < 0)
        return 0;
    watch->host = asleep ? HOST_FALLS_ASLEEP : HOST_AWAKE;
    watch->changed(watch->userdata);
    return 0;
}

/* Locks outlive a restart of logind, which finds them in /run/systemd/inhibit; its settings may change. */
static int on_owner(sd_bus_message *signal, void *userdata, sd_bus_error *error)
{
    SleepWatch *watch = userdata;
    const char *name, *old, *new;

    if (sd_bus_message_read(signal, "sss", &name, &old, &new) < 0 || !*new)
        return 0;
    int r = ask(watch);
    if (r < 0)
        set_error(watch, strerror(-r));
    return 0;
}

int sleep_watch_new(sd_bus *bus, SleepChanged changed, void *userdata, SleepWatch **ret)
{
    SleepWatch *watch = g_new0(SleepWatch, 1);

    watch->bus = sd_bus_ref(bus);
    watch->changed = changed;
    watch->userdata = userdata;
    watch->locks = g_ptr_array_new();
    int r = sd_bus_match_signal_async(bus, &watch->prepares, LOGIN1_NAME, LOGIN1_PATH, LOGIN1_MANAGER,
                                      "PrepareForSleep", on_prepare, NULL, watch);
    if (r >= 0)
        r = sd_bus_add_match_async(bus, &watch->owners,
                                   "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                                   "interface='org.freedesktop.DBus',member='NameOwnerChanged',"
                                   "arg0='" LOGIN1_NAME "'",
                                   on_owner, NULL, watch);
    if (r >= 0)
        r = ask(watch);
    if (r < 0) {
        sleep_watch_free(watch);
        return r;
    }
    *ret = watch;
    return 0;
}

DEFINE_FREE(SleepWatch, sleep_watch_free, watch)
{
    sd_bus_slot_unref(watch->prepares);
    sd_bus_slot_unref(watch->owners);
    sd_bus_slot_unref(watch->question);
    g_ptr_array_free(watch->locks, TRUE);
    sd_bus_unref(watch->bus);
    g_free(watch->error);
}

HostWake sleep_host(const SleepWatch *watch)
{
    return watch->host;
}

uint64_t sleep_delay_usec(const SleepWatch *watch)
{
    return watch->delay_usec;
}

const char *sleep_error(const SleepWatch *watch)
{
    return watch->error;
}

SleepLock *sleep_lock_take(SleepWatch *watch, SleepLockMode mode, const char *why)
{
    SleepLock *lock = g_new0(SleepLock, 1);

    *lock = (SleepLock){.watch = watch, .mode = mode, .why = g_strdup(why), .fd = -1};
    g_ptr_array_add(watch->locks, lock);
    ask_for(lock);
    return lock;
}

DEFINE_FREE(SleepLock, sleep_lock_free, lock)
{
    g_ptr_array_remove_fast(lock->watch->locks, lock);
    /* An answer that comes later brings a descriptor that sd-bus closes with it. */
    sd_bus_slot_unref(lock->call);
    close_fd(lock->fd);
    g_free(lock->why);
}

SleepLockMode sleep_lock_mode(const SleepLock *lock)
{
    return lock ? lock->mode : SLEEP_LOCK_NONE;
}

const char *sleep_lock_why(const SleepLock *lock)
{
    return lock ? lock->why : "";
}
