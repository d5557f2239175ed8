/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QEMU's command line of a definition, as if all its devices were there. A section without Functions= has two
 * functions; virtual ones count from 1. The host is a Debian 12 with all packages that one may need. */
#pragma once

#include "../../../daemon/core/qemu/argv.h"
#include "a-definition.h"

#define QEMU_PATH "/usr/bin/qemu-system-x86_64"

/* Where guests keep what lasts; a test that runs companions sets a folder of its own. */
extern const char *a_state_path;
/* The virtiofsd that is there; NULL: that of QEMU 7.2. */
extern const Virtiofsd *a_virtiofsd;

/* vhost_net: the host has it. */
QemuCommand *a_command_with(const GuestDefinition *definition, bool vhost_net);
QemuCommand *a_command_for(const GuestDefinition *definition);

/* The value of the nth occurrence of an option; NULL if there are fewer. */
const char *option_value(const QemuCommand *command, const char *option, unsigned n);
