/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verbs of usherctl: how each is called, what it takes, and what runs it. */
#pragma once

#include "client.h"

/* Options that only some verbs know. */
enum {
    KNOWS_DRY_RUN = 1 << 0,
    KNOWS_NO_BLOCK = 1 << 1,
    KNOWS_ALL = 1 << 2,
    KNOWS_BIND = 1 << 3, /* --functions= and --group= */
    KNOWS_STOP_HOLDERS = 1 << 4,
    KNOWS_CREATE = 1 << 5, /* what a new guest has */
    KNOWS_FINGERPRINT = 1 << 6,
    KNOWS_CLEAR = 1 << 7,
    KNOWS_EJECT = 1 << 8,
    KNOWS_FORCE = 1 << 9,
};

typedef struct Verb {
    const char *name;
    const char *args; /* for the help: "NAME…" */
    unsigned min, max;
    unsigned knows;
    VerbRun run;
    const char *help; /* NULL: an alias, not shown */
} Verb;

/* The first is the default; NULL behind the last one. */
const Verb *verb_at(unsigned place);
/* NULL, having said so, if there is none of that name. */
const Verb *verb_find(const char *name);
