/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mediated devices that there are. */
#pragma once

#include "host-scan.h"

/* Adds them to host. One that goes meanwhile is left out. */
void mediated_scan(const HostPlace *place, Host *host);
