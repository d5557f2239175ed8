/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../definition/network.h"
#include "builder.h"

static const char *const network_drivers[] = {
    [NETWORK_MODEL_VIRTIO] = "virtio-net-pci", [NETWORK_MODEL_E1000E] = "e1000e",
    [NETWORK_MODEL_E1000] = "e1000",           [NETWORK_MODEL_VMXNET3] = "vmxnet3",
    [NETWORK_MODEL_RTL8139] = "rtl8139",
};

/* Cards of the time before PCI Express know nothing of root ports: such a card sits in the place that its
 * port would have. */
static bool is_conventional(NetworkModel model)
{
    return model == NETWORK_MODEL_E1000 || model == NETWORK_MODEL_RTL8139;
}

static struct json_object *new_card(QemuBuilder *builder, NetworkModel model, const char *id, unsigned index)
{
    const char *driver = network_drivers[model];

    if (!is_conventional(model)) {
        builder_port(builder, PORTS_NETWORK, index, id);
        return builder_device(driver, id, id, 0);
    }
    struct json_object *device = json_new_driver(driver);
    json_set_text(device, "id", "%s", id);
    json_set_text(device, "bus", "pcie.0");
    builder_set_place(device, PORTS_NETWORK, index);
    return device;
}

/* A list of strings is a list of objects with one member, "str" (StringList, qapi/net.json). */
static struct json_object *list_forwards(const GPtrArray *forwards)
{
    struct json_object *list = json_object_new_array();

    for (unsigned i = 0; i < forwards->len; i++) {
        const DefinitionForward *forward = g_ptr_array_index(forwards, i);
        struct json_object *rule = json_object_new_object();

        json_set_text(rule, "str", "%s:%s:%u-:%u", forward->udp ? "udp" : "tcp", forward->address,
                      forward->host_port, forward->guest_port);
        json_object_array_add(list, rule);
    }
    return list;
}

static void set_user(struct json_object *link, const DefinitionNetwork *network)
{
    if (network->restricted)
        json_set_bool(link, "restrict", true);
    if (network->forwards)
        json_object_object_add(link, "hostfwd", list_forwards(network->forwards));
}

/* One descriptor for each queue: "3:4:5". */
static void set_files(QemuBuilder *builder, struct json_object *link, const char *key, QemuFileKind kind,
                      const char *path, unsigned n)
{
    g_autofree char *several = g_strconcat(key, "s", NULL);
    g_autoptr(GString) numbers = g_string_new(NULL);

    for (unsigned i = 0; i < n; i++)
        g_string_append_printf(numbers, "%s%d", i ? ":" : "", builder_file(builder, kind, path, false));
    json_set_text(link, n > 1 ? several : key, "%s", numbers->str);
}

/* With vhost the host's kernel moves the packets, not QEMU. vhost only knows virtio's queues. */
static void set_tap(QemuBuilder *builder, struct json_object *link, const DefinitionNetwork *network)
{
    bool vhost = builder->plan && builder->plan->vhost_net && network->model == NETWORK_MODEL_VIRTIO;

    set_files(builder, link, "fd", QEMU_FILE_LINK, network->link, network->queues);
    if (vhost)
        set_files(builder, link, "vhostfd", QEMU_FILE_VHOST_NET, "/dev/vhost-net", network->queues);
    json_set_bool(link, "vhost", vhost);
}

void qemu_add_network(QemuBuilder *builder, const DefinitionNetwork *network, unsigned index)
{
    g_autofree char *id = g_strconcat("net-", network->name, NULL),
                    *mac = definition_mac(builder->definition, network);

    if (network->mode != NETWORK_MODE_NONE) {
        struct json_object *link = json_object_new_object();

        json_set_text(link, "type", network->link ? "tap" : "user");
        json_set_text(link, "id", "link-%s", network->name);
        if (network->link)
            set_tap(builder, link, network);
        else
            set_user(link, network);
        builder_json(builder, "-netdev", link);
    }
    struct json_object *device = new_card(builder, network->model, id, index);
    json_set_text(device, "mac", "%s", mac);
    if (network->queues > 1) {
        json_set_bool(device, "mq", true);
        /* One for each direction of a queue, for changes of the device, and for the control queue. */
        json_set_number(device, "vectors", 2 * network->queues + 2);
    }
    if (network->mode != NETWORK_MODE_NONE)
        json_set_text(device, "netdev", "link-%s", network->name);
    builder_json(builder, "-device", device);
}
