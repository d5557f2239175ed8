/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool wants_colour(void)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    if (no_color && *no_color)
        return false;
    return term && strcmp(term, "dumb") != 0;
}

unsigned terminal_columns(int fd)
{
    struct winsize size = {0};
    const char *columns = getenv("COLUMNS");

    if (columns && atoi(columns) > 0)
        return (unsigned)atoi(columns);
    if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return 80;
    return size.ws_col;
}

Terminal terminal_look(void)
{
    Terminal terminal = {.tty = isatty(STDOUT_FILENO)};

    /* Only characters: dates and numbers stay the same everywhere, as scripts and bug reports want them. */
    setlocale(LC_CTYPE, "");
    terminal.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    if (terminal.tty) {
        terminal.colour = wants_colour();
        terminal.columns = terminal_columns(STDOUT_FILENO);
    }
    return terminal;
}

const char *terminal_colour(const Terminal *terminal, Colour colour)
{
    static const char *const sequences[COLOUR_MAX] = {
        [COLOUR_NORMAL] = "\033[0m", [COLOUR_BOLD] = "\033[1m",    [COLOUR_DIM] = "\033[2m",
        [COLOUR_TITLE] = "\033[4m",  [COLOUR_GOOD] = "\033[1;32m", [COLOUR_BUSY] = "\033[1;33m",
        [COLOUR_BAD] = "\033[1;31m",
    };

    return terminal->colour ? sequences[colour] : "";
}

const char *terminal_glyph(const Terminal *terminal, Glyph glyph)
{
    static const char *const glyphs[GLYPH_MAX][2] = {
        [GLYPH_FULL] = {"*", "●"},     [GLYPH_EMPTY] = {"o", "○"},  [GLYPH_CROSS] = {"x", "×"},
        [GLYPH_BRANCH] = {"|-", "├─"}, [GLYPH_LAST] = {"`-", "└─"}, [GLYPH_ARROW] = {"->", "→"},
    };

    return glyphs[glyph][terminal->utf8];
}
