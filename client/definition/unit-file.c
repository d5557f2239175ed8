/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit-file.h"

#include <glib.h>
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

char *unit_file_name(const char *guest)
{
    return g_strdup_printf("usher-guest@%s.service", guest);
}

static int run(char **argv)
{
    int status, r;
    pid_t pid;

    if ((r = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ)) != 0) {
        say("Cannot run %s: %s; guests start at boot only if systemd runs", argv[0], g_strerror(r));
        return STATUS_FAILED;
    }
    if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
        return STATUS_FAILED;
    return WEXITSTATUS(status) == 0 ? STATUS_OK : STATUS_FAILED;
}

int unit_file_systemctl(const Client *client, const char *verb, char **guests)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);

    g_ptr_array_add(argv, g_strdup("systemctl"));
    if (client->host) {
        g_ptr_array_add(argv, g_strdup("--host"));
        g_ptr_array_add(argv, g_strdup(client->host));
    }
    g_ptr_array_add(argv, g_strdup(verb));
    g_ptr_array_add(argv, g_strdup("--"));
    for (; *guests; guests++)
        g_ptr_array_add(argv, unit_file_name(*guests));
    g_ptr_array_add(argv, NULL);
    return run((char **)argv->pdata);
}
