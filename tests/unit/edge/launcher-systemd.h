/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The launcher over a stand-in for systemd, and what it called back. */
#pragma once

#include <signal.h>
#include <sys/wait.h>

#include "../../../daemon/edge/launcher/private.h"
#include "launcher-heard.h"
#include "loop.h"
#include "mock-systemd.h"

#define UNIT "usher-guest@win10.service"

static sd_event *event;
static PrivateBus private;
static MockSystemd mock;
static sd_bus *bus;
static Launcher *launcher;

/* Turns until this call has reached the mock. */
static inline void until_called(const char *call)
{
    while (!strstr(mock.calls->str, call))
        ck_assert_msg(sd_event_run(event, LOOP_DEADLINE_USEC) > 0, "no call of %s in %s", call,
                      mock.calls->str);
}

static inline void setup(void)
{
    event = loop_new();
    private_bus_start(&private);
    mock_systemd_start(&mock, &private, event);
    bus = private_bus_connect(&private, event, NULL);
    ck_assert_int_eq(launcher_new_systemd(event, bus, &launcher), 0);
    launcher_on_failed(launcher, LAUNCHER_GUEST, on_failed, NULL);
    until_called("Subscribe|");
}

static inline void teardown(void)
{
    launcher = launcher_free(launcher);
    bus = sd_bus_flush_close_unref(bus);
    mock_systemd_stop(&mock);
    private_bus_stop(&private);
    event = sd_event_unref(event);
    heard_nothing();
}

/* A process that stands for the guest's, and ends with the status. */
static inline pid_t process_new(void)
{
    pid_t pid = fork();

    if (pid == 0)
        for (;;)
            pause();
    return pid;
}

static inline void process_kill(pid_t pid)
{
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

/* Turns until everything that the mock has sent is heard: the answer to this call comes after it. */
static inline void settle(void)
{
    int before = finds;

    ck_assert_int_eq(launcher_find(launcher, LAUNCHER_GUEST, "win10", 0, 0, on_found, NULL), 0);
    loop_until_count(event, &finds, before + 1);
}
