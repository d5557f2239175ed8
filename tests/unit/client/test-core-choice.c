/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../../client/definition/core-choice.h"
#include "../scratch.h"
#include "../suite.h"

static void put(const char *folder, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(folder, name, NULL), *parent = g_path_get_dirname(path);

    ck_assert_int_eq(g_mkdir_with_parents(parent, 0755), 0);
    ck_assert(g_file_set_contents(path, text, -1, NULL));
}

static void put_cpu(const char *folder, unsigned cpu, const char *siblings, const char *cache)
{
    g_autofree char *topology = g_strdup_printf("cpu%u/topology/thread_siblings_list", cpu);
    g_autofree char *first = g_strdup_printf("cpu%u/cache/index0/shared_cpu_list", cpu);
    g_autofree char *last = g_strdup_printf("cpu%u/cache/index1/shared_cpu_list", cpu);

    put(folder, topology, siblings);
    put(folder, first, siblings);
    put(folder, last, cache);
}

/* Cores of two threads, CPU n and n + cores, each so many to a cache. */
static char *host_of(unsigned cores, unsigned a_cache)
{
    char *folder = scratch_new("cpus");
    g_autofree char *online = g_strdup_printf("0-%u\n", 2 * cores - 1);

    put(folder, "online", online);
    for (unsigned cpu = 0; cpu < 2 * cores; cpu++) {
        unsigned core = cpu % cores, from = core / a_cache * a_cache, to = from + a_cache - 1;
        g_autofree char *siblings = g_strdup_printf("%u,%u\n", core, core + cores);
        g_autofree char *cache = g_strdup_printf("%u-%u,%u-%u\n", from, to, from + cores, to + cores);
        put_cpu(folder, cpu, siblings, cache);
    }
    return folder;
}

/* Cores of one thread; each has a cache of its own if they do not share one. */
static char *plain_host(unsigned cores, bool shared)
{
    char *folder = scratch_new("cpus");
    g_autofree char *online = g_strdup_printf("0-%u\n", cores - 1);

    put(folder, "online", online);
    for (unsigned cpu = 0; cpu < cores; cpu++) {
        g_autofree char *own = g_strdup_printf("%u\n", cpu);
        put_cpu(folder, cpu, own, shared ? online : own);
    }
    return folder;
}

/* "4x2 2,8,3,9 rest 0-1,6-7"; "none". */
static char *choose(char *folder, const char *wanted)
{
    CoreChoice choice;

    core_choice_make(folder, wanted, &choice);
    char *text = choice.cores == 0 ? g_strdup("none")
                                   : g_strdup_printf("%ux%u %s rest %s", choice.cores, choice.threads,
                                                     choice.pin, choice.rest);
    core_choice_clear(&choice);
    scratch_remove(folder);
    g_free(folder);
    return text;
}

static void assert_chosen(char *folder, const char *wanted, const char *expected)
{
    g_autofree char *text = choose(folder, wanted);

    ck_assert_str_eq(text, expected);
}

START_TEST(cores_come_with_all_of_their_threads_and_the_host_keeps_the_first)
{
    assert_chosen(host_of(6, 6), "4", "4x2 2,8,3,9,4,10,5,11 rest 0-1,6-7");
    assert_chosen(host_of(6, 6), NULL, "5x2 1,7,2,8,3,9,4,10,5,11 rest 0,6");
    assert_chosen(host_of(2, 2), NULL, "1x2 1,3 rest 0,2");
}
END_TEST

START_TEST(they_share_the_last_cache)
{
    assert_chosen(host_of(8, 4), NULL, "4x2 4,12,5,13,6,14,7,15 rest 0-3,8-11");
    assert_chosen(host_of(8, 4), "2", "2x2 6,14,7,15 rest 0-5,8-13");
    assert_chosen(host_of(8, 4), "6", "none");
}
END_TEST

START_TEST(the_host_is_not_left_without_a_core)
{
    assert_chosen(host_of(4, 4), "4", "none");
    assert_chosen(host_of(1, 1), NULL, "none");
    assert_chosen(scratch_new("cpus"), NULL, "none");
}
END_TEST

START_TEST(a_guest_does_not_get_a_single_vcpu_that_nobody_wants)
{
    assert_chosen(plain_host(4, false), NULL, "none");
    assert_chosen(plain_host(4, false), "1", "1x1 3 rest 0-2");
    assert_chosen(plain_host(2, true), NULL, "none");
    assert_chosen(plain_host(2, true), "1", "1x1 1 rest 0");
    assert_chosen(plain_host(4, true), NULL, "3x1 1,2,3 rest 0");
}
END_TEST

START_TEST(what_is_no_number_of_cores_is_left_to_the_daemon)
{
    static const char *const words[] = {"4x", "", "-1", "4294967298", "0", "two"};

    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++)
        assert_chosen(host_of(6, 6), words[i], "none");
    assert_chosen(host_of(1, 1), "1", "none");
}
END_TEST

/* Four cores of two threads, then eight of one, as Intel has them; all of one cache. */
START_TEST(cores_of_several_kinds_are_not_mixed)
{
    char *folder = scratch_new("cpus");

    put(folder, "online", "0-15\n");
    for (unsigned cpu = 0; cpu < 16; cpu++) {
        g_autofree char *siblings =
            cpu < 8 ? g_strdup_printf("%u-%u\n", cpu / 2 * 2, cpu / 2 * 2 + 1) : g_strdup_printf("%u\n", cpu);
        put_cpu(folder, cpu, siblings, "0-15\n");
    }
    assert_chosen(folder, "2", "2x2 4,5,6,7 rest 0-3,8-15");
}
END_TEST

SUITE("client-core-choice", cores_come_with_all_of_their_threads_and_the_host_keeps_the_first,
      they_share_the_last_cache, the_host_is_not_left_without_a_core,
      a_guest_does_not_get_a_single_vcpu_that_nobody_wants, what_is_no_number_of_cores_is_left_to_the_daemon,
      cores_of_several_kinds_are_not_mixed)
