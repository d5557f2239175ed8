/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QEMU's command line as a pure function of definition, plan and facts. Values go into JSON (-device,
 * -blockdev, -netdev), so that a comma in one stays a comma; where QEMU 7.2 takes no JSON (-machine, -name,
 * -cpu, -smp, -chardev) only values that cannot hold one go. Files are named by descriptors: QEMU opens none
 * by path. */
#pragma once

#include <glib.h>

#include "../definition/disk-geometry.h"
#include "../definition/handle.h"
#include "host-tools.h"
#include "../plan/plan.h"
#include "facts.h"

/* What is opened for QEMU, in the order of descriptors from QEMU_FD_FIRST on. */
#define QEMU_FD_FIRST 3

/* The id of the agent's port, as QEMU's VSERPORT_CHANGE tells it. */
#define QEMU_AGENT_PORT "agent-port"

typedef enum QemuFileKind {
    QEMU_FILE_QMP,         /* a listening socket */
    QEMU_FILE_CONSOLE,     /* a listening socket for the serial console */
    QEMU_FILE_AGENT,       /* a listening socket for the agent inside */
    QEMU_FILE_CONSOLE_LOG, /* opened for appending, not for reading */
    QEMU_FILE_KERNEL,
    QEMU_FILE_INITRD,
    QEMU_FILE_FIRMWARE,
    QEMU_FILE_NVRAM, /* made from its template if it is not there */
    QEMU_FILE_ACPI_TABLE,
    QEMU_FILE_ROM,       /* of a device of the host's */
    QEMU_FILE_LINK,      /* a tap or macvtap device; path is the link's name */
    QEMU_FILE_VHOST_NET, /* /dev/vhost-net, opened anew for each card */
    QEMU_FILE_IOMMUFD,   /* /dev/iommu */
    QEMU_FILE_VFIO,      /* the own node of a device of the host's; path is its address */
    QEMU_FILE_DISK,      /* O_RDWR, or O_RDONLY where read_only says so: QEMU wants exactly that */
    QEMU_FILE_FOLDER,    /* opened for reading its names */
    QEMU_FILE_SOUND,     /* O_PATH: a socket that QEMU connects to itself */
    QEMU_FILE_COMPANION, /* a socket, connected to that companion */
    QEMU_FILE_QEMU,      /* the companion's end of it, listening */
} QemuFileKind;

typedef struct QemuFile {
    QemuFileKind kind;
    int fd;               /* the number that argv uses */
    const char *path;     /* NULL for sockets and logs */
    const char *template; /* of NVRAM */
    bool read_only;
    bool direct;        /* of a disk: it is opened with O_DIRECT */
    unsigned argument;  /* of a disk: where in argv its file is described */
    unsigned device;    /* of a disk: where in argv the guest's device is that is as the host's; 0: none */
    bool sectors;       /* of that: so are its sectors, */
    bool rotation;      /* and its rotation */
    unsigned companion; /* of a socket: whose */
} QemuFile;

/* A program that runs beside QEMU in the guest's unit, and without which the guest is not whole. */
typedef struct QemuCompanion {
    char *name;         /* "swtpm", for messages */
    GPtrArray *argv;    /* as QEMU's */
    GArray *files;      /* likewise */
    char *state_folder; /* where it keeps what outlives the run; NULL: nowhere */
    bool serves_folder; /* has to make a folder its root directory */
} QemuCompanion;

typedef struct QemuCommand {
    GPtrArray *argv;       /* of char*, owned, NULL-terminated; argv[0] is the program's path */
    GArray *files;         /* of QemuFile, ascending by fd without gaps from QEMU_FD_FIRST */
    GPtrArray *companions; /* of QemuCompanion, owned, in the order in which they are to be started */
    GStringChunk *strings; /* those of the files */
    unsigned n_own;        /* arguments before those that the definition adds by itself */
    const char *no_device; /* a device whose properties are to be set, and that is not there; NULL: none */
    const char *devices;   /* those that are, with a blank after each; NULL likewise */
    uint64_t
        memlock; /* bytes of RLIMIT_MEMLOCK: guest memory and 1 GiB where there can be devices, else 64 MiB */
} QemuCommand;

/* All files in the order in which they are opened: QEMU's, then each companion's. NULL: no such file.
 * Borrowed. */
const QemuFile *qemu_command_file(const QemuCommand *command, unsigned index);

/* What the definition asks for must be in the tools (host_tools_check()).
 *
 * Starts paused (-S) and without a display (-display none, -vga none, -nodefaults, -no-user-config), with
 * -sandbox on and all of it denied, q35 with kernel-irqchip=on under KVM, each slot behind a pcie-root-port
 * of its own, its functions as one multifunction device at 0.0, 0.1, … in the order of their numbers; x-req
 * (default) stays on.
 *
 * Where a device sits in the guest depends on its own section's place among those of its kind alone: a disk
 * that comes moves no network card. */
QemuCommand *qemu_command_build(const GuestDefinition *definition, const Plan *plan, const QemuFacts *facts,
                                const HostTools *tools);

/* The disk opened as fd turned out to be a block device (S_ISBLK), which QEMU drives in another way than a
 * file. The guest sees its geometry unless the definition says another. */
void qemu_command_set_block_device(QemuCommand *command, int fd, const DiskGeometry *geometry);

/* "fd 5: nvram /var/lib/… from /usr/share/… (read-only)". The caller frees it. */
char *qemu_file_to_text(const QemuFile *file);

/* NULL is fine; returns NULL. */
QemuCommand *qemu_command_free(QemuCommand *command);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QemuCommand, qemu_command_free)
