/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What plan.c (which devices, and whether they may be had) and guest.c (what a guest asks for) share. */
#pragma once

#include "plan.h"

/* What is known while a plan is made: which functions were asked for, and which groups were asked for as a
 * whole. */
typedef struct Planning {
    const Host *host;
    const Claims *claims;
    const char *whole_remedy; /* how to ask for a whole group */
    bool running;             /* the guest runs, and has open what it claims */
    GPtrArray *asked;         /* of const HostDevice */
    GArray *whole;            /* of int */
    GPtrArray *members; /* of const HostDevice: all that are to be bound, in the order in which it is done */
    Plan *plan;
} Planning;

Planning planning_new(const Host *host, const Claims *claims, const char *owner);
void planning_clear(Planning *planning);
/* Such a driver does no DMA of its own, so that the kernel takes the group for viable beside it
 * (driver_managed_dma). */
bool plan_harmless(const HostDevice *device);
/* It is asked for, or its whole group is, and it is to change hands. */
bool planning_binds(const Planning *planning, const HostDevice *device);
/* makers.c: the function exists by the driver that another function is to leave, and is gone by then. */
bool planning_goes_with(const Planning *planning, const HostDevice *device);
/* Checks a device that is asked for: FAULT_RAISED with NOT_VIABLE if it would disappear before it could be
 * bound. */
int planning_check_maker(const Planning *planning, const HostDevice *device, Fault **ret_fault);
/* FAULT_RAISED if the host cannot spare it. */
int planning_check_spare(const Planning *planning, const HostDevice *device, Fault **ret_fault);
/* What goes with the drivers of those that are bound must not be missed either: FAULT_RAISED as
 * planning_check_spare(), with STUCK, or with IN_USE if somebody has claimed it. */
int planning_check_going(const Planning *planning, Fault **ret_fault);
/* Checks a device that is to leave its driver: FAULT_RAISED with REFUSED if something would disappear with
 * the driver that no undo brings back: virtual functions, mediated devices. */
int planning_check_made(const Planning *planning, const HostDevice *device, Fault **ret_fault);
/* Adds the functions of one wish. The name is the section's, or the address. */
int planning_add(Planning *planning, const char *name, const DefinitionPci *section, const BindWish *wish,
                 Fault **ret_fault);
/* With all wishes added: refuses, or makes the steps. */
int planning_finish(Planning *planning, Fault **ret_fault);
