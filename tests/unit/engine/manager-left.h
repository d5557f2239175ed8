/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a daemon that died has left behind. */
#pragma once

#include <unistd.h>

#include "../../../daemon/engine/execution/execution.h"
#include "manager-up.h"

static inline void on_ended(Execution *execution, const Fault *fault, void *userdata)
{
    *(unsigned *)userdata += 1;
    execution_free(execution);
}

/* Part of a start or a bind, as left by a daemon that lived for this many turns. */
static inline bool leave_behind(Rig *rig, const Plan *plan, unsigned turns)
{
    static const ExecutionHandler handler = {.ended = on_ended};
    Journal *journal = rig_journal(rig, plan->owner);
    unsigned ended = 0;
    Execution *execution = execution_run(&rig->engine, journal, plan->steps, &handler, &ended);

    execution_set_guest(execution, GUEST_UID, GUEST_UID);
    for (unsigned i = 0; i < turns && ended == 0 && rig_turn(rig); i++)
        ;
    rig_die(rig, false);
    if (ended == 0)
        execution_free(execution);
    journal_close(journal);
    rig_come_again(rig);
    return ended > 0;
}

static inline void leave_start_behind(Rig *rig)
{
    g_autoptr(Plan) plan = rig_plan(rig);

    ck_assert(leave_behind(rig, plan, G_MAXUINT));
}

/* True if it had come to its end. */
static inline bool leave_some_bind_behind(Rig *rig, const char *address, unsigned turns)
{
    BindWish wish = {};
    g_autoptr(Host) host = NULL;
    g_autoptr(Plan) plan = NULL;
    _cleanup_fault_ Fault *fault = NULL;

    pci_address_from_string(address, &wish.address);
    ck_assert_int_eq(host_scan(&rig->engine.host_place, NULL, &host), 0);
    ck_assert_int_eq(plan_bind(host, NULL, &wish, &plan, &fault), 0);
    return leave_behind(rig, plan, turns);
}

static inline void leave_bind_behind(Rig *rig, const char *address)
{
    ck_assert(leave_some_bind_behind(rig, address, G_MAXUINT));
}

static inline int try_restore(Manager *manager, const char *address, Fault **ret_fault)
{
    PciAddress parsed;
    unsigned job;

    pci_address_from_string(address, &parsed);
    return manager_restore(manager, parsed, &job, ret_fault);
}
