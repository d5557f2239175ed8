/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "../bus/bus.h"
#include "../screen/text.h"
#include "verb.h"

typedef struct Monitor {
    Client *client;
    sd_event *event;
} Monitor;

static void monitor_clear(Monitor *monitor)
{
    sd_event_unref(monitor->event);
}

/* One event, one line: "12:00:03 guest win10 running", or an object with the same. */
static void print_event(const Monitor *monitor, const char *kind, const char *subject, const char *text)
{
    time_t now = time(NULL);
    char stamp[32] = "";
    struct tm tm;

    if (monitor->client->json != JSON_OFF) {
        strftime(stamp, sizeof(stamp), "%FT%T%z", localtime_r(&now, &tm));
        json_print(json_strings("time", stamp, "kind", kind, "subject", subject, "text", text, NULL),
                   monitor->client->json);
    } else {
        g_autofree char *printable = text_printable(text, false);
        strftime(stamp, sizeof(stamp), "%T", localtime_r(&now, &tm));
        printf("%s  %-6s  %s  %s\n", stamp, kind, subject, printable);
    }
}

/* The last part of an object's path, decoded: "win10". The caller frees it; NULL if it is another kind of
 * object. */
static char *subject_of(const char *path, const char *prefix)
{
    g_autofree char *root = g_strconcat(BUS_ROOT, "/", prefix, NULL);
    char *subject = NULL;

    return sd_bus_path_decode(path, root, &subject) > 0 ? subject : NULL;
}

/* "name value" for a changed property that matters to people; NULL for the others. The caller frees it. */
static char *change_text(const char *property, const char *value)
{
    static const char *const told[] = {"State",  "SubState", "Error", "DefinitionError",
                                       "Driver", "Guest",    NULL};

    if (!g_strv_contains(told, property))
        return NULL;
    if (strcmp(property, "State") == 0)
        return g_strdup(value);
    if (!*value && strcmp(property, "Driver") != 0)
        return NULL;

    g_autofree char *key = text_to_key(property);
    return g_strdup_printf("%s %s", g_strdelimit(key, "_", ' '), *value ? value : "none");
}

/* Each string property that has changed is an event of its own. */
static int print_changes(const Monitor *monitor, sd_bus_message *message, const char *kind,
                         const char *subject)
{
    const char *property, *contents, *value;
    int r = sd_bus_message_enter_container(message, 'a', "{sv}");

    if (r < 0)
        return r;
    while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
        if ((r = sd_bus_message_read_basic(message, 's', &property)) < 0 ||
            (r = sd_bus_message_peek_type(message, NULL, &contents)) < 0)
            return r;
        if (strcmp(contents, "s") != 0) {
            r = sd_bus_message_skip(message, "v");
        } else if ((r = sd_bus_message_read(message, "v", "s", &value)) >= 0) {
            g_autofree char *text = change_text(property, value);
            if (text)
                print_event(monitor, kind, subject, text);
        }
        if (r < 0 || (r = sd_bus_message_exit_container(message)) < 0)
            return r;
    }
    return r;
}

static void print_step(const Monitor *monitor, sd_bus_message *message, const char *id)
{
    _cleanup_props_ JobProps *job = props_new(&JOB_PROPS);

    if (props_read(message, job) < 0)
        return;
    if (*job->message)
        print_event(monitor, "job", id, job->message);
    else if (*job->step)
        print_event(monitor, "job", id, job->step);
}

static int on_properties(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    const char *path = sd_bus_message_get_path(message), *interface;
    g_autofree char *guest = subject_of(path, "guest");
    g_autofree char *device = subject_of(path, "device");
    g_autofree char *job = subject_of(path, "job");

    if (sd_bus_message_read(message, "s", &interface) < 0)
        return 0;
    if (guest)
        print_changes(userdata, message, "guest", guest);
    else if (device)
        print_changes(userdata, message, "device", device);
    else if (job)
        print_step(userdata, message, job);
    return 0;
}

static int on_job_new(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    const char *subject;
    uint32_t id;

    if (sd_bus_message_read(message, "uos", &id, NULL, &subject) < 0)
        return 0;
    g_autofree char *number = g_strdup_printf("%u", id);
    g_autofree char *text = g_strdup_printf("begins, for %s", subject);
    print_event(userdata, "job", number, text);
    return 0;
}

static int on_job_removed(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    const char *subject, *result;
    uint32_t id;

    if (sd_bus_message_read(message, "uoss", &id, NULL, &subject, &result) < 0)
        return 0;
    g_autofree char *number = g_strdup_printf("%u", id);
    g_autofree char *text = g_strdup_printf("ended for %s: %s", subject, result);
    print_event(userdata, "job", number, text);
    return 0;
}

/* Objects come and go: a device is plugged in, a definition appears. */
static int on_object(sd_bus_message *message, void *userdata, const char *text)
{
    g_autofree char *guest = NULL, *device = NULL;
    const char *path;

    if (sd_bus_message_read(message, "o", &path) < 0)
        return 0;
    guest = subject_of(path, "guest");
    device = subject_of(path, "device");
    if (guest || device)
        print_event(userdata, guest ? "guest" : "device", guest ? guest : device, text);
    return 0;
}

static int on_added(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    return on_object(message, userdata, "appeared");
}

static int on_gone(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    return on_object(message, userdata, "is gone");
}

static int on_owner_changed(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    const char *new_owner;

    if (sd_bus_message_read(message, "sss", NULL, NULL, &new_owner) >= 0)
        print_event(userdata, "daemon", "usherd", *new_owner ? "started" : "went away");
    return 0;
}

static int on_disconnected(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    Monitor *monitor = userdata;

    return sd_event_exit(monitor->event, bus_report(monitor->client, "go on", NULL, -ECONNRESET));
}

static int subscribe(Monitor *monitor)
{
    static const struct {
        const char *sender, *path, *interface, *member;
        sd_bus_message_handler_t handler;
    } signals[] = {
        {BUS_NAME, BUS_ROOT, BUS_MANAGER, "JobNew", on_job_new},
        {BUS_NAME, BUS_ROOT, BUS_MANAGER, "JobRemoved", on_job_removed},
        {BUS_NAME, NULL, "org.freedesktop.DBus.Properties", "PropertiesChanged", on_properties},
        {BUS_NAME, BUS_ROOT, "org.freedesktop.DBus.ObjectManager", "InterfacesAdded", on_added},
        {BUS_NAME, BUS_ROOT, "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved", on_gone},
        {"org.freedesktop.DBus.Local", NULL, "org.freedesktop.DBus.Local", "Disconnected", on_disconnected},
    };
    sd_bus *bus = monitor->client->bus;
    int r;

    for (size_t i = 0; i < G_N_ELEMENTS(signals); i++) {
        r = sd_bus_match_signal(bus, NULL, signals[i].sender, signals[i].path, signals[i].interface,
                                signals[i].member, signals[i].handler, monitor);
        if (r < 0)
            return r;
    }
    return sd_bus_add_match(
        bus, NULL,
        "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" BUS_NAME "'",
        on_owner_changed, monitor);
}

static int on_interrupt(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
    return sd_event_exit(((Monitor *)userdata)->event, STATUS_OK);
}

int cmd_monitor(Client *client, char **args)
{
    __attribute__((cleanup(monitor_clear))) Monitor monitor = {.client = client};
    g_autoptr(GPtrArray) jobs = NULL;
    int status = bus_open(client);
    int r;

    if (status != STATUS_OK)
        return status;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if ((r = subscribe(&monitor)) < 0)
        return bus_report(client, "subscribe to the changes", NULL, r);
    /* Starts the daemon if it does not run, and reports at once if that is impossible. */
    if ((status = bus_list(client, "ListJobs", &JOB_PROPS, &jobs)) != STATUS_OK)
        return status;
    if ((r = sd_event_default(&monitor.event)) < 0 ||
        (r = sd_bus_attach_event(client->bus, monitor.event, SD_EVENT_PRIORITY_NORMAL)) < 0 ||
        (r = sd_event_add_signal(monitor.event, NULL, SIGINT | SD_EVENT_SIGNAL_PROCMASK, on_interrupt,
                                 &monitor)) < 0 ||
        (r = sd_event_add_signal(monitor.event, NULL, SIGTERM | SD_EVENT_SIGNAL_PROCMASK, on_interrupt,
                                 &monitor)) < 0)
        return bus_report(client, "wait for changes", NULL, r);
    for (guint i = 0; i < jobs->len; i++) {
        const JobProps *job = g_ptr_array_index(jobs, i);
        g_autofree char *id = g_strdup_printf("%u", job->id);
        g_autofree char *text = g_strdup_printf("is under way: %s %s", job->kind, job->subject);
        print_event(&monitor, "job", id, text);
    }
    r = sd_event_loop(monitor.event);
    sd_bus_detach_event(client->bus);
    return r < 0 ? bus_report(client, "wait for changes", NULL, r) : r;
}
