/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libvirt-private.h"

#define PLACE "usher gives each device its id, its bus and its place"

void libvirt_read_children(Libvirt *libvirt, Node *element, const LibvirtWord *words, size_t n)
{
    for (unsigned i = 0; i < element->children->len; i++) {
        Node *child = element->children->pdata[i];
        for (size_t j = 0; j < n; j++)
            if (g_str_equal(words[j].name, child->name))
                words[j].read(libvirt, child);
    }
}

/* Of forty addresses one is enough to tell of. */
void libvirt_take_kind(Libvirt *libvirt, Node *element, const char *reason)
{
    g_free(element->shown);
    element->shown = g_strdup_printf("<%s>", element->name);
    draft_same(libvirt->wishes->draft, element, reason);
}

void libvirt_take_place(Libvirt *libvirt, Node *device)
{
    static const char *const own[] = {"address", "alias", "acpi", NULL};

    for (const char *const *name = own; *name; name++) {
        Node *found = node_at(device, *name);
        if (found)
            libvirt_take_kind(libvirt, found, PLACE);
    }
}
