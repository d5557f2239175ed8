/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "definition.h"

char *definition_mac(const GuestDefinition *definition, const DefinitionNetwork *network)
{
    if (network->mac)
        return g_strdup(network->mac);
    g_autofree char *seed = g_strjoin("/", definition->name, network->name, definition->host_id, NULL);
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, seed, -1);

    /* QEMU's own prefix, which is locally administered. */
    return g_strdup_printf("52:54:00:%.2s:%.2s:%.2s", hash, hash + 2, hash + 4);
}

bool definition_has_network(const GuestDefinition *definition, NetworkMode mode)
{
    for (unsigned i = 0; i < definition->networks->len; i++)
        if (((const DefinitionNetwork *)g_ptr_array_index(definition->networks, i))->mode == mode)
            return true;
    return false;
}
