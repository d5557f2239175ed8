/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "../bus/bus.h"
#include "../screen/text.h"
#include "../view/pager.h"
#include "verb.h"

typedef struct Finding {
    const char *id, *level, *message, *remedy;
} Finding;

static Colour level_colour(const char *level)
{
    if (strcmp(level, "ok") == 0)
        return COLOUR_GOOD;
    if (strcmp(level, "warning") == 0)
        return COLOUR_BUSY;
    return strcmp(level, "error") == 0 ? COLOUR_BAD : COLOUR_NORMAL;
}

/* "error    iommu  The IOMMU is off", and below it what to do. */
static void print_finding(const Terminal *terminal, const Finding *finding, int id_width)
{
    g_autofree char *message = text_printable(finding->message, false);

    printf("%s%-7s%s  %-*s  %s\n", terminal_colour(terminal, level_colour(finding->level)), finding->level,
           terminal_colour(terminal, COLOUR_NORMAL), id_width, finding->id, message);
    if (*finding->remedy) {
        g_autofree char *remedy = text_printable(finding->remedy, false);
        printf("%*s%s %s\n", 7 + 2 + id_width + 2, "", terminal_glyph(terminal, GLYPH_ARROW), remedy);
    }
}

static json_object *findings_to_json(const GArray *findings)
{
    json_object *array = json_object_new_array();

    for (guint i = 0; i < findings->len; i++) {
        const Finding *finding = &g_array_index(findings, Finding, i);
        json_object_array_add(array, json_strings("id", finding->id, "level", finding->level, "message",
                                                  finding->message, "remedy", finding->remedy, NULL));
    }
    return array;
}

static void print_findings(const Client *client, const GArray *findings)
{
    int id_width = 0;

    for (guint i = 0; i < findings->len; i++)
        id_width = MAX(id_width, (int)text_width(g_array_index(findings, Finding, i).id));
    for (guint i = 0; i < findings->len; i++)
        print_finding(&client->terminal, &g_array_index(findings, Finding, i), id_width);
}

static guint count_level(const GArray *findings, const char *level)
{
    guint n = 0;

    for (guint i = 0; i < findings->len; i++)
        n += strcmp(g_array_index(findings, Finding, i).level, level) == 0;
    return n;
}

/* The strings stay in the message. */
static int read_findings(sd_bus_message *reply, GArray *findings)
{
    Finding finding;
    int r = sd_bus_message_enter_container(reply, 'a', "(ssss)");

    if (r < 0)
        return r;
    while ((r = sd_bus_message_read(reply, "(ssss)", &finding.id, &finding.level, &finding.message,
                                    &finding.remedy)) > 0)
        g_array_append_val(findings, finding);
    return r;
}

int cmd_check(Client *client, char **args)
{
    g_autoptr(sd_bus_message) reply = NULL;
    g_autoptr(GArray) findings = g_array_new(FALSE, FALSE, sizeof(Finding));
    int status = bus_call(client, "check the host", &reply, "CheckHost", "");
    guint errors, warnings;
    int r;

    if (status != STATUS_OK)
        return status;
    if ((r = read_findings(reply, findings)) < 0)
        return bus_report(client, "check the host", NULL, r);
    errors = count_level(findings, "error");
    warnings = count_level(findings, "warning");
    if (client->json != JSON_OFF) {
        json_print(findings_to_json(findings), client->json);
    } else {
        pager_open(client);
        print_findings(client, findings);
        if (client->legend)
            printf("\n%u error%s, %u warning%s.\n", errors, errors == 1 ? "" : "s", warnings,
                   warnings == 1 ? "" : "s");
    }
    return errors > 0 ? STATUS_FAILED : STATUS_OK;
}
