/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where this host is to be found in the table of base/remedy.h: os-release(5), what sets the kernel's command
 * line, and what sets up the network. */
#pragma once

#include "../../base/remedy.h"

/* By what lies in the tree at root, and the boot loader that started the host, if that told its name
 * (systemd.io/BOOT_LOADER_INTERFACE). */
BootSetup boot_setup_find(int root);

/* By what has left its state in the tree at root. */
NetworkSetup network_setup_find(int root);

/* Reads all, and has remedies speak for this host from now on. */
void remedy_look(void);
