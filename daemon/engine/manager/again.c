/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guests that have ended and are to be started again (OnReboot=, OnPowerOff=, OnCrash=): once udev has seen
 * their devices come back to the host, as what it runs has them open meanwhile. */
#include "../../base/log.h"
#include "private.h"

/* As at boot: a host that takes longer has other troubles. */
#define SETTLE_USEC (60 * G_USEC_PER_SEC)

static void start_again(Manager *m, GuestEntry *entry)
{
    const char *name = guest_name(entry->guest);
    g_auto(GStrv) may_stop = NULL;
    _cleanup_fault_ Fault *fault = NULL;
    unsigned job;

    int r = guest_count_again(entry->guest, &may_stop, &fault);
    if (r == 0)
        r = manager_start_by(m, name, false, may_stop, &job, &fault);
    if (r < 0)
        fault_raise(&fault, FAULT_FAILED, NULL, "%s", g_strerror(-r));
    if (r != 0)
        guest_not_again(entry->guest, fault);
}

static void on_settled(void *userdata)
{
    Manager *m = userdata;
    g_autoptr(GPtrArray) entries = g_ptr_array_new();
    GHashTableIter iter;
    GuestEntry *entry;

    m->again = udev_settle_free(m->again);
    g_hash_table_iter_init(&iter, m->guests);
    while (g_hash_table_iter_next(&iter, NULL, (void **)&entry))
        if (guest_comes_again(entry->guest))
            g_ptr_array_add(entries, entry);
    for (unsigned i = 0; i < entries->len; i++)
        start_again(m, g_ptr_array_index(entries, i));
}

void manager_start_again_soon(Manager *m)
{
    if (m->again)
        return;
    int r = udev_settle_new(m->engine->event, "/run/udev", SETTLE_USEC, on_settled, m, &m->again);
    if (r < 0)
        log_error("cannot start guests again: %s", g_strerror(-r));
}

void manager_recall_ends(Manager *m)
{
    bool any = false;
    GHashTableIter iter;
    GuestEntry *entry;

    g_hash_table_iter_init(&iter, m->guests);
    while (g_hash_table_iter_next(&iter, NULL, (void **)&entry)) {
        guest_recall_end(entry->guest);
        any = any || guest_comes_again(entry->guest);
    }
    if (any)
        manager_start_again_soon(m);
}
