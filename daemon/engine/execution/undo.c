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

static bool stops_unit(const Step *step)
{
    return step->kind == STEP_UNIT && g_str_equal(step->after, "inactive");
}

char **undo_stopped_units(const Journal *journal)
{
    g_autoptr(GStrvBuilder) units = g_strv_builder_new();
    g_autoptr(GPtrArray) standing = NULL;

    if (journal)
        journal_read(journal, &standing, NULL);
    for (unsigned i = 0; standing && i < standing->len; i++) {
        const Step *step = ((const JournalOpen *)g_ptr_array_index(standing, i))->step;
        if (stops_unit(step))
            g_strv_builder_add(units, step->subject);
    }
    return g_strv_builder_end(units);
}

/* Whether the step is undone too. Called for the steps that stand, the last one first. */
static bool goes(const Step *step, GHashTable *subjects, bool *kept_any)
{
    PciAddress address;

    if (g_hash_table_contains(subjects, step->subject))
        return true;
    if (stops_unit(step))
        return !*kept_any;
    *kept_any |= pci_address_from_string(step->subject, &address) == 0;
    return false;
}

/* The steps to undo, from the end of the journal (of const JournalOpen*). The caller frees the array, which
 * borrows from *ret_standing. */
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

/* Whether a step is about a device of a kind, and which. */
typedef bool (*DeviceOf)(const Step *step, PciAddress *ret);

static bool subject_of(const Step *step, PciAddress *ret)
{
    return pci_address_from_string(step->subject, ret) == 0;
}

static bool lent_by(const Step *step, PciAddress *ret)
{
    return (step->kind == STEP_DRIVER || step->kind == STEP_OVERRIDE) && subject_of(step, ret);
}

static bool parent_of(const Step *step, PciAddress *ret)
{
    g_autofree char *type = NULL;

    return step->kind == STEP_MEDIATED && step_mediated(step, &type, ret);
}

static GPtrArray *addresses_of(const Journal *journal, DeviceOf device_of)
{
    GPtrArray *addresses = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) standing = NULL;
    PciAddress address;

    if (journal_read(journal, &standing, NULL) < 0)
        return addresses;
    for (unsigned i = 0; i < standing->len; i++) {
        const JournalOpen *open = g_ptr_array_index(standing, i);
        if (!device_of(open->step, &address))
            continue;
        PciAddressText text = pci_address_to_text(address);
        if (!g_ptr_array_find_with_equal_func(addresses, text.text, g_str_equal, NULL))
            g_ptr_array_add(addresses, g_strdup(text.text));
    }
    return addresses;
}

GPtrArray *undo_addresses(const Journal *journal)
{
    return addresses_of(journal, subject_of);
}

GPtrArray *undo_lent(const Journal *journal)
{
    return addresses_of(journal, lent_by);
}

GPtrArray *undo_parents(const Journal *journal)
{
    return addresses_of(journal, parent_of);
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
