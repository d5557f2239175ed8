/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Holds QEMU's command line against files that were looked at: golden/NAME.guest must give golden/NAME.argv.
 * After a change that is meant, run this with USHER_GOLDEN_UPDATE=1 and look at the difference before it is
 * committed. */
#include <stdio.h>
#include <stdlib.h>

#include <json-c/json.h>

#include "../../../daemon/core/definition/keys.h"
#include "../suite.h"
#include "a-command.h"

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names of golden/NAME.guest, sorted. */
static GPtrArray *golden_names(void)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    GDir *dir = g_dir_open(USHER_GOLDEN_DIR, 0, NULL);
    const char *name;

    ck_assert_ptr_nonnull(dir);
    while ((name = g_dir_read_name(dir)))
        if (g_str_has_suffix(name, ".guest"))
            g_ptr_array_add(names, g_strndup(name, strlen(name) - strlen(".guest")));
    g_dir_close(dir);
    g_ptr_array_sort(names, compare_names);
    return names;
}

static char *golden_path(const char *name, const char *suffix)
{
    return g_strdup_printf("%s/%s.%s", USHER_GOLDEN_DIR, name, suffix);
}

static char *read_text(const char *path)
{
    char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, NULL))
        ck_abort_msg("cannot read %s", path);
    return text;
}

/* Every guest has spare ports by default: without this they would stand in each file. */
static const char bare[] = "[Guest]\nSparePorts=0\n";

static GuestDefinition *read_golden(const char *name)
{
    g_autofree char *path = golden_path(name, "guest"), *text = read_text(path);
    DefinitionText texts[] = {{"bare", bare, strlen(bare)}, {path, text, strlen(text)}};
    GuestDefinition *definition = NULL;
    _cleanup_fault_ Fault *fault = NULL;

    if (definition_parse(name, texts, 2, &definition, &fault) != 0)
        ck_abort_msg("%s", fault ? fault->message : name);
    return definition;
}

/* One argument a line, then the files. */
static void append_program(GString *text, const GPtrArray *argv, const GArray *files)
{
    for (unsigned i = 0; i + 1 < argv->len; i++)
        g_string_append_printf(text, "%s\n", (const char *)g_ptr_array_index(argv, i));
    ck_assert_ptr_null(g_ptr_array_index(argv, argv->len - 1));
    g_string_append_c(text, '\n');
    for (unsigned i = 0; i < files->len; i++) {
        const QemuFile *file = &g_array_index(files, QemuFile, i);
        ck_assert_int_eq(file->fd, QEMU_FD_FIRST + (int)i);
        g_autofree char *line = qemu_file_to_text(file);
        g_string_append_printf(text, "%s\n", line);
    }
}

/* QEMU, the limit, then the companions. */
static char *command_to_text(const QemuCommand *command)
{
    GString *text = g_string_new(NULL);

    append_program(text, command->argv, command->files);
    g_string_append_printf(text, "memlock %" G_GUINT64_FORMAT "M\n", command->memlock >> 20);
    for (unsigned i = 0; i < command->companions->len; i++) {
        const QemuCompanion *companion = g_ptr_array_index(command->companions, i);
        g_string_append_printf(text, "\n%s:\n", companion->name);
        append_program(text, companion->argv, companion->files);
        if (companion->serves_folder)
            g_string_append(text, "serves a folder\n");
        if (companion->state_folder)
            g_string_append_printf(text, "state %s\n", companion->state_folder);
    }
    return g_string_free(text, FALSE);
}

static void show_difference(const char *path, const char *text)
{
    g_autofree char *given = NULL;
    int fd = g_file_open_tmp("usher-golden-XXXXXX", &given, NULL);

    ck_assert_int_ge(fd, 0);
    close(fd);
    g_file_set_contents(given, text, -1, NULL);
    const char *const argv[] = {"diff", "-u", path, given, NULL};
    g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
    remove(given);
}

START_TEST(every_golden_definition_gives_its_command_line)
{
    g_autoptr(GPtrArray) names = golden_names();
    bool update = getenv("USHER_GOLDEN_UPDATE") != NULL;
    unsigned n_unlike = 0;

    for (unsigned i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        g_autoptr(GuestDefinition) definition = read_golden(name);
        g_autoptr(QemuCommand) command = a_command_for(definition);
        g_autofree char *path = golden_path(name, "argv"), *text = command_to_text(command), *golden = NULL;

        if (update)
            ck_assert(g_file_set_contents(path, text, -1, NULL));
        if (g_file_get_contents(path, &golden, NULL, NULL) && g_str_equal(golden, text))
            continue;
        show_difference(golden ? path : "/dev/null", text);
        n_unlike++;
    }
    ck_assert_uint_gt(names->len, 20);
    ck_assert_msg(n_unlike == 0, "%u command lines are unlike their golden files", n_unlike);
}
END_TEST

/* "0x14.0x1": the place of the nth argument on the root bus, if that is a device there; else NULL. */
static char *place_of(const QemuCommand *command, unsigned n)
{
    const char *argument = g_ptr_array_index(command->argv, n);
    struct json_object *object = argument && *argument == '{' ? json_tokener_parse(argument) : NULL;
    const char *bus = json_object_get_string(json_object_object_get(object, "bus"));
    char *place = g_strcmp0(bus, "pcie.0") == 0
                      ? g_strdup(json_object_get_string(json_object_object_get(object, "addr")))
                      : NULL;

    json_object_put(object);
    return place;
}

static bool has_place(const QemuCommand *command, const char *wanted)
{
    bool found = false;

    for (unsigned i = 0; i < command->argv->len; i++) {
        g_autofree char *place = place_of(command, i);
        found |= g_strcmp0(place, wanted) == 0;
    }
    return found;
}

/* Guests look for further functions only where they find the first one. */
START_TEST(no_device_of_a_golden_command_line_lacks_its_first_function)
{
    g_autoptr(GPtrArray) names = golden_names();

    for (unsigned i = 0; i < names->len; i++) {
        g_autoptr(GuestDefinition) definition = read_golden(g_ptr_array_index(names, i));
        g_autoptr(QemuCommand) command = a_command_for(definition);
        for (unsigned j = 0; j < command->argv->len; j++) {
            g_autofree char *place = place_of(command, j);
            char *dot = place ? strchr(place, '.') : NULL;
            if (!dot)
                continue;
            g_autofree char *first = g_strdup_printf("%.*s.0x0", (int)(dot - place), place);
            ck_assert_msg(has_place(command, first), "%s: %s is there without %s",
                          (const char *)g_ptr_array_index(names, i), place, first);
        }
    }
}
END_TEST

/* golden/SECTION-KEY.guest, in lower case, sets SECTION's KEY. */
START_TEST(every_key_has_a_golden_file_that_sets_it)
{
    unsigned n;
    const DefinitionKey *keys = definition_keys(&n);

    for (unsigned i = 0; i < n; i++) {
        const char *section = definition_sections[keys[i].section].name;
        g_autofree char *joined = g_strdup_printf("%s-%s", section, keys[i].name);
        g_autofree char *name = g_ascii_strdown(joined, -1), *path = golden_path(name, "guest");
        g_autofree char *text = read_text(path);
        DefinitionText file = {path, text, strlen(text)};
        g_autoptr(GPtrArray) lines = NULL;
        bool set = false;

        ck_assert_int_eq(definition_lines(&file, 1, &lines), 0);
        for (unsigned j = 0; j < lines->len; j++) {
            const DefinitionLine *line = g_ptr_array_index(lines, j);
            set |= g_str_has_prefix(line->section, section) && g_str_equal(line->key, keys[i].name);
        }
        ck_assert_msg(set, "%s does not set %s=", path, keys[i].name);
    }
}
END_TEST

SUITE("qemu-golden", every_golden_definition_gives_its_command_line, every_key_has_a_golden_file_that_sets_it,
      no_device_of_a_golden_command_line_lacks_its_first_function)
