/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../bus/bus.h"
#include "../bus/guest-details.h"
#include "../view/pager.h"
#include "../view/picture.h"
#include "../view/state.h"
#include "verb.h"

/* All that may be shown, fetched once for all names. */
typedef struct Look {
    GPtrArray *guests, *devices, *jobs;
} Look;

static void look_clear(Look *look)
{
    g_clear_pointer(&look->guests, g_ptr_array_unref);
    g_clear_pointer(&look->devices, g_ptr_array_unref);
    g_clear_pointer(&look->jobs, g_ptr_array_unref);
}

static int look_around(Client *client, Look *look)
{
    int status = bus_list(client, "ListGuests", &GUEST_PROPS, &look->guests);

    if (status == STATUS_OK)
        status = bus_list(client, "ListDevices", &DEVICE_PROPS, &look->devices);
    if (status == STATUS_OK)
        status = bus_list(client, "ListJobs", &JOB_PROPS, &look->jobs);
    return status;
}

static const JobProps *job_of(const GPtrArray *jobs, const char *subject)
{
    for (guint i = 0; i < jobs->len; i++) {
        const JobProps *job = g_ptr_array_index(jobs, i);
        if (strcmp(job->subject, subject) == 0 && strcmp(job->state, "running") == 0)
            return job;
    }
    return NULL;
}

/* A guest's name or a device's address; adds to the JSON array if there is one. */
static int show_one(Client *client, const Look *look, const char *subject, json_object *array)
{
    bool is_device = strchr(subject, ':') != NULL;
    const DeviceProps *device = is_device ? devices_find(look->devices, subject) : NULL;
    const GuestProps *guest = is_device ? NULL : guests_find(look->guests, subject);

    if (is_device && !device)
        return devices_report_missing(subject);
    if (!is_device && !guest)
        return guests_report_missing(look->guests, subject);
    if (guest)
        guest_details_get(client, (GuestProps *)guest); /* of the look, which is ours */
    if (array)
        json_object_array_add(array, props_to_json(is_device ? (const void *)device : guest));
    else if (is_device)
        picture_device(&client->terminal, device, job_of(look->jobs, device->address));
    else
        picture_guest(&client->terminal, guest, look->devices, job_of(look->jobs, subject));
    return is_device || guest_runs(guest) ? STATUS_OK : STATUS_NOT_RUNNING;
}

static int show_named(Client *client, const Look *look, char **subjects)
{
    json_object *array = client->json == JSON_OFF ? NULL : json_object_new_array();
    bool single = !subjects[1];
    int status = STATUS_OK;

    for (char **subject = subjects; *subject; subject++) {
        if (subject > subjects && !array)
            putchar('\n');
        status = status_worst(status, show_one(client, look, *subject, array));
    }
    if (array && single && json_object_array_length(array) == 1) {
        json_print(json_object_get(json_object_array_get_idx(array, 0)), client->json);
        json_object_put(array);
    } else {
        json_print_gathered(array, client->json, status != STATUS_NO_SUCH);
    }
    return status;
}

static Overview count_all(const Look *look)
{
    Overview overview = {.guests = look->guests->len};

    for (guint i = 0; i < look->guests->len; i++) {
        const GuestProps *guest = g_ptr_array_index(look->guests, i);
        overview.guests_running += guest_runs(guest);
        overview.guests_failed += guest_ails(guest);
    }
    for (guint i = 0; i < look->devices->len; i++) {
        const DeviceProps *device = g_ptr_array_index(look->devices, i);
        overview.devices += !device_is_bridge(device);
        overview.devices_lent += *device->guest != '\0';
        overview.devices_bound += strcmp(device->state, "bound") == 0;
        overview.devices_stuck += strcmp(device->state, "stuck") == 0;
    }
    for (guint i = 0; i < look->jobs->len; i++)
        overview.jobs += strcmp(((JobProps *)g_ptr_array_index(look->jobs, i))->state, "running") == 0;
    return overview;
}

static int show_overview(Client *client, const Look *look)
{
    _cleanup_props_ ManagerProps *manager = props_new(&MANAGER_PROPS);
    Overview overview = count_all(look);
    char host[256] = "localhost";
    int status = bus_manager(client, manager);

    if (status != STATUS_OK)
        return status;
    gethostname(host, sizeof(host) - 1);
    overview.host = client->host ? client->host : host;
    overview.manager = manager;
    if (client->json != JSON_OFF)
        json_print(overview_to_json(&overview), client->json);
    else
        picture_host(&client->terminal, &overview, look->guests, look->jobs);
    return STATUS_OK;
}

int cmd_status(Client *client, char **args)
{
    __attribute__((cleanup(look_clear))) Look look = {0};
    int status = look_around(client, &look);

    if (status != STATUS_OK)
        return status;
    pager_open(client);
    return *args ? show_named(client, &look, args) : show_overview(client, &look);
}
