/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What everything on this floor has at hand: the loop, the means to act, the folders. Filled in once by main
 * and borrowed by all. */
#pragma once

#include <glib.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "../base/fault.h"
#include "../core/plan/disk-claims.h"
#include "../edge/scan/host-scan.h"
#include "../edge/scan/tools-find.h"
#include "../edge/launcher/launcher.h"
#include "../edge/store/ledger.h"
#include "../edge/qemu/qemu-probe.h"
#include "../edge/host-services/sleep-watch.h"
#include "../edge/sight/step-look.h"
#include "../edge/helper/worker.h"

typedef struct Hangs Hangs; /* opener.h */

/* How long is waited. */
typedef struct EngineLimits {
    uint64_t slow_usec;     /* a step that takes longer is reported */
    uint64_t stuck_usec;    /* and one that takes this long is given up */
    uint64_t answer_usec;   /* for a path that a definition names to answer */
    uint64_t unplug_usec;   /* for a guest to let go of a device */
    uint64_t launcher_usec; /* for usher-launch to come up, and to say of each companion that it runs */
} EngineLimits;

typedef struct Engine {
    sd_event *event;
    Launcher *launcher;
    WorkerPool *workers;
    QemuProbe *probe;
    ToolsPlace tools_place;
    SleepWatch *sleep;
    HostPlace host_place;
    StepPlace step_place; /* to look, not to act: workers act */
    const char *qemu_path;
    const char *run_path;         /* "/run/usher" */
    const char *definitions_path; /* "/etc/usher/guests" */
    const char *host_id;          /* what tells this host from others; NULL: nothing */
    int journal_fd;               /* RUN/journal */
    int guests_fd;                /* RUN/guests: a folder a guest */
    int display_fd;               /* RUN/display: the sockets of displays */
    int log_fd;                   /* /var/log/usher */
    int steps_fd;                 /* RUN/steps: which devices a step is being taken on */
    GHashTable *busy;             /* set of char*: those of them that are ours */
    Ledger *ledger;               /* NULL: none is kept */
    GQueue *slice_steps;          /* of SliceStep, borrowed: those under way, one after the other */
    DiskClaims *disks;            /* which guest has which */
    Hangs *hangs;                 /* what a worker is not back from */
    GHashTable *stuck; /* set of char*: devices (addresses, UUIDs of mediated ones) to which a write hangs */
    EngineLimits limits;
    bool allow_qemu_arguments; /* [QEMU] of definitions */
} Engine;
