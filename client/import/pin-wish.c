/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pin-wish.h"

#include "../../daemon/core/host/cpu-list.h"

void wish_pin(Wishes *wishes, const char *set, unsigned vcpus, const Node *from)
{
    g_autoptr(GArray) cpus = cpu_list_parse(set);

    if (!cpus || cpus->len == 0) {
        draft_left(wishes->draft, from, "%s is no list of host CPUs that Pin= takes; add one", set);
        return;
    }
    if (cpus->len < vcpus) {
        draft_left(wishes->draft, from,
                   "%u vCPUs share %u host CPUs, and with Pin= some would run on any; AllowedCPUs=%s in a "
                   "drop-in of the guest's unit (systemctl edit usher-guest@NAME) keeps all of QEMU there",
                   vcpus, cpus->len, set);
        return;
    }
    draft_set(draft_section(wishes->draft, "CPU"), "Pin", from, "%s", set);
    if (cpus->len == vcpus && vcpus > 1)
        draft_differs(wishes->draft, from,
                      "each vCPU gets one host CPU of Pin=%s, in this order; before, each ran on any of them",
                      set);
}
