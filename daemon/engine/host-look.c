/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../core/definition/definition.h"
#include "host-look.h"

#include "../core/host/usb.h"
#include "../edge/scan/mediated-scan.h"

/* For host_scan(). */
static GHashTable *guarded_devices(const Engine *engine)
{
    GHashTable *guarded = g_hash_table_new(g_str_hash, g_str_equal);
    GHashTableIter iter;
    void *address;

    g_hash_table_iter_init(&iter, engine->busy);
    while (g_hash_table_iter_next(&iter, &address, NULL))
        g_hash_table_insert(guarded, address, NULL);
    g_hash_table_iter_init(&iter, engine->stuck);
    while (g_hash_table_iter_next(&iter, &address, NULL))
        g_hash_table_insert(guarded, address, address);
    return guarded;
}

static void note_quarantine(const Engine *engine, HostDevice *device)
{
    device->quarantine = g_strdup(ledger_reason(engine->ledger, PCI_ADDRESS_STR(device->address)));
}

static void note_guest(const Engine *engine, HostUsb *usb)
{
    g_autofree char *node = usb_node(usb);

    usb->guest = g_strdup(disk_claims_other(engine->disks, node, ""));
}

/* A QEMU without iommufd has neither property (vfio_pci_dev_iommufd_properties of its hw/vfio/pci.c). */
static void note_qemu(const Engine *engine, Host *host)
{
    const QemuFacts *facts = engine->probe ? qemu_probe_known(engine->probe) : NULL;

    if (host->iommufd.lack)
        return;
    host->iommufd.unsure = !facts;
    if (!facts)
        host->iommufd.lack = "QEMU has not been asked yet what it can do";
    else if (!qemu_facts_vfio_has(facts, "iommufd") || !qemu_facts_vfio_has(facts, "fd"))
        host->iommufd.lack = "this QEMU has no iommufd";
}

int host_look(const Engine *engine, Host **ret)
{
    g_autoptr(GHashTable) guarded = guarded_devices(engine);
    Host *host;

    int r = host_scan(&engine->host_place, guarded, &host);
    if (r < 0)
        return r;
    for (unsigned i = 0; i < host->devices->len; i++)
        note_quarantine(engine, g_ptr_array_index(host->devices, i));
    for (unsigned i = 0; i < host->usbs->len; i++)
        note_guest(engine, g_ptr_array_index(host->usbs, i));
    note_qemu(engine, host);
    *ret = host;
    return 0;
}

int host_look_again(const Engine *engine, Host *host, PciAddress address)
{
    g_autoptr(GHashTable) guarded = guarded_devices(engine);

    int r = host_scan_again(&engine->host_place, guarded, host, address);
    if (r >= 0)
        note_quarantine(engine, (HostDevice *)host_find(host, address));
    return r;
}

static bool any_changes(const Engine *engine)
{
    g_autoptr(GHashTable) guarded = guarded_devices(engine);
    GHashTableIter iter;
    const char *subject;

    g_hash_table_iter_init(&iter, guarded);
    while (g_hash_table_iter_next(&iter, (void **)&subject, NULL))
        if (g_uuid_string_is_valid(subject))
            return true;
    return false;
}

static bool has_types(const Host *host, PciAddress parent)
{
    for (unsigned i = 0; i < host->mediated_types->len; i++)
        if (pci_address_equal(((HostMediatedType *)g_ptr_array_index(host->mediated_types, i))->parent,
                              parent))
            return true;
    return false;
}

void host_look_mediated(const Engine *engine, const GuestDefinition *definition, Host *host)
{
    for (unsigned i = 0; i < definition->pci->len; i++) {
        const DefinitionPci *section = g_ptr_array_index(definition->pci, i);
        if (section->mediated_type && !has_types(host, section->address))
            mediated_scan_types(&engine->host_place, section->address, !any_changes(engine), host);
    }
}
