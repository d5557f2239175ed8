/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The phases of a start in which QEMU is asked what it can do: first whether the guest can be had at all, and
 * then, when its user is known, for its command line. */
#include "../gate/preflight.h"
#include "private.h"

static bool waits_for(const Run *run, StartPhaseAct *phase)
{
    return start_is_at(run, phase) && run->guest->state == GUEST_PREPARING;
}

/* Fails the guest unless QEMU can do what is asked of it. */
static bool judge(Run *run, const QemuFacts *facts, const char *message)
{
    Fault *fault = NULL;

    if (!facts)
        fault = preflight_silent_qemu(message);
    else
        preflight_check_qemu(run->definition, run->plan, facts, run->start.tools, &fault);
    if (fault)
        guest_fail(run->guest, fault);
    return !fault;
}

static void on_abilities(const QemuFacts *facts, const char *message, void *userdata)
{
    Run *run = userdata;

    if (waits_for(run, phase_abilities) && judge(run, facts, message))
        start_phase_done(run);
}

void phase_abilities(Run *run)
{
    /* What is known now need not have been known when the start was asked for, and judged then. */
    qemu_probe_get(run->guest->engine->probe, on_abilities, run);
}

static void on_facts(const QemuFacts *facts, const char *message, void *userdata)
{
    Run *run = userdata;
    HostTools *tools = run->start.tools;

    if (!waits_for(run, phase_command))
        return;
    tools->uid = run->process.uid;
    tools->gid = run->process.gid;
    if (!judge(run, facts, message))
        return;
    run->start.command = qemu_command_build(run->definition, run->plan, facts, tools);
    start_phase_done(run);
}

/* QEMU is asked again if it has been replaced meanwhile. */
void phase_command(Run *run)
{
    qemu_probe_get(run->guest->engine->probe, on_facts, run);
}

void phase_abilities_off(Run *run)
{
    qemu_probe_forget(run->guest->engine->probe, run);
}
