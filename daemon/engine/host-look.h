/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A snapshot of the host with what the engine knows besides: to which devices a write hangs, on which a step
 * is being taken, and which are in quarantine. */
#pragma once

#include "../core/definition/handle.h"
#include "../core/host/host.h"
#include "engine.h"

/* As host_scan(): 0 or -errno; *ret is the caller's. */
int host_look(const Engine *engine, Host **ret);
/* As host_scan_again(). */
int host_look_again(const Engine *engine, Host *host, PciAddress address);

/* Adds the types of mediated devices that can be made of what the definition names. While any is being made
 * or removed nobody is asked how many more. */
void host_look_mediated(const Engine *engine, const GuestDefinition *definition, Host *host);
