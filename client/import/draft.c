/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "draft.h"

#include <string.h>

#include "../../daemon/base/cleanup.h"
#include "../../daemon/core/definition/keys.h"
#include "draft-private.h"

#define NAME_MAX_BYTES 32

DEFINE_ELEMENT_FREE(DraftLine, line_free, line)
{
    g_free(line->key);
    g_free(line->value);
    g_free(line->from);
}

DEFINE_ELEMENT_FREE(DraftSection, section_free, section)
{
    g_free(section->kind);
    g_free(section->name);
    g_ptr_array_unref(section->lines);
}

DEFINE_ELEMENT_FREE(DraftGroup, group_free, group)
{
    g_free(group->reason);
    g_ptr_array_unref(group->names);
}

Draft *draft_new(void)
{
    Draft *draft = g_new0(Draft, 1);

    draft->sections = g_ptr_array_new_with_free_func(section_free);
    draft->groups = g_ptr_array_new_with_free_func(group_free);
    for (int i = 0; i < DRAFT_LISTS; i++)
        draft->lists[i] = g_ptr_array_new_with_free_func(g_free);
    return draft;
}

DEFINE_FREE(Draft, draft_free, draft)
{
    g_ptr_array_unref(draft->sections);
    g_ptr_array_unref(draft->groups);
    for (int i = 0; i < DRAFT_LISTS; i++)
        g_ptr_array_unref(draft->lists[i]);
}

static DraftSection *find(const Draft *draft, const char *kind, const char *name)
{
    for (unsigned i = 0; i < draft->sections->len; i++) {
        DraftSection *section = draft->sections->pdata[i];
        if (g_str_equal(section->kind, kind) && g_strcmp0(section->name, name) == 0)
            return section;
    }
    return NULL;
}

static DraftSection *add(Draft *draft, const char *kind, const char *name)
{
    DraftSection *section = g_new0(DraftSection, 1);

    section->draft = draft;
    section->kind = g_strdup(kind);
    section->name = g_strdup(name);
    section->lines = g_ptr_array_new_with_free_func(line_free);
    g_ptr_array_add(draft->sections, section);
    return section;
}

DraftSection *draft_section(Draft *draft, const char *kind)
{
    return find(draft, kind, NULL) ?: add(draft, kind, NULL);
}

/* Lower-case letters, digits and dashes, not a dash first. */
static char *valid_name(const char *wish, const char *kind)
{
    g_autofree char *name = g_ascii_strdown(wish, -1);

    g_strcanon(name, "abcdefghijklmnopqrstuvwxyz0123456789", '-');
    const char *start = name + strspn(name, "-");
    if (!*start)
        return g_ascii_strdown(kind, -1);
    return g_strndup(start, NAME_MAX_BYTES - 4);
}

static unsigned count(const Draft *draft, const char *kind)
{
    unsigned n = 0;

    for (unsigned i = 0; i < draft->sections->len; i++)
        n += g_str_equal(((DraftSection *)draft->sections->pdata[i])->kind, kind);
    return n;
}

DraftSection *draft_add(Draft *draft, const char *kind, const char *wish)
{
    g_autofree char *name = valid_name(wish ?: kind, kind), *base = g_strdup(name);

    for (unsigned n = MAX(count(draft, kind) + 1, 2); find(draft, kind, name); n++) {
        g_free(name);
        name = g_strdup_printf("%s-%u", base, n);
    }
    return add(draft, kind, name);
}

DraftSection *draft_nth(const Draft *draft, const char *kind, unsigned n)
{
    for (unsigned i = 0; i < draft->sections->len; i++) {
        DraftSection *section = draft->sections->pdata[i];
        if (g_str_equal(section->kind, kind) && n-- == 0)
            return section;
    }
    return NULL;
}

const char *draft_name(const DraftSection *section)
{
    return section->name ?: "";
}

bool draft_has_word(const char *kind, const char *key, const char *word)
{
    SectionId id = definition_section_find(kind);
    const DefinitionKey *row = id == SECTION_INVALID ? NULL : definition_key_find(id, key);

    return row && row->words && g_strv_contains(row->words, word);
}

static void add_line(DraftSection *section, const char *key, const Node *from, char *value)
{
    DraftLine *line = g_new0(DraftLine, 1);

    line->key = g_strdup(key);
    line->value = value;
    line->from = from ? node_title(from) : NULL;
    g_ptr_array_add(section->lines, line);
}

void draft_unset(DraftSection *section, const char *key)
{
    for (unsigned i = section->lines->len; i-- > 0;)
        if (g_str_equal(((DraftLine *)section->lines->pdata[i])->key, key))
            g_ptr_array_remove_index(section->lines, i);
}

void draft_set(DraftSection *section, const char *key, const Node *from, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    char *value = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    draft_unset(section, key);
    add_line(section, key, from, value);
}

void draft_more(DraftSection *section, const char *key, const Node *from, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add_line(section, key, from, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

const char *draft_get(const DraftSection *section, const char *key)
{
    for (unsigned i = 0; i < section->lines->len; i++) {
        const DraftLine *line = section->lines->pdata[i];
        if (g_str_equal(line->key, key))
            return line->value;
    }
    return NULL;
}

void draft_item(Draft *draft, DraftList list, const char *what, const char *why)
{
    char *item = what ? g_strdup_printf("%s: %s", what, why) : g_strdup(why);

    /* A control character would move the reader's terminal, and a line break begin another item. */
    for (char *c = item; *c; c++)
        if (g_ascii_iscntrl(*c))
            *c = ' ';
    g_ptr_array_add(draft->lists[list], item);
}

static void add_item(Draft *draft, DraftList list, const Node *from, const char *format, va_list arguments)
{
    g_autofree char *why = g_strdup_vprintf(format, arguments), *what = from ? node_title(from) : NULL;

    draft_item(draft, list, what, why);
}

void draft_differs(Draft *draft, const Node *from, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add_item(draft, DRAFT_DIFFERS, from, format, arguments);
    va_end(arguments);
}

void draft_left(Draft *draft, const Node *from, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add_item(draft, DRAFT_LEFT, from, format, arguments);
    va_end(arguments);
}

static DraftGroup *group_of(Draft *draft, const char *reason)
{
    for (unsigned i = 0; i < draft->groups->len; i++) {
        DraftGroup *group = draft->groups->pdata[i];
        if (g_str_equal(group->reason, reason))
            return group;
    }
    DraftGroup *group = g_new0(DraftGroup, 1);
    group->reason = g_strdup(reason);
    group->names = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(draft->groups, group);
    return group;
}

void draft_same(Draft *draft, Node *from, const char *reason)
{
    DraftGroup *group = group_of(draft, reason);
    Node bare = *from;

    /* Where it stands is of no use where there are forty. */
    bare.line = 0;
    node_take_all(from);
    g_autofree char *title = node_title(&bare);
    if (!g_ptr_array_find_with_equal_func(group->names, title, g_str_equal, NULL))
        g_ptr_array_add(group->names, g_steal_pointer(&title));
}

const GPtrArray *draft_list(const Draft *draft, DraftList list)
{
    return draft->lists[list];
}
