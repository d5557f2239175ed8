/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads a guest of Proxmox VE (https://pve.proxmox.com/wiki/Manual:_qm.conf). */
#pragma once

#include "wishes.h"

/* The lines as a tree; those of snapshots are below a node of their own. NULL: *ret_why says why not; the
 * caller frees either. */
Node *proxmox_parse(const char *path, const char *text, size_t size, char **ret_why);

/* *ret_arguments is what args: holds, which the wishes refer to until the end; NULL: nothing. */
void proxmox_read(Wishes *wishes, Node *root, Node **ret_arguments);
