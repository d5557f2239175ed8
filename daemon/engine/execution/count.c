/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counted steps: of a number that is everybody's, only the difference is ours. */
#include <string.h>

#include "../../base/log.h"
#include "private.h"

/* So often may somebody else come in between our look and the worker's. */
#define COUNT_PATIENCE 5

static bool is_certain(const Execution *e)
{
    return !e->backward || g_array_index(e->certain, bool, e->next);
}

/* Of a step that was only begun nobody knows whether it was taken, unless the number is still one of its two.
 */
Step *execution_count(const Execution *e, const Step *s)
{
    g_autofree char *live = NULL;
    Step *step = NULL;

    if (step_look(&e->engine->step_place, s, &live) < 0)
        return step_copy(s);
    if (is_certain(e))
        step = step_rebase(s, live);
    else if (g_strcmp0(live, s->after) == 0)
        step = step_new(s->kind, s->subject, s->after, s->after);
    return step ?: step_copy(s);
}

bool execution_count_again(Execution *e)
{
    if (!step_kind_counted(e->current->kind) || !is_certain(e) || e->counted++ >= COUNT_PATIENCE)
        return false;
    if (!e->backward)
        execution_journal(e, JOURNAL_UNDONE);
    g_clear_pointer(&e->current, step_free);
    execution_stop_timers(e);
    execution_schedule(e);
    return true;
}

int execution_begin_undo(Execution *e)
{
    g_autoptr(Step) taken = step_undo(e->current);

    return step_kind_counted(taken->kind) ? journal_write(e->journal, JOURNAL_BEGIN, e->number, taken) : 0;
}

Fault *execution_fell_short(Execution *e, const char *live)
{
    g_autoptr(Step) part = step_new(e->current->kind, e->current->subject, e->current->before, live);
    gint64 wanted = g_ascii_strtoll(e->current->after, NULL, 10), had = g_ascii_strtoll(live, NULL, 10),
           before = g_ascii_strtoll(e->current->before, NULL, 10);
    const char *size = strchr(part->subject, '/') + 1;
    g_autofree char *remedy = g_strdup_printf(
        "stop what uses memory, or set them aside at boot, when memory is in one piece yet: hugepagesz=%s "
        "hugepages=%" G_GINT64_FORMAT " on the kernel's command line",
        size, wanted - before);

    if (journal_write(e->journal, JOURNAL_DONE, e->number, part) < 0)
        log_error("cannot write the journal of %s", journal_owner(e->journal));
    return fault_new(FAULT_FAILED, remedy,
                     "%s: the host could make only %" G_GINT64_FORMAT " of the %" G_GINT64_FORMAT
                     " huge pages that are missing: its memory is used, or in pieces",
                     part->subject, had - before, wanted - before);
}
