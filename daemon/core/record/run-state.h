/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QEMU's state of a guest's vCPUs (RunState, qapi/run-state.json), as far as we act upon it: whether they
 * run, what makes them run again, and the pause reason to show. */
#pragma once

#include <stdbool.h>

typedef enum RunKind {
    RUN_GOES,    /* they run */
    RUN_BEGINS,  /* they have not run yet */
    RUN_SLEEPS,  /* the guest has put itself to sleep (ACPI S3): woken by system_wakeup, and by what it chose
                  */
    RUN_HELD,    /* they stand still, and `cont` lets them go on */
    RUN_HANGS,   /* the same, but the guest's system did not react any more before */
    RUN_ENDED,   /* they stand still for good: a reset may begin anew */
    RUN_UNKNOWN, /* a QEMU newer than this */
} RunKind;

#define RUN_WORD_MAX 32

typedef struct RunState {
    RunKind kind;
    char word[RUN_WORD_MAX]; /* for a person: "suspended", "io-error", …; "": nothing to be told */
} RunState;

/* Of query-status. What is not known becomes RUN_UNKNOWN with its own name, without odd characters and cut;
 * NULL is taken for "unknown". */
RunState run_state_read(const char *status);

/* vCPUs that are stopped do not notice the power button, and neither does the agent inside. An unknown
 * state counts as one in which they might. */
bool run_state_hears(RunState run);

/* QEMU passes on a press of the power button only where the guest's system has enabled it in its chipset, and
 * tells nobody of one that is lost (acpi_pm1_evt_power_down(), hw/acpi/core.c). What a person would ask it
 * for that register: PM1_EN, at 0x600 + 2 on q35, where both SeaBIOS and OVMF have it. */
#define RUN_BUTTON_QUESTION "i /h 0x602"

/* Of QEMU's answer, "portw[0x0602] = 0x0120": the button is not enabled. Of any other answer false. */
bool run_button_is_deaf(const char *words);

/* Whether `cont` may be sent unasked, so that a guest can react. Not where another QEMU may have its disks by
 * now, nor where QEMU would refuse it. */
bool run_state_may_go_on(RunState run);
