/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The known word that is probably meant by a mistyped one, for "did you mean …?". */
#pragma once

/* Offer the known words one by one, then read best: the nearest, or NULL if none is near enough. Words are
 * borrowed. */
typedef struct NearestWord {
    const char *word;
    const char *best;
    unsigned distance;
} NearestWord;

/* Counts letters put in, left out, changed, or swapped with their neighbour, whatever their case; near enough
 * is one such slip for every three letters. A word that only begins like a known one counts as one slip. */
void nearest_word_offer(NearestWord *nearest, const char *known);
