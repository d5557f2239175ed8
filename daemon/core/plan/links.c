/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../base/remedy.h"
#include "../definition/definition.h"
#include "../host/nat-range.h"
#include "plan.h"

/* Whether a link could have been meant. */
typedef bool (*LinkFits)(const HostLink *link);

static bool is_bridge(const HostLink *link)
{
    return link->bridge && !g_str_equal(link->name, NAT_BRIDGE);
}

static bool is_tap(const HostLink *link)
{
    return link->tap;
}

/* The kernel allows one receiver for each link: for a bridge's port, that is the bridge. */
static bool is_parent(const HostLink *link)
{
    return !link->master && !g_str_equal(link->name, "lo") && !g_str_equal(link->name, NAT_BRIDGE) &&
           !g_str_has_prefix(link->name, LINK_PREFIX);
}

/* "name one of those that there are: br0, virbr0", or, if there are none, how to come by one. */
static char *offer(const Host *host, LinkFits fits, const char *otherwise)
{
    g_autoptr(GString) names = g_string_new(NULL);

    for (unsigned i = 0; i < host->links->len; i++) {
        const HostLink *link = g_ptr_array_index(host->links, i);
        if (fits(link))
            g_string_append_printf(names, "%s%s", names->len ? ", " : "", link->name);
    }
    return names->len ? g_strdup_printf("name one of those that exist: %s", names->str) : g_strdup(otherwise);
}

/* The card with the default route, if a bridge can have it: no Wi-Fi card. Names as udev gives them
 * ("enp3s0", "eth0"). NULL: there is none. */
static const char *find_card(const Host *host)
{
    const char *route = "default route over ", *found = NULL;

    for (unsigned i = 0; i < host->devices->len; i++) {
        const HostDevice *device = g_ptr_array_index(host->devices, i);
        if (device->needed_for && g_str_has_prefix(device->needed_for, route) &&
            host_find_link(host, device->needed_for + strlen(route)))
            found = device->needed_for + strlen(route);
    }
    for (unsigned i = 0; !found && i < host->links->len; i++) {
        const HostLink *link = g_ptr_array_index(host->links, i);
        if (is_parent(link) && link->name[0] == 'e')
            found = link->name;
    }
    return found && found[0] == 'e' ? found : NULL;
}

static char *make_bridge(const Host *host, const char *bridge)
{
    const char *card = find_card(host);
    g_autofree char *make = card ? remedy_bridge(bridge, card) : NULL;

    return make ? g_strconcat(make, "; or write Mode=nat, which needs no bridge", NULL)
                : g_strdup("write Mode=nat: this host has no network card by cable for a bridge");
}

static int check_bridge(const Host *host, const GuestDefinition *definition, const DefinitionNetwork *network,
                        Fault **ret_fault)
{
    const HostLink *link = host_find_link(host, network->bridge);

    if (g_str_equal(network->bridge, NAT_BRIDGE))
        return fault_raise(ret_fault, FAULT_REFUSED, "write Mode=nat, and remove Bridge=",
                           "guest %s: [Network %s] Bridge=" NAT_BRIDGE
                           ": it goes with the last guest that has Mode=nat",
                           definition->name, network->name);
    if (link && link->bridge)
        return 0;
    g_autofree char *make = make_bridge(host, network->bridge);
    g_autofree char *remedy = offer(host, is_bridge, link ? "name a bridge" : make);
    return fault_raise(ret_fault, FAULT_REFUSED, remedy, "guest %s: [Network %s] Bridge=%s: %s",
                       definition->name, network->name, network->bridge,
                       link ? "it is not a bridge" : "this host has no such bridge");
}

/* There while another guest has it; else the guest's plan makes it. A bridge that is somebody else's stops
 * usher-nat as any other link does. */
static int check_nat_bridge(const Host *host, const GuestDefinition *definition,
                            const DefinitionNetwork *network, Fault **ret_fault)
{
    const HostLink *link = host_find_link(host, network->bridge);

    if (!link || link->nat)
        return 0;
    return fault_raise(ret_fault, FAULT_IN_USE, "rename that link, or remove it: ip link delete " NAT_BRIDGE,
                       "guest %s: [Network %s] Mode=nat needs a bridge called " NAT_BRIDGE
                       ", but this host has another link of that name",
                       definition->name, network->name);
}

static int check_queues(const HostLink *link, const GuestDefinition *definition,
                        const DefinitionNetwork *network, Fault **ret_fault)
{
    if (network->queues <= 1 || link->multi_queue)
        return 0;
    g_autofree char *remedy = g_strdup_printf("make it anew with multi_queue: ip tuntap del %s mode tap, and "
                                              "ip tuntap add %s mode tap multi_queue; "
                                              "or remove Queues=",
                                              link->name, link->name);
    return fault_raise(ret_fault, FAULT_REFUSED, remedy,
                       "guest %s: [Network %s] Queues=%u: the tap device %s has one queue", definition->name,
                       network->name, network->queues, link->name);
}

static int check_tap(const Host *host, const GuestDefinition *definition, const DefinitionNetwork *network,
                     Fault **ret_fault)
{
    const HostLink *link = host_find_link(host, network->device);
    if (link && link->tap)
        return check_queues(link, definition, network, ret_fault);

    g_autofree char *make = g_strdup_printf("make it: ip tuntap add %s mode tap%s", network->device,
                                            network->queues > 1 ? " multi_queue" : "");
    g_autofree char *remedy = offer(host, is_tap, link ? "name a persistent tap device" : make);
    return fault_raise(ret_fault, FAULT_REFUSED, remedy, "guest %s: [Network %s] Device=%s: %s",
                       definition->name, network->name, network->device,
                       link ? "it is not a persistent tap device" : "this host has no such tap device");
}

static int check_parent(const Host *host, const GuestDefinition *definition, const DefinitionNetwork *network,
                        Fault **ret_fault)
{
    const HostLink *link = host_find_link(host, network->parent);
    g_autofree char *remedy = NULL;

    if (link && is_parent(link))
        return 0;
    if (link && link->master) {
        remedy = g_strdup_printf("if that is a bridge, write Mode=bridge and Bridge=%s; or name %s",
                                 link->master, link->master);
        return fault_raise(ret_fault, FAULT_REFUSED, remedy,
                           "guest %s: [Network %s] Parent=%s: it is a port of %s", definition->name,
                           network->name, network->parent, link->master);
    }
    remedy = offer(host, is_parent, "plug in a network card, or choose another Mode=");
    return fault_raise(ret_fault, FAULT_REFUSED, remedy, "guest %s: [Network %s] Parent=%s: %s",
                       definition->name, network->name, network->parent,
                       link ? "it cannot carry a macvtap device" : "this host has no such network interface");
}

static int check_name_free(const Host *host, const GuestDefinition *definition,
                           const DefinitionNetwork *network, Fault **ret_fault)
{
    if (!host_find_link(host, network->link))
        return 0;
    g_autofree char *remedy = g_strdup_printf("if nobody uses that link: ip link delete %s", network->link);
    return fault_raise(ret_fault, FAULT_IN_USE, remedy,
                       "guest %s: [Network %s] needs a new link called %s, but this host has one already",
                       definition->name, network->name, network->link);
}

static int add_link(Plan *plan, const Host *host, const GuestDefinition *definition,
                    const DefinitionNetwork *network, Fault **ret_fault)
{
    bool macvtap = network->mode == NETWORK_MODE_MACVTAP, nat = network->mode == NETWORK_MODE_NAT;
    g_autofree char *mac = definition_mac(definition, network), *value = NULL;

    int r = macvtap ? check_parent(host, definition, network, ret_fault)
            : nat   ? check_nat_bridge(host, definition, network, ret_fault)
                    : check_bridge(host, definition, network, ret_fault);
    if (r == 0)
        r = check_name_free(host, definition, network, ret_fault);
    if (r != 0)
        return r;
    /* A macvtap has the guest's own address, as the kernel sorts by that. A tap has the highest that the
     * host's end can have, as a bridge takes the lowest of its ports' addresses for its own. */
    value = macvtap ? g_strdup_printf("macvtap on %s as %s", network->parent, mac)
                    : g_strdup_printf("%s on %s as fe%s", network->queues > 1 ? "mqtap" : "tap",
                                      network->bridge, mac + 2);
    g_ptr_array_add(plan->steps, step_new(STEP_LINK, network->link, "", value));
    return 0;
}

/* The bridge of all such guests, with its addresses, is a matter of systemd units: the first one that needs
 * them brings them up, and the last takes them along. */
static void add_nat(Plan *plan, const GuestDefinition *definition)
{
    g_autofree char *unit = g_strdup_printf("usher-nat@%s.target", definition->name);

    g_ptr_array_add(plan->steps, step_new(STEP_UNIT, unit, "inactive", "active"));
}

int plan_add_links(Plan *plan, const Host *host, const GuestDefinition *definition, Fault **ret_fault)
{
    int r = 0;

    plan->vhost_net = host->vhost_net;
    if (definition_has_network(definition, NETWORK_MODE_MACVTAP) && !host->macvtap)
        g_ptr_array_add(plan->steps, step_new(STEP_MODULE, "macvtap", "absent", "live"));
    if (definition_has_network(definition, NETWORK_MODE_NAT))
        add_nat(plan, definition);
    for (unsigned i = 0; r == 0 && i < definition->networks->len; i++) {
        const DefinitionNetwork *network = g_ptr_array_index(definition->networks, i);

        if (network->mode == NETWORK_MODE_TAP)
            r = check_tap(host, definition, network, ret_fault);
        else if (network->link)
            r = add_link(plan, host, definition, network, ret_fault);
    }
    return r;
}
