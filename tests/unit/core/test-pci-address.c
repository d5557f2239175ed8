/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "../../../daemon/core/host/pci-address.h"
#include "../suite.h"

static PciAddress parse(const char *text)
{
    PciAddress address;
    ck_assert_msg(pci_address_from_string(text, &address) == 0, "%s was refused", text);
    return address;
}

START_TEST(an_address_reads_as_sysfs_writes_it)
{
    PciAddress a = parse("0000:01:1f.7");
    ck_assert_uint_eq(a.domain, 0);
    ck_assert_uint_eq(a.bus, 1);
    ck_assert_uint_eq(a.device, 31);
    ck_assert_uint_eq(a.function, 7);
    ck_assert_str_eq(PCI_ADDRESS_STR(a), "0000:01:1f.7");
}
END_TEST

START_TEST(the_domain_may_be_left_out)
{
    ck_assert_str_eq(PCI_ADDRESS_STR(parse("0a:00.0")), "0000:0a:00.0");
}
END_TEST

START_TEST(capital_digits_come_out_small)
{
    ck_assert_str_eq(PCI_ADDRESS_STR(parse("00AB:CD:1E.3")), "00ab:cd:1e.3");
}
END_TEST

START_TEST(domains_of_vmd_have_more_than_four_digits)
{
    ck_assert_uint_eq(parse("10000:e1:00.0").domain, 0x10000);
    ck_assert_str_eq(PCI_ADDRESS_STR(parse("10000:e1:00.0")), "10000:e1:00.0");
    ck_assert_str_eq(PCI_ADDRESS_STR(parse("ffffffff:ff:1f.7")), "ffffffff:ff:1f.7");
}
END_TEST

START_TEST(what_is_no_address_is_refused_and_nothing_is_set)
{
    static const char *const wrong[] = {
        "",
        "0000",
        "0000:",
        "01",
        "01:",
        "01:00",
        "01:00.",
        "0000:01:00",
        "0000:01:00.",
        "0000:01:00.8",
        "0000:01:20.0",
        "0000:01:00.0 ",
        " 0000:01:00.0",
        "0000:01:00.00",
        "0000:1:00.0",
        "0000:01:0.0",
        "000:01:00.0",
        "100000000:01:00.0",
        "0000:01:00,0",
        "0000-01-00.0",
        "0x00:01:00.0",
        "+000:01:00.0",
        "0000:01:00.g",
        "0000:01:00.0\n",
        "0000:01:00.0/../../x",
        ":01:00.0",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        PciAddress address = {.domain = 42};
        ck_assert_msg(pci_address_from_string(wrong[i], &address) == -EINVAL, "'%s' was taken", wrong[i]);
        ck_assert_uint_eq(address.domain, 42);
    }
}
END_TEST

START_TEST(every_device_and_function_survives_the_round_trip)
{
    for (unsigned device = 0; device < 32; device++)
        for (unsigned function = 0; function < 8; function++) {
            PciAddress a = {.domain = 1, .bus = 255, .device = device, .function = function};
            ck_assert(pci_address_equal(parse(PCI_ADDRESS_STR(a)), a));
        }
}
END_TEST

START_TEST(addresses_are_ordered_by_domain_bus_device_and_function)
{
    static const char *const ascending[] = {
        "0000:00:00.0", "0000:00:00.7", "0000:00:01.0",  "0000:00:1f.7",     "0000:01:00.0",
        "0000:ff:00.0", "0001:00:00.0", "10000:00:00.0", "ffffffff:00:00.0",
    };
    const int n = sizeof(ascending) / sizeof(ascending[0]);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            int order = pci_address_compare(parse(ascending[i]), parse(ascending[j]));
            ck_assert_int_eq(order < 0, i < j);
            ck_assert_int_eq(order > 0, i > j);
        }
}
END_TEST

START_TEST(functions_of_one_slot_know_each_other)
{
    ck_assert(pci_address_same_slot(parse("0000:01:00.0"), parse("0000:01:00.7")));
    ck_assert(!pci_address_same_slot(parse("0000:01:00.0"), parse("0000:01:01.0")));
    ck_assert(!pci_address_same_slot(parse("0000:01:00.0"), parse("0000:02:00.0")));
    ck_assert(!pci_address_same_slot(parse("0000:01:00.0"), parse("0001:01:00.0")));
}
END_TEST

SUITE("pci-address", an_address_reads_as_sysfs_writes_it, the_domain_may_be_left_out,
      capital_digits_come_out_small, domains_of_vmd_have_more_than_four_digits,
      what_is_no_address_is_refused_and_nothing_is_set, every_device_and_function_survives_the_round_trip,
      addresses_are_ordered_by_domain_bus_device_and_function, functions_of_one_slot_know_each_other)
