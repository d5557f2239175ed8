/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who uses a device: a process with one of its nodes open, a disk that others are built upon, a network
 * link that carries traffic, or the host itself. A value: found by edge, judged here. */
#pragma once

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "../../base/fault.h"

typedef enum HolderKind {
    HOLDER_FILE,    /* a process has a node of the device open: what is "/dev/dri/card1" */
    HOLDER_MAPPING, /* a process has memory of it mapped and the node closed */
    HOLDER_DRM,   /* a process is a client of its DRM driver (drm-usage-stats.rst, drm-pdev) by a node that is
                     gone */
    HOLDER_MOUNT, /* mounted, seen only in the mount namespace of that process */
    HOLDER_BLOCK, /* device mapper, LVM, md, a loop device, an export: what is "dm-0 on nvme0n1" */
    HOLDER_KERNEL, /* the kernel says that a disk is taken, and nothing tells by whom: what is "nvme0n1p1" */
    HOLDER_LINK, /* a network link that carries traffic: what is "eth1", or "eth1.10 on eth1" of what is built
                    upon it; in the network namespace of that process, if there is one */
    HOLDER_HOST, /* HostDevice.needed_for, in words */
    HOLDER_KIND_MAX,
    HOLDER_KIND_INVALID = -EINVAL,
} HolderKind;

typedef struct Holder {
    HolderKind kind;
    char *device; /* address of the function that is held, or the kernel's name of a disk; "" of a file */
    char *what;
    pid_t pid;     /* 0: no process, and "" in the next three */
    char *command; /* as in /proc/PID/comm */
    char *unit;    /* the system's unit that it lives in, "" for none */
    char *session; /* its login session, "" for none */
} Holder;

const char *holder_kind_to_string(HolderKind kind); /* "file", "mapping", … */
HolderKind holder_kind_from_string(const char *name);

/* Strings are copied, made valid UTF-8 and rid of control characters, as anybody may choose the name of a
 * process; NULL is "". */
Holder *holder_new(HolderKind kind, const char *device, const char *what, pid_t pid, const char *command,
                   const char *unit, const char *session);
Holder *holder_free(Holder *holder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Holder, holder_free)
/* An array that owns its holders. */
GPtrArray *holders_new(void);

/* The host itself needs the device: nothing may be stopped to get it. */
bool holder_needed(const Holder *holder);

/* "kwin_wayland (pid 812, user@1000.service, session 2) has /dev/dri/card1 of 0000:01:00.0 open". The caller
 * frees it. */
char *holder_describe(const Holder *holder);

/* Where a process is, from the text of /proc/PID/cgroup (cgroups(7)). *ret_unit: the unit that the system's
 * manager has it in, "" for none; *ret_session: the login session, "" for none. The caller frees both. */
void holder_place(const char *cgroup, char **ret_unit, char **ret_session);

/* For the wire: the words of a message with that verb, owned by the caller, with at most HOLDERS_MAX
 * holders. The reverse takes the words behind the verb; -EBADMSG if they describe no holder. */
#define HOLDERS_MAX 128
char **holders_to_words(const char *verb, const GPtrArray *holders);
int holders_from_words(char *const *words, GPtrArray **ret);

/* May the devices be taken from these holders? units: what may be stopped for it, NULL or empty for nothing.
 * 0, and the units that are to be stopped (of char*, each once; the caller frees the array), or FAULT_RAISED
 * with IN_USE. */
int holders_judge(const GPtrArray *holders, char *const *units, GPtrArray **ret_stop, Fault **ret_fault);
