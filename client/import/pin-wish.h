/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host CPUs on which vCPUs run. */
#pragma once

#include "wishes.h"

/* A set that all vCPUs share, as cpu_list_parse() takes it; vcpus: how many the guest has. */
void wish_pin(Wishes *wishes, const char *set, unsigned vcpus, const Node *from);
