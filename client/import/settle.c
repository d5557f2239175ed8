/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The draft is read by the parser that will read the definition. A line that it refuses is taken out and
 * listed, until nothing is left to refuse. */
#include <stdlib.h>
#include <string.h>

#include "../../daemon/core/definition/handle.h"
#include "../../daemon/core/definition/keys.h"
#include "draft-private.h"

#define PATH "import"
/* So many mistakes are no description of a guest. */
#define ROUNDS_MAX 200

static int by_section(const void *a, const void *b)
{
    const DraftSection *first = *(DraftSection **)a, *second = *(DraftSection **)b;

    return (int)definition_section_find(first->kind) - (int)definition_section_find(second->kind);
}

static int by_row(const void *a, const void *b, void *userdata)
{
    SectionId section = definition_section_find(((DraftSection *)userdata)->kind);
    const DefinitionKey *first = definition_key_find(section, (*(DraftLine **)a)->key),
                        *second = definition_key_find(section, (*(DraftLine **)b)->key);

    return (first > second) - (first < second);
}

/* In the order of the manual; those of one kind keep theirs, which is the order that the guest sees. */
static void sort_sections(Draft *draft)
{
    g_ptr_array_sort(draft->sections, by_section);
    for (unsigned i = 0; i < draft->sections->len; i++) {
        DraftSection *section = draft->sections->pdata[i];
        g_ptr_array_sort_with_data(section->lines, by_row, section);
    }
}

static void drop_empty(Draft *draft)
{
    for (unsigned i = draft->sections->len; i-- > 0;)
        if (((DraftSection *)draft->sections->pdata[i])->lines->len == 0)
            g_ptr_array_remove_index(draft->sections, i);
}

/* Such a value would begin another line, continue this one, or lose its blanks. */
static bool fits_line(const char *value)
{
    size_t length = strlen(value);

    for (const char *c = value; *c; c++)
        if (g_ascii_iscntrl(*c))
            return false;
    return length > 0 && !g_ascii_isspace(value[0]) && !g_ascii_isspace(value[length - 1]) &&
           value[length - 1] != '\\' && g_utf8_validate(value, -1, NULL);
}

static char *header_of(const DraftSection *section)
{
    return g_strdup_printf("[%s%s%s]", section->kind, section->name ? " " : "", section->name ?: "");
}

/* "[Disk a] Path=/srv/a.img" */
static char *assignment_of(const DraftSection *section, const DraftLine *line)
{
    g_autofree char *header = header_of(section);

    return g_strdup_printf("%s %s=%s", header, line->key, line->value);
}

/* Where each line of the text comes from: a section and the number of its line, from 0; -1: its header. */
typedef struct Place {
    unsigned section;
    int line;
} Place;

static char *write_text(const Draft *draft, GArray *places)
{
    GString *text = g_string_new(NULL);
    Place none = {0, -1};

    for (unsigned i = 0; i < draft->sections->len; i++) {
        const DraftSection *section = draft->sections->pdata[i];
        if (i > 0) {
            g_string_append_c(text, '\n');
            g_array_append_val(places, none);
        }
        Place place = {i, -1};
        g_autofree char *header = header_of(section);
        g_string_append_printf(text, "%s\n", header);
        g_array_append_val(places, place);
        for (place.line = 0; place.line < (int)section->lines->len; place.line++) {
            const DraftLine *line = section->lines->pdata[place.line];
            g_string_append_printf(text, "%s=%s\n", line->key, line->value);
            g_array_append_val(places, place);
        }
    }
    return g_string_free(text, FALSE);
}

/* "import:12: [CPU] …" → 12, and what follows. */
static unsigned take_line(const char *message, const char **ret_rest)
{
    char *end;

    *ret_rest = message;
    if (!g_str_has_prefix(message, PATH ":"))
        return 0;
    unsigned long line = strtoul(message + strlen(PATH ":"), &end, 10);
    *ret_rest = g_str_has_prefix(end, ": ") ? end + 2 : end;
    return line;
}

static void leave_line(Draft *draft, DraftSection *section, unsigned index, const char *why)
{
    const DraftLine *line = section->lines->pdata[index];
    g_autofree char *assignment = assignment_of(section, line);
    g_autofree char *whole = g_strdup_printf("%s (%s)", why, assignment);

    draft_item(draft, DRAFT_LEFT, line->from ?: assignment, line->from ? whole : why);
    g_ptr_array_remove_index(section->lines, index);
}

/* A section as a whole: what it lacks is not to be had, or there is no such section. */
static void leave_section(Draft *draft, unsigned index, const char *why)
{
    DraftSection *section = draft->sections->pdata[index];

    while (section->lines->len > 0)
        leave_line(draft, section, 0, why);
    g_ptr_array_remove_index(draft->sections, index);
}

/* Without such a line the guest could do more than its source let it. */
static bool protects(const DraftLine *line)
{
    return g_str_equal(line->key, "ReadOnly");
}

/* Takes out what the fault is about; false: it is about nothing that was written. */
static bool leave(Draft *draft, const GArray *places, const Fault *fault)
{
    const char *rest;
    unsigned line = take_line(fault->message, &rest);
    g_autofree char *why = fault->remedy ? g_strdup_printf("%s; %s", rest, fault->remedy) : g_strdup(rest);

    if (line == 0 || line > places->len || draft->sections->len == 0)
        return false;
    Place place = g_array_index(places, Place, line - 1);
    const DraftSection *section = draft->sections->pdata[place.section];
    if (place.line < 0 || protects(section->lines->pdata[place.line]))
        leave_section(draft, place.section, why);
    else
        leave_line(draft, draft->sections->pdata[place.section], place.line, why);
    return true;
}

static void leave_unfit(Draft *draft)
{
    for (unsigned i = 0; i < draft->sections->len; i++) {
        DraftSection *section = draft->sections->pdata[i];
        for (unsigned j = section->lines->len; j-- > 0;)
            if (!fits_line(((DraftLine *)section->lines->pdata[j])->value))
                leave_line(draft, section, j, "no line of a definition can hold this value; choose another");
    }
}

static void finish_said(Draft *draft)
{
    for (unsigned i = 0; i < draft->sections->len; i++) {
        const DraftSection *section = draft->sections->pdata[i];
        for (unsigned j = 0; j < section->lines->len; j++) {
            const DraftLine *line = section->lines->pdata[j];
            g_autofree char *said = assignment_of(section, line);
            draft_item(draft, DRAFT_SAID, line->from, said);
        }
    }
}

static void finish_groups(Draft *draft)
{
    for (unsigned i = 0; i < draft->groups->len; i++) {
        const DraftGroup *group = draft->groups->pdata[i];
        g_autoptr(GString) names = g_string_new(NULL);

        for (unsigned j = 0; j < group->names->len; j++)
            g_string_append_printf(names, "%s%s", j > 0 ? ", " : "", (char *)group->names->pdata[j]);
        draft_item(draft, DRAFT_DIFFERS, names->str, group->reason);
    }
}

char *draft_text(const Draft *draft)
{
    g_autoptr(GArray) places = g_array_new(FALSE, FALSE, sizeof(Place));

    return write_text(draft, places);
}

bool draft_takes(const char *kind, const char *key, const char *value)
{
    g_autofree char *text = g_strdup_printf("[%s]\n%s=%s\n", kind, key, value);
    DefinitionText one = {PATH, text, strlen(text)};
    g_autoptr(GuestDefinition) definition = NULL;
    _cleanup_fault_ Fault *fault = NULL;

    return fits_line(value) && definition_parse("import", &one, 1, &definition, &fault) == 0;
}

int draft_settle(Draft *draft, const char *name)
{
    leave_unfit(draft);
    sort_sections(draft);
    for (unsigned round = 0;; round++) {
        g_autoptr(GArray) places = g_array_new(FALSE, FALSE, sizeof(Place));
        g_autoptr(GuestDefinition) definition = NULL;
        _cleanup_fault_ Fault *fault = NULL;

        drop_empty(draft);
        g_autofree char *text = write_text(draft, places);
        DefinitionText one = {PATH, text, strlen(text)};
        int r = definition_parse(name, &one, 1, &definition, &fault);
        if (r == 0)
            break;
        if (round >= ROUNDS_MAX)
            return -E2BIG;
        if (r < 0 || !leave(draft, places, fault))
            return r < 0 ? r : -EBADMSG;
    }
    finish_groups(draft);
    finish_said(draft);
    return 0;
}
