/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is behind the guest's root ports. Known from the command line at the start; asked of QEMU itself
 * (qom-list, qom-get) when usherd was away, or an answer did not come: what it has is what counts. */
#include <string.h>

#include "../../core/qemu/pci.h"
#include "private.h"
#include "../execution/undo.h"

#define DEVICES "/machine/peripheral" /* those that have an id */

/* QEMU is being asked. */
struct GuestSlotSearch {
    GPtrArray *slots; /* of GuestSlot, owned: found so far */
    GPtrArray *ids;   /* of char*, owned: of vfio-pci devices */
    unsigned index;   /* the one that is asked about */
    bool again;       /* one has gone meanwhile */
};

static void slot_free(void *pointer)
{
    GuestSlot *slot = pointer;

    for (unsigned i = 0; i < SLOT_FUNCTIONS; i++)
        g_free(slot->functions[i]);
    g_free(slot->name);
    g_free(slot);
}

static GuestSlot *find_slot(const GPtrArray *slots, const char *name)
{
    for (unsigned i = 0; i < slots->len; i++) {
        GuestSlot *slot = g_ptr_array_index(slots, i);
        if (g_str_equal(slot->name, name))
            return slot;
    }
    return NULL;
}

static GuestSlot *ensure_slot(GPtrArray *slots, const char *name)
{
    GuestSlot *slot = find_slot(slots, name);

    if (slot)
        return slot;
    slot = g_new0(GuestSlot, 1);
    slot->name = g_strdup(name);
    g_ptr_array_add(slots, slot);
    return slot;
}

bool guest_slot_empty(const GuestSlot *slot)
{
    for (unsigned i = 0; i < SLOT_FUNCTIONS; i++)
        if (slot->functions[i])
            return false;
    return true;
}

GuestSlot *guest_slot_of(const Guest *g, const char *address)
{
    for (unsigned i = 0; g->run->slots && i < g->run->slots->len; i++) {
        GuestSlot *slot = g_ptr_array_index(g->run->slots, i);
        for (unsigned j = 0; j < SLOT_FUNCTIONS; j++)
            if (g_strcmp0(slot->functions[j], address) == 0)
                return slot;
    }
    return NULL;
}

GuestSlot *guest_slot_for(const Guest *g, const PlanDevice *device)
{
    g_autofree char *own = qemu_pci_slot(device);
    GuestSlot *slot = device->wish ? find_slot(g->run->slots, own) : NULL;

    if (slot && guest_slot_empty(slot))
        return slot;
    for (unsigned i = 0; i < g->run->slots->len; i++) {
        slot = g_ptr_array_index(g->run->slots, i);
        if (g_str_has_prefix(slot->name, QEMU_SPARE_SLOT) && guest_slot_empty(slot))
            return slot;
    }
    return NULL;
}

unsigned guest_spare_slots(const Guest *g)
{
    unsigned n = 0;

    for (unsigned i = 0; i < g->run->slots->len; i++)
        n += g_str_has_prefix(((GuestSlot *)g_ptr_array_index(g->run->slots, i))->name, QEMU_SPARE_SLOT);
    return n;
}

/* What it has let go of and the host could not take back is not forgotten. */
static void show_left(Guest *g)
{
    g_autoptr(GPtrArray) lent = g->run->left && g->run->journal ? undo_lent(g->run->journal) : NULL;

    for (unsigned i = 0; lent && i < lent->len; i++) {
        const char *address = g_ptr_array_index(lent, i);
        if (g_hash_table_contains(g->run->left, address) &&
            !g_ptr_array_find_with_equal_func(g->addresses, address, g_str_equal, NULL))
            g_ptr_array_add(g->addresses, g_strdup(address));
    }
}

void guest_show_slots(Guest *g)
{
    g_ptr_array_set_size(g->addresses, 0);
    for (unsigned i = 0; i < g->run->slots->len; i++) {
        const GuestSlot *slot = g_ptr_array_index(g->run->slots, i);
        for (unsigned j = 0; j < SLOT_FUNCTIONS; j++)
            if (slot->functions[j])
                g_ptr_array_add(g->addresses, g_strdup(slot->functions[j]));
    }
    show_left(g);
}

void guest_note_slots(Guest *g)
{
    guest_forget_slots(g);
    g->run->slots = g_ptr_array_new_with_free_func(slot_free);
    for (unsigned i = 0; i < g->run->plan->devices->len; i++) {
        const PlanDevice *device = g_ptr_array_index(g->run->plan->devices, i);
        g_autofree char *name = qemu_pci_slot(device);
        /* A mediated device: nothing is plugged in its place. */
        if (device->functions->len == 0)
            continue;
        GuestSlot *slot = ensure_slot(g->run->slots, name);
        for (unsigned j = 0; j < device->functions->len; j++)
            slot->functions[j] = g_strdup(PCI_ADDRESS_STR(g_array_index(device->functions, PciAddress, j)));
    }
    for (unsigned i = 0; i < g->run->definition->spare_ports; i++) {
        g_autofree char *name = g_strdup_printf(QEMU_SPARE_SLOT "%u", i);
        ensure_slot(g->run->slots, name);
    }
    guest_show_slots(g);
}

static GuestSlotSearch *search_free(GuestSlotSearch *search)
{
    if (!search)
        return NULL;
    g_clear_pointer(&search->slots, g_ptr_array_unref);
    g_ptr_array_unref(search->ids);
    g_free(search);
    return NULL;
}

void guest_forget_slots(Guest *g)
{
    g_clear_pointer(&g->run->slots, g_ptr_array_unref);
    g->run->slot_search = search_free(g->run->slot_search);
}

static const char *text_of(struct json_object *object, const char *name)
{
    return json_object_get_string(json_object_object_get(object, name)) ?: "";
}

static int compare_slots(const void *a, const void *b)
{
    return strcmp((*(GuestSlot *const *)a)->name, (*(GuestSlot *const *)b)->name);
}

static void search_done(Guest *g)
{
    if (g->run->slot_search->again) {
        g->run->slot_search = search_free(g->run->slot_search);
        guest_find_slots(g);
        return;
    }
    g->run->slots = g_steal_pointer(&g->run->slot_search->slots);
    g->run->slot_search = search_free(g->run->slot_search);
    g_ptr_array_sort(g->run->slots, compare_slots);
    guest_show_slots(g);
    guest_slots_found(g);
}

/* Nothing is known then, and it is asked again when QEMU answers again. */
static void search_failed(Guest *g, int error)
{
    g->run->slot_search = search_free(g->run->slot_search);
    if (error == -ETIMEDOUT)
        guest_go_silent(g);
}

static void ask_next(Guest *g);

/* One of another name than ours keeps its device too. */
static void note_device(GuestSlotSearch *search, const char *id, const char *address)
{
    g_autofree char *name = NULL;
    unsigned function = 0;

    if (!qemu_pci_parse_id(id, &name, &function))
        name = g_strdup(id);
    GuestSlot *slot = ensure_slot(search->slots, name);
    /* What QEMU says of a mediated device, which has no address (get_pci_host_devaddr()). */
    if (g_str_equal(address, "ffff:ff:ff.f")) {
        g_ptr_array_remove(search->slots, slot);
        return;
    }
    g_free(slot->functions[function]);
    slot->functions[function] = g_strdup(address);
}

static void on_address(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;
    GuestSlotSearch *search = g->run->slot_search;

    if (error < 0 && error != -EREMOTEIO) {
        search_failed(g, error);
        return;
    }
    /* One that has gone meanwhile has no address. */
    if (error == 0)
        note_device(search, g_ptr_array_index(search->ids, search->index),
                    json_object_get_string(result) ?: "");
    search->index++;
    ask_next(g);
}

static void ask_next(Guest *g)
{
    const GuestSlotSearch *search = g->run->slot_search;

    if (search->index == search->ids->len) {
        search_done(g);
        return;
    }
    g_autofree char *path =
        g_strconcat(DEVICES "/", (char *)g_ptr_array_index(search->ids, search->index), NULL);
    struct json_object *arguments = json_object_new_object();
    json_object_object_add(arguments, "path", json_object_new_string(path));
    json_object_object_add(arguments, "property", json_object_new_string("host"));
    int r = qmp_command(g->run->qmp, "qom-get", arguments, QMP_ANSWER_USEC, on_address, g);
    if (r < 0)
        search_failed(g, r);
}

static void on_listed(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;
    GuestSlotSearch *search = g->run->slot_search;

    if (error < 0 || !json_object_is_type(result, json_type_array)) {
        search_failed(g, error);
        return;
    }
    for (size_t i = 0; i < json_object_array_length(result); i++) {
        struct json_object *child = json_object_array_get_idx(result, i);
        const char *name = text_of(child, "name"), *type = text_of(child, "type");

        if (g_str_equal(type, "child<vfio-pci>"))
            g_ptr_array_add(search->ids, g_strdup(name));
        else if (g_str_equal(type, "child<pcie-root-port>") &&
                 (g_str_has_prefix(name, QEMU_PORT_PREFIX "pci-") ||
                  g_str_has_prefix(name, QEMU_PORT_PREFIX QEMU_SPARE_SLOT)))
            ensure_slot(search->slots, name + strlen(QEMU_PORT_PREFIX));
    }
    ask_next(g);
}

void guest_find_slots(Guest *g)
{
    if (g->run->slots || g->run->slot_search || !guest_qmp_usable(g))
        return;
    GuestSlotSearch *search = g_new0(GuestSlotSearch, 1);
    search->slots = g_ptr_array_new_with_free_func(slot_free);
    search->ids = g_ptr_array_new_with_free_func(g_free);
    g->run->slot_search = search;
    struct json_object *arguments = json_object_new_object();
    json_object_object_add(arguments, "path", json_object_new_string(DEVICES));
    int r = qmp_command(g->run->qmp, "qom-list", arguments, QMP_ANSWER_USEC, on_listed, g);
    if (r < 0)
        search_failed(g, r);
}

GuestSlot *guest_slot_deleted(Guest *g, const char *id)
{
    g_autofree char *name = NULL;
    unsigned function = 0;

    if (g->run->slot_search)
        g->run->slot_search->again = true;
    if (!g->run->slots || !qemu_pci_parse_id(id, &name, &function))
        return NULL;
    GuestSlot *slot = find_slot(g->run->slots, name);
    if (!slot || !slot->functions[function])
        return NULL;
    g_clear_pointer(&slot->functions[function], g_free);
    return slot;
}
