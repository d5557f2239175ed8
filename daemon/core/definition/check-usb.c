/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "definition.h"
#include "check.h"

int definition_check_usb(const DefinitionReader *reader, const ReadSection *section, Fault **ret_fault)
{
    const DefinitionUsb *usb = section->structure;

    if (!usb->id && !usb->serial && !usb->port)
        return definition_raise(section->place, ret_fault, "add ID= as lsusb shows it, Serial= or Port=",
                                "[USB %s] does not say which device it means", usb->name);
    for (unsigned i = 0; i < reader->definition->usbs->len; i++) {
        const DefinitionUsb *other = g_ptr_array_index(reader->definition->usbs, i);

        if (other == usb)
            break;
        if (g_strcmp0(other->id, usb->id) == 0 && g_strcmp0(other->serial, usb->serial) == 0 &&
            g_strcmp0(other->port, usb->port) == 0)
            return definition_raise(section->place, ret_fault, "remove one, or add Serial= or Port= to both",
                                    "[USB %s] asks for the same device as [USB %s]", usb->name, other->name);
    }
    return 0;
}
