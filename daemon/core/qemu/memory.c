/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../definition/numa.h"
#include "../host/cpu-list.h"
#include "builder.h"

/* Memory is private unless somebody else maps it: then a page that was only read costs nothing. node: the
 * host's that it comes from; -1: any. */
static void add_backend(QemuBuilder *builder, const char *id, uint64_t size, HugePages huge_pages,
                        bool shared, int node)
{
    bool huge = huge_pages != HUGE_PAGES_NO;
    struct json_object *backend = json_object_new_object();

    /* Others can map a memfd, as QEMU gives them its descriptor. It also gives huge pages to a user who may
     * not write to a hugetlbfs (memfd_create(2)). */
    json_set_text(backend, "qom-type", "memory-backend-%s", shared || huge ? "memfd" : "ram");
    json_set_text(backend, "id", "%s", id);
    json_object_object_add(backend, "size", json_object_new_int64(size));
    json_set_bool(backend, "share", shared);
    if (huge) {
        json_set_bool(backend, "hugetlb", true);
        json_object_object_add(backend, "hugetlbsize", json_object_new_int64(huge_page_size(huge_pages)));
        /* If there are too few of them, this ends the start instead of the guest. */
        json_set_bool(backend, "prealloc", true);
    }
    if (node >= 0) {
        struct json_object *nodes = json_object_new_array();
        json_object_array_add(nodes, json_object_new_int(node));
        json_object_object_add(backend, "host-nodes", nodes);
        json_set_text(backend, "policy", "bind");
    }
    builder_json(builder, "-object", backend);
}

/* wish: a node of the host's, and 1; 0: that of the guest's other memory. */
static int bound_node(const QemuBuilder *builder, int wish)
{
    if (wish > 0 && builder->plan && builder->plan->nodes)
        return wish - 1;
    return builder->plan ? builder->plan->memory_node : -1;
}

void qemu_add_memory(QemuBuilder *builder, uint64_t size, HugePages huge_pages, bool shared)
{
    add_backend(builder, QEMU_MEMORY_ID, size, huge_pages, shared, bound_node(builder, 0));
}

/* "cpus=" takes one range at a time (-numa in QEMU's manual). */
static char *cpus_text(const char *list)
{
    g_autoptr(GArray) set = cpu_set_parse(list ?: "");
    g_autofree char *text = cpu_set_to_text(set);
    g_auto(GStrv) ranges = g_strsplit(text, ",", -1);
    GString *all = g_string_new(NULL);

    for (char **range = ranges; *range; range++)
        g_string_append_printf(all, ",cpus=%s", *range);
    return g_string_free(all, FALSE);
}

void qemu_add_numa(QemuBuilder *builder, const GPtrArray *nodes, HugePages huge_pages, bool shared)
{
    for (unsigned i = 0; i < nodes->len; i++) {
        const DefinitionNuma *node = g_ptr_array_index(nodes, i);
        g_autofree char *id = g_strdup_printf(QEMU_MEMORY_ID "-%u", i), *cpus = cpus_text(node->cpus);
        add_backend(builder, id, node->memory, huge_pages, shared, bound_node(builder, node->node));
        builder_option(builder, "-numa", "node,nodeid=%u%s,memdev=%s", i, cpus, id);
    }
}
