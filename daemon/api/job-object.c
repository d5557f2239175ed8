/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.usher1.Job. */
#include <errno.h>

#include "api-private.h"

static const Job *job_of(void *userdata)
{
    ApiObject *object = userdata;

    return manager_job(object->api->manager, g_ascii_strtoull(object->id, NULL, 10));
}

#define GETTER(function)                                                                                     \
    static int function(sd_bus *bus, const char *path, const char *interface, const char *property,          \
                        sd_bus_message *reply, void *userdata, sd_bus_error *error)

GETTER(get_number)
{
    const Job *job = job_of(userdata);
    if (!job)
        return -ENOENT;

    return api_append(reply, "u",
                      g_str_equal(property, "Id")          ? job->id
                      : g_str_equal(property, "StepsDone") ? job->done
                                                           : job->total);
}

GETTER(get_text)
{
    const Job *job = job_of(userdata);
    if (!job)
        return -ENOENT;

    return api_append(reply, "s",
                                 g_str_equal(property, "Type")      ? job_type_to_string(job->type)
                                 : g_str_equal(property, "Subject") ? job->subject
                                 : g_str_equal(property, "State")   ? (job->result ? "ended" : "running")
                                 : g_str_equal(property, "Step")    ? job->step
                                                                    : job->result ?: "");
}

/* What the job says may quote a definition that is not for all to read. */
static bool is_closed(const ApiObject *object, const Job *job)
{
    GuestView view;

    return manager_guest(object->api->manager, job->subject, &view) && view.closed;
}

GETTER(get_message)
{
    const Job *job = job_of(userdata);
    if (!job)
        return -ENOENT;

    bool closed = job->fault && is_closed(userdata, job);
    g_autofree char *words = !job->fault ? g_strdup("")
                             : closed    ? api_closed_words(job->fault, job->subject)
                                         : fault_to_line(job->fault);
    return api_append(reply, "s", words);
}

GETTER(get_warnings)
{
    const Job *job = job_of(userdata);
    if (!job)
        return -ENOENT;

    const char *const none[] = {NULL};
    bool shown = job->warnings && !is_closed(userdata, job);
    return api_append_words(reply, shown ? (const char *const *)job->warnings : none);
}

GETTER(get_error)
{
    const Job *job = job_of(userdata);
    if (!job)
        return -ENOENT;

    g_autofree char *name =
        job->fault ? g_strconcat("org.usher1.Error.", fault_kind_to_string(job->fault->kind), NULL)
                   : g_strdup("");
    return api_append(reply, "s", name);
}

#define CONSTANT SD_BUS_VTABLE_PROPERTY_CONST
#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

const sd_bus_vtable api_job_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("Id", "u", get_number, 0, CONSTANT),
    SD_BUS_PROPERTY("Type", "s", get_text, 0, CONSTANT),
    SD_BUS_PROPERTY("Subject", "s", get_text, 0, CONSTANT),
    SD_BUS_PROPERTY("State", "s", get_text, 0, CHANGES),
    SD_BUS_PROPERTY("Step", "s", get_text, 0, CHANGES),
    SD_BUS_PROPERTY("StepsDone", "u", get_number, 0, CHANGES),
    SD_BUS_PROPERTY("StepsTotal", "u", get_number, 0, CHANGES),
    SD_BUS_PROPERTY("Result", "s", get_text, 0, CHANGES),
    SD_BUS_PROPERTY("Message", "s", get_message, 0, CHANGES),
    SD_BUS_PROPERTY("Warnings", "as", get_warnings, 0, CHANGES),
    SD_BUS_PROPERTY("Error", "s", get_error, 0, CHANGES),
    SD_BUS_VTABLE_END,
};
