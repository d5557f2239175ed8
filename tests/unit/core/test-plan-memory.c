/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a guest's memory comes from. */
#include "../../../daemon/core/host/huge-pages.h"
#include "../suite.h"
#include "a-plan.h"

static void a_node(Host *host, unsigned number, uint64_t total, uint64_t free)
{
    HostNode node = {.number = number};

    node.pages[HUGE_PAGES_2M].there = true;
    node.pages[HUGE_PAGES_2M].total = total;
    node.pages[HUGE_PAGES_2M].free = free;
    g_array_append_val(host->nodes, node);
}

#define A_GIGABYTE "[Memory]\nSize=1G\nHugePages=2M\n"

START_TEST(pages_that_are_missing_come_before_any_device)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    a_node(host, 0, 100, 40);
    g_autoptr(Plan) plan = a_plan(host, A_GIGABYTE "[PCI gpu]\nAddress=01:00.0\n");

    assert_step(plan, 0, "huge-pages of node0/2048kB: 100 → 572");
    ck_assert_uint_gt(plan->steps->len, 1);
    /* With one node there is nothing to choose. */
    ck_assert_int_eq(plan->memory_node, -1);
}
END_TEST

START_TEST(pages_that_are_there_need_no_step)
{
    g_autoptr(Host) host = a_host();
    a_node(host, 0, 600, 512);
    g_autoptr(Plan) plan = a_plan(host, A_GIGABYTE), usual = a_plan(host, "[Memory]\nSize=1G\n");

    ck_assert_uint_eq(plan->steps->len, 0);
    ck_assert_uint_eq(usual->steps->len, 0);
}
END_TEST

START_TEST(pages_are_of_the_node_that_the_device_is_at)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    a_node(host, 0, 600, 600);
    a_node(host, 1, 0, 0);
    device_of(host, "0000:01:00.0")->numa_node = 1;
    g_autoptr(Plan) near = a_plan(host, A_GIGABYTE "[PCI gpu]\nAddress=01:00.0\n"),
                    none = a_plan(host, A_GIGABYTE), named = a_plan(host, A_GIGABYTE "Node=1\n"),
                    usual = a_plan(host, "[Memory]\nSize=1G\nNode=1\n"),
                    any = a_plan(host, "[Memory]\nSize=1G\n[PCI gpu]\nAddress=01:00.0\n");

    assert_step(near, 0, "huge-pages of node1/2048kB: 0 → 512");
    assert_step(named, 0, "huge-pages of node1/2048kB: 0 → 512");
    ck_assert_uint_eq(none->steps->len, 0);
    ck_assert_int_eq(near->memory_node, 1);
    ck_assert_int_eq(named->memory_node, 1);
    ck_assert_int_eq(none->memory_node, 0);
    ck_assert_int_eq(usual->memory_node, 1);
    ck_assert_int_eq(any->memory_node, -1);
}
END_TEST

START_TEST(nodes_and_sizes_that_are_not_there_are_refused)
{
    g_autoptr(Host) host = a_host(), without = a_host();
    a_node(host, 0, 0, 0);

    assert_refused_on(host, NULL, "[Memory]\nNode=3\n", FAULT_REFUSED,
                      "guest win10: [Memory] Node=3: the host has no such NUMA node");
    assert_refused_on(host, NULL, "[Memory]\nHugePages=1G\n", FAULT_REFUSED,
                      "guest win10: this host has no huge pages of 1G");
    assert_refused_on(without, NULL, "[Memory]\nHugePages=2M\n", FAULT_REFUSED,
                      "guest win10: this host has no huge pages of 2M");
}
END_TEST

START_TEST(pages_that_another_guest_was_promised_are_not_counted_twice)
{
    g_autoptr(Host) host = a_host();
    g_autoptr(Claims) claims = claims_new();
    g_autoptr(GuestDefinition) definition = a_definition(A_GIGABYTE);
    g_autoptr(Plan) first = NULL, second = NULL, same = NULL;

    a_node(host, 0, 600, 600);
    ck_assert_int_eq(plan_start(host, claims, definition, &first, NULL), 0);
    ck_assert_uint_eq(first->steps->len, 0);
    ck_assert_uint_eq(first->pages->len, 1);
    const PlanPages *pages = &g_array_index(first->pages, PlanPages, 0);
    ck_assert_uint_eq(pages->n, 512);
    claims_set_pages(claims, pages->place, pages->n, "guest/other");
    ck_assert_int_eq(plan_start(host, claims, definition, &second, NULL), 0);
    assert_step(second, 0, "huge-pages of node0/2048kB: 600 → 1024");
    /* A guest's own pages do not count against it, nor do those of another node. */
    claims_give_up(claims, "guest/other");
    claims_set_pages(claims, pages->place, pages->n, "guest/win10");
    claims_set_pages(claims, "node1/2048kB", 512, "guest/third");
    ck_assert_int_eq(plan_start(host, claims, definition, &same, NULL), 0);
    ck_assert_uint_eq(same->steps->len, 0);
}
END_TEST

#define TWO_NODES                                                                                            \
    "[CPU]\nCores=4\n[Memory]\nSize=1G\nHugePages=2M\n[NUMA a]\nMemory=512M\nCPUs=0-1\nNode=0\n"             \
    "[NUMA b]\nMemory=256M\nCPUs=2\nNode=1\n[NUMA c]\nMemory=256M\nCPUs=3\nNode=1\n"

START_TEST(each_numa_node_of_a_guest_has_its_pages_from_a_node_of_the_hosts)
{
    g_autoptr(Host) host = a_host(), one = a_host();
    g_autoptr(Claims) claims = claims_new();

    a_node(host, 0, 0, 0);
    a_node(host, 1, 100, 100);
    a_node(one, 0, 0, 0);
    g_autoptr(Plan) plan = a_plan(host, TWO_NODES);
    ck_assert_uint_eq(plan->steps->len, 2);
    assert_step(plan, 0, "huge-pages of node0/2048kB: 0 → 256");
    assert_step(plan, 1, "huge-pages of node1/2048kB: 100 → 256");
    ck_assert_uint_eq(plan->memory, (UINT64_C(256) + 156) << 21);
    plan_claim_memory(plan, claims);
    ck_assert_uint_eq(claims_pages(claims, "node0/2048kB", "guest/other"), 256);
    ck_assert_uint_eq(claims_pages(claims, "node1/2048kB", "guest/other"), 256);
    ck_assert_uint_eq(claims_pages(claims, "node1/2048kB", "guest/win10"), 0);
    claims_drop_pages(claims, "guest/win10");
    ck_assert_uint_eq(claims_pages(claims, "node0/2048kB", "guest/other"), 0);
    assert_refused_on(one, NULL, TWO_NODES, FAULT_REFUSED,
                      "guest win10: [NUMA b] Node=1: the host has no such NUMA node");
}
END_TEST

#define FREE_AND_BOUND                                                                                       \
    "[CPU]\nCores=2\n[Memory]\nSize=6G\n[NUMA a]\nMemory=%s\nCPUs=0\n%s[NUMA b]\nMemory=%s\nCPUs=1\n%s"

/* Whichever of them stands first. */
START_TEST(of_a_guests_numa_nodes_only_those_of_one_of_the_hosts_must_fit_into_that)
{
    g_autoptr(Host) host = a_host();
    g_autofree char *fits = g_strdup_printf(FREE_AND_BOUND, "3G", "", "3G", "Node=0\n"),
                    *turned = g_strdup_printf(FREE_AND_BOUND, "3G", "Node=0\n", "3G", ""),
                    *large = g_strdup_printf(FREE_AND_BOUND, "1G", "", "5G", "Node=0\n");

    a_node(host, 0, 0, 0);
    a_node(host, 1, 0, 0);
    for (unsigned i = 0; i < 2; i++)
        g_array_index(host->nodes, HostNode, i).memory = UINT64_C(4) << 30;
    g_autoptr(Plan) one = a_plan(host, fits), other = a_plan(host, turned);
    assert_refused_on(
        host, NULL, large, FAULT_REFUSED,
        "guest win10: Memory= of its [NUMA] sections makes 5.0 GiB, and NUMA node 0 of the host "
        "has 4.0 GiB");
    g_array_index(host->nodes, HostNode, 1).memory = UINT64_C(1) << 30;
    assert_refused_on(host, NULL, fits, FAULT_REFUSED,
                      "guest win10: [Memory] Size= is 6.0 GiB, and the host has 5.0 GiB");
}
END_TEST

START_TEST(more_memory_than_there_is_is_refused)
{
    g_autoptr(Host) host = a_host();

    a_node(host, 0, 0, 0);
    a_node(host, 1, 0, 0);
    for (unsigned i = 0; i < 2; i++)
        g_array_index(host->nodes, HostNode, i).memory = UINT64_C(4) << 30;
    g_autoptr(Plan) fits = a_plan(host, "[Memory]\nSize=8G\n");
    assert_refused_on(host, NULL, "[Memory]\nSize=16T\n", FAULT_REFUSED,
                      "guest win10: [Memory] Size= is 16.0 TiB, and the host has 8.0 GiB");
    assert_refused_on(host, NULL, "[Memory]\nSize=5G\nNode=1\n", FAULT_REFUSED,
                      "guest win10: [Memory] Size= is 5.0 GiB, and NUMA node 1 of the host has 4.0 GiB");
    assert_refused_on(host, NULL, "[Memory]\nSize=6G\nHugePages=2M\n", FAULT_REFUSED,
                      "guest win10: [Memory] Size= is 6.0 GiB, and NUMA node 0 of the host has 4.0 GiB");
}
END_TEST

#define GPU "[PCI gpu]\nAddress=01:00.0\n"

static Host *a_host_with_left(uint64_t left)
{
    Host *host = a_host_with_a_gpu();

    a_node(host, 0, 0, 0);
    g_array_index(host->nodes, HostNode, 0).memory = host->memory = UINT64_C(16) << 30;
    host->memory_left = left;
    return host;
}

/* Memory that nobody has touched counts as left in the kernel, and a device has all of it touched. */
START_TEST(what_devices_pin_must_be_left_with_something_for_the_host)
{
    /* 512 MiB, and a 128th of the guest's size. */
    uint64_t enough = (UINT64_C(8) << 30) + (UINT64_C(512) << 20) + (UINT64_C(64) << 20);
    g_autoptr(Host) host = a_host_with_left(enough);
    g_autoptr(Plan) fits = a_plan(host, "[Memory]\nSize=8G\n" GPU);

    ck_assert_uint_eq(fits->memory, UINT64_C(8) << 30);
    host->memory_left = enough - 1;
    assert_refused_on(
        host, NULL, "[Memory]\nSize=8G\n" GPU, FAULT_REFUSED,
        "guest win10: [Memory] Size= is 8.0 GiB, and 8.0 GiB of that must be available at once, "
        "as devices pin all "
        "of it; the host has 8.6 GiB left, and keeps 576.0 MiB for itself");
    /* Without a device, a guest only takes the memory that it touches. */
    g_autoptr(Plan) lazy = a_plan(host, "[Memory]\nSize=16G\n");
    ck_assert_uint_eq(lazy->memory, 0);
}
END_TEST

START_TEST(huge_pages_that_are_made_must_be_left_and_those_that_are_there_need_nothing)
{
    g_autoptr(Host) host = a_host_with_left(UINT64_C(1) << 30);

    assert_refused_on(host, NULL, A_GIGABYTE, FAULT_REFUSED,
                      "guest win10: [Memory] Size= is 1.0 GiB, and 1.0 GiB of that must be available at once "
                      "for huge pages; the host has 1.0 GiB left, and keeps 520.0 MiB for itself");
    g_array_index(host->nodes, HostNode, 0).pages[HUGE_PAGES_2M].free = 512;
    g_autoptr(Plan) there = a_plan(host, A_GIGABYTE GPU);
    ck_assert_uint_eq(there->memory, 0);
}
END_TEST

START_TEST(what_a_guest_that_starts_was_promised_is_not_left)
{
    g_autoptr(Host) host = a_host_with_left(UINT64_C(6) << 30);
    g_autoptr(Claims) claims = claims_new();
    g_autoptr(GuestDefinition) definition = a_definition("[Memory]\nSize=3G\n" GPU);
    g_autoptr(Plan) alone = NULL, own = NULL, held = NULL;
    _cleanup_fault_ Fault *fault = NULL;

    ck_assert_int_eq(plan_start(host, claims, definition, &alone, NULL), 0);
    claims_set_memory(claims, UINT64_C(3) << 30, false, "guest/win10");
    ck_assert_int_eq(plan_start(host, claims, definition, &own, NULL), 0);
    claims_set_memory(claims, UINT64_C(3) << 30, false, "guest/other");
    ck_assert_int_eq(plan_start(host, claims, definition, &held, &fault), FAULT_RAISED);
    ck_assert_str_eq(
        fault->message,
        "guest win10: [Memory] Size= is 3.0 GiB, and 3.0 GiB of that must be available at once, as "
        "devices pin all of "
        "it; the host has 3.0 GiB left, and keeps 536.0 MiB for itself; other guests have 3.0 GiB");
    /* Once the other guest has taken it, the kernel does not count it as left any more. */
    claims_hold_memory(claims, "guest/other");
    ck_assert_int_eq(plan_start(host, claims, definition, &held, NULL), 0);
    claims_give_up(claims, "guest/other");
    ck_assert_uint_eq(claims_memory(claims, true, ""), 0);
}
END_TEST

START_TEST(a_guest_that_gets_its_first_device_needs_what_it_has_not_touched_yet)
{
    g_autoptr(Host) host = a_host_with_left(UINT64_C(3) << 30);
    g_autoptr(GuestDefinition) definition = a_definition("[Memory]\nSize=8G\n"),
                               huge = a_definition("[Memory]\nSize=8G\nHugePages=2M\n");
    _cleanup_fault_ Fault *fault = NULL;

    ck_assert_int_eq(plan_check_pinned(host, NULL, definition, "guest/win10", UINT64_C(6) << 30, NULL), 0);
    ck_assert_int_eq(plan_check_pinned(host, NULL, definition, "guest/win10", UINT64_C(9) << 30, NULL), 0);
    ck_assert_int_eq(plan_check_pinned(host, NULL, huge, "guest/win10", 0, NULL), 0);
    ck_assert_int_eq(plan_check_pinned(host, NULL, definition, "guest/win10", UINT64_C(1) << 30, &fault),
                     FAULT_RAISED);
    ck_assert_str_eq(fault->message, "guest win10: [Memory] Size= is 8.0 GiB, and 7.0 GiB of that must be "
                                     "available at once, as devices pin all "
                                     "of it; the host has 3.0 GiB left, and keeps 576.0 MiB for itself");
}
END_TEST

START_TEST(what_is_bound_to_a_node_must_be_left_on_that_node)
{
    g_autoptr(Host) host = a_host_with_left(UINT64_C(30) << 30);
    g_array_set_size(host->nodes, 0);
    a_node(host, 0, 0, 0);
    a_node(host, 1, 0, 0);
    g_array_index(host->nodes, HostNode, 0).left = UINT64_C(4) << 30;
    g_array_index(host->nodes, HostNode, 1).left = UINT64_C(26) << 30;
#define WITH_A_GPU "[PCI gpu]\nAddress=01:00.0\n"
    assert_refused_on(host, NULL, "[Memory]\nSize=5G\nNode=0\n" WITH_A_GPU, FAULT_REFUSED,
                      "guest win10: [Memory] 5.0 GiB must be available at once on NUMA node 0 of the host, "
                      "which has 4.0 GiB "
                      "left");
    g_autoptr(Plan) fits = a_plan(host, "[Memory]\nSize=4G\nNode=0\n" WITH_A_GPU),
                    other = a_plan(host, "[Memory]\nSize=5G\nNode=1\n" WITH_A_GPU),
                    any = a_plan(host, "[Memory]\nSize=5G\n" WITH_A_GPU),
                    slowly = a_plan(host, "[Memory]\nSize=5G\nNode=0\n");

    ck_assert_int_eq(fits->memory_node, 0);
    ck_assert_int_eq(other->memory_node, 1);
    ck_assert_int_eq(any->memory_node, -1);
    /* Without a device, memory is taken as it is used, and may be swapped. */
    ck_assert_int_eq(slowly->memory_node, 0);
    g_autoptr(GuestDefinition) running = a_definition("[Memory]\nSize=5G\nNode=0\n");
    _cleanup_fault_ Fault *fault = NULL;
    ck_assert_int_eq(plan_check_pinned(host, NULL, running, "guest/win10", UINT64_C(1) << 30, &fault), 0);
    ck_assert_int_eq(plan_check_pinned(host, NULL, running, "guest/win10", 0, &fault), FAULT_RAISED);
}
END_TEST

/* A machine with a balloon. */
START_TEST(what_the_kernel_has_in_all_counts_and_not_the_sum_of_its_nodes)
{
    g_autoptr(Host) host = a_host();

    a_node(host, 0, 0, 0);
    g_array_index(host->nodes, HostNode, 0).memory = UINT64_C(9) << 30;
    host->memory = UINT64_C(23) << 30;
    g_autoptr(Plan) fits = a_plan(host, "[Memory]\nSize=20G\n");
    host->memory = UINT64_C(6) << 30;
    assert_refused_on(host, NULL, "[Memory]\nSize=8G\n", FAULT_REFUSED,
                      "guest win10: [Memory] Size= is 8.0 GiB, and the host has 6.0 GiB");
    assert_refused_on(host, NULL, "[Memory]\nSize=8G\nNode=0\n", FAULT_REFUSED,
                      "guest win10: [Memory] Size= is 8.0 GiB, and NUMA node 0 of the host has 6.0 GiB");
}
END_TEST

SUITE("plan-memory", each_numa_node_of_a_guest_has_its_pages_from_a_node_of_the_hosts,
      of_a_guests_numa_nodes_only_those_of_one_of_the_hosts_must_fit_into_that,
      pages_that_are_missing_come_before_any_device, pages_that_are_there_need_no_step,
      pages_are_of_the_node_that_the_device_is_at, nodes_and_sizes_that_are_not_there_are_refused,
      pages_that_another_guest_was_promised_are_not_counted_twice, more_memory_than_there_is_is_refused,
      what_devices_pin_must_be_left_with_something_for_the_host,
      huge_pages_that_are_made_must_be_left_and_those_that_are_there_need_nothing,
      what_a_guest_that_starts_was_promised_is_not_left,
      a_guest_that_gets_its_first_device_needs_what_it_has_not_touched_yet,
      what_is_bound_to_a_node_must_be_left_on_that_node,
      what_the_kernel_has_in_all_counts_and_not_the_sum_of_its_nodes)
