/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "nearest-word.h"

#include <glib.h>
#include <string.h>

/* Longer words are no slips of the finger; the limit also bounds the work for a hostile file. */
#define WORD_MAX 40

/* Optimal string alignment: Levenshtein's distance with swapped neighbours as one change. */
static unsigned word_distance(const char *a, const char *b)
{
    unsigned rows[3][WORD_MAX + 1];
    unsigned *older = rows[0], *old = rows[1], *row = rows[2];
    size_t width = strlen(b);

    for (size_t j = 0; j <= width; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        unsigned *spare = older;
        older = old;
        old = row;
        row = spare;
        row[0] = i;
        for (size_t j = 1; j <= width; j++) {
            char x = g_ascii_tolower(a[i - 1]), y = g_ascii_tolower(b[j - 1]);
            row[j] = MIN(MIN(old[j], row[j - 1]) + 1, old[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == g_ascii_tolower(b[j - 2]) && y == g_ascii_tolower(a[i - 2]))
                row[j] = MIN(row[j], older[j - 2] + 1);
        }
    }
    return row[width];
}

void nearest_word_offer(NearestWord *nearest, const char *known)
{
    size_t length = strlen(nearest->word), known_length = strlen(known);
    size_t shorter = MIN(length, known_length), longer = MAX(length, known_length);
    unsigned distance;

    if (shorter == 0 || longer > WORD_MAX)
        return;
    if (shorter >= 3 && g_ascii_strncasecmp(nearest->word, known, shorter) == 0)
        distance = longer > shorter;
    else
        distance = word_distance(nearest->word, known);
    if (distance > MAX(longer / 3, 1) || distance >= longer)
        return;
    if (!nearest->best || distance < nearest->distance) {
        nearest->best = known;
        nearest->distance = distance;
    }
}
