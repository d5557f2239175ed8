/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "run-state.h"

static const struct {
    const char *name;
    RunKind kind;
    const char *word; /* NULL: as QEMU says */
} states[] = {
    {"running", RUN_GOES, ""},
    {"prelaunch", RUN_BEGINS, NULL},
    {"inmigrate", RUN_BEGINS, NULL},
    {"suspended", RUN_SLEEPS, NULL},
    {"paused", RUN_HELD, ""},
    {"io-error", RUN_HELD, NULL},
    {"debug", RUN_HELD, NULL},
    {"watchdog", RUN_HANGS, NULL},
    /* `cont` would have a dead system go round in circles. */
    {"guest-panicked", RUN_ENDED, "panicked"},
    /* These two need a reset: runstate_needs_reset(), softmmu/runstate.c. */
    {"internal-error", RUN_ENDED, NULL},
    {"shutdown", RUN_ENDED, NULL},
    /* Its disks may be another QEMU's by now, or a snapshot's. */
    {"finish-migrate", RUN_ENDED, NULL},
    {"postmigrate", RUN_ENDED, NULL},
    {"save-vm", RUN_ENDED, NULL},
    {"restore-vm", RUN_ENDED, NULL},
    {"colo", RUN_ENDED, NULL},
};

static void copy_word(char *word, const char *text)
{
    g_strlcpy(word, text, RUN_WORD_MAX);
    for (char *c = word; *c; c++)
        if (!g_ascii_isalnum(*c))
            *c = '-';
}

RunState run_state_read(const char *status)
{
    RunState run = {.kind = RUN_UNKNOWN};

    for (unsigned i = 0; i < G_N_ELEMENTS(states); i++)
        if (g_strcmp0(states[i].name, status) == 0) {
            run.kind = states[i].kind;
            copy_word(run.word, states[i].word ?: status);
            return run;
        }
    copy_word(run.word, status && *status ? status : "unknown");
    return run;
}

bool run_state_hears(RunState run)
{
    return run.kind == RUN_GOES || run.kind == RUN_UNKNOWN;
}

/* ACPI specification, 4.8.3.1.2: PWRBTN_EN. All bits are set until the firmware has mapped the register. */
#define PWRBTN_EN (1U << 8)
#define NOBODY 0xffff

bool run_button_is_deaf(const char *words)
{
    unsigned value;

    return sscanf(words, "portw[0x0602] = 0x%4x", &value) == 1 && (value == NOBODY || !(value & PWRBTN_EN));
}

bool run_state_may_go_on(RunState run)
{
    return run.kind == RUN_HELD || run.kind == RUN_HANGS;
}
