/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A probe with a cache of its own, and a program that counts its starts. */
#pragma once

#include <fcntl.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/edge/qemu/qemu-probe.h"
#include "../scratch.h"
#include "loop.h"

/* The probe of one program, and what it answered. */
typedef struct Bench {
    sd_event *event;
    char *dir;
    int dir_fd;
    char *program;
    QemuProbe *probe;
    int n_answers;
    char *version; /* of the last answer; NULL: none */
    char *message;
    bool free_upon_answer, ask_upon_answer;
} Bench;

static inline void on_answer(const QemuFacts *facts, const char *message, void *userdata)
{
    Bench *bench = userdata;

    ck_assert_int_eq(facts == NULL, message != NULL);
    bench->n_answers++;
    g_free(bench->version);
    g_free(bench->message);
    bench->version = facts ? g_strdup(facts->version) : NULL;
    bench->message = g_strdup(message);
    if (bench->free_upon_answer)
        bench->probe = qemu_probe_free(bench->probe);
    else if (bench->ask_upon_answer && bench->n_answers == 1)
        qemu_probe_get(bench->probe, on_answer, bench);
}

static inline void bench_init(Bench *bench)
{
    *bench = (Bench){.event = loop_new(), .dir = scratch_new("probe")};
    bench->dir_fd = open(bench->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bench->program = g_build_filename(bench->dir, "qemu", NULL);
}

static inline void bench_probe(Bench *bench)
{
    qemu_probe_free(bench->probe);
    bench->probe = qemu_probe_new(bench->event, bench->program, bench->dir_fd);
}

static inline void bench_clear(Bench *bench)
{
    qemu_probe_free(bench->probe);
    close_fd(bench->dir_fd);
    sd_event_unref(bench->event);
    scratch_remove(bench->dir);
    g_free(bench->dir);
    g_free(bench->program);
    g_free(bench->version);
    g_free(bench->message);
}

/* The program becomes a script; each start leaves a line in "starts". */
static inline void install(Bench *bench, const char *script)
{
    g_autofree char *text = g_strdup_printf("#!/bin/bash\necho $$ >> %s/starts\n%s\n", bench->dir, script);

    /* Another file, as a package's update makes one. */
    unlink(bench->program);
    ck_assert(g_file_set_contents_full(bench->program, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0755, NULL));
}

static inline unsigned n_starts(const Bench *bench)
{
    g_autofree char *path = g_build_filename(bench->dir, "starts", NULL), *text = NULL;
    unsigned n = 0;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return 0;
    for (const char *c = text; *c; c++)
        n += *c == '\n';
    return n;
}

static inline void ask(Bench *bench)
{
    int wanted = bench->n_answers + 1;
    qemu_probe_get(bench->probe, on_answer, bench);
    loop_until_count(bench->event, &bench->n_answers, wanted);
}

/* A QEMU in bash, as far as a probe sees one: says hello, then answers five commands by its arguments. */
#define FAKE_QEMU                                                                                            \
    "say() { echo \"$1\" >&3; }\n"                                                                           \
    "say '{\"QMP\": {\"version\": {}, \"capabilities\": []}}'\n"                                             \
    "read -r line <&3; say '{\"return\": {}, \"id\": 1}'\n"                                                  \
    "read -r line <&3; say '{\"return\": {\"qemu\": {\"major\": 9, \"minor\": 8, \"micro\": '$MICRO'}}, "    \
    "\"id\": 2}'\n"                                                                                          \
    "read -r line <&3; say '{\"return\": [{\"name\": \"nvme\"}], \"id\": 3}'\n"                              \
    "read -r line <&3; say '{\"error\": {\"desc\": \"no such device\"}, \"id\": 4}'\n"                       \
    "read -r line <&3; say '{\"return\": [{\"name\": \"topoext\"}], \"id\": 5}'\n"                           \
    "read -r line <&3; say '{\"return\": [{\"name\": \"serial\"}], \"id\": 6}'\n"                            \
    "sleep 1000\n"
