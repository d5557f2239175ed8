/* SPDX-License-Identifier: LGPL-2.1-or-later */
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

static bool leaves_line(gunichar c)
{
    return (c != '\t' && g_unichar_iscntrl(c)) || c == 0x2028 || c == 0x2029 || c == 0x061c || c == 0x200e ||
           c == 0x200f || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

bool words_are_line(const char *bytes, size_t size)
{
    if (!g_utf8_validate_len(bytes, size, NULL))
        return false;
    for (const char *c = bytes; c < bytes + size; c = g_utf8_next_char(c))
        if (leaves_line(g_utf8_get_char(c)))
            return false;
    return true;
}

char *words_in_line(const char *bytes, size_t size)
{
    if (words_are_line(bytes, size))
        return g_strndup(bytes, size);

    g_autofree char *valid = g_utf8_make_valid(bytes, size);
    GString *line = g_string_sized_new(size);
    for (const char *c = valid; *c; c = g_utf8_next_char(c)) {
        gunichar unichar = g_utf8_get_char(c);
        if (leaves_line(unichar))
            g_string_append_printf(line, unichar < 0x100 ? "\\x%02x" : "\\u%04x", unichar);
        else
            g_string_append_unichar(line, unichar);
    }
    return g_string_free(line, FALSE);
}
