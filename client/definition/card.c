/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "card.h"

#include <string.h>

#include "../screen/text.h"
#include "../view/state.h"

#define CLASS_DISPLAY "03"
#define CLASS_SOUND "0403"

static void device_free(void *pointer)
{
    NewDevice *device = pointer;

    g_free(device->section);
    g_free(device->address);
    g_free(device->fingerprint);
    g_free(device->label);
    g_free(device);
}

static bool offered(const DeviceProps *device)
{
    return g_str_has_prefix(device->class_id, CLASS_DISPLAY) && !device_ails(device) &&
           !*device->needed_for && !*device->quarantine;
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

/* The vendor of an ID, "8086:56a0". */
static bool same_vendor(const DeviceProps *one, const DeviceProps *other)
{
    return strncmp(one->id, other->id, 4) == 0;
}

/* The port of a switch on the card itself that leads to the host; NULL: the card has none. Such a switch is
 * of the card's own maker, unlike those of mainboards. */
static const DeviceProps *own_switch(const GPtrArray *devices, const DeviceProps *card)
{
    const DeviceProps *port = *card->upstream ? devices_find(devices, card->upstream) : NULL;
    const DeviceProps *top = port && *port->upstream ? devices_find(devices, port->upstream) : NULL;

    /* That port is not a root port: it is behind one. */
    return top && *top->upstream && device_is_bridge(top) && same_vendor(top, card) ? top : NULL;
}

static bool same_slot(const DeviceProps *one, const DeviceProps *other)
{
    size_t length = strcspn(one->address, ".");

    return strncmp(one->address, other->address, length + 1) == 0;
}

/* Whether it is the sound of a card that has it in a slot of its own, behind the card's switch, as Intel's
 * Arc has (its audio is at 04:00.0 where the graphics are at 03:00.0). */
static bool is_sound_of(const GPtrArray *devices, const DeviceProps *device, const DeviceProps *card)
{
    const DeviceProps *top = own_switch(devices, card);

    return top && g_str_equal(device->class_id, CLASS_SOUND) && !same_slot(device, card) &&
           same_vendor(device, card) && own_switch(devices, device) == top;
}

/* Whether its slot is the guest's already, with all functions: as a card's sound that is named beside it. */
static bool is_taken(const GPtrArray *taken, const DeviceProps *device)
{
    size_t length = strcspn(device->address, ".") + 1;

    for (guint i = 0; i < taken->len; i++) {
        const NewDevice *other = g_ptr_array_index(taken, i);
        if (strncmp(other->address, device->address, length) == 0)
            return true;
    }
    return false;
}

static void add_sounds(GPtrArray *taken, const GPtrArray *devices, const DeviceProps *card,
                       const char *section)
{
    unsigned n = 0;

    for (guint i = 0; i < devices->len; i++) {
        const DeviceProps *device = g_ptr_array_index(devices, i);
        if (!is_sound_of(devices, device, card) || is_taken(taken, device))
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
    g_autofree char *full = strchr(address, ':') == strrchr(address, ':')
                                ? g_strconcat("0000:", address, NULL)
                                : g_strdup(address);
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
