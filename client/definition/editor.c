/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "editor.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../daemon/base/file.h"
#include "../bus/client.h"

#define TEXT_MAX (1024 * 1024)

extern char **environ;

int editor_open(Editor *editor, const char *name, const char *text)
{
    g_autoptr(GError) error = NULL;

    *editor = (Editor){};
    if (!(editor->folder = g_dir_make_tmp("usherctl-XXXXXX", &error))) {
        say("Cannot make a folder for the text: %s", error->message);
        return STATUS_FAILED;
    }
    editor->path = g_build_filename(editor->folder, name, NULL);
    int r = file_replace_at(AT_FDCWD, editor->path, text, 0600);
    if (r < 0) {
        say("Cannot write %s: %s", editor->path, g_strerror(-r));
        editor_close(editor, false);
        return STATUS_FAILED;
    }
    return STATUS_OK;
}

/* Runs an editor's command line with the file. 0, or a positive errno. */
static int spawn_editor(const char *command, const char *path, pid_t *ret)
{
    g_auto(GStrv) words = NULL;

    if (!g_shell_parse_argv(command, NULL, &words, NULL))
        return EINVAL;
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    g_strv_builder_addv(builder, (const char **)words);
    g_strv_builder_add(builder, path);
    g_auto(GStrv) argv = g_strv_builder_end(builder);
    return posix_spawnp(ret, argv[0], NULL, NULL, argv, environ);
}

static int spawn_any(const char *path, pid_t *ret)
{
    static const char *const variables[] = {"SYSTEMD_EDITOR", "EDITOR", "VISUAL"};
    static const char *const usual[] = {"editor", "nano", "vim", "vi"};
    int r = ENOENT;

    for (unsigned i = 0; i < G_N_ELEMENTS(variables); i++) {
        const char *command = g_getenv(variables[i]);
        if (!command || !*command)
            continue;
        if ((r = spawn_editor(command, path, ret)) != 0)
            say("Cannot run $%s (%s): %s", variables[i], command, g_strerror(r));
        return r;
    }
    for (unsigned i = 0; r != 0 && i < G_N_ELEMENTS(usual); i++)
        r = spawn_editor(usual[i], path, ret);
    if (r != 0)
        say("There is no editor; choose one: SYSTEMD_EDITOR=… usherctl edit");
    return r;
}

/* While the editor runs, Ctrl-C is for the editor. */
static int run_editor(const char *path)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    int status = 0;
    pid_t pid;

    if (spawn_any(path, &pid) != 0)
        return STATUS_FAILED;
    sigaction(SIGINT, &ignore, &before);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    sigaction(SIGINT, &before, NULL);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return STATUS_OK;
    say("The editor failed, so nothing was changed");
    return STATUS_FAILED;
}

int editor_run(const Editor *editor, char **ret)
{
    g_autofree char *text = NULL;
    size_t size;

    int status = run_editor(editor->path);
    if (status != STATUS_OK)
        return status;
    int r = file_read_all_at(AT_FDCWD, editor->path, TEXT_MAX, &text, &size);
    if (r < 0 || !g_utf8_validate_len(text, size, NULL)) {
        say("Cannot read %s: %s", editor->path, r < 0 ? g_strerror(-r) : "it is not UTF-8");
        return STATUS_FAILED;
    }
    *ret = g_steal_pointer(&text);
    return STATUS_OK;
}

void editor_close(Editor *editor, bool keep)
{
    if (keep) {
        say("The text is kept in %s", editor->path);
    } else if (editor->folder) {
        if (editor->path)
            unlink(editor->path);
        /* An editor may leave a copy of its own (win10.guest~): that is not ours to remove. */
        rmdir(editor->folder);
    }
    g_clear_pointer(&editor->path, g_free);
    g_clear_pointer(&editor->folder, g_free);
}
