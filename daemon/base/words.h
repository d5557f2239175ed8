/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes words from outside fit for a message of ours: short, and without what a terminal obeys. A caller
 * that sends a name of nine megabytes gets an error of one line. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#define WORDS_NAME_MAX 64      /* bytes of a name that are shown */
#define WORDS_MESSAGE_MAX 4096 /* of a whole message */

/* A copy of at most max bytes, cut where a character begins; "…" stands for the rest. The caller frees it. */
char *words_cut(const char *text, size_t max);
/* A name as it may be quoted: cut to WORDS_NAME_MAX, and what is not printable ASCII escaped as in C. The
 * caller frees it. */
char *words_quote(const char *name);
/* Whether it is valid UTF-8 without anything that would leave its line or turn it about: control characters
 * other than a tab, line and paragraph separators, marks of direction (CVE-2021-42574). */
bool words_are_line(const char *bytes, size_t size);
/* Such text with invalid bytes replaced by U+FFFD, and characters that may not be part of a line written
 * as \x1b or \u2028. The caller frees it. */
char *words_in_line(const char *bytes, size_t size);
