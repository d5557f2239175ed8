/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "slots.h"

#include <errno.h>
#include <string.h>

#include "../../base/cleanup.h"
#include "../../core/definition/pci.h"
#include "../../core/qemu/pci.h"

#define DEVICES "/machine/peripheral" /* those that have an id */

/* QEMU is being asked (qom-list, qom-get). */
typedef struct SlotSearch {
    GPtrArray *list; /* of Slot, owned: found so far */
    GPtrArray *ids;  /* of char*, owned: of vfio-pci devices */
    unsigned index;  /* the one that is asked about */
    bool again;      /* one has gone meanwhile */
} SlotSearch;

struct Slots {
    QemuLink *link;
    SlotsFound found;
    void *userdata;
    GPtrArray *list; /* of Slot, owned; NULL: QEMU has to be asked */
    SlotSearch *search;
};

DEFINE_ELEMENT_FREE(Slot, slot_free, slot)
{
    for (unsigned i = 0; i < SLOT_FUNCTIONS; i++)
        g_free(slot->functions[i]);
    g_free(slot->name);
}

Slots *slots_new(QemuLink *link, SlotsFound found, void *userdata)
{
    Slots *slots = g_new0(Slots, 1);

    slots->link = link;
    slots->found = found;
    slots->userdata = userdata;
    return slots;
}

Slots *slots_free(Slots *slots)
{
    if (slots)
        slots_forget(slots);
    g_free(slots);
    return NULL;
}

static Slot *find(const GPtrArray *list, const char *name)
{
    for (unsigned i = 0; i < list->len; i++) {
        Slot *slot = g_ptr_array_index(list, i);
        if (g_str_equal(slot->name, name))
            return slot;
    }
    return NULL;
}

static Slot *ensure(GPtrArray *list, const char *name)
{
    Slot *slot = find(list, name);

    if (slot)
        return slot;
    slot = g_new0(Slot, 1);
    slot->name = g_strdup(name);
    g_ptr_array_add(list, slot);
    return slot;
}

int slot_lowest(const Slot *slot)
{
    for (int i = 0; i < SLOT_FUNCTIONS; i++)
        if (slot->functions[i])
            return i;
    return -1;
}

bool slots_known(const Slots *slots)
{
    return slots->list;
}

unsigned slots_count(const Slots *slots)
{
    return slots->list->len;
}

Slot *slots_at(const Slots *slots, unsigned index)
{
    return g_ptr_array_index(slots->list, index);
}

Slot *slots_of(const Slots *slots, const char *address)
{
    for (unsigned i = 0; slots->list && i < slots->list->len; i++) {
        Slot *slot = slots_at(slots, i);
        for (unsigned j = 0; j < SLOT_FUNCTIONS; j++)
            if (g_strcmp0(slot->functions[j], address) == 0)
                return slot;
    }
    return NULL;
}

static bool is_spare(const Slot *slot)
{
    return g_str_has_prefix(slot->name, QEMU_SPARE_SLOT);
}

Slot *slots_for(const Slots *slots, const PlanDevice *device)
{
    g_autofree char *own = qemu_pci_slot(device);
    Slot *slot = device->wish ? find(slots->list, own) : NULL;

    if (slot && slot_lowest(slot) < 0)
        return slot;
    for (unsigned i = 0; i < slots->list->len; i++) {
        slot = slots_at(slots, i);
        if (is_spare(slot) && slot_lowest(slot) < 0)
            return slot;
    }
    return NULL;
}

unsigned slots_spare(const Slots *slots)
{
    unsigned n = 0;

    for (unsigned i = 0; i < slots->list->len; i++)
        n += is_spare(slots_at(slots, i));
    return n;
}

void slots_note(Slots *slots, const GuestDefinition *definition, const Plan *plan)
{
    slots_forget(slots);
    slots->list = g_ptr_array_new_with_free_func(slot_free);
    for (unsigned i = 0; i < plan->devices->len; i++) {
        const PlanDevice *device = g_ptr_array_index(plan->devices, i);
        g_autofree char *name = qemu_pci_slot(device);
        /* A mediated device has a port of its own, in which nothing else is plugged. */
        if (device->functions->len == 0)
            continue;
        Slot *slot = ensure(slots->list, name);
        for (unsigned j = 0; j < device->functions->len; j++)
            slot->functions[j] = g_strdup(PCI_ADDRESS_STR(g_array_index(device->functions, PciAddress, j)));
    }
    for (unsigned i = 0; i < definition_spare_ports(definition); i++) {
        g_autofree char *name = g_strdup_printf(QEMU_SPARE_SLOT "%u", i);
        ensure(slots->list, name);
    }
}

static SlotSearch *search_free(SlotSearch *search)
{
    if (!search)
        return NULL;
    g_clear_pointer(&search->list, g_ptr_array_unref);
    g_ptr_array_unref(search->ids);
    g_free(search);
    return NULL;
}

void slots_forget(Slots *slots)
{
    g_clear_pointer(&slots->list, g_ptr_array_unref);
    slots->search = search_free(slots->search);
}

static const char *text_of(struct json_object *object, const char *name)
{
    return json_object_get_string(json_object_object_get(object, name)) ?: "";
}

static int compare(const void *a, const void *b)
{
    return strcmp((*(Slot *const *)a)->name, (*(Slot *const *)b)->name);
}

static void search_done(Slots *slots, Qmp *qmp)
{
    if (slots->search->again) {
        slots->search = search_free(slots->search);
        slots_find(slots, qmp);
        return;
    }
    slots->list = g_steal_pointer(&slots->search->list);
    slots->search = search_free(slots->search);
    g_ptr_array_sort(slots->list, compare);
    slots->found(slots->userdata);
}

/* Nothing is known then; QEMU is asked again when it answers again. */
static void search_failed(Slots *slots, int error)
{
    slots->search = search_free(slots->search);
    if (error == -ETIMEDOUT)
        qemu_link_go_silent(slots->link);
}

static void ask_next(Slots *slots, Qmp *qmp);

/* A device with another name than ours is kept too. */
static void note_device(SlotSearch *search, const char *id, const char *address)
{
    g_autofree char *name = NULL;
    unsigned function = 0;

    if (!qemu_pci_parse_id(id, &name, &function))
        name = g_strdup(id);
    Slot *slot = ensure(search->list, name);
    /* The address that QEMU gives for a mediated device, which has none (get_pci_host_devaddr()). */
    if (g_str_equal(address, "ffff:ff:ff.f")) {
        g_ptr_array_remove(search->list, slot);
        return;
    }
    g_free(slot->functions[function]);
    slot->functions[function] = g_strdup(address);
}

static void on_address(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Slots *slots = userdata;
    SlotSearch *search = slots->search;

    if (error < 0 && error != -EREMOTEIO) {
        search_failed(slots, error);
        return;
    }
    /* A device that has gone meanwhile has no address. */
    if (error == 0)
        note_device(search, g_ptr_array_index(search->ids, search->index),
                    json_object_get_string(result) ?: "");
    search->index++;
    ask_next(slots, qmp);
}

static void ask_next(Slots *slots, Qmp *qmp)
{
    const SlotSearch *search = slots->search;

    if (search->index == search->ids->len) {
        search_done(slots, qmp);
        return;
    }
    g_autofree char *path =
        g_strconcat(DEVICES "/", (char *)g_ptr_array_index(search->ids, search->index), NULL);
    struct json_object *arguments = json_object_new_object();
    json_object_object_add(arguments, "path", json_object_new_string(path));
    json_object_object_add(arguments, "property", json_object_new_string("host"));
    int r = qmp_command(qmp, "qom-get", arguments, QMP_ANSWER_USEC, on_address, slots);
    if (r < 0)
        search_failed(slots, r);
}

static void on_listed(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Slots *slots = userdata;
    SlotSearch *search = slots->search;

    if (error < 0 || !json_object_is_type(result, json_type_array)) {
        search_failed(slots, error);
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
            ensure(search->list, name + strlen(QEMU_PORT_PREFIX));
    }
    ask_next(slots, qmp);
}

void slots_find(Slots *slots, Qmp *qmp)
{
    if (slots->list || slots->search)
        return;
    slots->search = g_new0(SlotSearch, 1);
    slots->search->list = g_ptr_array_new_with_free_func(slot_free);
    slots->search->ids = g_ptr_array_new_with_free_func(g_free);
    struct json_object *arguments = json_object_new_object();
    json_object_object_add(arguments, "path", json_object_new_string(DEVICES));
    int r = qmp_command(qmp, "qom-list", arguments, QMP_ANSWER_USEC, on_listed, slots);
    if (r < 0)
        search_failed(slots, r);
}

Slot *slots_deleted(Slots *slots, const char *id)
{
    g_autofree char *name = NULL;
    unsigned function = 0;

    if (slots->search)
        slots->search->again = true;
    if (!slots->list || !qemu_pci_parse_id(id, &name, &function))
        return NULL;
    Slot *slot = find(slots->list, name);
    if (!slot || !slot->functions[function])
        return NULL;
    g_clear_pointer(&slot->functions[function], g_free);
    return slot;
}
