/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "file-look.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"
#include "../../core/plan/disk-wish.h"

/* The most telling name in a folder of udev's that leads to the device; NULL: there is none. */
static char *find_stable_name(const char *folder, dev_t device)
{
    g_autofree char *best = NULL;
    g_auto(GStrv) names = NULL;
    struct stat st;

    if (file_list_at(AT_FDCWD, folder, &names) < 0)
        return NULL;
    for (char **name = names; *name; name++) {
        g_autofree char *path = g_build_filename(folder, *name, NULL);
        bool number = g_str_has_prefix(*name, "wwn-") || g_str_has_prefix(*name, "nvme-eui.");
        if (stat(path, &st) == 0 && S_ISBLK(st.st_mode) && st.st_rdev == device && (!best || !number)) {
            g_free(best);
            best = g_steal_pointer(&path);
        }
    }
    return g_steal_pointer(&best);
}

/* The kernel gives sda, nvme0n1 and their like in the order in which it finds disks: after the next boot
 * another disk may have the name, and the guest would write to that. A disk without another keeps it. */
static char *stable_name(const char *path, const struct stat *st)
{
    if (!S_ISBLK(st->st_mode) || !disk_path_fleeting(path))
        return NULL;
    return find_stable_name("/dev/disk/by-id", st->st_rdev)
               ?: find_stable_name("/dev/disk/by-path", st->st_rdev);
}

/* Where the disk would be made. */
static void note_room(const char *path, FileSeen *seen)
{
    g_autofree char *folder = g_path_get_dirname(path);
    struct statvfs fs;

    if (statvfs(folder, &fs) < 0)
        return;
    seen->room = (uint64_t)fs.f_blocks * fs.f_frsize;
    seen->free = (uint64_t)fs.f_bavail * fs.f_frsize;
}

static int look_at_path(FileKind kind, const char *path, FileSeen *seen)
{
    const struct group *group;
    struct stat st;

    if (path[0] != '/')
        return -EINVAL;
    if (stat(path, &st) < 0) {
        int error = -errno;
        /* A link that leads nowhere exists all the same. */
        if (kind != FILE_KIND_DISK || error != -ENOENT || lstat(path, &st) == 0)
            return error;
        note_room(path, seen);
        return 0;
    }
    seen->mode = st.st_mode;
    seen->stable = kind == FILE_KIND_DISK ? stable_name(path, &st) : NULL;
    group = kind == FILE_KIND_DEVICE ? getgrgid(st.st_gid) : NULL;
    seen->group = group ? g_strdup(group->gr_name) : NULL;
    return 0;
}

int file_look(FileKind kind, const char *what, FileSeen **ret)
{
    g_autoptr(FileSeen) seen = g_new0(FileSeen, 1);
    int r = kind == FILE_KIND_USER    ? (getpwnam(what) ? 0 : -ENOENT)
            : kind == FILE_KIND_GROUP ? (getgrnam(what) ? 0 : -ENOENT)
                                      : look_at_path(kind, what, seen);

    if (r == 0)
        *ret = g_steal_pointer(&seen);
    return r;
}

static int check_kind(FileKind kind, int fd)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (kind == FILE_KIND_SOCKET)
        return !S_ISSOCK(st.st_mode) ? -ENOTSOCK : (st.st_mode & 0006) == 0006 ? 0 : -EACCES;
    if (kind == FILE_KIND_FILE)
        return S_ISREG(st.st_mode) ? 0 : -EINVAL;
    return 0;
}

int file_open(FileKind kind, const char *path)
{
    bool folder = kind == FILE_KIND_FOLDER || kind == FILE_KIND_DISK;
    /* Without O_NONBLOCK a FIFO in the place of the file would hold us up. */
    struct open_how how = {
        .flags = O_CLOEXEC | (folder                     ? O_RDONLY | O_DIRECTORY
                              : kind == FILE_KIND_SOCKET ? O_PATH
                                                         : O_RDONLY | O_NOCTTY | O_NONBLOCK),
        .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    if (path[0] != '/')
        return -EINVAL;
    char *resolved = kind == FILE_KIND_DISK ? strdup(path) : realpath(path, NULL);
    if (!resolved)
        return -errno;
    _cleanup_close_ int fd = syscall(SYS_openat2, AT_FDCWD, resolved, &how, sizeof(how));
    int r = fd < 0 ? -errno : check_kind(kind, fd);
    free(resolved);
    return r < 0 ? r : steal_fd(&fd);
}
