/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where guests, devices and jobs are on the bus: paths, look-up, enumeration. Objects are found when they are
 * asked for; none is registered by itself. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api-private.h"

static const char *const prefixes[API_KIND_MAX] = {
    [API_GUEST] = API_ROOT "/guest",
    [API_DEVICE] = API_ROOT "/device",
    [API_JOB] = API_ROOT "/job",
};

const char *const api_interfaces[API_KIND_MAX] = {
    [API_GUEST] = "org.usher1.Guest",
    [API_DEVICE] = "org.usher1.Device",
    [API_JOB] = "org.usher1.Job",
};

static const sd_bus_vtable *const vtables[API_KIND_MAX] = {
    [API_GUEST] = api_guest_vtable,
    [API_DEVICE] = api_device_vtable,
    [API_JOB] = api_job_vtable,
};

char *api_path(ApiKind kind, const char *id)
{
    g_autofree char *encoded = NULL;

    /* sd_bus_path_encode(3) would make "_31" of the number 1. */
    if (kind == API_JOB)
        return g_strdup_printf("%s/%s", prefixes[kind], id);
    if (sd_bus_path_encode(prefixes[kind], id, &encoded) < 0)
        return NULL;
    return g_steal_pointer(&encoded);
}

/* The id of an existing object in its one spelling; NULL: there is none. The caller frees it. */
static char *own_id(Api *api, ApiKind kind, const char *id)
{
    PciAddress address;
    const Job *job;
    GuestView view;

    switch (kind) {
    case API_GUEST:
        return manager_guest(api->manager, id, &view) ? g_strdup(id) : NULL;
    case API_DEVICE:
        return pci_address_from_string(id, &address) == 0 && host_find(manager_host(api->manager), address)
                   ? g_strdup(PCI_ADDRESS_STR(address))
                   : NULL;
    default:
        job = manager_job(api->manager, g_ascii_strtoull(id, NULL, 10));
        return job ? g_strdup_printf("%u", job->id) : NULL;
    }
}

static ApiObject *get_object(Api *api, ApiKind kind, const char *id)
{
    ApiObject *object = g_hash_table_lookup(api->objects[kind], id);

    if (object)
        return object;
    g_autofree char *own = own_id(api, kind, id);
    if (!own)
        return NULL;
    object = g_hash_table_lookup(api->objects[kind], own);
    if (object)
        return object;
    object = g_new0(ApiObject, 1);
    *object = (ApiObject){api, g_steal_pointer(&own)};
    g_hash_table_insert(api->objects[kind], object->id, object);
    return object;
}

/* An object has one path. Numbers and addresses have other spellings, and sd_bus_path_decode(3) reads some
 * that sd_bus_path_encode(3) would never write: each would be an object of its own, and kept. */
static int find(Api *api, ApiKind kind, const char *path, void **found)
{
    g_autofree char *id = NULL;

    if (kind == API_JOB && g_str_has_prefix(path, API_ROOT "/job/"))
        id = g_strdup(path + strlen(API_ROOT "/job/"));
    else if (sd_bus_path_decode(path, prefixes[kind], &id) <= 0)
        return 0;
    g_autofree char *own = own_id(api, kind, id), *written = own ? api_path(kind, own) : NULL;
    if (!written || !g_str_equal(path, written))
        return 0;
    *found = get_object(api, kind, own);
    return 1;
}

static int find_guest(sd_bus *bus, const char *path, const char *interface, void *userdata, void **found,
                      sd_bus_error *error)
{
    return find(userdata, API_GUEST, path, found);
}

static int find_device(sd_bus *bus, const char *path, const char *interface, void *userdata, void **found,
                       sd_bus_error *error)
{
    return find(userdata, API_DEVICE, path, found);
}

static int find_job(sd_bus *bus, const char *path, const char *interface, void *userdata, void **found,
                    sd_bus_error *error)
{
    return find(userdata, API_JOB, path, found);
}

/* sd-bus frees what it is given with free(3), which is what g_malloc() uses since glib 2.46. */
static int enumerate_guests(sd_bus *bus, const char *prefix, void *userdata, char ***ret, sd_bus_error *error)
{
    Api *api = userdata;
    g_auto(GStrv) names = manager_guest_names(api->manager);
    unsigned n = g_strv_length(names);
    char **paths = g_new0(char *, n + 1);

    for (unsigned i = 0; i < n; i++)
        paths[i] = api_path(API_GUEST, names[i]);
    *ret = paths;
    return 0;
}

static int enumerate_devices(sd_bus *bus, const char *prefix, void *userdata, char ***ret,
                             sd_bus_error *error)
{
    Api *api = userdata;
    const Host *host = manager_host(api->manager);
    char **paths = g_new0(char *, host->devices->len + 1);

    for (unsigned i = 0; i < host->devices->len; i++) {
        const HostDevice *device = g_ptr_array_index(host->devices, i);
        paths[i] = api_path(API_DEVICE, PCI_ADDRESS_STR(device->address));
    }
    *ret = paths;
    return 0;
}

static int enumerate_jobs(sd_bus *bus, const char *prefix, void *userdata, char ***ret, sd_bus_error *error)
{
    Api *api = userdata;
    g_autoptr(GArray) jobs = manager_jobs(api->manager);
    char **paths = g_new0(char *, jobs->len + 1);

    for (unsigned i = 0; i < jobs->len; i++) {
        g_autofree char *id = g_strdup_printf("%u", g_array_index(jobs, unsigned, i));
        paths[i] = api_path(API_JOB, id);
    }
    *ret = paths;
    return 0;
}

int api_register_objects(Api *api)
{
    static const sd_bus_object_find_t finders[API_KIND_MAX] = {find_guest, find_device, find_job};
    static const sd_bus_node_enumerator_t enumerators[API_KIND_MAX] = {enumerate_guests, enumerate_devices,
                                                                       enumerate_jobs};
    sd_bus_slot *slot;

    for (ApiKind kind = 0; kind < API_KIND_MAX; kind++) {
        int r = sd_bus_add_fallback_vtable(api->bus, &slot, prefixes[kind], api_interfaces[kind],
                                           vtables[kind], finders[kind], api);
        if (r < 0)
            return r;
        g_ptr_array_add(api->slots, slot);
        r = sd_bus_add_node_enumerator(api->bus, &slot, prefixes[kind], enumerators[kind], api);
        if (r < 0)
            return r;
        g_ptr_array_add(api->slots, slot);
    }
    return 0;
}

static int append_property(sd_bus_message *reply, ApiKind kind, ApiObject *object, const char *path,
                           const sd_bus_vtable *entry)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;

    int r = sd_bus_message_open_container(reply, 'e', "sv");
    if (r >= 0)
        r = api_append(reply, "s", entry->x.property.member);
    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'v', entry->x.property.signature);
    if (r >= 0)
        r = entry->x.property.get(object->api->bus, path, api_interfaces[kind], entry->x.property.member,
                                  reply, object, &error);
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    sd_bus_error_free(&error);
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

int api_append_object(sd_bus_message *reply, Api *api, ApiKind kind, const char *id)
{
    g_autofree char *path = api_path(kind, id);
    ApiObject *object = get_object(api, kind, id);

    if (!object)
        return -ENOENT;
    int r = sd_bus_message_open_container(reply, 'r', "oa{sv}");
    if (r >= 0)
        r = api_append(reply, "o", path);
    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "{sv}");
    /* The table that sd-bus reads for Get and GetAll is read here too, so that a list never says less. */
    for (const sd_bus_vtable *entry = vtables[kind]; r >= 0 && entry->type != _SD_BUS_VTABLE_END; entry++)
        if (entry->type == _SD_BUS_VTABLE_PROPERTY)
            r = append_property(reply, kind, object, path, entry);
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    return r < 0 ? r : sd_bus_message_close_container(reply);
}
