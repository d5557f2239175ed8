/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What clocks in a time zone of the host's zoneinfo show now: "2026-11-29T22:15:07". The caller frees it.
 * NULL: there is no such zone. name: "Europe/Berlin", checked by the caller, as GLib takes offsets and rules
 * for names, too. */
char *zone_time(const char *name);
