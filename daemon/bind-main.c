/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher-bind: takes the steps that usherd asks for, one by one, and answers each with what it read back;
 * looks for who holds a device. What hangs in the kernel hangs here, and nowhere else. */
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "config.h"
#include "core/definition.h"
#include "core/wire.h"
#include "edge/channel.h"
#include "edge/holder-scan.h"
#include "edge/link.h"
#include "edge/step-act.h"

static int answer_failed(int channel, int error, const char *live)
{
    char number[16];
    snprintf(number, sizeof(number), "%d", -error);
    return channel_send_blocking(channel, (const char *[]){"failed", number, live, NULL}, NULL, 0);
}

static int serve_step(int channel, const StepPlace *place, char **arguments)
{
    StepKind kind = step_kind_from_string(arguments[0]);
    if (kind < 0)
        return answer_failed(channel, -EINVAL, "-");

    g_autoptr(Step) step = step_new(kind, arguments[1], arguments[2], arguments[3]);
    g_autofree char *live = NULL;
    int error = 0;
    StepOutcome outcome = step_act(place, step, &live, &error);
    g_autofree char *seen = live ? g_strdup_printf("=%s", live) : g_strdup("-");

    switch (outcome) {
    case STEP_OUTCOME_DONE:
        return channel_send_blocking(channel, (const char *[]){"done", seen, NULL}, NULL, 0);
    case STEP_OUTCOME_DRIFT:
        return channel_send_blocking(channel, (const char *[]){"drift", seen, NULL}, NULL, 0);
    default:
        return answer_failed(channel, error, seen);
    }
}

/* "r" or "w", and "x" behind it. -EINVAL for anything else. */
static int parse_open_flags(const char *text)
{
    int flags;
    if (text[0] == 'r')
        flags = O_RDONLY;
    else if (text[0] == 'w')
        flags = O_RDWR;
    else
        return -EINVAL;
    if (strcmp(text + 1, "x") == 0)
        flags |= O_EXCL;
    else if (text[1] != '\0')
        return -EINVAL;
    return flags;
}

/* Returns a descriptor of a regular file or a block device. The path was resolved when it was looked at: a
 * link in it now is somebody's attempt to have another file opened with this program's rights. */
static int open_file(const char *path, const char *how_text)
{
    int flags = parse_open_flags(how_text);
    if (flags < 0 || path[0] != '/')
        return -EINVAL;

    /* Without O_NONBLOCK a FIFO in the place of the file would hold us up. */
    struct open_how how = {
        .flags = flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
        .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    _cleanup_close_ int fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
        return -ENOTBLK;

    int status = fcntl(fd, F_GETFL);
    if (status < 0 || fcntl(fd, F_SETFL, status & ~O_NONBLOCK) < 0)
        return -errno;
    return steal_fd(&fd);
}

static int answer_opened(int channel, int fd)
{
    if (fd < 0)
        return answer_failed(channel, fd, "-");
    return channel_send_blocking(channel, (const char *[]){"opened", NULL}, &fd, 1);
}

static int serve_open(int channel, char **arguments)
{
    _cleanup_close_ int fd = open_file(arguments[0], arguments[1]);

    return answer_opened(channel, fd);
}

static int serve_link(int channel, const HolderPlace *place, const char *name)
{
    bool valid = name[0] && strlen(name) <= LINK_NAME_MAX && name[0] != '.' && !strchr(name, '/');
    _cleanup_close_ int fd = valid ? link_open(place->sys_fd, place->dev_fd, name) : -EINVAL;

    return answer_opened(channel, fd);
}

/* Whoever asks may not open just any: there are devices that give away the whole host. */
static int open_device(const char *path)
{
    if (strcmp(path, "/dev/vhost-net") != 0)
        return -EINVAL;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
    return fd < 0 ? -errno : fd;
}

static int serve_device(int channel, const char *path)
{
    _cleanup_close_ int fd = open_device(path);

    return answer_opened(channel, fd);
}

static int serve_holders(int channel, const HolderPlace *place, char **addresses)
{
    g_autoptr(GPtrArray) holders = NULL;
    int r = holder_scan(place, addresses, &holders);
    if (r < 0)
        return answer_failed(channel, r, "-");
    g_auto(GStrv) words = holders_to_words("holders", holders);
    return channel_send_blocking(channel, (const char *const *)words, NULL, 0);
}

/* Takes messages until the daemon hangs up. */
static int serve(int channel, const HolderPlace *place)
{
    int r = channel_send_blocking(channel, (const char *[]){"hello", "bind", NULL}, NULL, 0);

    while (r >= 0) {
        g_auto(GStrv) words = NULL;
        /* Its lock tells whoever looks that we are not back from the kernel (edge/step-mark.h). */
        _cleanup_close_ int mark = -1;
        unsigned n_fds;
        r = channel_receive_blocking(channel, &words, &mark, 1, &n_fds);
        if (r < 0)
            break;
        unsigned n = g_strv_length(words);
        if (n == 5 && strcmp(words[0], "step") == 0)
            r = serve_step(channel, &(StepPlace){.sys_fd = place->sys_fd, .dev_fd = place->dev_fd},
                           words + 1);
        else if (n == 3 && n_fds == 0 && strcmp(words[0], "open") == 0)
            r = serve_open(channel, words + 1);
        else if (n == 2 && n_fds == 0 && strcmp(words[0], "link") == 0)
            r = serve_link(channel, place, words[1]);
        else if (n == 2 && n_fds == 0 && strcmp(words[0], "device") == 0)
            r = serve_device(channel, words[1]);
        else if (n > 1 && strcmp(words[0], "holders") == 0)
            r = serve_holders(channel, place, words + 1);
        else
            r = -EBADMSG;
    }
    /* However the daemon went, it is gone: nothing is left to be done here. */
    return r == -ECONNRESET || r == -EPIPE ? 0 : r;
}

int main(void)
{
    /* A VFIO descriptor inherited by mistake would keep the very device in use that is to be freed. */
    if (close_range(3, ~0u, 0) < 0)
        return EXIT_FAILURE;
    log_open(LOG_INFO);

    const char *path = getenv("USHER_SOCKET");
    if (!path)
        path = USHER_RUNDIR "/helper.sock";
    _cleanup_close_ int sys_fd = open("/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
    _cleanup_close_ int dev_fd = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
    _cleanup_close_ int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (sys_fd < 0 || dev_fd < 0 || proc_fd < 0) {
        log_error("cannot open /sys, /dev and /proc: %m");
        return EXIT_FAILURE;
    }

    _cleanup_close_ int channel = -1;
    int r = channel_connect(path, &channel);
    if (r < 0) {
        log_error("cannot connect to usherd at %s: %s; is usherd running?", path, strerror(-r));
        return EXIT_FAILURE;
    }
    r = serve(channel, &(HolderPlace){.sys_fd = sys_fd, .proc_fd = proc_fd, .dev_fd = dev_fd});
    if (r < 0) {
        log_error("the connection to usherd broke: %s", strerror(-r));
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
