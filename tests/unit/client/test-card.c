/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../../../client/definition/card.h"
#include "../suite.h"

#include <string.h>

#define DEVICE(at, class_of, name, besides)                                                                  \
    {                                                                                                        \
        .address = (char *)(at), .class_id = (char *)(class_of), .id = (char *)(name), .siblings = besides,  \
        .class = (char *)"", .vendor = (char *)"", .model = (char *)"", .state = (char *)"host",             \
        .guest = (char *)"", .needed_for = (char *)"", .quarantine = (char *)"", .fingerprint = (char *)""   \
    }

static char *arcs_sound[] = {(char *)"0000:04:00.0", NULL}, *arcs_graphics[] = {(char *)"0000:03:00.0", NULL},
            *sound_in_the_slot[] = {(char *)"0000:03:00.1", NULL};

/* An Arc, whose sound is in a slot of its own, as usherd tells of it. */
static DeviceProps arc[] = {
    DEVICE("0000:03:00.0", "0300", "8086:56a0", arcs_sound),
    DEVICE("0000:04:00.0", "0403", "8086:4f90", arcs_graphics),
    /* The mainboard's sound. */
    DEVICE("0000:00:1f.3", "0403", "8086:7ad0", NULL),
};

/* A card with its sound in its slot, and a sound card behind the same switch of the mainboard's. */
static DeviceProps board[] = {
    DEVICE("0000:03:00.0", "0300", "8086:56a0", sound_in_the_slot),
    DEVICE("0000:03:00.1", "0403", "8086:4f90", arcs_graphics),
    DEVICE("0000:04:00.0", "0403", "8086:4f90", NULL),
};

#define DEVICES(list) devices_of(list, G_N_ELEMENTS(list))

static GPtrArray *devices_of(DeviceProps *list, unsigned n)
{
    GPtrArray *devices = g_ptr_array_new();

    for (unsigned i = 0; i < n; i++)
        g_ptr_array_add(devices, &list[i]);
    return devices;
}

/* "gpu 0000:03:00.0", a device a line. */
static char *all_taken(const GPtrArray *devices, char *const *addresses)
{
    const char *missing = NULL;
    g_autoptr(GPtrArray) cards = cards_take(devices, addresses, &missing);
    GString *text = g_string_new(missing);

    for (unsigned i = 0; cards && i < cards->len; i++) {
        const NewDevice *device = g_ptr_array_index(cards, i);
        g_string_append_printf(text, "%s %s\n", device->section, device->address);
    }
    return g_string_free(text, FALSE);
}

static char *taken(const GPtrArray *devices, const char *address)
{
    return all_taken(devices, (char *[]){(char *)address, NULL});
}

START_TEST(an_arc_brings_its_sound_from_the_slot_beside)
{
    g_autoptr(GPtrArray) devices = DEVICES(arc);
    g_autofree char *text = taken(devices, "03:00.0");

    ck_assert_str_eq(text, "gpu 0000:03:00.0\ngpu-sound 0000:04:00.0\n");
}
END_TEST

START_TEST(what_comes_with_a_card_may_be_named_beside_it)
{
    g_autoptr(GPtrArray) devices = DEVICES(arc);
    g_autofree char *after = all_taken(devices, (char *[]){(char *)"03:00.0", (char *)"04:00.0", NULL});
    g_autofree char *before = all_taken(devices, (char *[]){(char *)"04:00.0", (char *)"03:00.0", NULL});
    g_autofree char *twice = all_taken(devices, (char *[]){(char *)"03:00.0", (char *)"0000:03:00.0", NULL});

    ck_assert_str_eq(after, "gpu 0000:03:00.0\ngpu-sound 0000:04:00.0\n");
    ck_assert_str_eq(before, "gpu 0000:04:00.0\ngpu2 0000:03:00.0\n");
    ck_assert_str_eq(twice, after);
}
END_TEST

START_TEST(what_else_is_behind_a_switch_of_the_mainboard_stays)
{
    g_autoptr(GPtrArray) devices = DEVICES(board);
    g_autofree char *text = taken(devices, "0000:03:00.0");

    ck_assert_str_eq(text, "gpu 0000:03:00.0\n");
}
END_TEST

START_TEST(a_card_that_is_not_there_is_named_and_the_nearest_offered)
{
    g_autoptr(GPtrArray) devices = DEVICES(arc);
    g_autofree char *text = taken(devices, "03:00.1"), *words = card_missing_words(devices, "03:00.1");

    ck_assert_str_eq(text, "03:00.1");
    ck_assert_ptr_nonnull(strstr(words, "There is no device at 03:00.1; did you mean 0000:03:00.0, "));
}
END_TEST

START_TEST(the_name_of_a_card_adds_no_line_to_the_definition)
{
    DeviceProps list[] = {arc[0]};
    char *addresses[] = {(char *)"03:00.0", NULL};
    const char *missing = NULL;

    list[0].model = (char *)"Arc\n[QEMU]";
    g_autoptr(GPtrArray) devices = DEVICES(list), cards = cards_take(devices, addresses, &missing);
    ck_assert_ptr_null(strchr(((NewDevice *)g_ptr_array_index(cards, 0))->label, '\n'));
}
END_TEST

START_TEST(only_what_can_be_lent_is_offered)
{
    DeviceProps list[] = {arc[0], arc[0], arc[0], arc[1]};

    list[1].needed_for = (char *)"the host's console";
    list[2].quarantine = (char *)"since yesterday";
    g_autoptr(GPtrArray) devices = DEVICES(list), offered = cards_offered(devices);
    ck_assert_uint_eq(offered->len, 1);
    ck_assert_ptr_eq(g_ptr_array_index(offered, 0), &list[0]);
}
END_TEST

SUITE("client-card", an_arc_brings_its_sound_from_the_slot_beside,
      what_comes_with_a_card_may_be_named_beside_it, what_else_is_behind_a_switch_of_the_mainboard_stays,
      the_name_of_a_card_adds_no_line_to_the_definition,
      a_card_that_is_not_there_is_named_and_the_nearest_offered, only_what_can_be_lent_is_offered)
