/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "../../base/cleanup.h"
#include "../../base/log.h"
#include "../../edge/store/journal.h"
#include "private.h"

/* A unit that failed before its launcher could speak. */
static void on_launch_failed(const char *instance, const char *message, void *userdata)
{
    GuestEntry *entry = manager_guest_entry(userdata, instance);

    if (entry)
        guest_launch_failed(entry->guest, message);
}

static void on_given_up(const char *instance, const char *message, void *userdata)
{
    GuestEntry *entry = manager_guest_entry(userdata, instance);

    if (entry)
        guest_given_up(entry->guest, message);
}

static void on_host_taken(const Host *host, void *userdata)
{
    manager_note_drift(userdata, host);
}

static void on_definitions_changed(void *userdata)
{
    manager_reload(userdata);
}

int manager_new(Engine *engine, Manager **ret)
{
    Manager *m = g_new0(Manager, 1);

    m->engine = engine;
    m->start_again = manager_start_again_soon;
    m->guests = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)guest_entry_free);
    m->holds = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)hold_free);
    m->jobs = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, (GDestroyNotify)job_free);
    m->arrivals = g_ptr_array_new_with_free_func(manager_arrival_free);
    m->claims = claims_new();
    m->skipped = g_ptr_array_new();
    m->questions = g_ptr_array_new_with_free_func((GDestroyNotify)manager_question_free);
    m->names = pci_name_table_new();
    m->drift = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    m->host = host_cache_new(engine, on_host_taken, m);
    launcher_on_failed(engine->launcher, LAUNCHER_GUEST, on_launch_failed, m);
    launcher_on_given_up(engine->launcher, on_given_up, m);

    int r = definition_store_new(engine->event, engine->definitions_path, on_definitions_changed, m,
                                 &m->definitions);
    if (r >= 0)
        r = manager_watch_devices(m);
    if (r < 0) {
        manager_free(m);
        return r;
    }
    *ret = m;
    return 0;
}

DEFINE_FREE(Manager, manager_free, m)
{
    launcher_on_failed(m->engine->launcher, LAUNCHER_GUEST, NULL, NULL);
    launcher_on_given_up(m->engine->launcher, NULL, NULL);
    sd_event_source_disable_unref(m->tidy);
    udev_settle_free(m->again);
    g_ptr_array_free(m->arrivals, TRUE);
    manager_drop_questions(m);
    sd_event_source_disable_unref(m->settle);
    step_marks_free(m->marks);
    g_hash_table_destroy(m->drift);
    host_monitor_free(m->monitor);
    g_hash_table_destroy(m->guests);
    g_hash_table_destroy(m->holds);
    g_hash_table_destroy(m->jobs);
    g_ptr_array_unref(m->skipped);
    definition_store_free(m->definitions);
    claims_free(m->claims);
    pci_name_table_free(m->names);
    host_cache_free(m->host);
}

void manager_listen(Manager *m, ManagerListener listener, void *userdata)
{
    m->listener = listener;
    m->userdata = userdata;
}

const char *manager_launcher_name(Manager *m)
{
    return launcher_name(m->engine->launcher);
}

char *manager_unit(Manager *m, const char *name)
{
    return launcher_unit(m->engine->launcher, LAUNCHER_GUEST, name);
}

/* After a restart. */

void manager_recover(Manager *m)
{
    g_auto(GStrv) owners = NULL;

    manager_recover_stuck(m);
    int r = journal_owners(m->engine->journal_fd, &owners);
    if (r < 0)
        log_error("cannot look for journals in %s/journal: %s", m->engine->run_path, strerror(-r));
    /* Guests come first: they keep what they use, whatever the journal of a hold says. */
    for (char **owner = owners; owner && *owner; owner++)
        if (owner_guest(*owner))
            manager_recover_guest(m, owner_guest(*owner));
    for (char **owner = owners; owner && *owner; owner++)
        if (owner_bind(*owner))
            manager_recover_hold(m, *owner);
    manager_reload(m);
    manager_recall_ends(m);
    /* Only now is it known which devices are lent, and so which of them are in drift. */
    manager_look_soon(m);
}

void manager_sync_sleep(Manager *m)
{
    GHashTableIter iter;
    GuestEntry *entry;

    g_hash_table_iter_init(&iter, m->guests);
    while (g_hash_table_iter_next(&iter, NULL, (void **)&entry))
        guest_sync_sleep(entry->guest);
}

/* The check. */

typedef struct Check {
    Manager *manager;
    ManagerChecked checked;
    void *userdata;
} Check;

/* Checks the guests whose definition can be read; the state of the others says what is wrong. */
static void check_guests(Manager *m, GPtrArray *findings)
{
    g_auto(GStrv) names = manager_guest_names(m);
    HostWidths widths = host_widths_read(&m->engine->host_place);

    for (char **name = names; *name; name++) {
        g_autoptr(GuestDefinition) definition = NULL;
        _cleanup_fault_ Fault *fault = NULL;
        if (manager_load(m, *name, &definition, &fault) != 0)
            continue;
        check_guest(findings, manager_host(m), definition);
        check_widths(findings, &widths, definition);
    }
}

static void check_skipped(Manager *m, GPtrArray *findings)
{
    for (unsigned i = 0; i < m->skipped->len; i++) {
        const Skipped *skipped = g_ptr_array_index(m->skipped, i);
        finding_add(findings, "definitions", FINDING_WARNING, skipped->remedy, "%s/%s is left out: %s",
                    m->engine->definitions_path, skipped->file, skipped->why);
    }
}

static void on_facts(const QemuFacts *facts, const char *message, void *userdata)
{
    g_autofree Check *check = userdata;
    g_autoptr(GPtrArray) findings =
        check_host(check->manager->engine, manager_host(check->manager), facts, message);

    check_skipped(check->manager, findings);
    check_guests(check->manager, findings);
    check->checked(findings, check->userdata);
}

bool manager_knows_qemu(Manager *m)
{
    return qemu_probe_known(m->engine->probe) != NULL;
}

void manager_ask_qemu(Manager *m, QemuProbed asked, void *userdata)
{
    qemu_probe_get(m->engine->probe, asked, userdata);
}

void manager_check(Manager *m, ManagerChecked checked, void *userdata)
{
    Check *check = g_new0(Check, 1);

    *check = (Check){m, checked, userdata};
    /* No event tells of a governor, or of huge pages. */
    host_cache_stale(m->host);
    qemu_probe_get(m->engine->probe, on_facts, check);
}
