/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../../../daemon/core/record/guest-state.h"
#include "../suite.h"

#define NO (-EPROTO)
#define STOPPED GUEST_STOPPED
#define PREPARE GUEST_PREPARING
#define STARTNG GUEST_STARTING
#define RUNNING GUEST_RUNNING
#define PAUSED_ GUEST_PAUSED
#define STOPPNG GUEST_STOPPING
#define UNRESPO GUEST_UNRESPONSIVE
#define RESTORE GUEST_RESTORING
#define FAILED_ GUEST_FAILED

/* clang-format off */
/* The whole life of a guest, written down a second time, so that nobody changes the table by mistake. */
static const int expected[GUEST_STATE_MAX][GUEST_EVENT_MAX] = {
    /*              START    LAUNCH   RUN      PAUSE    STOP     SILENT   ANSWER   END      RESTORED FAILED   ADOPT */
    /* stopped  */ {PREPARE, NO,      NO,      NO,      NO,      NO,      NO,      RESTORE, NO,      FAILED_, RUNNING},
    /* preparing*/ {NO,      STARTNG, NO,      NO,      STOPPNG, NO,      NO,      RESTORE, NO,      NO,      NO},
    /* starting */ {NO,      NO,      RUNNING, NO,      STOPPNG, UNRESPO, NO,      RESTORE, NO,      NO,      NO},
    /* running  */ {NO,      NO,      RUNNING, PAUSED_, STOPPNG, UNRESPO, NO,      RESTORE, NO,      NO,      NO},
    /* paused   */ {NO,      NO,      RUNNING, PAUSED_, STOPPNG, UNRESPO, NO,      RESTORE, NO,      NO,      NO},
    /* stopping */ {NO,      NO,      STOPPNG, STOPPNG, STOPPNG, STOPPNG, STOPPNG, RESTORE, NO,      NO,      NO},
    /* unrespon.*/ {NO,      NO,      RUNNING, PAUSED_, STOPPNG, NO,      RUNNING, RESTORE, NO,      NO,      NO},
    /* restoring*/ {NO,      NO,      NO,      NO,      RESTORE, NO,      NO,      NO,      STOPPED, FAILED_, NO},
    /* failed   */ {PREPARE, NO,      NO,      NO,      NO,      NO,      NO,      RESTORE, NO,      FAILED_, RUNNING},
};
/* clang-format on */

START_TEST(every_pair_of_state_and_event_leads_where_the_table_says)
{
    for (int state = 0; state < GUEST_STATE_MAX; state++)
        for (int event = 0; event < GUEST_EVENT_MAX; event++)
            ck_assert_msg(guest_state_next(state, event) == expected[state][event], "%s + %s → %d",
                          guest_state_to_string(state), guest_event_to_string(event),
                          guest_state_next(state, event));
}
END_TEST

START_TEST(what_is_no_state_or_event_is_a_protocol_error)
{
    ck_assert_int_eq(guest_state_next(GUEST_STATE_INVALID, GUEST_EVENT_START), -EPROTO);
    ck_assert_int_eq(guest_state_next(GUEST_STATE_MAX, GUEST_EVENT_START), -EPROTO);
    ck_assert_int_eq(guest_state_next(GUEST_STOPPED, GUEST_EVENT_MAX), -EPROTO);
    ck_assert_int_eq(guest_state_next(GUEST_STOPPED, -1), -EPROTO);
}
END_TEST

START_TEST(from_every_state_a_guest_can_come_to_rest)
{
    /* A guest rests in stopped and failed: from any state, an end and its restoring lead there. */
    for (int state = 0; state < GUEST_STATE_MAX; state++) {
        int next = state == GUEST_RESTORING ? state : guest_state_next(state, GUEST_EVENT_END);
        ck_assert_int_eq(next, GUEST_RESTORING);
        ck_assert_int_eq(guest_state_next(next, GUEST_EVENT_RESTORED), GUEST_STOPPED);
        ck_assert_int_eq(guest_state_next(next, GUEST_EVENT_FAILED), GUEST_FAILED);
    }
}
END_TEST

START_TEST(every_state_has_a_name)
{
    static const char *const names[GUEST_STATE_MAX] = {"stopped",      "preparing", "starting",
                                                       "running",      "paused",    "stopping",
                                                       "unresponsive", "restoring", "failed"};
    for (int state = 0; state < GUEST_STATE_MAX; state++)
        ck_assert_str_eq(guest_state_to_string(state), names[state]);
    ck_assert_ptr_null(guest_state_to_string(GUEST_STATE_MAX));
    ck_assert_ptr_null(guest_state_to_string(GUEST_STATE_INVALID));
}
END_TEST

START_TEST(every_event_has_a_name_of_its_own)
{
    for (int a = 0; a < GUEST_EVENT_MAX; a++)
        for (int b = 0; b < a; b++)
            ck_assert_str_ne(guest_event_to_string(a), guest_event_to_string(b));
    ck_assert_ptr_null(guest_event_to_string(GUEST_EVENT_MAX));
}
END_TEST

START_TEST(a_guest_is_live_while_there_may_be_a_process)
{
    for (int state = 0; state < GUEST_STATE_MAX; state++) {
        bool still = state == GUEST_STOPPED || state == GUEST_PREPARING || state == GUEST_RESTORING ||
                     state == GUEST_FAILED;
        ck_assert_int_eq(guest_state_live(state), !still);
    }
}
END_TEST

SUITE("guest-state", every_pair_of_state_and_event_leads_where_the_table_says,
      what_is_no_state_or_event_is_a_protocol_error, from_every_state_a_guest_can_come_to_rest,
      every_state_has_a_name, every_event_has_a_name_of_its_own,
      a_guest_is_live_while_there_may_be_a_process)
