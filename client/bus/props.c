/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "props.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "../screen/text.h"

/* A property's type on the bus, and so in the struct. */
typedef enum PropKind {
    PROP_END,
    PROP_STRING,  /* s: char * */
    PROP_STRINGS, /* as: char ** */
    PROP_U32,     /* u: uint32_t */
    PROP_I32,     /* i: int32_t */
    PROP_U64,     /* t: uint64_t */
    PROP_BOOL,    /* b: bool */
} PropKind;

typedef struct PropField {
    const char *name;
    PropKind kind;
    size_t offset;
} PropField;

struct PropsType {
    size_t size;
    const PropField *fields;
};

static const PropField guest_fields[] = {
    {"Name", PROP_STRING, offsetof(GuestProps, name)},
    {"State", PROP_STRING, offsetof(GuestProps, state)},
    {"SubState", PROP_STRING, offsetof(GuestProps, sub_state)},
    {"Unit", PROP_STRING, offsetof(GuestProps, unit)},
    {"Pid", PROP_U32, offsetof(GuestProps, pid)},
    {"Devices", PROP_STRINGS, offsetof(GuestProps, devices)},
    {"Usb", PROP_STRINGS, offsetof(GuestProps, usb)},
    {"Display", PROP_STRING, offsetof(GuestProps, display)},
    {"Tainted", PROP_BOOL, offsetof(GuestProps, tainted)},
    {"Description", PROP_STRING, offsetof(GuestProps, description)},
    {"Since", PROP_U64, offsetof(GuestProps, since)},
    {"Agent", PROP_STRING, offsetof(GuestProps, agent)},
    {"Addresses", PROP_STRINGS, offsetof(GuestProps, addresses)},
    {"Warnings", PROP_STRINGS, offsetof(GuestProps, warnings)},
    {"Drift", PROP_STRINGS, offsetof(GuestProps, drift)},
    {"Error", PROP_STRING, offsetof(GuestProps, error)},
    {"LastWords", PROP_STRING, offsetof(GuestProps, last_words)},
    {"Source", PROP_STRING, offsetof(GuestProps, source)},
    {"DefinitionError", PROP_STRING, offsetof(GuestProps, definition_error)},
    {NULL, PROP_END, 0},
};

static const PropField device_fields[] = {
    {"Address", PROP_STRING, offsetof(DeviceProps, address)},
    {"Class", PROP_STRING, offsetof(DeviceProps, class)},
    {"Vendor", PROP_STRING, offsetof(DeviceProps, vendor)},
    {"Model", PROP_STRING, offsetof(DeviceProps, model)},
    {"ClassId", PROP_STRING, offsetof(DeviceProps, class_id)},
    {"Id", PROP_STRING, offsetof(DeviceProps, id)},
    {"SubsystemId", PROP_STRING, offsetof(DeviceProps, subsystem_id)},
    {"Driver", PROP_STRING, offsetof(DeviceProps, driver)},
    {"DriverOverride", PROP_STRING, offsetof(DeviceProps, driver_override)},
    {"Group", PROP_I32, offsetof(DeviceProps, group)},
    {"Guest", PROP_STRING, offsetof(DeviceProps, guest)},
    {"Backend", PROP_STRING, offsetof(DeviceProps, backend)},
    {"State", PROP_STRING, offsetof(DeviceProps, state)},
    {"NeededFor", PROP_STRING, offsetof(DeviceProps, needed_for)},
    {"Quarantine", PROP_STRING, offsetof(DeviceProps, quarantine)},
    {"Siblings", PROP_STRINGS, offsetof(DeviceProps, siblings)},
    {"Upstream", PROP_STRING, offsetof(DeviceProps, upstream)},
    {"BootVga", PROP_BOOL, offsetof(DeviceProps, boot_vga)},
    {"ResetMethods", PROP_STRINGS, offsetof(DeviceProps, reset_methods)},
    {"ResetSet", PROP_STRINGS, offsetof(DeviceProps, reset_set)},
    {"Fingerprint", PROP_STRING, offsetof(DeviceProps, fingerprint)},
    {"PowerState", PROP_STRING, offsetof(DeviceProps, power_state)},
    {"NumaNode", PROP_I32, offsetof(DeviceProps, numa_node)},
    {NULL, PROP_END, 0},
};

static const PropField job_fields[] = {
    {"Id", PROP_U32, offsetof(JobProps, id)},
    {"Type", PROP_STRING, offsetof(JobProps, kind)},
    {"Subject", PROP_STRING, offsetof(JobProps, subject)},
    {"State", PROP_STRING, offsetof(JobProps, state)},
    {"Step", PROP_STRING, offsetof(JobProps, step)},
    {"StepsDone", PROP_U32, offsetof(JobProps, steps_done)},
    {"StepsTotal", PROP_U32, offsetof(JobProps, steps_total)},
    {"Result", PROP_STRING, offsetof(JobProps, result)},
    {"Message", PROP_STRING, offsetof(JobProps, message)},
    {"Warnings", PROP_STRINGS, offsetof(JobProps, warnings)},
    {"Error", PROP_STRING, offsetof(JobProps, error)},
    {NULL, PROP_END, 0},
};

static const PropField manager_fields[] = {
    {"Version", PROP_STRING, offsetof(ManagerProps, version)},
    {"Launcher", PROP_STRING, offsetof(ManagerProps, launcher)},
    {NULL, PROP_END, 0},
};

const PropsType GUEST_PROPS = {sizeof(GuestProps), guest_fields};
const PropsType DEVICE_PROPS = {sizeof(DeviceProps), device_fields};
const PropsType JOB_PROPS = {sizeof(JobProps), job_fields};
const PropsType MANAGER_PROPS = {sizeof(ManagerProps), manager_fields};

/* Every struct begins with its type. */
static const PropsType *type_of(const void *object)
{
    return *(const PropsType *const *)object;
}

static void *place_of(const void *object, const PropField *field)
{
    return (char *)object + field->offset;
}

void *props_new(const PropsType *type)
{
    void *object = g_malloc0(type->size);

    *(const PropsType **)object = type;
    for (const PropField *field = type->fields; field->name; field++) {
        if (field->kind == PROP_STRING)
            *(char **)place_of(object, field) = g_strdup("");
        else if (field->kind == PROP_STRINGS)
            *(char ***)place_of(object, field) = g_new0(char *, 1);
    }
    return object;
}

void props_free(void *object)
{
    if (!object)
        return;
    for (const PropField *field = type_of(object)->fields; field->name; field++) {
        if (field->kind == PROP_STRING)
            g_free(*(char **)place_of(object, field));
        else if (field->kind == PROP_STRINGS)
            g_strfreev(*(char ***)place_of(object, field));
    }
    g_free(object);
}

static int read_string(sd_bus_message *message, char **place)
{
    const char *text;
    int r = sd_bus_message_read_basic(message, 's', &text);

    if (r < 0)
        return r;
    g_free(*place);
    *place = g_strdup(text);
    return 0;
}

static int read_strings(sd_bus_message *message, char ***place)
{
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    const char *text;
    int r = sd_bus_message_enter_container(message, 'a', "s");

    if (r < 0)
        return r;
    while ((r = sd_bus_message_read_basic(message, 's', &text)) > 0)
        g_ptr_array_add(texts, g_strdup(text));
    if (r < 0)
        return r;
    g_ptr_array_add(texts, NULL);
    g_strfreev(*place);
    *place = (char **)g_ptr_array_steal(texts, NULL);
    return sd_bus_message_exit_container(message);
}

static int read_bool(sd_bus_message *message, bool *place)
{
    int value;
    int r = sd_bus_message_read_basic(message, 'b', &value);

    if (r >= 0)
        *place = value;
    return r;
}

/* Reads the contents of a variant that has been entered. */
static int read_field(sd_bus_message *message, const PropField *field, void *object)
{
    void *place = place_of(object, field);

    switch (field->kind) {
    case PROP_STRING:
        return read_string(message, place);
    case PROP_STRINGS:
        return read_strings(message, place);
    case PROP_U32:
        return sd_bus_message_read_basic(message, 'u', place);
    case PROP_I32:
        return sd_bus_message_read_basic(message, 'i', place);
    case PROP_U64:
        return sd_bus_message_read_basic(message, 't', place);
    case PROP_BOOL:
        return read_bool(message, place);
    case PROP_END:
        break;
    }
    return -EINVAL;
}

static const char *signature_of(PropKind kind)
{
    static const char *const signatures[] = {
        [PROP_STRING] = "s", [PROP_STRINGS] = "as", [PROP_U32] = "u",
        [PROP_I32] = "i",    [PROP_U64] = "t",      [PROP_BOOL] = "b",
    };

    return signatures[kind];
}

/* Reads one {sv} that has been entered. */
static int read_entry(sd_bus_message *message, void *object)
{
    const PropField *field = type_of(object)->fields;
    const char *name, *contents;
    int r;

    if ((r = sd_bus_message_read_basic(message, 's', &name)) < 0)
        return r;
    while (field->name && strcmp(field->name, name) != 0)
        field++;
    if (!field->name)
        return sd_bus_message_skip(message, "v");
    if ((r = sd_bus_message_peek_type(message, NULL, &contents)) < 0)
        return r;
    if (strcmp(contents, signature_of(field->kind)) != 0)
        return -EBADMSG;
    if ((r = sd_bus_message_enter_container(message, 'v', contents)) < 0 ||
        (r = read_field(message, field, object)) < 0)
        return r;
    return sd_bus_message_exit_container(message);
}

int props_read(sd_bus_message *message, void *object)
{
    int r = sd_bus_message_enter_container(message, 'a', "{sv}");

    if (r < 0)
        return r;
    while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
        if ((r = read_entry(message, object)) < 0 || (r = sd_bus_message_exit_container(message)) < 0)
            return r;
    }
    return r < 0 ? r : sd_bus_message_exit_container(message);
}

int props_read_list(sd_bus_message *message, const PropsType *type, GPtrArray **ret)
{
    g_autoptr(GPtrArray) objects = g_ptr_array_new_with_free_func(props_free);
    int r = sd_bus_message_enter_container(message, 'a', "(oa{sv})");

    if (r < 0)
        return r;
    while ((r = sd_bus_message_enter_container(message, 'r', "oa{sv}")) > 0) {
        void *object = props_new(type);
        g_ptr_array_add(objects, object);
        if ((r = sd_bus_message_skip(message, "o")) < 0 || (r = props_read(message, object)) < 0 ||
            (r = sd_bus_message_exit_container(message)) < 0)
            return r;
    }
    if (r < 0)
        return r;
    *ret = g_steal_pointer(&objects);
    return 0;
}

static json_object *field_to_json(const void *object, const PropField *field)
{
    const void *place = place_of(object, field);
    json_object *array;

    switch (field->kind) {
    case PROP_STRING:
        return json_object_new_string(*(char *const *)place);
    case PROP_U32:
        return json_object_new_int64(*(const uint32_t *)place);
    case PROP_I32:
        return json_object_new_int(*(const int32_t *)place);
    case PROP_U64:
        return json_object_new_uint64(*(const uint64_t *)place);
    case PROP_BOOL:
        return json_object_new_boolean(*(const bool *)place);
    case PROP_STRINGS:
        array = json_object_new_array();
        for (char **text = *(char **const *)place; *text; text++)
            json_object_array_add(array, json_object_new_string(*text));
        return array;
    case PROP_END:
        break;
    }
    return NULL;
}

json_object *props_to_json(const void *object)
{
    json_object *json = json_object_new_object();

    for (const PropField *field = type_of(object)->fields; field->name; field++) {
        g_autofree char *key = text_to_key(field->name);
        json_object_object_add(json, key, field_to_json(object, field));
    }
    return json;
}

json_object *props_list_to_json(const GPtrArray *objects)
{
    json_object *array = json_object_new_array();

    for (guint i = 0; i < objects->len; i++)
        json_object_array_add(array, props_to_json(g_ptr_array_index(objects, i)));
    return array;
}
