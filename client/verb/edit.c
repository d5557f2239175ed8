/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Edits a drop-in, as systemctl edit does, or with --full the file itself. The daemon checks the whole
 * definition before it writes any of it; a refused text can be edited again. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../definition/editor.h"
#include "../definition/files.h"
#include "verb.h"

#define DROP_IN "override.conf"
/* What a person wrote comes before it, so that line numbers in messages are those in the editor. */
#define MARK "### Everything below this line is discarded."

/* The text of the drop-in, and below the mark the files that it adds to. */
static char *draft_drop_in(const GPtrArray *files, const char *text)
{
    GString *draft = g_string_new(*text ? text : "\n\n");

    if (!g_str_has_suffix(draft->str, "\n"))
        g_string_append_c(draft, '\n');
    g_string_append(draft,
                    "\n" MARK " Write above it the sections and keys to add or override.\n"
                    "### A key without a value restores its default. usher.guest(5) describes all keys.\n");
    for (unsigned i = 0; i < files->len; i++) {
        const DefinitionFile *file = g_ptr_array_index(files, i);
        g_auto(GStrv) lines = NULL;

        if (g_str_has_suffix(file->path, "/" DROP_IN))
            continue;
        g_string_append_printf(draft, "\n### %s\n", file->path);
        lines = g_strsplit(g_strchomp(file->text), "\n", -1);
        for (char **line = lines; *line; line++)
            g_string_append_printf(draft, "#%s%s\n", **line ? " " : "", *line);
    }
    return g_string_free(draft, FALSE);
}

/* Cuts the draft at the mark, in place; "" if only blanks are left. */
static char *cut_draft(char *draft)
{
    char *mark = g_str_has_prefix(draft, MARK) ? draft : strstr(draft, "\n" MARK);

    if (mark)
        *mark = '\0';
    g_strchomp(draft);
    return *draft ? g_strconcat(draft, "\n", NULL) : g_strdup("");
}

static bool ask_again(void)
{
    char answer[16] = "";

    if (!isatty(STDIN_FILENO))
        return false;
    fprintf(stderr, "Nothing was changed. Edit it again? [Y/n] ");
    return fgets(answer, sizeof answer, stdin) && strchr("yY\n", answer[0]);
}

static const char *text_of(const GPtrArray *files, const char *drop_in)
{
    for (unsigned i = 0; i < files->len; i++) {
        const DefinitionFile *file = g_ptr_array_index(files, i);
        g_autofree char *base = g_path_get_basename(file->path);
        if (drop_in ? strcmp(base, drop_in) == 0 : i == 0)
            return file->text;
    }
    return "";
}

/* The edited text as it is in the file now; NULL: it cannot be read. The caller frees it. */
static char *read_again(Client *client, const char *name, const char *drop_in)
{
    g_autoptr(GPtrArray) files = NULL;

    return definition_files_get(client, name, &files) == STATUS_OK ? g_strdup(text_of(files, drop_in)) : NULL;
}

/* Edits until the daemon takes the text, or the user gives up. */
static int edit(Client *client, const char *name, const char *drop_in, const char *original,
                const Editor *editor, bool *ret_keep)
{
    g_autofree char *before = g_strdup(original);
    int status;

    do {
        g_autofree char *draft = NULL, *text = NULL;

        *ret_keep = false;
        if ((status = editor_run(editor, &draft)) != STATUS_OK) {
            *ret_keep = draft != NULL;
            return status;
        }
        text = drop_in ? cut_draft(draft) : g_steal_pointer(&draft);
        if (strcmp(text, before) == 0) {
            say("Nothing was changed");
            return STATUS_OK;
        }
        if (!drop_in && !*text) {
            say("The text is empty, so nothing was changed; to remove the guest: usherctl undefine %s", name);
            return STATUS_FAILED;
        }
        *ret_keep = true;
        status = definition_files_put(client, name, text, drop_in, before);
        if (status == STATUS_OK)
            *ret_keep = false;
        else if (!ask_again())
            return status;
        /* A user who has learnt that somebody else changed the file may want to replace it. */
        g_autofree char *now = status == STATUS_OK ? NULL : read_again(client, name, drop_in);
        if (now) {
            g_free(before);
            before = g_steal_pointer(&now);
        }
    } while (status != STATUS_OK);
    return status;
}

int cmd_edit(Client *client, char **args)
{
    const char *name = args[0], *drop_in = client->full ? NULL : DROP_IN;
    g_autoptr(GPtrArray) files = NULL;
    Editor editor;
    bool keep;

    int status = definition_files_get(client, name, &files);
    if (status != STATUS_OK)
        return status;
    g_autofree char *before = g_strdup(text_of(files, drop_in));
    g_autofree char *draft = drop_in ? draft_drop_in(files, before) : g_strdup(before);
    g_autofree char *file = g_strdup_printf("%s.guest", name);
    status = editor_open(&editor, drop_in ?: file, draft);
    if (status != STATUS_OK)
        return status;
    status = edit(client, name, drop_in, before, &editor, &keep);
    editor_close(&editor, keep);
    return status;
}
