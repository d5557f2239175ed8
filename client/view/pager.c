/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pager.h"

#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-login.h>

#include "../../daemon/base/cleanup.h"

static pid_t pager;

/* A pager that root runs for somebody else must not offer that user a shell (less: "!"). Decided as systemd's
 * tools do: by $SYSTEMD_PAGERSECURE, else whether the login session is another user's. */
static bool must_be_secure(void)
{
    const char *said = getenv("SYSTEMD_PAGERSECURE");
    uid_t owner;

    if (said)
        return strcmp(said, "0") != 0 && g_ascii_strcasecmp(said, "no") != 0 &&
               g_ascii_strcasecmp(said, "false") != 0;
    return sd_pid_get_owner_uid(0, &owner) >= 0 && owner != geteuid();
}

/* The pager that the user wants; NULL for the usual one. */
static const char *wanted_pager(void)
{
    const char *wanted = getenv("SYSTEMD_PAGER");

    return wanted ? wanted : getenv("PAGER");
}

/* In the child. Returns only if there is no pager. */
static void run_pager(char **wanted, bool secure)
{
    const char *options = getenv("SYSTEMD_LESS");
    const char *charset = getenv("SYSTEMD_LESSCHARSET");

    /* F: leave at once if it fits; R: colours; S: chop long lines; X: leave the screen as it is; M, K: see
     * less(1). */
    setenv("LESS", options ? options : "FRSXMK", 1);
    setenv("LESSCHARSET", charset ? charset : "utf-8", 1);
    if (secure)
        setenv("LESSSECURE", "1", 1);
    /* Only less is known to heed LESSSECURE. */
    if (wanted && !secure)
        execvp(wanted[0], wanted);
    execlp("less", "less", NULL);
    if (!secure)
        execlp("more", "more", NULL);
}

/* Runs in the child: reads from fd, and ends with us even if we crash. */
static void become_pager(int fd, char **wanted, bool secure)
{
    char buffer[4096];
    size_t n;

    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (dup2(fd, STDIN_FILENO) < 0)
        _exit(1);
    run_pager(wanted, secure);
    while ((n = fread(buffer, 1, sizeof(buffer), stdin)) > 0)
        fwrite(buffer, 1, n, stdout);
    fflush(stdout);
    _exit(0);
}

void pager_open(const Client *client)
{
    g_auto(GStrv) wanted = NULL;
    const char *text = wanted_pager();
    const char *term = getenv("TERM");
    int fds[2];

    if (pager > 0 || !client->pager || !client->terminal.tty || client->json != JSON_OFF)
        return;
    if (!term || strcmp(term, "dumb") == 0)
        return;
    if (text && (*text == '\0' || strcmp(text, "cat") == 0))
        return;
    if (text && !g_shell_parse_argv(text, NULL, &wanted, NULL))
        return;
    if (pipe2(fds, O_CLOEXEC) < 0)
        return;
    fflush(stdout);
    pager = fork();
    if (pager == 0) {
        close_fd(fds[1]);
        become_pager(fds[0], wanted, must_be_secure());
    }
    if (pager > 0) {
        /* A user who leaves the pager early has read enough: that is no error. */
        signal(SIGPIPE, SIG_IGN);
        dup2(fds[1], STDOUT_FILENO);
    }
    close_fd(fds[0]);
    close_fd(fds[1]);
}

void pager_close(void)
{
    if (pager <= 0)
        return;
    fflush(stdout);
    /* Ctrl-C belongs to the pager now. */
    signal(SIGINT, SIG_IGN);
    close_fd(STDOUT_FILENO);
    waitpid(pager, NULL, 0);
    pager = 0;
}
