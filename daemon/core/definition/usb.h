/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* USB devices of a definition. */
#pragma once

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "handle.h"

/* [USB name]: the one device that all of these fit; at least one is there */
struct DefinitionUsb {
    char *name;
    char *id;     /* "046d:0a8f"; NULL: any */
    char *serial; /* NULL: any */
    char *port;   /* "1-2.3"; NULL: any */
};
