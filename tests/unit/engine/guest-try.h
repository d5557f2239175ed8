/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest, its jobs and a QEMU that does what the test says. */
#pragma once

#include <string.h>

#include "rig-guest.h"

/* A guest and what came of it; its jobs are kept to be looked at. */
typedef struct Try {
    Rig *rig;
    Guest *guest;
    RigReport report;
    Job *start, *stop, *again;
} Try;

static inline void try_free(Try *try)
{
    guest_free(try->guest);
    job_free(try->start);
    job_free(try->stop);
    job_free(try->again);
}

#define A_TRY(name, rig)                                                                                     \
    __attribute__((cleanup(try_free))) Try name = try_new(rig);                                              \
    name.guest = rig_guest(&name.report)

static inline Try try_new(Rig *rig)
{
    return (Try){
        .rig = rig,
        .report = {.rig = rig},
        .start = job_new(1, JOB_START, "win10"),
        .stop = job_new(2, JOB_STOP, "win10"),
        .again = job_new(3, JOB_STOP, "win10"),
    };
}

static inline void start(Try *try)
{
    rig_begin(try->rig, try->guest, rig_definition(try->rig, ""), try->start);
}

static inline void run(Try *try, FakeQemu *qemu)
{
    start(try);
    fake_qemu_launch(qemu, try->guest);
    if (strstr(try->rig->definition, "Pin=")) {
        g_free(fake_qemu_place(qemu, (const char *const[]){"placed", NULL}));
        fake_qemu_serve(qemu);
    }
    ck_assert_int_eq(guest_state(try->guest), GUEST_RUNNING);
}

static const LauncherExit fine = {.known = true};

/* One that has not been started yet. */
#define A_GUEST_AT_REST(build)                                                                               \
    A_RIG(build);                                                                                            \
    A_TRY(try, &rig);                                                                                        \
    A_QEMU(qemu, &rig)
/* QEMU has its devices and says nothing. */
#define A_SILENT_QEMU(build)                                                                                 \
    A_GUEST_AT_REST(build);                                                                                  \
    start(&try);                                                                                             \
    fake_qemu_connect(&qemu, try.guest);                                                                     \
    ck_assert(fake_qemu_take_over(&qemu))
#define A_RUN(build)                                                                                         \
    A_GUEST_AT_REST(build);                                                                                  \
    run(&try, &qemu)

static inline void qemu_ends(const Try *try, const LauncherExit *how)
{
    fake_launcher_exit(try->rig->engine.launcher, "win10", how);
    rig_settle(try->rig);
}

static inline void assert_state(const Try *try, GuestState state)
{
    ck_assert_str_eq(guest_state_to_string(guest_state(try->guest)), guest_state_to_string(state));
}

static inline void assert_stopped(const Try *try)
{
    assert_state(try, GUEST_STOPPED);
    ck_assert_ptr_null(guest_fault(try->guest));
    ck_assert_uint_eq(try->report.rested, 1);
    rig_assert_restored(try->rig);
}
