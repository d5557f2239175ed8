/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdbool.h>
#include <string.h>

#include "words.h"

char *words_cut(const char *text, size_t max)
{
    size_t size = strnlen(text, max + 1);

    if (size <= max)
        return g_strdup(text);
    /* Bytes that continue a character begin with the bits 10 (RFC 3629). */
    size = max - MIN(max, strlen("…"));
    while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80)
        size--;
    return g_strdup_printf("%.*s…", (int)size, text);
}

char *words_quote(const char *name)
{
    bool is_long = strnlen(name, WORDS_NAME_MAX + 1) > WORDS_NAME_MAX;
    g_autofree char *cut = words_cut(name, WORDS_NAME_MAX);

    if (is_long)
        cut[strlen(cut) - strlen("…")] = '\0';
    g_autofree char *valid = g_utf8_make_valid(cut, -1), *escaped = g_strescape(valid, NULL);
    return g_strconcat(escaped, is_long ? "…" : "", NULL);
}
