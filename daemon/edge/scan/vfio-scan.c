/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vfio-scan.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "../../base/file.h"
#include "../../core/host/vfio-driver.h"

#define ALIASES_MAX (64 * 1024 * 1024)
#define DEVICES_MAX (64 * 1024)

struct VfioModules {
    char **folders;
    char *path;         /* of the file that was read; NULL: none yet */
    struct stat seen;   /* it, then */
    GPtrArray *aliases; /* of VfioAlias */
};

/* The usual folder, where usherd's own unit has that, and NixOS'. */
char **vfio_modules_folders(void)
{
    static const char *const folders[] = {"/run/usher/modules", "/lib/modules",
                                          "/run/booted-system/kernel-modules/lib/modules"};
    GStrvBuilder *builder = g_strv_builder_new();
    struct utsname name;

    for (unsigned i = 0; uname(&name) == 0 && i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *folder = g_build_filename(folders[i], name.release, NULL);
        g_strv_builder_add(builder, folder);
    }
    char **list = g_strv_builder_end(builder);
    g_strv_builder_unref(builder);
    return list;
}

VfioModules *vfio_modules_new(const char *const *folders)
{
    VfioModules *modules = g_new0(VfioModules, 1);

    modules->folders = g_strdupv((char **)folders);
    modules->aliases = vfio_aliases_parse("");
    return modules;
}

VfioModules *vfio_modules_free(VfioModules *modules)
{
    if (!modules)
        return NULL;
    g_strfreev(modules->folders);
    g_free(modules->path);
    g_ptr_array_unref(modules->aliases);
    g_free(modules);
    return NULL;
}

static void look(VfioModules *modules)
{
    for (char **folder = modules->folders; *folder; folder++) {
        g_autofree char *path = g_strconcat(*folder, "/modules.alias", NULL), *text = NULL;
        struct stat st;
        if (stat(path, &st) < 0)
            continue;
        if (g_strcmp0(modules->path, path) == 0 && file_is_same(&st, &modules->seen))
            return;
        if (file_read_all_at(AT_FDCWD, path, ALIASES_MAX, &text, NULL) < 0)
            continue;
        g_ptr_array_unref(modules->aliases);
        modules->aliases = vfio_aliases_parse(text);
        g_free(modules->path);
        modules->path = g_steal_pointer(&path);
        modules->seen = st;
        return;
    }
}

void vfio_scan(int sys_fd, VfioModules *modules, Host *host)
{
    g_auto(GStrv) names = NULL;

    if (file_list_at(sys_fd, "bus/pci/drivers", &names) >= 0)
        for (char **name = names; *name; name++)
            g_ptr_array_add(host->drivers, g_strdup(*name));
    host->vfio_pci = g_ptr_array_find_with_equal_func(host->drivers, VFIO_DRIVER, g_str_equal, NULL);
    if (!modules)
        return;
    look(modules);
    g_ptr_array_unref(host->vfio_aliases);
    host->vfio_aliases = g_ptr_array_ref(modules->aliases);
}

/* /proc/devices has a line for each kind of node: "240 vfio-dev" are the devices' own (vfio_cdev_init() of
 * the kernel's device_cdev.c), since Linux 6.6, with CONFIG_VFIO_DEVICE_CDEV. */
static bool has_device_nodes(int proc_fd)
{
    g_autofree char *text = NULL;

    return file_read_all_at(proc_fd, "devices", DEVICES_MAX, &text, NULL) >= 0 && strstr(text, " vfio-dev\n");
}

void vfio_scan_iommufd(int proc_fd, int dev_fd, Host *host)
{
    struct stat st;

    /* Not access(2), which asks the device cgroup too: usherd may open no device. */
    if (fstatat(dev_fd, "iommu", &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISCHR(st.st_mode))
        host->iommufd.lack = "this kernel has no /dev/iommu (CONFIG_IOMMUFD), or vfio is not loaded";
    else if (!has_device_nodes(proc_fd))
        host->iommufd.lack = "this kernel has no nodes of VFIO's devices (CONFIG_VFIO_DEVICE_CDEV)";
}
