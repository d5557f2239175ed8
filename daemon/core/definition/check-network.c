/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "definition.h"
#include "check.h"

/* What a mode needs, and what other modes have: the key would be read, and mean nothing. */
static int check_modes(const ReadSection *section, Fault **ret_fault)
{
    static const struct {
        const char *key;
        NetworkMode mode;
        const char *mode_name;
        bool needed;
    } keys[] = {
        {"Bridge", NETWORK_MODE_BRIDGE, "bridge", true},   {"Device", NETWORK_MODE_TAP, "tap", true},
        {"Parent", NETWORK_MODE_MACVTAP, "macvtap", true}, {"Forward", NETWORK_MODE_USER, "user", false},
        {"Restrict", NETWORK_MODE_USER, "user", false},
    };
    const DefinitionNetwork *network = section->structure;

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        const DefinitionPlace *place = section_key_place(section, keys[i].key);
        if (!place && keys[i].needed && network->mode == keys[i].mode) {
            g_autofree char *add = g_strdup_printf("add %s= with its name", keys[i].key);
            return definition_raise(section_place(section, "Mode"), ret_fault, add,
                                    "[Network %s] Mode=%s needs %s=", network->name, keys[i].mode_name,
                                    keys[i].key);
        }
        if (!place || network->mode == keys[i].mode)
            continue;
        g_autofree char *remedy = g_strdup_printf("remove it, or set Mode=%s", keys[i].mode_name);
        return definition_raise(*place, ret_fault, remedy, "[Network %s] %s= works with Mode=%s only",
                                network->name, keys[i].key, keys[i].mode_name);
    }
    return 0;
}

/* Only a link of the host's that knows several queues can feed as many of the guest's. */
static int check_queues(const DefinitionReader *reader, const ReadSection *section, Fault **ret_fault)
{
    const DefinitionNetwork *network = section->structure;
    unsigned sum = 0;

    if (network->queues <= 1)
        return 0;
    if (network->model != NETWORK_MODEL_VIRTIO)
        return definition_raise(section_place(section, "Queues"), ret_fault, "remove it, or set Model=virtio",
                                "[Network %s] Queues= works with Model=virtio only", network->name);
    if (network->mode == NETWORK_MODE_USER || network->mode == NETWORK_MODE_NONE)
        return definition_raise(section_place(section, "Queues"), ret_fault,
                                "remove it, or set Mode=nat, bridge, tap or macvtap",
                                "[Network %s] Queues= needs a link of the host's, and Mode=%s has none",
                                network->name, network->mode == NETWORK_MODE_USER ? "user" : "none");
    for (unsigned i = 0; i < reader->definition->networks->len; i++)
        sum += ((const DefinitionNetwork *)g_ptr_array_index(reader->definition->networks, i))->queues;
    if (sum <= NETWORK_QUEUES_MAX)
        return 0;
    return definition_raise(section_place(section, "Queues"), ret_fault, "write as many as there are vCPUs",
                            "[Network %s] Queues=%u: the guest's cards have %u queues together, and at most "
                            "%d are possible",
                            network->name, network->queues, sum, NETWORK_QUEUES_MAX);
}

/* A tap is for one guest's card. */
static int check_device(const DefinitionReader *reader, const ReadSection *section, Fault **ret_fault)
{
    const DefinitionNetwork *network = section->structure;

    for (unsigned i = 0; i < reader->definition->networks->len; i++) {
        const DefinitionNetwork *other = g_ptr_array_index(reader->definition->networks, i);

        if (other == network)
            break;
        if (network->device && g_strcmp0(other->device, network->device) == 0)
            return definition_raise(
                section_place(section, "Device"), ret_fault, "change or remove one of them",
                "[Network %s] has the same Device= as [Network %s]", network->name, other->name);
    }
    return 0;
}

static int check_mac(const DefinitionReader *reader, const ReadSection *section, Fault **ret_fault)
{
    const DefinitionNetwork *network = section->structure;

    for (unsigned i = 0; i < reader->definition->networks->len; i++) {
        const DefinitionNetwork *other = g_ptr_array_index(reader->definition->networks, i);

        if (other == network)
            break;
        if (network->mac && g_strcmp0(other->mac, network->mac) == 0)
            return definition_raise(section_place(section, "MAC"), ret_fault, "change or remove one of them",
                                    "[Network %s] has the same MAC= as [Network %s]", network->name,
                                    other->name);
    }
    return 0;
}

int definition_check_network(const DefinitionReader *reader, const ReadSection *section, Fault **ret_fault)
{
    int r = check_modes(section, ret_fault);
    if (r == 0)
        r = check_queues(reader, section, ret_fault);
    if (r == 0)
        r = check_device(reader, section, ret_fault);
    return r == 0 ? check_mac(reader, section, ret_fault) : r;
}
