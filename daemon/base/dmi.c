/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dmi.h"

#include <fcntl.h>
#include <glib.h>

#include "file.h"

char *dmi_read(const char *name)
{
    g_autofree char *path = g_strconcat("/sys/class/dmi/id/", name, NULL);
    char *text = NULL;

    return file_read_value_at(AT_FDCWD, path, &text) < 0 ? NULL : text;
}
