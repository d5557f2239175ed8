/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usherctl: reads the command line, finds the verb, lets it speak with usherd. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "bus/agent.h"
#include "bus/bus.h"
#include "config.h"
#include "definition/new-definition.h"
#include "screen/text.h"
#include "verb/verb.h"
#include "view/pager.h"

enum {
    OPTION_VERSION = 0x100,
    OPTION_NO_LEGEND,
    OPTION_NO_PAGER,
    OPTION_NO_BLOCK,
    OPTION_NO_ASK_PASSWORD,
    OPTION_DRY_RUN,
    OPTION_FORCE,
    OPTION_JSON,
    OPTION_FUNCTIONS,
    OPTION_GROUP,
    OPTION_STOP_HOLDERS,
    OPTION_PRESET,
    OPTION_DESCRIPTION,
    OPTION_MEMORY,
    OPTION_CPUS,
    OPTION_GPU,
    OPTION_DISK,
    OPTION_CDROM,
    OPTION_NETWORK,
    OPTION_DISPLAY,
    OPTION_UEFI,
    OPTION_FINGERPRINT,
    OPTION_COMMAND,
    OPTION_CLEAR,
    OPTION_EJECT,
    OPTION_FORMAT,
    OPTION_MAP,
    OPTION_DEFINE,
    OPTION_WITH,
};

static const struct option options[] = {
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"host", required_argument, NULL, 'H'},
    {"all", no_argument, NULL, 'a'},
    {"full", no_argument, NULL, 'l'},
    {"no-legend", no_argument, NULL, OPTION_NO_LEGEND},
    {"no-pager", no_argument, NULL, OPTION_NO_PAGER},
    {"no-block", no_argument, NULL, OPTION_NO_BLOCK},
    {"no-ask-password", no_argument, NULL, OPTION_NO_ASK_PASSWORD},
    {"dry-run", no_argument, NULL, OPTION_DRY_RUN},
    {"force", no_argument, NULL, OPTION_FORCE},
    {"json", required_argument, NULL, OPTION_JSON},
    {"functions", required_argument, NULL, OPTION_FUNCTIONS},
    {"group", required_argument, NULL, OPTION_GROUP},
    {"stop-holders", required_argument, NULL, OPTION_STOP_HOLDERS},
    {"preset", required_argument, NULL, OPTION_PRESET},
    {"description", required_argument, NULL, OPTION_DESCRIPTION},
    {"memory", required_argument, NULL, OPTION_MEMORY},
    {"cpus", required_argument, NULL, OPTION_CPUS},
    {"gpu", required_argument, NULL, OPTION_GPU},
    {"disk", required_argument, NULL, OPTION_DISK},
    {"cdrom", required_argument, NULL, OPTION_CDROM},
    {"network", required_argument, NULL, OPTION_NETWORK},
    {"display", required_argument, NULL, OPTION_DISPLAY},
    {"uefi", no_argument, NULL, OPTION_UEFI},
    {"fingerprint", no_argument, NULL, OPTION_FINGERPRINT},
    {"command", no_argument, NULL, OPTION_COMMAND},
    {"clear", no_argument, NULL, OPTION_CLEAR},
    {"eject", no_argument, NULL, OPTION_EJECT},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"map", required_argument, NULL, OPTION_MAP},
    {"define", no_argument, NULL, OPTION_DEFINE},
    {"with", required_argument, NULL, OPTION_WITH},
    {NULL, 0, NULL, 0},
};

static int usage_hint(void)
{
    say("See the verbs and options: usherctl --help");
    return STATUS_USAGE;
}

/* getopt_long's own message does not name the option that was meant. */
static int report_option(const char *argument)
{
    const char *names[G_N_ELEMENTS(options)];
    g_autofree char *word = g_strndup(argument, strcspn(argument, "="));
    const char *nearest = NULL;
    bool known = false;

    for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
        names[i] = options[i].name;
        known = known || (names[i] && g_str_has_prefix(word, "--") && strcmp(names[i], word + 2) == 0);
    }
    if (known) {
        say("%s takes %s value", word, strchr(argument, '=') ? "no" : "a");
        return usage_hint();
    }
    if (g_str_has_prefix(word, "--"))
        nearest = text_nearest(word + 2, names);
    if (nearest)
        say("There is no option %s; did you mean --%s?", word, nearest);
    else
        say("There is no option %s", word);
    return usage_hint();
}

static int set_json(Client *client, const char *name)
{
    JsonMode mode = json_mode_from_string(name);

    if (mode < 0) {
        say("--json=%s is not known; it may be pretty, short or off", name);
        return STATUS_USAGE;
    }
    client->json = mode;
    return STATUS_OK;
}

static void add_word(char ***list, const char *word)
{
    unsigned n = *list ? g_strv_length(*list) : 0;

    *list = g_renew(char *, *list, n + 2);
    (*list)[n] = g_strdup(word);
    (*list)[n + 1] = NULL;
}

/* Whether it is one of create's. */
static bool take_create_option(NewDefinition *create, int option)
{
    switch (option) {
    case OPTION_PRESET:
        create->preset = optarg;
        return true;
    case OPTION_DESCRIPTION:
        create->description = optarg;
        return true;
    case OPTION_MEMORY:
        create->memory = optarg;
        return true;
    case OPTION_CPUS:
        create->cpus = optarg;
        return true;
    case OPTION_NETWORK:
        create->network = optarg;
        return true;
    case OPTION_DISPLAY:
        create->display = optarg;
        return true;
    case OPTION_GPU:
        add_word(&create->gpus, optarg);
        return true;
    case OPTION_DISK:
        add_word(&create->disks, optarg);
        return true;
    case OPTION_CDROM:
        add_word(&create->cdroms, optarg);
        return true;
    case OPTION_UEFI:
        create->uefi = true;
        return true;
    default:
        return false;
    }
}

/* Whether it is one of import's. */
static bool take_import_option(Client *client, int option)
{
    switch (option) {
    case OPTION_FORMAT:
        client->import.format = optarg;
        return true;
    case OPTION_MAP:
        add_word(&client->import.maps, optarg);
        return true;
    case OPTION_DEFINE:
        client->import.define = true;
        return true;
    default:
        return false;
    }
}

/* Takes one option into the client; -1 if there is more to read, else the exit status. */
static int take_option(Client *client, int option, char **argv)
{
    switch (option) {
    case 'h':
        return cmd_help(client, NULL);
    case OPTION_VERSION:
        puts("usherctl " USHER_VERSION);
        return STATUS_OK;
    case 'H':
        client->host = optarg;
        break;
    case 'a':
        client->all = true;
        break;
    case 'l':
        client->full = true;
        break;
    case 'j':
        client->json = client->terminal.tty ? JSON_PRETTY : JSON_SHORT;
        break;
    case OPTION_JSON:
        return set_json(client, optarg) == STATUS_OK ? -1 : STATUS_USAGE;
    case OPTION_NO_LEGEND:
        client->legend = false;
        break;
    case OPTION_NO_PAGER:
        client->pager = false;
        break;
    case OPTION_NO_BLOCK:
        client->no_block = true;
        break;
    case OPTION_NO_ASK_PASSWORD:
        client->ask_password = false;
        break;
    case OPTION_DRY_RUN:
        client->dry_run = true;
        break;
    case OPTION_FORCE:
        client->force = true;
        break;
    case OPTION_FUNCTIONS:
        client->functions = optarg;
        break;
    case OPTION_GROUP:
        client->group = optarg;
        break;
    case OPTION_STOP_HOLDERS:
        g_strfreev(client->stop_holders);
        client->stop_holders = g_strsplit(optarg, ",", -1);
        break;
    case OPTION_FINGERPRINT:
        client->fingerprint = true;
        break;
    case OPTION_COMMAND:
        client->command = true;
        break;
    case OPTION_CLEAR:
        client->clear = true;
        break;
    case OPTION_EJECT:
        client->eject = true;
        break;
    case OPTION_WITH:
        client->with = optarg;
        break;
    default:
        return take_create_option(client->create, option) || take_import_option(client, option)
                   ? -1
                   : report_option(argv[optind - 1]);
    }
    return -1;
}

static int take_options(Client *client, int argc, char **argv)
{
    int option, status;

    opterr = 0;
    while ((option = getopt_long(argc, argv, "hH:alj", options, NULL)) >= 0) {
        if ((status = take_option(client, option, argv)) >= 0)
            return status;
    }
    if (client->full)
        client->terminal.columns = 0;
    return -1;
}

/* A verb would silently ignore an option that it does not know: with --dry-run a bad surprise. */
static const char *misplaced_option(const Client *client, const Verb *verb)
{
    if (client->dry_run && !(verb->knows & KNOWS_DRY_RUN))
        return "--dry-run";
    if (client->no_block && !(verb->knows & KNOWS_NO_BLOCK))
        return "--no-block";
    if (client->force && !(verb->knows & KNOWS_FORCE))
        return "--force";
    if (client->all && !(verb->knows & KNOWS_ALL))
        return "--all";
    if (client->functions && !(verb->knows & KNOWS_BIND))
        return "--functions=";
    if (client->fingerprint && !(verb->knows & KNOWS_FINGERPRINT))
        return "--fingerprint";
    if (client->command && !(verb->knows & KNOWS_COMMAND))
        return "--command";
    if (client->command && client->fingerprint)
        return "--command with --fingerprint";
    if (client->eject && !(verb->knows & KNOWS_EJECT))
        return "--eject";
    if (client->with && !(verb->knows & KNOWS_WITH))
        return "--with=";
    if (client->clear && !(verb->knows & KNOWS_CLEAR))
        return "--clear";
    if (client->group && !(verb->knows & KNOWS_BIND))
        return "--group=";
    if (client->stop_holders && !(verb->knows & KNOWS_STOP_HOLDERS))
        return "--stop-holders=";
    if ((client->import.format || client->import.maps || client->import.define) &&
        !(verb->knows & KNOWS_IMPORT))
        return "--format=, --map= or --define";
    if (new_definition_said(client->create) && !(verb->knows & KNOWS_CREATE))
        return "A setting of a new guest (--memory=, --gpu=, …)";
    return NULL;
}

static int run_verb(Client *client, const Verb *verb, int n_args, char **args)
{
    const char *misplaced = misplaced_option(client, verb);

    if (misplaced) {
        say("%s does not go with usherctl %s", misplaced, verb->name);
        return usage_hint();
    }
    if ((unsigned)n_args < verb->min || (unsigned)n_args > verb->max) {
        say("usherctl %s takes %s: usherctl %s %s", verb->name,
            verb->max == 0   ? "nothing else"
            : verb->max == 1 ? "one name"
                             : "at least one name",
            verb->name, verb->args);
        return STATUS_USAGE;
    }
    return verb->run(client, args);
}

/* A full disk or a closed pipe must not pass for success. */
static int finish_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    if (errno != EPIPE)
        say("Cannot write the output: %s", g_strerror(errno));
    return errno == EPIPE ? status : status_worst(status, STATUS_FAILED);
}

int main(int argc, char **argv)
{
    static char *nothing[] = {NULL};
    NewDefinition create = {};
    Client client = {.legend = true,
                     .pager = true,
                     .ask_password = true,
                     .create = &create,
                     .verbs = verb_table(),
                     .terminal = terminal_look()};
    int status = take_options(&client, argc, argv);

    if (status < 0) {
        bool default_verb = optind >= argc;
        const Verb *verb = default_verb ? client.verbs : verb_find(argv[optind]);
        int n_args = default_verb ? 0 : argc - optind - 1;

        status =
            verb ? run_verb(&client, verb, n_args, default_verb ? nothing : argv + optind + 1) : usage_hint();
    }
    status = finish_output(status);
    pager_close();
    agent_close();
    sd_bus_flush_close_unref(client.bus);
    g_strfreev(client.stop_holders);
    g_strfreev(client.import.maps);
    g_strfreev(create.gpus);
    g_strfreev(create.disks);
    g_strfreev(create.cdroms);
    return status;
}
