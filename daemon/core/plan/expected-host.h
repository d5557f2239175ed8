/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host as it will be when what a plan makes first is there: virtual functions, mediated devices. In which
 * groups these will be the kernel says only then; until then each counts as one of its own. */
#pragma once

#include "../host/host.h"

/* The snapshot and in it what is expected; borrows from that. */
typedef struct ExpectedHost {
    Host host;
    GPtrArray *functions; /* of HostDevice, owned */
    GPtrArray *mediated;  /* of HostMediated, owned */
} ExpectedHost;

ExpectedHost *expected_host_new(const Host *host);
ExpectedHost *expected_host_free(ExpectedHost *expected);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExpectedHost, expected_host_free)

/* A virtual function of physical, the nth from 0, as the kernel sets it up. */
void expected_host_add_function(ExpectedHost *expected, const HostDevice *physical, unsigned n);
/* type: of those that the parent's driver makes. */
void expected_host_add_mediated(ExpectedHost *expected, const HostMediatedType *type, const char *uuid);
