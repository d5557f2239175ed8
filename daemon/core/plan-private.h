/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What plan.c (which devices, and whether they may be had) and plan-guest.c (what a guest asks for) share. */
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
/* Adds the functions of one wish. The name is the section's, or the address. */
int planning_add(Planning *planning, const char *name, const DefinitionPci *section, const BindWish *wish,
                 Fault **ret_fault);
/* With all wishes added: refuses, or makes the steps. */
int planning_finish(Planning *planning, Fault **ret_fault);
