/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every verb gets: what the command line said, the terminal, and the connection. */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "../screen/json.h"
#include "../screen/say.h"
#include "../screen/terminal.h"

/* The exit statuses of usherctl. Where they fit they are systemctl's, so that scripts need not learn others;
 * of several names the highest is returned. Functions of the client return one of these after having said
 * what failed. */
typedef enum ExitStatus {
    STATUS_OK = 0,
    STATUS_FAILED = 1,      /* refused, failed, or usherd cannot be reached */
    STATUS_USAGE = 2,       /* the command line is wrong; nothing was done */
    STATUS_NOT_RUNNING = 3, /* the guest does not run */
    STATUS_NO_SUCH = 4,     /* no such guest or device */
    STATUS_DETACHED = 130,  /* Ctrl-C while a job was under way: it goes on (128 + SIGINT, as shells count) */
} ExitStatus;

typedef struct Client {
    JsonMode json;
    bool legend;
    bool pager;
    bool full;
    bool all;
    bool dry_run;
    bool no_block;
    bool ask_password;
    bool fingerprint;      /* --fingerprint */
    bool command;          /* --command */
    bool clear;            /* --clear */
    bool eject;            /* --eject */
    bool force;            /* --force */
    const char *with;      /* --with=; NULL: not said */
    const char *host;      /* -H; NULL: this one */
    const char *guest;     /* that a device is for */
    const char *functions; /* --functions=; NULL: not said */
    const char *group;     /* --group=; NULL: not said */
    char **stop_holders;   /* --stop-holders=; NULL: not said */
    struct {
        const char *format; /* --format=; NULL: not said */
        char **maps;        /* --map=; NULL: none */
        bool define;        /* --define */
    } import;
    struct NewDefinition *create; /* what create's own options say */
    const struct Verb *verbs;     /* all of them, for the help */
    Terminal terminal;
    sd_bus *bus; /* NULL until bus_open() */
} Client;

static inline int status_worst(int a, int b)
{
    return a > b ? a : b;
}
