/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "progress.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "terminal.h"
#include "text.h"

/* In less time a clock would only be restless. */
#define SLOW_SECONDS 3

Progress progress_start(void)
{
    const char *term = g_getenv("TERM");

    return (Progress){
        .tty = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0,
        .started = (uint64_t)g_get_monotonic_time(),
    };
}

void progress_show(Progress *progress, const char *subject, unsigned done, unsigned total, const char *step)
{
    unsigned seconds = (unsigned)(((uint64_t)g_get_monotonic_time() - progress->started) / G_USEC_PER_SEC);
    g_autoptr(GString) line = g_string_new(subject);

    if (!progress->tty)
        return;
    if (total > 0)
        g_string_append_printf(line, ": %u of %u", MIN(done + 1, total), total);
    g_string_append_printf(line, ": %s", step);
    if (seconds >= SLOW_SECONDS)
        g_string_append_printf(line, " (%us)", seconds);

    g_autofree char *printable = text_printable(line->str, false);
    /* One column is kept free: some terminals wrap when the last is written. */
    g_autofree char *fitting = text_fit(printable, terminal_columns(STDERR_FILENO) - 1);
    fprintf(stderr, "\r\033[K%s", fitting);
    fflush(stderr);
    progress->shown = true;
}

void progress_clear(Progress *progress)
{
    if (!progress->shown)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    progress->shown = false;
}
