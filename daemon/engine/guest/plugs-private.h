/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What plug.c, which plugs devices in, uses of plugs.c. */
#pragma once

#include "../execution/execution.h"
#include "../gate/file-gate.h"
#include "../gate/holder-gate.h"
#include "../opener.h"
#include "plugs.h"

#define PLUG_ANSWER_USEC (5 * G_USEC_PER_SEC)

/* The name of a device's node at QEMU until device_add takes it. */
#define PLUG_NODE_NAME "usher-node"

/* What comes next, once QEMU has got something. */
typedef void (*PlugNext)(Plugs *plugs, Qmp *qmp);

/* A device on its way to the guest or back. */
typedef struct Plugging {
    Job *job;      /* NULL: nobody asked */
    char *address; /* the address that was asked for; NULL likewise */
    Plan *plan;    /* of an attach */
    uid_t uid;     /* likewise */
    gid_t gid;
    FileGate *files; /* its ROM, until QEMU has it; NULL: it has none */
    HolderGate *gate;
    Execution *execution;
    GHashTable *subjects; /* the steps that are being undone */

    Slot *slot;        /* while QEMU is told; gone with the connection */
    unsigned function; /* the one that QEMU is told to take */
    Opener *opener;    /* of the nodes of a device with iommufd */
    PlugNext next;     /* when QEMU has the descriptor that is on its way */
    bool told;         /* QEMU takes it now, and pins the guest's memory, which may last */
    int rom_set;       /* FD_SET_NONE: QEMU does not have it */
    char *rom;         /* the name by which QEMU opens it */
    sd_event_source *deadline;
    Fault *fault; /* the fault that it will end with */
} Plugging;

struct Plugs {
    Engine *engine;
    const char *guest;
    QemuLink *link;
    const PlugsHandler *handler;
    void *userdata;
    Journal *journal; /* NULL: not open yet */
    Slots *slots;
    Plugging *current;
    GHashTable *left; /* set of char*: subjects that could not be given back while it runs */
    bool tidy_owed;   /* tidy when nothing is being plugged or unplugged */
    bool over;        /* QEMU is gone */
    bool end_owed;    /* `ended` follows when the step has ended */
};

Plugging *plugging_new(Plugs *plugs, Job *job, const char *address);
/* Keeps the first fault. Takes it over. */
void plugging_note_fault(Plugging *p, Fault *fault);
/* Ends it, and tells everybody. */
void plugging_end(Plugs *plugs);
/* QEMU did not answer, so nobody knows what it has: it is asked for all its devices when it answers again. */
void plugging_end_unknown(Plugs *plugs, int error);
void plugging_on_progress(Execution *execution, const char *words, unsigned done, unsigned total,
                          void *userdata);

/* QEMU closes a device's node that no device_add took; fine if it has none. */
void plugging_drop_node(Qmp *qmp);
/* QEMU is asked to have the guest let go of what is in the slot. */
void plugging_let_go(Plugs *plugs, Qmp *qmp);
/* Gives back what QEMU does not have, and then ends. */
void plugging_give_back(Plugs *plugs);

/* plug-node.c */
/* QEMU has its object of iommufd. */
void plug_node_prepare(Plugs *plugs, Qmp *qmp, PlugNext next);
/* QEMU has the node of the device, as PLUG_NODE_NAME. */
void plug_node_give(Plugs *plugs, const char *address, PlugNext next);
