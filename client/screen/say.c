/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "say.h"

#include <glib.h>
#include <stdio.h>

#include "text.h"

void say(const char *format, ...)
{
    g_autofree char *line = NULL;
    va_list ap;

    va_start(ap, format);
    line = g_strdup_vprintf(format, ap);
    va_end(ap);

    /* Messages quote what guests and files say: lines are kept, escapes are not. */
    g_autofree char *printable = text_printable(line, true);
    fprintf(stderr, "%s\n", printable);
}
