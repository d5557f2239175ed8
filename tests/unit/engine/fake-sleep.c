/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-sleep.h"

#include <glib.h>

#include "../../../daemon/base/cleanup.h"

struct SleepWatch {
    HostWake host;
    uint64_t delay_usec;
    GPtrArray *locks; /* of SleepLock */
    GString *words;
};

struct SleepLock {
    SleepWatch *watch;
    SleepLockMode mode;
    char *why;
};

SleepWatch *fake_sleep_new(void)
{
    SleepWatch *watch = g_new0(SleepWatch, 1);

    *watch = (SleepWatch){HOST_AWAKE, 5 * G_USEC_PER_SEC, g_ptr_array_new(), g_string_new(NULL)};
    return watch;
}

DEFINE_FREE(SleepWatch, sleep_watch_free, watch)
{
    g_ptr_array_free(watch->locks, TRUE);
    g_string_free(watch->words, TRUE);
}

void fake_sleep_set(SleepWatch *watch, HostWake host, uint64_t delay_usec)
{
    watch->host = host;
    watch->delay_usec = delay_usec;
}

const char *fake_sleep_locks(SleepWatch *watch)
{
    static const char *const names[] = {
        [SLEEP_LOCK_SHUTDOWN] = "shutdown", [SLEEP_LOCK_DELAY] = "delay", [SLEEP_LOCK_BLOCK] = "block"};

    g_string_truncate(watch->words, 0);
    for (unsigned i = 0; i < watch->locks->len; i++) {
        const SleepLock *lock = g_ptr_array_index(watch->locks, i);
        g_string_append_printf(watch->words, "%s: %s\n", names[lock->mode], lock->why);
    }
    return watch->words->str;
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
    return NULL;
}

SleepLock *sleep_lock_take(SleepWatch *watch, SleepLockMode mode, const char *why)
{
    SleepLock *lock = g_new0(SleepLock, 1);

    *lock = (SleepLock){watch, mode, g_strdup(why)};
    g_ptr_array_add(watch->locks, lock);
    return lock;
}

DEFINE_FREE(SleepLock, sleep_lock_free, lock)
{
    g_ptr_array_remove_fast(lock->watch->locks, lock);
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
