/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch-pin.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "core/host/cpu-list.h"
#include "edge/helper/channel.h"

/* thread 0 is the caller. What counts is what is read afterwards: the unit's AllowedCPUs= cut it short
 * silently. */
static int pin_thread(pid_t thread, const char *text)
{
    g_autoptr(GArray) list = cpu_list_parse(text);
    cpu_set_t wanted, live;

    if (!list)
        return -EBADMSG;
    CPU_ZERO(&wanted);
    for (unsigned i = 0; i < list->len; i++)
        CPU_SET(g_array_index(list, unsigned, i), &wanted);
    if (sched_setaffinity(thread, sizeof(wanted), &wanted) < 0)
        return -errno;
    CPU_ZERO(&live);
    if (sched_getaffinity(thread, sizeof(live), &live) < 0)
        return -errno;
    return CPU_EQUAL(&wanted, &live) ? 0 : -EPERM;
}

/* place (TID CPUS)… */
static void place(int fd, char **words)
{
    for (char **word = words + 1; word[0] && word[1]; word += 2) {
        guint64 thread;
        int r = g_ascii_string_to_unsigned(word[0], 10, 1, G_MAXINT, &thread, NULL)
                    ? pin_thread(thread, word[1])
                    : -EBADMSG;
        if (r < 0) {
            g_autofree char *error = g_strdup_printf("%d", -r);
            channel_send_blocking(fd, (const char *const[]){"failed", error, word[1], NULL}, NULL, 0);
            return;
        }
    }
    channel_send_blocking(fd, (const char *const[]){"placed", NULL}, NULL, 0);
}

/* alive: its other end is open as long as usher-launch has not become QEMU, for whom the next message is. */
static void stay_behind(int fd, int alive)
{
    g_auto(GStrv) words = NULL;
    unsigned n_fds = 0;
    char byte;

    while (read(alive, &byte, 1) < 0 && errno == EINTR)
        ;
    if (channel_receive_blocking(fd, &words, NULL, 0, &n_fds) >= 0 && g_str_equal(words[0], "place"))
        place(fd, words);
}

int launch_pin(int fd, const char *emulator)
{
    int alive[2];

    if (pipe2(alive, O_CLOEXEC) < 0)
        return -errno;
    pid_t child = fork();
    if (child < 0)
        return -errno;
    if (child == 0) {
        close_fd(alive[1]);
        /* Not QEMU's child, which would wait for nobody. */
        if (fork() == 0)
            stay_behind(fd, alive[0]);
        _exit(0);
    }
    close_fd(alive[0]);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    /* alive[1] stays open until execve(2). */
    return *emulator == '-' ? 0 : pin_thread(0, emulator);
}
