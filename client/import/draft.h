/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The definition as an import makes it, with the three lists that say what became of each wish: said, said
 * differently, left out. Readers of all formats write into it; nobody else knows a key. */
#pragma once

#include <stdbool.h>

#include "node.h"

typedef struct Draft Draft;
typedef struct DraftSection DraftSection;

typedef enum DraftList {
    DRAFT_SAID,
    DRAFT_DIFFERS,
    DRAFT_LEFT,
    DRAFT_LISTS,
} DraftList;

Draft *draft_new(void);
Draft *draft_free(Draft *draft);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Draft, draft_free)

/* The section without a name; made if it is not there. Borrowed. */
DraftSection *draft_section(Draft *draft, const char *kind);
/* A new [kind name]; the name is made valid, and another one if it is taken. */
DraftSection *draft_add(Draft *draft, const char *kind, const char *name);
/* The nth of a kind, from 0; NULL: there are not so many. */
DraftSection *draft_nth(const Draft *draft, const char *kind, unsigned n);
/* How usher's ids call it: "gpu". */
const char *draft_name(const DraftSection *section);

/* Whether a key that is a choice has that word. */
bool draft_has_word(const char *kind, const char *key, const char *word);
/* Whether usher's parser takes that value, whatever else the definition says. */
bool draft_takes(const char *kind, const char *key, const char *value);

/* Sets a key; from is who wished so (NULL: nobody in particular). The last value counts, but for those that
 * add up (draft_more). */
void draft_set(DraftSection *section, const char *key, const Node *from, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
void draft_more(DraftSection *section, const char *key, const Node *from, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
void draft_unset(DraftSection *section, const char *key);
/* NULL: not set. */
const char *draft_get(const DraftSection *section, const char *key);

/* An item of the list: "what: why". */
void draft_differs(Draft *draft, const Node *from, const char *format, ...) G_GNUC_PRINTF(3, 4);
void draft_left(Draft *draft, const Node *from, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* Said differently for a reason that many share, which is said once: takes the whole of from. */
void draft_same(Draft *draft, Node *from, const char *reason);

/* Reads the text with usher's own parser; what that refuses goes to the list of what is left out, with the
 * parser's words. Negative errno. */
int draft_settle(Draft *draft, const char *name);

/* The definition, beginning with its first section. The caller frees it. */
char *draft_text(const Draft *draft);
/* The items, of const char *, owned by the draft; those that keys made among them. */
const GPtrArray *draft_list(const Draft *draft, DraftList list);
