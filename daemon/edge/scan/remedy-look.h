/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where this host is to be found in the table of base/remedy.h: os-release(5), and what sets the kernel's
 * command line. */
#pragma once

/* Reads both, and has remedies speak for this host from now on. */
void remedy_look(void);
