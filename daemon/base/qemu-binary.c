/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-binary.h"

#include <errno.h>
#include <glib.h>
#include <sys/stat.h>

/* Beside the program's own folder, as QEMU looks for them (get_relocated_path() of CONFIG_QEMU_MODDIR):
 * Debian's; Fedora's and SUSE's; RHEL's; Arch's. NixOS has them beside the program itself, which then is
 * another file. */
static const char *const module_folders[] = {"lib/x86_64-linux-gnu/qemu", "lib64/qemu", "lib64/qemu-kvm",
                                             "lib/qemu"};

static uint64_t in_nsec(struct timespec time)
{
    return (uint64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* By ctime, as a system that is an image (ostree) has no mtime of its own. */
static uint64_t find_modules_nsec(const char *program)
{
    g_autofree char *folder = g_path_get_dirname(program), *prefix = g_path_get_dirname(folder);
    uint64_t newest = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS(module_folders); i++) {
        g_autofree char *path = g_build_filename(prefix, module_folders[i], NULL);
        struct stat st;
        if (stat(path, &st) == 0)
            newest = MAX(newest, in_nsec(st.st_ctim));
    }
    return newest;
}

int qemu_binary_look(const char *path, QemuBinary *ret)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return -errno;
    *ret = (QemuBinary){.inode = st.st_ino,
                        .size = st.st_size,
                        .mtime_nsec = in_nsec(st.st_mtim),
                        .modules_nsec = find_modules_nsec(path)};
    return 0;
}

bool qemu_binary_same(const QemuBinary *a, const QemuBinary *b)
{
    return a->inode == b->inode && a->size == b->size && a->mtime_nsec == b->mtime_nsec &&
           a->modules_nsec == b->modules_nsec;
}
