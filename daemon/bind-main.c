/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher-bind: takes the steps that usherd asks for, one by one, and answers each with what it read back;
 * opens what definitions name; looks for who holds a device. What hangs in the kernel hangs here, and nowhere
 * else. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "config.h"
#include "core/definition/network.h"
#include "core/plan/looking-glass.h"
#include "base/wire.h"
#include "edge/helper/channel.h"
#include "edge/hand/disk-open.h"
#include "edge/hand/file-open.h"
#include "edge/hand/holder-scan.h"
#include "edge/hand/link.h"
#include "edge/hand/step-act.h"
#include "edge/hand/usb-drivers.h"
#include "edge/hand/vfio-node.h"

static int answer_failed(int channel, int error, const char *live)
{
    char number[16];
    snprintf(number, sizeof(number), "%d", -error);
    return channel_send_blocking(channel, (const char *[]){"failed", number, live, NULL}, NULL, 0);
}

/* Answers with those who keep a driver where it is. */
static int answer_held(int channel, int error, const char *live, const GPtrArray *holders)
{
    g_autofree char *number = g_strdup_printf("%d", -error);
    g_auto(GStrv) who = holders_to_words("failed", holders);
    g_autoptr(GPtrArray) words = g_ptr_array_new();

    g_ptr_array_add(words, who[0]);
    g_ptr_array_add(words, number);
    g_ptr_array_add(words, (void *)live);
    for (unsigned i = 1; who[i - 1]; i++)
        g_ptr_array_add(words, who[i]);
    return channel_send_blocking(channel, (const char *const *)words->pdata, NULL, 0);
}

static int serve_step(int channel, const StepPlace *place, char **arguments)
{
    StepKind kind = step_kind_from_string(arguments[0]);
    if (kind < 0)
        return answer_failed(channel, -EINVAL, "-");

    g_autoptr(Step) step = step_new(kind, arguments[1], arguments[2], arguments[3]);
    g_autofree char *live = NULL;
    int error = 0;
    g_autoptr(GPtrArray) holders = NULL;
    WorkerVerdict outcome = step_act(place, step, &live, &error, &holders);
    g_autofree char *seen = live ? g_strdup_printf("=%s", live) : g_strdup("-");

    switch (outcome) {
    case WORKER_DONE:
        return channel_send_blocking(channel, (const char *[]){"done", seen, NULL}, NULL, 0);
    case WORKER_DRIFT:
        return channel_send_blocking(channel, (const char *[]){"drift", seen, NULL}, NULL, 0);
    default:
        return holders ? answer_held(channel, error, seen, holders) : answer_failed(channel, error, seen);
    }
}

static int answer_used(int channel, const DiskSeen *seen, const GPtrArray *holders)
{
    g_auto(GStrv) who = holders_to_words("used", holders);
    g_autoptr(GPtrArray) words = g_ptr_array_new();

    g_ptr_array_add(words, who[0]);
    g_ptr_array_add(words, seen->id);
    for (unsigned i = 1; who[i - 1]; i++)
        g_ptr_array_add(words, who[i]);
    return channel_send_blocking(channel, (const char *const *)words->pdata, NULL, 0);
}

static int serve_disk(int channel, const HolderPlace *place, char **arguments)
{
    g_autoptr(DiskSeen) seen = NULL;
    g_autoptr(GPtrArray) holders = NULL;
    _cleanup_close_ int fd = -1;
    DiskWish wish;

    int r = disk_wish_from_words(arguments, &wish);
    if (r == 0)
        r = disk_open(place, &wish, &seen, &holders, &fd);
    if (r < 0)
        return answer_failed(channel, r, "-");
    if (r > 0)
        return answer_used(channel, seen, holders);
    /* Here, as its file server is told, and waited for (FUSE_FLUSH; what NFS has not written yet). */
    if (wish.how != DISK_HOW_OPEN)
        fd = close_fd(fd);
    g_auto(GStrv) words = disk_seen_to_words("opened", seen);
    return channel_send_blocking(channel, (const char *const *)words, &fd, fd >= 0);
}

static int open_link(const HolderPlace *place, const char *name)
{
    bool valid = name[0] && strlen(name) <= LINK_NAME_MAX && name[0] != '.' && !strchr(name, '/');

    return valid ? link_open(place->sys_fd, place->dev_fd, name) : -EINVAL;
}

/* Whoever asks may not open just any device: there are some that give away the whole host. */
static int open_vhost(const char *path)
{
    if (strcmp(path, "/dev/vhost-net") != 0)
        return -EINVAL;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
    return fd < 0 ? -errno : fd;
}

static int open_named(const HolderPlace *place, FileKind kind, const char *what, FileSeen **ret, int *ret_fd)
{
    if (kind != FILE_KIND_LINK && kind != FILE_KIND_VHOST && kind != FILE_KIND_USB && kind != FILE_KIND_VFIO)
        return file_open(kind, what, ret, ret_fd);
    int fd = kind == FILE_KIND_LINK    ? open_link(place, what)
             : kind == FILE_KIND_VHOST ? open_vhost(what)
             : kind == FILE_KIND_VFIO  ? vfio_node_open(place, what)
                                       : usb_node_open(place->dev_fd, what);
    if (fd < 0)
        return fd;
    *ret = g_new0(FileSeen, 1);
    *ret_fd = fd;
    return 0;
}

static int serve_open(int channel, const HolderPlace *place, char **arguments)
{
    FileKind kind = file_kind_from_string(arguments[0]);
    g_autoptr(FileSeen) seen = NULL;
    _cleanup_close_ int fd = -1;
    int r = kind < 0 ? -EINVAL : open_named(place, kind, arguments[2], &seen, &fd);

    if (r < 0)
        return answer_failed(channel, r, "-");
    /* Here, as its file server is told, and waited for (FUSE_FLUSH; what NFS has not written yet). */
    if (strcmp(arguments[1], "keep") != 0)
        fd = close_fd(fd);
    g_auto(GStrv) words = file_seen_to_words("opened", seen);
    return channel_send_blocking(channel, (const char *const *)words, &fd, fd >= 0);
}

static int serve_holders(int channel, const HolderPlace *place, bool claim, char **addresses)
{
    g_autoptr(GPtrArray) holders = NULL;
    int r = holder_scan(place, addresses, claim, &holders);
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
        /* Its lock shows every observer that we are not back from the kernel (edge/store/step-mark.h). */
        _cleanup_close_ int mark = -1;
        unsigned n_fds;
        r = channel_receive_blocking(channel, &words, &mark, 1, &n_fds);
        if (r < 0)
            break;
        unsigned n = g_strv_length(words);
        if (n == 5 && strcmp(words[0], "step") == 0)
            r = serve_step(channel, &(StepPlace){place->sys_fd, place->dev_fd, place->proc_fd}, words + 1);
        else if (n_fds == 0 && strcmp(words[0], "disk") == 0)
            r = serve_disk(channel, place, words + 1);
        else if (n == 4 && n_fds == 0 && strcmp(words[0], "open") == 0)
            r = serve_open(channel, place, words + 1);
        else if (n > 1 && (strcmp(words[0], "holders") == 0 || strcmp(words[0], "claimants") == 0))
            r = serve_holders(channel, place, words[0][0] == 'c', words + 1);
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
