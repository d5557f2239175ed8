/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-needs-private.h"

int host_needs_note(const HostPlace *place, Host *host)
{
    int r = needs_note_disks(place, host);
    if (r < 0)
        return r;
    needs_note_zfs(place, host);
    r = needs_note_links(place, host);
    if (r < 0)
        return r;
    needs_note_display(place, host);
    return 0;
}
