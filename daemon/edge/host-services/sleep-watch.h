/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's sleep, by logind (org.freedesktop.login1(5), and "Inhibitor Locks" of systemd's
 * documentation): its signals that the host is about to sleep or back, and locks against that. Nothing
 * blocks. Without logind nobody is kept from anything, and the log says so once; wanted locks are taken as
 * soon as logind is there. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

typedef struct SleepWatch SleepWatch;
typedef struct SleepLock SleepLock;

typedef enum SleepLockMode {
    SLEEP_LOCK_NONE,
    SLEEP_LOCK_SHUTDOWN, /* the host is not shut down, unless somebody who may insists; it may sleep */
    SLEEP_LOCK_DELAY,    /* sleep waits for it, at most sleep_delay_usec() */
    SLEEP_LOCK_BLOCK, /* there is no sleep, unless somebody who may insists; nor does closing the lid bring it
                       */
} SleepLockMode;

typedef enum HostWake {
    HOST_WAKE_UNKNOWN, /* logind has not answered yet */
    HOST_AWAKE,        /* or there is no logind */
    HOST_FALLS_ASLEEP, /* or sleeps, but then nobody asks */
} HostWake;

/* One of the three below has another answer now. Never from within a call. */
typedef void (*SleepChanged)(void *userdata);

int sleep_watch_new(sd_bus *bus, SleepChanged changed, void *userdata, SleepWatch **ret);
/* Release the locks before. NULL is fine; returns NULL. */
SleepWatch *sleep_watch_free(SleepWatch *watch);

HostWake sleep_host(const SleepWatch *watch);
/* InhibitDelayMaxSec= of logind.conf(5); 0: not known. */
uint64_t sleep_delay_usec(const SleepWatch *watch);
/* Why logind cannot be asked, for a person; NULL: it can, or has not answered yet. */
const char *sleep_error(const SleepWatch *watch);

/* Asks for a lock; systemd-inhibit(1) shows why. */
SleepLock *sleep_lock_take(SleepWatch *watch, SleepLockMode mode, const char *why);
/* Gives up the lock, whether held or only asked for. NULL is fine; returns NULL. */
SleepLock *sleep_lock_free(SleepLock *lock);
/* SLEEP_LOCK_NONE and "" of NULL. */
SleepLockMode sleep_lock_mode(const SleepLock *lock);
const char *sleep_lock_why(const SleepLock *lock);
