/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handle.h"

#include "../../base/cleanup.h"
#include "keys.h"
#include "parse.h"

/* A line, and its place among all lines. */
typedef struct Listed {
    DefinitionLine *line; /* NULL: was taken back */
    unsigned section, order;
} Listed;

typedef struct Lister {
    GHashTable *sections; /* title, owned → its number, in the order in which they were first written */
    GHashTable *keys;     /* "title\nkey", owned → GArray of places in lines, owned */
    GArray *lines;        /* of Listed, as written */
    const char *title;    /* of the section being read */
    unsigned section;
    SectionId id;
} Lister;

DEFINE_ELEMENT_FREE(DefinitionLine, line_free, line)
{
    g_free(line->section);
    g_free(line->key);
    g_free(line->value);
    g_free(line->path);
}

static void listed_clear(void *pointer)
{
    Listed *listed = pointer;

    if (listed->line)
        line_free(listed->line);
}

static int list_section(const char *name, const char *instance, DefinitionPlace place, void *userdata,
                        Fault **ret_fault)
{
    Lister *lister = userdata;
    g_autofree char *title = instance ? g_strdup_printf("%s %s", name, instance) : g_strdup(name);
    void *known, *number;

    lister->id = definition_section_find(name);
    if (lister->id == SECTION_INVALID)
        return -EBADMSG;
    if (!g_hash_table_lookup_extended(lister->sections, title, &known, &number)) {
        known = g_steal_pointer(&title);
        number = GUINT_TO_POINTER(g_hash_table_size(lister->sections));
        g_hash_table_insert(lister->sections, known, number);
    }
    lister->title = known;
    lister->section = GPOINTER_TO_UINT(number);
    return 0;
}

/* The places of the lines of this section that set the key. */
static GArray *find_lines(Lister *lister, const char *key)
{
    g_autofree char *name = g_strdup_printf("%s\n%s", lister->title, key);
    GArray *places = g_hash_table_lookup(lister->keys, name);

    if (!places) {
        places = g_array_new(FALSE, FALSE, sizeof(unsigned));
        g_hash_table_insert(lister->keys, g_steal_pointer(&name), places);
    }
    return places;
}

static void take_back(Lister *lister, GArray *places)
{
    for (unsigned i = 0; i < places->len; i++) {
        Listed *listed = &g_array_index(lister->lines, Listed, g_array_index(places, unsigned, i));
        line_free(listed->line);
        listed->line = NULL;
    }
    g_array_set_size(places, 0);
}

static DefinitionLine *add_line(Lister *lister, const char *key, GArray *places)
{
    Listed listed = {g_new0(DefinitionLine, 1), lister->section, lister->lines->len};

    listed.line->section = g_strdup(lister->title);
    listed.line->key = g_strdup(key);
    g_array_append_val(places, listed.order);
    g_array_append_val(lister->lines, listed);
    return listed.line;
}

static int list_assignment(const char *name, const char *value, DefinitionPlace place, void *userdata,
                           Fault **ret_fault)
{
    Lister *lister = userdata;
    const DefinitionKey *key = definition_key_find(lister->id, name);

    if (!key)
        return -EBADMSG;
    GArray *places = find_lines(lister, name);
    if (*value == '\0') {
        take_back(lister, places);
        return 0;
    }
    DefinitionLine *line =
        key->repeat || places->len == 0
            ? add_line(lister, name, places)
            : g_array_index(lister->lines, Listed, g_array_index(places, unsigned, 0)).line;
    g_free(line->value);
    g_free(line->path);
    line->value = g_strdup(value);
    line->path = g_strdup(place.path);
    line->line = place.line;
    return 0;
}

static int compare(gconstpointer one, gconstpointer other)
{
    const Listed *a = one, *b = other;

    return a->section != b->section ? (a->section > b->section) - (a->section < b->section)
                                    : (a->order > b->order) - (a->order < b->order);
}

/* Orders the lines by section: those of a drop-in stand with those of the file that it adds to. */
static GPtrArray *collect(Lister *lister)
{
    GPtrArray *ordered = g_ptr_array_new_with_free_func(line_free);

    g_array_sort(lister->lines, compare);
    for (unsigned i = 0; i < lister->lines->len; i++) {
        Listed *listed = &g_array_index(lister->lines, Listed, i);
        if (listed->line)
            g_ptr_array_add(ordered, g_steal_pointer(&listed->line));
    }
    return ordered;
}

int definition_lines(const DefinitionText *texts, size_t n_texts, GPtrArray **ret)
{
    static const DefinitionHandler handler = {list_section, list_assignment};
    g_autoptr(GHashTable) sections = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) keys =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_array_unref);
    g_autoptr(GArray) lines = g_array_new(FALSE, FALSE, sizeof(Listed));
    Lister lister = {.sections = sections, .keys = keys, .lines = lines};
    int r = 0;

    g_array_set_clear_func(lines, listed_clear);
    for (size_t i = 0; r == 0 && i < n_texts; i++)
        r = definition_scan(texts[i].path, texts[i].text, texts[i].size, &handler, &lister, NULL);
    if (r != 0)
        return r < 0 ? r : -EBADMSG;
    *ret = collect(&lister);
    return 0;
}
