/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest's own UEFI variables: a copy of the firmware's template, made once and never replaced. */
#pragma once

/* Opens it for reading and writing; makes it first (and its folder) if it is not there, as a whole or not at
 * all. A descriptor, or -errno. */
int nvram_open(const char *path, const char *template);
