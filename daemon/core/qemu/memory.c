/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "builder.h"

/* Memory is private unless somebody else maps it: then a page that was only read costs nothing. */
void qemu_add_memory(QemuBuilder *builder, uint64_t size, HugePages huge_pages, bool shared)
{
    bool huge = huge_pages != HUGE_PAGES_NO;
    struct json_object *backend = json_object_new_object();

    /* Others can map a memfd, as QEMU gives them its descriptor. It also gives huge pages to a user who may
     * not write to a hugetlbfs (memfd_create(2)). */
    json_set_text(backend, "qom-type", "memory-backend-%s", shared || huge ? "memfd" : "ram");
    json_set_text(backend, "id", QEMU_MEMORY_ID);
    json_object_object_add(backend, "size", json_object_new_int64(size));
    json_set_bool(backend, "share", shared);
    if (huge) {
        json_set_bool(backend, "hugetlb", true);
        json_object_object_add(backend, "hugetlbsize", json_object_new_int64(huge_page_size(huge_pages)));
        /* If there are too few of them, this ends the start instead of the guest. */
        json_set_bool(backend, "prealloc", true);
    }
    if (builder->plan && builder->plan->memory_node >= 0) {
        struct json_object *nodes = json_object_new_array();
        json_object_array_add(nodes, json_object_new_int(builder->plan->memory_node));
        json_object_object_add(backend, "host-nodes", nodes);
        json_set_text(backend, "policy", "bind");
    }
    builder_json(builder, "-object", backend);
}
