/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whatever text is in a definition's values, QEMU's options keep their shape: the same number, the same
 * names, values of the same kind. Values in the lines of each golden definition are exchanged, so that every
 * key has its turn. */
#include <json-c/json.h>

#include "../../../daemon/core/definition/keys.h"
#include "../suite.h"
#include "a-command.h"
#include "hostile.h"

#define ROUNDS 10000

/* A line whose value may be any text, more or less. */
typedef struct Victim {
    const char *file;
    GPtrArray *lines; /* of char*: the file's */
    unsigned line;
    char *shape; /* of the file as it is */
} Victim;

/* Leaves out keys whose values choose what there is, and [QEMU], which exists to change the shape. */
static bool takes_text(const DefinitionKey *key)
{
    switch (key->type) {
    case VALUE_SWITCH:
    case VALUE_CHOICE:
    case VALUE_FUNCTIONS:
    case VALUE_ARGUMENTS:
    case VALUE_OVERRIDE:
        return false;
    default:
        return true;
    }
}

static bool option_alone(const char *option)
{
    return g_str_equal(option, "-S") || g_str_equal(option, "-nodefaults") ||
           g_str_equal(option, "-no-user-config");
}

static void add_json(GString *shape, struct json_object *value)
{
    if (json_object_is_type(value, json_type_object)) {
        g_string_append_c(shape, '{');
        json_object_object_foreach(value, name, member)
        {
            g_string_append_printf(shape, "%s:", name);
            add_json(shape, member);
        }
        g_string_append_c(shape, '}');
    } else if (json_object_is_type(value, json_type_array)) {
        g_string_append_c(shape, '[');
        for (size_t i = 0; i < json_object_array_length(value); i++)
            add_json(shape, json_object_array_get_idx(value, i));
        g_string_append_c(shape, ']');
    } else {
        g_string_append_printf(shape, "%s ", json_type_to_name(json_object_get_type(value)));
    }
}

/* As QEMU's own parser splits them (util/keyval.c): commas end a value unless doubled. Values that are words
 * stay; those of -smbios may be any text, and the clock's is a word or a time. */
static void add_pair(GString *shape, const char *option, const char *pair)
{
    const char *equals = strchr(pair, '=');
    bool any = equals && (g_ascii_isdigit(equals[1]) || equals[1] == '/' || g_str_equal(option, "-smbios") ||
                          g_str_has_prefix(pair, "base="));

    g_string_append_len(shape, pair, any ? equals + 1 - pair : (gssize)strlen(pair));
    g_string_append_c(shape, ',');
}

static void add_pairs(GString *shape, const char *option, const char *text)
{
    g_autoptr(GString) pair = g_string_new(NULL);

    for (; *text; text++) {
        if (*text == ',' && text[1] != ',') {
            add_pair(shape, option, pair->str);
            g_string_truncate(pair, 0);
            continue;
        }
        text += *text == ',';
        g_string_append_c(pair, *text);
    }
    add_pair(shape, option, pair->str);
}

static char *shape_of(const QemuCommand *command)
{
    static const char *const any_text[] = {"-append", "-kernel", "-initrd", "-uuid", NULL};
    GString *shape = g_string_new(NULL);

    for (unsigned i = 1; i + 1 < command->argv->len; i++) {
        const char *option = g_ptr_array_index(command->argv, i), *value;

        g_string_append_printf(shape, "%s ", option);
        if (option_alone(option))
            continue;
        value = g_ptr_array_index(command->argv, ++i);
        if (*value == '{') {
            struct json_object *object = json_tokener_parse(value);
            ck_assert_msg(json_object_is_type(object, json_type_object), "%s", value);
            add_json(shape, object);
            json_object_put(object);
        } else if (g_str_equal(option, "-cpu")) {
            /* A model's name is a word; flags are a list of words, which belong to the shape. */
            ck_assert_msg(
                strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-,=+") ==
                    strlen(value),
                "%s", value);
        } else if (!g_strv_contains(any_text, option)) {
            /* Which version of the machine it is stands first. */
            if (g_str_has_prefix(value, "pc-q35-"))
                value += strcspn(value, ",");
            else if (g_str_has_prefix(value, "q35,"))
                value += strlen("q35");
            add_pairs(shape, option, value);
        }
        g_string_append_c(shape, '\n');
    }
    return g_string_free(shape, FALSE);
}

static char *shape_of_text(const char *text, size_t size)
{
    DefinitionText file = {FILE_PATH, text, size};
    g_autoptr(GuestDefinition) definition = NULL;

    if (definition_parse("win10", &file, 1, &definition, NULL) != 0)
        return NULL;
    g_autoptr(QemuCommand) command = a_command_for(definition);
    return shape_of(command);
}

static void add_victims(GArray *victims, const char *name, const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    GPtrArray *kept = g_ptr_array_new_with_free_func(g_free);
    char *shape = shape_of_text(text, strlen(text));
    SectionId section = SECTION_INVALID;

    ck_assert_msg(shape != NULL, "%s", name);
    for (unsigned i = 0; lines[i]; i++) {
        const char *equals = strchr(lines[i], '=');

        g_ptr_array_add(kept, g_strdup(lines[i]));
        if (lines[i][0] == '[') {
            g_autofree char *title = g_strndup(lines[i] + 1, strcspn(lines[i] + 1, " ]"));
            section = definition_section_find(title);
        } else if (equals && lines[i][0] != '#') {
            g_autofree char *word = g_strndup(lines[i], equals - lines[i]);
            const DefinitionKey *key = definition_key_find(section, word);
            Victim victim = {name, kept, i, shape};
            if (key && takes_text(key))
                g_array_append_val(victims, victim);
        }
    }
}

static GArray *find_victims(void)
{
    GArray *victims = g_array_new(FALSE, FALSE, sizeof(Victim));
    GDir *dir = g_dir_open(USHER_GOLDEN_DIR, 0, NULL);

    for (const char *name; (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(USHER_GOLDEN_DIR, name, NULL), *text = NULL;
        /* The largest definition has nothing that the others lack. */
        if (!g_str_has_suffix(name, ".guest") || g_str_equal(name, "full-house.guest"))
            continue;
        ck_assert(g_file_get_contents(path, &text, NULL, NULL));
        add_victims(victims, g_intern_string(name), text);
    }
    g_dir_close(dir);
    return victims;
}

/* The victim's file with another value in its line; not an empty one, which would give the default back. */
static GString *exchanged(const Victim *victim, GRand *dice)
{
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < victim->lines->len; i++) {
        const char *line = g_ptr_array_index(victim->lines, i), *value = strchr(line, '=');

        if (i == victim->line) {
            bool keep = g_rand_boolean(dice);
            g_string_append_len(text, line, value + 1 - line);
            g_string_append(text, keep ? value + 1 : value[1] == '/' ? "/" : "x");
            append_hostile(text, dice);
            /* A backslash at the end continues with this line, as is its right. */
            g_string_append_c(text, '\n');
        } else {
            g_string_append(text, line);
        }
        g_string_append_c(text, '\n');
    }
    return text;
}

START_TEST(no_value_of_any_key_changes_the_shape_of_qemus_options)
{
    g_autoptr(GArray) victims = find_victims();
    g_autoptr(GHashTable) accepted = g_hash_table_new(g_str_hash, g_str_equal);
    GRand *dice = new_dice();
    unsigned n_accepted = 0;

    for (int i = 0; i < ROUNDS; i++) {
        const Victim *victim = &g_array_index(victims, Victim, g_rand_int_range(dice, 0, victims->len));
        GString *text = exchanged(victim, dice);
        g_autofree char *given = shape_of_text(text->str, text->len);

        if (given) {
            ck_assert_msg(g_str_equal(given, victim->shape), "%s, line %u:\n%s\ngives\n%s\ninstead of\n%s",
                          victim->file, victim->line + 1, text->str, given, victim->shape);
            g_hash_table_add(accepted, g_ptr_array_index(victim->lines, victim->line));
            n_accepted++;
        }
        g_string_free(text, TRUE);
    }
    g_rand_free(dice);
    /* Else this would have looked at nothing. */
    ck_assert_uint_gt(n_accepted, ROUNDS / 50);
    ck_assert_uint_lt(n_accepted, ROUNDS);
    ck_assert_uint_gt(g_hash_table_size(accepted), 10);
}
END_TEST

START_TEST(a_comma_or_a_quote_in_a_path_stays_in_it)
{
    static const char
        tame[] = "[Disk a]\nPath=/srv/a\nFormat=raw\n[Kernel]\nImage=/k\nCommandLine=x\n",
        wild[] =
            "[Disk a]\nPath=/srv/a,b=\"c\\\"%n'\nFormat=raw\n[Kernel]\nImage=/k,-S\nCommandLine=-S -device\n";
    g_autofree char *one = shape_of_text(tame, strlen(tame)), *other = shape_of_text(wild, strlen(wild));

    ck_assert_ptr_nonnull(other);
    ck_assert_str_eq(one, other);
}
END_TEST

SUITE("qemu-shape", no_value_of_any_key_changes_the_shape_of_qemus_options,
      a_comma_or_a_quote_in_a_path_stays_in_it)
