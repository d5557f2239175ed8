/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who uses a disk, or a file that is one: what usher-bind tells when a guest cannot have it. As the kernel
 * has refused it already, this only finds the words. */
#pragma once

#include <sys/stat.h>

#include "holder-scan.h"

/* A block device, whole or a partition, by its number: where it or a part of it is mounted or swapped to,
 * what is built upon it, which processes have it open. An empty array: nobody could be seen. */
int holder_scan_disk(const HolderPlace *place, unsigned major, unsigned minor, GPtrArray **ret);

/* Adds the loop devices that are made of the file at path. */
void holder_disk_add_loops(const HolderPlace *place, const char *path, GPtrArray *holders);
