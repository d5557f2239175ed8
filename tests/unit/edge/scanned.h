/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A snapshot of the fake host. */
#pragma once

#include "../../../daemon/edge/scan/host-scan.h"
#include "../fake-host.h"

static inline Host *scan(const FakeHost *fake, GHashTable *skip)
{
    HostPlace place = {.sys_fd = fake_host_sys_fd(fake), .proc_fd = fake_host_proc_fd(fake)};
    Host *host = NULL;
    ck_assert_int_eq(host_scan(&place, skip, &host), 0);
    return host;
}

static inline const HostDevice *device_of(const Host *host, const char *address)
{
    PciAddress parsed;
    ck_assert_int_eq(pci_address_from_string(address, &parsed), 0);
    const HostDevice *device = host_find(host, parsed);
    ck_assert_msg(device, "%s was not seen", address);
    return device;
}
