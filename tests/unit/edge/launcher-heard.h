/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a launcher has called back in a test, and how often. */
#pragma once

#include <check.h>

#include "../../../daemon/edge/launcher/launcher.h"

static int answers, ends, failures, finds;
static int answer_error;
static char *answer_message, *failed_instance, *failed_message;
static LauncherExit ended;
static pid_t found;

static inline void on_done(int error, const char *message, void *userdata)
{
    answers++;
    answer_error = error;
    g_free(answer_message);
    answer_message = g_strdup(message);
}

static inline void on_exited(const LauncherExit *exit, void *userdata)
{
    ends++;
    ended = *exit;
}

static inline void on_failed(const char *instance, const char *message, void *userdata)
{
    failures++;
    g_free(failed_instance);
    g_free(failed_message);
    failed_instance = g_strdup(instance);
    failed_message = g_strdup(message);
}

static inline void on_found(pid_t pid, void *userdata)
{
    finds++;
    found = pid;
}

static inline void heard_nothing(void)
{
    answers = ends = failures = finds = 0;
    g_clear_pointer(&answer_message, g_free);
    g_clear_pointer(&failed_instance, g_free);
    g_clear_pointer(&failed_message, g_free);
}
