/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connection to usherd. Each function says on stderr what failed, and what helps, and returns an exit
 * status; outputs are set with STATUS_OK only.
 *
 * `what` completes "Cannot …": "start win10". It is shown if the daemon gives no message of its own. */
#pragma once

#include <glib.h>

#include "client.h"
#include "props.h"

#define BUS_NAME "org.usher1"
#define BUS_ROOT "/org/usher1"
#define BUS_MANAGER "org.usher1.Manager"
#define BUS_GUEST "org.usher1.Guest"
#define BUS_DEVICE "org.usher1.Device"
#define BUS_JOB "org.usher1.Job"
#define BUS_ERROR_PREFIX "org.usher1.Error."

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_bus_message, sd_bus_message_unref)

/* Connects to the system bus, here or at client->host, if that is not done yet. */
int bus_open(Client *client);

/* As bus_open(), for a verb that polkit may ask a question about: an agent for the terminal is started if it
 * may be needed, and calls wait long enough for a password to be typed. */
int bus_open_asking(Client *client);

/* A call of the Manager, with arguments as sd_bus_message_append(3) takes them, for bus_send(). The caller
 * owns it. */
int bus_new_call(Client *client, sd_bus_message **ret, const char *member, const char *types, ...);

/* A call of a guest's object, likewise; STATUS_NO_SUCH if there is none. */
int bus_new_guest_call(Client *client, sd_bus_message **ret, const char *guest, const char *member,
                       const char *types, ...);

/* A call that takes a device, with what was said of --functions=, --group= and --stop-holders= (the defaults
 * are the daemon's): of the guest's object, or of the Manager if guest is NULL. */
int bus_new_bind_call(Client *client, sd_bus_message **ret, const char *guest, const char *member,
                      const char *address);

/* Adds the entry of --stop-holders= to an a{sv} of options, if it was said. 0 or -errno. */
int bus_append_stop_holders(const Client *client, sd_bus_message *call);

/* Sends it and waits for the reply, which the caller owns; ret may be NULL. */
int bus_send(Client *client, const char *what, sd_bus_message *call, sd_bus_message **ret);

/* Both at once. */
int bus_call(Client *client, const char *what, sd_bus_message **ret, const char *member, const char *types,
             ...);

/* A call of another object. */
int bus_call_object(Client *client, const char *what, sd_bus_message **ret, const char *path,
                    const char *interface, const char *member, const char *types, ...);

/* A guest's object path; STATUS_NO_SUCH if there is none. The caller frees it. */
int bus_guest_path(Client *client, const char *name, char **ret);

/* ListGuests, ListDevices or ListJobs. The array owns its objects. */
int bus_list(Client *client, const char *member, const PropsType *type, GPtrArray **ret);

/* The manager's own properties. */
int bus_manager(Client *client, ManagerProps *manager);

/* Says why `what` failed, given a reply's error or else -errno, and returns the status that fits. */
int bus_report(const Client *client, const char *what, const sd_bus_error *error, int r);

/* The status for an error of usherd, "org.usher1.Error.NoSuchGuest". */
int bus_error_status(const char *name);
