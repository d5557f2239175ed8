/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "text.h"

#include <glib.h>
#include <string.h>
#include <time.h>

static size_t character_width(gunichar c)
{
    if (g_unichar_iszerowidth(c))
        return 0;
    return g_unichar_iswide(c) ? 2 : 1;
}

size_t text_width(const char *text)
{
    size_t width = 0;

    for (const char *p = text; *p; p = g_utf8_next_char(p))
        width += character_width(g_utf8_get_char(p));
    return width;
}

char *text_fit(const char *text, size_t width)
{
    size_t used = 0;
    const char *p;

    if (text_width(text) <= width)
        return g_strdup(text);
    if (width == 0)
        return g_strdup("");
    for (p = text; *p; p = g_utf8_next_char(p)) {
        size_t next = character_width(g_utf8_get_char(p));
        if (used + next > width - 1)
            break;
        used += next;
    }
    return g_strdup_printf("%.*s…", (int)(p - text), text);
}

char *text_printable(const char *text, bool keep_lines)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    GString *out = g_string_new(NULL);

    for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        /* C1 controls too: U+009B alone opens a sequence on some terminals. */
        bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);

        if (c == '\t')
            g_string_append_c(out, ' ');
        else if (control && !(c == '\n' && keep_lines))
            g_string_append_c(out, '?');
        else
            g_string_append_unichar(out, c);
    }
    return g_string_free(out, FALSE);
}

char *text_to_key(const char *property)
{
    GString *key = g_string_new(NULL);

    for (const char *p = property; *p; p++) {
        if (g_ascii_isupper(*p) && p > property)
            g_string_append_c(key, '_');
        g_string_append_c(key, g_ascii_tolower(*p));
    }
    return g_string_free(key, FALSE);
}

/* Damerau's distance (optimal string alignment): neighbours swapped count as one mistake, the commonest in
 * typing. */
static size_t distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    g_autofree size_t *cells = g_new0(size_t, (n + 1) * (m + 1));
#define CELL(i, j) cells[(i) * (m + 1) + (j)]

    for (size_t i = 0; i <= n; i++)
        CELL(i, 0) = i;
    for (size_t j = 0; j <= m; j++)
        CELL(0, j) = j;
    for (size_t i = 1; i <= n; i++) {
        for (size_t j = 1; j <= m; j++) {
            size_t best = CELL(i - 1, j - 1) + (a[i - 1] != b[j - 1]);
            best = MIN(best, MIN(CELL(i - 1, j), CELL(i, j - 1)) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = MIN(best, CELL(i - 2, j - 2) + 1);
            CELL(i, j) = best;
        }
    }
    return CELL(n, m);
#undef CELL
}

const char *text_nearest(const char *word, const char *const *candidates)
{
    const char *nearest = NULL;
    size_t least = SIZE_MAX;

    for (; *candidates; candidates++) {
        size_t mistakes = distance(word, *candidates);
        /* A third of the word may be wrong, or the end missing: beyond that a hint misleads. */
        size_t bearable = MAX(1, strlen(*candidates) / 3);

        if (strlen(word) >= 2 && g_str_has_prefix(*candidates, word))
            mistakes = 1;
        if (mistakes <= bearable && mistakes < least) {
            least = mistakes;
            nearest = *candidates;
        }
    }
    return nearest;
}

static char *span_text(uint64_t seconds)
{
    if (seconds >= 86400)
        return g_strdup_printf("%ud %uh", (unsigned)(seconds / 86400), (unsigned)(seconds / 3600 % 24));
    if (seconds >= 3600)
        return g_strdup_printf("%uh %umin", (unsigned)(seconds / 3600), (unsigned)(seconds / 60 % 60));
    if (seconds >= 60)
        return g_strdup_printf("%umin %us", (unsigned)(seconds / 60), (unsigned)(seconds % 60));
    return g_strdup_printf("%us", (unsigned)seconds);
}

char *text_since(uint64_t since, uint64_t now)
{
    char date[64] = "";
    time_t seconds = (time_t)(since / G_USEC_PER_SEC);
    struct tm tm;

    if (!localtime_r(&seconds, &tm) || !strftime(date, sizeof(date), "%a %Y-%m-%d %H:%M:%S %Z", &tm))
        return g_strdup("an unknown time");
    /* A clock that was set back must not show an age of centuries. */
    if (now < since)
        return g_strdup(date);
    g_autofree char *span = span_text((now - since) / G_USEC_PER_SEC);
    return g_strdup_printf("%s; %s ago", date, span);
}
