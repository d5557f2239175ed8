/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a guest's memory comes from. */
#include "../../../daemon/core/plan.h"
#include "../suite.h"
#include "a-definition.h"
#include "a-host.h"

static void a_node(Host *host, unsigned number, uint64_t total, uint64_t free)
{
    HostNode node = {.number = number};

    node.pages[HUGE_PAGES_2M].there = true;
    node.pages[HUGE_PAGES_2M].total = total;
    node.pages[HUGE_PAGES_2M].free = free;
    g_array_append_val(host->nodes, node);
}

static Plan *plan_of(const Host *host, const char *text)
{
    g_autoptr(GuestDefinition) definition = a_definition(text);
    _cleanup_fault_ Fault *fault = NULL;
    Plan *plan = NULL;

    ck_assert_msg(plan_start(host, NULL, definition, &plan, &fault) == 0, "%s", fault ? fault->message : "?");
    return plan;
}

static void assert_refused_on(const Host *host, const char *text, const char *message)
{
    g_autoptr(GuestDefinition) definition = a_definition(text);
    _cleanup_fault_ Fault *fault = NULL;
    Plan *plan = NULL;

    ck_assert_int_eq(plan_start(host, NULL, definition, &plan, &fault), FAULT_RAISED);
    ck_assert_int_eq(fault->kind, FAULT_REFUSED);
    ck_assert_str_eq(fault->message, message);
    ck_assert_ptr_nonnull(fault->remedy);
}

static void assert_first_step(const Plan *plan, const char *words)
{
    g_autofree char *text = step_describe(g_ptr_array_index(plan->steps, 0));
    ck_assert_str_eq(text, words);
}

#define A_GIGABYTE "[Memory]\nSize=1G\nHugePages=2M\n"

START_TEST(pages_that_are_missing_come_before_any_device)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    a_node(host, 0, 100, 40);
    g_autoptr(Plan) plan = plan_of(host, A_GIGABYTE "[PCI gpu]\nAddress=01:00.0\n");

    assert_first_step(plan, "huge-pages of node0/2048kB: 100 → 572");
    ck_assert_uint_gt(plan->steps->len, 1);
    /* With one node there is nothing to choose. */
    ck_assert_int_eq(plan->memory_node, -1);
}
END_TEST

START_TEST(pages_that_are_there_need_no_step)
{
    g_autoptr(Host) host = a_host();
    a_node(host, 0, 600, 512);
    g_autoptr(Plan) plan = plan_of(host, A_GIGABYTE), usual = plan_of(host, "[Memory]\nSize=1G\n");

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
    g_autoptr(Plan) near = plan_of(host, A_GIGABYTE "[PCI gpu]\nAddress=01:00.0\n"),
                    none = plan_of(host, A_GIGABYTE), named = plan_of(host, A_GIGABYTE "Node=1\n"),
                    usual = plan_of(host, "[Memory]\nSize=1G\nNode=1\n"),
                    any = plan_of(host, "[Memory]\nSize=1G\n[PCI gpu]\nAddress=01:00.0\n");

    assert_first_step(near, "huge-pages of node1/2048kB: 0 → 512");
    assert_first_step(named, "huge-pages of node1/2048kB: 0 → 512");
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

    assert_refused_on(host, "[Memory]\nNode=3\n",
                      "guest win10: [Memory] Node=3: the host has no such NUMA node");
    assert_refused_on(host, "[Memory]\nHugePages=1G\n", "guest win10: this host has no huge pages of 1G");
    assert_refused_on(without, "[Memory]\nHugePages=2M\n", "guest win10: this host has no huge pages of 2M");
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
    ck_assert_uint_eq(first->n_pages, 512);
    claims_set_pages(claims, first->pages, first->n_pages, "guest/other");
    ck_assert_int_eq(plan_start(host, claims, definition, &second, NULL), 0);
    assert_first_step(second, "huge-pages of node0/2048kB: 600 → 1024");
    /* Its own are its own, and those of another node are elsewhere. */
    claims_give_up(claims, "guest/other");
    claims_set_pages(claims, first->pages, first->n_pages, "guest/win10");
    claims_set_pages(claims, "node1/2048kB", 512, "guest/third");
    ck_assert_int_eq(plan_start(host, claims, definition, &same, NULL), 0);
    ck_assert_uint_eq(same->steps->len, 0);
}
END_TEST

START_TEST(more_memory_than_there_is_is_refused)
{
    g_autoptr(Host) host = a_host();

    a_node(host, 0, 0, 0);
    a_node(host, 1, 0, 0);
    for (unsigned i = 0; i < 2; i++)
        g_array_index(host->nodes, HostNode, i).memory = UINT64_C(4) << 30;
    g_autoptr(Plan) fits = plan_of(host, "[Memory]\nSize=8G\n");
    assert_refused_on(host, "[Memory]\nSize=16T\n",
                      "guest win10: [Memory] Size= is 16.0 TiB, and the host has 8.0 GiB");
    assert_refused_on(host, "[Memory]\nSize=5G\nNode=1\n",
                      "guest win10: [Memory] Size= is 5.0 GiB, and NUMA node 1 of the host has 4.0 GiB");
    assert_refused_on(host, "[Memory]\nSize=6G\nHugePages=2M\n",
                      "guest win10: [Memory] Size= is 6.0 GiB, and NUMA node 0 of the host has 4.0 GiB");
}
END_TEST

SUITE("plan-memory", pages_that_are_missing_come_before_any_device, pages_that_are_there_need_no_step,
      pages_are_of_the_node_that_the_device_is_at, nodes_and_sizes_that_are_not_there_are_refused,
      pages_that_another_guest_was_promised_are_not_counted_twice, more_memory_than_there_is_is_refused)
