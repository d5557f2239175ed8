/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci-wish.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "../../daemon/base/cleanup.h"
#include "../../daemon/base/file.h"
#include <fcntl.h>

/* A property that becomes a key, or is none of usher's: then Set=. */
typedef struct Property {
    const char *key; /* NULL: a property of QEMU's, as name */
    char *name, *value;
    char *from;
} Property;

struct PciWish {
    unsigned domain, bus, slot, function;
    bool whole; /* all functions of the slot */
    char *mediated;
    char *id;
    char *from;
    GPtrArray *properties; /* of Property */
    bool written;
};

DEFINE_ELEMENT_FREE(Property, property_free, property)
{
    g_free(property->name);
    g_free(property->value);
    g_free(property->from);
}

void pci_wish_free(void *object)
{
    PciWish *pci = object;

    g_free(pci->mediated);
    g_free(pci->id);
    g_free(pci->from);
    g_ptr_array_unref(pci->properties);
    g_free(pci);
}

static PciWish *add(Wishes *wishes, const char *id, const Node *from)
{
    PciWish *pci = g_new0(PciWish, 1);

    pci->id = g_strdup(id);
    pci->from = node_title(from);
    pci->properties = g_ptr_array_new_with_free_func(property_free);
    g_ptr_array_add(wishes->pci, pci);
    return pci;
}

/* "0000:01:00.0", "01:00.0", "01:00", "0000:01:00". */
static bool parse(const char *text, PciWish *pci)
{
    unsigned parts[4];
    int end = -1;

    if (sscanf(text, "%4x:%2x:%2x%n", &parts[0], &parts[1], &parts[2], &end) < 3 || end < 0) {
        parts[0] = 0;
        if (sscanf(text, "%2x:%2x%n", &parts[1], &parts[2], &end) < 2 || end < 0)
            return false;
    }
    pci->whole = text[end] == '\0';
    parts[3] = pci->whole ? 0 : (unsigned)(text[end + 1] - '0');
    if (!pci->whole && (text[end] != '.' || parts[3] > 7 || text[end + 2] != '\0'))
        return false;
    pci->domain = parts[0];
    pci->bus = parts[1];
    pci->slot = parts[2];
    pci->function = parts[3];
    return pci->slot < 32;
}

PciWish *pci_wish_add(Wishes *wishes, const char *address, const char *id, const Node *from)
{
    PciWish probe = {};

    if (!parse(address, &probe))
        return NULL;
    PciWish *pci = add(wishes, id, from);
    pci->domain = probe.domain;
    pci->bus = probe.bus;
    pci->slot = probe.slot;
    pci->function = probe.function;
    pci->whole = probe.whole;
    return pci;
}

PciWish *pci_wish_add_mediated(Wishes *wishes, const char *uuid, const char *id, const Node *from)
{
    PciWish *pci = add(wishes, id, from);

    pci->mediated = g_ascii_strdown(uuid, -1);
    return pci;
}

PciWish *pci_wish_find(const Wishes *wishes, const char *id)
{
    for (unsigned i = 0; i < wishes->pci->len; i++) {
        PciWish *pci = wishes->pci->pdata[i];
        if (g_strcmp0(pci->id, id) == 0)
            return pci;
    }
    return NULL;
}

static void add_property(PciWish *pci, const char *key, const char *name, const Node *from, char *value)
{
    Property *property = g_new0(Property, 1);

    for (unsigned i = pci->properties->len; i-- > 0;)
        if (g_str_equal(((Property *)pci->properties->pdata[i])->name, name))
            g_ptr_array_remove_index(pci->properties, i);
    property->key = key;
    property->name = g_strdup(name);
    property->value = value;
    property->from = node_title(from);
    g_ptr_array_add(pci->properties, property);
}

static bool is_on(const char *value)
{
    static const char *const on[] = {"on", "true", "yes", "1", "", NULL};

    return g_strv_contains(on, value);
}

void pci_wish_property(PciWish *pci, const char *name, const char *value, const Node *from)
{
    static const struct {
        const char *name, *key;
    } ids[] = {{"x-pci-vendor-id", "VendorID"},
               {"x-pci-device-id", "DeviceID"},
               {"x-pci-sub-vendor-id", "SubVendorID"},
               {"x-pci-sub-device-id", "SubDeviceID"},
               {"vendor-id", "VendorID"},
               {"device-id", "DeviceID"},
               {"sub-vendor-id", "SubVendorID"},
               {"sub-device-id", "SubDeviceID"}};

    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
        if (g_str_equal(name, ids[i].name)) {
            /* QEMU reads 0x10de as well as 4318. */
            add_property(pci, ids[i].key, name, from, g_strdup_printf("%04lx", strtoul(value, NULL, 0)));
            return;
        }
    if (g_str_equal(name, "romfile"))
        add_property(pci, "ROM", name, from, g_strdup(value));
    else if (g_str_equal(name, "rombar"))
        add_property(pci, "ROMBar", name, from, g_strdup(is_on(value) ? "yes" : "no"));
    else if (g_str_equal(name, "bootindex"))
        add_property(pci, "BootIndex", name, from, g_strdup(value));
    else if (g_str_equal(name, "x-igd-gms"))
        /* In units of 32 MiB. */
        add_property(pci, "GraphicsMemory", name, from,
                     g_strdup_printf("%luM", strtoul(value, NULL, 0) * 32));
    else if (g_str_equal(name, "x-vga"))
        add_property(pci, "PrimaryVGA", name, from, g_strdup(is_on(value) ? "yes" : "no"));
    else if (g_str_equal(name, "display") && pci->mediated)
        add_property(pci, "Display", name, from, g_strdup(is_on(value) ? "yes" : "no"));
    else if (g_str_equal(name, "mdev"))
        add_property(pci, "MediatedType", name, from, g_strdup(value));
    else if (g_str_equal(name, "iommufd"))
        add_property(pci, "Backend", name, from, g_strdup("iommufd"));
    else
        add_property(pci, NULL, name, from, g_strdup(value));
}

static bool same_slot(const PciWish *a, const PciWish *b)
{
    return !a->mediated && !b->mediated && a->domain == b->domain && a->bus == b->bus && a->slot == b->slot;
}

/* Whether it needs a section of its own: keys of a section are about its first function. */
static bool apart(const PciWish *pci)
{
    for (unsigned i = 0; i < pci->properties->len; i++)
        if (((Property *)pci->properties->pdata[i])->key)
            return true;
    return false;
}

/* The class of the device if this host has it, else 0. */
static unsigned class_of(const Wishes *wishes, const PciWish *pci)
{
    g_autofree char *path =
        g_strdup_printf("%s/sys/bus/pci/devices/%04x:%02x:%02x.%u/class", wishes->options->host, pci->domain,
                        pci->bus, pci->slot, pci->function);
    g_autofree char *text = NULL;
    size_t size;

    return file_read_all_at(AT_FDCWD, path, 64, &text, &size) < 0 ? 0 : strtoul(text, NULL, 16) >> 8;
}

static char *name_for(const Wishes *wishes, const PciWish *pci)
{
    unsigned class = class_of(wishes, pci);
    const char *known = class >> 8 == 3   ? "gpu"
                        : class == 0x0108 ? "nvme"
                        : class == 0x0c03 ? "usb"
                        : class >> 8 == 4 ? "sound"
                        : class >> 8 == 2 ? "lan"
                                          : NULL;

    if (known)
        return g_strdup(known);
    for (unsigned i = 0; i < pci->properties->len; i++) {
        const Property *property = pci->properties->pdata[i];
        if (g_strcmp0(property->key, "ROM") == 0 || g_strcmp0(property->key, "PrimaryVGA") == 0 ||
            g_strcmp0(property->key, "SubVendorID") == 0)
            return g_strdup("gpu");
    }
    if (pci->domain)
        return g_strdup_printf("pci-%04x-%02x-%02x", pci->domain, pci->bus, pci->slot);
    return g_strdup_printf("pci-%02x-%02x", pci->bus, pci->slot);
}

/* Intel's graphics at its own place has what its driver looks for by itself. Whether the property needs no
 * line. */
static bool write_graphics(Wishes *wishes, const PciWish *pci, const Property *property, const Node *from)
{
    bool own_place = !pci->mediated && !pci->domain && !pci->bus && pci->slot == 2;

    if (g_str_equal(property->name, "x-igd-opregion") && own_place) {
        draft_differs(wishes->draft, from, "Intel's graphics at 00:02.0 has its OpRegion by itself");
        return true;
    }
    if (g_str_equal(property->name, "display"))
        return !g_str_equal(property->value, "yes");
    if (g_str_equal(property->name, "ramfb")) {
        if (is_on(property->value))
            draft_differs(wishes->draft, from,
                          "ramfb: Display=yes brings the screen that the firmware draws on");
        return true;
    }
    if (g_str_equal(property->name, "x-igd-lpc") || g_str_equal(property->name, "x-igd-legacy-mode")) {
        draft_left(wishes->draft, from,
                   "legacy mode of Intel's graphics takes the old machine (i440fx); usher's is q35");
        return true;
    }
    return false;
}

static void write_properties(Wishes *wishes, const PciWish *pci, DraftSection *section)
{
    g_autofree char *id = pci->mediated ? g_strdup_printf("pci-%s", draft_name(section))
                                        : g_strdup_printf("pci-%s-%u", draft_name(section), pci->function);

    for (unsigned i = 0; i < pci->properties->len; i++) {
        const Property *property = pci->properties->pdata[i];
        Node from = {.shown = property->from};
        if (write_graphics(wishes, pci, property, &from))
            continue;
        if (property->key)
            draft_set(section, property->key, &from, "%s", property->value);
        else
            wish_override(wishes, &from, id, property->name, property->value);
    }
}

static int by_function(const void *a, const void *b)
{
    return (int)(*(PciWish **)a)->function - (int)(*(PciWish **)b)->function;
}

/* The functions of the slot of first, those that stand apart left out unless they are the first. */
static GPtrArray *functions_with(const Wishes *wishes, PciWish *first)
{
    GPtrArray *functions = g_ptr_array_new();

    for (unsigned i = 0; i < wishes->pci->len; i++) {
        PciWish *pci = wishes->pci->pdata[i];
        if (same_slot(pci, first) && !pci->written)
            g_ptr_array_add(functions, pci);
    }
    g_ptr_array_sort(functions, by_function);
    for (unsigned i = functions->len; i-- > 1;)
        if (apart(functions->pdata[i]))
            g_ptr_array_remove_index(functions, i);
    return functions;
}

static void write_functions(DraftSection *section, const GPtrArray *functions, const Node *from)
{
    g_autoptr(GString) numbers = g_string_new(NULL);
    unsigned done = 0;

    for (unsigned i = 0; i < functions->len; i++) {
        const PciWish *pci = functions->pdata[i];
        if (pci->whole) {
            draft_set(section, "Functions", from, "all");
            return;
        }
        if (!(done & 1u << pci->function))
            g_string_append_printf(numbers, "%s%u", numbers->len > 0 ? "," : "", pci->function);
        done |= 1u << pci->function;
    }
    draft_set(section, "Functions", from, "%s", numbers->str);
}

static void write_slot(Wishes *wishes, PciWish *any)
{
    g_autoptr(GPtrArray) functions = functions_with(wishes, any);
    const PciWish *first = functions->pdata[0];
    g_autofree char *name = name_for(wishes, first);
    DraftSection *section = draft_add(wishes->draft, "PCI", name);
    g_autoptr(GString) sources = g_string_new(NULL);

    for (unsigned i = 0; i < functions->len; i++)
        g_string_append_printf(sources, "%s%s", i > 0 ? ", " : "", ((PciWish *)functions->pdata[i])->from);
    Node from = {.shown = sources->str};
    draft_set(section, "Address", &from, "%04x:%02x:%02x.%u", first->domain, first->bus, first->slot,
              first->function);
    write_functions(section, functions, &from);
    for (unsigned i = 0; i < functions->len; i++) {
        PciWish *pci = functions->pdata[i];
        write_properties(wishes, pci, section);
        pci->written = true;
    }
    /* The driver makes the part: the device's functions stay. */
    if (draft_get(section, "MediatedType"))
        draft_unset(section, "Functions");
}

void pci_wish_write(Wishes *wishes)
{
    for (unsigned i = 0; i < wishes->pci->len; i++) {
        PciWish *pci = wishes->pci->pdata[i];
        if (pci->written)
            continue;
        if (!pci->mediated) {
            /* The lowest function of the slot may come later in the file. */
            write_slot(wishes, pci);
            if (!pci->written)
                i--;
            continue;
        }
        Node from = {.shown = pci->from};
        DraftSection *section = draft_add(wishes->draft, "PCI", "vgpu");
        draft_set(section, "MediatedDevice", &from, "%s", pci->mediated);
        write_properties(wishes, pci, section);
        pci->written = true;
    }
}
