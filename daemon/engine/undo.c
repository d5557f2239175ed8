/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "undo.h"

GPtrArray *undo_plan(const Journal *journal)
{
    GPtrArray *steps = g_ptr_array_new_with_free_func((GDestroyNotify)step_free);
    g_autoptr(GPtrArray) standing = NULL;

    if (!journal || journal_read(journal, &standing, NULL) < 0)
        return steps;
    for (unsigned i = standing->len; i > 0; i--) {
        const JournalOpen *open = g_ptr_array_index(standing, i - 1);
        if (!step_kind_kept(open->step->kind))
            g_ptr_array_add(steps, step_undo(open->step));
    }
    return steps;
}

/* Of what stands, from its end. */
static bool goes(const Step *step, GHashTable *subjects, bool *kept_any)
{
    PciAddress address;

    if (g_hash_table_contains(subjects, step->subject))
        return true;
    if (step->kind == STEP_UNIT)
        return !*kept_any;
    *kept_any |= pci_address_from_string(step->subject, &address) == 0;
    return false;
}

/* Of const JournalOpen*, from the end; the caller frees the array, which borrows from *ret_standing. */
static GPtrArray *choose(const Journal *journal, GHashTable *subjects, GPtrArray **ret_standing)
{
    GPtrArray *chosen = g_ptr_array_new();
    bool kept_any = false;

    if (!journal || journal_read(journal, ret_standing, NULL) < 0)
        return chosen;
    for (unsigned i = (*ret_standing)->len; i > 0; i--) {
        JournalOpen *open = g_ptr_array_index(*ret_standing, i - 1);
        if (goes(open->step, subjects, &kept_any))
            g_ptr_array_add(chosen, open);
    }
    return chosen;
}

GArray *undo_some(const Journal *journal, GHashTable *subjects)
{
    GArray *numbers = g_array_new(FALSE, FALSE, sizeof(unsigned));
    g_autoptr(GPtrArray) standing = NULL;
    g_autoptr(GPtrArray) chosen = choose(journal, subjects, &standing);

    for (unsigned i = 0; i < chosen->len; i++)
        g_array_append_val(numbers, ((const JournalOpen *)g_ptr_array_index(chosen, i))->number);
    return numbers;
}

GPtrArray *undo_some_plan(const Journal *journal, GHashTable *subjects)
{
    GPtrArray *steps = g_ptr_array_new_with_free_func((GDestroyNotify)step_free);
    g_autoptr(GPtrArray) standing = NULL;
    g_autoptr(GPtrArray) chosen = choose(journal, subjects, &standing);

    for (unsigned i = 0; i < chosen->len; i++)
        g_ptr_array_add(steps, step_undo(((const JournalOpen *)g_ptr_array_index(chosen, i))->step));
    return steps;
}

static bool lends(const Step *step)
{
    return step->kind == STEP_DRIVER || step->kind == STEP_OVERRIDE;
}

static GPtrArray *addresses_of(const Journal *journal, bool lent)
{
    GPtrArray *addresses = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) standing = NULL;
    PciAddress address;

    if (journal_read(journal, &standing, NULL) < 0)
        return addresses;
    for (unsigned i = 0; i < standing->len; i++) {
        const JournalOpen *open = g_ptr_array_index(standing, i);
        const char *subject = open->step->subject;
        if (pci_address_from_string(subject, &address) == 0 && (!lent || lends(open->step)) &&
            !g_ptr_array_find_with_equal_func(addresses, subject, g_str_equal, NULL))
            g_ptr_array_add(addresses, g_strdup(subject));
    }
    return addresses;
}

GPtrArray *undo_addresses(const Journal *journal)
{
    return addresses_of(journal, false);
}

GPtrArray *undo_lent(const Journal *journal)
{
    return addresses_of(journal, true);
}

GPtrArray *undo_parents(const Journal *journal)
{
    GPtrArray *addresses = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) standing = NULL;
    PciAddress parent;

    if (journal_read(journal, &standing, NULL) < 0)
        return addresses;
    for (unsigned i = 0; i < standing->len; i++) {
        const Step *step = ((const JournalOpen *)g_ptr_array_index(standing, i))->step;
        g_autofree char *type = NULL;
        if (step->kind == STEP_MEDIATED && step_mediated(step, &type, &parent))
            g_ptr_array_add(addresses, g_strdup(PCI_ADDRESS_STR(parent)));
    }
    return addresses;
}

bool undo_covers(const Journal *journal, PciAddress address)
{
    g_autoptr(GPtrArray) addresses = undo_addresses(journal);

    return g_ptr_array_find_with_equal_func(addresses, PCI_ADDRESS_STR(address), g_str_equal, NULL);
}

bool undo_is_whole_bind(const GPtrArray *standing)
{
    g_autoptr(GHashTable) on_the_way = g_hash_table_new(g_str_hash, g_str_equal);
    bool any = false;

    for (unsigned i = 0; i < standing->len; i++) {
        const JournalOpen *open = g_ptr_array_index(standing, i);
        const Step *step = open->step;
        if (!open->certain)
            return false;
        if (step->kind == STEP_DRIVER && *step->after) {
            g_hash_table_remove(on_the_way, step->subject);
            any = true;
        } else if (step->kind == STEP_DRIVER || step->kind == STEP_OVERRIDE) {
            g_hash_table_add(on_the_way, step->subject);
        }
    }
    return any && g_hash_table_size(on_the_way) == 0;
}
