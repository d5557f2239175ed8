/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host.h"

#include "../../base/cleanup.h"

static void host_device_clear(gpointer pointer)
{
    HostDevice *device = pointer;

    g_free(device->driver);
    g_free(device->vfio);
    g_free(device->override);
    g_free(device->reset_methods);
    g_free(device->power.state);
    g_free(device->power.control);
    g_free(device->power.d3cold_allowed);
    g_free(device->needed_for);
    g_free(device->quarantine);
    g_free(device->sriov.autoprobe);
}

static void host_device_unref(gpointer device)
{
    g_rc_box_release_full(device, host_device_clear);
}

DEFINE_ELEMENT_FREE(HostLink, host_link_free, link)
{
    g_free(link->name);
    g_free(link->master);
}

DEFINE_ELEMENT_FREE(HostCpu, host_cpu_free, cpu)
{
    g_free(cpu->governor);
}

DEFINE_ELEMENT_FREE(HostSlice, host_slice_free, slice)
{
    g_free(slice->unit);
    g_array_unref(slice->kept_off);
}

DEFINE_ELEMENT_FREE(HostUsb, host_usb_free, usb)
{
    g_free(usb->port);
    g_free(usb->place);
    g_free(usb->serial);
    g_free(usb->drivers);
    g_strfreev(usb->inputs);
    g_free(usb->needed_for);
    g_free(usb->guest);
}

HostMediated *host_mediated_free(HostMediated *mediated)
{
    g_free(mediated->uuid);
    g_free(mediated->type);
    g_free(mediated->api);
    g_free(mediated);
    return NULL;
}

DEFINE_ELEMENT_FREE(HostMediatedType, host_mediated_type_free, type)
{
    g_free(type->name);
    g_free(type->words);
    g_free(type->api);
}

Host *host_new(void)
{
    Host *host = g_new0(Host, 1);
    host->links = g_ptr_array_new_with_free_func(host_link_free);
    host->cpus = g_ptr_array_new_with_free_func(host_cpu_free);
    host->slices = g_ptr_array_new_with_free_func(host_slice_free);
    host->usbs = g_ptr_array_new_with_free_func(host_usb_free);
    host->mediated = g_ptr_array_new_with_free_func((GDestroyNotify)host_mediated_free);
    host->mediated_types = g_ptr_array_new_with_free_func(host_mediated_type_free);
    host->drivers = g_ptr_array_new_with_free_func(g_free);
    host->vfio_aliases = g_ptr_array_new();
    host->nodes = g_array_new(FALSE, TRUE, sizeof(HostNode));
    host->devices = g_ptr_array_new_with_free_func(host_device_unref);
    return host;
}

static void *share_device(const void *device, void *userdata)
{
    return g_rc_box_acquire((void *)device);
}

Host *host_share(const Host *host)
{
    Host *shared = g_new(Host, 1);

    *shared = *host;
    shared->governors = g_strdup(host->governors);
    shared->devices = g_ptr_array_copy(host->devices, share_device, NULL);
    g_ptr_array_ref(host->links);
    g_ptr_array_ref(host->cpus);
    g_ptr_array_ref(host->slices);
    g_ptr_array_ref(host->usbs);
    g_ptr_array_ref(host->mediated);
    g_ptr_array_ref(host->mediated_types);
    g_ptr_array_ref(host->drivers);
    g_ptr_array_ref(host->vfio_aliases);
    g_array_ref(host->nodes);
    return shared;
}

void host_replace(Host *host, HostDevice *device)
{
    for (unsigned i = 0; i < host->devices->len; i++) {
        HostDevice *known = g_ptr_array_index(host->devices, i);
        if (!pci_address_equal(known->address, device->address))
            continue;
        host->devices->pdata[i] = g_rc_box_acquire(device);
        host_device_unref(known);
        return;
    }
}

DEFINE_FREE(Host, host_free, host)
{
    g_ptr_array_unref(host->devices);
    g_ptr_array_unref(host->links);
    g_ptr_array_unref(host->usbs);
    g_ptr_array_unref(host->mediated);
    g_ptr_array_unref(host->mediated_types);
    g_ptr_array_unref(host->drivers);
    g_ptr_array_unref(host->vfio_aliases);
    g_array_unref(host->nodes);
    g_ptr_array_unref(host->cpus);
    g_ptr_array_unref(host->slices);
    g_free(host->governors);
}

HostDevice *host_add(Host *host, PciAddress address)
{
    HostDevice *device = g_rc_box_new0(HostDevice);
    device->address = address;
    device->group = HOST_NO_GROUP;
    device->numa_node = -1;
    g_ptr_array_add(host->devices, device);
    return device;
}

HostCpu *host_add_cpu(Host *host, unsigned number)
{
    HostCpu *cpu = g_new0(HostCpu, 1);

    cpu->number = number;
    g_ptr_array_add(host->cpus, cpu);
    return cpu;
}

HostSlice *host_add_slice(Host *host, const char *unit, GArray *kept_off)
{
    HostSlice *slice = g_new(HostSlice, 1);

    *slice = (HostSlice){.unit = g_strdup(unit), .kept_off = kept_off};
    g_ptr_array_add(host->slices, slice);
    return slice;
}

HostLink *host_add_link(Host *host, const char *name)
{
    HostLink *link = g_new0(HostLink, 1);
    link->name = g_strdup(name);
    g_ptr_array_add(host->links, link);
    return link;
}

const HostLink *host_find_link(const Host *host, const char *name)
{
    for (unsigned i = 0; i < host->links->len; i++) {
        const HostLink *link = g_ptr_array_index(host->links, i);
        if (g_str_equal(link->name, name))
            return link;
    }
    return NULL;
}

HostUsb *host_add_usb(Host *host, const char *port)
{
    HostUsb *usb = g_new0(HostUsb, 1);
    usb->port = g_strdup(port);
    g_ptr_array_add(host->usbs, usb);
    return usb;
}

HostUsb *host_find_usb(const Host *host, const char *port)
{
    for (unsigned i = 0; i < host->usbs->len; i++) {
        HostUsb *usb = g_ptr_array_index(host->usbs, i);
        if (g_str_equal(usb->port, port))
            return usb;
    }
    return NULL;
}

HostMediated *host_add_mediated(Host *host, const char *uuid)
{
    HostMediated *mediated = g_new0(HostMediated, 1);

    mediated->uuid = g_strdup(uuid);
    mediated->group = HOST_NO_GROUP;
    g_ptr_array_add(host->mediated, mediated);
    return mediated;
}

const HostMediated *host_find_mediated(const Host *host, const char *uuid)
{
    for (unsigned i = 0; i < host->mediated->len; i++) {
        const HostMediated *mediated = g_ptr_array_index(host->mediated, i);
        if (g_str_equal(mediated->uuid, uuid))
            return mediated;
    }
    return NULL;
}

const HostDevice *host_find_parent(const Host *host, const HostMediated *mediated)
{
    return mediated->of_function ? host_find(host, mediated->parent) : NULL;
}

HostMediatedType *host_add_mediated_type(Host *host, PciAddress parent, const char *name)
{
    HostMediatedType *type = g_new(HostMediatedType, 1);

    *type = (HostMediatedType){.parent = parent, .name = g_strdup(name), .available = -1};
    g_ptr_array_add(host->mediated_types, type);
    return type;
}

const HostMediatedType *host_find_mediated_type(const Host *host, PciAddress parent, const char *name)
{
    for (unsigned i = 0; i < host->mediated_types->len; i++) {
        const HostMediatedType *type = g_ptr_array_index(host->mediated_types, i);
        if (pci_address_equal(type->parent, parent) && g_str_equal(type->name, name))
            return type;
    }
    return NULL;
}

const HostMediated *host_mediated_of(const Host *host, int group)
{
    for (unsigned i = 0; group != HOST_NO_GROUP && i < host->mediated->len; i++) {
        const HostMediated *mediated = g_ptr_array_index(host->mediated, i);
        if (mediated->group == group)
            return mediated;
    }
    return NULL;
}

bool host_intel_graphics_place(PciAddress address)
{
    const PciAddress place = {.device = 2};

    return pci_address_equal(address, place);
}

bool host_intel_graphics(const HostDevice *device)
{
    return host_intel_graphics_place(device->address) && device->vendor == 0x8086 &&
           device->class >> 16 == 0x03;
}

bool host_device_stays(const HostDevice *device)
{
    /* Host, ISA, EISA and MCA: PCI Code and ID Assignment Specification 1.11, 1.7. */
    return device->bridge || (device->class >> 8 >= 0x0600 && device->class >> 8 <= 0x0603);
}

static int compare_devices(gconstpointer a, gconstpointer b)
{
    const HostDevice *const *x = a, *const *y = b;
    return pci_address_compare((*x)->address, (*y)->address);
}

void host_sort(Host *host)
{
    g_ptr_array_sort(host->devices, compare_devices);
}

/* The index of the first device at or after address. */
static unsigned lower_bound(const Host *host, PciAddress address)
{
    unsigned low = 0, high = host->devices->len;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        const HostDevice *device = g_ptr_array_index(host->devices, middle);
        if (pci_address_compare(device->address, address) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const HostDevice *host_find(const Host *host, PciAddress address)
{
    unsigned i = lower_bound(host, address);
    if (i >= host->devices->len)
        return NULL;

    const HostDevice *device = g_ptr_array_index(host->devices, i);
    return pci_address_equal(device->address, address) ? device : NULL;
}

const HostDevice *host_maker(const Host *host, const HostDevice *device)
{
    /* Longer than any chain of bridges: PCI has 256 buses. It ends a loop in a damaged snapshot. */
    const unsigned depth_max = 256;

    if (device->virtual_function)
        return host_find(host, device->physical);
    for (unsigned depth = 0; device && device->has_upstream && depth < depth_max; depth++) {
        device = host_find(host, device->upstream);
        if (device && !device->bridge)
            return device;
    }
    return NULL;
}

char *host_maker_remedy(const HostDevice *maker)
{
    g_autofree char *whole = maker ? g_strdup_printf(", or lend %s as a whole, with all devices behind it",
                                                     PCI_ADDRESS_STR(maker->address))
                                   : g_strdup("");

    return g_strdup_printf("switch VMD (Intel RST, \"RAID\") off in the firmware's setup%s", whole);
}

GPtrArray *host_group(const Host *host, int group)
{
    GPtrArray *members = g_ptr_array_new();

    for (unsigned i = 0; group != HOST_NO_GROUP && i < host->devices->len; i++) {
        HostDevice *device = g_ptr_array_index(host->devices, i);
        if (device->group == group)
            g_ptr_array_add(members, device);
    }
    return members;
}

GPtrArray *host_virtual_functions(const Host *host, PciAddress physical)
{
    GPtrArray *functions = g_ptr_array_new();

    for (unsigned i = 0; i < host->devices->len; i++) {
        HostDevice *device = g_ptr_array_index(host->devices, i);
        if (device->virtual_function && pci_address_equal(device->physical, physical))
            g_ptr_array_add(functions, device);
    }
    return functions;
}

GPtrArray *host_slot(const Host *host, PciAddress address)
{
    GPtrArray *functions = g_ptr_array_new();
    PciAddress first = address;
    first.function = 0;

    for (unsigned i = lower_bound(host, first); i < host->devices->len; i++) {
        HostDevice *device = g_ptr_array_index(host->devices, i);
        if (!pci_address_same_slot(device->address, address))
            break;
        g_ptr_array_add(functions, device);
    }
    return functions;
}

char *host_describe(const GPtrArray *devices)
{
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < devices->len; i++) {
        const HostDevice *device = g_ptr_array_index(devices, i);
        g_string_append_printf(text, "%s%s (%s)", i > 0 ? ", " : "", PCI_ADDRESS_STR(device->address),
                               device->driver ? device->driver : "no driver");
    }
    return g_string_free(text, FALSE);
}

char *host_size_as_key(uint64_t mib)
{
    return mib % 1024 == 0 ? g_strdup_printf("%" G_GUINT64_FORMAT "G", mib / 1024)
                           : g_strdup_printf("%" G_GUINT64_FORMAT "M", mib);
}

char *host_size_words(uint64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double size = bytes;
    unsigned i;

    for (i = 0; size >= 1024 && i + 1 < G_N_ELEMENTS(units); i++)
        size /= 1024;
    return g_strdup_printf("%.*f %s", i > 0 ? 1 : 0, size, units[i]);
}
