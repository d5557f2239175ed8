/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every verb gets: what the command line said, the terminal, and the connection. */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "json.h"
#include "new-definition.h"
#include "terminal.h"

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
    bool clear;            /* --clear */
    bool eject;            /* --eject */
    bool force;            /* --force */
    const char *host;      /* -H; NULL: this one */
    const char *guest;     /* that a device is for */
    const char *functions; /* --functions=; NULL: not said */
    const char *group;     /* --group=; NULL: not said */
    char **stop_holders;   /* --stop-holders=; NULL: not said */
    NewDefinition create;  /* what create's own options say */
    Terminal terminal;
    sd_bus *bus; /* NULL until bus_open() */
} Client;

static inline int status_worst(int a, int b)
{
    return a > b ? a : b;
}

/* One line to stderr: what, which, and what to do now. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The verbs. args is what follows the verb, ended by NULL, as many as the verb table admits. */
typedef int (*VerbRun)(Client *client, char **args);

int cmd_list(Client *client, char **args);
int cmd_status(Client *client, char **args);
int cmd_start(Client *client, char **args);
int cmd_stop(Client *client, char **args);
int cmd_kill(Client *client, char **args);
int cmd_reboot(Client *client, char **args);
int cmd_freeze(Client *client, char **args);
int cmd_thaw(Client *client, char **args);
int cmd_attach(Client *client, char **args);
int cmd_detach(Client *client, char **args);
int cmd_reset(Client *client, char **args);
int cmd_pause(Client *client, char **args);
int cmd_resume(Client *client, char **args);
int cmd_cdrom(Client *client, char **args);
int cmd_console(Client *client, char **args);
int cmd_view(Client *client, char **args);
int cmd_devices(Client *client, char **args);
int cmd_holders(Client *client, char **args);
int cmd_groups(Client *client, char **args);
int cmd_bind(Client *client, char **args);
int cmd_restore(Client *client, char **args);
int cmd_create(Client *client, char **args);
int cmd_edit(Client *client, char **args);
int cmd_undefine(Client *client, char **args);
int cmd_cat(Client *client, char **args);
int cmd_show(Client *client, char **args);
int cmd_validate(Client *client, char **args);
int cmd_reload(Client *client, char **args);
int cmd_enable(Client *client, char **args);
int cmd_disable(Client *client, char **args);
int cmd_check(Client *client, char **args);
int cmd_monitor(Client *client, char **args);
int cmd_version(Client *client, char **args);
int cmd_help(Client *client, char **args);
