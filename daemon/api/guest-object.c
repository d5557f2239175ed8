/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.usher1.Guest. */
#include <errno.h>
#include <fcntl.h>

#include "api-private.h"

/* Each property but the vtable's own machinery needs the view. If there is none, the object went while it was
 * being read. */
static int view_of(void *userdata, GuestView *ret)
{
    ApiObject *object = userdata;

    return manager_guest(object->api->manager, object->id, ret) ? 0 : -ENOENT;
}

#define GETTER(function)                                                                                     \
    static int function(sd_bus *bus, const char *path, const char *interface, const char *property,          \
                        sd_bus_message *reply, void *userdata, sd_bus_error *error)

GETTER(get_text)
{
    GuestView view;
    int r = view_of(userdata, &view);
    if (r < 0)
        return r;

    bool describes = g_str_equal(property, "Description");
    const char *text = g_str_equal(property, "Name") || (describes && view.closed) ? guest_name(view.guest)
                       : describes                                                 ? view.description
                       : g_str_equal(property, "State")    ? guest_state_to_string(guest_state(view.guest))
                       : g_str_equal(property, "Display")  ? display_type_to_string(view.display)
                       : g_str_equal(property, "SubState") ? guest_sub_state(view.guest)
                       : g_str_equal(property, "Agent")    ? guest_inner_agent(view.guest)
                                                           : view.source;
    return api_append(reply, "s", text);
}

GETTER(get_fault)
{
    GuestView view;
    int r = view_of(userdata, &view);
    if (r < 0)
        return r;

    const Fault *fault = g_str_equal(property, "Error") ? guest_fault(view.guest) : view.definition_fault;
    g_autofree char *words = !fault        ? g_strdup("")
                             : view.closed ? api_closed_words(fault, guest_name(view.guest))
                                           : fault_to_line(fault);
    return api_append(reply, "s", words);
}

GETTER(get_unit)
{
    ApiObject *object = userdata;
    g_autofree char *unit = manager_unit(object->api->manager, object->id);

    return api_append(reply, "s", unit);
}

GETTER(get_pid)
{
    GuestView view;
    int r = view_of(userdata, &view);

    return r < 0 ? r : api_append(reply, "u", (uint32_t)guest_pid(view.guest));
}

GETTER(get_tainted)
{
    GuestView view;
    int r = view_of(userdata, &view);

    return r < 0 ? r : api_append(reply, "b", (int)view.tainted);
}

GETTER(get_since)
{
    GuestView view;
    int r = view_of(userdata, &view);

    return r < 0 ? r : api_append(reply, "t", guest_since_usec(view.guest));
}

GETTER(get_devices)
{
    GuestView view;
    int r = view_of(userdata, &view);

    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "s");
    for (unsigned i = 0; r >= 0 && i < view.devices->len; i++)
        r = api_append(reply, "s", g_ptr_array_index(view.devices, i));
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

GETTER(get_addresses)
{
    const GPtrArray *addresses = NULL;
    GuestView view;
    int r = view_of(userdata, &view);

    if (r >= 0) {
        addresses = guest_inner_addresses(view.guest);
        r = sd_bus_message_open_container(reply, 'a', "s");
    }
    for (unsigned i = 0; r >= 0 && addresses && i < addresses->len; i++)
        r = api_append(reply, "s", g_ptr_array_index(addresses, i));
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

GETTER(get_usb)
{
    GuestView view;
    int r = view_of(userdata, &view);
    if (r < 0)
        return r;

    g_autoptr(GPtrArray) words = guest_usb_words(view.guest);
    r = sd_bus_message_open_container(reply, 'a', "s");
    for (unsigned i = 0; r >= 0 && i < words->len; i++)
        r = api_append(reply, "s", g_ptr_array_index(words, i));
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

GETTER(get_warnings)
{
    GuestView view;
    int r = view_of(userdata, &view);

    if (r < 0)
        return r;
    /* They are the definition's own words. */
    static const char *const hidden[] = {
        "what its definition calls optional is not all there; an administrator sees more", NULL};
    const char *const *warnings = guest_warnings(view.guest), *const none[] = {NULL};
    return api_append_words(reply, !warnings ? none : view.closed ? hidden : warnings);
}

GETTER(get_drift)
{
    ApiObject *object = userdata;
    GuestView view;
    int r = view_of(userdata, &view);

    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "s");
    for (unsigned i = 0; r >= 0 && i < view.devices->len; i++) {
        const char *words = manager_device_drift(object->api->manager, g_ptr_array_index(view.devices, i));
        if (words)
            r = api_append(reply, "s", words);
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int act_start_stopping(Api *api, sd_bus_message *message, const char *name);

static int start(Api *api, sd_bus_message *message, const char *name, bool may_stop)
{
    g_auto(GStrv) units = NULL;
    Fault *fault = NULL;
    unsigned job = 0;

    int r = api_read_start_options(message, &units, &fault);
    if (r == 0 && units && !may_stop)
        return api_authorize_stopping(api, message, name, name, act_start_stopping);
    if (r == 0)
        r = manager_start(api->manager, name, units, &job, &fault);
    return api_reply_job(message, r, job, fault);
}

static int act_start(Api *api, sd_bus_message *message, const char *name)
{
    return start(api, message, name, false);
}

static int act_start_stopping(Api *api, sd_bus_message *message, const char *name)
{
    return start(api, message, name, true);
}

static int act_stop(Api *api, sd_bus_message *message, const char *name)
{
    Fault *fault = NULL;
    unsigned job = 0;

    int r = api_read_no_options(message, &fault);
    if (r == 0)
        r = manager_stop(api->manager, name, false, &job, &fault);
    return api_reply_job(message, r, job, fault);
}

static int act_kill(Api *api, sd_bus_message *message, const char *name)
{
    Fault *fault = NULL;
    unsigned job = 0;

    int r = manager_stop(api->manager, name, true, &job, &fault);
    return api_reply_job(message, r, job, fault);
}

static void on_controlled(const Fault *fault, void *userdata)
{
    sd_bus_message *message = userdata;

    if (fault)
        api_reply_error(message, FAULT_RAISED, fault_copy(fault));
    else
        sd_bus_reply_method_return(message, NULL);
    sd_bus_message_unref(message);
}

static int control(Api *api, sd_bus_message *message, const char *name, GuestControl what)
{
    Fault *fault = NULL;

    int r = manager_control(api->manager, name, what, on_controlled, sd_bus_message_ref(message), &fault);
    return api_reply_later(message, r, fault);
}

static int act_reset(Api *api, sd_bus_message *message, const char *name)
{
    return control(api, message, name, GUEST_CONTROL_RESET);
}

static int act_pause(Api *api, sd_bus_message *message, const char *name)
{
    return control(api, message, name, GUEST_CONTROL_PAUSE);
}

static int act_resume(Api *api, sd_bus_message *message, const char *name)
{
    return control(api, message, name, GUEST_CONTROL_RESUME);
}

static void on_inside(const Fault *fault, unsigned number, void *userdata)
{
    sd_bus_message *message = userdata;

    if (fault)
        api_reply_error(message, FAULT_RAISED, fault_copy(fault));
    else if (g_str_equal(sd_bus_message_get_member(message), "Reboot"))
        sd_bus_reply_method_return(message, NULL);
    else
        sd_bus_reply_method_return(message, "u", number);
    sd_bus_message_unref(message);
}

static int send_inside(Api *api, sd_bus_message *message, const char *name, InnerErrand errand)
{
    Fault *fault = NULL;

    int r = manager_send_inside(api->manager, name, errand, on_inside, sd_bus_message_ref(message), &fault);
    return api_reply_later(message, r, fault);
}

static int act_reboot(Api *api, sd_bus_message *message, const char *name)
{
    return send_inside(api, message, name, INNER_ERRAND_REBOOT);
}

static int act_freeze(Api *api, sd_bus_message *message, const char *name)
{
    return send_inside(api, message, name, INNER_ERRAND_FREEZE);
}

static int act_thaw(Api *api, sd_bus_message *message, const char *name)
{
    return send_inside(api, message, name, INNER_ERRAND_THAW);
}

/* image: a descriptor of the caller's, so that it is opened with the caller's own rights; -1: none. */
static int change_medium(Api *api, sd_bus_message *message, const char *name, bool eject)
{
    Fault *fault = NULL;
    const char *drive;
    bool force = false;
    int borrowed = -1, fd = -1;

    int r = eject ? sd_bus_message_read(message, "s", &drive)
                  : sd_bus_message_read(message, "sh", &drive, &borrowed);
    if (r >= 0)
        r = api_read_force_option(message, &force, &fault);
    if (r == 0 && !eject && (fd = fcntl(borrowed, F_DUPFD_CLOEXEC, 3)) < 0)
        r = -errno;
    if (r != 0)
        return api_reply_error(message, r, fault);
    r = manager_change_medium(api->manager, name, drive, fd, force, on_controlled,
                              sd_bus_message_ref(message), &fault);
    return api_reply_later(message, r, fault);
}

static int act_change_medium(Api *api, sd_bus_message *message, const char *name)
{
    return change_medium(api, message, name, false);
}

static int act_eject_medium(Api *api, sd_bus_message *message, const char *name)
{
    return change_medium(api, message, name, true);
}

/* The right that each method needs, and what the method does. */
static int on_change(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    static const struct {
        const char *member, *action;
        ApiAction act;
    } methods[] = {
        {"Start", "org.usher1.start-guest", act_start},
        {"Stop", "org.usher1.stop-guest", act_stop},
        {"Kill", "org.usher1.kill-guest", act_kill},
        {"Attach", "org.usher1.start-guest", api_attach},
        {"Detach", "org.usher1.stop-guest", api_detach},
        {"Reset", "org.usher1.control-guest", act_reset},
        {"Pause", "org.usher1.control-guest", act_pause},
        {"Resume", "org.usher1.control-guest", act_resume},
        {"OpenConsole", "org.usher1.open-console", api_open_console},
        {"OpenDisplay", "org.usher1.open-display", api_open_display},
        {"Reboot", "org.usher1.control-guest", act_reboot},
        {"Freeze", "org.usher1.control-guest", act_freeze},
        {"Thaw", "org.usher1.control-guest", act_thaw},
        {"ChangeMedium", "org.usher1.control-guest", act_change_medium},
        {"EjectMedium", "org.usher1.control-guest", act_eject_medium},
    };
    const ApiObject *object = userdata;

    for (unsigned i = 0; i < G_N_ELEMENTS(methods); i++)
        if (g_str_equal(methods[i].member, sd_bus_message_get_member(message)))
            return api_authorize(object->api, message, methods[i].action, object->id, object->id,
                                 methods[i].act);
    return -ENOENT;
}

#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

const sd_bus_vtable api_guest_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("Start", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("o", job), on_change,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Stop", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("o", job), on_change,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Kill", SD_BUS_NO_ARGS, SD_BUS_RESULT("o", job), on_change,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Attach", SD_BUS_ARGS("s", address, "a{sv}", options), SD_BUS_RESULT("o", job),
                            on_change, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Detach", SD_BUS_ARGS("s", address, "a{sv}", options), SD_BUS_RESULT("o", job),
                            on_change, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("PlanAttach", SD_BUS_ARGS("s", address, "a{sv}", options),
                            SD_BUS_RESULT("a(ssss)", steps), api_plan_attach, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("PlanDetach", SD_BUS_ARGS("s", address), SD_BUS_RESULT("a(ssss)", steps),
                            api_plan_detach, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Reset", NULL, NULL, on_change, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Pause", NULL, NULL, on_change, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Resume", NULL, NULL, on_change, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Reboot", NULL, NULL, on_change, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Freeze", SD_BUS_NO_ARGS, SD_BUS_RESULT("u", filesystems), on_change,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Thaw", SD_BUS_NO_ARGS, SD_BUS_RESULT("u", filesystems), on_change,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("ChangeMedium", SD_BUS_ARGS("s", drive, "h", image, "a{sv}", options),
                            SD_BUS_NO_RESULT, on_change, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("EjectMedium", SD_BUS_ARGS("s", drive, "a{sv}", options), SD_BUS_NO_RESULT,
                            on_change, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("OpenConsole", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("h", console),
                            on_change, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("OpenDisplay", SD_BUS_NO_ARGS, SD_BUS_RESULT("h", display), on_change,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("GetDefinition", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ssssu)", lines),
                            api_get_definition, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("GetFiles", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ss)", files), api_get_files,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("GetDetails", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{sv}", details), api_get_details,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("CheckDisks", NULL, NULL, api_check_disks, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_PROPERTY("Name", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Description", "s", get_text, 0, CHANGES),
    SD_BUS_PROPERTY("State", "s", get_text, 0, CHANGES),
    SD_BUS_PROPERTY("SubState", "s", get_text, 0, CHANGES),
    SD_BUS_PROPERTY("Unit", "s", get_unit, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Pid", "u", get_pid, 0, CHANGES),
    SD_BUS_PROPERTY("Devices", "as", get_devices, 0, CHANGES),
    SD_BUS_PROPERTY("Usb", "as", get_usb, 0, CHANGES),
    SD_BUS_PROPERTY("Agent", "s", get_text, 0, CHANGES),
    SD_BUS_PROPERTY("Addresses", "as", get_addresses, 0, CHANGES),
    SD_BUS_PROPERTY("Display", "s", get_text, 0, CHANGES),
    SD_BUS_PROPERTY("Tainted", "b", get_tainted, 0, CHANGES),
    SD_BUS_PROPERTY("Warnings", "as", get_warnings, 0, CHANGES),
    SD_BUS_PROPERTY("Drift", "as", get_drift, 0, CHANGES),
    SD_BUS_PROPERTY("Error", "s", get_fault, 0, CHANGES),
    SD_BUS_PROPERTY("Since", "t", get_since, 0, CHANGES),
    SD_BUS_PROPERTY("Source", "s", get_text, 0, 0),
    SD_BUS_PROPERTY("DefinitionError", "s", get_fault, 0, CHANGES),
    SD_BUS_VTABLE_END,
};
