/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads QEMU's own options: a whole command line, or what another tool passes on. */
#pragma once

#include "wishes.h"

/* The options are root's children. whole: there is nothing else, so that what is not said is QEMU's
 * default. */
void qemu_read(Wishes *wishes, Node *root, bool whole);

/* A property of a device that is known by its source's id ("hostdev0", "virtio-disk0"), as -set gives it. */
void qemu_set(Wishes *wishes, const char *id, const char *property, const char *value, const Node *from);
