/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest starts without, as Optional=yes lets it: the section stays, so that nothing else moves in the
 * guest, and what stands there instead is for qemu/argv.h. */
#pragma once

#include "handle.h"

/* What is missing, and what the guest has instead: "[CDROM install] Path=/srv/a.iso is not there; the drive
 * is empty". section: "CDROM install", of a kind that has the key Optional. The caller frees it. */
char *definition_absent_words(const char *section, const char *key, const char *path);

/* From now on the definition is that of a guest without it. */
void definition_set_absent(GuestDefinition *definition, const char *section);
