/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lists of an import, for a person and for programs. */
#pragma once

#include <json-c/json.h>
#include <stdio.h>

#include "import.h"

void report_print(const Import *import, FILE *stream);
/* {"name": …, "definition": …, "said": […], "said_differently": […], "left_out": […]}; the caller owns it. */
json_object *report_json(const Import *import);
