/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../definition/usb.h"
#include "usb-wish.h"

#include <string.h>

#include "../host/usb.h"

char *usb_wish_describe(const DefinitionUsb *wish)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);

    g_ptr_array_add(words, g_strdup(wish->id ?: "the device"));
    if (wish->serial)
        g_ptr_array_add(words, g_strdup_printf("with serial number %s", wish->serial));
    if (wish->port)
        g_ptr_array_add(words, g_strdup_printf("at port %s", wish->port));
    g_ptr_array_add(words, NULL);
    return g_strjoinv(" ", (char **)words->pdata);
}

static bool fits(const HostUsb *usb, const DefinitionUsb *wish)
{
    g_autofree char *id = g_strdup_printf("%04x:%04x", usb->vendor, usb->product);

    return (!wish->id || g_str_equal(id, wish->id)) &&
           (!wish->port || g_str_equal(usb->port, wish->port) || g_strcmp0(usb->place, wish->port) == 0) &&
           (!wish->serial || g_strcmp0(usb->serial, wish->serial) == 0);
}

int usb_find(const Host *host, const char *guest, const DefinitionUsb *wish, const HostUsb **ret,
             Fault **ret_fault)
{
    g_autoptr(GString) names = g_string_new(NULL);
    const HostUsb *found = NULL;
    unsigned n = 0;

    for (unsigned i = 0; i < host->usbs->len; i++) {
        const HostUsb *usb = g_ptr_array_index(host->usbs, i);
        if (!fits(usb, wish))
            continue;
        g_autofree char *words = usb_describe(usb);
        g_string_append_printf(names, "%s%s", n++ > 0 ? ", " : "", words);
        found = usb;
    }
    if (n > 1) {
        g_autofree char *meant = usb_wish_describe(wish);
        return fault_raise(
            ret_fault, FAULT_REFUSED,
            wish->port ? "say which one: add ID=, as there is such a port for USB 2, and one for USB 3"
                       : "say which one: add Port=, or Serial= if they have serial numbers",
            "guest %s: [USB %s] %s could be any of these: %s", guest, wish->name, meant, names->str);
    }
    *ret = found;
    return 0;
}

int usb_judge(const HostUsb *usb, const char *guest, const DefinitionUsb *wish, Fault **ret_fault)
{
    g_autofree char *words = usb_describe(usb);

    if (usb->hub)
        return fault_raise(ret_fault, FAULT_REFUSED, "name the devices that are plugged into it",
                           "guest %s: [USB %s] %s is a hub", guest, wish->name, words);
    if (usb->needed_for)
        return fault_raise(ret_fault, FAULT_IN_USE, "unmount it or end what uses it, or leave it to the host",
                           "guest %s: [USB %s] %s is in use: %s", guest, wish->name, words, usb->needed_for);
    if (usb->guest && !g_str_equal(usb->guest, guest)) {
        g_autofree char *remedy = g_strdup_printf("stop that guest first: usherctl stop %s", usb->guest);
        return fault_raise(ret_fault, FAULT_IN_USE, remedy, "guest %s: [USB %s] %s is in use by guest %s",
                           guest, wish->name, words, usb->guest);
    }
    if (!usb->guest && strstr(usb->drivers, ":usbfs"))
        return fault_raise(ret_fault, FAULT_IN_USE,
                           "end that program; fuser -v names it, given the device's node",
                           "guest %s: [USB %s] a program uses %s (/dev/bus/usb/%03u/%03u)", guest, wish->name,
                           words, usb->bus, usb->number);
    return 0;
}
