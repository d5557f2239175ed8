/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-builder.h"

static const char *const network_drivers[] = {
    [NETWORK_MODEL_VIRTIO] = "virtio-net-pci",
    [NETWORK_MODEL_E1000E] = "e1000e",
};

/* Made from both names, so that a card keeps its address and no other guest of this host has it. */
static char *make_mac(const char *guest, const char *section)
{
    g_autofree char *seed = g_strconcat(guest, "/", section, NULL);
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, seed, -1);

    return g_strdup_printf("52:54:00:%.2s:%.2s:%.2s", hash, hash + 2, hash + 4);
}

void qemu_add_network(QemuBuilder *builder, const DefinitionNetwork *network, unsigned index)
{
    g_autofree char *id = g_strconcat("net-", network->name, NULL);
    g_autofree char *made = make_mac(builder->definition->name, network->name);
    struct json_object *device = builder_device(network_drivers[network->model], id, id, 0);

    json_set_text(device, "mac", "%s", network->mac ?: made);
    if (network->mode == NETWORK_MODE_USER) {
        struct json_object *link = json_object_new_object();
        json_set_text(link, "type", "user");
        json_set_text(link, "id", "link-%s", network->name);
        builder_json(builder, "-netdev", link);
        json_set_text(device, "netdev", "link-%s", network->name);
    }
    builder_port(builder, PORTS_NETWORK, index, id);
    builder_json(builder, "-device", device);
}
