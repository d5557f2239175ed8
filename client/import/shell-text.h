/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A shell's script as the commands that it has, one after another: quotes, comments, continued lines,
 * operators and here-documents as in POSIX' shell (XCU 2). Nothing is expanded or run. */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef struct ShellWord {
    char *text;
    bool filled; /* only a shell can say what it is: it has a $ or a ` */
} ShellWord;

typedef struct ShellCommand {
    GPtrArray *words; /* of ShellWord; redirections are not among them */
    unsigned line;    /* of its first word */
    /* Why the command is not what it seems, and the line that has it; NULL: it is. */
    const char *fault;
    unsigned fault_line;
} ShellCommand;

/* Of ShellCommand, each with a word at least. */
GPtrArray *shell_text_parse(const char *text);

/* The text of a word; NULL: the command has not so many. */
const char *shell_command_word(const ShellCommand *command, unsigned index);
