/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "../suite.h"
#include "probe-bench.h"

#define QEMU "/usr/bin/qemu-system-x86_64"

START_TEST(the_real_qemu_tells_what_it_can_do)
{
    Bench bench;
    bench_init(&bench);
    g_free(bench.program);
    bench.program = g_strdup(QEMU);
    bench_probe(&bench);
    ck_assert_ptr_null(qemu_probe_known(bench.probe));
    ask(&bench);
    ck_assert_pstr_eq(bench.message, NULL);
    ck_assert(g_ascii_isdigit(bench.version[0]));
    const QemuFacts *facts = qemu_probe_known(bench.probe);
    ck_assert(qemu_facts_have_type(facts, "vfio-pci") && qemu_facts_have_type(facts, "pcie-root-port"));
    ck_assert(qemu_facts_have_type(facts, "max-x86_64-cpu"));
    ck_assert(qemu_facts_device_has(facts, "nvme", "serial") &&
              !qemu_facts_device_has(facts, "nvme", "seriall"));
    ck_assert(qemu_facts_cpu_has(facts, "topoext") && !qemu_facts_cpu_has(facts, "topoex"));
    ck_assert(qemu_facts_vfio_has(facts, "x-vga") && qemu_facts_vfio_has(facts, "host"));
    bench_clear(&bench);
}
END_TEST

static void assert_failure(const char *script, const char *words)
{
    Bench bench;
    bench_init(&bench);
    if (script)
        install(&bench, script);
    bench_probe(&bench);
    ask(&bench);
    ck_assert_ptr_null(bench.version);
    g_autofree char *message = g_strdup_printf("%s: %s", bench.program, words);
    ck_assert_str_eq(bench.message, message);
    ck_assert_ptr_null(qemu_probe_known(bench.probe));
    /* A failure is not remembered. */
    install(&bench, "MICRO=7;" FAKE_QEMU);
    ask(&bench);
    ck_assert_str_eq(bench.version, "9.8.7");
    bench_clear(&bench);
}

START_TEST(a_program_that_is_not_there_or_fails_says_so)
{
    assert_failure(NULL, "No such file or directory");
    assert_failure("echo 'cannot find libfoo.so' >&2; echo again >&2; exit 3",
                   "ended with status 3: cannot find libfoo.so again");
    g_autofree char *words = g_strnfill(500, 'w'), *told = g_strdup_printf("ended with status 3: %s", words);
    assert_failure("yes $(printf '%999s' | tr ' ' w) 2>&1; exit 3", told);
    assert_failure("exit 0", "ended with status 0");
    assert_failure("kill -ABRT $$", "was killed by signal 6");
    assert_failure("echo '{\"QMP\": {}}' >&3; exit 1", "ended with status 1");
    assert_failure("exec 3>&-; exit 4", "ended with status 4");
}
END_TEST

START_TEST(a_program_that_is_no_qemu_says_so)
{
    assert_failure("echo 'Welcome to bash' >&3; sleep 1000", "what it says is not QMP: is it QEMU?");
    assert_failure("head -c 2000000 /dev/zero | tr '\\0' ' ' >&3; echo x >&3; sleep 1000",
                   "what it says is not QMP: is it QEMU?");
}
END_TEST

START_TEST(answers_that_make_no_sense_are_a_failure)
{
    assert_failure("r() { read -r line <&3; echo \"$1\" >&3; }; echo '{\"QMP\": {}}' >&3; r '{\"return\": "
                   "{}, \"id\": 1}';"
                   "r '{\"return\": 7, \"id\": 2}'; r '{\"return\": 7, \"id\": 3}'; r '{\"return\": 7, "
                   "\"id\": 4}'; r '{\"return\": 7, \"id\": 5}'; sleep 1000",
                   "its answers make no sense (Bad message)");
    assert_failure("r() { read -r line <&3; echo \"$1\" >&3; }; echo '{\"QMP\": {}}' >&3; r '{\"return\": "
                   "{}, \"id\": 1}';"
                   "r '{\"error\": {\"desc\": \"I will not\"}, \"id\": 2}'; sleep 1000",
                   "I will not");
}
END_TEST

/* The process and its children are gone. */
static void assert_gone(const Bench *bench, const char *file)
{
    g_autofree char *path = g_build_filename(bench->dir, file, NULL), *text = NULL;

    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    pid_t pid = (pid_t)strtol(text, NULL, 10);
    ck_assert_int_gt(pid, 1);
    g_autofree char *state = g_strdup_printf("/proc/%d/stat", pid);
    /* One killed with its group has nobody to reap it but init: a zombie does nothing any more. */
    for (;;) {
        g_autofree char *stat = NULL;
        if (!g_file_get_contents(state, &stat, NULL, NULL) || strstr(stat, ") Z "))
            return;
        sched_yield();
    }
}

START_TEST(a_silent_program_is_killed_at_its_deadline_with_its_children)
{
    Bench bench;
    bench_init(&bench);
    g_autofree char *script =
        g_strdup_printf("sleep 1000 & echo $! > %s/child; trap '' TERM; wait; sleep 1000", bench.dir);
    install(&bench, script);
    bench_probe(&bench);
    qemu_probe_set_deadline(bench.probe, 500 * 1000);
    ask(&bench);
    g_autofree char *message = g_strdup_printf("%s: did not answer within 0.5 s", bench.program);
    ck_assert_str_eq(bench.message, message);
    assert_gone(&bench, "starts");
    assert_gone(&bench, "child");
    bench_clear(&bench);
}
END_TEST

START_TEST(a_program_that_stops_half_way_is_killed_too)
{
    Bench bench;
    bench_init(&bench);
    install(&bench, "echo '{\"QMP\": {' >&3; sleep 1000");
    bench_probe(&bench);
    qemu_probe_set_deadline(bench.probe, 300 * 1000);
    ask(&bench);
    ck_assert(g_str_has_suffix(bench.message, "did not answer within 0.3 s"));
    install(&bench, "exec 3>&- 3<&-; sleep 1000");
    ask(&bench);
    ck_assert(g_str_has_suffix(bench.message, "did not answer within 0.3 s"));
    bench_clear(&bench);
}
END_TEST

START_TEST(freeing_the_probe_kills_and_drops_the_question)
{
    Bench bench;
    bench_init(&bench);
    g_autofree char *script = g_strdup_printf("echo $$ > %s/ready; sleep 1000", bench.dir);
    install(&bench, script);
    bench_probe(&bench);
    qemu_probe_get(bench.probe, on_answer, &bench);
    g_autofree char *ready = g_build_filename(bench.dir, "ready", NULL);
    while (!g_file_test(ready, G_FILE_TEST_EXISTS))
        sched_yield();
    bench.probe = qemu_probe_free(bench.probe);
    ck_assert_int_eq(bench.n_answers, 0);
    assert_gone(&bench, "starts");
    ck_assert_ptr_null(qemu_probe_free(NULL));
    bench_clear(&bench);
}
END_TEST

START_TEST(an_answer_may_free_the_probe_or_ask_again)
{
    Bench bench;
    bench_init(&bench);
    install(&bench, "MICRO=1;" FAKE_QEMU);
    bench_probe(&bench);
    bench.free_upon_answer = true;
    qemu_probe_get(bench.probe, on_answer, &bench);
    qemu_probe_get(bench.probe, on_answer, &bench);
    loop_until_count(bench.event, &bench.n_answers, 1);
    loop_settle(bench.event);
    ck_assert_int_eq(bench.n_answers, 1);
    ck_assert_ptr_null(bench.probe);

    bench.free_upon_answer = false;
    bench.ask_upon_answer = true;
    bench.n_answers = 0;
    install(&bench, "exit 1");
    bench_probe(&bench);
    qemu_probe_get(bench.probe, on_answer, &bench);
    loop_until_count(bench.event, &bench.n_answers, 2);
    ck_assert_uint_eq(n_starts(&bench), 3);
    bench_clear(&bench);
}
END_TEST

/* Somebody who asks, and what he does upon the answer. */
typedef struct Asker {
    Bench *bench;
    struct Asker *other; /* whose question he then forgets; NULL: nobody's */
    int n_answers;
} Asker;

static void on_asker(const QemuFacts *facts, const char *message, void *userdata)
{
    Asker *asker = userdata;

    asker->n_answers++;
    if (asker->other)
        qemu_probe_forget(asker->bench->probe, asker->other);
}

START_TEST(who_forgets_what_he_asked_hears_nothing_and_others_do)
{
    Bench bench;
    bench_init(&bench);
    install(&bench, "exit 1");
    bench_probe(&bench);
    Asker gone = {&bench}, last = {&bench}, first = {&bench, .other = &last};
    qemu_probe_forget(bench.probe, &gone);
    qemu_probe_get(bench.probe, on_asker, &gone);
    qemu_probe_get(bench.probe, on_asker, &first);
    qemu_probe_get(bench.probe, on_asker, &last);
    qemu_probe_get(bench.probe, on_answer, &bench);
    qemu_probe_forget(bench.probe, &gone);
    loop_until_count(bench.event, &bench.n_answers, 1);
    ck_assert_int_eq(first.n_answers, 1);
    ck_assert_msg(gone.n_answers == 0, "told after it had gone");
    ck_assert_msg(last.n_answers == 0, "told after another answer had made it go");
    /* Asking again starts QEMU again. */
    qemu_probe_get(bench.probe, on_asker, &gone);
    loop_until_count(bench.event, &gone.n_answers, 1);
    ck_assert_uint_eq(n_starts(&bench), 2);
    bench_clear(&bench);
}
END_TEST

START_TEST(qemu_inherits_nothing_but_its_socket)
{
    Bench bench;
    g_autofree char *fds = NULL, *signals = NULL, *session = NULL;
    sigset_t blocked;
    int leaked = open("/dev/null", O_RDONLY), high = fcntl(leaked, F_DUPFD, 300);

    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    signal(SIGPIPE, SIG_IGN);
    bench_init(&bench);
    /* bash itself looks: a child would have descriptors of its own. */
    g_autofree char *script = g_strdup_printf(
        "cd /proc/$$/fd; echo * > %s/fds; while read -r l; do case $l in Sig[BI]*) echo $l;; esac; done"
        " < /proc/$$/status > %s/signals; read -r -a s < /proc/$$/stat; echo $$ ${s[4]} > %s/group; exit 9",
        bench.dir, bench.dir, bench.dir);
    install(&bench, script);
    bench_probe(&bench);
    ask(&bench);
    sigprocmask(SIG_UNBLOCK, &blocked, NULL);
    signal(SIGPIPE, SIG_DFL);
    close_fd(leaked);
    close_fd(high);

    g_autofree char *fds_path = g_build_filename(bench.dir, "fds", NULL);
    g_autofree char *signals_path = g_build_filename(bench.dir, "signals", NULL);
    g_autofree char *group_path = g_build_filename(bench.dir, "group", NULL);
    ck_assert(g_file_get_contents(fds_path, &fds, NULL, NULL));
    ck_assert(g_file_get_contents(signals_path, &signals, NULL, NULL));
    ck_assert(g_file_get_contents(group_path, &session, NULL, NULL));
    /* 255 is the script itself, and 4 the folder that is being listed, both opened by bash. */
    ck_assert_str_eq(fds, "0 1 2 255 3 4\n");
    ck_assert_ptr_nonnull(strstr(signals, "SigBlk: 0000000000000000\n"));
    /* Bash ignores some of its own accord. */
    const char *ignored = strstr(signals, "SigIgn: ");
    ck_assert_ptr_nonnull(ignored);
    ck_assert_uint_eq(g_ascii_strtoull(ignored + strlen("SigIgn: "), NULL, 16) & (1 << (SIGPIPE - 1)), 0);
    g_auto(GStrv) ids = g_strsplit(g_strchomp(session), " ", -1);
    ck_assert_str_eq(ids[0], ids[1]);
    bench_clear(&bench);
}
END_TEST

START_TEST(a_probe_without_a_cache_works)
{
    Bench bench;
    bench_init(&bench);
    install(&bench, "MICRO=1;" FAKE_QEMU);
    bench.probe = qemu_probe_new(bench.event, bench.program, -1);
    ask(&bench);
    ck_assert_str_eq(bench.version, "9.8.1");
    g_autofree char *cache = g_build_filename(bench.dir, "qemu.facts", NULL);
    ck_assert(!g_file_test(cache, G_FILE_TEST_EXISTS));
    bench_clear(&bench);
}
END_TEST

SUITE("qemu-probe", the_real_qemu_tells_what_it_can_do, a_program_that_is_not_there_or_fails_says_so,
      a_program_that_is_no_qemu_says_so, answers_that_make_no_sense_are_a_failure,
      a_silent_program_is_killed_at_its_deadline_with_its_children,
      a_program_that_stops_half_way_is_killed_too, freeing_the_probe_kills_and_drops_the_question,
      an_answer_may_free_the_probe_or_ask_again, who_forgets_what_he_asked_hears_nothing_and_others_do,
      qemu_inherits_nothing_but_its_socket, a_probe_without_a_cache_works)
