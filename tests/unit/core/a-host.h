/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Snapshots of hosts for tests, written down in one line a device. */
#pragma once

#include <check.h>

#include "../../../daemon/core/host/host.h"

static inline PciAddress address_of(const char *text)
{
    PciAddress address;
    ck_assert_msg(pci_address_from_string(text, &address) == 0, "%s is no address", text);
    return address;
}

/* With an IOMMU and vfio-pci, without iommufd, and nothing in it. */
static inline Host *a_host(void)
{
    Host *host = host_new();
    host->iommu = true;
    host->vfio_pci = true;
    host->iommufd.lack = "this kernel has none";
    return host;
}

/* A device as firmware and kernel leave it: awake at will. driver NULL: none. */
static inline HostDevice *a_device(Host *host, const char *address, int group, const char *driver)
{
    HostDevice *device = host_add(host, address_of(address));
    device->group = group;
    device->driver = g_strdup(driver);
    device->power.control = g_strdup("auto");
    device->power.d3cold_allowed = g_strdup("1");
    host_sort(host);
    return device;
}

/* A virtual function of a device that is there. */
static inline HostDevice *a_virtual_function(Host *host, const char *address, int group, const char *driver,
                                             const char *physical)
{
    HostDevice *function = a_device(host, address, group, driver);
    function->virtual_function = true;
    function->physical = address_of(physical);
    return function;
}

static inline HostDevice *a_bridge(Host *host, const char *address, int group)
{
    HostDevice *device = a_device(host, address, group, "pcieport");
    device->bridge = true;
    return device;
}

/* Group 12: a Radeon and its audio function behind their bridge. */
static inline Host *a_host_with_a_gpu(void)
{
    Host *host = a_host();
    a_bridge(host, "0000:00:01.0", 12);
    a_device(host, "0000:01:00.0", 12, "radeon");
    a_device(host, "0000:01:00.1", 12, "snd_hda_intel");
    return host;
}

/* An Arc: graphics and sound in two slots behind a switch of Intel's on the card. */
static inline void an_arc(Host *host)
{
    static const struct {
        const char *address, *upstream, *driver;
        unsigned class;
        int group;
    } parts[] = {
        {"0000:00:01.0", NULL, "pcieport", 0x060400, 20},
        {"0000:03:00.0", "0000:00:01.0", "pcieport", 0x060400, 21},
        {"0000:04:01.0", "0000:03:00.0", "pcieport", 0x060400, 22},
        {"0000:04:04.0", "0000:03:00.0", "pcieport", 0x060400, 23},
        {"0000:05:00.0", "0000:04:01.0", "i915", 0x030000, 24},
        {"0000:06:00.0", "0000:04:04.0", "snd_hda_intel", 0x040300, 25},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(parts); i++) {
        HostDevice *device = a_device(host, parts[i].address, parts[i].group, parts[i].driver);
        device->vendor = 0x8086;
        device->class = parts[i].class;
        device->bridge = parts[i].class >> 8 == 0x0604;
        device->has_upstream = parts[i].upstream != NULL;
        if (parts[i].upstream)
            device->upstream = address_of(parts[i].upstream);
    }
}

/* The device again, to change it. */
static inline HostDevice *device_of(Host *host, const char *address)
{
    const HostDevice *device = host_find(host, address_of(address));
    ck_assert_ptr_nonnull(device);
    return (HostDevice *)device;
}
