/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The journal's files: /run/usher/journal/, one for each owner, named by owner_to_file(). A record is
 * appended with one write(2); the file is gone when all is undone. /run is memory: it dies at reboot along
 * with the bindings that it describes. */
#pragma once

#include <glib.h>

#include "../../core/record/journal-record.h"
#include "../../core/record/owner.h"

typedef struct Journal Journal;

/* Opens (creating it) the journal of an owner below dir_fd (borrowed, the folder of journals). If it
 * exists, its records are kept and the numbers continue. -EINVAL if that is not an owner. */
int journal_open(int dir_fd, const char *owner, Journal **ret);
/* Closes; the file stays. */
Journal *journal_close(Journal *journal);
/* Removes the file, and closes. */
Journal *journal_remove(Journal *journal);

const char *journal_owner(const Journal *journal);
/* The number for the next step. */
unsigned journal_next(const Journal *journal);
/* Appends a record. After an error nothing of it counts, and the next write starts a line of its own. */
int journal_write(Journal *journal, JournalMark mark, unsigned number, const Step *step);
/* The steps that are to be undone, as journal_replay() gives them; *ret_bad (may be NULL) counts the
 * records that failed their check. */
int journal_read(const Journal *journal, GPtrArray **ret_open, unsigned *ret_bad);

/* The owners that have a journal, sorted; a GStrv of the caller's. Files with other names are left alone. */
int journal_owners(int dir_fd, char ***ret);
