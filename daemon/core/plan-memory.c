/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan.h"

static const HostNode *find_node(const Host *host, int number)
{
    for (unsigned i = 0; i < host->nodes->len; i++) {
        const HostNode *node = &g_array_index(host->nodes, HostNode, i);
        if ((int)node->number == number)
            return node;
    }
    return NULL;
}

/* That of the first device, as it is where its memory is far that a guest loses most; else the first there
 * is. */
static const HostNode *choose_node(const Host *host, const GuestDefinition *definition,
                                   const HostDevice *first)
{
    const HostNode *near = first ? find_node(host, first->numa_node) : NULL;

    if (definition->node > 0)
        return find_node(host, definition->node - 1);
    return near ?: host->nodes->len > 0 ? &g_array_index(host->nodes, HostNode, 0) : NULL;
}

static int raise_no_node(const GuestDefinition *definition, Fault **ret_fault)
{
    return fault_raise(ret_fault, FAULT_REFUSED, "see what there is: ls -d /sys/devices/system/node/node*",
                       "guest %s: [Memory] Node=%d: the host has no such NUMA node", definition->name,
                       definition->node - 1);
}

static void add_pages(Plan *plan, const HostNode *node, const GuestDefinition *definition)
{
    uint64_t size = huge_page_size(definition->huge_pages), wanted = definition->memory / size,
             total = node->pages[definition->huge_pages].total,
             free = node->pages[definition->huge_pages].free;

    if (wanted <= free)
        return;
    g_autofree char *subject = g_strdup_printf("node%u/%" G_GUINT64_FORMAT "kB", node->number, size / 1024);
    g_autofree char *before = g_strdup_printf("%" G_GUINT64_FORMAT, total);
    g_autofree char *after = g_strdup_printf("%" G_GUINT64_FORMAT, total + wanted - free);
    g_ptr_array_add(plan->steps, step_new(STEP_HUGE_PAGES, subject, before, after));
}

int plan_add_memory(Plan *plan, const Host *host, const GuestDefinition *definition, const HostDevice *first,
                    Fault **ret_fault)
{
    const HostNode *node = choose_node(host, definition, first);
    bool huge = definition->huge_pages != HUGE_PAGES_NO;

    if (definition->node > 0 && !node)
        return raise_no_node(definition, ret_fault);
    if (huge && (!node || !node->pages[definition->huge_pages].there))
        return fault_raise(ret_fault, FAULT_REFUSED, "choose another size, or HugePages=no",
                           "guest %s: this host has no huge pages of %s", definition->name,
                           definition->huge_pages == HUGE_PAGES_1G ? "1G" : "2M");
    /* The pages of another node would do for the kernel: only the binding keeps to the node that has them. */
    if (host->nodes->len > 1 && (huge || definition->node > 0))
        plan->memory_node = node->number;
    if (huge)
        add_pages(plan, node, definition);
    return 0;
}
