/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared-memory.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/cleanup.h"
#include "../core/looking-glass.h"

/* Below /dev; NULL for what is none of ours. */
static const char *path_of(const char *subject)
{
    const char *name =
        g_str_has_prefix(subject, LOOKING_GLASS_PREFIX) ? subject + strlen(LOOKING_GLASS_PREFIX) : "";

    return guest_name_valid(name) ? subject + strlen("/dev/") : NULL;
}

int shared_memory_read(int dev_fd, const char *subject, char **ret)
{
    const char *path = path_of(subject);
    struct stat st;

    if (!path)
        return -EINVAL;
    if (fstatat(dev_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno != ENOENT)
            return -errno;
        *ret = g_strdup("");
        return 0;
    }
    const struct passwd *user = getpwuid(st.st_uid);
    g_autofree char *owner = user ? g_strdup(user->pw_name) : g_strdup_printf("%u", st.st_uid);
    *ret =
        S_ISREG(st.st_mode) ? g_strdup_printf("%lld %s", (long long)st.st_size, owner) : g_strdup("no file");
    return 0;
}

int shared_memory_make(int dev_fd, const char *subject, const char *value)
{
    const char *path = path_of(subject), *blank = strchr(value, ' ');
    const struct passwd *user = blank ? getpwnam(blank + 1) : NULL;
    const struct group *kvm = getgrnam("kvm");
    guint64 size = g_ascii_strtoull(value, NULL, 10);

    if (!path || !user || !kvm || size == 0)
        return -EINVAL;
    _cleanup_close_ int fd = openat(dev_fd, path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    /* The mode before the owner: afterwards it is not ours to change. */
    if (ftruncate(fd, size) < 0 || fchmod(fd, 0660) < 0 || fchown(fd, user->pw_uid, kvm->gr_gid) < 0) {
        int error = errno;
        unlinkat(dev_fd, path, 0);
        return -error;
    }
    return 0;
}

int shared_memory_remove(int dev_fd, const char *subject)
{
    const char *path = path_of(subject);

    if (!path)
        return -EINVAL;
    return unlinkat(dev_fd, path, 0) < 0 ? -errno : 0;
}
