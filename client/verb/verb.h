/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verbs of usherctl: how each is called, what it takes, and what runs it. */
#pragma once

#include "../bus/client.h"

/* The verbs. args is what follows the verb, ended by NULL, as many as the verb table admits. */
typedef int (*VerbRun)(Client *client, char **args);

/* Options that only some verbs know. */
enum {
    KNOWS_DRY_RUN = 1 << 0,
    KNOWS_NO_BLOCK = 1 << 1,
    KNOWS_ALL = 1 << 2,
    KNOWS_BIND = 1 << 3, /* --functions= and --group= */
    KNOWS_STOP_HOLDERS = 1 << 4,
    KNOWS_CREATE = 1 << 5, /* what a new guest has */
    KNOWS_FINGERPRINT = 1 << 6,
    KNOWS_CLEAR = 1 << 7,
    KNOWS_EJECT = 1 << 8,
    KNOWS_FORCE = 1 << 9,
    KNOWS_COMMAND = 1 << 10,
    KNOWS_IMPORT = 1 << 11, /* --format=, --map=, --define */
    KNOWS_WITH = 1 << 12,
};

typedef struct Verb {
    const char *name;
    const char *args; /* for the help: "NAME…" */
    unsigned min, max;
    unsigned knows;
    VerbRun run;
    const char *help; /* NULL: an alias, not shown */
} Verb;

/* All of them. The first is the default; one without a name ends them. */
const Verb *verb_table(void);

/* NULL, having said so, if there is none of that name. */
const Verb *verb_find(const char *name);

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
int cmd_import(Client *client, char **args);
int cmd_edit(Client *client, char **args);
int cmd_undefine(Client *client, char **args);
int cmd_cat(Client *client, char **args);
int cmd_show(Client *client, char **args);
/* The part of show that --command asks for. */
int show_command(Client *client, char **args);
int cmd_validate(Client *client, char **args);
int cmd_reload(Client *client, char **args);
int cmd_enable(Client *client, char **args);
int cmd_disable(Client *client, char **args);
int cmd_check(Client *client, char **args);
int cmd_monitor(Client *client, char **args);
int cmd_version(Client *client, char **args);
int cmd_help(Client *client, char **args);
