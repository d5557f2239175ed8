/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "node-owner.h"

#include <fcntl.h>
#include <glib.h>
#include <linux/input.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../base/cleanup.h"

static bool is_input(const char *subject)
{
    return g_str_has_prefix(subject, "/dev/input/event");
}

/* "vfio/26" for "/dev/vfio/26", "input/event5", and nothing else: not /dev/vfio/vfio, which belongs to
 * everybody. */
static const char *node_path(const char *subject)
{
    const char *prefix = is_input(subject) ? "/dev/input/event" : "/dev/vfio/";
    const char *number = g_str_has_prefix(subject, prefix) ? subject + strlen(prefix) : "";

    if (number[0] == '\0' || strspn(number, "0123456789") != strlen(number))
        return NULL;
    return subject + strlen("/dev/");
}

int node_owner_read(int dev_fd, const char *subject, char **ret)
{
    const char *path = node_path(subject);
    if (!path)
        return -EINVAL;

    struct stat st;
    if (fstatat(dev_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno != ENOENT)
            return -errno;
        *ret = NULL;
        return 0;
    }
    if (S_ISLNK(st.st_mode))
        return -ELOOP;
    *ret = g_strdup_printf("%u:%u", st.st_uid, st.st_gid);
    return 0;
}

static int parse_owner(const char *text, uid_t *ret_uid, gid_t *ret_gid)
{
    g_auto(GStrv) words = g_strsplit(text, ":", -1);
    guint64 uid, gid;

    /* The greatest number means "leave as it is" in chown(2). */
    if (g_strv_length(words) != 2 ||
        !g_ascii_string_to_unsigned(words[0], 10, 0, UINT32_MAX - 1, &uid, NULL) ||
        !g_ascii_string_to_unsigned(words[1], 10, 0, UINT32_MAX - 1, &gid, NULL))
        return -EINVAL;
    *ret_uid = uid;
    *ret_gid = gid;
    return 0;
}

/* glibc goes by O_PATH and /proc for AT_SYMLINK_NOFOLLOW; to open the node itself would take the group. */
static int write_node_mode(int dev_fd, const char *path)
{
    struct stat st;
    if (fstatat(dev_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if ((st.st_mode & 07777) == 0600)
        return 0;
    return fchmodat(dev_fd, path, 0600, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

/* -EBUSY if somebody else has grabbed the device, which QEMU would not report. */
static int check_input(int dev_fd, const char *path)
{
    _cleanup_close_ int fd = openat(dev_fd, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    if (fd < 0)
        return -errno;
    if (ioctl(fd, EVIOCGRAB, 1) < 0)
        return errno == EBUSY ? -EBUSY : 0;
    ioctl(fd, EVIOCGRAB, 0);
    return 0;
}

int node_owner_write(int dev_fd, const char *subject, const char *owner)
{
    const char *path = node_path(subject);
    uid_t uid;
    gid_t gid;
    int r = path ? parse_owner(owner, &uid, &gid) : -EINVAL;
    if (r < 0)
        return r;

    if (is_input(subject)) {
        r = uid == geteuid() ? 0 : check_input(dev_fd, path);
        if (r < 0)
            return r;
        return fchownat(dev_fd, path, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
    }
    /* Without CAP_FOWNER, root can only change the mode of its own files: so before it gives one away, and
     * after it has it back. */
    if (uid != geteuid())
        r = write_node_mode(dev_fd, path);
    if (r < 0)
        return r;
    if (fchownat(dev_fd, path, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    return uid == geteuid() ? write_node_mode(dev_fd, path) : 0;
}
