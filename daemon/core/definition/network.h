/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network cards of a definition. */
#pragma once

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "handle.h"

/* Of all cards of a guest together: each takes a descriptor of the link's and one of vhost's, and a message
 * carries 253 (unix(7)). */
#define NETWORK_QUEUES_MAX 64

#define LINK_NAME_MAX 15   /* IFNAMSIZ, without the NUL */
#define LINK_PREFIX "ush-" /* of the links that usher makes */

typedef enum NetworkMode {
    NETWORK_MODE_USER,
    NETWORK_MODE_NAT,
    NETWORK_MODE_BRIDGE,
    NETWORK_MODE_TAP,
    NETWORK_MODE_MACVTAP,
    NETWORK_MODE_NONE,
    NETWORK_MODE_MAX,
    NETWORK_MODE_INVALID = -EINVAL,
} NetworkMode;

typedef enum NetworkModel {
    NETWORK_MODEL_VIRTIO,
    NETWORK_MODEL_E1000E,
    NETWORK_MODEL_E1000,
    NETWORK_MODEL_VMXNET3,
    NETWORK_MODEL_RTL8139,
    NETWORK_MODEL_MAX,
    NETWORK_MODEL_INVALID = -EINVAL,
} NetworkModel;

/* Forward=: what comes in at a port of the host goes to one of the guest. */
typedef struct DefinitionForward {
    bool udp;
    char *address; /* IPv4; default 127.0.0.1 */
    unsigned host_port, guest_port;
} DefinitionForward;

/* [Network name] */
struct DefinitionNetwork {
    char *name;
    NetworkMode mode;
    char *bridge;        /* with Mode=bridge, and nat: the bridge that the guest's link is a port of */
    char *device;        /* with tap: the link, which is somebody else's */
    char *parent;        /* with macvtap: the link that the guest's is made upon */
    char *link;          /* what the guest's link on the host is called; NULL: it has none */
    GPtrArray *forwards; /* of DefinitionForward, owned; NULL: none */
    bool restricted;     /* Restrict=: forwards alone lead in and out */
    NetworkModel model;  /* default virtio */
    unsigned queues;     /* Queues=, default 1 */
    char *mac;           /* NULL: see definition_mac() */
};

/* Whether one of its cards has that mode. */
bool definition_has_network(const GuestDefinition *definition, NetworkMode mode);
