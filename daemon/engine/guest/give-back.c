/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "give-back.h"

#include <stdio.h>

#include "../execution/undo.h"
#include "../host-look.h"

static void note_group(GHashTable *groups, const Host *host, const char *text)
{
    PciAddress address;
    const HostDevice *device = pci_address_from_string(text, &address) == 0 ? host_find(host, address) : NULL;

    if (device && device->group != HOST_NO_GROUP)
        g_hash_table_add(groups, GINT_TO_POINTER(device->group));
    /* The mediated device's parent goes with it. */
    if (device && device->virtual_function)
        note_group(groups, host, PCI_ADDRESS_STR(device->physical));
}

/* The groups of the devices in all slots but one. */
static GHashTable *kept_groups(const Slots *slots, const Host *host, const Slot *without)
{
    GHashTable *groups = g_hash_table_new(NULL, NULL);

    for (unsigned i = 0; i < slots_count(slots); i++) {
        const Slot *slot = slots_at(slots, i);
        for (unsigned j = 0; slot != without && j < SLOT_FUNCTIONS; j++)
            if (slot->functions[j])
                note_group(groups, host, slot->functions[j]);
    }
    return groups;
}

static bool is_kept(const char *text, const Host *host, GHashTable *groups)
{
    g_autoptr(GHashTable) own = g_hash_table_new(NULL, NULL);
    GHashTableIter iter;
    void *group;
    int number;

    if (sscanf(text, "/dev/vfio/%d", &number) == 1)
        return g_hash_table_contains(groups, GINT_TO_POINTER(number)) || host_mediated_of(host, number);
    note_group(own, host, text);
    g_hash_table_iter_init(&iter, own);
    return g_hash_table_iter_next(&iter, &group, NULL) && g_hash_table_contains(groups, group);
}

GHashTable *give_back_subjects(const Engine *engine, const Journal *journal, const Slots *slots,
                               const Slot *without, GHashTable *left)
{
    GHashTable *subjects = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GPtrArray) steps = undo_plan(journal);
    g_autoptr(Host) host = NULL;
    PciAddress address;

    if (host_look(engine, &host) < 0)
        return subjects;
    g_autoptr(GHashTable) groups = kept_groups(slots, host, without);
    for (unsigned i = 0; i < steps->len; i++) {
        const char *subject = ((const Step *)g_ptr_array_index(steps, i))->subject;
        bool device =
            pci_address_from_string(subject, &address) == 0 || g_str_has_prefix(subject, "/dev/vfio/");
        if (device && !is_kept(subject, host, groups) && !(left && g_hash_table_contains(left, subject)))
            g_hash_table_add(subjects, g_strdup(subject));
    }
    return subjects;
}
