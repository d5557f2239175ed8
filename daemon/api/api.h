/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The D-Bus service org.usher1: what dbus/org.usher1.xml promises, over a manager. Reads a message, asks
 * polkit where something changes, makes one call into the manager, replies. */
#pragma once

#include <systemd/sd-bus.h>

#include "../engine/manager/manager.h"

typedef struct Api Api;

/* Registers the objects on a bus (borrowed, attached to the loop) and listens to the manager (borrowed). The
 * name is requested apart. */
int api_new(sd_bus *bus, Manager *manager, Api **ret);
Api *api_free(Api *api);

/* Takes the name org.usher1 (asynchronously): done is called with 0 or -errno (-EEXIST: another usherd has
 * it). */
int api_request_name(Api *api, void (*done)(int error, void *userdata), void *userdata);
