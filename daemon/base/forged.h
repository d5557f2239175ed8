/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signals that pretend to be somebody else's. */
#pragma once

#include <systemd/sd-bus.h>

/* From now on none of them reaches anybody who listens on this connection. A rule that names its sender by a
 * well-known name lets a signal of anybody's pass, if only the bus delivers it: sd-bus does not know who has
 * that name (value_node_test() in systemd's src/libsystemd/sd-bus/bus-match.c). And the bus does deliver it:
 * to send a signal to one connection is everybody's right (bus/system.conf.in of dbus). What we listen to
 * goes to all who do, and has no destination. 0 or -errno. */
int forged_signals_drop(sd_bus *bus);
