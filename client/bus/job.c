/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "job.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "../../daemon/base/cleanup.h"
#include "../screen/progress.h"

/* A job that has been accepted. */
typedef struct Job {
    char *path;
    char *subject;
    JobProps *props; /* as the daemon last announced them */
    bool ended;
    int status;
} Job;

typedef struct Wait {
    Client *client;
    const JobVerb *verb;
    sd_event *event;
    GPtrArray *jobs; /* of Job */
    Progress progress;
    const Job *shown; /* the one on the progress line */
} Wait;

DEFINE_ELEMENT_FREE(Job, job_free, job)
{
    g_free(job->path);
    g_free(job->subject);
    props_free(job->props);
}

static void wait_clear(Wait *wait)
{
    progress_clear(&wait->progress);
    g_ptr_array_unref(wait->jobs);
    sd_event_unref(wait->event);
}

static Job *find_job(Wait *wait, const char *path)
{
    for (guint i = 0; i < wait->jobs->len; i++) {
        Job *job = g_ptr_array_index(wait->jobs, i);
        if (strcmp(job->path, path) == 0)
            return job;
    }
    return NULL;
}

static const Job *first_running(const Wait *wait)
{
    for (guint i = 0; i < wait->jobs->len; i++) {
        const Job *job = g_ptr_array_index(wait->jobs, i);
        if (!job->ended)
            return job;
    }
    return NULL;
}

static void show_progress(Wait *wait)
{
    const Job *job = wait->shown && !wait->shown->ended ? wait->shown : first_running(wait);

    if (!job)
        return;
    progress_show(&wait->progress, job->subject, job->props->steps_done, job->props->steps_total,
                  *job->props->step ? job->props->step : wait->verb->name);
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
    show_progress(userdata);
    sd_event_source_set_time_relative(source, G_USEC_PER_SEC);
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_properties(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    Wait *wait = userdata;
    Job *job = find_job(wait, sd_bus_message_get_path(message));

    if (!job || sd_bus_message_skip(message, "s") < 0 || props_read(message, job->props) < 0)
        return 0;
    wait->shown = job;
    show_progress(wait);
    return 0;
}

/* Says what is to be known of a job, and how it ended, if not well. */
static int judge_job(const Wait *wait, const Job *job, const char *result)
{
    for (char **words = job->props->warnings; *words; words++)
        say("%s: %s", job->subject, *words);
    if (strcmp(result, "done") == 0)
        return STATUS_OK;
    if (*job->props->message)
        say("%s", job->props->message);
    else
        say("The %s of %s ended as \"%s\"; see what happened: journalctl -u usherd", wait->verb->name,
            job->subject, result);
    return bus_error_status(job->props->error);
}

static int on_removed(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    Wait *wait = userdata;
    const char *path, *result;
    Job *job;

    if (sd_bus_message_read(message, "uoss", NULL, &path, NULL, &result) < 0 || !(job = find_job(wait, path)))
        return 0;
    job->ended = true;
    progress_clear(&wait->progress);
    job->status = judge_job(wait, job, result);
    if (wait->verb->failed && strcmp(job->props->error, BUS_ERROR_PREFIX "GuestFailed") == 0)
        wait->verb->failed(wait->client, job->subject);
    if (first_running(wait))
        show_progress(wait);
    else
        sd_event_exit(wait->event, STATUS_OK);
    return 0;
}

/* A job ends with its daemon: the next usherd reads the journal and undoes or finishes it. */
static int on_owner_changed(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    Wait *wait = userdata;
    const char *new_owner;

    if (sd_bus_message_read(message, "sss", NULL, NULL, &new_owner) < 0 || *new_owner != '\0')
        return 0;
    progress_clear(&wait->progress);
    say("usherd went away during the %s of %s; see why: systemctl status usherd, and what is left: usherctl "
        "status",
        wait->verb->name, first_running(wait)->subject);
    return sd_event_exit(wait->event, STATUS_FAILED);
}

static int on_interrupt(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
    Wait *wait = userdata;

    progress_clear(&wait->progress);
    for (guint i = 0; i < wait->jobs->len; i++) {
        const Job *job = g_ptr_array_index(wait->jobs, i);
        if (!job->ended)
            say("The %s of %s goes on without this terminal; see its progress: usherctl status %s",
                wait->verb->name, job->subject, job->subject);
    }
    return sd_event_exit(wait->event, STATUS_DETACHED);
}

static int on_disconnected(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    Wait *wait = userdata;

    progress_clear(&wait->progress);
    return sd_event_exit(wait->event, bus_report(wait->client, "wait for the job", NULL, -ECONNRESET));
}

/* Comes before the first call, or the end of a quick job would be missed. It costs no round trip, as the call
 * is asynchronous and the bus keeps the order. */
static int subscribe(Wait *wait)
{
    sd_bus *bus = wait->client->bus;
    int r;

    if ((r = sd_bus_match_signal_async(bus, NULL, BUS_NAME, BUS_ROOT, BUS_MANAGER, "JobRemoved", on_removed,
                                       NULL, wait)) < 0)
        return r;
    if ((r = sd_bus_add_match_async(bus, NULL,
                                    "type='signal',sender='" BUS_NAME "',path_namespace='" BUS_ROOT "/job',"
                                    "interface='org.freedesktop.DBus.Properties',member='PropertiesChanged'",
                                    on_properties, NULL, wait)) < 0)
        return r;
    if ((r = sd_bus_match_signal_async(bus, NULL, "org.freedesktop.DBus.Local", NULL,
                                       "org.freedesktop.DBus.Local", "Disconnected", on_disconnected, NULL,
                                       wait)) < 0)
        return r;
    return sd_bus_add_match_async(bus, NULL,
                                  "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',"
                                  "arg0='" BUS_NAME "'",
                                  on_owner_changed, NULL, wait);
}

/* Asks for the job; STATUS_OK without one if there was nothing to do. */
static int request_job(Wait *wait, const char *subject)
{
    __attribute__((cleanup(sd_bus_error_free))) sd_bus_error error = SD_BUS_ERROR_NULL;
    g_autofree char *what = g_strdup_printf("%s %s", wait->verb->name, subject);
    g_autoptr(sd_bus_message) call = NULL, reply = NULL;
    const char *path;
    int status, r;

    if ((status = wait->verb->make_call(wait->client, subject, &call)) != STATUS_OK)
        return status;
    if ((r = sd_bus_call(wait->client->bus, call, 0, &error, &reply)) < 0) {
        status = bus_report(wait->client, what, &error, r);
        return wait->verb->already && sd_bus_error_has_name(&error, wait->verb->already) ? STATUS_OK : status;
    }
    if ((r = sd_bus_message_read(reply, "o", &path)) < 0)
        return bus_report(wait->client, what, NULL, r);

    Job *job = g_new0(Job, 1);
    job->path = g_strdup(path);
    job->subject = g_strdup(subject);
    job->props = props_new(&JOB_PROPS);
    g_ptr_array_add(wait->jobs, job);
    return STATUS_OK;
}

static int wait_for_jobs(Wait *wait)
{
    int status, r;

    if ((r = sd_event_default(&wait->event)) < 0 ||
        (r = sd_bus_attach_event(wait->client->bus, wait->event, SD_EVENT_PRIORITY_NORMAL)) < 0 ||
        (r = sd_event_add_signal(wait->event, NULL, SIGINT | SD_EVENT_SIGNAL_PROCMASK, on_interrupt, wait)) <
            0 ||
        (r = sd_event_add_time_relative(wait->event, NULL, CLOCK_MONOTONIC, G_USEC_PER_SEC, 0, on_tick,
                                        wait)) < 0)
        return bus_report(wait->client, "wait for the job", NULL, r);
    show_progress(wait);
    status = sd_event_loop(wait->event);
    sd_bus_detach_event(wait->client->bus);
    if (status < 0)
        return bus_report(wait->client, "wait for the job", NULL, status);
    for (guint i = 0; i < wait->jobs->len; i++)
        status = status_worst(status, ((Job *)g_ptr_array_index(wait->jobs, i))->status);
    return status;
}

int job_run(Client *client, const JobVerb *verb, char **subjects)
{
    __attribute__((cleanup(wait_clear))) Wait wait = {
        .client = client,
        .verb = verb,
        .jobs = g_ptr_array_new_with_free_func(job_free),
        .progress = progress_start(),
    };
    int status = bus_open_asking(client);
    int r;

    if (status != STATUS_OK)
        return status;
    if (!client->no_block && (r = subscribe(&wait)) < 0)
        return bus_report(client, "subscribe to the jobs", NULL, r);
    for (; *subjects; subjects++)
        status = status_worst(status, request_job(&wait, *subjects));
    if (!client->no_block && wait.jobs->len > 0)
        status = status_worst(status, wait_for_jobs(&wait));
    return status;
}
