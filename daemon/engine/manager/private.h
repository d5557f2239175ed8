/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the manager's files share, from the lowest to the highest: none calls one below it in this list. */
#pragma once

#include "../../core/plan/claims.h"
#include "../../edge/scan/host-monitor.h"
#include "../../edge/scan/udev-settle.h"
#include "../../edge/store/step-mark.h"
#include "../gate/file-gate.h"
#include "../hold/hold.h"
#include "host-cache.h"
#include "manager.h"

typedef struct ManagerQuestion ManagerQuestion;

struct Manager {
    Engine *engine;
    ManagerListener listener;
    void *userdata;

    DefinitionStore *definitions;
    GPtrArray *skipped; /* of Skipped, owned: what is no guest's in the folder of definitions */
    GHashTable *guests; /* name → GuestEntry, owned */
    Claims *claims;
    GHashTable *holds; /* owner → Hold, owned */
    GHashTable *jobs;  /* number → Job, owned */
    unsigned last_job;
    GPtrArray *arrivals; /* launchers that wait for udev, owned */

    GPtrArray *questions; /* of ManagerQuestion, owned: the first is being asked */

    HostCache *host;
    GHashTable *drift; /* address → what is wrong with a lent device, in words; both owned */
    StepMarks *marks;
    sd_event_source *settle;
    HostMonitor *monitor;
    PciNameTable *names;
    UdevSettle *again;               /* guests that come again wait for udev; NULL: none does */
    void (*start_again)(Manager *m); /* manager_start_again_soon(), which guests.c does not know */
    sd_event_source *tidy;           /* frees what could not be freed from within a call of its own */
};

/* A guest and what its definition says of it. */
typedef struct GuestEntry {
    Guest *guest;
    bool defined; /* its file is there */
    char *description;
    char *source;
    bool closed;       /* not everybody may read the definition */
    Fault *fault;      /* of the definition */
    GPtrArray *wished; /* of char*: addresses that it asks for */
    DisplayType display;
    bool tainted;
} GuestEntry;

/* tables.c */
/* Definitions that are read, and names of guests. */
#define MANAGER_GUESTS_MAX 1024
void manager_announce(Manager *m, ManagerChange change, const char *id);
Job *manager_new_job(Manager *m, JobType type, const char *subject);
/* The one of this type that is under way for the subject; NULL: none is. */
const Job *manager_running_job(Manager *m, JobType type, const char *subject);
GuestEntry *manager_guest_entry(Manager *m, const char *name);
/* Whether there is room for one more guest. */
bool manager_has_room(Manager *m);
/* The guest is at rest: DRIFT if something of its run is not undone. */
int manager_refuse_leftovers(const Guest *guest, Fault **ret_fault);
/* Fine if its state is known: BUSY while it is being looked for. */
int manager_refuse_sought(const Guest *guest, Fault **ret_fault);
/* The device with this address ("": any) has changed: the snapshot is renewed. */
void manager_look_again(Manager *m, const char *text);
void manager_devices_changed(Manager *m, const GPtrArray *addresses);
/* An input or USB device may have come or gone. */
void manager_sync_plugs(Manager *m);

/* definitions.c */
const DefinitionText *manager_texts_of(const DefinitionFiles *files);
int manager_check_name(const char *name, Fault **ret_fault);
int manager_raise_missing(Manager *m, const char *name, Fault **ret_fault);
/* Why a file could not be read, written or removed (verb). */
int manager_raise_error(const char *verb, const char *path, int error, Fault **ret_fault);
int manager_load(Manager *m, const char *name, GuestDefinition **ret, Fault **ret_fault);
/* REFUSED if usherd.conf does not allow a definition this: a user who may define guests may not make QEMU do
 * just anything. */
int manager_check_allowed(const Manager *m, const GuestDefinition *definition, Fault **ret_fault);

/* REFUSED if this host's QEMU is known not to have what the definition asks for, whatever its devices. */
int manager_check_abilities(Manager *m, GuestDefinition *definition, Fault **ret_fault);

/* drift.c */
void manager_look_soon(Manager *m);
void manager_note_drift(Manager *m, const Host *host); /* upon a fresh snapshot */
void manager_recover_stuck(Manager *m);

/* claim.c */
/* Claims the groups of these devices (of char*: addresses) for an owner who has them already. False: somebody
 * else has one of them, which is logged. */
bool manager_claim(Manager *m, const char *owner, const GPtrArray *addresses);
/* Claims what the owner's journal names, so that nobody else gets it meanwhile. */
void manager_claim_again(Manager *m, const char *owner);
/* The guest has taken what it was promised, or does not need it any more. */
void manager_settle_memory(Manager *m, const Guest *guest);
/* A guest has other devices than before: claims these, and no others. */
void manager_guest_devices(Guest *guest, void *userdata);

/* holders.c */
void manager_question_free(ManagerQuestion *question);
/* Answers all of them with a fault, and frees the array. */
void manager_drop_questions(Manager *m);
/* Tells a plan's steps once nobody is found to hold its devices, and those files of a definition (NULL: none)
 * are as they should be (as file_gate_new() takes them); takes all three over. */
int manager_show_plan(Manager *m, Plan *plan, GuestDefinition *definition, GPtrArray *files, bool claim,
                      ManagerPlanned planned, void *userdata, Fault **ret_fault);

/* guests.c */
void guest_entry_free(GuestEntry *entry);
/* Makes one if there is none. */
GuestEntry *manager_ensure_entry(Manager *m, const char *name);
/* 0 and the entry of a guest that is defined or running; or as manager_load(). */
int manager_find_guest(Manager *m, const char *name, GuestEntry **ret, Fault **ret_fault);

/* start.c */
/* by_unit: the launcher is here already, guest_connected() follows. */
int manager_start_by(Manager *m, const char *name, bool by_unit, char **may_stop, unsigned *ret_job,
                     Fault **ret_fault);

/* again.c */
/* Starts those guests that have ended and come again, when udev has nothing in hand. */
void manager_start_again_soon(Manager *m);
/* After a restart of the daemon: guests at rest that were about to come again do so. */
void manager_recall_ends(Manager *m);

/* holds.c */
/* The bind that has this device, or NULL. */
Hold *manager_find_hold(Manager *m, PciAddress address);
void manager_recover_hold(Manager *m, const char *owner);

/* recover.c */
void manager_recover_guest(Manager *m, const char *name);

/* devices.c */
int manager_watch_devices(Manager *m);

/* units.c */
void manager_arrival_free(void *arrival);
