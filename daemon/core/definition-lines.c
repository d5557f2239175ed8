/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "definition.h"

#include "definition-keys.h"
#include "definition-parse.h"

typedef struct Lister {
    GPtrArray *sections; /* of char*: titles in the order in which they were first written */
    GPtrArray *lines;    /* of DefinitionLine, as written */
    const char *title;   /* of the section being read */
    SectionId id;
} Lister;

static void line_free(void *pointer)
{
    DefinitionLine *line = pointer;

    g_free(line->section);
    g_free(line->key);
    g_free(line->value);
    g_free(line->path);
    g_free(line);
}

static int list_section(const char *name, const char *instance, DefinitionPlace place, void *userdata,
                        Fault **ret_fault)
{
    Lister *lister = userdata;
    g_autofree char *title = instance ? g_strdup_printf("%s %s", name, instance) : g_strdup(name);
    unsigned i;

    lister->id = definition_section_find(name);
    if (lister->id == SECTION_INVALID)
        return -EBADMSG;
    if (!g_ptr_array_find_with_equal_func(lister->sections, title, g_str_equal, &i)) {
        i = lister->sections->len;
        g_ptr_array_add(lister->sections, g_steal_pointer(&title));
    }
    lister->title = g_ptr_array_index(lister->sections, i);
    return 0;
}

/* The line of this section that says something of the key, or NULL. */
static DefinitionLine *find_line(const Lister *lister, const char *key, unsigned *ret_index)
{
    for (unsigned i = 0; i < lister->lines->len; i++) {
        DefinitionLine *line = g_ptr_array_index(lister->lines, i);
        if (g_str_equal(line->section, lister->title) && g_str_equal(line->key, key)) {
            *ret_index = i;
            return line;
        }
    }
    return NULL;
}

static int list_assignment(const char *name, const char *value, DefinitionPlace place, void *userdata,
                           Fault **ret_fault)
{
    Lister *lister = userdata;
    const DefinitionKey *key = definition_key_find(lister->id, name);
    DefinitionLine *line;
    unsigned i;

    if (!key)
        return -EBADMSG;
    if (*value == '\0') {
        while (find_line(lister, name, &i))
            g_ptr_array_remove_index(lister->lines, i);
        return 0;
    }
    line = key->repeat ? NULL : find_line(lister, name, &i);
    if (!line) {
        line = g_new0(DefinitionLine, 1);
        line->section = g_strdup(lister->title);
        line->key = g_strdup(name);
        g_ptr_array_add(lister->lines, line);
    }
    g_free(line->value);
    g_free(line->path);
    line->value = g_strdup(value);
    line->path = g_strdup(place.path);
    line->line = place.line;
    return 0;
}

/* The lines of one section after the other: a drop-in's stand with those of the file that it adds to. */
static GPtrArray *collect(Lister *lister)
{
    GPtrArray *ordered = g_ptr_array_new_with_free_func(line_free);

    for (unsigned i = 0; i < lister->sections->len; i++)
        for (unsigned j = 0; j < lister->lines->len;) {
            const DefinitionLine *line = g_ptr_array_index(lister->lines, j);
            if (g_str_equal(line->section, g_ptr_array_index(lister->sections, i)))
                g_ptr_array_add(ordered, g_ptr_array_steal_index(lister->lines, j));
            else
                j++;
        }
    return ordered;
}

int definition_lines(const DefinitionText *texts, size_t n_texts, GPtrArray **ret)
{
    static const DefinitionHandler handler = {list_section, list_assignment};
    g_autoptr(GPtrArray) sections = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(line_free);
    Lister lister = {.sections = sections, .lines = lines};
    int r = 0;

    for (size_t i = 0; r == 0 && i < n_texts; i++)
        r = definition_scan(texts[i].path, texts[i].text, texts[i].size, &handler, &lister, NULL);
    if (r != 0)
        return r < 0 ? r : -EBADMSG;
    *ret = collect(&lister);
    return 0;
}
