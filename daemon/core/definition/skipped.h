/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What lies in the folder of definitions and is no guest's, though a person may have meant it to be. */
#pragma once

#include <glib.h>

/* How many are named; the others are counted in one more. */
#define SKIPPED_MAX 16

typedef struct Skipped {
    char *file;   /* its name, as it may be shown */
    char *why;    /* "a guest's name has …" */
    char *remedy; /* "rename it: windows-11.guest" */
} Skipped;

/* files: all names in the folder; hidden ones, and copies that were put aside (win10.guest.bak,
 * win10.guest~), are nobody's mistake. The caller frees the array, which owns what is in it. */
GPtrArray *skipped_find(char *const *files);

/* Adds one by hand, as long as there is room for it. */
void skipped_add(GPtrArray *skipped, const char *file, const char *why, const char *remedy);
