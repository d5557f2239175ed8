/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What stdout can show: colours, width, characters. Looked at once, before a pager takes stdout's place. */
#pragma once

#include <stdbool.h>

typedef struct Terminal {
    bool tty;
    bool colour;      /* a terminal, TERM is not "dumb" and NO_COLOR is not set (https://no-color.org) */
    bool utf8;        /* as the locale says */
    unsigned columns; /* 0: without end, as for a pipe */
} Terminal;

typedef enum Colour {
    COLOUR_NORMAL,
    COLOUR_BOLD,
    COLOUR_DIM,
    COLOUR_TITLE,
    COLOUR_GOOD,
    COLOUR_BUSY,
    COLOUR_BAD,
    COLOUR_MAX,
} Colour;

typedef enum Glyph {
    GLYPH_FULL,   /* something runs */
    GLYPH_EMPTY,  /* nothing does */
    GLYPH_CROSS,  /* it failed */
    GLYPH_BRANCH, /* of a tree */
    GLYPH_LAST,
    GLYPH_ARROW,
    GLYPH_MAX,
} Glyph;

/* Takes the locale from the environment too. */
Terminal terminal_look(void);

/* The sequence that switches to a colour, "" where there are none. */
const char *terminal_colour(const Terminal *terminal, Colour colour);

/* A character that the locale can show. */
const char *terminal_glyph(const Terminal *terminal, Glyph glyph);

/* The width of the terminal at fd, 80 if it does not tell. */
unsigned terminal_columns(int fd);
