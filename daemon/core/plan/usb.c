/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../definition/usb.h"
#include "plan.h"
#include "../host/usb.h"
#include "usb-wish.h"

int plan_check_usbs(const Host *host, const char *guest, const GPtrArray *wishes, Fault **ret_fault)
{
    g_autoptr(GHashTable) taken = g_hash_table_new(NULL, NULL);

    for (unsigned i = 0; i < wishes->len; i++) {
        const DefinitionUsb *wish = g_ptr_array_index(wishes, i), *other;
        const HostUsb *usb = NULL;

        int r = usb_find(host, guest, wish, &usb, ret_fault);
        if (r == 0 && usb)
            r = usb_judge(usb, guest, wish, ret_fault);
        if (r != 0)
            return r;
        other = usb ? g_hash_table_lookup(taken, usb) : NULL;
        if (other) {
            g_autofree char *words = usb_describe(usb);
            return fault_raise(ret_fault, FAULT_REFUSED, "remove one of them, or write Port= in both",
                               "guest %s: [USB %s] and [USB %s] both mean %s", guest, other->name, wish->name,
                               words);
        }
        if (usb)
            g_hash_table_insert(taken, (void *)usb, (void *)wish);
    }
    return 0;
}
