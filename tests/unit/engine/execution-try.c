/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "execution-try.h"

static void on_progress(Execution *execution, const char *words, unsigned done, unsigned total,
                        void *userdata)
{
    Try *try = userdata;

    ck_assert_uint_lt(done, total);
    g_string_append_printf(try->progress, "%s\n", words);
}

static void on_ended(Execution *execution, const Fault *fault, void *userdata)
{
    Try *try = userdata;

    try->ended++;
    try->fault = fault_copy(fault);
    try->execution = execution_free(execution);
}

static void on_unstuck(const char *subject, void *userdata)
{
    ((Try *)userdata)->unstuck++;
}

const ExecutionHandler try_handler = {on_progress, on_ended, on_unstuck};

void try_free(Try *try)
{
    execution_free(try->execution);
    journal_close(try->journal);
    fault_free(try->fault);
    g_string_free(try->progress, TRUE);
}

Try try_new(Rig *rig)
{
    return (Try){.rig = rig, .journal = rig_journal(rig, OWNER), .progress = g_string_new(NULL)};
}

void try_run(Try *try, bool with_guest)
{
    g_autoptr(Plan) plan = rig_plan(try->rig);

    try->execution = execution_run(&try->rig->engine, try->journal, plan->steps, &try_handler, try);
    if (with_guest)
        execution_set_guest(try->execution, GUEST_UID, GUEST_UID);
}

void try_undo(Try *try, bool believe_kernel)
{
    try->fault = fault_free(try->fault);
    try->ended = 0;
    try->execution = execution_undo(&try->rig->engine, try->journal, believe_kernel, &try_handler, try);
}

void try_die(Try *try, bool finish)
{
    rig_die(try->rig, finish);
    try->execution = execution_free(try->execution);
    try->journal = journal_close(try->journal);
    rig_come_again(try->rig);
    try->journal = rig_journal(try->rig, OWNER);
}

bool try_crash_at(Try *try, unsigned turn, bool finish)
{
    for (unsigned i = 0; i < turn; i++)
        if (!rig_turn(try->rig))
            break;
    bool alive = try->ended == 0;
    try_die(try, finish);
    return alive;
}

void try_assert_done(const Try *try)
{
    ck_assert_uint_eq(try->ended, 1);
    ck_assert_msg(!try->fault, "%s", try->fault ? try->fault->message : "");
}

static void try_assert_undone(Try *try)
{
    try_assert_done(try);
    try->journal = journal_remove(try->journal);
    rig_assert_restored(try->rig);
}

void try_run_on(Try *try)
{
    try_run(try, true);
    rig_settle(try->rig);
}

void try_undo_on(Try *try, bool believe_kernel)
{
    try_undo(try, believe_kernel);
    rig_settle(try->rig);
}

void try_undo_all(Try *try)
{
    try_undo_on(try, false);
    try_assert_undone(try);
}

void try_run_all(Try *try)
{
    try_run_on(try);
    try_assert_done(try);
}

void try_believe(Try *try)
{
    try_undo_on(try, true);
    try_assert_done(try);
}

void try_assert_drift(const Try *try, const char *message)
{
    ck_assert_uint_eq(try->ended, 1);
    ck_assert_int_eq(try->fault->kind, FAULT_DRIFT);
    ck_assert_str_eq(try->fault->message, message);
}
