/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shell-text.h"

#include <string.h>

#include "../../daemon/base/cleanup.h"

typedef struct Reader {
    const char *at;
    unsigned line;
    GPtrArray *commands;
    ShellCommand *command; /* NULL: none has begun */
    GString *word;         /* NULL: none has begun */
    bool filled;
    bool aside;           /* the next word is a redirection's */
    GPtrArray *documents; /* the ends of here-documents that begin below this line */
} Reader;

DEFINE_ELEMENT_FREE(ShellWord, shell_word_free, word)
{
    g_free(word->text);
}

DEFINE_ELEMENT_FREE(ShellCommand, shell_command_free, command)
{
    g_ptr_array_unref(command->words);
}

static ShellCommand *begin(Reader *reader)
{
    if (!reader->command) {
        reader->command = g_new0(ShellCommand, 1);
        reader->command->words = g_ptr_array_new_with_free_func(shell_word_free);
        reader->command->line = reader->line;
    }
    return reader->command;
}

static GString *word_of(Reader *reader)
{
    begin(reader);
    if (!reader->word)
        reader->word = g_string_new(NULL);
    return reader->word;
}

static void end_word(Reader *reader)
{
    if (!reader->word)
        return;
    char *text = g_string_free(g_steal_pointer(&reader->word), FALSE);
    if (reader->aside) {
        g_free(text);
    } else {
        ShellWord *word = g_new0(ShellWord, 1);
        word->text = text;
        word->filled = reader->filled;
        g_ptr_array_add(reader->command->words, word);
    }
    reader->filled = reader->aside = false;
}

static void end_command(Reader *reader)
{
    ShellCommand *command;

    end_word(reader);
    command = g_steal_pointer(&reader->command);
    if (command && command->words->len > 0)
        g_ptr_array_add(reader->commands, command);
    else if (command)
        shell_command_free(command);
}

static char next(Reader *reader)
{
    reader->line += *reader->at == '\n';
    return *reader->at++;
}

static void fault(Reader *reader, const char *why, unsigned line)
{
    begin(reader)->fault = why;
    reader->command->fault_line = line;
}

/* From a bracket to the one that closes it, as text of the word. */
static void read_brackets(Reader *reader, char open, char close)
{
    unsigned depth = 0;

    do {
        depth += *reader->at == open;
        depth -= *reader->at == close;
        g_string_append_c(word_of(reader), next(reader));
    } while (*reader->at && depth > 0);
}

/* $x, ${x}, $(x), `x`. */
static void read_filled(Reader *reader)
{
    char first = next(reader);

    g_string_append_c(word_of(reader), first);
    reader->filled = true;
    if (first == '`')
        while (*reader->at && next(reader) != '`')
            ;
    else if (*reader->at == '(')
        read_brackets(reader, '(', ')');
    else if (*reader->at == '{')
        read_brackets(reader, '{', '}');
}

static void read_single(Reader *reader)
{
    unsigned line = reader->line;

    word_of(reader);
    for (next(reader); *reader->at && *reader->at != '\'';)
        g_string_append_c(reader->word, next(reader));
    if (*reader->at)
        next(reader);
    else
        fault(reader, "the quote that begins here is not closed", line);
}

static void read_double(Reader *reader)
{
    unsigned line = reader->line;

    word_of(reader);
    for (next(reader); *reader->at && *reader->at != '"';) {
        if (*reader->at == '$' || *reader->at == '`') {
            read_filled(reader);
            continue;
        }
        bool escape = *reader->at == '\\' && reader->at[1] && strchr("$`\"\\\n", reader->at[1]);
        if (escape)
            next(reader);
        if (escape && *reader->at == '\n')
            next(reader);
        else
            g_string_append_c(reader->word, next(reader));
    }
    if (*reader->at)
        next(reader);
    else
        fault(reader, "the quote that begins here is not closed", line);
}

static void read_escape(Reader *reader)
{
    unsigned line = reader->line;
    size_t blanks = strspn(reader->at + 1, " \t");

    next(reader);
    if (*reader->at == '\n') {
        next(reader);
    } else if (blanks > 0 && (reader->at[blanks] == '\n' || !reader->at[blanks])) {
        reader->at += blanks;
        fault(reader, "blanks behind the \\ end the command here, as a shell reads it; remove them", line);
    } else if (*reader->at) {
        g_string_append_c(word_of(reader), next(reader));
    }
}

static void skip_line(Reader *reader)
{
    reader->at += strcspn(reader->at, "\n");
}

/* The lines of here-documents are nobody's commands. */
static void skip_documents(Reader *reader)
{
    for (unsigned i = 0; i < reader->documents->len; i++)
        for (bool ended = false; *reader->at && !ended;) {
            g_autofree char *line = g_strndup(reader->at, strcspn(reader->at, "\n"));
            ended = g_str_equal(g_strstrip(line), reader->documents->pdata[i]);
            skip_line(reader);
            if (*reader->at)
                next(reader);
        }
    g_ptr_array_set_size(reader->documents, 0);
}

static void read_document(Reader *reader)
{
    reader->at += strspn(reader->at, "- \t");
    size_t length = strcspn(reader->at, " \t\n;&|<>)");
    g_autofree char *word = g_strndup(reader->at, length), *bare = g_shell_unquote(word, NULL);

    reader->at += length;
    g_ptr_array_add(reader->documents, g_strdup(bare ?: word));
}

/* ">", "2>&1", "<<END". */
static void read_redirection(Reader *reader)
{
    GString *number = reader->word;

    begin(reader);
    if (number && strspn(number->str, "0123456789") == number->len)
        reader->aside = true;
    end_word(reader);
    bool document = g_str_has_prefix(reader->at, "<<") && reader->at[2] != '<';
    reader->at += strspn(reader->at, "<>&|");
    if (document)
        read_document(reader);
    else
        reader->aside = true;
}

static void read_operator(Reader *reader)
{
    if (*reader->at == '&' && reader->at[1] == '>') {
        end_word(reader);
        next(reader);
        read_redirection(reader);
        return;
    }
    end_command(reader);
    bool ends_line = next(reader) == '\n';
    if (ends_line)
        skip_documents(reader);
}

static void read_one(Reader *reader)
{
    char c = *reader->at;

    if (c == '\\')
        read_escape(reader);
    else if (c == '\'')
        read_single(reader);
    else if (c == '"')
        read_double(reader);
    else if (c == '$' || c == '`')
        read_filled(reader);
    else if (c == '#' && !reader->word)
        skip_line(reader);
    else if (c == '<' || c == '>')
        read_redirection(reader);
    else if (strchr("\n;&|()", c))
        read_operator(reader);
    else if (g_ascii_isspace(c)) {
        end_word(reader);
        next(reader);
    } else
        g_string_append_c(word_of(reader), next(reader));
}

GPtrArray *shell_text_parse(const char *text)
{
    g_autoptr(GPtrArray) documents = g_ptr_array_new_with_free_func(g_free);
    GPtrArray *commands = g_ptr_array_new_with_free_func(shell_command_free);
    Reader reader = {.at = text, .line = 1, .commands = commands, .documents = documents};

    while (*reader.at)
        read_one(&reader);
    end_command(&reader);
    return commands;
}

const char *shell_command_word(const ShellCommand *command, unsigned index)
{
    return index < command->words->len ? ((const ShellWord *)command->words->pdata[index])->text : NULL;
}
