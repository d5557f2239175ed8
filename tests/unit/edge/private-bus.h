/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A dbus-daemon of the test's own, and connections to it on the test's loop. Nothing of the machine's bus is
 * used. */
#pragma once

#include <check.h>
#include <glib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

typedef struct PrivateBus {
    char folder[32];
    char *address;
    pid_t pid;
} PrivateBus;

static inline void private_bus_configure(const PrivateBus *bus, const char *config)
{
    FILE *file = fopen(config, "we");

    ck_assert_ptr_nonnull(file);
    fprintf(file,
            "<busconfig><type>session</type><listen>unix:path=%s/bus</listen><auth>EXTERNAL</auth>"
            "<policy context='default'><allow user='*'/><allow own='*'/><allow send_destination='*'/>"
            "<allow send_type='method_call'/><allow receive_sender='*'/></policy></busconfig>\n",
            bus->folder);
    fclose(file);
}

static inline void private_bus_start(PrivateBus *bus)
{
    int ready[2];
    char line[256];

    strcpy(bus->folder, "/tmp/usher-bus-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(bus->folder));
    /* Other users are to reach it too. */
    ck_assert_int_eq(chmod(bus->folder, 0755), 0);
    g_autofree char *config = g_build_filename(bus->folder, "bus.conf", NULL);
    g_autofree char *option = g_strconcat("--config-file=", config, NULL);
    private_bus_configure(bus, config);
    ck_assert_int_eq(pipe(ready), 0);
    bus->pid = fork();
    ck_assert_int_ge(bus->pid, 0);
    if (bus->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ready[1], STDOUT_FILENO);
        /* It complains that it may not raise its limits. */
        close(STDERR_FILENO);
        execlp("dbus-daemon", "dbus-daemon", "--nofork", "--nopidfile", "--print-address=1", option, NULL);
        _exit(127);
    }
    close(ready[1]);
    FILE *output = fdopen(ready[0], "r");
    ck_assert_msg(fgets(line, sizeof(line), output) != NULL, "dbus-daemon does not start");
    bus->address = g_strdup(g_strchomp(line));
    fclose(output);
}

static inline void private_bus_stop(PrivateBus *bus)
{
    g_autofree char *command = g_strdup_printf("rm -rf %s", bus->folder);

    kill(bus->pid, SIGKILL);
    ck_assert_int_eq(waitpid(bus->pid, NULL, 0), bus->pid);
    ck_assert_int_eq(system(command), 0);
    g_clear_pointer(&bus->address, g_free);
}

/* name may be NULL. */
static inline sd_bus *private_bus_connect(const PrivateBus *bus, sd_event *event, const char *name)
{
    sd_bus *connection;

    ck_assert_int_ge(sd_bus_new(&connection), 0);
    ck_assert_int_ge(sd_bus_set_address(connection, bus->address), 0);
    ck_assert_int_ge(sd_bus_set_bus_client(connection, true), 0);
    ck_assert_int_ge(sd_bus_start(connection), 0);
    if (name)
        ck_assert_int_ge(sd_bus_request_name(connection, name, 0), 0);
    if (event)
        ck_assert_int_ge(sd_bus_attach_event(connection, event, 0), 0);
    return connection;
}
