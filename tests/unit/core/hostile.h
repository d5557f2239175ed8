/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts that mean harm, by dice. The seed is printed; USHER_FUZZ_SEED repeats a run. */
#pragma once

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>

static inline GRand *new_dice(void)
{
    const char *given = getenv("USHER_FUZZ_SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : g_random_int();

    printf("USHER_FUZZ_SEED=%u\n", seed);
    fflush(stdout);
    return g_rand_new_with_seed(seed);
}

/* Appends text that means something to QEMU, the shell, printf, JSON or the parser. */
static inline void append_hostile(GString *text, GRand *dice)
{
    static const char *const pieces[] = {
        ",",      "=",    "\"",      "%",  "%n",   "%s", "\\",    "\\\\", "\n", "\n#",     "\n\n",
        "'",      "{",    "}",       "[",  "]",    ":",  "/",     "..",   "-S", "-device", " -monitor stdio",
        ",id=x",  "fd=3", "driver=", "\t", "#",    ";",  "$(id)", "`",    "&",  "|",       "\u00fc",
        "\u2028", "\xff", "\xc3",    "\r", "\x1b", "a",  "b",     "0",    "1",  ".",       " ",
    };
    for (int n = g_rand_int_range(dice, 1, 12); n > 0; n--) {
        if (g_rand_int_range(dice, 0, 200) == 0)
            g_string_append_c(text, '\0');
        g_string_append(text, pieces[g_rand_int_range(dice, 0, G_N_ELEMENTS(pieces))]);
    }
}
