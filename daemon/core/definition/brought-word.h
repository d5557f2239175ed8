/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words that people bring from libvirt, QEMU and Proxmox: what usher calls it, or why it cannot be said.
 */
#pragma once

#include "keys.h"

/* A remedy for a value that another tool would take there; NULL: the text is none of those. A word that the
 * key itself takes is never one. The caller frees it. */
char *brought_word_hint(const DefinitionKey *key, const char *text);
