/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "steps.h"

#include <stdio.h>
#include <string.h>

#include "../screen/table.h"
#include "pager.h"

static const TableColumn columns[] = {
    {.title = "KIND"}, {.title = "SUBJECT"}, {.title = "BEFORE"}, {.title = "AFTER"}, {NULL}};

/* Adds an a(ssss) to the table or, if there is one, to the JSON array. ret_n: how many are taken, as a plan
 * also says how QEMU gets each device, and what a guest would go without. */
static int read_steps(sd_bus_message *reply, Table *table, json_object *array, size_t *ret_n)
{
    const char *kind, *subject, *before, *after;
    int r = sd_bus_message_enter_container(reply, 'a', "(ssss)");

    if (r < 0)
        return r;
    while ((r = sd_bus_message_read(reply, "(ssss)", &kind, &subject, &before, &after)) > 0) {
        *ret_n += strcmp(kind, "backend") != 0 && strcmp(kind, "warning") != 0;
        if (array) {
            json_object_array_add(array, json_strings("kind", kind, "subject", subject, "before", before,
                                                      "after", after, NULL));
            continue;
        }
        table_cell(table, COLOUR_NORMAL, kind);
        table_cell(table, COLOUR_NORMAL, subject);
        table_cell(table, COLOUR_NORMAL, before);
        table_cell(table, COLOUR_BOLD, after);
    }
    return r;
}

static void print_table(const Client *client, const char *verb, const char *subject, const Table *table,
                        size_t n)
{
    if (table_rows(table) == 0) {
        printf("No steps on the host are needed to %s %s.\n", verb, subject);
        return;
    }
    if (client->legend)
        printf("To %s %s takes %zu step%s:\n", verb, subject, n, n == 1 ? "" : "s");
    table_print(table, &client->terminal, client->legend, stdout);
}

static int plan_one(Client *client, const char *verb, PlanCall make_call, const char *subject,
                    json_object *array)
{
    g_autofree char *what = g_strdup_printf("plan to %s %s", verb, subject);
    g_autoptr(sd_bus_message) call = NULL, reply = NULL;
    g_autoptr(Table) table = table_new(columns);
    size_t n = 0;
    int status, r;

    if ((status = make_call(client, subject, &call)) != STATUS_OK ||
        (status = bus_send(client, what, call, &reply)) != STATUS_OK)
        return status;
    if ((r = read_steps(reply, table, array, &n)) < 0)
        return bus_report(client, what, NULL, r);
    if (!array)
        print_table(client, verb, subject, table, n);
    return STATUS_OK;
}

int steps_print(Client *client, const char *verb, PlanCall make_call, char **subjects)
{
    json_object *array;
    int status = bus_open_asking(client);

    if (status != STATUS_OK)
        return status;
    array = client->json == JSON_OFF ? NULL : json_object_new_array();
    pager_open(client);
    for (char **subject = subjects; *subject; subject++) {
        if (subject > subjects && !array)
            putchar('\n');
        status = status_worst(status, plan_one(client, verb, make_call, *subject, array));
    }
    json_print_gathered(array, client->json, status == STATUS_OK);
    return status;
}
