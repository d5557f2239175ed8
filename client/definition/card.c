/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "card.h"

#include <string.h>

#include "../screen/text.h"
#include "../view/state.h"

#define CLASS_DISPLAY "03"

static void device_free(void *pointer)
{
    NewDevice *device = pointer;

    g_free(device->section);
    g_free(device->address);
    g_free(device->fingerprint);
    g_free(device->label);
    g_free(device);
}

static bool is_display(const DeviceProps *device)
{
    return g_str_has_prefix(device->class_id, CLASS_DISPLAY);
}

static bool offered(const DeviceProps *device)
{
    return is_display(device) && !device_ails(device) && !*device->needed_for && !*device->quarantine;
}

GPtrArray *cards_offered(const GPtrArray *devices)
{
    GPtrArray *cards = g_ptr_array_new();

    for (guint i = 0; i < devices->len; i++)
        if (offered(g_ptr_array_index(devices, i)))
            g_ptr_array_add(cards, g_ptr_array_index(devices, i));
    return cards;
}

/* The label becomes a comment, which must not begin a line of its own. */
static void add(GPtrArray *taken, char *section, const DeviceProps *device)
{
    g_autofree char *label = device_label(device);
    NewDevice *more = g_new(NewDevice, 1);

    *more = (NewDevice){section, g_strdup(device->address), g_strdup(device->fingerprint),
                        text_printable(label, false)};
    g_ptr_array_add(taken, more);
}

static bool same_slot(const char *one, const char *other)
{
    return strncmp(one, other, strcspn(one, ".") + 1) == 0;
}

/* Whether its slot is the guest's already, with all functions: as a card's sound that is named beside it. */
static bool is_taken(const GPtrArray *taken, const DeviceProps *device)
{
    for (guint i = 0; i < taken->len; i++)
        if (same_slot(((const NewDevice *)g_ptr_array_index(taken, i))->address, device->address))
            return true;
    return false;
}

/* What usherd counts among a card's siblings and is in another slot is the card's sound, behind a switch of
 * the card's own, as Intel's Arc has it (daemon/core/host/card.h). */
static void add_sounds(GPtrArray *taken, const GPtrArray *devices, const DeviceProps *card,
                       const char *section)
{
    unsigned n = 0;

    for (char **address = card->siblings; is_display(card) && address && *address; address++) {
        const DeviceProps *device = devices_find(devices, *address);
        if (!device || same_slot(device->address, card->address) || is_taken(taken, device))
            continue;
        n++;
        add(taken, n == 1 ? g_strdup_printf("%s-sound", section) : g_strdup_printf("%s-sound%u", section, n),
            device);
    }
}

GPtrArray *cards_take(const GPtrArray *devices, char *const *addresses, const char **ret_missing)
{
    g_autoptr(GPtrArray) taken = g_ptr_array_new_with_free_func(device_free);
    unsigned n = 0;

    for (unsigned i = 0; addresses && addresses[i]; i++) {
        const DeviceProps *card = devices_find(devices, addresses[i]);
        if (!card) {
            *ret_missing = addresses[i];
            return NULL;
        }
        if (is_taken(taken, card))
            continue;
        n++;
        g_autofree char *section = n == 1 ? g_strdup("gpu") : g_strdup_printf("gpu%u", n);
        add(taken, g_strdup(section), card);
        add_sounds(taken, devices, card, section);
    }
    return g_steal_pointer(&taken);
}

char *card_missing_words(const GPtrArray *devices, const char *address)
{
    g_autofree const char **names = g_new0(const char *, devices->len + 1);
    g_autofree char *shown = text_printable(address, false);
    g_autoptr(GPtrArray) cards = cards_offered(devices);
    unsigned n = 0;

    for (guint i = 0; i < devices->len; i++) {
        const DeviceProps *device = g_ptr_array_index(devices, i);
        if (!device_is_bridge(device))
            names[n++] = device->address;
    }
    g_autofree char *full = device_address(address);
    const char *nearest = text_nearest(full, names);
    if (!nearest && cards->len > 0)
        nearest = ((const DeviceProps *)g_ptr_array_index(cards, 0))->address;
    if (!nearest)
        return g_strdup_printf("There is no device at %s; see which there are: usherctl devices", shown);
    g_autofree char *label = device_label(devices_find(devices, nearest));
    g_autofree char *words = text_printable(label, false);
    return g_strdup_printf("There is no device at %s; did you mean %s, %s? See all: usherctl devices", shown,
                           nearest, words);
}
