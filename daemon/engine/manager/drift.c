/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What somebody else did to devices that are lent, and what hangs in the kernel since before a restart of the
 * daemon. */
#include <string.h>

#include "../../base/log.h"
#include "../../edge/host-services/clock.h"
#include "../../core/host/vfio-driver.h"
#include "private.h"

/* A change of drivers comes as several events; a hang that somebody else caused comes as none. */
#define SETTLE_USEC (50 * G_TIME_SPAN_MILLISECOND)

/* What is wrong with a lent device that is not on vfio-pci as it should be; the caller frees it. */
static char *describe_drift(const Host *host, const char *text)
{
    PciAddress address;
    const HostDevice *device = pci_address_from_string(text, &address) == 0 ? host_find(host, address) : NULL;

    if (!device)
        return g_strdup_printf("%s has gone from the host", text);
    if (device->stuck)
        return g_strdup_printf("somebody is unbinding %s, which hangs until the device is released", text);
    if (!device->driver)
        return g_strdup_printf("%s was taken from vfio-pci and has no driver", text);
    if (!vfio_driver_has(device))
        return g_strdup_printf("%s was taken from vfio-pci and is on %s", text, device->driver);
    return NULL;
}

static void look_at(GHashTable *drift, const Host *host, const char *address)
{
    char *words = describe_drift(host, address);

    if (words)
        g_hash_table_replace(drift, g_strdup(address), words);
}

/* Looks only at owners that are at rest: on the way, a device may be in any state. */
static GHashTable *find_drift(Manager *m, const Host *host)
{
    GHashTable *drift = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    GHashTableIter iter;
    GuestEntry *entry;
    Hold *hold;

    g_hash_table_iter_init(&iter, m->guests);
    while (g_hash_table_iter_next(&iter, NULL, (void **)&entry)) {
        const GPtrArray *devices = guest_devices(entry->guest);
        for (unsigned i = 0; guest_state_live(guest_state(entry->guest)) && i < devices->len; i++)
            look_at(drift, host, g_ptr_array_index(devices, i));
    }
    g_hash_table_iter_init(&iter, m->holds);
    while (g_hash_table_iter_next(&iter, NULL, (void **)&hold)) {
        g_autoptr(GPtrArray) devices = hold_at_rest(hold) ? hold_driven(hold) : g_ptr_array_new();
        for (unsigned i = 0; i < devices->len; i++)
            look_at(drift, host, g_ptr_array_index(devices, i));
    }
    return drift;
}

static const char *guest_of(Manager *m, const char *address)
{
    GHashTableIter iter;
    GuestEntry *entry;

    g_hash_table_iter_init(&iter, m->guests);
    while (g_hash_table_iter_next(&iter, NULL, (void **)&entry))
        if (g_ptr_array_find_with_equal_func((GPtrArray *)guest_devices(entry->guest), address, g_str_equal,
                                             NULL))
            return guest_name(entry->guest);
    return NULL;
}

static void announce(Manager *m, const char *address, const char *guest)
{
    manager_announce(m, MANAGER_DEVICE_CHANGED, address);
    if (guest)
        manager_announce(m, MANAGER_GUEST_CHANGED, guest);
}

static void tell_drift(Manager *m, const char *address, const char *words)
{
    const char *guest = guest_of(m, address);

    log_message(LOG_WARNING, guest, address, "drift: %s, though %s%s has it", words,
                guest ? "guest " : "usherctl bind", guest ?: "");
    announce(m, address, guest);
}

/* Drift ends because the device was put back, or because nobody has it any more: only the former is news. */
static void tell_end(Manager *m, const Host *host, const char *address)
{
    const char *guest = guest_of(m, address);
    g_autofree char *words = describe_drift(host, address);

    if (!words)
        log_message(LOG_NOTICE, guest, address, "%s is on vfio-pci again", address);
    announce(m, address, guest);
}

void manager_note_drift(Manager *m, const Host *host)
{
    GHashTable *old = m->drift;
    GHashTableIter iter;
    const char *address, *words;

    m->drift = find_drift(m, host);
    g_hash_table_iter_init(&iter, m->drift);
    while (g_hash_table_iter_next(&iter, (void **)&address, (void **)&words))
        if (g_strcmp0(g_hash_table_lookup(old, address), words) != 0)
            tell_drift(m, address, words);
    g_hash_table_iter_init(&iter, old);
    while (g_hash_table_iter_next(&iter, (void **)&address, NULL))
        if (!g_hash_table_contains(m->drift, address))
            tell_end(m, host, address);
    g_hash_table_destroy(old);
}

static int on_settled(sd_event_source *source, uint64_t usec, void *userdata)
{
    const Host *host;

    host_cache_look(((Manager *)userdata)->host, NULL, &host);
    return 0;
}

void manager_look_soon(Manager *m)
{
    clock_after(m->engine->event, SETTLE_USEC, on_settled, m, &m->settle);
}

const char *manager_device_drift(Manager *m, const char *address)
{
    return g_hash_table_lookup(m->drift, address);
}

/* What hangs. */

static void go_on(Manager *m, const char *text)
{
    PciAddress address;
    bool device = pci_address_from_string(text, &address) == 0;
    GHashTableIter iter;
    GuestEntry *entry;
    Hold *hold;

    /* Only a journal knows whose a mediated device was: everything that was not restored is tried again. */
    g_hash_table_iter_init(&iter, m->guests);
    while (g_hash_table_iter_next(&iter, NULL, (void **)&entry))
        if (!device || g_ptr_array_find_with_equal_func((GPtrArray *)guest_devices(entry->guest), text,
                                                        g_str_equal, NULL))
            guest_unstuck(entry->guest);
    g_hash_table_iter_init(&iter, m->holds);
    while (device && g_hash_table_iter_next(&iter, NULL, (void **)&hold))
        if (hold_covers(hold, address))
            hold_unstuck(hold);
}

static void on_freed(const char *address, void *userdata)
{
    Manager *m = userdata;

    g_hash_table_remove(m->engine->stuck, address);
    log_device(LOG_NOTICE, address, "a write to %s that an earlier usherd had begun has ended in the kernel",
               address);
    host_cache_stale(m->host);
    if (!g_uuid_string_is_valid(address))
        manager_announce(m, MANAGER_DEVICE_CHANGED, address);
    go_on(m, address);
}

void manager_recover_stuck(Manager *m)
{
    int r = step_marks_find(m->engine->event, m->engine->steps_fd, on_freed, m, &m->marks);
    if (r < 0) {
        log_error("cannot look for writes that hang: %s", strerror(-r));
        return;
    }
    g_autoptr(GPtrArray) addresses = step_marks_list(m->marks);
    for (unsigned i = 0; i < addresses->len; i++) {
        const char *address = g_ptr_array_index(addresses, i);
        g_hash_table_add(m->engine->stuck, g_strdup(address));
        log_device(LOG_WARNING, address, "a write to %s that an earlier usherd had begun hangs in the kernel",
                   address);
    }
}
