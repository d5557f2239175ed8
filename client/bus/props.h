/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The properties of the daemon's objects as structs. One table a type names each property once: reading from
 * the bus, JSON keys and freeing come from it. What the bus does not send stays empty, never NULL. */
#pragma once

#include <glib.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

typedef struct PropsType PropsType;

/* org.usher1.Guest */
typedef struct GuestProps {
    const PropsType *type;
    char *name, *description, *state, *sub_state, *unit;
    uint32_t pid;
    char **devices, **usb, **warnings;
    char *agent;
    char **addresses;
    char *display;
    bool tainted;
    char **drift;
    char *error, *last_words;
    uint64_t since;
    char *source, *definition_error;
} GuestProps;

/* org.usher1.Device */
typedef struct DeviceProps {
    const PropsType *type;
    char *address, *class, *vendor, *model, *class_id, *id, *subsystem_id;
    char *driver, *driver_override;
    int32_t group;
    char *guest, *backend, *state, *needed_for, *quarantine;
    char **siblings;
    char *upstream;
    bool boot_vga;
    char **reset_methods, **reset_set;
    char *fingerprint;
    char *power_state;
    int32_t numa_node;
} DeviceProps;

/* org.usher1.Job */
typedef struct JobProps {
    const PropsType *type;
    uint32_t id;
    char *kind, *subject, *state, *step;
    uint32_t steps_done, steps_total;
    char *result, *message, *error;
    char **warnings;
} JobProps;

/* org.usher1.Manager */
typedef struct ManagerProps {
    const PropsType *type;
    char *version, *launcher;
} ManagerProps;

extern const PropsType GUEST_PROPS, DEVICE_PROPS, JOB_PROPS, MANAGER_PROPS;

/* An empty object of a type; props_free() takes any of them, and NULL. */
void *props_new(const PropsType *type);
void props_free(void *object);

/* Reads an a{sv} at the message's place into the object. Unknown properties are skipped, so that an older
 * client reads a newer daemon. 0, or -errno of sd-bus; -EBADMSG if a property is not of the type that the
 * contract says. */
int props_read(sd_bus_message *message, void *object);

/* Reads an a(oa{sv}), as ListGuests gives it: an array of objects, owned, in its order. Errors as
 * props_read(). */
int props_read_list(sd_bus_message *message, const PropsType *type, GPtrArray **ret);

/* A flat object, "LastWords" as last_words. The caller owns it. */
json_object *props_to_json(const void *object);

/* All of an array, as a JSON array. */
json_object *props_list_to_json(const GPtrArray *objects);

static inline void props_freep(void *object)
{
    props_free(*(void **)object);
}
#define _cleanup_props_ __attribute__((cleanup(props_freep)))
