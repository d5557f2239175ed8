/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kvmfr-device.h"

#include <glib.h>
#include <string.h>

bool kvmfr_device_valid(const char *path)
{
    static const char prefix[] = "/dev/kvmfr";

    return g_str_has_prefix(path, prefix) && g_ascii_isdigit(path[strlen(prefix)]) &&
           path[strlen(prefix) + 1] == '\0';
}
