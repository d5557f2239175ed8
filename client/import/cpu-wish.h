/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest's CPU model and its features, until all of the source was read: a later word overrides an earlier
 * one, and a later -cpu all of them. */
#pragma once

#include "wishes.h"

CpuWish *cpu_wish_new(void);
CpuWish *cpu_wish_free(CpuWish *cpu);

/* Forgets all that was said: -cpu was given again. Whether there was anything. */
bool cpu_wish_begin(CpuWish *cpu, const char *model, const Node *from);
/* value: "on", "off", or what the property is. kvm and Hyper-V's are known. */
void cpu_wish_feature(CpuWish *cpu, const char *name, const char *value, const Node *from);
void cpu_wish_write(CpuWish *cpu, Draft *draft);
