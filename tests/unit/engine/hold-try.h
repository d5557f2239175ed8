/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A group that is bound by hand upon the rig. */
#pragma once

#include <string.h>

#include "../../../daemon/engine/hold/hold.h"
#include "rig.h"

/* A hold and what came of it; the job is kept to be looked at. */
typedef struct Try {
    Rig *rig;
    Hold *hold;
    Job *job;
    unsigned rested;
    bool in_use; /* its group is a guest's */
    unsigned claims;
} Try;

static inline void try_free(Try *try)
{
    hold_free(try->hold);
    job_free(try->job);
}

#define A_TRY(name, rig) __attribute__((cleanup(try_free))) Try name = {rig}

static inline void on_rested(Hold *hold, void *userdata)
{
    Try *try = userdata;

    try->rested++;
    if (!hold_bound(hold))
        try->hold = hold_free(hold);
}

static inline bool on_claim(Hold *hold, void *userdata)
{
    Try *try = userdata;

    try->claims++;
    return !try->in_use;
}

static const HoldHandler handler = {on_claim, on_rested};

static inline void new_job(Try *try, JobType type, const char *address)
{
    job_free(try->job);
    try->job = job_new(1, type, address);
}

/* may_stop: units, with commas between, or NULL. */
static inline void begin_bind(Try *try, const char *address, const char *may_stop)
{
    BindWish wish = {.whole_group = true};
    g_autoptr(Host) host = NULL;
    _cleanup_fault_ Fault *fault = NULL;
    Plan *plan = NULL;

    ck_assert_int_eq(pci_address_from_string(address, &wish.address), 0);
    ck_assert_int_eq(host_scan(&try->rig->engine.host_place, NULL, &host), 0);
    int r = plan_bind(host, NULL, &wish, &plan, &fault);
    ck_assert_msg(r == 0, "%s", fault ? fault->message : strerror(-r));
    if (may_stop)
        plan->may_stop = g_strsplit(may_stop, ",", -1);
    new_job(try, JOB_BIND, address);
    ck_assert_int_eq(hold_bind(&try->rig->engine, plan, try->job, &handler, try, &try->hold), 0);
}
