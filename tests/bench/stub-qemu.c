/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is left of QEMU when everything is taken away that takes time: it says over QMP what usherd wants to
 * hear, one connection after the other as QEMU does, and ends when it is told to. A figure measured with it
 * is usherd's own. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GREETING                                                                                             \
    "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 2, \"major\": 7}, \"package\": "           \
    "\"stub\"}, \"capabilities\": [\"oob\"]}}\r\n"
/* As many as QEMU 7.2 has, so that what usherd keeps of them has its size. */
#define TYPES 550
#define PROPERTIES 40

typedef struct Stub {
    FILE *out;
    bool running, over;
    const char *status;
} Stub;

static void event(Stub *stub, const char *name, const char *data)
{
    fprintf(stub->out, "{\"timestamp\": {\"seconds\": 0, \"microseconds\": 0}, \"event\": \"%s\"%s%s}\r\n",
            name, *data ? ", \"data\": " : "", data);
}

static void answer_names(Stub *stub, unsigned n, const char *first, const char *base, const char *id)
{
    fprintf(stub->out, "{\"return\": [{\"name\": \"%s\"}", first);
    for (unsigned i = 0; i < n; i++)
        fprintf(stub->out, ", {\"name\": \"%s-%u\", \"parent\": \"device\"}", base, i);
    fprintf(stub->out, "], \"id\": %s}\r\n", id);
}

static void answer(Stub *stub, const char *value, const char *id)
{
    fprintf(stub->out, "{\"return\": %s, \"id\": %s}\r\n", value, id);
}

static void shut_down(Stub *stub, const char *reason)
{
    char data[80];

    snprintf(data, sizeof(data), "{\"guest\": true, \"reason\": \"%s\"}", reason);
    event(stub, "SHUTDOWN", data);
    stub->over = true;
}

static void set_running(Stub *stub, bool running)
{
    stub->status = running ? "running" : "paused";
    if (running != stub->running)
        event(stub, running ? "RESUME" : "STOP", "");
    stub->running = running;
}

/* `NAME` is what is executed, `id` the text of its number. */
static void take_command(Stub *stub, const char *name, const char *id)
{
    char value[100];

    if (strcmp(name, "query-version") == 0) {
        answer(stub, "{\"qemu\": {\"micro\": 0, \"minor\": 2, \"major\": 7}, \"package\": \"stub\"}", id);
    } else if (strcmp(name, "qom-list-types") == 0) {
        answer_names(stub, TYPES,
                     "max-x86_64-cpu\"}, {\"name\": \"host-x86_64-cpu\"}, {\"name\": \"vfio-pci\"}, "
                     "{\"name\": \"virtio-rng-pci\"}, {\"name\": \"pcie-root-port",
                     "stub-device", id);
    } else if (strcmp(name, "device-list-properties") == 0) {
        answer_names(stub, PROPERTIES,
                     "host\"}, {\"name\": \"multifunction\"}, {\"name\": \"addr\"}, {\"name\": \"chassis\"}, "
                     "{\"name\": \"slot\"}, {\"name\": \"io-reserve",
                     "stub-property", id);
    } else if (strcmp(name, "query-status") == 0) {
        snprintf(value, sizeof(value), "{\"status\": \"%s\", \"singlestep\": false, \"running\": %s}",
                 stub->status, stub->running ? "true" : "false");
        answer(stub, value, id);
    } else {
        if (strcmp(name, "cont") == 0 || strcmp(name, "stop") == 0)
            set_running(stub, *name == 'c');
        answer(stub, "{}", id);
        if (strcmp(name, "quit") == 0)
            shut_down(stub, "host-qmp-quit");
        else if (strcmp(name, "system_powerdown") == 0)
            shut_down(stub, "guest-shutdown");
    }
    fflush(stub->out);
}

/* usherd's commands are one line each, without blanks. */
static void take_line(Stub *stub, const char *line)
{
    const char *name = strstr(line, "\"execute\":\""), *id = strstr(line, "\"id\":");
    char name_text[64], id_text[24];

    if (name && id && sscanf(name + strlen("\"execute\":\""), "%63[^\"]", name_text) == 1 &&
        sscanf(id + strlen("\"id\":"), "%23[0-9]", id_text) == 1)
        take_command(stub, name_text, id_text);
}

/* Until it ends, or the stub is over. */
static void serve(Stub *stub, int fd)
{
    FILE *in = fdopen(fd, "r");
    char *line = NULL;
    size_t size = 0;

    stub->out = fdopen(dup(fd), "w");
    if (!in || !stub->out)
        exit(EXIT_FAILURE);
    fputs(GREETING, stub->out);
    fflush(stub->out);
    while (!stub->over && getline(&line, &size, in) > 0)
        take_line(stub, line);
    free(line);
    fclose(stub->out);
    fclose(in);
}

static void on_terminate(int signal)
{
    _exit(0);
}

/* The number after `fd=` of QMP's chardev. */
static int find_qmp(char *argv[], bool *ret_listening)
{
    for (; *argv; argv++) {
        const char *fd = strncmp(*argv, "socket,id=qmp,", 14) == 0 ? strstr(*argv, "fd=") : NULL;
        if (!fd)
            continue;
        *ret_listening = strstr(fd, "server=on") != NULL;
        return atoi(fd + 3);
    }
    fprintf(stderr, "stub-qemu: no -chardev socket,id=qmp,fd=N\n");
    exit(EXIT_FAILURE);
}

int main(int argc, char *argv[])
{
    Stub stub = {.status = "prelaunch"};
    bool listening;
    int fd = find_qmp(argv, &listening);

    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, on_terminate);
    if (!listening) {
        serve(&stub, fd);
        pause(); /* the probe kills what it has asked */
    }
    while (!stub.over) {
        int connection = accept(fd, NULL, NULL);
        if (connection < 0)
            return EXIT_FAILURE;
        serve(&stub, connection);
    }
    return EXIT_SUCCESS;
}
