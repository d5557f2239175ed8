/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the states of guests and devices mean to a person: colour, sign, exit status. */
#pragma once

#include <stdbool.h>

#include "../bus/props.h"
#include "../screen/terminal.h"

Colour guest_colour(const GuestProps *guest);
Glyph guest_glyph(const GuestProps *guest);

/* QEMU is there: running, paused, stopping or not answering. */
bool guest_runs(const GuestProps *guest);

/* Its definition cannot be read, or its last run ended badly. */
bool guest_ails(const GuestProps *guest);

/* "running", "stopping (power-button)". The caller frees it. */
char *guest_state_text(const GuestProps *guest);

Colour device_colour(const DeviceProps *device);
bool device_is_bridge(const DeviceProps *device);
/* Stuck, dead, or taken by somebody else. */
bool device_ails(const DeviceProps *device);

/* "VGA compatible controller: AMD/ATI Rage 128". The caller frees it. */
char *device_label(const DeviceProps *device);

/* By address, as lspci(8) sorts. */
void devices_sort(GPtrArray *devices);

/* "01:00.0" with the domain that people leave out. The caller frees it. */
char *device_address(const char *words);

/* The device at an address, with or without its domain; NULL if there is none. */
const DeviceProps *devices_find(const GPtrArray *devices, const char *address);

/* The guest of a name; NULL if there is none. */
const GuestProps *guests_find(const GPtrArray *guests, const char *name);

/* Says that there is no such guest, and which one was probably meant. Returns STATUS_NO_SUCH. */
int guests_report_missing(const GPtrArray *guests, const char *name);

/* Says that there is no such device. Returns STATUS_NO_SUCH. */
int devices_report_missing(const char *address);
