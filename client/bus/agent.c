/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent.h"

#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/wait.h>

#include "../../daemon/base/cleanup.h"

extern char **environ;

static pid_t agent;

void agent_open(void)
{
    _cleanup_close_ int ours = -1;
    int pipe_fds[2], theirs;

    if (agent > 0 || geteuid() == 0 || !isatty(STDIN_FILENO) || pipe2(pipe_fds, O_CLOEXEC) < 0)
        return;
    ours = pipe_fds[0];
    /* A duplicate without O_CLOEXEC, which the agent inherits under the number that we tell it. */
    theirs = dup(pipe_fds[1]);
    close_fd(pipe_fds[1]);

    g_autofree char *number = g_strdup_printf("%d", theirs);
    char *const argv[] = {(char *)"pkttyagent", (char *)"--notify-fd", number, (char *)"--fallback", NULL};
    bool started = posix_spawnp(&agent, argv[0], NULL, NULL, argv, environ) == 0;

    close_fd(theirs);
    if (!started) {
        agent = 0;
        return;
    }
    /* The agent closes the descriptor once it is there; if it dies instead, the kernel does. */
    poll(&(struct pollfd){.fd = ours, .events = POLLHUP}, 1, -1);
}

void agent_close(void)
{
    if (agent <= 0)
        return;
    kill(agent, SIGTERM);
    kill(agent, SIGCONT);
    waitpid(agent, NULL, 0);
    agent = 0;
}
