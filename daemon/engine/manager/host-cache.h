/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host as last seen; it is looked at again once something has changed. A snapshot is a value: it stays as
 * it was handed out, and a replaced one lives until the loop's next turn. */
#pragma once

#include "../host-look.h"

typedef struct HostCache HostCache;

/* A fresh snapshot of all was taken. */
typedef void (*HostTaken)(const Host *host, void *userdata);

HostCache *host_cache_new(const Engine *engine, HostTaken taken, void *userdata);
/* NULL is fine; returns NULL. */
HostCache *host_cache_free(HostCache *cache);

/* The last snapshot, renewed if it is stale or if a lent device has changed its driver (no event tells of
 * that). If the look fails: the previous snapshot, or an empty one. */
const Host *host_cache_get(HostCache *cache);
/* Looks now, also at the types of mediated devices that definition (NULL: none) names. 0 or -errno. */
int host_cache_look(HostCache *cache, const GuestDefinition *definition, const Host **ret);

/* The next look is at all of the host. */
void host_cache_stale(HostCache *cache);
/* One device has changed. */
void host_cache_look_at(HostCache *cache, PciAddress address);
