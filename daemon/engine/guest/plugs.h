/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PCI devices of the host that come to a guest and leave it while it runs, one at a time: to the guest in
 * plug.c, back to the host in plugs.c. */
#pragma once

#include "../../edge/store/journal.h"
#include "../engine.h"
#include "../job.h"
#include "slots.h"

typedef struct Plugs Plugs;

typedef struct PlugsHandler {
    /* QEMU's connection; NULL: QEMU, or the guest as it is, cannot be told anything now. */
    Qmp *(*qmp)(void *userdata);
    /* The first steps have made what the section is about: plans the rest, as GuestHandler has it. */
    int (*plan_rest)(const DefinitionPci *section, Plan **ret, Fault **ret_fault, void *userdata);
    /* plugs_list() has changed. */
    void (*changed)(void *userdata);
    /* The guest has a device, or is rid of one, and nothing is on its way any more. */
    void (*settled)(void *userdata);
    /* plugs_end() returned false, and the step has ended. The object may be freed from within. */
    void (*ended)(void *userdata);
    /* As ExecutionHandler has it: it may come after plugs_free(). */
    void (*unstuck)(const char *subject, void *userdata);
} PlugsHandler;

/* engine, guest (its name), link and handler are borrowed. */
Plugs *plugs_new(Engine *engine, const char *guest, QemuLink *link, const PlugsHandler *handler,
                 void *userdata);
/* NULL is fine; returns NULL. */
Plugs *plugs_free(Plugs *plugs);

/* What the guest gets by its command line. */
void plugs_note(Plugs *plugs, const GuestDefinition *definition, const Plan *plan);
/* The journal of the run, borrowed, is open. */
void plugs_set_journal(Plugs *plugs, Journal *journal);
/* Asks QEMU what it has, where that is not known. */
void plugs_find(Plugs *plugs);
/* QEMU's DEVICE_DELETED. */
void plugs_deleted(Plugs *plugs, struct json_object *data);
/* The connection to QEMU is gone: what it does meanwhile nobody hears. */
void plugs_lose(Plugs *plugs);
/* A device whose write hung is back: what could not be given back is tried again. */
void plugs_unstuck(Plugs *plugs);
/* QEMU is gone. False: a step is under way, and `ended` follows. */
bool plugs_end(Plugs *plugs);

/* QEMU pins memory, and may take longer to answer than it should. */
bool plugs_pin_memory(const Plugs *plugs);
bool plugs_has(const Plugs *plugs, const char *address);
/* Puts into addresses (of char*) what the guest has, and what it has let go of and the host could not take
 * back. Only if it is known. */
void plugs_list(const Plugs *plugs, GPtrArray *addresses);

/* FAULT_BUSY if no device can be on its way now. For what follows it must be able to. */
int plugs_check(const Plugs *plugs, Fault **ret_fault);
/* As guest_check_attach() and its like have it. */
int plugs_check_attach(const Plugs *plugs, const Plan *plan, Fault **ret_fault);
int plugs_check_detach(const Plugs *plugs, const char *address, Fault **ret_fault);
GPtrArray *plugs_plan_detach(const Plugs *plugs, const char *address);
int plugs_detach(Plugs *plugs, const char *address, Job *job);
/* definition: the guest's, with the section that the plan is about; borrowed for as long as the plan. uid,
 * gid: the guest's user. */
void plugs_attach(Plugs *plugs, const GuestDefinition *definition, Plan *plan, const char *address, Job *job,
                  uid_t uid, gid_t gid);
