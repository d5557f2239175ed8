/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

#include "pci-address.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Not strtoul(): that would take signs, blanks and "0x", and the text may come from a user. Returns the
 * number of digits. */
static int hex_read(const char *text, int max_digits, uint32_t *ret)
{
    uint32_t value = 0;
    int n = 0;

    while (n < max_digits && hex_digit(text[n]) >= 0)
        value = value << 4 | (uint32_t)hex_digit(text[n++]);
    *ret = value;
    return n;
}

int pci_address_from_string(const char *text, PciAddress *ret)
{
    uint32_t domain, bus, device, function;

    /* "%04x" in the kernel: four digits at least, more for domains beyond 0xffff. */
    int n = hex_read(text, 8, &domain);
    if (n >= 4 && text[n] == ':')
        text += n + 1;
    else
        domain = 0;

    if (hex_read(text, 2, &bus) != 2 || text[2] != ':')
        return -EINVAL;
    if (hex_read(text + 3, 2, &device) != 2 || device > 31 || text[5] != '.')
        return -EINVAL;
    if (hex_read(text + 6, 1, &function) != 1 || function > 7 || text[7] != '\0')
        return -EINVAL;

    *ret = (PciAddress){.domain = domain, .bus = bus, .device = device, .function = function};
    return 0;
}

PciAddressText pci_address_to_text(PciAddress address)
{
    PciAddressText text;
    snprintf(text.text, sizeof(text.text), "%04x:%02x:%02x.%x", address.domain, address.bus,
             address.device & 31u, address.function & 7u);
    return text;
}

static uint64_t address_rank(PciAddress a)
{
    return (uint64_t)a.domain << 24 | (uint64_t)a.bus << 16 | (uint64_t)a.device << 8 | a.function;
}

int pci_address_compare(PciAddress a, PciAddress b)
{
    uint64_t x = address_rank(a), y = address_rank(b);
    return x < y ? -1 : x > y;
}

bool pci_address_same_slot(PciAddress a, PciAddress b)
{
    return a.domain == b.domain && a.bus == b.bus && a.device == b.device;
}
