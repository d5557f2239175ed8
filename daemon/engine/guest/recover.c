/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Takes up an earlier run of a guest. After a restart of the daemon the guest's QEMU is found and followed
 * again; steps that could not be undone are tried once more. */
#include <string.h>

#include "../../base/file.h"
#include "../../base/log.h"
#include "private.h"
#include "../execution/undo.h"

static int on_unheard(sd_event_source *source, uint64_t usec, void *userdata)
{
    Guest *g = userdata;

    qemu_link_go_silent(g->run->link);
    return 0;
}

/* A QEMU that says nothing for 5 s counts as unresponsive, so that it can be ended. */
static void find_qemu(Guest *g)
{
    qemu_link_open(g->run->link, false);
    guest_set_deadline(g, QMP_ANSWER_USEC, on_unheard);
}

/* The first line is QEMU's. */
static void find_companions(Guest *g)
{
    g_autofree char *text = NULL;

    if (file_read_value_at(g->folder_fd, "process", &text) < 0)
        return;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    companions_find(g->run->companions, (const char *const *)lines + (*lines != NULL), g->run->process.pid);
}

static void on_found(pid_t pid, void *userdata)
{
    Run *run = userdata;
    Guest *g = run->guest;

    if (pid == 0) {
        log_guest(LOG_NOTICE, g->name, "ended while usherd was away; restoring its devices");
        g->run->recovering = false;
        guest_ended(g);
        return;
    }
    g->run->process.pid = pid;
    guest_find_console_log(g);
    guest_watch_process(g);
    if (g->run->process.watched)
        find_companions(g);
    if (g->run->process.watched)
        find_qemu(g);
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void guest_recover(Guest *g, GuestDefinition *definition)
{
    const Owner owner = owner_of_guest(g->name);
    uint64_t start_time = 0;

    revival_recall(g->revival);
    run_new(g);
    g->run->definition = definition;
    g->run->recovering = true;
    int r = guest_open_run_folder(g);
    if (r >= 0)
        r = journal_open(g->engine->journal_fd, owner.text, &g->run->journal);
    if (r >= 0) {
        plugs_set_journal(g->run->plugs, g->run->journal);
        g_ptr_array_unref(g->addresses);
        g->addresses = undo_lent(g->run->journal);
        /* As before: the steps are in the order of their undoing. */
        g_ptr_array_sort(g->addresses, compare_strings);
        guest_claim_disks_again(g);
        guest_recall_warnings(g);
        guest_recall_usbs(g);
        guest_read_process(g, &start_time);
        r = launcher_find(g->engine->launcher, LAUNCHER_GUEST, g->name, g->run->process.pid, start_time,
                          on_found, g->run);
    }
    if (r < 0) {
        log_guest(LOG_ERR, g->name, "cannot look for what was running: %s", strerror(-r));
        on_found(0, g->run);
    }
}

void guest_restore(Guest *g, Job *job, bool believe_kernel)
{
    const Owner owner = owner_of_guest(g->name);

    if (job)
        g_ptr_array_add(g->end_jobs, job);
    g->fault = fault_free(g->fault);
    run_new(g)->stop_asked = g->end_was_asked;
    if (journal_open(g->engine->journal_fd, owner.text, &g->run->journal) < 0)
        log_guest(LOG_ERR, g->name, "cannot open its journal again");
    guest_set_state(g, GUEST_EVENT_END);
    guest_undo(g, believe_kernel);
}

void guest_unstuck(Guest *g)
{
    if (guest_at_rest(g) && g->leftovers) {
        log_guest(LOG_NOTICE, g->name, "going on to give its devices back");
        guest_restore(g, NULL, false);
    } else if (g->run) {
        plugs_unstuck(g->run->plugs);
    }
}
