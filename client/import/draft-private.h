/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of a draft, for those who settle it. */
#pragma once

#include "draft.h"

typedef struct DraftLine {
    char *key, *value;
    char *from; /* who wished so; NULL: nobody in particular */
} DraftLine;

struct DraftSection {
    Draft *draft;
    char *kind, *name; /* name NULL: the section has none */
    GPtrArray *lines;  /* of DraftLine, owned */
};

/* What many wishes have as their answer. */
typedef struct DraftGroup {
    char *reason;
    GPtrArray *names; /* of char*, each once */
} DraftGroup;

struct Draft {
    GPtrArray *sections; /* of DraftSection, owned, in the order in which they were made */
    GPtrArray *groups;   /* of DraftGroup */
    GPtrArray *lists[DRAFT_LISTS];
};

void draft_item(Draft *draft, DraftList list, const char *what, const char *why);
