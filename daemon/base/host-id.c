/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-id.h"

#include <glib.h>
#include <systemd/sd-id128.h>

/* The machine-id is to be kept to the machine (machine-id(5)), and what is made of this one shows in the
 * addresses of network cards. */
int host_id_read(char **ret)
{
    static const sd_id128_t usher =
        SD_ID128_MAKE(9d, 52, 6b, 0c, 27, f3, 4e, 18, b4, 0a, 5b, 8e, 91, c7, 3d, 64);
    char text[SD_ID128_STRING_MAX];
    sd_id128_t id;

    int r = sd_id128_get_machine_app_specific(usher, &id);
    if (r >= 0)
        *ret = g_strdup(sd_id128_to_string(id, text));
    return r < 0 ? r : 0;
}
