/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report.h"

static const struct {
    DraftList list;
    const char *title, *key;
} lists[] = {
    {DRAFT_SAID, "Said", "said"},
    {DRAFT_DIFFERS, "Said differently", "said_differently"},
    {DRAFT_LEFT, "Left out", "left_out"},
};

void report_print(const Import *import, FILE *stream)
{
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
        const GPtrArray *items = draft_list(import->draft, lists[i].list);
        fprintf(stream, "%s:%s\n", lists[i].title, items->len ? "" : " nothing");
        for (unsigned j = 0; j < items->len; j++)
            fprintf(stream, "  %s\n", (const char *)items->pdata[j]);
    }
}

json_object *report_json(const Import *import)
{
    json_object *object = json_object_new_object();
    g_autofree char *text = draft_text(import->draft);

    json_object_object_add(object, "name", json_object_new_string(import->name));
    json_object_object_add(object, "definition", json_object_new_string(text));
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
        const GPtrArray *items = draft_list(import->draft, lists[i].list);
        json_object *array = json_object_new_array();
        for (unsigned j = 0; j < items->len; j++)
            json_object_array_add(array, json_object_new_string(items->pdata[j]));
        json_object_object_add(object, lists[i].key, array);
    }
    return object;
}
