/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What all of the manager reads and tells: guests by name, jobs by number, what has changed. */
#include <stdlib.h>
#include <string.h>

#include "../../base/log.h"
#include "private.h"

void manager_announce(Manager *m, ManagerChange change, const char *id)
{
    if (m->listener)
        m->listener(change, id, m->userdata);
}

static void on_job_changed(Job *job, void *userdata)
{
    Manager *m = userdata;
    g_autofree char *id = g_strdup_printf("%u", job->id);

    if (!job->result) {
        manager_announce(m, MANAGER_JOB_CHANGED, id);
        return;
    }
    g_autofree char *why = job->fault ? fault_to_line(job->fault) : NULL;
    log_info("job %u: %s %s: %s%s%s", job->id, job_type_to_string(job->type), job->subject, job->result,
             why ? ": " : "", why ?: "");
    manager_announce(m, MANAGER_JOB_ENDED, id);
    host_cache_stale(m->host);
    g_hash_table_remove(m->jobs, GUINT_TO_POINTER(job->id));
}

Job *manager_new_job(Manager *m, JobType type, const char *subject)
{
    Job *job = job_new(++m->last_job, type, subject);
    g_autofree char *id = g_strdup_printf("%u", job->id);

    job->changed = on_job_changed;
    job->userdata = m;
    g_hash_table_insert(m->jobs, GUINT_TO_POINTER(job->id), job);
    manager_announce(m, MANAGER_JOB_ADDED, id);
    return job;
}

static int compare_numbers(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

    return x < y ? -1 : x > y;
}

GArray *manager_jobs(Manager *m)
{
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(unsigned));
    GHashTableIter iter;
    void *key;

    g_hash_table_iter_init(&iter, m->jobs);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        unsigned id = GPOINTER_TO_UINT(key);
        g_array_append_val(ids, id);
    }
    g_array_sort(ids, compare_numbers);
    return ids;
}

const Job *manager_running_job(Manager *m, JobType type, const char *subject)
{
    GHashTableIter iter;
    const Job *job;

    g_hash_table_iter_init(&iter, m->jobs);
    while (g_hash_table_iter_next(&iter, NULL, (void **)&job))
        if (!job->result && job->type == type && g_str_equal(job->subject, subject))
            return job;
    return NULL;
}

const Job *manager_job(Manager *m, unsigned id)
{
    return g_hash_table_lookup(m->jobs, GUINT_TO_POINTER(id));
}

GuestEntry *manager_guest_entry(Manager *m, const char *name)
{
    return g_hash_table_lookup(m->guests, name);
}

/* Each guest costs time and memory at every reload. */
bool manager_has_room(Manager *m)
{
    return g_hash_table_size(m->guests) < MANAGER_GUESTS_MAX;
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **manager_guest_names(Manager *m)
{
    unsigned n;
    char **keys = (char **)g_hash_table_get_keys_as_array(m->guests, &n);
    char **names = g_new0(char *, n + 1);

    qsort(keys, n, sizeof(char *), compare_strings);
    for (unsigned i = 0; i < n; i++)
        names[i] = g_strdup(keys[i]);
    g_free(keys);
    return names;
}

int manager_refuse_leftovers(const Guest *guest, Fault **ret_fault)
{
    const Fault *why = guest_fault(guest);

    if (!guest_has_leftovers(guest))
        return 0;
    g_autofree char *stop = g_strdup_printf("correct that, then: usherctl stop %s", guest_name(guest));
    return fault_raise(ret_fault, FAULT_DRIFT,
                       guest_devices(guest)->len > 0
                           ? "look at usherctl devices, correct that, then: usherctl restore DEVICE"
                           : stop,
                       "guest %s: not all of its last run was restored: %s", guest_name(guest),
                       why ? why->message : "see its journal");
}

int manager_refuse_sought(const Guest *guest, Fault **ret_fault)
{
    if (!guest_is_sought(guest))
        return 0;
    return fault_raise(ret_fault, FAULT_BUSY, "try again in a few seconds",
                       "usherd was restarted, and guest %s has not answered yet", guest_name(guest));
}

/* While a job runs, each step reports a change: a look at the whole host each time would hold up the next
 * step. The job's end makes up for it. */
void manager_look_again(Manager *m, const char *text)
{
    PciAddress address;

    if (g_hash_table_size(m->jobs) == 0 || pci_address_from_string(text, &address) < 0)
        host_cache_stale(m->host);
    else
        host_cache_look_at(m->host, address);
}

void manager_sync_plugs(Manager *m)
{
    GHashTableIter iter;
    GuestEntry *entry;

    g_hash_table_iter_init(&iter, m->guests);
    while (g_hash_table_iter_next(&iter, NULL, (void **)&entry)) {
        guest_sync_inputs(entry->guest);
        guest_sync_usbs(entry->guest);
    }
}

void manager_devices_changed(Manager *m, const GPtrArray *addresses)
{
    for (unsigned i = 0; i < addresses->len; i++) {
        manager_look_again(m, g_ptr_array_index(addresses, i));
        manager_announce(m, MANAGER_DEVICE_CHANGED, g_ptr_array_index(addresses, i));
    }
}

const Host *manager_host(Manager *m)
{
    return host_cache_get(m->host);
}
