/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Host CPUs for the guest alone, and their speed. */
#include "../../../daemon/core/host/cpu-list.h"
#include "../suite.h"
#include "a-plan.h"

#define ALONE "[CPU]\nPin=2-3\nIsolate=yes\n"
#define FAST "[CPU]\nPin=2-3\nGovernor=performance\n"

static Host *a_host_with_cpus(unsigned n, const char *governor)
{
    Host *host = a_host();

    for (unsigned i = 0; i < n; i++)
        host_add_cpu(host, i)->governor = g_strdup(governor);
    host->governors = governor ? g_strdup("performance schedutil") : NULL;
    host->cpusets = true;
    host_add_slice(host, "init.scope", cpu_set_parse(""));
    host_add_slice(host, "system.slice", cpu_set_parse(""));
    return host;
}

static void assert_steps_on(const Host *host, const Claims *claims, const char *text, const char *steps)
{
    g_autoptr(Plan) plan = planned(host, claims, text, false);
    g_autofree char *words = steps_in_words(plan);

    ck_assert_str_eq(words, steps);
}

START_TEST(every_slice_of_the_host_is_kept_off)
{
    g_autoptr(Host) host = a_host_with_cpus(8, NULL);
    host_add_slice(host, "user.slice", cpu_set_parse("3,7"));

    assert_steps_on(host, NULL, ALONE,
                    "cpusets of usher.slice: absent → live\n"
                    "kept-off of init.scope: none → 2-3\n"
                    "kept-off of system.slice: none → 2-3\n"
                    "kept-off of user.slice: 3,7 → 2-3,7\n");
    host->guests_cpusets = true;
    assert_steps_on(host, NULL, "[CPU]\nPin=3,7\nIsolate=yes\n",
                    "kept-off of init.scope: none → 3,7\n"
                    "kept-off of system.slice: none → 3,7\n");
    assert_steps_on(host, NULL, "[CPU]\nPin=2-3\n", "");
}
END_TEST

START_TEST(one_host_cpu_at_least_is_the_host_s)
{
    g_autoptr(Host) host = a_host_with_cpus(4, NULL);
    g_autoptr(Claims) claims = claims_new();
    g_autoptr(GArray) others = cpu_list_parse("0-1");

    assert_refused_on(host, NULL, "[CPU]\nPin=0-3\nIsolate=yes\n", FAULT_REFUSED,
                      "guest win10: [CPU] Isolate=yes with Pin=0-3 would leave init.scope no host CPU (0-3)");
    /* Another guest was promised the other host CPUs, though its steps have not been taken yet. */
    ck_assert(claims_take_cpus(claims, others, "guest/other"));
    assert_refused_on(host, claims, ALONE, FAULT_REFUSED,
                      "guest win10: [CPU] Isolate=yes with Pin=2-3 would leave init.scope no host CPU (0-3)");
}
END_TEST

START_TEST(a_host_cpu_is_one_guest_s_alone)
{
    g_autoptr(Host) host = a_host_with_cpus(8, NULL);
    g_autoptr(Claims) claims = claims_new();
    g_autoptr(GArray) others = cpu_list_parse("3-4");

    ck_assert(claims_take_cpus(claims, others, "guest/other"));
    assert_refused_on(host, claims, ALONE, FAULT_IN_USE,
                      "guest win10: [CPU] Pin=: host CPU 3 is reserved for guest other");
    assert_steps_on(host, claims, "[CPU]\nPin=3-4\n", "");
}
END_TEST

START_TEST(what_cannot_be_kept_off_is_refused)
{
    g_autoptr(Host) old = a_host_with_cpus(4, NULL), bare = a_host();

    old->cpusets = false;
    assert_refused_on(old, NULL, ALONE, FAULT_REFUSED,
                      "guest win10: [CPU] Isolate=yes needs the controller cpuset of cgroup v2, which this "
                      "host does not have");
    assert_refused_on(
        bare, NULL, ALONE, FAULT_REFUSED,
        "guest win10: [CPU] Isolate=yes needs systemd, whose slices keep other processes off host "
        "CPUs");
}
END_TEST

START_TEST(host_cpus_that_are_not_there_are_refused)
{
    g_autoptr(Host) host = a_host_with_cpus(4, NULL), unknown = a_host();

    assert_refused_on(host, NULL, "[CPU]\nPin=2-4,9\n", FAULT_REFUSED,
                      "guest win10: [CPU] Pin= names host CPU 4,9, and the host has 0-3");
    assert_refused_on(host, NULL, "[CPU]\nPin=2-3\nEmulatorPin=7\n", FAULT_REFUSED,
                      "guest win10: [CPU] EmulatorPin= names host CPU 7, and the host has 0-3");
    assert_steps_on(unknown, NULL, "[CPU]\nPin=2-9\n", "");
}
END_TEST

START_TEST(each_pinned_host_cpu_gets_its_governor)
{
    g_autoptr(Host) host = a_host_with_cpus(4, "schedutil"), none = a_host_with_cpus(4, NULL);

    assert_steps_on(host, NULL, FAST,
                    "governor of cpu2: schedutil → performance\n"
                    "governor of cpu3: schedutil → performance\n");
    assert_steps_on(host, NULL, "[CPU]\nPin=2-3\nGovernor=schedutil\n", "");
    assert_refused_on(none, NULL, FAST, FAULT_REFUSED,
                      "guest win10: [CPU] Governor=performance: this host cannot set the speed of host CPU 2 "
                      "(it has no cpufreq)");
}
END_TEST

START_TEST(a_governor_that_is_not_there_is_refused_with_those_that_are)
{
    g_autoptr(Host) host = a_host_with_cpus(4, "schedutil");

    assert_no_plan(host, "[CPU]\nPin=2-3\nGovernor=ondemand\n", FAULT_REFUSED,
                   "guest win10: [CPU] Governor=ondemand: this host has no such governor",
                   "choose one of: performance schedutil; or load the governor's module, if there is one: "
                   "modprobe cpufreq_ondemand");
}
END_TEST

SUITE("plan-host-cpus", every_slice_of_the_host_is_kept_off, one_host_cpu_at_least_is_the_host_s,
      a_host_cpu_is_one_guest_s_alone, what_cannot_be_kept_off_is_refused,
      host_cpus_that_are_not_there_are_refused, each_pinned_host_cpu_gets_its_governor,
      a_governor_that_is_not_there_is_refused_with_those_that_are)
