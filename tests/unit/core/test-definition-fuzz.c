/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hostile definitions, thousands of them: none crashes. What values may do to QEMU's options is test-qemu-shape.c's. */
#include "../suite.h"
#include "a-command.h"
#include "hostile.h"

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

START_TEST(no_mutation_crashes_or_makes_options_that_are_none)
{
    GRand *dice = new_dice();
    unsigned n_accepted = 0;

    for (int i = 0; i < MUTATIONS; i++) {
        GString *text = mutated(dice);
        g_autoptr(GuestDefinition) definition = parse_or_refuse(text);
        if (definition) {
            g_autoptr(QemuCommand) command = a_command_for(definition);
            ck_assert_str_eq(option_value(command, "-name", 0), "guest=win10,debug-threads=on");
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

SUITE("definition-fuzz", no_mutation_crashes_or_makes_options_that_are_none, no_noise_crashes)
