/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a step that systemd does has answered in a test, with a mock of systemd and a launcher that talks to
 * it. */
#pragma once

#include "../../../daemon/edge/helper/worker.h"
#include "../../../daemon/edge/launcher/launcher.h"
#include "loop.h"
#include "mock-systemd.h"

static sd_event *event;
static PrivateBus private;
static MockSystemd mock;
static sd_bus *bus;
static Launcher *launcher;

static int answers, awaited;
static WorkerVerdict verdict;
static int error;
static char *live;

static inline void on_answered(const WorkerAnswer *answer, void *userdata)
{
    verdict = answer->verdict;
    error = answer->error;
    g_free(live);
    live = g_strdup(answer->live);
    answers++;
}

/* The mock has one more object: what the step is about. */
static inline void systemd_begin(const char *path, const char *interface, const sd_bus_vtable *vtable,
                                 void *userdata)
{
    answers = awaited = 0;
    event = loop_new();
    private_bus_start(&private);
    mock_systemd_start(&mock, &private, event);
    ck_assert_int_ge(sd_bus_add_object_vtable(mock.bus, NULL, path, interface, vtable, userdata), 0);
    bus = private_bus_connect(&private, event, NULL);
    ck_assert_int_ge(launcher_new_systemd(event, bus, &launcher), 0);
}

static inline void systemd_end(void)
{
    launcher_free(launcher);
    mock_systemd_stop(&mock);
    sd_bus_flush_close_unref(bus);
    private_bus_stop(&private);
    sd_event_unref(event);
    g_clear_pointer(&live, g_free);
}

/* Turns until one more answer is there. */
static inline void until_answered(WorkerVerdict wanted)
{
    loop_until_count(event, &answers, ++awaited);
    ck_assert_int_eq(verdict, wanted);
}
