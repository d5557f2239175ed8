/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The device of Looking Glass's kernel module. */
#pragma once

#include <stdbool.h>

/* "/dev/kvmfr0" to 9: as many as the module makes (KVMFR_MAX_DEVICES). */
bool kvmfr_device_valid(const char *path);
