/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The descriptors (core/host/descriptor.h) in several folders, as QEMU's documents say that they are to be
 * read (docs/interop/firmware.json, docs/interop/vhost-user.json). */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Called for each in its turn; true: no more. */
typedef bool (*DescriptorRead)(const char *path, const char *text, size_t size, void *userdata);

/* Reads those in folders (NULL-terminated), the folder that counts most first: a file there takes the place
 * of those by the same name in the others. The order is that of the files' names, whatever their folders. A
 * file that is empty, cannot be read or is too long hides those by its name. */
void descriptor_list(const char *const *folders, DescriptorRead read, void *userdata);
