/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The manager's devices: what they are called, what state they are in, what is heard of them. */
#include <string.h>

#include "../../base/log.h"
#include "../../base/words.h"
#include "../../core/host/vfio-driver.h"
#include "private.h"

static void on_host_event(const char *action, const char *address, void *userdata)
{
    Manager *m = userdata;
    PciAddress function;

    if (pci_address_from_string(address, &function) < 0)
        manager_sync_plugs(m);
    if (*address && pci_address_from_string(address, &function) < 0)
        return;
    if (g_str_equal(action, "add") || g_str_equal(action, "remove"))
        host_cache_stale(m->host);
    else
        manager_look_again(m, address);
    manager_look_soon(m);
    if (g_str_equal(action, "add"))
        manager_announce(m, MANAGER_DEVICE_ADDED, address);
    else if (g_str_equal(action, "remove"))
        manager_announce(m, MANAGER_DEVICE_REMOVED, address);
    else if (*address)
        manager_announce(m, MANAGER_DEVICE_CHANGED, address);
}

int manager_watch_devices(Manager *m)
{
    return host_monitor_new(m->engine->event, on_host_event, m, &m->monitor);
}

PciNames manager_names(Manager *m, const HostDevice *device)
{
    pci_name_table_learn(m->names, manager_host(m));
    return pci_name_table_get(m->names, device);
}

const char *manager_device_state(Manager *m, const HostDevice *device)
{
    if (host_device_stays(device))
        return "bridge";
    if (device->stuck)
        return "stuck";
    if (manager_device_drift(m, PCI_ADDRESS_STR(device->address)))
        return "drift";
    if (*manager_device_guest(m, device))
        return "guest";
    if (device->dead)
        return "dead";
    if (!device->driver)
        return "unused";
    if (!vfio_driver_has(device))
        return "host";
    return manager_find_hold(m, device->address) ? "bound" : "vfio";
}

static int read_address(const char *text, PciAddress *ret, Fault **ret_fault)
{
    if (pci_address_from_string(text, ret) == 0)
        return 0;
    g_autofree char *shown = words_quote(text);
    return fault_raise(ret_fault, FAULT_NO_SUCH_DEVICE, "write it as lspci does: 0000:01:00.0, or 01:00.0",
                       "\"%s\" is not a PCI address", shown);
}

int manager_find_device(Manager *m, const char *text, const HostDevice **ret, Fault **ret_fault)
{
    PciAddress address;

    int r = read_address(text, &address, ret_fault);
    if (r != 0)
        return r;
    *ret = host_find(manager_host(m), address);
    if (!*ret)
        return fault_raise(ret_fault, FAULT_NO_SUCH_DEVICE, "see which devices there are: usherctl devices",
                           "there is no device %s", PCI_ADDRESS_STR(address));
    return 0;
}

int manager_clear_quarantine(Manager *m, const char *text, Fault **ret_fault)
{
    PciAddress address;

    /* The device need not be there: a card that was taken out may be cleared all the same. */
    int r = read_address(text, &address, ret_fault);
    if (r != 0)
        return r;
    r = ledger_clear(m->engine->ledger, PCI_ADDRESS_STR(address));
    if (r == -ENOENT)
        return fault_raise(ret_fault, FAULT_REFUSED, NULL, "%s is not in quarantine",
                           PCI_ADDRESS_STR(address));
    host_cache_stale(m->host);
    manager_announce(m, MANAGER_DEVICE_CHANGED, PCI_ADDRESS_STR(address));
    log_device(LOG_NOTICE, PCI_ADDRESS_STR(address), "released from quarantine by an administrator");
    return r;
}
