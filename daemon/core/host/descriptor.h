/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files by which a distribution describes what it has for QEMU, in JSON: firmware, and programs that
 * serve devices (docs/interop of QEMU's). Whoever reads one asks for members; those that are not there, or
 * are of another kind, are NULL. */
#pragma once

#include <glib.h>
#include <json-c/json.h>

/* NULL if it is no JSON, or no UTF-8, as its texts go into glib and onto the bus. The caller puts it. */
struct json_object *descriptor_parse(const char *text, size_t size);

/* Borrowed. object may be NULL. */
struct json_object *descriptor_member(struct json_object *object, const char *name);
const char *descriptor_text(struct json_object *object, const char *name);
