/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <pci/pci.h>
#include <stdarg.h>
#include <string.h>

#include "../../../daemon/edge/scan/pci-names.h"
#include "../suite.h"

static bool libpci_fails;

char *__real_pci_lookup_name(struct pci_access *access, char *buffer, int size, int flags, ...);
char *__wrap_pci_lookup_name(struct pci_access *access, char *buffer, int size, int flags, ...);

char *__wrap_pci_lookup_name(struct pci_access *access, char *buffer, int size, int flags, ...)
{
    if (libpci_fails)
        access->error((char *)"%s at %s, line %d", "Parse error", "pci.ids", 1);

    va_list arguments;
    va_start(arguments, flags);
    int first = va_arg(arguments, int);
    int second = flags & PCI_LOOKUP_DEVICE ? va_arg(arguments, int) : 0;
    va_end(arguments);
    return __real_pci_lookup_name(access, buffer, size, flags, first, second);
}

static Host *host;
static PciNameTable *table;

static void setup(void)
{
    host = host_new();
    table = pci_name_table_new();
}

static void teardown(void)
{
    table = pci_name_table_free(table);
    ck_assert_ptr_null(table);
    host = host_free(host);
}

static HostDevice *add(unsigned slot, uint32_t class, uint16_t vendor, uint16_t model)
{
    HostDevice *device = host_add(host, (PciAddress){.device = slot});
    device->class = class;
    device->vendor = vendor;
    device->device = model;
    return device;
}

static void assert_names(const HostDevice *device, const char *class, const char *vendor, const char *model)
{
    PciNames names = pci_name_table_get(table, device);

    ck_assert_str_eq(names.class, class);
    ck_assert_str_eq(names.vendor, vendor);
    ck_assert_str_eq(names.model, model);
}

START_TEST(a_known_device_has_its_names)
{
    const HostDevice *gpu = add(0, 0x030000, 0x1002, 0x5046);
    pci_name_table_learn(table, host);
    PciNames names = pci_name_table_get(table, gpu);
    ck_assert_str_eq(names.class, "VGA compatible controller");
    ck_assert_str_eq(names.vendor, "Advanced Micro Devices, Inc. [AMD/ATI]");
    ck_assert_ptr_nonnull(strstr(names.model, "Rage"));
}
END_TEST

START_TEST(an_unknown_device_has_its_numbers)
{
    const HostDevice *odd = add(0, 0xfe7700, 0xfff0, 0x0bad);
    const HostDevice *half = add(1, 0x020000, 0x8086, 0xffff);
    pci_name_table_learn(table, host);
    assert_names(odd, "fe77", "fff0", "0bad");
    assert_names(half, "Ethernet controller", "Intel Corporation", "ffff");
}
END_TEST

START_TEST(what_was_not_learnt_comes_as_numbers_until_it_is)
{
    const HostDevice *card = add(0, 0x020000, 0x8086, 0x10d3);
    PciNames before = pci_name_table_get(table, card);
    ck_assert_str_eq(before.class, "0200");
    ck_assert_str_eq(before.vendor, "8086");
    ck_assert_str_eq(before.model, "10d3");
    ck_assert_ptr_eq(pci_name_table_get(table, card).model, before.model);
    pci_name_table_learn(table, host);
    PciNames after = pci_name_table_get(table, card);
    ck_assert_str_eq(after.vendor, "Intel Corporation");
    ck_assert_ptr_nonnull(strstr(after.model, "82574L"));
    /* Strings given out before are still there. */
    ck_assert_str_eq(before.vendor, "8086");
}
END_TEST

START_TEST(names_given_out_stay_while_others_are_learnt)
{
    const HostDevice *gpu = add(0, 0x030000, 0x1002, 0x5046);
    pci_name_table_learn(table, host);
    PciNames first = pci_name_table_get(table, gpu);
    for (unsigned i = 1; i < 32; i++)
        add(i, 0x020000, 0x8086, 0x1000 + i);
    gpu = g_ptr_array_index(host->devices, 0);
    pci_name_table_learn(table, host);
    ck_assert_ptr_eq(pci_name_table_get(table, gpu).vendor, first.vendor);
    ck_assert_str_eq(first.vendor, "Advanced Micro Devices, Inc. [AMD/ATI]");
}
END_TEST

/* As it does with a list that it cannot parse; it would end the process otherwise. */
START_TEST(an_error_of_libpci_leaves_numbers_and_what_was_learnt_before)
{
    const HostDevice *gpu = add(0, 0x030000, 0x1002, 0x5046);
    pci_name_table_learn(table, host);
    add(1, 0x020000, 0x8086, 0x10d3);
    libpci_fails = true;
    pci_name_table_learn(table, host);
    libpci_fails = false;
    gpu = g_ptr_array_index(host->devices, 0);
    ck_assert_str_eq(pci_name_table_get(table, gpu).class, "VGA compatible controller");
    ck_assert_str_eq(pci_name_table_get(table, g_ptr_array_index(host->devices, 1)).class, "0200");
    ck_assert_str_eq(pci_name_table_get(table, g_ptr_array_index(host->devices, 1)).vendor, "8086");
}
END_TEST

START_TEST(an_empty_host_has_nothing_to_learn)
{
    pci_name_table_learn(table, host);
    table = pci_name_table_free(table);
    ck_assert_ptr_null(table);
    ck_assert_ptr_null(pci_name_table_free(NULL));
}
END_TEST

SUITE_WITH("pci-names", setup, teardown, a_known_device_has_its_names, an_unknown_device_has_its_numbers,
           what_was_not_learnt_comes_as_numbers_until_it_is, names_given_out_stay_while_others_are_learnt,
           an_error_of_libpci_leaves_numbers_and_what_was_learnt_before, an_empty_host_has_nothing_to_learn)
