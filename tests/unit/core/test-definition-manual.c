/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Holds usher.guest(5) against the table of keys: the same keys in the same sections, with the same defaults
 * and words. */
#include <string.h>

#include "../../../daemon/core/definition/keys.h"
#include "../../../daemon/core/definition/handle.h"
#include "../suite.h"

static char *read_manual(void)
{
    char *text = NULL;
    ck_assert(g_file_get_contents(USHER_MAN_DIR "/usher.guest.5.scd", &text, NULL, NULL));
    return text;
}

/* The key that a line describes ("*Cores=*"), or NULL. */
static char *key_of_line(const char *line)
{
    if (line[0] != '*' || !g_str_has_suffix(line, "=*"))
        return NULL;
    return g_strndup(line + 1, strlen(line) - strlen("*=*"));
}

static SectionId section_of_line(const char *line)
{
    for (int id = 0; id < SECTION_MAX; id++) {
        g_autofree char *name = g_ascii_strup(definition_sections[id].name, -1);
        g_autofree char *heading =
            g_strdup_printf("# [%s%s] SECTION", name, definition_sections[id].max > 0 ? " NAME" : "");
        if (g_str_equal(line, heading))
            return id;
    }
    return SECTION_INVALID;
}

/* What the manual says of each key: "SECTION KEY" and the text below it, with single blanks. In *ret_order
 * the same names as they come. */
static GHashTable *described_keys(GPtrArray *ret_order)
{
    GHashTable *described = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autofree char *manual = read_manual(), *name = NULL;
    g_auto(GStrv) lines = g_strsplit(manual, "\n", -1);
    SectionId section = SECTION_INVALID;

    for (char **line = lines; *line; line++) {
        g_autofree char *key = key_of_line(*line);
        if (g_str_has_prefix(*line, "# ")) {
            section = section_of_line(*line);
            ck_assert_msg(section != SECTION_INVALID || !strchr(*line, '['), "%s", *line);
        } else if (key) {
            ck_assert_msg(section != SECTION_INVALID, "%s= stands in no section", key);
            g_free(name);
            name = g_strdup_printf("%s %s", definition_sections[section].name, key);
            g_ptr_array_add(ret_order, g_strdup(name));
            ck_assert_msg(g_hash_table_insert(described, g_strdup(name), g_strdup("")), "%s= is there twice",
                          name);
        } else if (**line == '\t' && name) {
            char *more = g_strconcat(g_hash_table_lookup(described, name), " ", *line + 1, NULL);
            g_hash_table_insert(described, g_strdup(name), more);
        } else {
            g_clear_pointer(&name, g_free);
        }
    }
    return described;
}

/* The table, and what the manual makes of it. */
static const DefinitionKey *keys;
static unsigned n;
static GPtrArray *order;
static GHashTable *described;

static void setup(void)
{
    keys = definition_keys(&n);
    order = g_ptr_array_new_with_free_func(g_free);
    described = described_keys(order);
}

static void teardown(void)
{
    g_clear_pointer(&order, g_ptr_array_unref);
    g_clear_pointer(&described, g_hash_table_unref);
}

static const char *description(const DefinitionKey *key)
{
    g_autofree char *name = g_strdup_printf("%s %s", definition_sections[key->section].name, key->name);
    const char *text = g_hash_table_lookup(described, name);
    ck_assert_msg(text != NULL, "the manual has no %s=", name);
    return text;
}

START_TEST(the_manual_has_every_key_in_the_order_of_the_table)
{
    for (unsigned i = 0; i < n; i++) {
        g_autofree char *name =
            g_strdup_printf("%s %s", definition_sections[keys[i].section].name, keys[i].name);
        ck_assert_msg(i < order->len, "the manual has no %s=", name);
        ck_assert_str_eq(g_ptr_array_index(order, i), name);
    }
    ck_assert_msg(order->len == n,
                  "the table has no %s=", (char *)g_ptr_array_index(order, MIN(n, order->len - 1)));
    ck_assert_uint_eq(g_hash_table_size(described), n);
}
END_TEST

START_TEST(the_manual_tells_the_defaults_and_what_is_required)
{
    for (unsigned i = 0; i < n; i++) {
        const char *text = description(&keys[i]);
        g_autofree char *defaults = g_strdup_printf(" Defaults to _%s_.", keys[i].fallback);

        if (keys[i].fallback)
            ck_assert_msg(g_str_has_suffix(text, defaults), "%s= does not end with \"%s\"", keys[i].name,
                          defaults);
        ck_assert_msg(g_str_has_suffix(text, " Required.") == keys[i].required, "%s=: is it required?",
                      keys[i].name);
    }
}
END_TEST

START_TEST(the_manual_tells_every_word_that_a_key_takes)
{
    for (unsigned i = 0; i < n; i++)
        for (const char *const *word = keys[i].words; word && *word; word++) {
            g_autofree char *set = g_strdup_printf("_%s_", *word);
            ck_assert_msg(strstr(description(&keys[i]), set), "%s=: where is %s?", keys[i].name, set);
        }
}
END_TEST

START_TEST(the_examples_in_the_manual_are_definitions)
{
    g_autofree char *manual = read_manual();
    g_auto(GStrv) parts = g_strsplit(manual, "```\n", -1);

    ck_assert_uint_ge(g_strv_length(parts), 3);
    for (unsigned i = 1; parts[i]; i += 2) {
        DefinitionText text = {"manual", parts[i], strlen(parts[i])};
        g_autoptr(GuestDefinition) definition = NULL;
        _cleanup_fault_ Fault *fault = NULL;
        ck_assert_msg(definition_parse("win10", &text, 1, &definition, &fault) == 0, "%s", fault->message);
        if (!parts[i + 1])
            break;
    }
}
END_TEST

START_TEST(the_manual_tells_which_sections_have_a_name)
{
    g_autofree char *manual = read_manual();

    for (int id = 0; id < SECTION_MAX; id++) {
        g_autofree char *named = g_strdup_printf("[%s NAME]", definition_sections[id].name);
        ck_assert_msg((strstr(manual, named) != NULL) == (definition_sections[id].max > 0), "%s", named);
    }
}
END_TEST

SUITE_WITH("definition-manual", setup, teardown, the_manual_has_every_key_in_the_order_of_the_table,
           the_manual_tells_the_defaults_and_what_is_required, the_manual_tells_every_word_that_a_key_takes,
           the_manual_tells_which_sections_have_a_name, the_examples_in_the_manual_are_definitions)
