/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the lines of a file in the syntax of systemd's unit files (systemd.syntax(7)): sections, assignments,
 * comments, continued lines. What sections and keys there are is the caller's to know. */
#pragma once

#include <stddef.h>

#include "../../base/fault.h"

/* A line, continued ones put together, has at most so many bytes. */
#define DEFINITION_LINE_MAX (16 * 1024)

typedef struct DefinitionPlace {
    const char *path; /* borrowed from the caller of definition_scan() */
    unsigned line;    /* from 1; of a continued line, the first */
} DefinitionPlace;

/* Called in the order of the text; what they return other than 0 ends the scan and is returned. */
typedef struct DefinitionHandler {
    /* "[name instance]"; instance is NULL if there is none. */
    int (*section)(const char *name, const char *instance, DefinitionPlace place, void *userdata,
                   Fault **ret_fault);
    /* "key=value"; an empty value is "". */
    int (*assign)(const char *key, const char *value, DefinitionPlace place, void *userdata,
                  Fault **ret_fault);
} DefinitionHandler;

/* FAULT_RAISED with BAD_DEFINITION, "path:line: …", for anything that is not a unit file: CR LF line ends,
 * NUL bytes, control characters, bytes that are not UTF-8, lines that are too long, a backslash at the end
 * of the last line. */
int definition_scan(const char *path, const char *text, size_t size, const DefinitionHandler *handler,
                    void *userdata, Fault **ret_fault);
