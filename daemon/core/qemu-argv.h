/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QEMU's command line as a pure function of definition, plan and facts. Values go into JSON (-device, -blockdev, -netdev, -object), so
 * that a comma in a path stays a comma; where QEMU 7.2 takes no JSON (-machine, -name, -smp, -chardev) only values that cannot hold one go. */
#pragma once

#include <glib.h>

#include "definition.h"
#include "plan.h"
#include "qemu-facts.h"

/* What is opened for QEMU, in the order of descriptors from QEMU_FD_FIRST on. */
#define QEMU_FD_FIRST 3

typedef enum QemuFileKind {
    QEMU_FILE_QMP,         /* a listening socket */
    QEMU_FILE_CONSOLE,     /* a listening socket for the serial console */
    QEMU_FILE_CONSOLE_LOG, /* opened for appending */
    QEMU_FILE_KERNEL,
    QEMU_FILE_INITRD,
    QEMU_FILE_DISK,
} QemuFileKind;

typedef struct QemuFile {
    QemuFileKind kind;
    int fd;                /* the number that argv uses */
    const char *path;      /* of a kernel, initrd or disk, borrowed from the definition; else NULL */
    bool read_only;
} QemuFile;

typedef struct QemuCommand {
    GPtrArray *argv;       /* of char*, owned, NULL-terminated; argv[0] is the program's path */
    GArray *files;         /* of QemuFile, ascending by fd without gaps from QEMU_FD_FIRST */
    uint64_t memlock;      /* bytes of RLIMIT_MEMLOCK: guest memory and 1 GiB with devices, else 64 MiB */
} QemuCommand;

/* Starts paused (-S) and without a display (-display none, -vga none, -nodefaults, -no-user-config), with -sandbox on and all of it denied,
 * q35 with kernel-irqchip=on under KVM, each slot behind a pcie-root-port of its own, its functions as one multifunction device
 * at 0.0, 0.1, … in the order of their numbers; x-req (default) stays on. */
QemuCommand *qemu_command_build(const GuestDefinition *definition, const Plan *plan, const QemuFacts *facts);
QemuCommand *qemu_command_free(QemuCommand *command);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QemuCommand, qemu_command_free)
