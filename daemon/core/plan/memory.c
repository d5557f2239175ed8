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

static int raise_no_node(const GuestDefinition *definition, Fault **ret_fault)
{
    return fault_raise(ret_fault, FAULT_REFUSED,
                       "see which nodes there are: ls -d /sys/devices/system/node/node*",
                       "guest %s: [Memory] Node=%d: the host has no such NUMA node", definition->name,
                       definition->memory.node - 1);
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
                      Fault **ret_fault)
{
    uint64_t there = bound && host->nodes->len > 1 ? bound->memory : all_memory(host);

    if (there == 0 || definition->memory.size <= there)
        return 0;
    g_autofree char *wanted = host_size_words(definition->memory.size), *has = host_size_words(there),
                    *where = bound ? g_strdup_printf("NUMA node %u of the host", bound->number)
                                   : g_strdup("the host");
    return fault_raise(ret_fault, FAULT_REFUSED, "lower Size= in [Memory]",
                       "guest %s: [Memory] Size= is %s, and %s has %s", definition->name, wanted, where, has);
}

/* Free pages count only if nobody else was promised them: a guest that starts at the same time takes its
 * pages when its QEMU maps them. */
static void add_pages(Plan *plan, const HostNode *node, const Claims *claims,
                      const GuestDefinition *definition)
{
    uint64_t size = huge_page_size(definition->memory.huge_pages), wanted = definition->memory.size / size,
             total = node->pages[definition->memory.huge_pages].total,
             free = node->pages[definition->memory.huge_pages].free;

    plan->pages = g_strdup_printf("node%u/%" G_GUINT64_FORMAT "kB", node->number, size / 1024);
    plan->n_pages = wanted;
    plan->memory = 0;
    uint64_t promised = claims ? claims_pages(claims, plan->pages, plan->owner) : 0;
    free -= MIN(free, promised);
    if (wanted <= free)
        return;
    plan->memory = (wanted - free) * size;
    g_autofree char *before = g_strdup_printf("%" G_GUINT64_FORMAT, total);
    g_autofree char *after = g_strdup_printf("%" G_GUINT64_FORMAT, total + wanted - free);
    g_ptr_array_add(plan->steps, step_new(STEP_HUGE_PAGES, plan->pages, before, after));
}

int plan_add_memory(Plan *plan, const Host *host, const Claims *claims, const GuestDefinition *definition,
                    const HostDevice *first, Fault **ret_fault)
{
    const HostNode *node = choose_node(host, definition, first);
    bool huge = definition->memory.huge_pages != HUGE_PAGES_NO;

    if (definition->memory.node > 0 && !node)
        return raise_no_node(definition, ret_fault);
    if (huge && (!node || !node->pages[definition->memory.huge_pages].there))
        return fault_raise(ret_fault, FAULT_REFUSED, "choose another size, or HugePages=no",
                           "guest %s: this host has no huge pages of %s", definition->name,
                           definition->memory.huge_pages == HUGE_PAGES_1G ? "1G" : "2M");
    int r = check_size(host, definition, huge || definition->memory.node > 0 ? node : NULL, ret_fault);
    if (r != 0)
        return r;
    /* The kernel would take pages of another node: only the binding keeps to the node that has them. */
    if (host->nodes->len > 1 && (huge || definition->memory.node > 0))
        plan->memory_node = node->number;
    plan->memory = pins_memory(definition) ? definition->memory.size : 0;
    if (huge)
        add_pages(plan, node, claims, definition);
    r = plan->memory_node >= 0 ? check_node(node, definition, plan->memory, ret_fault) : 0;
    return r != 0 ? r : check_left(host, claims, definition, plan->owner, plan->memory, ret_fault);
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
