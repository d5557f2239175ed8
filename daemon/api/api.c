/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>

#include "../base/cleanup.h"
#include "../base/log.h"
#include "api-private.h"

DEFINE_ELEMENT_FREE(ApiObject, object_free, object)
{
    g_free(object->id);
}

static void announce_guest(Api *api, const char *path)
{
    sd_bus_emit_properties_changed(api->bus, path, api_interfaces[API_GUEST], "Description", "State",
                                   "SubState", "Pid", "Devices", "Usb", "Warnings", "Display", "Tainted",
                                   "Agent", "Addresses", "Drift", "Error", "Since", "DefinitionError", NULL);
}

static void announce_device(Api *api, const char *path)
{
    sd_bus_emit_properties_changed(api->bus, path, api_interfaces[API_DEVICE], "Driver", "DriverOverride",
                                   "Guest", "Backend", "State", "NeededFor", "PowerState", NULL);
}

static void announce_job(Api *api, const char *path)
{
    sd_bus_emit_properties_changed(api->bus, path, api_interfaces[API_JOB], "State", "Step", "StepsDone",
                                   "StepsTotal", "Result", "Message", "Warnings", "Error", NULL);
}

static void signal_job(Api *api, const char *member, const char *path, const char *id)
{
    const Job *job = manager_job(api->manager, g_ascii_strtoull(id, NULL, 10));

    if (job->result)
        sd_bus_emit_signal(api->bus, API_ROOT, "org.usher1.Manager", member, "uoss", job->id, path,
                           job->subject, job->result);
    else
        sd_bus_emit_signal(api->bus, API_ROOT, "org.usher1.Manager", member, "uos", job->id, path,
                           job->subject);
}

static void forget(Api *api, ApiKind kind, const char *id, const char *path)
{
    sd_bus_emit_interfaces_removed(api->bus, path, api_interfaces[kind], NULL);
    g_hash_table_remove(api->objects[kind], id);
}

static void on_change(ManagerChange change, const char *id, void *userdata)
{
    Api *api = userdata;
    ApiKind kind = change <= MANAGER_GUEST_REMOVED    ? API_GUEST
                   : change <= MANAGER_DEVICE_REMOVED ? API_DEVICE
                                                      : API_JOB;
    g_autofree char *path = api_path(kind, id);

    switch (change) {
    case MANAGER_GUEST_CHANGED:
        announce_guest(api, path);
        return;
    case MANAGER_DEVICE_CHANGED:
        announce_device(api, path);
        return;
    case MANAGER_JOB_CHANGED:
        announce_job(api, path);
        return;
    case MANAGER_GUEST_ADDED:
    case MANAGER_DEVICE_ADDED:
        sd_bus_emit_interfaces_added(api->bus, path, api_interfaces[kind], NULL);
        return;
    case MANAGER_JOB_ADDED:
        sd_bus_emit_interfaces_added(api->bus, path, api_interfaces[kind], NULL);
        signal_job(api, "JobNew", path, id);
        return;
    case MANAGER_GUEST_REMOVED:
    case MANAGER_DEVICE_REMOVED:
        forget(api, kind, id, path);
        return;
    case MANAGER_JOB_ENDED:
        announce_job(api, path);
        signal_job(api, "JobRemoved", path, id);
        forget(api, kind, id, path);
        return;
    }
}

static void on_caller_left(CallerDue kind, void *due, void *userdata)
{
    if (kind == CALLER_QUESTION)
        api_enquiry_drop(due);
    else
        api_pending_drop(userdata, due);
}

int api_new(sd_bus *bus, Manager *manager, Api **ret)
{
    Api *api = g_new0(Api, 1);
    sd_bus_slot *slot;

    api->bus = sd_bus_ref(bus);
    api->manager = manager;
    api->slots = g_ptr_array_new_with_free_func((GDestroyNotify)sd_bus_slot_unref);
    api->pending = g_ptr_array_new_with_free_func(api_pending_free);
    api->checking = g_ptr_array_new();
    api->callers = callers_new(bus, on_caller_left, api);
    api->unread = unread_new(bus);
    for (ApiKind kind = 0; kind < API_KIND_MAX; kind++)
        api->objects[kind] = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, object_free);

    int r = api_gate_new(api);
    if (r >= 0)
        r = sd_bus_add_object_vtable(bus, &slot, API_ROOT, "org.usher1.Manager", api_manager_vtable, api);
    if (r >= 0) {
        g_ptr_array_add(api->slots, slot);
        r = sd_bus_add_object_manager(bus, &slot, API_ROOT);
    }
    if (r >= 0) {
        g_ptr_array_add(api->slots, slot);
        r = api_register_objects(api);
    }
    if (r < 0) {
        api_free(api);
        return r;
    }
    manager_listen(manager, on_change, api);
    *ret = api;
    return 0;
}

DEFINE_FREE(Api, api_free, api)
{
    manager_listen(api->manager, NULL, NULL);
    sd_event_source_disable_unref(api->check_timer);
    api->closing = true;
    /* What they wait for goes with them. */
    callers_free(api->callers);
    unread_free(api->unread);
    g_ptr_array_free(api->checking, TRUE);
    g_ptr_array_free(api->pending, TRUE);
    g_ptr_array_free(api->slots, TRUE);
    for (ApiKind kind = 0; kind < API_KIND_MAX; kind++)
        g_hash_table_destroy(api->objects[kind]);
    sd_bus_unref(api->bus);
}

static int on_named(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    Api *api = userdata;
    uint32_t result = 0;
    int r = -sd_bus_message_get_errno(reply);

    if (r == 0)
        r = sd_bus_message_read(reply, "u", &result);
    /* 1: primary owner, 4: already ours (D-Bus specification, RequestName). */
    if (r >= 0 && result != 1 && result != 4)
        r = -EEXIST;
    api->named(r < 0 ? r : 0, api->named_userdata);
    return 0;
}

int api_request_name(Api *api, void (*done)(int error, void *userdata), void *userdata)
{
    sd_bus_slot *slot;

    api->named = done;
    api->named_userdata = userdata;
    /* 4: do not queue. */
    int r =
        sd_bus_call_method_async(api->bus, &slot, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                 "org.freedesktop.DBus", "RequestName", on_named, api, "su", "org.usher1", 4);
    if (r >= 0)
        g_ptr_array_add(api->slots, slot);
    return r;
}
