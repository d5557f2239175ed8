/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libvirt-private.h"

#include "pci-wish.h"

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

static bool read_part(Node *address, const char *name, const char *otherwise, unsigned most, unsigned *ret)
{
    const char *text = address ? node_take(address, name) ?: otherwise : NULL;
    char *end;

    if (!text || !g_ascii_isdigit(*text))
        return false;
    unsigned long long number = g_ascii_strtoull(text, &end, 0);
    *ret = number;
    return *end == '\0' && number <= most;
}

PciWish *libvirt_lend(Libvirt *libvirt, Node *address, const char *id, Node *from)
{
    unsigned domain, bus, slot, function;

    /* A part that is cut to fit would name another device of the host. */
    if (!read_part(address, "@domain", "0", 0xffff, &domain) ||
        !read_part(address, "@bus", NULL, 0xff, &bus) || !read_part(address, "@slot", NULL, 0x1f, &slot) ||
        !read_part(address, "@function", "0", 7, &function)) {
        draft_left(libvirt->wishes->draft, address ?: from,
                   "this is no address of a device that usher can lend; usherctl devices lists them");
        return NULL;
    }
    g_autofree char *place = g_strdup_printf("%04x:%02x:%02x.%u", domain, bus, slot, function);
    return pci_wish_add(libvirt->wishes, place, id, from);
}

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
