/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../../daemon/core/definition/keys.h"
#include "../../../daemon/core/definition/value.h"
#include "../../../daemon/core/definition/definition.h"
#include "../suite.h"

START_TEST(every_field_is_as_wide_as_what_its_type_writes)
{
    unsigned n;
    const DefinitionKey *keys = definition_keys(&n);

    for (unsigned i = 0; i < n; i++)
        ck_assert_msg(keys[i].width == value_width(keys[i].type), "%s: %zu bytes, not %zu", keys[i].name,
                      keys[i].width, value_width(keys[i].type));
}
END_TEST

START_TEST(no_two_keys_share_a_field_or_a_name)
{
    unsigned n;
    const DefinitionKey *keys = definition_keys(&n);

    for (unsigned i = 0; i < n; i++)
        for (unsigned j = 0; j < i; j++) {
            bool same_struct =
                keys[i].section == keys[j].section ||
                (!definition_sections[keys[i].section].max && !definition_sections[keys[j].section].max);
            if (same_struct)
                ck_assert_uint_ne(keys[i].offset, keys[j].offset);
            if (keys[i].section == keys[j].section)
                ck_assert_str_ne(keys[i].name, keys[j].name);
        }
}
END_TEST

START_TEST(the_rows_of_a_section_stand_together_in_the_order_of_sections)
{
    unsigned n, total = 0;
    const DefinitionKey *keys = definition_keys(&n);

    for (int id = 0; id < SECTION_MAX; id++) {
        unsigned n_section;
        const DefinitionKey *first = definition_section_keys(id, &n_section);
        ck_assert_ptr_eq(first, keys + total);
        ck_assert_uint_gt(n_section, 0);
        total += n_section;
    }
    ck_assert_uint_eq(total, n);
}
END_TEST

START_TEST(every_default_is_a_value_that_its_key_takes)
{
    unsigned n;
    const DefinitionKey *keys = definition_keys(&n);
    char room[sizeof(GuestDefinition)];

    for (unsigned i = 0; i < n; i++) {
        memset(room, 0, sizeof(room));
        value_reset(&keys[i], room);
        value_clear(&keys[i], room);
        for (size_t byte = 0; byte < sizeof(room); byte++)
            ck_assert_int_eq(room[byte], 0);
    }
}
END_TEST

START_TEST(every_key_has_a_range)
{
    unsigned n;
    const DefinitionKey *keys = definition_keys(&n);

    for (unsigned i = 0; i < n; i++) {
        g_autofree char *range = value_range(&keys[i]);
        ck_assert_uint_gt(strlen(range), 3);
    }
}
END_TEST

START_TEST(a_required_key_has_no_default)
{
    unsigned n;
    const DefinitionKey *keys = definition_keys(&n);

    for (unsigned i = 0; i < n; i++)
        ck_assert(!keys[i].required || (!keys[i].fallback && !keys[i].otherwise));
}
END_TEST

START_TEST(only_sections_with_names_say_how_many_there_may_be)
{
    ck_assert_uint_eq(definition_sections[SECTION_CPU].max, 0);
    ck_assert_uint_gt(definition_sections[SECTION_PCI].max, 0);
    for (int id = 0; id < SECTION_MAX; id++) {
        ck_assert_int_eq(definition_section_find(definition_sections[id].name), id);
        ck_assert_int_eq(definition_sections[id].size > 0, definition_sections[id].max > 0);
    }
}
END_TEST

START_TEST(a_key_is_known_in_its_section_alone)
{
    ck_assert_str_eq(definition_key_find(SECTION_CPU, "Cores")->name, "Cores");
    ck_assert_ptr_null(definition_key_find(SECTION_MEMORY, "Cores"));
    ck_assert_ptr_null(definition_key_find(SECTION_CPU, "cores"));
    ck_assert_int_eq(definition_section_find("cpu"), SECTION_INVALID);
}
END_TEST

static void assert_key_hint(SectionId section, const char *name, const char *hint)
{
    g_autofree char *given = definition_key_hint(section, name);
    ck_assert_str_eq(given, hint);
}

START_TEST(a_hint_names_the_nearest_key_or_the_right_section_or_all)
{
    assert_key_hint(SECTION_CPU, "Coers", "did you mean Cores=?");
    assert_key_hint(SECTION_CPU, "Size", "Size= belongs into [Memory]");
    assert_key_hint(SECTION_GUEST, "MAC", "MAC= belongs into [Network NAME]");
    assert_key_hint(SECTION_STOP, "Fnord", "[Stop] has AgentSec= PowerButtonSec= QuitSec= TerminateSec=");
}
END_TEST

START_TEST(a_hint_names_the_nearest_section_or_all)
{
    g_autofree char *near = definition_section_hint("memroy"), *named = definition_section_hint("pci");
    g_autofree char *far = definition_section_hint("Fnord");
    ck_assert_str_eq(near, "did you mean [Memory]?");
    ck_assert_str_eq(named, "did you mean [PCI NAME]?");
    ck_assert_str_eq(
        far,
        "the sections are [Guest] [Firmware] [TPM] [CPU] [Memory] [NUMA NAME] [Clock] [SMBIOS] [Kernel] [PCI NAME] [Disk NAME]"
        " [CDROM NAME] [Network NAME] [Input NAME] [USB NAME] [Display] [Sound] [LookingGlass] [Share NAME] [Console] [Agent] [Watchdog] [Stop] [QEMU]");
}
END_TEST

SUITE("definition-keys", every_field_is_as_wide_as_what_its_type_writes, no_two_keys_share_a_field_or_a_name,
      the_rows_of_a_section_stand_together_in_the_order_of_sections,
      every_default_is_a_value_that_its_key_takes, every_key_has_a_range,
      a_required_key_has_no_default, only_sections_with_names_say_how_many_there_may_be,
      a_key_is_known_in_its_section_alone, a_hint_names_the_nearest_key_or_the_right_section_or_all,
      a_hint_names_the_nearest_section_or_all)
