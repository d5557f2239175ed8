/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* XML as a tree, by GLib's parser: it opens no file and no connection, and a document can define no entities.
 */
#pragma once

#include "node.h"

/* Attributes are children "@name"; elements of libvirt's namespace for QEMU are called "qemu:…", whatever
 * their prefix. NULL: *ret_why says why not, "FILE:LINE: …"; the caller frees either. */
Node *read_xml(const char *path, const char *text, size_t size, char **ret_why);
