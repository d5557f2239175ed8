/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the manager's guests are ended, and what their runs left is tried again. */
#include "../../edge/store/journal.h"
#include "private.h"
#include "../execution/undo.h"

int manager_stop(Manager *m, const char *name, bool kill, unsigned *ret_job, Fault **ret_fault)
{
    GuestEntry *entry;

    int r = manager_find_guest(m, name, &entry, ret_fault);
    if (r != 0)
        return r;
    bool again = guest_at_rest(entry->guest) && guest_has_leftovers(entry->guest) && !kill;
    /* Its unit may be about to bring it up once more (Restart=). */
    if (guest_at_rest(entry->guest))
        launcher_stop(m->engine->launcher, LAUNCHER_GUEST, name, NULL, NULL);
    if (guest_comes_again(entry->guest)) {
        guest_stay_down(entry->guest);
        return fault_raise(ret_fault, FAULT_NOT_RUNNING, NULL,
                           "guest %s is not running; it was about to be started again, and is not any more",
                           name);
    }
    if (guest_at_rest(entry->guest) && !again)
        return fault_raise(ret_fault, FAULT_NOT_RUNNING, NULL, "guest %s is not running", name);

    JobType type = kill ? JOB_KILL : JOB_STOP;
    /* However often it is asked for: all wait for one end. */
    const Job *running = manager_running_job(m, type, name);
    Job *job = running ? NULL : manager_new_job(m, type, name);
    *ret_job = running ? running->id : job->id;
    if (again) {
        /* If no device is left, an administrator can name none to have the kernel believed. */
        guest_restore(entry->guest, job, guest_devices(entry->guest)->len == 0);
        return 0;
    }
    return kill ? guest_kill(entry->guest, job, ret_fault) : guest_stop(entry->guest, job, false, ret_fault);
}

int manager_plan_stop(Manager *m, const char *name, GPtrArray **ret, Fault **ret_fault)
{
    const Owner owner = owner_of_guest(name);
    GuestEntry *entry;
    Journal *journal;

    int r = manager_find_guest(m, name, &entry, ret_fault);
    if (r != 0)
        return r;
    if (guest_at_rest(entry->guest) && !guest_has_leftovers(entry->guest))
        return fault_raise(ret_fault, FAULT_NOT_RUNNING, NULL, "guest %s is not running", name);
    r = journal_open(m->engine->journal_fd, owner.text, &journal);
    if (r < 0)
        return r;
    *ret = undo_plan(journal);
    journal_close(journal);
    return 0;
}
