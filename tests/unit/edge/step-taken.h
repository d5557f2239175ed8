/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Steps taken on the fake host, and what came of them. */
#pragma once

#include <string.h>

#include "../../../daemon/edge/hand/step-act.h"
#include "../fake-host.h"

#define GPU "0000:01:00.0"
#define AUDIO "0000:01:00.1"

static inline StepPlace place_of(const FakeHost *host)
{
    return (StepPlace){.sys_fd = fake_host_sys_fd(host),
                       .dev_fd = fake_host_dev_fd(host),
                       .proc_fd = fake_host_proc_fd(host)};
}

typedef struct Result {
    WorkerVerdict outcome;
    char *live;
    int error;
} Result;

static inline Result act(const FakeHost *host, StepKind kind, const char *subject, const char *before,
                         const char *after)
{
    g_autoptr(Step) step = step_new(kind, subject, before, after);
    StepPlace place = place_of(host);
    Result result = {.error = 1};
    g_autoptr(GPtrArray) holders = NULL;
    result.outcome = step_act(&place, step, &result.live, &result.error, &holders);
    ck_assert_ptr_null(holders);
    return result;
}

static inline void assert_done(Result result, const char *live)
{
    ck_assert_msg(result.outcome == WORKER_DONE, "%d, %s, %s", result.outcome, result.live,
                  strerror(-result.error));
    ck_assert_pstr_eq(result.live, live);
    g_free(result.live);
}

static inline void assert_drift(Result result, const char *live)
{
    ck_assert_int_eq(result.outcome, WORKER_DRIFT);
    ck_assert_pstr_eq(result.live, live);
    g_free(result.live);
}

static inline void assert_failed(Result result, int error, const char *live)
{
    ck_assert_int_eq(result.outcome, WORKER_FAILED);
    ck_assert_int_eq(result.error, error);
    ck_assert_pstr_eq(result.live, live);
    g_free(result.live);
}

/* What step_read() says of a subject: its value, "(gone)", or "(error N)". */
static inline char *look(const FakeHost *host, StepKind kind, const char *subject)
{
    g_autoptr(Step) step = step_new(kind, subject, "", "");
    StepPlace place = place_of(host);
    char *live = NULL;
    int r = step_read(&place, step, &live);
    if (r < 0)
        return g_strdup_printf("(error %d)", -r);
    return live ? live : g_strdup("(gone)");
}

static inline void assert_live(const FakeHost *host, StepKind kind, const char *subject, const char *expected)
{
    g_autofree char *live = look(host, kind, subject);
    ck_assert_str_eq(live, expected);
}
