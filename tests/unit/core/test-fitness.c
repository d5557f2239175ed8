/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../../daemon/core/plan/fitness.h"
#include "../../../daemon/core/plan/plan.h"
#include "../suite.h"
#include "a-host.h"

static void assert_bind_refused(const Host *host, const char *message, const char *remedy)
{
    BindWish wish = {.address = address_of("0000:01:00.0")};
    Plan *plan = NULL;
    _cleanup_fault_ Fault *fault = NULL;

    ck_assert_int_eq(plan_bind(host, NULL, &wish, &plan, &fault), FAULT_RAISED);
    ck_assert_ptr_null(plan);
    ck_assert_int_eq(fault->kind, FAULT_REFUSED);
    ck_assert_msg(strstr(fault->message, message), "%s", fault->message);
    ck_assert_msg(strstr(fault->remedy, remedy), "%s", fault->remedy);
}

START_TEST(a_dead_device_is_refused_with_its_power_state)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    HostDevice *gpu = device_of(host, "0000:01:00.0");
    gpu->dead = true;
    gpu->power.state = g_strdup("D3cold");
    assert_bind_refused(host, "0000:01:00.0 is dead: its config space reads as all ones", "journalctl -k");
    assert_bind_refused(host, "(power state D3cold)", "off and on again");
}
END_TEST

START_TEST(a_dead_sibling_that_goes_along_is_refused_too)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    device_of(host, "0000:01:00.1")->dead = true;
    assert_bind_refused(host, "0000:01:00.1 is dead", "journalctl -k");
}
END_TEST

START_TEST(a_device_in_quarantine_is_refused_with_the_reason_and_the_way_out)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    device_of(host, "0000:01:00.1")->quarantine =
        g_strdup("since 2026-01-01 10:00:00: reset failed: Input/output error");
    assert_bind_refused(
        host, "0000:01:00.1 is in quarantine since 2026-01-01 10:00:00: reset failed: Input/output error",
        "usherctl reset --clear 0000:01:00.1");
}
END_TEST

SUITE("fitness", a_dead_device_is_refused_with_its_power_state, a_dead_sibling_that_goes_along_is_refused_too,
      a_device_in_quarantine_is_refused_with_the_reason_and_the_way_out)
