/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hostile definitions, thousands of them: none crashes, and no value of any key becomes an option of QEMU's.
 * The seed is printed; USHER_FUZZ_SEED repeats a run. */
#include <stdio.h>
#include <stdlib.h>

#include <json-c/json.h>

#include "../suite.h"
#include "a-command.h"

#define VALUES 6000
#define MUTATIONS 6000

/* Each line with a value to replace stands alone: its key, and what belongs before the value. */
static const char *const skeleton[] = {
    "[Guest]",
    "Description=x",
    "[CPU]",
    "Model=max",
    "[Memory]",
    "Size=1G",
    "[Kernel]",
    "Image=/k",
    "Initrd=/i",
    "CommandLine=quiet",
    "[PCI gpu]",
    "Address=0000:01:00.0",
    "[Disk system]",
    "Path=/srv/a.img",
    "Format=raw",
    "[Disk more]",
    "Path=/srv/b.img",
    "Format=qcow2",
    "Bus=virtio-scsi",
    "Serial=X-1",
    "[CDROM install]",
    "Path=/srv/c.iso",
    "[Network lan]",
    "MAC=52:54:00:00:00:01",
    "Forward=tcp:1:2",
    NULL,
};
#define LINES (G_N_ELEMENTS(skeleton) - 1)

static GRand *new_dice(void)
{
    const char *given = getenv("USHER_FUZZ_SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : g_random_int();

    printf("USHER_FUZZ_SEED=%u\n", seed);
    fflush(stdout);
    return g_rand_new_with_seed(seed);
}

/* Appends text that means something to QEMU, the shell, printf, JSON or the parser. */
static void append_hostile(GString *text, GRand *dice)
{
    static const char *const pieces[] = {
        ",",      "=",    "\"",      "%",  "%n",   "%s", "\\",    "\\\\", "\n", "\n#",     "\n\n",
        "'",      "{",    "}",       "[",  "]",    ":",  "/",     "..",   "-S", "-device", " -monitor stdio",
        ",id=x",  "fd=3", "driver=", "\t", "#",    ";",  "$(id)", "`",    "&",  "|",       "\u00fc",
        "\u2028", "\xff", "\xc3",    "\r", "\x1b", "a",  "b",     "0",    "1",  ".",       " ",
    };
    for (int n = g_rand_int_range(dice, 1, 12); n > 0; n--) {
        if (g_rand_int_range(dice, 0, 200) == 0)
            g_string_append_c(text, '\0');
        g_string_append(text, pieces[g_rand_int_range(dice, 0, G_N_ELEMENTS(pieces))]);
    }
}

/* The skeleton, with a hostile value in one of its lines; not an empty one, which would give the default
 * back. */
static GString *hostile_value(GRand *dice)
{
    GString *text = g_string_new(NULL);
    int victim;

    do
        victim = g_rand_int_range(dice, 0, LINES);
    while (skeleton[victim][0] == '[');
    for (int i = 0; i < (int)LINES; i++) {
        const char *value = strchr(skeleton[i], '=');
        if (i == victim) {
            bool keep = g_rand_boolean(dice);
            g_string_append_len(text, skeleton[i], value + 1 - skeleton[i]);
            g_string_append(text, keep ? value + 1 : value[1] == '/' ? "/" : "x");
            append_hostile(text, dice);
            /* For a backslash at the end to continue with, as is its right. */
            g_string_append_c(text, '\n');
        } else {
            g_string_append(text, skeleton[i]);
        }
        g_string_append_c(text, '\n');
    }
    return text;
}

static GString *mutated(GRand *dice)
{
    g_autofree char *plain = g_strjoinv("\n", (char **)skeleton);
    GString *text = g_string_new(plain);

    for (int n = g_rand_int_range(dice, 1, 6); n > 0; n--) {
        gsize at = g_rand_int_range(dice, 0, text->len);
        switch (g_rand_int_range(dice, 0, 4)) {
        case 0:
            text->str[at] = g_rand_int_range(dice, 0, 256);
            break;
        case 1:
            g_string_erase(text, at, g_rand_int_range(dice, 1, MIN(20, text->len - at) + 1));
            break;
        case 2:
            g_string_insert_c(text, at, "=\\[]#\n, \t0"[g_rand_int_range(dice, 0, 10)]);
            break;
        default: {
            g_autofree char *again = g_strndup(text->str + at, g_rand_int_range(dice, 1, 60));
            g_string_append(text, again);
        }
        }
    }
    return text;
}

/* Names and values of options, of JSON only the names; what may be any text is left out. */
static char *shape_of(const QemuCommand *command)
{
    static const char *const json_options[] = {"-device", "-blockdev", "-netdev", NULL};
    GString *shape = g_string_new(NULL);

    for (unsigned i = 1; i + 1 < command->argv->len; i++) {
        const char *option = g_ptr_array_index(command->argv, i), *value;

        g_string_append_printf(shape, "%s ", option);
        if (g_str_equal(option, "-S") || g_str_equal(option, "-nodefaults") ||
            g_str_equal(option, "-no-user-config"))
            continue;
        value = g_ptr_array_index(command->argv, ++i);
        if (g_strv_contains(json_options, option)) {
            struct json_object *object = json_tokener_parse(value);
            ck_assert_msg(json_object_is_type(object, json_type_object), "%s", value);
            json_object_object_foreach(object, name, member)
                g_string_append_printf(shape, "%s%s ", name, member ? "" : "=null");
            json_object_put(object);
        } else if (g_str_equal(option, "-cpu")) {
            ck_assert_msg(!strpbrk(value, ",= "), "%s", value);
        } else if (!g_str_equal(option, "-append") && !g_str_equal(option, "-m")) {
            g_string_append(shape, value);
        }
        g_string_append_c(shape, '\n');
    }
    return g_string_free(shape, FALSE);
}

/* NULL if it was refused, in words that can be shown. */
static GuestDefinition *parse_or_refuse(const GString *text)
{
    DefinitionText file = {FILE_PATH, text->str, text->len};
    GuestDefinition *definition = NULL;
    _cleanup_fault_ Fault *fault = NULL;
    g_autoptr(GPtrArray) lines = NULL;

    if (definition_parse("win10", &file, 1, &definition, &fault) == 0) {
        ck_assert_int_eq(definition_lines(&file, 1, &lines), 0);
        return definition;
    }
    ck_assert_ptr_nonnull(fault);
    ck_assert(g_str_has_prefix(fault->message, FILE_PATH ":"));
    ck_assert(g_utf8_validate(fault->message, -1, NULL));
    for (const char *c = fault->message; *c; c++)
        ck_assert_msg(!g_ascii_iscntrl(*c) || *c == '\t', "%s", fault->message);
    ck_assert_uint_lt(strlen(fault->message), 2000);
    return NULL;
}

START_TEST(no_value_changes_the_shape_of_the_command_line)
{
    g_autofree char *plain = g_strjoinv("\n", (char **)skeleton);
    g_autoptr(GuestDefinition) tame = a_definition(plain);
    g_autoptr(QemuCommand) tame_command = a_command_for(tame);
    g_autofree char *shape = shape_of(tame_command);
    GRand *dice = new_dice();
    unsigned n_accepted = 0;

    for (int i = 0; i < VALUES; i++) {
        GString *text = hostile_value(dice);
        g_autoptr(GuestDefinition) definition = parse_or_refuse(text);
        if (definition) {
            g_autoptr(QemuCommand) command = a_command_for(definition);
            g_autofree char *given = shape_of(command);
            ck_assert_msg(g_str_equal(given, shape), "%s\ngives\n%s", text->str, given);
            n_accepted++;
        }
        g_string_free(text, TRUE);
    }
    g_rand_free(dice);
    /* Else this would have looked at nothing. */
    ck_assert_uint_gt(n_accepted, VALUES / 20);
    ck_assert_uint_lt(n_accepted, VALUES);
}
END_TEST

START_TEST(no_mutation_crashes_or_makes_options_that_are_none)
{
    GRand *dice = new_dice();
    unsigned n_accepted = 0;

    for (int i = 0; i < MUTATIONS; i++) {
        GString *text = mutated(dice);
        g_autoptr(GuestDefinition) definition = parse_or_refuse(text);
        if (definition) {
            g_autoptr(QemuCommand) command = a_command_for(definition);
            g_autofree char *given = shape_of(command);
            ck_assert(g_str_has_prefix(given, "-name guest=win10,debug-threads=on\n"));
            n_accepted++;
        }
        g_string_free(text, TRUE);
    }
    g_rand_free(dice);
    ck_assert_uint_gt(n_accepted, MUTATIONS / 100);
}
END_TEST

START_TEST(no_noise_crashes)
{
    GRand *dice = new_dice();

    for (int i = 0; i < 2000; i++) {
        g_autoptr(GString) text = g_string_new("[Guest]\n");
        for (int n = g_rand_int_range(dice, 0, 300); n > 0; n--)
            g_string_append_c(text, g_rand_int_range(dice, 0, 256));
        g_autoptr(GuestDefinition) definition = parse_or_refuse(text);
    }
    g_rand_free(dice);
}
END_TEST

SUITE("definition-fuzz", no_value_changes_the_shape_of_the_command_line,
      no_mutation_crashes_or_makes_options_that_are_none, no_noise_crashes)
