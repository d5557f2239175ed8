/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../../daemon/core/definition/brought-word.h"
#include "../../../daemon/core/definition/value.h"
#include "../../../daemon/core/definition/definition.h"
#include "../suite.h"

/* The values of one key, read into a structure of its own. */
typedef struct Box {
    union {
        char *string;
        unsigned number;
        uint64_t wide;
        bool flag;
        int choice;
        uint8_t bits;
        PciAddress address;
    };
} Box;

static bool try_value(const DefinitionKey *key, const char *text, Box *box, char **hint)
{
    DefinitionKey row = *key;
    row.offset = 0;
    row.width = value_width(key->type);
    return value_set(&row, text, box, hint);
}

static void assert_refused(const DefinitionKey *key, const char *text, const char *hint)
{
    g_autofree char *given = NULL;
    Box box = {};
    ck_assert_msg(!try_value(key, text, &box, &given), "%s is taken", text);
    ck_assert_pstr_eq(given, hint);
    ck_assert_mem_eq(&box, &(Box){}, sizeof(box));
}

/* All of these, without a hint. */
static void assert_all_refused(const DefinitionKey *key, const char *const *texts)
{
    for (; *texts; texts++)
        assert_refused(key, *texts, NULL);
}

#define REFUSED(key, ...) assert_all_refused(key, (const char *const[]){__VA_ARGS__, NULL})

static Box taken(const DefinitionKey *key, const char *text)
{
    g_autofree char *hint = NULL;
    Box box = {};
    ck_assert_msg(try_value(key, text, &box, &hint), "%s is refused", text);
    return box;
}

static void assert_string(const DefinitionKey *key, const char *text, const char *value)
{
    Box box = taken(key, text);
    ck_assert_str_eq(box.string, value);
    g_free(box.string);
}

START_TEST(numbers_are_digits_within_their_range)
{
    const DefinitionKey *key = definition_key_find(SECTION_CPU, "Cores");
    ck_assert_uint_eq(taken(key, "1").number, 1);
    ck_assert_uint_eq(taken(key, "0255").number, 255);
    REFUSED(key, "0", "256", "-1", "+1", "1.5", "1 2", "0x10", "four", "4294967297", "18446744073709551617",
            "340282366920938463463374607431768211457");
}
END_TEST

START_TEST(sizes_have_one_capital_letter_and_are_whole_megabytes)
{
    const DefinitionKey *key = definition_key_find(SECTION_MEMORY, "Size");
    ck_assert_uint_eq(taken(key, "8G").wide, 8ull << 30);
    ck_assert_uint_eq(taken(key, "16T").wide, 16ull << 40);
    ck_assert_uint_eq(taken(key, "3M").wide, 3ull << 20);
    ck_assert_uint_eq(taken(key, "2048K").wide, 2ull << 20);
    REFUSED(key, "0", "1023K", "1500K", "17T", "1.5G", "8 G", "G", "8P", "-8G", "17179869185G",
            "18446744073709551616");
    assert_refused(key, "8g", "did you mean 8G?");
    assert_refused(key, "8GB", "did you mean 8G?");
    assert_refused(key, "512MiB", "did you mean 512M?");
}
END_TEST

START_TEST(a_size_without_a_unit_is_refused_with_what_it_may_mean)
{
    const DefinitionKey *key = definition_key_find(SECTION_MEMORY, "Size");
    assert_refused(key, "16777216",
                   "write 16M if the number counts bytes, or 16G if it counts KiB, as libvirt's does");
    assert_refused(key, "8192", "write 8192M if the number counts megabytes, as QEMU's and Proxmox' do");
    assert_refused(key, "8589934592",
                   "write 8G if the number counts bytes, or 8192G if it counts KiB, as libvirt's does");
}
END_TEST

START_TEST(words_of_other_tools_are_answered)
{
    static const struct {
        SectionId section;
        const char *key, *word, *hint;
    } words[] = {
        {SECTION_PCI, "Address", "pci_0000_01_00_0", "that is written 0000:01:00.0 here"},
        {SECTION_PCI, "Address", "01:00",
         "name a function: 01:00.0; Functions=all, the default, lends the whole slot"},
        {SECTION_PCI, "Address", "10de:1b80",
         "this is the ID of a kind of device; which one it is says its address: usherctl devices"},
        {SECTION_FIRMWARE, "Type", "OVMF", "that is called uefi here"},
        {SECTION_CPU, "Model", "host-passthrough", "that is called host here"},
        {SECTION_CLOCK, "Base", "localtime", "that is called local here"},
        {SECTION_DISK, "Discard", "on", "that is called unmap here"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        assert_refused(definition_key_find(words[i].section, words[i].key), words[i].word, words[i].hint);
}
END_TEST

START_TEST(no_word_that_a_key_takes_is_anothers)
{
    unsigned n;
    const DefinitionKey *keys = definition_keys(&n);

    for (unsigned i = 0; i < n; i++)
        for (unsigned j = 0; keys[i].words && keys[i].words[j]; j++)
            ck_assert_ptr_null(brought_word_hint(&keys[i], keys[i].words[j]));
}
END_TEST

START_TEST(times_are_those_of_systemd)
{
    static const struct {
        const char *text;
        uint64_t usec;
    } times[] = {
        {"90", 90000000},
        {"90s", 90000000},
        {"2min", 120000000},
        {"500ms", 500000},
        {"0", 0},
        {"1min 30s", 90000000},
        {"1min30s", 90000000},
        {"1h", 3600000000},
        {"2 seconds", 2000000},
        {"1.5s", 1500000},
        {"0.25min", 15000000},
        {"10us", 10},
        {"10 \u00b5s", 10},
        {"1d", 86400000000},
        {"5 10ms", 5010000},
        {"1.0000001s", 1000000},
        {"1 hour", 3600000000},
        {"0s", 0},
        {"3min  2s", 182000000},
    };
    const DefinitionKey *key = definition_key_find(SECTION_STOP, "PowerButtonSec");
    for (size_t i = 0; i < G_N_ELEMENTS(times); i++)
        ck_assert_msg(taken(key, times[i].text).wide == times[i].usec, "%s", times[i].text);
    REFUSED(key, "25h", "s", "5x", "-5s", "5s,", "1.s", ".5s", "infinity", "5ss", "1e3", "1 d 1s", "5 s s",
            "18446744073709551615w", "99999999999999999999");
}
END_TEST

START_TEST(switches_are_the_booleans_of_systemd)
{
    const DefinitionKey *key = definition_key_find(SECTION_CONSOLE, "Log");
    static const char *const yes[] = {"yes", "true", "on", "1"}, *const no[] = {"no", "false", "off", "0"};
    for (int i = 0; i < 4; i++) {
        ck_assert(taken(key, yes[i]).flag);
        ck_assert(!taken(key, no[i]).flag);
    }
    assert_refused(key, "maybe", NULL);
    assert_refused(key, "2", NULL);
    assert_refused(key, "flase", "did you mean false?");
}
END_TEST

START_TEST(a_switch_with_words_of_its_own_takes_only_those)
{
    const DefinitionKey *key = definition_key_find(SECTION_PCI, "Group");
    ck_assert(taken(key, "all").flag);
    ck_assert(!taken(key, "only").flag);
    assert_refused(key, "yes", NULL);
}
END_TEST

START_TEST(choices_are_spelt_as_listed)
{
    const DefinitionKey *key = definition_key_find(SECTION_DISK, "Bus");
    ck_assert_int_eq(taken(key, "virtio-blk").choice, DISK_BUS_VIRTIO_BLK);
    ck_assert_int_eq(taken(key, "virtio-scsi").choice, DISK_BUS_VIRTIO_SCSI);
    ck_assert_int_eq(taken(key, "nvme").choice, DISK_BUS_NVME);
    ck_assert_int_eq(taken(key, "sata").choice, DISK_BUS_SATA);
    assert_refused(key, "virtio", "did you mean virtio-blk?");
    assert_refused(key, "NVMe", "did you mean nvme?");
    assert_refused(key, "floppy", NULL);
}
END_TEST

START_TEST(paths_are_absolute_and_do_not_climb)
{
    const DefinitionKey *key = definition_key_find(SECTION_DISK, "Path");
    g_autofree char *long_path = g_strdup_printf("/%04094d", 0), *longer = g_strdup_printf("/%04095d", 0);
    assert_string(key, "/srv/a b,c=\"d\"%n.img", "/srv/a b,c=\"d\"%n.img");
    assert_string(key, "/srv/..hidden..", "/srv/..hidden..");
    assert_string(key, long_path, long_path);
    assert_refused(key, longer, NULL);
    assert_refused(key, "disk.img", NULL);
    assert_refused(key, "/srv/../etc/shadow", NULL);
    assert_refused(key, "/..", NULL);
    assert_refused(key, "~/disk.img", "write the path in full: ~ and variables mean nothing here");
    assert_refused(key, "\"/srv/a b\"", "write the path without quotes");
}
END_TEST

START_TEST(words_hold_nothing_that_could_begin_another_option)
{
    const DefinitionKey *key = definition_key_find(SECTION_CPU, "Model");
    g_autofree char *most = g_strnfill(64, 'x'), *more = g_strnfill(65, 'x');
    assert_string(key, "Skylake-Client-noTSX-IBRS", "Skylake-Client-noTSX-IBRS");
    assert_string(key, "486", "486");
    assert_string(key, "Opteron_G1", "Opteron_G1");
    assert_string(key, most, most);
    assert_refused(key, more, NULL);
    REFUSED(key, "host,kvm=off", "-host", "a b", "h\u00f6st", "host=", "%s", ".host", "_");
}
END_TEST

START_TEST(texts_are_anything_up_to_their_length)
{
    const DefinitionKey *key = definition_key_find(SECTION_KERNEL, "CommandLine");
    g_autofree char *most = g_strnfill(2047, 'x'), *more = g_strnfill(2048, 'x');
    assert_string(key, "root=/dev/vda1 quiet, -S \"%n\"", "root=/dev/vda1 quiet, -S \"%n\"");
    assert_string(key, most, most);
    assert_refused(key, more, NULL);
}
END_TEST

START_TEST(functions_are_all_or_a_list)
{
    const DefinitionKey *key = definition_key_find(SECTION_PCI, "Functions");
    ck_assert_uint_eq(taken(key, "all").bits, 0);
    ck_assert_uint_eq(taken(key, "0").bits, 1);
    ck_assert_uint_eq(taken(key, "0,1").bits, 3);
    ck_assert_uint_eq(taken(key, "3, 0 ,7").bits, 0x89);
    REFUSED(key, "8", "0,,1", ",", "0,", "01", "0-3", "none", "0 1", "-1");
}
END_TEST

START_TEST(addresses_have_a_domain_or_none)
{
    const DefinitionKey *key = definition_key_find(SECTION_PCI, "Address");
    PciAddress expected = {0, 0x65, 0x1f, 7};
    ck_assert(pci_address_equal(taken(key, "0000:65:1f.7").address, expected));
    ck_assert(pci_address_equal(taken(key, "65:1f.7").address, expected));
    expected.domain = 0x10000;
    ck_assert(pci_address_equal(taken(key, "10000:65:1f.7").address, expected));
    REFUSED(key, "65:20.0", "65:1f.8", "0000:65:1f.7,x");
}
END_TEST

START_TEST(cards_have_addresses_of_their_own)
{
    const DefinitionKey *key = definition_key_find(SECTION_NETWORK, "MAC");
    assert_string(key, "52:54:00:AB:cd:0F", "52:54:00:ab:cd:0f");
    REFUSED(key, "52:54:00:ab:cd", "52-54-00-ab-cd-0f", "52:54:00:ab:cd:0g",
            "52:54:00:ab:cd:0f:", "00:00:00:00:00:00", "525400abcd0f");
    assert_refused(key, "53:54:00:ab:cd:0f",
                   "the second digit must be even: an odd one makes it a group's address");
    assert_refused(key, "ff:ff:ff:ff:ff:ff",
                   "the second digit must be even: an odd one makes it a group's address");
}
END_TEST

START_TEST(a_later_value_replaces_the_string_before)
{
    const DefinitionKey *key = definition_key_find(SECTION_GUEST, "Description");
    GuestDefinition definition = {};
    char *hint = NULL;
    ck_assert(value_set(key, "one", &definition, &hint));
    ck_assert(value_set(key, "two", &definition, &hint));
    ck_assert_str_eq(definition.description, "two");
    value_reset(key, &definition);
    ck_assert_ptr_null(definition.description);
}
END_TEST

START_TEST(what_a_key_takes_is_said_in_words)
{
    static const struct {
        SectionId section;
        const char *key, *range;
    } ranges[] = {
        {SECTION_CPU, "Cores", "a whole number from 1 to 255"},
        {SECTION_CPU, "Accelerator", "kvm or tcg"},
        {SECTION_MEMORY, "Size", "a size from 1M to 16T, such as 8G, in steps of 1M"},
        {SECTION_DISK, "Bus", "virtio-blk, virtio-scsi, nvme or sata"},
        {SECTION_DISK, "ReadOnly", "yes or no"},
        {SECTION_PCI, "Group", "only or all"},
        {SECTION_STOP, "QuitSec", "a time such as 90, 90s, 2min or 500ms, at most 24h"},
        {SECTION_GUEST, "Description", "a text of at most 256 bytes"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(ranges); i++) {
        g_autofree char *range = value_range(definition_key_find(ranges[i].section, ranges[i].key));
        ck_assert_str_eq(range, ranges[i].range);
    }
}
END_TEST

SUITE("definition-value", numbers_are_digits_within_their_range,
      sizes_have_one_capital_letter_and_are_whole_megabytes,
      a_size_without_a_unit_is_refused_with_what_it_may_mean, words_of_other_tools_are_answered,
      no_word_that_a_key_takes_is_anothers, times_are_those_of_systemd, switches_are_the_booleans_of_systemd,
      a_switch_with_words_of_its_own_takes_only_those, choices_are_spelt_as_listed,
      paths_are_absolute_and_do_not_climb, words_hold_nothing_that_could_begin_another_option,
      texts_are_anything_up_to_their_length, functions_are_all_or_a_list, addresses_have_a_domain_or_none,
      cards_have_addresses_of_their_own, a_later_value_replaces_the_string_before,
      what_a_key_takes_is_said_in_words)
