/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest is known by: [Guest] UUID= and Machine=, [SMBIOS]. */
#include "../../../daemon/core/definition/definition.h"
#include "../../../daemon/core/definition/machine.h"
#include "../suite.h"
#include "a-definition.h"

START_TEST(a_guest_has_a_uuid_of_its_own_and_keeps_it)
{
    g_autoptr(GuestDefinition) definition = a_definition("[CPU]\nCores=3\n"), again = a_definition("");
    g_autofree char *nowhere = definition_uuid(definition), *still = definition_uuid(again);
    definition_set_host(again, "6e3a5d0b9c4f4f0d8d8ab1f3f1b0c7a2");
    g_autofree char *here = definition_uuid(again);

    /* Version 5 (RFC 4122), by another's hand: Python's uuid.uuid5(9d3c610e-52b7-4f88-a16d-e407c35a2bf9,
     * "win10/") */
    ck_assert_str_eq(nowhere, "f1e047c6-9e0b-5557-a70c-a98789d35aea");
    ck_assert_str_eq(still, nowhere);
    ck_assert_str_eq(here, "73c2cff7-681a-55ca-a602-c85b0b8db88e");
}
END_TEST

START_TEST(a_uuid_that_is_given_is_taken_on_any_host)
{
    g_autoptr(GuestDefinition) definition =
        a_definition("[Guest]\nUUID=7C1F0A52-3E94-4D8B-9A61-0F2B6DE81C35\n");
    definition_set_host(definition, "6e3a5d0b9c4f4f0d8d8ab1f3f1b0c7a2");
    g_autofree char *uuid = definition_uuid(definition);

    ck_assert_str_eq(uuid, "7c1f0a52-3e94-4d8b-9a61-0f2b6de81c35");
    assert_refused("[Guest]\nUUID=win10\n",
                   AT "2: [Guest] UUID=win10 is not a UUID such as "
                      "4b20d080-1b54-4048-85b3-a6a62d165c01",
                   NULL);
}
END_TEST

static void assert_no_clock(const char *base)
{
    g_autofree char *text = g_strdup_printf("[Clock]\nBase=%s\n", base),
                    *message = g_strdup_printf(
                        AT "2: [Clock] Base=%s is not utc, local or a time zone such as Europe/Berlin", base);

    assert_refused(text, message, NULL);
}

START_TEST(a_clock_goes_by_utc_the_host_or_a_time_zone)
{
    static const char *const zones[] = {"Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5",
                                        "CET"};
    g_autoptr(GuestDefinition) utc = a_definition(""), local = a_definition("[Clock]\nBase=local\n");

    ck_assert_ptr_null(definition_zone(&utc->machine));
    ck_assert_ptr_null(definition_zone(&local->machine));
    for (unsigned i = 0; i < G_N_ELEMENTS(zones); i++) {
        g_autofree char *text = g_strdup_printf("[Clock]\nBase=%s\n", zones[i]);
        g_autoptr(GuestDefinition) there = a_definition(text);
        ck_assert_str_eq(definition_zone(&there->machine), zones[i]);
    }
    /* A rule, offsets, other folders, options of QEMU's. */
    assert_no_clock("EST5EDT,M3.2.0,M11.1.0");
    assert_no_clock("Berlin5");
    assert_no_clock("+05:30");
    assert_no_clock("/etc/localtime");
    assert_no_clock("Europe/../../../etc/shadow");
    assert_no_clock("Europe//Berlin");
    assert_no_clock("Europe/");
    assert_no_clock("2026-11-29T22:15:07");
    assert_no_clock("utc,clock=vm");
}
END_TEST

START_TEST(the_board_is_one_with_pci_express)
{
    g_autoptr(GuestDefinition) newest = a_definition("[Guest]\nMachine=q35\n"),
                               rhel = a_definition("[Guest]\nMachine=pc-q35-rhel9.2.0\n");

    ck_assert(newest && rhel);
    assert_refused("[Guest]\nMachine=pc-i440fx-8.1\n",
                   AT "2: [Guest] Machine=pc-i440fx-8.1: the guests of usher have a q35, a board with PCI "
                      "Express",
                   "write q35, or a version of it such as pc-q35-7.2");
    assert_refused("[Guest]\nMachine=q35,accel=tcg\n",
                   AT "2: [Guest] Machine=q35,accel=tcg is not a word of letters, digits, dots, "
                      "dashes and underscores, at most 64",
                   NULL);
}
END_TEST

START_TEST(words_of_a_board_need_its_table)
{
    g_autoptr(GuestDefinition) both = a_definition("[SMBIOS]\nBoard=yes\nBoardProduct=X570\n");

    ck_assert_ptr_nonnull(both);
    assert_refused("[SMBIOS]\nBoardProduct=X570\n",
                   AT "2: [SMBIOS] BoardProduct= means nothing without Board=yes",
                   "add Board=yes, or remove it");
}
END_TEST

static char *look(const char *name)
{
    if (g_str_equal(name, "sys_vendor"))
        return g_strdup("ACME, Inc.");
    if (g_str_equal(name, "product_serial"))
        return g_strdup(" \001serial\n\377 42 ");
    if (g_str_equal(name, "board_name"))
        return g_strnfill(200, 'b');
    return g_str_equal(name, "product_sku") ? g_strdup("   ") : NULL;
}

START_TEST(a_guest_may_be_known_by_what_the_hosts_firmware_says)
{
    g_autoptr(GuestDefinition) own = a_definition("[SMBIOS]\nProduct=Box\n"),
                               host = a_definition("[SMBIOS]\nHost=yes\nProduct=Box\nBoardVersion=2\n");
    const DefinitionSmbios *smbios = &host->machine.smbios;

    definition_fill_smbios(own, look);
    ck_assert_ptr_null(own->machine.smbios.manufacturer);
    definition_fill_smbios(host, look);
    ck_assert_str_eq(smbios->manufacturer, "ACME, Inc.");
    ck_assert_str_eq(smbios->product, "Box");
    ck_assert_str_eq(smbios->serial, "serial\357\277\275 42");
    ck_assert_ptr_null(smbios->sku);
    ck_assert_uint_eq(strlen(smbios->board_product), 64);
    ck_assert(smbios->board);
    ck_assert_ptr_null(smbios->bios_vendor);
}
END_TEST

SUITE("definition-machine", a_guest_may_be_known_by_what_the_hosts_firmware_says,
      a_guest_has_a_uuid_of_its_own_and_keeps_it, a_uuid_that_is_given_is_taken_on_any_host,
      a_clock_goes_by_utc_the_host_or_a_time_zone, the_board_is_one_with_pci_express,
      words_of_a_board_need_its_table)
