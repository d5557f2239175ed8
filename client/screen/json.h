/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON for scripts, in the three ways of systemd's tools. */
#pragma once

#include <errno.h>
#include <glib.h>
#include <json-c/json.h>
#include <stdbool.h>

typedef enum JsonMode {
    JSON_OFF,
    JSON_SHORT,  /* one line */
    JSON_PRETTY, /* indented */
    JSON_MODE_MAX,
    JSON_MODE_INVALID = -EINVAL,
} JsonMode;

JsonMode json_mode_from_string(const char *name);

/* An object of strings: key, value, …, NULL. The caller owns it. */
json_object *json_strings(const char *key, ...) G_GNUC_NULL_TERMINATED;

/* Prints value to stdout as mode says and frees it. */
void json_print(json_object *value, JsonMode mode);

/* Prints what was gathered over several names, or nothing where none of them gave anything: an empty array
 * would say that there is nothing, not that it could not be found out. Frees it; NULL is fine. */
void json_print_gathered(json_object *array, JsonMode mode, bool complete);
