/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "network.h"
#include "check.h"

#define EVERYBODY "0.0.0.0"

/* One Forward= of one [Network x], and its place among all of them. */
typedef struct Taken {
    const DefinitionForward *forward;
    const ReadSection *section;
    unsigned index, order;
} Taken;

static int compare_ports(const DefinitionForward *a, const DefinitionForward *b)
{
    return a->udp != b->udp ? (a->udp ? 1 : -1)
                            : (a->host_port > b->host_port) - (a->host_port < b->host_port);
}

/* Sorts by port, then by address, 0.0.0.0 first: a conflict is with the one before, or with the port's
 * first. */
static int compare(gconstpointer one, gconstpointer other)
{
    const Taken *a = one, *b = other;
    int r = compare_ports(a->forward, b->forward);

    if (r == 0)
        r = g_str_equal(b->forward->address, EVERYBODY) - g_str_equal(a->forward->address, EVERYBODY);
    if (r == 0)
        r = strcmp(a->forward->address, b->forward->address);
    return r != 0 ? r : (a->order > b->order) - (a->order < b->order);
}

static GArray *collect(const DefinitionReader *reader)
{
    GArray *all = g_array_new(FALSE, FALSE, sizeof(Taken));

    for (unsigned i = 0; i < reader->sections->len; i++) {
        const ReadSection *section = g_ptr_array_index(reader->sections, i);
        const DefinitionNetwork *network = section->structure;

        for (unsigned j = 0;
             section->id == SECTION_NETWORK && network->forwards && j < network->forwards->len; j++) {
            Taken taken = {g_ptr_array_index(network->forwards, j), section, j, all->len};
            g_array_append_val(all, taken);
        }
    }
    g_array_sort(all, compare);
    return all;
}

static DefinitionPlace place_of(const Taken *taken)
{
    return section_value_place(taken->section, "Forward", taken->index);
}

static int refuse(const Taken *a, const Taken *b, Fault **ret_fault)
{
    const Taken *first = a->order < b->order ? a : b, *second = first == a ? b : a;
    DefinitionPlace place = place_of(first);

    return definition_raise(place_of(second), ret_fault, "choose another port of the host in one of the two",
                            "[Network %s] Forward= takes %s port %u of the host, which %s:%u takes too",
                            ((const DefinitionNetwork *)second->section->structure)->name,
                            second->forward->udp ? "UDP" : "TCP", second->forward->host_port, place.path,
                            place.line);
}

int definition_check_forwards(const DefinitionReader *reader, Fault **ret_fault)
{
    g_autoptr(GArray) all = collect(reader);
    const Taken *port = NULL, *last = NULL;

    for (unsigned i = 0; i < all->len; i++) {
        const Taken *taken = &g_array_index(all, Taken, i);

        if (!port || compare_ports(port->forward, taken->forward) != 0)
            port = taken;
        /* 0.0.0.0 takes the port of every address. */
        else if (g_str_equal(port->forward->address, EVERYBODY))
            return refuse(port, taken, ret_fault);
        else if (g_str_equal(last->forward->address, taken->forward->address))
            return refuse(last, taken, ret_fault);
        last = taken;
    }
    return 0;
}
