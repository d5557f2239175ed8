/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The launcher of a run, until QEMU takes its place: whether it is still to come, and how it is turned
 * away. */
#include "private.h"

void guest_refuse_channel(Channel *channel, const char *why, const char *remedy)
{
    channel_send(channel, (const char *const[]){"refused", why, remedy, NULL}, NULL, 0);
    channel_free(channel);
}

bool guest_unit_is_to_come(const Run *run)
{
    return run->guest->state == GUEST_PREPARING && !run->start.launch && !run->stop_asked &&
           run->start.unit != GUEST_UNIT_UNASKED;
}

bool guest_awaits_launcher(const Guest *g)
{
    return g->state == GUEST_PREPARING && !g->run->start.launch;
}

bool guest_refuse_launcher(Guest *g, const Fault *fault)
{
    if (!g->run->start.launch)
        return false;
    guest_refuse_channel(g_steal_pointer(&g->run->start.launch), fault->message, fault->remedy ?: "");
    return true;
}
