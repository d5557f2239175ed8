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
