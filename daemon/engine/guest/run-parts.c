/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Puts a run together: makes each of its parts, with the handler of that part. */
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
    run->start = (Start){.phases = start_phases, .phase = start_phases, .nvram_fd = -1};
    run->agent = inner_agent_new(guest->engine->event, guest->name, agent_path, &guest_agent_handler, guest);
    run->link = qemu_link_new(guest->engine->event, guest->name, qmp_path, &guest_link_handler, guest);
    run->companions = companions_new(guest->engine->event, guest->name, &guest_companions_handler, guest);
    run->plugs = plugs_new(guest->engine, guest->name, run->link, &guest_plugs_handler, guest);
    run->ladder = ladder_new(guest->engine->event, guest->name, run->link, &guest_ladder_handler, guest);
    run->controls = controls_new(guest->name, run->link, guest_take_status, guest);
    run->medium = medium_new(guest->engine, guest->name, run->link);
    run->sleeper = sleeper_new(guest->engine, guest->name, &guest_sleeper_handler, guest);
    run->streams =
        streams_new(guest->engine, guest->name, run->link, console_path, guest_open_log_for_streams, guest);
    return run;
}
