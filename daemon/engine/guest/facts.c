/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The phase of a start in which QEMU is asked what it can do, so that its command line can be built. */
#include "../gate/preflight.h"
#include "private.h"

static void on_facts(const QemuFacts *facts, const char *message, void *userdata)
{
    Run *run = userdata;
    Guest *g = run->guest;
    HostTools *tools = run->start.tools;
    Fault *fault = NULL;

    if (!start_is_at(run, phase_facts) || g->state != GUEST_PREPARING)
        return;
    tools->uid = run->process.uid;
    tools->gid = run->process.gid;
    if (!facts)
        fault = fault_new(FAULT_GUEST_FAILED, "try: usherctl check", "cannot ask QEMU what it can do: %s",
                          message);
    else
        preflight_check_qemu(run->definition, run->plan, facts, tools, &fault);
    if (fault) {
        guest_fail(g, fault);
        return;
    }
    run->start.command = qemu_command_build(run->definition, run->plan, facts, tools);
    start_phase_done(run);
}

void phase_facts(Run *run)
{
    qemu_probe_get(run->guest->engine->probe, on_facts, run);
}

void phase_facts_off(Run *run)
{
    qemu_probe_forget(run->guest->engine->probe, run);
}
