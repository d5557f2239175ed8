/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A text in a person's editor, as systemctl(1) finds one: $SYSTEMD_EDITOR, $EDITOR, $VISUAL, else editor,
 * nano, vim, vi. */
#pragma once

#include <stdbool.h>

typedef struct Editor {
    char *folder; /* private, of this run */
    char *path;   /* of the text in it */
} Editor;

/* Puts the text into a file of that name. Functions return an exit status, having said what failed. */
int editor_open(Editor *editor, const char *name, const char *text);

/* Lets it be edited and reads it back; the caller frees the text. */
int editor_run(const Editor *editor, char **ret);

/* Takes the file away, or says where it is kept. */
void editor_close(Editor *editor, bool keep);
