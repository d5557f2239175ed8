/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "zone.h"

#include <glib.h>

char *zone_time(const char *name)
{
    g_autoptr(GTimeZone) zone = g_time_zone_new_identifier(name);
    g_autoptr(GDateTime) now = zone ? g_date_time_new_now(zone) : NULL;

    return now ? g_date_time_format(now, "%Y-%m-%dT%H:%M:%S") : NULL;
}
