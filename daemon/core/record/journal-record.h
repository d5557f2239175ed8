/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the journal says, as values: one record a line, checked, so that a torn tail or a flipped bit is
 * noticed and never believed. A journal belongs to one owner ("guest/win10", "bind/0000:01:00.0") and is
 * removed when all is undone. */
#pragma once

#include <glib.h>

#include "step.h"

typedef enum JournalMark {
    JOURNAL_BEGIN,  /* about to act: afterwards only looking tells whether it happened */
    JOURNAL_DONE,   /* acted and read back */
    JOURNAL_UNDONE, /* undone and read back (or found never to have happened) */
    JOURNAL_MARK_MAX,
    JOURNAL_MARK_INVALID = -EINVAL,
} JournalMark;

typedef struct JournalRecord {
    JournalMark mark;
    unsigned number; /* of the step, from 0, the same in all its records */
    Step *step;
} JournalRecord;

/* A line with its newline: mark, number, kind, subject, before, after (escaped, space-separated), CRC-32
 * of the text before it. The caller frees it. */
char *journal_record_to_line(JournalMark mark, unsigned number, const Step *step);

/* 0 and a record, or -EBADMSG for anything that journal_record_to_line() did not write. line is without its
 * newline. */
int journal_record_from_line(const char *line, JournalRecord **ret);
JournalRecord *journal_record_free(JournalRecord *record);

/* One step that a journal leaves standing. */
typedef struct JournalOpen {
    unsigned number;
    bool certain; /* done was written; otherwise only begun */
    Step *step;   /* as it was taken (not swapped) */
} JournalOpen;

/* Reads a whole journal: the steps begun or done and not undone, in the order they were taken (undo them
 * from the end). Lines that fail their check are counted in *ret_bad and skipped. The records around them
 * show what they had, as every record carries the whole step. */
GPtrArray *journal_replay(const char *text, size_t size, unsigned *ret_bad); /* of JournalOpen, owned */
/* One more than the highest number that any record names; 0 if there is none. */
unsigned journal_replay_next(const char *text, size_t size);
void journal_open_free(JournalOpen *open);
