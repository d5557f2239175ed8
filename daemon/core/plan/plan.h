/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plan: the steps that a request needs, in order, made from a snapshot alone. Planning touches nothing; a
 * refusal says what, which device, and what the user can do. A dry run prints the very plan that would be
 * carried out. */
#pragma once

#include <glib.h>

#include "../../base/fault.h"
#include "claims.h"
#include "../definition/handle.h"
#include "../host/host.h"
#include "../record/step.h"
#include "wish.h"
#include "usb-wish.h"

typedef struct Plan {
    char *owner;        /* "guest/win10" or "bind/0000:01:00.0" */
    GPtrArray *steps;   /* of Step, owned */
    unsigned making;    /* so many steps come first: what they make can only be expected. The rest is planned
                         * anew when    it is there (plan_rest()); 0: the plan is whole */
    GPtrArray *leaving; /* of char*: the addresses of the functions that the host is to be without */
    GArray *groups;     /* of int: the groups that the owner claims, ascending */
    GArray *leaning;    /* of int: groups of devices that something is made of, and that stay with the host */
    GArray *pages;      /* of PlanPages: its huge pages, by the node of the host's that they are on */
    uint64_t memory; /* bytes that it will have at once, as devices pin all of it, or huge pages are made; 0:
                        as it needs them */
    GArray *cpus;    /* of unsigned: the host CPUs that it claims for itself alone */
    char **may_stop; /* units that may be stopped where they hold a device; NULL: none. The caller sets it */
    bool vhost_net;  /* the guest's links may be driven by the kernel */
    bool nodes;      /* the host has several NUMA nodes */
    int memory_node; /* the NUMA node that the guest's memory is bound to; -1: none */
    GPtrArray
        *remarks; /* of Step (STEP_BACKEND): what people should know, and what keeps nothing from starting */
    GPtrArray *devices; /* of PlanDevice, owned: what the guest gets, in the order of the definition */
} Plan;

/* One [PCI x] section, resolved: functions of one slot that go to the guest as one multifunction device. */
typedef struct PlanDevice {
    char *name;                /* x */
    const DefinitionPci *wish; /* borrowed from the definition; NULL in a plan that only binds */
    char *mediated;            /* the UUID of a mediated device; NULL: it is none */
    GArray *functions;         /* of PciAddress, ascending; empty for a mediated device */
    GArray *left;              /* of PciAddress: of the same slot, but none of the card; NULL: none */
    bool intel_graphics;       /* see host_intel_graphics() */
    bool iommufd;              /* QEMU gets descriptors of it, not its group's node */
    const char *why;           /* in words */
} PlanDevice;

typedef struct PlanPages {
    char *place; /* "node0/2048kB" */
    uint64_t n;
} PlanPages;

/* Promises its owner the memory and the huge pages. */
void plan_claim_memory(const Plan *plan, Claims *claims);

/* Where the guest's memory is to come from; a step for the huge pages that are missing there. For
 * plan_start(), which passes the first device that the guest gets, or NULL; claims may be NULL, too.
 * FAULT_RAISED with REFUSED: no such node, no pages of such a size, more memory than there is, or at once
 * more than is left. */
int plan_add_memory(Plan *plan, const Host *host, const Claims *claims, const GuestDefinition *definition,
                    const HostDevice *first, Fault **ret_fault);
/* For a running guest that gets its first device: checks that the memory which it has not touched yet can
 * be pinned. resident: bytes that it has touched. 0 or FAULT_RAISED with REFUSED. */
int plan_check_pinned(const Host *host, const Claims *claims, const GuestDefinition *definition,
                      const char *owner, uint64_t resident, Fault **ret_fault);

/* Checks that the host CPUs of Pin= exist. Adds the CPUs that are the guest's alone while it runs
 * (Isolate=), and their speed (Governor=). claims may be NULL. FAULT_RAISED with REFUSED: this host cannot
 * do it, or the host would have no CPU left; IN_USE: another guest has the CPUs. */
int plan_add_host_cpus(Plan *plan, const Host *host, const Claims *claims, const char *guest,
                       const DefinitionCpu *wish, Fault **ret_fault);

/* Adds a remark about a device, to be shown with the plan. */
void plan_remark(Plan *plan, PciAddress address, const char *format, ...) G_GNUC_PRINTF(3, 4);

Plan *plan_new(const char *owner);
Plan *plan_free(Plan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Plan, plan_free)

/* Addresses (of char*, owned by the caller with the array) of the devices that the host is to be without,
 * whatever driver they leave or stay on: whoever uses them is to be found first. And the UUIDs of mediated
 * devices. */
GPtrArray *plan_leaving(const Plan *plan);

/* All steps, and after them how QEMU gets each device, what of a slot is left, and the remarks
 * (STEP_BACKEND), to be shown. An array of Step, owned by the caller. */
GPtrArray *plan_shown(const Plan *plan);

/* The steps that can be taken now: all, or those that make something (of const Step*, borrowed; the caller
 * frees the array). */
GPtrArray *plan_due(const Plan *plan);

/* Binds by hand. Steps for each member of the group, bridges aside: power and d3cold held, driver unbound,
 * override written, probed; functions other than 0 first, as a GPU's audio leaves before the GPU. Each is
 * done for all members before the next, so that the reverse is a good order too. What is on vfio-pci already
 * is left as it is. claims may be NULL.
 *
 * FAULT_RAISED as wish_resolve(), and with NOT_VIABLE (names what else lives in the group and its drivers),
 * IN_USE (claimed, or needed by the host), STUCK, REFUSED (it has virtual functions, is dead or in
 * quarantine; nothing to do, as all is on vfio-pci). A function whose reset would hit others that the host
 * uses is NOT_VIABLE. */
int plan_bind(const Host *host, const Claims *claims, const BindWish *wish, Plan **ret, Fault **ret_fault);

/* Adds what a guest's network cards need of the host: links, which are made, and taken away afterwards.
 *
 * FAULT_RAISED with REFUSED if a bridge, tap device or parent is not there (the remedy names those that are)
 * or cannot be used so, with IN_USE if there is a link of the name that one is to get. */
int plan_add_links(Plan *plan, const Host *host, const GuestDefinition *definition, Fault **ret_fault);

/* Adds a mediated device to a guest's plan: it has no driver to leave, and is lent by its group's node alone.
 * claims may be NULL.
 *
 * FAULT_RAISED with NO_SUCH_DEVICE (the remedy makes it), REFUSED (no group, or no PCI device to the guest),
 * IN_USE (another guest has it), BAD_DEFINITION (two sections ask for it), STUCK, DRIFT (it was to be made,
 * and is not there), or as fitness_check(), of the device that it was made of. */
int plan_add_mediated(Plan *plan, const Host *host, const Claims *claims, const GuestDefinition *definition,
                      const DefinitionPci *section, Fault **ret_fault);

/* The USB devices of a guest, those of them that are plugged in. They are no part of the plan, as they come
 * and go while it runs. FAULT_RAISED as usb_find() and usb_judge(), and with REFUSED if two sections mean the
 * same. */
int plan_check_usbs(const Host *host, const char *guest, const GPtrArray *wishes /* of DefinitionUsb */,
                    Fault **ret_fault);

/* The plan after the first steps of plan_start() have been taken: the same plan upon what these have made,
 * with the same refusals, except that it exists already. */
int plan_rest(const Host *host, const Claims *claims, const GuestDefinition *definition, Plan **ret,
              Fault **ret_fault);

/* Plugs a device into the running guest that the plan's owner names: binds it, and gives the guest the nodes
 * of groups that it has not yet. section: the guest's definition of the device, or NULL; borrowed by the
 * plan. Without a section, the wish's functions and group count.
 *
 * FAULT_RAISED as plan_start(). */
int plan_attach(const Host *host, const Claims *claims, const char *owner, const BindWish *wish,
                const DefinitionPci *section, Plan **ret, Fault **ret_fault);

/* As plan_rest(), of that. */
int plan_attach_rest(const Host *host, const Claims *claims, const char *owner, const BindWish *wish,
                     const DefinitionPci *section, Plan **ret, Fault **ret_fault);

/* Starts a guest: binds the devices of its [PCI] sections, makes its links, then gives each group's node to
 * STEP_VALUE_GUEST. A definition without devices makes a plan without steps. If vfio-pci is not loaded, the
 * module is a step.
 *
 * FAULT_RAISED as plan_bind() (except for nothing to do, which is fine), and with BAD_DEFINITION if two
 * sections ask for the same function, REFUSED if a section's fingerprint is not the device's. */
int plan_start(const Host *host, const Claims *claims, const GuestDefinition *definition, Plan **ret,
               Fault **ret_fault);
