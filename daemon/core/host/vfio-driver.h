/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The drivers that lend a PCI device: vfio-pci, and its variants for particular devices. A kernel names those
 * in modules.alias, by lines that begin with "alias vfio_pci:" (MODULE_ALIAS of struct pci_device_id's
 * PCI_DRIVER_OVERRIDE_DEVICE_VFIO in its include/linux/pci.h). No driver finds its device by them: whoever
 * binds the device has to choose. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "host.h"

#define VFIO_DRIVER "vfio-pci"
/* The longest name of a module: MODULE_NAME_LEN of the kernel's include/linux/moduleparam.h. */
#define VFIO_DRIVER_MAX 55

/* What a line of modules.alias says. */
typedef struct VfioAlias {
    char *pattern; /* "vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i*", as fnmatch(3) takes it */
    char *module;  /* "mlx5_vfio_pci" */
} VfioAlias;

/* Those of a whole modules.alias, of VfioAlias, owned: empty if none is about VFIO. */
GPtrArray *vfio_aliases_parse(const char *text);

/* What a module or driver may be called here: letters, digits, "_" and "-", which is not the first. */
bool vfio_driver_valid(const char *driver);
/* Its name says that it lends devices: "vfio-pci", "mlx5_vfio_pci", "xe-vfio-pci". */
bool vfio_driver_named(const char *driver);
/* Modules and drivers are called the same, but for "-" and "_" ("xe_vfio_pci" has "xe-vfio-pci"). NULL is the
 * same as nothing. */
bool vfio_driver_same(const char *a, const char *b);

/* Whether such a driver has the device, whatever its name is: the kernel knows what VFIO has. */
bool vfio_driver_has(const HostDevice *device);

/* The driver that lends the device best: of those whose alias fits, the one whose pattern has the fewest
 * wildcards, and vfio-pci otherwise. Named as it is registered, or else as its module. Borrowed. */
const char *vfio_driver_best(const Host *host, const HostDevice *device);
/* The name by which it is registered ("xe-vfio-pci" for "xe_vfio_pci"), or NULL: it is not. Borrowed. */
const char *vfio_driver_registered(const Host *host, const char *driver);
/* Whether there is such a driver, loaded or named in modules.alias. */
bool vfio_driver_known(const Host *host, const char *driver);
/* "mlx5_vfio_pci, vfio-pci", for messages: those that the host knows. The caller frees it. */
char *vfio_driver_list(const Host *host);
/* "vfio_pci" for "vfio-pci": what modprobe(8) and the plan call its module. The caller frees it. */
char *vfio_driver_module(const char *driver);
