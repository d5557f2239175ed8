/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "picture.h"

#include <stdio.h>
#include <string.h>

#include "../screen/json.h"
#include "../screen/text.h"
#include "state.h"

/* The labels' column, wide enough for "Description". */
#define LABEL_WIDTH 11

static void print_field(const char *label, const char *text)
{
    g_autofree char *printable = text_printable(text, false);

    if (*text)
        printf("%*s: %s\n", LABEL_WIDTH, label, printable);
}

static void print_coloured(const Terminal *terminal, const char *label, Colour colour, const char *text)
{
    g_autofree char *printable = text_printable(text, false);

    if (*text)
        printf("%*s: %s%s%s\n", LABEL_WIDTH, label, terminal_colour(terminal, colour), printable,
               terminal_colour(terminal, COLOUR_NORMAL));
}

static void print_job(const JobProps *job)
{
    g_autofree char *step = NULL;

    if (!job)
        return;
    step = text_printable(job->step, false);
    printf("%*s: %u %s, %u of %u%s%s\n", LABEL_WIDTH, "Job", job->id, job->kind, job->steps_done,
           job->steps_total, *step ? ": " : "", step);
}

static void print_heading(const Terminal *terminal, Glyph glyph, Colour colour, const char *name,
                          const char *text)
{
    g_autofree char *printable = text_printable(text, false);

    printf("%s%s%s %s%s%s\n", terminal_colour(terminal, colour), terminal_glyph(terminal, glyph),
           terminal_colour(terminal, COLOUR_NORMAL), name, *text ? " - " : "", printable);
}

static void print_state(const Terminal *terminal, const GuestProps *guest)
{
    g_autofree char *state = guest_state_text(guest);
    g_autofree char *since = guest->since > 0 ? text_since(guest->since, (uint64_t)g_get_real_time()) : NULL;

    printf("%*s: %s%s%s%s%s\n", LABEL_WIDTH, "State", terminal_colour(terminal, guest_colour(guest)), state,
           terminal_colour(terminal, COLOUR_NORMAL), since ? " since " : "", since ? since : "");
}

/* "0000:01:00.0 VGA compatible controller: AMD Rage 128 [vfio-pci, iommufd]", one a line. */
static void print_devices(const GuestProps *guest, const GPtrArray *devices)
{
    for (char **address = guest->devices; *address; address++) {
        const DeviceProps *device = devices_find(devices, *address);
        g_autofree char *label = device ? device_label(device) : g_strdup("not in this host");
        g_autofree char *printable = text_printable(label, false);
        bool first = address == guest->devices;

        printf("%*s%s %s %s", LABEL_WIDTH, first ? "Devices" : "", first ? ":" : " ", *address, printable);
        if (device && *device->driver)
            printf(" [%s%s%s]", device->driver, *device->backend ? ", " : "", device->backend);
        putchar('\n');
    }
}

static void print_last_words(const GuestProps *guest)
{
    g_autofree char *words = text_printable(guest->last_words, true);
    g_auto(GStrv) lines = g_strsplit(g_strchomp(words), "\n", -1);

    if (!*words)
        return;
    puts("\nQEMU's last words:");
    for (char **line = lines; *line; line++)
        printf("    %s\n", *line);
}

void picture_guest(const Terminal *terminal, const GuestProps *guest, const GPtrArray *devices,
                   const JobProps *job)
{
    bool described = strcmp(guest->description, guest->name) != 0;

    print_heading(terminal, guest_glyph(guest), guest_colour(guest), guest->name,
                  described ? guest->description : "");
    print_field("Definition", guest->source);
    print_coloured(terminal, "Invalid", COLOUR_BAD, guest->definition_error);
    print_state(terminal, guest);
    print_job(job);
    print_field("Unit", guest->unit);
    if (guest->pid > 0)
        printf("%*s: %u\n", LABEL_WIDTH, "PID", guest->pid);
    print_devices(guest, devices);
    for (char **words = guest->usb; *words; words++)
        print_field("USB", *words);
    print_field("Agent", guest->agent);
    if (*guest->addresses) {
        g_autofree char *addresses = g_strjoinv(", ", guest->addresses);
        print_field("Addresses", addresses);
    }
    for (char **words = guest->warnings; *words; words++)
        print_coloured(terminal, "Warning", COLOUR_BUSY, *words);
    for (char **words = guest->drift; *words; words++)
        print_coloured(terminal, "Drift", COLOUR_BAD, *words);
    print_coloured(terminal, "Tainted", COLOUR_BUSY,
                   guest->tainted ? "the definition's [QEMU] section changes how QEMU runs" : "");
    print_coloured(terminal, "Error", COLOUR_BAD, guest->error);
    print_last_words(guest);
}

static void print_list(const char *label, char **texts)
{
    g_autofree char *joined = g_strjoinv(" ", texts);

    print_field(label, joined);
}

void picture_device(const Terminal *terminal, const DeviceProps *device, const JobProps *job)
{
    g_autofree char *label = device_label(device);
    g_autofree char *ids = g_strdup_printf("class %s, device %s, subsystem %s", device->class_id, device->id,
                                           device->subsystem_id);
    bool lent = strcmp(device->state, "guest") == 0 || strcmp(device->state, "bound") == 0;
    Glyph glyph = device_ails(device) ? GLYPH_CROSS : lent ? GLYPH_FULL : GLYPH_EMPTY;

    print_heading(terminal, glyph, device_colour(device), device->address, label);
    print_coloured(terminal, "State", device_colour(device), device->state);
    print_job(job);
    print_field("Guest", device->guest);
    print_field("Backend", device->backend);
    print_field("Driver", *device->driver ? device->driver : "none");
    print_field("Override", device->driver_override);
    print_coloured(terminal, "Host needs", COLOUR_BUSY, device->needed_for);
    print_coloured(terminal, "Quarantine", COLOUR_BAD, device->quarantine);
    print_field("IDs", ids);
    if (device->group >= 0)
        printf("%*s: %d\n", LABEL_WIDTH, "Group", device->group);
    print_list("Siblings", device->siblings);
    print_field("Upstream", device->upstream);
    print_list("Resets", device->reset_methods);
    print_list("Reset with", device->reset_set);
    print_field("Fingerprint", device->fingerprint);
    print_field("Power", device->power_state);
    if (device->numa_node >= 0)
        printf("%*s: %d\n", LABEL_WIDTH, "NUMA node", device->numa_node);
    if (device->boot_vga)
        print_field("Boot VGA", "yes");
}

/* Prints ", 2 running", or nothing if there are none. */
static void print_count(unsigned count, const char *what)
{
    if (count > 0)
        printf(", %u %s", count, what);
}

static void print_counts(const Overview *overview)
{
    printf("%*s: %u", LABEL_WIDTH, "Guests", overview->guests);
    print_count(overview->guests_running, "running");
    print_count(overview->guests_failed, "failed");
    printf("\n%*s: %u", LABEL_WIDTH, "Devices", overview->devices);
    print_count(overview->devices_lent, "with guests");
    print_count(overview->devices_bound, "bound");
    print_count(overview->devices_stuck, "stuck");
    printf("\n%*s: %u\n", LABEL_WIDTH, "Jobs", overview->jobs);
}

static void print_guest_line(const Terminal *terminal, const GuestProps *guest, int width)
{
    g_autofree char *state = guest_state_text(guest);
    const char *why = *guest->definition_error ? guest->definition_error : guest->error;
    g_autofree char *text = text_printable(*why ? why : guest->description, false);
    const char *colour = terminal_colour(terminal, guest_colour(guest));
    const char *normal = terminal_colour(terminal, COLOUR_NORMAL);

    printf("%s%s%s %-*s  %s%s%s  %s\n", colour, terminal_glyph(terminal, guest_glyph(guest)), normal, width,
           guest->name, colour, state, normal, text);
}

void picture_host(const Terminal *terminal, const Overview *overview, const GPtrArray *guests,
                  const GPtrArray *jobs)
{
    bool well = overview->guests_failed == 0 && overview->devices_stuck == 0;
    int width = 0;

    print_heading(terminal, well ? GLYPH_FULL : GLYPH_CROSS, well ? COLOUR_GOOD : COLOUR_BAD, overview->host,
                  "");
    printf("%*s: usherd %s (launcher: %s)\n", LABEL_WIDTH, "Daemon", overview->manager->version,
           overview->manager->launcher);
    print_counts(overview);
    for (guint i = 0; i < jobs->len; i++) {
        const JobProps *job = g_ptr_array_index(jobs, i);
        printf("%*s: %s: %s\n", LABEL_WIDTH, job->kind, job->subject, *job->step ? job->step : job->state);
    }
    if (guests->len > 0)
        putchar('\n');
    for (guint i = 0; i < guests->len; i++)
        width = MAX(width, (int)strlen(((GuestProps *)g_ptr_array_index(guests, i))->name));
    for (guint i = 0; i < guests->len; i++)
        print_guest_line(terminal, g_ptr_array_index(guests, i), width);
}

static void add_number(json_object *object, const char *key, unsigned number)
{
    json_object_object_add(object, key, json_object_new_int64(number));
}

json_object *overview_to_json(const Overview *overview)
{
    json_object *object = json_strings("host", overview->host, "version", overview->manager->version,
                                       "launcher", overview->manager->launcher, NULL);

    add_number(object, "guests", overview->guests);
    add_number(object, "guests_running", overview->guests_running);
    add_number(object, "guests_failed", overview->guests_failed);
    add_number(object, "devices", overview->devices);
    add_number(object, "devices_lent", overview->devices_lent);
    add_number(object, "devices_bound", overview->devices_bound);
    add_number(object, "devices_stuck", overview->devices_stuck);
    add_number(object, "jobs", overview->jobs);
    return object;
}
