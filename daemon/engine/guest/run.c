/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "private.h"

void run_drop_qmp(Run *run)
{
    streams_close(run->streams);
    qemu_link_close(run->link);
    medium_drop(run->medium);
    /* The guest's wishes for the host's sleep go with the run. */
    controls_drop(run->controls, run->sleeper);
}

/* This comes first, as an answer may concern what is freed next. */
static void forget_questions(Run *run)
{
    run_drop_qmp(run);
    start_call_off(run);
    sd_event_source_disable_unref(run->deadline);
    execution_free(run->execution);
}

Run *run_free(Run *run)
{
    if (!run)
        return NULL;
    Guest *g = run->guest;

    forget_questions(run);
    inputs_free(run->inputs);
    usbs_free(run->usbs);
    plugs_free(run->plugs);
    companions_free(run->companions);
    qemu_link_free(run->link);
    ladder_free(run->ladder);
    controls_free(run->controls);
    medium_free(run->medium);
    inner_agent_free(run->agent);
    sleeper_free(run->sleeper);
    streams_free(run->streams);
    channel_free(run->start.launch);
    guest_log_close(run->console_log);
    journal_close(run->journal);
    plan_free(run->plan);
    definition_free(run->definition);
    g_free(run->condition.trouble);
    g_strfreev(run->condition.warnings);
    g_free(run);
    g->run = NULL;
    return NULL;
}
