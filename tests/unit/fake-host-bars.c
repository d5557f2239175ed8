/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* BARs that can be resized (Documentation/ABI/testing/sysfs-bus-pci, resourceN_resize). */
#include <errno.h>
#include <stdlib.h>

#include "fake-host-private.h"

#define PLACE UINT64_C(0xe000000000)

static void put(FakeHost *host, FakeDevice *device)
{
    g_autoptr(GString) lines = g_string_new(NULL);

    for (unsigned i = 0; i < 6; i++) {
        bool bar = i == device->bar.number && device->bar.size > 0;
        g_string_append_printf(lines, "%s0x%016lx 0x%016lx 0x%016x", i > 0 ? "\n" : "",
                               (unsigned long)(bar ? device->bar.first : 0),
                               (unsigned long)(bar ? device->bar.first + device->bar.size - 1 : 0),
                               bar ? 0x14220c : 0);
    }
    fake_device_put(host, device, "resource", lines->str);
}

void fake_host_add_bar(FakeHost *host, const char *address, unsigned number, uint64_t size, uint64_t sizes)
{
    FakeDevice *device = fake_device_of(host, address);
    g_autofree char *attribute = fake_text("resource%u_resize", number);
    g_autofree char *mask = fake_text("%016lx", (unsigned long)sizes);

    device->bar.number = number;
    device->bar.first = PLACE;
    device->bar.size = size;
    put(host, device);
    fake_device_put(host, device, attribute, mask);
}

/* __resource_resize_store() of the kernel's pci-sysfs.c, and pci_resize_resource(). */
int fake_kernel_resize(FakeHost *host, FakeDevice *device, const char *attribute, const char *value)
{
    g_autofree char *driver = fake_device_driver(host, device);
    g_autofree char *mask = fake_device_get(host, device, attribute);
    unsigned bit = strtoul(value, NULL, 10);

    if (driver[0])
        return -EBUSY;
    if (bit > 40 || !(strtoull(mask, NULL, 16) & UINT64_C(1) << bit))
        return -EINVAL;
    device->bar.size = UINT64_C(1) << (bit + 20);
    put(host, device);
    return 0;
}
