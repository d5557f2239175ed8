/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../../base/cleanup.h"
#include "private.h"

Run *run_new(Guest *guest)
{
    Run *run = g_new0(Run, 1);
    g_autofree char *agent_path = guest_run_path(guest, "agent.sock"),
                    *qmp_path = guest_run_path(guest, "qmp.sock"),
                    *console_path = guest_run_path(guest, "console.sock");

    g_assert(!guest->run);
    guest->run = run;
    run->guest = guest;
    run->condition.state = (RunState){RUN_BEGINS, ""};
    run->start = (Start){.phases = start_phases, .phase = start_phases, .sound_fd = -1};
    run->agent = inner_agent_new(guest->engine->event, guest->name, agent_path, &guest_agent_handler, guest);
    run->link = qemu_link_new(guest->engine->event, guest->name, qmp_path, &guest_link_handler, guest);
    run->companions = companions_new(guest->engine->event, guest->name, &guest_companions_handler, guest);
    run->plugs = plugs_new(guest->engine, guest->name, &guest_plugs_handler, guest);
    run->ladder = ladder_new(guest->engine->event, guest->name, &guest_ladder_handler, guest);
    run->controls = controls_new(guest->name, run->link, guest_take_controls_status, guest);
    run->medium = medium_new(guest->engine, guest->name, run->link);
    run->sleeper = sleeper_new(guest->engine, guest->name, &guest_sleeper_handler, guest);
    run->streams = streams_new(guest->engine->event, guest->name, run->link, console_path,
                               guest_open_log_for_streams, guest);
    return run;
}

void run_drop_qmp(Run *run)
{
    streams_close(run->streams);
    qemu_link_close(run->link);
    medium_drop(run->medium);
    /* What the guest wants of itself when the host sleeps goes with the run. */
    controls_drop(run->controls, run->sleeper);
}

/* First of all, as an answer may be about what is let go of next. */
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
    g_free(run);
    g->run = NULL;
    return NULL;
}
