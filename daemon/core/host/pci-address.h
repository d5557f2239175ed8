/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The address of one PCI function, domain:bus:device.function, as sysfs writes it: "0000:01:00.0". */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct PciAddress {
    uint32_t domain; /* 0 to 0xffffffff; VMD uses more than 16 bits */
    uint8_t bus;
    uint8_t device;   /* 0 to 31 */
    uint8_t function; /* 0 to 7 */
} PciAddress;

#define PCI_ADDRESS_TEXT_MAX 24
typedef struct PciAddressText {
    char text[PCI_ADDRESS_TEXT_MAX];
} PciAddressText;

/* Reads "0000:01:00.0" or, meaning domain 0, "01:00.0"; hexadecimal, nothing before or after it.
 * 0 or -EINVAL. */
int pci_address_from_string(const char *text, PciAddress *ret);

/* By value, so that PCI_ADDRESS_STR(a) can be an argument of printf. */
PciAddressText pci_address_to_text(PciAddress address);
#define PCI_ADDRESS_STR(address) (pci_address_to_text(address).text)

/* As strcmp: by domain, bus, device, function. */
int pci_address_compare(PciAddress a, PciAddress b);

static inline bool pci_address_equal(PciAddress a, PciAddress b)
{
    return pci_address_compare(a, b) == 0;
}

/* Same domain, bus and device: functions of one slot. */
bool pci_address_same_slot(PciAddress a, PciAddress b);
