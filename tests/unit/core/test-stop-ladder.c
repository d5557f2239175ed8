/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../../../daemon/core/record/stop-ladder.h"

#include <glib.h>

#include "../suite.h"

/* A guest that runs and answers, with an agent that a definition gives 30 s. */
static StopView a_view(const char *status)
{
    StopView view = {.run = run_state_read(status), .qemu_answers = true, .agent_open = true};

    stop_ladder_default_times(view.usec);
    view.usec[STOP_RUNG_AGENT] = 30 * G_USEC_PER_SEC;
    return view;
}

/* All rungs that would be taken one after the other, as "agent power-button …". */
static char *climb(const StopView *view)
{
    g_autoptr(GString) words = g_string_new(NULL);

    for (StopRung rung = STOP_RUNG_WAKE; rung < STOP_RUNG_MAX; rung++) {
        rung = stop_ladder_from(rung, view);
        g_string_append_printf(words, "%s%s", words->len > 0 ? " " : "", stop_rung_to_string(rung));
    }
    return g_string_free(g_steal_pointer(&words), FALSE);
}

static void assert_climb(const StopView *view, const char *expected)
{
    g_autofree char *words = climb(view);

    ck_assert_str_eq(words, expected);
}

START_TEST(a_guest_that_runs_is_asked_before_it_is_forced)
{
    StopView view = a_view("running");

    assert_climb(&view, "agent power-button quit terminate kill");
}
END_TEST

START_TEST(only_a_guest_that_sleeps_is_woken_first)
{
    StopView view = a_view("suspended");

    assert_climb(&view, "wake-up agent power-button quit terminate kill");
}
END_TEST

START_TEST(without_an_agent_the_power_button_is_the_first)
{
    StopView closed = a_view("running"), none = a_view("running");

    closed.agent_open = false;
    assert_climb(&closed, "power-button quit terminate kill");
    none.usec[STOP_RUNG_AGENT] = 0;
    assert_climb(&none, "power-button quit terminate kill");
}
END_TEST

START_TEST(a_qemu_that_does_not_answer_gets_signals_alone)
{
    StopView view = a_view("suspended");

    view.qemu_answers = false;
    assert_climb(&view, "terminate kill");
}
END_TEST

START_TEST(a_rung_that_has_no_time_is_left_out_but_for_the_last)
{
    StopView view = a_view("running");

    view.usec[STOP_RUNG_POWER_BUTTON] = view.usec[STOP_RUNG_TERMINATE] = 0;
    assert_climb(&view, "agent quit kill");
    for (StopRung rung = STOP_RUNG_NONE; rung < STOP_RUNG_MAX; rung++)
        view.usec[rung] = 0;
    assert_climb(&view, "kill");
}
END_TEST

START_TEST(what_changes_while_it_stops_leads_to_the_rung_that_is_heard)
{
    static const struct {
        const char *status;
        bool awake, panicked;
        StopRung from, to;
    } cases[] = {
        {"running", false, false, STOP_RUNG_WAKE, STOP_RUNG_AGENT},
        {"suspended", false, false, STOP_RUNG_WAKE, STOP_RUNG_WAKE},
        /* QEMU cannot wake it. */
        {"suspended", true, false, STOP_RUNG_WAKE, STOP_RUNG_AGENT},
        {"running", false, false, STOP_RUNG_AGENT, STOP_RUNG_AGENT},
        {"running", false, false, STOP_RUNG_POWER_BUTTON, STOP_RUNG_POWER_BUTTON},
        /* It falls asleep during the rung. */
        {"suspended", false, false, STOP_RUNG_AGENT, STOP_RUNG_WAKE},
        {"suspended", false, false, STOP_RUNG_POWER_BUTTON, STOP_RUNG_WAKE},
        /* It is woken once. */
        {"suspended", true, false, STOP_RUNG_POWER_BUTTON, STOP_RUNG_QUIT},
        {"paused", false, false, STOP_RUNG_AGENT, STOP_RUNG_QUIT},
        {"io-error", true, false, STOP_RUNG_POWER_BUTTON, STOP_RUNG_QUIT},
        {"running", false, true, STOP_RUNG_POWER_BUTTON, STOP_RUNG_QUIT},
        /* A guest in an unknown state may hear. */
        {"napping", false, false, STOP_RUNG_POWER_BUTTON, STOP_RUNG_POWER_BUTTON},
        /* These rungs are for QEMU itself and the kernel, and need nothing of the guest. */
        {"suspended", false, true, STOP_RUNG_QUIT, STOP_RUNG_QUIT},
        {"paused", false, true, STOP_RUNG_TERMINATE, STOP_RUNG_TERMINATE},
        {"paused", false, true, STOP_RUNG_KILL, STOP_RUNG_KILL},
        {"paused", false, true, STOP_RUNG_NONE, STOP_RUNG_NONE},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        StopView view = a_view(cases[i].status);
        view.awake = cases[i].awake;
        view.panicked = cases[i].panicked;
        ck_assert_msg(stop_ladder_on(cases[i].from, &view) == cases[i].to, "case %u: %s on %s", i,
                      cases[i].status, stop_rung_to_string(cases[i].from));
    }
}
END_TEST

START_TEST(a_system_that_hangs_is_waited_for_less_but_qemu_is_not)
{
    StopView view = a_view("watchdog"), running = a_view("running");

    ck_assert_uint_eq(stop_ladder_patience(STOP_RUNG_POWER_BUTTON, &view), 10 * G_USEC_PER_SEC);
    ck_assert_uint_eq(stop_ladder_patience(STOP_RUNG_POWER_BUTTON, &running), 60 * G_USEC_PER_SEC);
    view.usec[STOP_RUNG_QUIT] = 20 * G_USEC_PER_SEC;
    ck_assert_uint_eq(stop_ladder_patience(STOP_RUNG_QUIT, &view), 20 * G_USEC_PER_SEC);
}
END_TEST

START_TEST(the_whole_takes_what_its_rungs_take_without_the_last)
{
    StopView running = a_view("running"), asleep = a_view("suspended");

    ck_assert_uint_eq(stop_ladder_usec(&running), (30 + 60 + 5 + 5) * G_USEC_PER_SEC);
    ck_assert_uint_eq(stop_ladder_usec(&asleep), (5 + 30 + 60 + 5 + 5) * G_USEC_PER_SEC);
}
END_TEST

SUITE("stop-ladder", a_guest_that_runs_is_asked_before_it_is_forced, only_a_guest_that_sleeps_is_woken_first,
      without_an_agent_the_power_button_is_the_first, a_qemu_that_does_not_answer_gets_signals_alone,
      a_rung_that_has_no_time_is_left_out_but_for_the_last,
      what_changes_while_it_stops_leads_to_the_rung_that_is_heard,
      a_system_that_hangs_is_waited_for_less_but_qemu_is_not,
      the_whole_takes_what_its_rungs_take_without_the_last)
