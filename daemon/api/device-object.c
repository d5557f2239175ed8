/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.usher1.Device. */
#include <errno.h>

#include "../core/host/card.h"
#include "../core/host/fingerprint.h"
#include "../core/plan/reset-set.h"
#include "api-private.h"

static const HostDevice *device_of(void *userdata)
{
    ApiObject *object = userdata;
    PciAddress address;

    if (pci_address_from_string(object->id, &address) < 0)
        return NULL;
    return host_find(manager_host(object->api->manager), address);
}

#define GETTER(function)                                                                                     \
    static int function(sd_bus *bus, const char *path, const char *interface, const char *property,          \
                        sd_bus_message *reply, void *userdata, sd_bus_error *error)

GETTER(get_name)
{
    ApiObject *object = userdata;
    const HostDevice *device = device_of(userdata);
    if (!device)
        return -ENOENT;

    PciNames names = manager_names(object->api->manager, device);
    return api_append(reply, "s",
                      g_str_equal(property, "Class")    ? names.class
                      : g_str_equal(property, "Vendor") ? names.vendor
                                                        : names.model);
}

GETTER(get_id)
{
    const HostDevice *device = device_of(userdata);
    char text[16];
    if (!device)
        return -ENOENT;

    if (g_str_equal(property, "ClassId"))
        g_snprintf(text, sizeof text, "%04x", device->class >> 8);
    else if (g_str_equal(property, "Id"))
        g_snprintf(text, sizeof text, "%04x:%04x", device->vendor, device->device);
    else
        g_snprintf(text, sizeof text, "%04x:%04x", device->subvendor, device->subdevice);
    return api_append(reply, "s", text);
}

GETTER(get_text)
{
    ApiObject *object = userdata;
    const HostDevice *device = device_of(userdata);
    if (!device)
        return -ENOENT;

    const char *text = g_str_equal(property, "Address")          ? object->id
                       : g_str_equal(property, "Driver")         ? device->driver
                       : g_str_equal(property, "DriverOverride") ? device->override
                       : g_str_equal(property, "NeededFor")      ? device->needed_for
                       : g_str_equal(property, "Quarantine")     ? device->quarantine
                                                                 : device->power.state;
    return api_append(reply, "s", text ?: "");
}

GETTER(get_group)
{
    const HostDevice *device = device_of(userdata);

    return device ? api_append(reply, "i", device->group) : -ENOENT;
}

GETTER(get_numa_node)
{
    const HostDevice *device = device_of(userdata);

    return device ? api_append(reply, "i", device->numa_node) : -ENOENT;
}

GETTER(get_boot_vga)
{
    const HostDevice *device = device_of(userdata);

    return device ? api_append(reply, "b", (int)device->boot_vga) : -ENOENT;
}

GETTER(get_owner)
{
    ApiObject *object = userdata;
    const HostDevice *device = device_of(userdata);
    if (!device)
        return -ENOENT;

    Manager *manager = object->api->manager;
    return api_append(reply, "s",
                      g_str_equal(property, "Guest")     ? manager_device_guest(manager, device)
                      : g_str_equal(property, "Backend") ? manager_device_backend(manager, device)
                                                         : manager_device_state(manager, device));
}

GETTER(get_upstream)
{
    const HostDevice *device = device_of(userdata);
    if (!device)
        return -ENOENT;

    return api_append(reply, "s", device->has_upstream ? PCI_ADDRESS_STR(device->upstream) : "");
}

GETTER(get_siblings)
{
    ApiObject *object = userdata;
    const HostDevice *device = device_of(userdata);
    if (!device)
        return -ENOENT;

    const Host *host = manager_host(object->api->manager);
    g_autoptr(GPtrArray) slot = host_slot(host, device->address),
                         elsewhere = host_card_elsewhere(host, device);
    g_ptr_array_extend(slot, elsewhere, NULL, NULL);
    int r = sd_bus_message_open_container(reply, 'a', "s");
    for (unsigned i = 0; r >= 0 && i < slot->len; i++) {
        const HostDevice *sibling = g_ptr_array_index(slot, i);
        if (!pci_address_equal(sibling->address, device->address))
            r = api_append(reply, "s", PCI_ADDRESS_STR(sibling->address));
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

GETTER(get_reset_methods)
{
    const HostDevice *device = device_of(userdata);
    if (!device)
        return -ENOENT;

    g_auto(GStrv) methods = g_strsplit(device->reset_methods ?: "", " ", -1);
    return api_append_words(reply, (const char *const *)methods);
}

GETTER(get_reset_set)
{
    ApiObject *object = userdata;
    const HostDevice *device = device_of(userdata);
    g_autoptr(GPtrArray) set = NULL;
    if (!device)
        return -ENOENT;

    reset_set(manager_host(object->api->manager), device, &set);
    int r = sd_bus_message_open_container(reply, 'a', "s");
    for (unsigned i = 0; r >= 0 && i < set->len; i++) {
        const HostDevice *other = g_ptr_array_index(set, i);
        r = api_append(reply, "s", PCI_ADDRESS_STR(other->address));
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

GETTER(get_fingerprint)
{
    ApiObject *object = userdata;
    const HostDevice *device = device_of(userdata);
    if (!device)
        return -ENOENT;

    g_autofree char *text = fingerprint_of(manager_host(object->api->manager), device);
    return api_append(reply, "s", text);
}

static int act_bind_stopping(Api *api, sd_bus_message *message, const char *address);

static int do_bind(Api *api, sd_bus_message *message, const char *address, bool may_stop)
{
    Fault *fault = NULL;
    BindWish wish = {};
    unsigned job = 0;

    pci_address_from_string(address, &wish.address);
    int r = api_read_bind_options(message, &wish, &fault);
    g_auto(GStrv) units = wish.may_stop;
    if (r == 0 && units && !may_stop)
        return api_authorize_stopping(api, message, address, address, act_bind_stopping);
    if (r == 0)
        r = manager_bind(api->manager, &wish, &job, &fault);
    return api_reply_job(message, r, job, fault);
}

static int act_bind(Api *api, sd_bus_message *message, const char *address)
{
    return do_bind(api, message, address, false);
}

static int act_bind_stopping(Api *api, sd_bus_message *message, const char *address)
{
    return do_bind(api, message, address, true);
}

static int act_restore(Api *api, sd_bus_message *message, const char *text)
{
    Fault *fault = NULL;
    PciAddress address = {};
    unsigned job = 0;

    pci_address_from_string(text, &address);
    int r = api_read_no_options(message, &fault);
    if (r == 0)
        r = manager_restore(api->manager, address, &job, &fault);
    return api_reply_job(message, r, job, fault);
}

static int on_bind(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    const ApiObject *object = userdata;

    return api_authorize(object->api, message, "org.usher1.bind-device", object->id, object->id, act_bind);
}

static int on_restore(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    const ApiObject *object = userdata;

    return api_authorize(object->api, message, "org.usher1.restore-device", object->id, object->id,
                         act_restore);
}

static int ask_holders(Api *api, sd_bus_message *message, const char *id, bool may)
{
    ApiEnquiry *enquiry;
    PciAddress address = {};
    Fault *fault = NULL;

    pci_address_from_string(id, &address);
    int r = api_enquiry_new(api, message, &enquiry);
    if (r != 0)
        return r;
    r = manager_holders(api->manager, address, may, api_reply_held, enquiry, &fault);
    return api_enquiry_later(enquiry, r, fault);
}

static int on_list_holders(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    const ApiObject *object = userdata;

    return api_know_right(object->api, message, "org.usher1.bind-device", object->id, ask_holders);
}

static int act_clear_quarantine(Api *api, sd_bus_message *message, const char *address)
{
    Fault *fault = NULL;

    int r = manager_clear_quarantine(api->manager, address, &fault);
    return r != 0 ? api_reply_error(message, r, fault) : sd_bus_reply_method_return(message, NULL);
}

static int on_clear_quarantine(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    const ApiObject *object = userdata;

    return api_authorize(object->api, message, "org.usher1.clear-quarantine", object->id, object->id,
                         act_clear_quarantine);
}

#define CONSTANT SD_BUS_VTABLE_PROPERTY_CONST
#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

const sd_bus_vtable api_device_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("Bind", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("o", job), on_bind,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Restore", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("o", job), on_restore,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("ListHolders", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(sssusssb)", holders),
                            on_list_holders, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("ClearQuarantine", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, on_clear_quarantine,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_PROPERTY("Address", "s", get_text, 0, CONSTANT),
    SD_BUS_PROPERTY("Class", "s", get_name, 0, CONSTANT),
    SD_BUS_PROPERTY("Vendor", "s", get_name, 0, CONSTANT),
    SD_BUS_PROPERTY("Model", "s", get_name, 0, CONSTANT),
    SD_BUS_PROPERTY("ClassId", "s", get_id, 0, CONSTANT),
    SD_BUS_PROPERTY("Id", "s", get_id, 0, CONSTANT),
    SD_BUS_PROPERTY("SubsystemId", "s", get_id, 0, CONSTANT),
    SD_BUS_PROPERTY("Driver", "s", get_text, 0, CHANGES),
    SD_BUS_PROPERTY("DriverOverride", "s", get_text, 0, CHANGES),
    SD_BUS_PROPERTY("Group", "i", get_group, 0, CONSTANT),
    SD_BUS_PROPERTY("Guest", "s", get_owner, 0, CHANGES),
    SD_BUS_PROPERTY("Backend", "s", get_owner, 0, CHANGES),
    SD_BUS_PROPERTY("State", "s", get_owner, 0, CHANGES),
    SD_BUS_PROPERTY("NeededFor", "s", get_text, 0, CHANGES),
    SD_BUS_PROPERTY("Quarantine", "s", get_text, 0, CHANGES),
    SD_BUS_PROPERTY("Siblings", "as", get_siblings, 0, 0),
    SD_BUS_PROPERTY("Upstream", "s", get_upstream, 0, CONSTANT),
    SD_BUS_PROPERTY("BootVga", "b", get_boot_vga, 0, CONSTANT),
    SD_BUS_PROPERTY("ResetMethods", "as", get_reset_methods, 0, 0),
    SD_BUS_PROPERTY("ResetSet", "as", get_reset_set, 0, 0),
    SD_BUS_PROPERTY("Fingerprint", "s", get_fingerprint, 0, CONSTANT),
    SD_BUS_PROPERTY("PowerState", "s", get_text, 0, CHANGES),
    SD_BUS_PROPERTY("NumaNode", "i", get_numa_node, 0, CONSTANT),
    SD_BUS_VTABLE_END,
};
