/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads a domain of libvirt's (https://libvirt.org/formatdomain.html), defined or running. */
#pragma once

#include "wishes.h"

/* Why the domain is no guest of usher's; NULL: it is one. The caller frees it. */
char *libvirt_refusal(const Node *root);
/* root is <domain>; *ret_arguments what its <qemu:commandline> holds, which the wishes refer to until the
 * end. NULL, or else *ret_why, which the caller frees. */
Node *libvirt_read(Wishes *wishes, Node *root);
