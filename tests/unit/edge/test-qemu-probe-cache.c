/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the probe knows already, and when it asks again. */
#include "../suite.h"
#include "probe-bench.h"

START_TEST(what_is_known_is_told_at_once_and_asked_once)
{
    Bench bench;
    bench_init(&bench);
    install(&bench, "MICRO=1;" FAKE_QEMU);
    bench_probe(&bench);
    qemu_probe_get(bench.probe, on_answer, &bench);
    qemu_probe_get(bench.probe, on_answer, &bench);
    loop_until_count(bench.event, &bench.n_answers, 2);
    ck_assert_str_eq(bench.version, "9.8.1");
    qemu_probe_get(bench.probe, on_answer, &bench);
    ck_assert_int_eq(bench.n_answers, 3);
    ck_assert_uint_eq(n_starts(&bench), 1);
    bench_clear(&bench);
}
END_TEST

START_TEST(the_answer_outlives_the_probe_in_its_cache)
{
    Bench bench;
    bench_init(&bench);
    install(&bench, "MICRO=1;" FAKE_QEMU);
    bench_probe(&bench);
    ask(&bench);
    bench_probe(&bench);
    ck_assert_str_eq(qemu_probe_known(bench.probe)->version, "9.8.1");
    ck_assert_uint_eq(n_starts(&bench), 1);
    bench_clear(&bench);
}
END_TEST

START_TEST(a_changed_program_is_asked_again)
{
    Bench bench;
    bench_init(&bench);
    install(&bench, "MICRO=1;" FAKE_QEMU);
    bench_probe(&bench);
    ask(&bench);
    install(&bench, "MICRO=2;" FAKE_QEMU);
    ck_assert_ptr_null(qemu_probe_known(bench.probe));
    ask(&bench);
    ck_assert_str_eq(bench.version, "9.8.2");
    install(&bench, "MICRO=3;" FAKE_QEMU);
    bench_probe(&bench);
    ck_assert_ptr_null(qemu_probe_known(bench.probe));
    ask(&bench);
    ck_assert_str_eq(bench.version, "9.8.3");
    ck_assert_uint_eq(n_starts(&bench), 3);
    bench_clear(&bench);
}
END_TEST

/* Distributions have modules in packages of their own: who is told to install one is to be believed then. */
START_TEST(a_program_with_another_module_is_asked_again)
{
    Bench bench;
    bench_init(&bench);
    g_autofree char *bin = g_build_filename(bench.dir, "bin", NULL),
                    *modules = g_build_filename(bench.dir, "lib", "qemu", NULL),
                    *module = g_build_filename(modules, "hw-usb-host.so", NULL);
    ck_assert_int_eq(g_mkdir_with_parents(bin, 0755), 0);
    ck_assert_int_eq(g_mkdir_with_parents(modules, 0755), 0);
    g_free(bench.program);
    bench.program = g_build_filename(bin, "qemu", NULL);
    install(&bench, "MICRO=1;" FAKE_QEMU);
    bench_probe(&bench);
    ask(&bench);
    ck_assert_str_eq(qemu_probe_known(bench.probe)->version, "9.8.1");
    ck_assert(g_file_set_contents(module, "", 0, NULL));
    ck_assert_ptr_null(qemu_probe_known(bench.probe));
    ask(&bench);
    bench_probe(&bench);
    ck_assert_str_eq(qemu_probe_known(bench.probe)->version, "9.8.1");
    ck_assert_uint_eq(n_starts(&bench), 2);
    bench_clear(&bench);
}
END_TEST

START_TEST(a_damaged_cache_is_no_answer)
{
    Bench bench;
    bench_init(&bench);
    install(&bench, "MICRO=1;" FAKE_QEMU);
    bench_probe(&bench);
    ask(&bench);
    g_autofree char *cache = g_build_filename(bench.dir, "qemu.facts", NULL);
    ck_assert_int_eq(truncate(cache, 100), 0);
    bench_probe(&bench);
    ask(&bench);
    ck_assert_str_eq(bench.version, "9.8.1");
    ck_assert_uint_eq(n_starts(&bench), 2);
    bench_clear(&bench);
}
END_TEST

SUITE("qemu-probe-cache", what_is_known_is_told_at_once_and_asked_once,
      the_answer_outlives_the_probe_in_its_cache, a_changed_program_is_asked_again,
      a_program_with_another_module_is_asked_again, a_damaged_cache_is_no_answer)
