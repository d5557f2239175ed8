/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared-memory.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../base/cleanup.h"
#include "../../core/plan/looking-glass.h"
#include "own-folder.h"

/* Below /dev. */
#define FOLDER "shm/usher"

/* The path below /dev; NULL if the subject is none of ours. */
static const char *path_of(const char *subject)
{
    const char *name =
        g_str_has_prefix(subject, LOOKING_GLASS_PREFIX) ? subject + strlen(LOOKING_GLASS_PREFIX) : "";

    return guest_name_valid(name) ? subject + strlen("/dev/") : NULL;
}

static char *name_of(uid_t uid)
{
    const struct passwd *user = getpwuid(uid);

    return user ? g_strdup(user->pw_name) : g_strdup_printf("%u", uid);
}

int shared_memory_read(int dev_fd, const char *subject, char **ret)
{
    const char *path = path_of(subject);
    struct stat st;

    if (!path)
        return -EINVAL;
    if (fstatat(dev_fd, FOLDER, &st, AT_SYMLINK_NOFOLLOW) == 0 && !own_folder(&st)) {
        g_autofree char *owner = name_of(st.st_uid);
        *ret = g_strdup_printf("in a folder of %s (remove /dev/" FOLDER ")", owner);
        return 0;
    }
    if (fstatat(dev_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno != ENOENT)
            return -errno;
        *ret = g_strdup("");
        return 0;
    }
    g_autofree char *owner = name_of(st.st_uid);
    *ret = S_ISREG(st.st_mode) ? g_strdup_printf("%lld %s %u", (long long)st.st_size, owner, st.st_gid)
                               : g_strdup("no file");
    return 0;
}

static int make_folder(int dev_fd)
{
    struct stat st;

    if (mkdirat(dev_fd, FOLDER, 0700) < 0 && errno != EEXIST)
        return -errno;
    _cleanup_close_ int fd = openat(dev_fd, FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!own_folder(&st))
        return -EPERM;
    return fchmod(fd, 0755) < 0 ? -errno : 0;
}

/* "SIZE OWNER GID" */
static int parse(const char *value, off_t *ret_size, uid_t *ret_owner, gid_t *ret_group)
{
    g_auto(GStrv) words = g_strsplit(value, " ", -1);
    guint64 size, group;

    if (g_strv_length(words) != 3 || !g_ascii_string_to_unsigned(words[0], 10, 1, G_MAXINT64, &size, NULL) ||
        !g_ascii_string_to_unsigned(words[2], 10, 0, UINT32_MAX - 1, &group, NULL))
        return -EINVAL;
    const struct passwd *user = getpwnam(words[1]);
    if (!user)
        return -EINVAL;
    *ret_size = size;
    *ret_owner = user->pw_uid;
    *ret_group = group;
    return 0;
}

int shared_memory_make(int dev_fd, const char *subject, const char *value)
{
    const char *path = path_of(subject);
    off_t size;
    uid_t owner;
    gid_t group;

    int r = path ? parse(value, &size, &owner, &group) : -EINVAL;
    if (r >= 0)
        r = make_folder(dev_fd);
    if (r < 0)
        return r;
    _cleanup_close_ int fd = openat(dev_fd, path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    /* The mode comes before the owner: afterwards the mode is not ours to change. */
    if (ftruncate(fd, size) < 0 || fchmod(fd, 0660) < 0 || fchown(fd, owner, group) < 0) {
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
