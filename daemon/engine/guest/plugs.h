/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hot-plug of PCI devices, one at a time: plug.c gives them to a running guest, plugs.c takes them back to
 * the host. */
#pragma once

#include "../../edge/store/journal.h"
#include "../engine.h"
#include "../job.h"
#include "slots.h"

typedef struct Plugs Plugs;

typedef struct PlugsHandler {
    /* QEMU's connection; NULL: QEMU accepts no commands now, or the guest's state forbids them. */
    Qmp *(*qmp)(void *userdata);
    /* The first steps have made the device of the section: plans the rest, as in GuestHandler. */
    int (*plan_rest)(const DefinitionPci *section, Plan **ret, Fault **ret_fault, void *userdata);
    /* plugs_list() has changed. */
    void (*changed)(void *userdata);
    /* The guest got a device, or lost one, and no other is being plugged in or unplugged. */
    void (*settled)(void *userdata);
    /* plugs_end() returned false, and the step has ended. The object may be freed from within. */
    void (*ended)(void *userdata);
    /* As in ExecutionHandler; the call may come after plugs_free(). */
    void (*unstuck)(const char *subject, void *userdata);
} PlugsHandler;

/* engine, guest (its name), link and handler are borrowed. */
Plugs *plugs_new(Engine *engine, const char *guest, QemuLink *link, const PlugsHandler *handler,
                 void *userdata);
/* NULL is fine; returns NULL. */
Plugs *plugs_free(Plugs *plugs);

/* The devices that the guest gets by its command line. */
void plugs_note(Plugs *plugs, const GuestDefinition *definition, const Plan *plan);
/* The journal of the run is open; borrowed. */
void plugs_set_journal(Plugs *plugs, Journal *journal);
/* Asks QEMU which devices it has, unless that is known. */
void plugs_find(Plugs *plugs);
/* QEMU's DEVICE_DELETED. */
void plugs_deleted(Plugs *plugs, struct json_object *data);
/* The connection to QEMU is gone: nobody hears what QEMU does meanwhile. */
void plugs_lose(Plugs *plugs);
/* A write that hung has ended: tries again to give back what could not be given back. */
void plugs_unstuck(Plugs *plugs);
/* QEMU is gone. False: a step is under way, and `ended` follows. */
bool plugs_end(Plugs *plugs);

/* QEMU pins memory, and may take longer to answer than it should. */
bool plugs_pin_memory(const Plugs *plugs);
bool plugs_has(const Plugs *plugs, const char *address);
/* Adds to addresses (of char*) the devices that the guest has, and those that it has released and the host
 * could not take back. Does nothing if that is not known. */
void plugs_list(const Plugs *plugs, GPtrArray *addresses);

/* FAULT_BUSY if no device can be plugged in or unplugged now. The calls below require 0. */
int plugs_check(const Plugs *plugs, Fault **ret_fault);
/* As guest_check_attach() and the calls beside it. */
int plugs_check_attach(const Plugs *plugs, const Plan *plan, Fault **ret_fault);
int plugs_check_detach(const Plugs *plugs, const char *address, Fault **ret_fault);
GPtrArray *plugs_plan_detach(const Plugs *plugs, const char *address);
int plugs_detach(Plugs *plugs, const char *address, Job *job);
/* definition: the guest's, with the section that the plan is about; borrowed for as long as the plan. uid,
 * gid: the guest's user. */
void plugs_attach(Plugs *plugs, const GuestDefinition *definition, Plan *plan, const char *address, Job *job,
                  uid_t uid, gid_t gid);
