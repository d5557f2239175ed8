/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../definition/definition.h"
#include "plan.h"

#define HOST_RESERVE (UINT64_C(512) << 20)

static const HostNode *find_node(const Host *host, int number)
{
    for (unsigned i = 0; i < host->nodes->len; i++) {
        const HostNode *node = &g_array_index(host->nodes, HostNode, i);
        if ((int)node->number == number)
            return node;
    }
    return NULL;
}

/* The node of the first device, as a guest loses most if a device's memory is far; else the first node. */
static const HostNode *choose_node(const Host *host, const GuestDefinition *definition,
                                   const HostDevice *first)
{
    const HostNode *near = first ? find_node(host, first->numa_node) : NULL;

    if (definition->memory.node > 0)
        return find_node(host, definition->memory.node - 1);
    return near ?: host->nodes->len > 0 ? &g_array_index(host->nodes, HostNode, 0) : NULL;
}

/* section: "Memory", or that of a NUMA node. */
static int raise_no_node(const GuestDefinition *definition, const char *section, int node, Fault **ret_fault)
{
    return fault_raise(
        ret_fault, FAULT_REFUSED, "see which nodes there are: ls -d /sys/devices/system/node/node*",
        "guest %s: [%s] Node=%d: the host has no such NUMA node", definition->name, section, node);
}

/* The nodes' sum differs from the kernel's own total after a balloon has taken memory or given some. */
static uint64_t all_memory(const Host *host)
{
    uint64_t sum = 0;

    for (unsigned i = 0; host->memory == 0 && i < host->nodes->len; i++)
        sum += g_array_index(host->nodes, HostNode, i).memory;
    return host->memory ?: sum;
}

/* What stays with the host: 512 MiB, which is what its services want when all of them run at once (1/16 of a
 * small host). And what the guest costs beside its memory: the page tables of the CPU and of the IOMMU, a
 * 512th each, and as much again for QEMU. */
static uint64_t reserve(const Host *host, uint64_t memory)
{
    return MIN(HOST_RESERVE, all_memory(host) / 16) + memory / 128;
}

/* What a guest takes at once must be left now, or the kernel would have to kill something. Memory that is
 * promised to others still counts as left in the kernel until they take it. */
static int check_left(const Host *host, const Claims *claims, const GuestDefinition *definition,
                      const char *owner, uint64_t bytes, Fault **ret_fault)
{
    uint64_t promised = claims ? claims_memory(claims, false, owner) : 0,
             held = claims ? claims_memory(claims, true, owner) : 0,
             left = host->memory_left - MIN(host->memory_left, promised),
             spare = reserve(host, definition->memory.size);

    if (bytes == 0 || host->memory_left == 0 || bytes + spare <= left)
        return 0;
    g_autofree char *size = host_size_words(definition->memory.size), *wanted = host_size_words(bytes),
                    *has = host_size_words(left), *keeps = host_size_words(spare),
                    *others = host_size_words(promised + held),
                    *whose = promised + held > 0 ? g_strdup_printf("; other guests have %s", others)
                                                 : g_strdup("");
    return fault_raise(ret_fault, FAULT_REFUSED,
                       "lower Size= in [Memory], stop another guest, or end what uses memory: top -o RES",
                       "guest %s: [Memory] Size= is %s, and %s of that must be available at once%s; the host "
                       "has %s left, and keeps %s for itself%s",
                       definition->name, size, wanted,
                       definition->memory.huge_pages == HUGE_PAGES_NO ? ", as devices pin all of it"
                                                                      : " for huge pages",
                       has, keeps, whose);
}

/* Memory bound to a node comes from that node alone (MPOL_BIND in set_mempolicy(2)): the kernel ends somebody
 * when the node is full, whatever the others have left. */
static int check_node(const HostNode *node, const GuestDefinition *definition, uint64_t bytes,
                      Fault **ret_fault)
{
    if (node->left == 0 || bytes <= node->left)
        return 0;
    g_autofree char *wanted = host_size_words(bytes), *has = host_size_words(node->left);
    return fault_raise(
        ret_fault, FAULT_REFUSED, "choose another Node= in [Memory], lower Size=, or stop another guest",
        "guest %s: [Memory] %s must be available at once on NUMA node %u of the host, which has %s left",
        definition->name, wanted, node->number, has);
}

/* A mediated device only pins what its driver asks for. */
static bool pins_memory(const GuestDefinition *definition)
{
    for (unsigned i = 0; i < definition->pci->len; i++)
        if (!definition_mediates(g_ptr_array_index(definition->pci, i)))
            return true;
    return false;
}

/* Refuses more than there is at all; with huge pages or Node=, more than that node has. */
static int check_size(const Host *host, const GuestDefinition *definition, const HostNode *bound,
                      uint64_t bytes, Fault **ret_fault)
{
    uint64_t there = bound && host->nodes->len > 1 ? bound->memory : all_memory(host);

    if (there == 0 || bytes <= there)
        return 0;
    g_autofree char *wanted = host_size_words(bytes), *has = host_size_words(there),
                    *where = bound ? g_strdup_printf("NUMA node %u of the host", bound->number)
                                   : g_strdup("the host");
    bool part = bytes != definition->memory.size;
    return fault_raise(
        ret_fault, FAULT_REFUSED,
        part ? "have some [NUMA] section's Node= name another node" : "lower Size= in [Memory]",
        "guest %s: %s %s, and %s has %s", definition->name,
        part ? "Memory= of its [NUMA] sections makes" : "[Memory] Size= is", wanted, where, has);
}

/* Free pages count only if nobody else was promised them: a guest that starts at the same time takes its
 * pages when its QEMU maps them. */
static void add_pages(Plan *plan, const HostNode *node, const Claims *claims,
                      const GuestDefinition *definition, uint64_t bytes)
{
    uint64_t size = huge_page_size(definition->memory.huge_pages), wanted = bytes / size,
             total = node->pages[definition->memory.huge_pages].total,
             free = node->pages[definition->memory.huge_pages].free;
    PlanPages pages = {g_strdup_printf("node%u/%" G_GUINT64_FORMAT "kB", node->number, size / 1024), wanted};

    g_array_append_val(plan->pages, pages);
    uint64_t promised = claims ? claims_pages(claims, pages.place, plan->owner) : 0;
    free -= MIN(free, promised);
    if (wanted <= free)
        return;
    plan->memory += (wanted - free) * size;
    g_autofree char *before = g_strdup_printf("%" G_GUINT64_FORMAT, total);
    g_autofree char *after = g_strdup_printf("%" G_GUINT64_FORMAT, total + wanted - free);
    g_ptr_array_add(plan->steps, step_new(STEP_HUGE_PAGES, pages.place, before, after));
}

/* Part of the guest's memory, which comes from one node of the host's; bound: it must. */
static int add_part(Plan *plan, const Host *host, const Claims *claims, const GuestDefinition *definition,
                    const HostNode *node, bool bound, uint64_t bytes, Fault **ret_fault)
{
    HugePages size = definition->memory.huge_pages;
    bool huge = size != HUGE_PAGES_NO;

    if (huge && (!node || !node->pages[size].there))
        return fault_raise(ret_fault, FAULT_REFUSED, "choose another size, or HugePages=no",
                           "guest %s: this host has no huge pages of %s", definition->name,
                           size == HUGE_PAGES_1G ? "1G" : "2M");
    int r = check_size(host, definition, huge || bound ? node : NULL, bytes, ret_fault);
    if (r != 0)
        return r;
    uint64_t before = plan->memory;
    if (huge)
        add_pages(plan, node, claims, definition, bytes);
    else if (pins_memory(definition))
        plan->memory += bytes;
    return host->nodes->len > 1 && (huge || bound)
               ? check_node(node, definition, plan->memory - before, ret_fault)
               : 0;
}

/* The host's node that a NUMA node of the guest's must have its memory from; NULL: any. */
static const HostNode *node_of(const Host *host, const GuestDefinition *definition,
                               const DefinitionNuma *cell, const HostNode *otherwise)
{
    bool bound = definition->memory.huge_pages != HUGE_PAGES_NO || definition->memory.node > 0;

    return cell->node > 0 ? find_node(host, cell->node - 1) : bound ? otherwise : NULL;
}

/* The guest's NUMA nodes, together where they share a node of the host's. */
static int add_cells(Plan *plan, const Host *host, const Claims *claims, const GuestDefinition *definition,
                     const HostNode *otherwise, Fault **ret_fault)
{
    const GPtrArray *cells = definition->memory.numa;
    g_autoptr(GHashTable) sums = g_hash_table_new_full(NULL, NULL, NULL, g_free);

    int r = check_size(host, definition, NULL, definition->memory.size, ret_fault);
    for (unsigned i = 0; i < cells->len; i++) {
        const DefinitionNuma *cell = g_ptr_array_index(cells, i);
        const HostNode *node = node_of(host, definition, cell, otherwise);
        g_autofree char *section = g_strconcat("NUMA ", cell->name, NULL);
        if (r == 0 && cell->node > 0 && !node)
            return raise_no_node(definition, section, cell->node - 1, ret_fault);
        uint64_t *sum = g_hash_table_lookup(sums, node);
        if (!sum)
            g_hash_table_insert(sums, (gpointer)node, sum = g_new0(uint64_t, 1));
        *sum += cell->memory;
    }
    for (unsigned i = 0; r == 0 && i < cells->len; i++) {
        const DefinitionNuma *cell = g_ptr_array_index(cells, i);
        const HostNode *node = node_of(host, definition, cell, otherwise);
        const uint64_t *sum = g_hash_table_lookup(sums, node);
        if (sum)
            r = add_part(plan, host, claims, definition, node, node != NULL, *sum, ret_fault);
        g_hash_table_remove(sums, node);
    }
    return r;
}

int plan_add_memory(Plan *plan, const Host *host, const Claims *claims, const GuestDefinition *definition,
                    const HostDevice *first, Fault **ret_fault)
{
    const HostNode *node = choose_node(host, definition, first);
    bool huge = definition->memory.huge_pages != HUGE_PAGES_NO, bound = definition->memory.node > 0;

    plan->nodes = host->nodes->len > 1;
    if (bound && !node)
        return raise_no_node(definition, "Memory", definition->memory.node - 1, ret_fault);
    /* The kernel would take pages of another node: only the binding keeps to the node that has them. */
    if (node && host->nodes->len > 1 && (huge || bound))
        plan->memory_node = node->number;
    int r = definition->memory.numa->len > 0
                ? add_cells(plan, host, claims, definition, node, ret_fault)
                : add_part(plan, host, claims, definition, node, bound, definition->memory.size, ret_fault);
    return r != 0 ? r : check_left(host, claims, definition, plan->owner, plan->memory, ret_fault);
}

void plan_claim_memory(const Plan *plan, Claims *claims)
{
    for (unsigned i = 0; i < plan->pages->len; i++) {
        const PlanPages *pages = &g_array_index(plan->pages, PlanPages, i);
        claims_set_pages(claims, pages->place, pages->n, plan->owner);
    }
    claims_set_memory(claims, plan->memory, false, plan->owner);
}

int plan_check_pinned(const Host *host, const Claims *claims, const GuestDefinition *definition,
                      const char *owner, uint64_t resident, Fault **ret_fault)
{
    /* Huge pages are in nobody's resident memory, and are taken by now. */
    bool huge = definition->memory.huge_pages != HUGE_PAGES_NO;
    uint64_t bytes = huge ? 0 : definition->memory.size - MIN(definition->memory.size, resident);

    const HostNode *node = definition->memory.node > 0 && host->nodes->len > 1
                               ? find_node(host, definition->memory.node - 1)
                               : NULL;
    int r = node ? check_node(node, definition, bytes, ret_fault) : 0;

    return r != 0 ? r : check_left(host, claims, definition, owner, bytes, ret_fault);
}
