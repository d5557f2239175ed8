/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text as a terminal shows it. All of it is UTF-8, as D-Bus strings are. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The columns that a text takes: wide characters count twice, combining ones not at all. */
size_t text_width(const char *text);

/* The text if it fits, else its beginning and "…", never wider than width. The caller frees it. */
char *text_fit(const char *text, size_t width);

/* A copy that is valid UTF-8 whatever it was given, without control characters: what a guest or its QEMU
 * wrote must not steer the reader's terminal. Tabs become a blank, the others "?"; newlines stay if
 * keep_lines says so. The caller frees it. */
char *text_printable(const char *text, bool keep_lines);

/* "LastWords" → "last_words". The caller frees it. */
char *text_to_key(const char *property);

/* The candidate that is probably meant, or NULL if none is near. candidates ends with NULL. */
const char *text_nearest(const char *word, const char *const *candidates);

/* "Sat 2024-06-01 10:00:00 CEST; 2h 3min ago"; both in microseconds since the epoch. The caller frees it. */
char *text_since(uint64_t since, uint64_t now);
