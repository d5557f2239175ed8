/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A running guest that gets devices and lets go of them. */
#pragma once

#include <string.h>

#include "rig-guest.h"

#define GPU "0000:01:00.0"
#define AUDIO "0000:01:00.1"
#define OWN "[PCI gpu]\nAddress=0000:01:00.0\n"

typedef struct Try {
    Rig *rig;
    FakeQemu *qemu;
    Guest *guest;
    Claims *claims;
    Job *job;
    unsigned ended;
    bool iommufd; /* the host has it */
    RigReport report;
} Try;

static inline void try_free(Try *try)
{
    guest_free(try->guest);
    job_free(try->job);
    claims_free(try->claims);
    g_string_free(try->report.devices, TRUE);
}

static inline Host *look(const Try *try)
{
    Host *host = NULL;

    ck_assert_int_eq(host_scan(&try->rig->engine.host_place, NULL, &host), 0);
    if (try->iommufd)
        host->iommufd.lack = NULL;
    return host;
}

static inline void begin(Try *try, const char *definition)
{
    try->rig->definition = definition;
    GuestDefinition *read = rig_definition(try->rig, "");
    g_autoptr(Host) host = look(try);
    Plan *plan = NULL;

    try->guest = rig_guest(&try->report);
    ck_assert_int_eq(plan_start(host, NULL, read, &plan, NULL), 0);
    claims_take_all(try->claims, plan->groups, OWNER);
    claims_note_nodes(try->claims, plan->steps);
    guest_start(try->guest, read, plan, NULL, false);
    fake_qemu_launch(try->qemu, try->guest);
    ck_assert_int_eq(guest_state(try->guest), GUEST_RUNNING);
    g_string_truncate(try->qemu->commands, 0);
}

#define A_RUN(build, text)                                                                                   \
    A_RIG(build);                                                                                            \
    A_QEMU(qemu, &rig);                                                                                      \
    qemu.group = 12;                                                                                         \
    __attribute__((cleanup(try_free))) Try try = {&rig, &qemu};                                              \
    try.claims = claims_new();                                                                               \
    try.report = (RigReport){.rig = &rig, .devices = g_string_new(NULL)};                                    \
    begin(&try, text)

static inline void on_job(Job *job, void *userdata)
{
    ((Try *)userdata)->ended += job->result != NULL;
}

static inline Job *a_job(Try *try, JobType type)
{
    job_free(try->job);
    try->ended = 0;
    try->job = job_new(1, type, "win10");
    try->job->changed = on_job;
    try->job->userdata = try;
    return try->job;
}

static inline Plan *a_plan(Try *try, const char *text)
{
    g_autoptr(Host) host = look(try);
    _cleanup_fault_ Fault *fault = NULL;
    BindWish wish = {};
    Plan *plan = NULL;

    pci_address_from_string(text, &wish.address);
    int r =
        plan_attach(host, try->claims, OWNER, &wish, guest_section(try->guest, wish.address), &plan, &fault);
    ck_assert_msg(r == 0, "%s", fault ? fault->message : "?");
    claims_take_all(try->claims, plan->groups, OWNER);
    claims_note_nodes(try->claims, plan->steps);
    return plan;
}

static inline void ask_attach(Try *try, const char *address, char **may_stop)
{
    Plan *plan = a_plan(try, address);
    _cleanup_fault_ Fault *fault = NULL;

    plan->may_stop = g_strdupv(may_stop);
    ck_assert_int_eq(guest_check_pluggable(try->guest, &fault), 0);
    ck_assert_int_eq(guest_check_attach(try->guest, plan, &fault), 0);
    guest_attach(try->guest, plan, address, a_job(try, JOB_ATTACH));
}

static inline void attach(Try *try, const char *address)
{
    ask_attach(try, address, NULL);
    fake_qemu_serve(try->qemu);
}

static inline void detach(Try *try, const char *address)
{
    _cleanup_fault_ Fault *fault = NULL;

    ck_assert_int_eq(guest_check_pluggable(try->guest, &fault), 0);
    ck_assert_int_eq(guest_check_detach(try->guest, address, &fault), 0);
    ck_assert_int_eq(guest_detach(try->guest, address, a_job(try, JOB_DETACH)), 0);
    fake_qemu_serve(try->qemu);
}

static inline void assert_ended(const Try *try, const char *result, const char *words)
{
    ck_assert_uint_eq(try->ended, 1);
    ck_assert_str_eq(try->job->result, result);
    ck_assert_msg(!words || strstr(try->job->fault->message, words), "%s",
                  try->job->fault ? try->job->fault->message : "no fault");
}

static inline void end_guest(Try *try)
{
    fake_qemu_hang_up(try->qemu);
    g_hash_table_remove_all(try->qemu->devices);
    fake_host_close_group(try->rig->host, 12);
    fake_launcher_exit(try->rig->engine.launcher, "win10",
                       &(LauncherExit){.known = true, .by_signal = true, .status = 9});
    rig_settle(try->rig);
    ck_assert_uint_eq(try->report.rested, 1);
    rig_assert_restored(try->rig);
}
