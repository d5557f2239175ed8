/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel has of VFIO's drivers: those that are registered, and what modules.alias says of those that
 * can be loaded. */
#pragma once

#include "../../core/host/host.h"

/* Remembers what a modules.alias says as long as the file is the same: a megabyte and more is not read for
 * each snapshot. */
typedef struct VfioModules VfioModules;

/* folders: as vfio_modules_folders() has them; the first that has a modules.alias counts. */
VfioModules *vfio_modules_new(const char *const *folders);
/* Those of the kernel that runs, where there may be any: NULL-terminated, and the caller's. */
char **vfio_modules_folders(void);
/* NULL is fine; returns NULL. */
VfioModules *vfio_modules_free(VfioModules *modules);

/* Fills in drivers, vfio_aliases and vfio_pci; modules may be NULL: nothing is said of modules. */
void vfio_scan(int sys_fd, VfioModules *modules, Host *host);
/* Fills in what the kernel lacks for iommufd. */
void vfio_scan_iommufd(int proc_fd, int dev_fd, Host *host);
