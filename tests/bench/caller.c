/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A client of usherd that knows what time it is: one connection, and no process started for each call. It
 * prints numbers, in milliseconds unless said.
 *
 *      caller calls COUNT ping|list|get|property|peer NAME
 *                                                         median, 99th percentile, calls per second; peer: the
 * calls go to a process that does nothing but answer
 *      caller job start|kill NAME, caller job bind|restore ADDRESS
 *                                                         call to JobRemoved; for kill before it: call to the
 * end of QEMU's process */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#define NAME "org.usher1"
#define ROOT "/org/usher1"
#define MANAGER "org.usher1.Manager"
#define GUEST "org.usher1.Guest"
#define DEADLINE_MS 60000

static uint64_t now_nsec(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static double msec_since(uint64_t begin)
{
    return (now_nsec() - begin) / 1e6;
}

static void give_up(const char *what, int error, const sd_bus_error *why)
{
    fprintf(stderr, "caller: %s: %s\n", what, why && why->message ? why->message : strerror(-error));
    exit(EXIT_FAILURE);
}

static char *guest_path(const char *name)
{
    char *path = NULL;

    if (sd_bus_path_encode(ROOT "/guest", name, &path) < 0)
        give_up(name, -ENOMEM, NULL);
    return path;
}

/* Calls. */

/* A process that answers pings, as sd-bus does by itself, and ends with this one: what the bus and the machine alone take.
 * Its name on the bus is written to name. */
static void start_peer(char *name, size_t size)
{
    const char *unique;
    sd_bus *bus = NULL;
    int ends[2];

    if (pipe(ends) < 0)
        give_up("pipe", -errno, NULL);
    if (fork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (sd_bus_open_system(&bus) < 0 || sd_bus_get_unique_name(bus, &unique) < 0 ||
            write(ends[1], unique, strlen(unique) + 1) < 0)
            _exit(EXIT_FAILURE);
        int r;
        while ((r = sd_bus_process(bus, NULL)) >= 0)
            if (r == 0)
                sd_bus_wait(bus, UINT64_MAX);
        _exit(EXIT_FAILURE);
    }
    close(ends[1]);
    if (read(ends[0], name, size) <= 0)
        give_up("peer", -EPIPE, NULL);
    close(ends[0]);
}

static sd_bus_message *new_call(sd_bus *bus, const char *kind, const char *guest, const char *path)
{
    static char peer[256];
    sd_bus_message *call = NULL;
    int r = -EINVAL;

    if (strcmp(kind, "peer") == 0 && !*peer)
        start_peer(peer, sizeof(peer));
    if (strcmp(kind, "peer") == 0)
        r = sd_bus_message_new_method_call(bus, &call, peer, "/", "org.freedesktop.DBus.Peer", "Ping");
    else if (strcmp(kind, "ping") == 0)
        r = sd_bus_message_new_method_call(bus, &call, NAME, ROOT, "org.freedesktop.DBus.Peer", "Ping");
    else if (strcmp(kind, "list") == 0)
        r = sd_bus_message_new_method_call(bus, &call, NAME, ROOT, MANAGER, "ListGuests");
    else if (strcmp(kind, "get") == 0)
        r = sd_bus_message_new_method_call(bus, &call, NAME, ROOT, MANAGER, "GetGuest");
    else if (strcmp(kind, "property") == 0)
        r = sd_bus_message_new_method_call(bus, &call, NAME, path, "org.freedesktop.DBus.Properties", "Get");
    if (r >= 0 && strcmp(kind, "get") == 0)
        r = sd_bus_message_append(call, "s", guest);
    if (r >= 0 && strcmp(kind, "property") == 0)
        r = sd_bus_message_append(call, "ss", GUEST, "State");
    if (r < 0)
        give_up(kind, r, NULL);
    return call;
}

static double call_once(sd_bus *bus, const char *kind, const char *guest, const char *path)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *reply = NULL;
    uint64_t begin = now_nsec();

    sd_bus_message *call = new_call(bus, kind, guest, path);
    int r = sd_bus_call(bus, call, 0, &error, &reply);
    if (r < 0)
        give_up(kind, r, &error);
    sd_bus_message_unref(reply);
    sd_bus_message_unref(call);
    return msec_since(begin);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static void time_calls(sd_bus *bus, unsigned count, const char *kind, const char *guest)
{
    double *took = calloc(count, sizeof(double)), all;
    char *path = guest_path(guest);

    if (!took || count == 0)
        give_up("calls", -EINVAL, NULL);
    for (unsigned i = 0; i < count / 10; i++)
        call_once(bus, kind, guest, path);
    uint64_t begin = now_nsec();
    for (unsigned i = 0; i < count; i++)
        took[i] = call_once(bus, kind, guest, path);
    all = msec_since(begin);
    qsort(took, count, sizeof(double), compare);
    printf("%.4f %.4f %.0f\n", took[count / 2], took[(size_t)count * 99 / 100], count / all * 1000);
    free(path);
    free(took);
}

/* Jobs. */

typedef struct Ended {
    const char *subject;
    char result[32]; /* "": not yet */
} Ended;

/* By subject: the signal of a job that is soon over may come before the reply that names it. */
static int on_removed(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    Ended *ended = userdata;
    const char *path, *subject, *result;
    uint32_t id;

    if (sd_bus_message_read(message, "uoss", &id, &path, &subject, &result) >= 0 &&
        strcmp(subject, ended->subject) == 0)
        snprintf(ended->result, sizeof(ended->result), "%s", result);
    return 0;
}

static int open_guest_process(sd_bus *bus, const char *path)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    uint32_t pid;

    int r = sd_bus_get_property_trivial(bus, NAME, path, GUEST, "Pid", &error, 'u', &pid);
    if (r < 0)
        give_up("Pid", r, &error);
    r = pidfd_open(pid, 0);
    if (r < 0)
        give_up("pidfd_open", -errno, NULL);
    return r;
}

static void send_job(sd_bus *bus, const char *verb, const char *subject, const char *path)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    int r = -EINVAL;

    if (strcmp(verb, "start") == 0)
        r = sd_bus_call_method(bus, NAME, ROOT, MANAGER, "StartGuest", &error, NULL, "sa{sv}", subject, 0);
    else if (strcmp(verb, "bind") == 0)
        r = sd_bus_call_method(bus, NAME, ROOT, MANAGER, "BindDevice", &error, NULL, "sa{sv}", subject, 0);
    else if (strcmp(verb, "restore") == 0)
        r = sd_bus_call_method(bus, NAME, ROOT, MANAGER, "RestoreDevice", &error, NULL, "sa{sv}", subject, 0);
    else if (strcmp(verb, "kill") == 0)
        r = sd_bus_call_method(bus, NAME, path, GUEST, "Kill", &error, NULL, "");
    if (r < 0)
        give_up(verb, r, &error);
}

static void time_job(sd_bus *bus, const char *verb, const char *subject)
{
    Ended ended = {.subject = subject};
    char *path = guest_path(subject);
    int process = strcmp(verb, "kill") == 0 ? open_guest_process(bus, path) : -1;

    int r = sd_bus_match_signal(bus, NULL, NAME, ROOT, MANAGER, "JobRemoved", on_removed, &ended);
    if (r < 0)
        give_up("match", r, NULL);
    uint64_t begin = now_nsec();
    send_job(bus, verb, subject, path);
    bool gone = process < 0;
    while (!*ended.result || !gone) {
        struct pollfd fds[] = {{.fd = sd_bus_get_fd(bus), .events = POLLIN},
                               {.fd = gone ? -1 : process, .events = POLLIN}};
        while ((r = sd_bus_process(bus, NULL)) > 0)
            ;
        if (r < 0)
            give_up(verb, r, NULL);
        if (*ended.result && gone)
            break;
        if (poll(fds, 2, DEADLINE_MS) <= 0)
            give_up(verb, -ETIMEDOUT, NULL);
        if (!gone && fds[1].revents) {
            printf("%.3f ", msec_since(begin));
            gone = true;
        }
    }
    printf("%.3f\n", msec_since(begin));
    if (strcmp(ended.result, "done") != 0) {
        fprintf(stderr, "caller: %s %s: %s\n", verb, subject, ended.result);
        exit(EXIT_FAILURE);
    }
    free(path);
}

int main(int argc, char *argv[])
{
    sd_bus *bus = NULL;

    int r = sd_bus_open_system(&bus);
    if (r < 0)
        give_up("system bus", r, NULL);
    if (argc == 5 && strcmp(argv[1], "calls") == 0) {
        time_calls(bus, strtoul(argv[2], NULL, 10), argv[3], argv[4]);
    } else if (argc == 4 && strcmp(argv[1], "job") == 0) {
        time_job(bus, argv[2], argv[3]);
    } else {
        fprintf(stderr, "see the head of caller.c\n");
        return 2;
    }
    sd_bus_flush_close_unref(bus);
    return 0;
}
