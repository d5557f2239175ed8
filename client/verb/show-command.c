/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usherctl show --command */
#include <stdio.h>

#include "../definition/command.h"
#include "../definition/files.h"
#include "../screen/text.h"
#include "../view/pager.h"
#include "verb.h"

static void print_argv(const GPtrArray *argv)
{
    for (unsigned i = 0; i + 1 < argv->len; i++) {
        g_autofree char *argument = text_printable(g_ptr_array_index(argv, i), false);
        puts(argument);
    }
}

static void print_files(const GArray *files)
{
    for (unsigned i = 0; i < files->len; i++) {
        g_autofree char *line = qemu_file_to_text(&g_array_index(files, QemuFile, i));
        g_autofree char *printable = text_printable(line, false);
        printf("# %s\n", printable);
    }
}

static void print_companion(const QemuCompanion *companion)
{
    g_autofree char *joined = g_strjoinv(" ", (char **)companion->argv->pdata);
    g_autofree char *printable = text_printable(joined, false);

    printf("# beside it: %s\n", printable);
    print_files(companion->files);
}

/* What is no argument is a comment: the arguments alone can be passed on. */
static void print_command(const QemuCommand *command)
{
    print_argv(command->argv);
    print_files(command->files);
    for (unsigned i = 0; i < command->companions->len; i++)
        print_companion(g_ptr_array_index(command->companions, i));
}

static json_object *json_words(const GPtrArray *words)
{
    json_object *array = json_object_new_array();

    for (unsigned i = 0; i + 1 < words->len; i++)
        json_object_array_add(array, json_object_new_string(g_ptr_array_index(words, i)));
    return array;
}

static void add_command(json_object *array, const char *guest, const QemuCommand *command)
{
    json_object *object = json_strings("guest", guest, NULL), *files = json_object_new_array();

    for (unsigned i = 0; i < command->files->len; i++) {
        g_autofree char *line = qemu_file_to_text(&g_array_index(command->files, QemuFile, i));
        json_object_array_add(files, json_object_new_string(line));
    }
    json_object_object_add(object, "arguments", json_words(command->argv));
    json_object_object_add(object, "files", files);
    json_object_array_add(array, object);
}

static int get_files(Client *client, const char *argument, char **ret_name, GPtrArray **ret)
{
    if (definition_files_named(argument))
        return definition_files_read(argument, ret_name, ret);
    *ret_name = g_strdup(argument);
    return definition_files_get(client, argument, ret);
}

static int show_one(Client *client, const char *argument, json_object *array)
{
    g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free), files = NULL;
    g_autoptr(QemuCommand) command = NULL;
    g_autofree char *name = NULL;
    _cleanup_fault_ Fault *fault = NULL;
    int status = get_files(client, argument, &name, &files);

    if (status != STATUS_OK)
        return status;
    if (command_of_files(name, files, notes, &command, &fault) != 0) {
        g_autofree char *line = fault ? fault_to_line(fault) : g_strdup_printf("Cannot read %s", argument);
        say("%s", line);
        return STATUS_FAILED;
    }
    for (unsigned i = 0; i < notes->len; i++)
        say("%s: %s", argument, (const char *)g_ptr_array_index(notes, i));
    if (array)
        add_command(array, name, command);
    else
        print_command(command);
    return STATUS_OK;
}

int show_command(Client *client, char **args)
{
    json_object *array = client->json == JSON_OFF ? NULL : json_object_new_array();
    int status = STATUS_OK;

    pager_open(client);
    for (char **argument = args; *argument; argument++) {
        if (argument > args && !array)
            putchar('\n');
        status = status_worst(status, show_one(client, *argument, array));
    }
    json_print_gathered(array, client->json, status == STATUS_OK);
    return status;
}
