/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.usher1.Manager at /org/usher1. */
#include "../base/words.h"
#include "api-private.h"
#include "config.h"

static int begin_list(sd_bus_message *message, sd_bus_message **ret)
{
    int r = sd_bus_message_new_method_return(message, ret);

    return r < 0 ? r : sd_bus_message_open_container(*ret, 'a', "(oa{sv})");
}

static int end_list(sd_bus_message *reply, int r)
{
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    if (r >= 0)
        r = sd_bus_message_send(reply);
    sd_bus_message_unref(reply);
    return r;
}

static int list_guests(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    Api *api = userdata;
    g_auto(GStrv) names = manager_guest_names(api->manager);
    sd_bus_message *reply = NULL;

    int r = begin_list(message, &reply);
    for (char **name = names; r >= 0 && *name; name++)
        r = api_append_object(reply, api, API_GUEST, *name);
    return end_list(reply, r);
}

static int list_devices(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    Api *api = userdata;
    const Host *host = manager_host(api->manager);
    sd_bus_message *reply = NULL;

    int r = begin_list(message, &reply);
    for (unsigned i = 0; r >= 0 && i < host->devices->len; i++) {
        const HostDevice *device = g_ptr_array_index(host->devices, i);
        r = api_append_object(reply, api, API_DEVICE, PCI_ADDRESS_STR(device->address));
    }
    return end_list(reply, r);
}

static int list_jobs(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    Api *api = userdata;
    g_autoptr(GArray) jobs = manager_jobs(api->manager);
    sd_bus_message *reply = NULL;

    int r = begin_list(message, &reply);
    for (unsigned i = 0; r >= 0 && i < jobs->len; i++) {
        g_autofree char *id = g_strdup_printf("%u", g_array_index(jobs, unsigned, i));
        r = api_append_object(reply, api, API_JOB, id);
    }
    return end_list(reply, r);
}

static int get_guest(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    Api *api = userdata;
    const char *name;
    GuestView view;

    int r = sd_bus_message_read(message, "s", &name);
    if (r < 0)
        return r;
    if (!manager_guest(api->manager, name, &view)) {
        g_autofree char *shown = words_quote(name);
        return api_reply_error(message, FAULT_RAISED,
                               fault_new(FAULT_NO_SUCH_GUEST, "see which guests there are: usherctl list",
                                         "no guest %s", shown));
    }
    g_autofree char *path = api_path(API_GUEST, name);
    return sd_bus_reply_method_return(message, "o", path);
}

static int get_device(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    Api *api = userdata;
    const HostDevice *device;
    Fault *fault = NULL;
    const char *address;

    int r = sd_bus_message_read(message, "s", &address);
    if (r < 0)
        return r;
    r = manager_find_device(api->manager, address, &device, &fault);
    if (r != 0)
        return api_reply_error(message, r, fault);
    g_autofree char *path = api_path(API_DEVICE, PCI_ADDRESS_STR(device->address));
    return sd_bus_reply_method_return(message, "o", path);
}

/* Changing calls: asked for first, read afterwards. */

static int act_start_stopping(Api *api, sd_bus_message *message, const char *id);

static int start(Api *api, sd_bus_message *message, bool may_stop)
{
    g_auto(GStrv) units = NULL;
    Fault *fault = NULL;
    const char *name;
    unsigned job = 0;

    int r = sd_bus_message_read(message, "s", &name);
    if (r >= 0)
        r = api_read_start_options(message, &units, &fault);
    if (r == 0 && units && !may_stop)
        return api_authorize_stopping(api, message, name, NULL, act_start_stopping);
    if (r == 0)
        r = manager_start(api->manager, name, units, &job, &fault);
    return api_reply_job(message, r, job, fault);
}

static int act_start(Api *api, sd_bus_message *message, const char *id)
{
    return start(api, message, false);
}

static int act_start_stopping(Api *api, sd_bus_message *message, const char *id)
{
    return start(api, message, true);
}

static int act_stop(Api *api, sd_bus_message *message, const char *id)
{
    Fault *fault = NULL;
    const char *name;
    unsigned job = 0;

    int r = sd_bus_message_read(message, "s", &name);
    if (r >= 0)
        r = api_read_no_options(message, &fault);
    if (r == 0)
        r = manager_stop(api->manager, name, false, &job, &fault);
    return api_reply_job(message, r, job, fault);
}

/* Reads an address; 0, -errno or a refusal. */
static int read_address(Api *api, sd_bus_message *message, PciAddress *ret, Fault **ret_fault)
{
    const HostDevice *device;
    const char *text;

    int r = sd_bus_message_read(message, "s", &text);
    if (r < 0)
        return r;
    r = manager_find_device(api->manager, text, &device, ret_fault);
    if (r == 0)
        *ret = device->address;
    return r;
}

/* The address of a device, which may have gone for good while it was lent. */
static int read_lent_address(Api *api, sd_bus_message *message, PciAddress *ret, Fault **ret_fault)
{
    const HostDevice *device;
    const char *text;

    int r = sd_bus_message_read(message, "s", &text);
    if (r < 0)
        return r;
    if (pci_address_from_string(text, ret) == 0)
        return 0;
    return manager_find_device(api->manager, text, &device, ret_fault);
}

static int act_bind_stopping(Api *api, sd_bus_message *message, const char *id);

static int do_bind(Api *api, sd_bus_message *message, bool may_stop)
{
    Fault *fault = NULL;
    BindWish wish = {};
    unsigned job = 0;

    int r = read_address(api, message, &wish.address, &fault);
    if (r == 0)
        r = api_read_bind_options(message, &wish, &fault);
    g_auto(GStrv) units = wish.may_stop;
    if (r == 0 && units && !may_stop)
        return api_authorize_stopping(api, message, PCI_ADDRESS_STR(wish.address), NULL, act_bind_stopping);
    if (r == 0)
        r = manager_bind(api->manager, &wish, &job, &fault);
    return api_reply_job(message, r, job, fault);
}

static int act_bind(Api *api, sd_bus_message *message, const char *id)
{
    return do_bind(api, message, false);
}

static int act_bind_stopping(Api *api, sd_bus_message *message, const char *id)
{
    return do_bind(api, message, true);
}

static int act_restore(Api *api, sd_bus_message *message, const char *id)
{
    Fault *fault = NULL;
    PciAddress address;
    unsigned job = 0;

    int r = read_lent_address(api, message, &address, &fault);
    if (r == 0)
        r = api_read_no_options(message, &fault);
    if (r == 0)
        r = manager_restore(api->manager, address, &job, &fault);
    return api_reply_job(message, r, job, fault);
}

static int act_clear_quarantine(Api *api, sd_bus_message *message, const char *id)
{
    Fault *fault = NULL;
    const char *address;

    int r = sd_bus_message_read(message, "s", &address);
    if (r >= 0)
        r = manager_clear_quarantine(api->manager, address, &fault);
    return r != 0 ? api_reply_error(message, r, fault) : sd_bus_reply_method_return(message, NULL);
}

static int act_reload(Api *api, sd_bus_message *message, const char *id)
{
    manager_reload(api->manager);
    return sd_bus_reply_method_return(message, NULL);
}

static int start_guest(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    return api_authorize_subject(userdata, message, "org.usher1.start-guest", act_start);
}

static int stop_guest(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    return api_authorize_subject(userdata, message, "org.usher1.stop-guest", act_stop);
}

static int bind_device(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    return api_authorize_subject(userdata, message, "org.usher1.bind-device", act_bind);
}

static int restore_device(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    return api_authorize_subject(userdata, message, "org.usher1.restore-device", act_restore);
}

static int clear_quarantine(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    return api_authorize_subject(userdata, message, "org.usher1.clear-quarantine", act_clear_quarantine);
}

static int reload(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    return api_authorize(userdata, message, "org.usher1.reload", NULL, NULL, act_reload);
}

/* Plans change nothing. */

typedef int (*PlanByName)(Manager *manager, const char *name, GPtrArray **ret, Fault **ret_fault);

static int plan_by_name(Api *api, sd_bus_message *message, PlanByName plan)
{
    GPtrArray *steps = NULL;
    Fault *fault = NULL;
    const char *name;

    int r = sd_bus_message_read(message, "s", &name);
    if (r < 0)
        return r;
    r = plan(api->manager, name, &steps, &fault);
    return api_reply_steps(message, r, steps, fault);
}

static int ask_plan_start(Api *api, sd_bus_message *message, const char *id, bool may)
{
    ApiEnquiry *enquiry;
    Fault *fault = NULL;
    const char *name;

    int r = sd_bus_message_read(message, "s", &name);
    if (r >= 0)
        r = api_enquiry_new(api, message, &enquiry);
    if (r != 0)
        return r;
    r = manager_plan_start(api->manager, name, may, api_reply_planned, enquiry, &fault);
    return api_enquiry_later(enquiry, r, fault);
}

static int act_plan_start(Api *api, sd_bus_message *message, const char *id)
{
    return api_know_right(api, message, "org.usher1.start-guest", id, ask_plan_start);
}

/* The steps and the refusals quote the definition, so the caller must be allowed to read it. */
static int read_plan_start(Api *api, sd_bus_message *message, const char *id)
{
    const char *name;

    int r = sd_bus_message_read(message, "s", &name);
    return r < 0 ? r : api_authorize_reading(api, message, name, NULL, act_plan_start);
}

/* It may be closed while QEMU is asked: whether it is, is looked at after that. */
static int plan_start_guest(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    return api_know_qemu(userdata, message, NULL, read_plan_start);
}

static int plan_stop_guest(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    return plan_by_name(userdata, message, manager_plan_stop);
}

static int ask_plan_bind(Api *api, sd_bus_message *message, const char *id, bool may)
{
    ApiEnquiry *enquiry;
    Fault *fault = NULL;
    BindWish wish = {};

    int r = read_address(api, message, &wish.address, &fault);
    if (r == 0)
        r = api_read_bind_options(message, &wish, &fault);
    g_auto(GStrv) units = wish.may_stop;
    if (r != 0)
        return api_reply_error(message, r, fault);
    r = api_enquiry_new(api, message, &enquiry);
    if (r != 0)
        return r;
    r = manager_plan_bind(api->manager, &wish, may, api_reply_planned, enquiry, &fault);
    return api_enquiry_later(enquiry, r, fault);
}

static int plan_bind_device(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    return api_know_right(userdata, message, "org.usher1.bind-device", NULL, ask_plan_bind);
}

static int plan_restore_device(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    Api *api = userdata;
    GPtrArray *steps = NULL;
    Fault *fault = NULL;
    PciAddress address;

    int r = read_lent_address(api, message, &address, &fault);
    if (r == 0)
        r = manager_plan_restore(api->manager, address, &steps, &fault);
    return api_reply_steps(message, r, steps, fault);
}

static int ask_holders(Api *api, sd_bus_message *message, const char *id, bool may)
{
    ApiEnquiry *enquiry;
    Fault *fault = NULL;
    PciAddress address;

    int r = read_address(api, message, &address, &fault);
    if (r != 0)
        return api_reply_error(message, r, fault);
    r = api_enquiry_new(api, message, &enquiry);
    if (r != 0)
        return r;
    r = manager_holders(api->manager, address, may, api_reply_held, enquiry, &fault);
    return api_enquiry_later(enquiry, r, fault);
}

static int list_holders(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    return api_know_right(userdata, message, "org.usher1.bind-device", NULL, ask_holders);
}

static int get_version(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    return api_append(reply, "s", USHER_VERSION);
}

static int get_launcher(sd_bus *bus, const char *path, const char *interface, const char *property,
                        sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    Api *api = userdata;

    return api_append(reply, "s", manager_launcher_name(api->manager));
}

const sd_bus_vtable api_manager_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("ListGuests", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(oa{sv})", guests), list_guests,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("ListDevices", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(oa{sv})", devices), list_devices,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("ListJobs", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(oa{sv})", jobs), list_jobs,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("ListSkipped", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(sss)", files), api_list_skipped,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("GetGuest", SD_BUS_ARGS("s", name), SD_BUS_RESULT("o", guest), get_guest,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("GetDevice", SD_BUS_ARGS("s", address), SD_BUS_RESULT("o", device), get_device,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("StartGuest", SD_BUS_ARGS("s", name, "a{sv}", options), SD_BUS_RESULT("o", job),
                            start_guest, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("StopGuest", SD_BUS_ARGS("s", name, "a{sv}", options), SD_BUS_RESULT("o", job),
                            stop_guest, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("BindDevice", SD_BUS_ARGS("s", address, "a{sv}", options),
                            SD_BUS_RESULT("o", job), bind_device, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("RestoreDevice", SD_BUS_ARGS("s", address, "a{sv}", options),
                            SD_BUS_RESULT("o", job), restore_device, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("ClearQuarantine", SD_BUS_ARGS("s", address), SD_BUS_NO_RESULT, clear_quarantine,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("PlanStart", SD_BUS_ARGS("s", name), SD_BUS_RESULT("a(ssss)", steps),
                            plan_start_guest, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("PlanStop", SD_BUS_ARGS("s", name), SD_BUS_RESULT("a(ssss)", steps),
                            plan_stop_guest, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("PlanBind", SD_BUS_ARGS("s", address, "a{sv}", options),
                            SD_BUS_RESULT("a(ssss)", steps), plan_bind_device, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("PlanRestore", SD_BUS_ARGS("s", address), SD_BUS_RESULT("a(ssss)", steps),
                            plan_restore_device, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("ListHolders", SD_BUS_ARGS("s", address), SD_BUS_RESULT("a(sssusssb)", holders),
                            list_holders, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("CheckHost", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ssss)", findings), api_check,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("ValidateDefinition", SD_BUS_ARGS("s", name, "a(ss)", files), SD_BUS_NO_RESULT,
                            api_validate_definition, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("DefineGuest", SD_BUS_ARGS("s", name, "s", text, "a{sv}", options),
                            SD_BUS_RESULT("o", guest), api_define_guest, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("UndefineGuest", SD_BUS_ARGS("s", name, "a{sv}", options), SD_BUS_NO_RESULT,
                            api_undefine_guest, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, reload, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_SIGNAL_WITH_ARGS("JobNew", SD_BUS_ARGS("u", id, "o", job, "s", subject), 0),
    SD_BUS_SIGNAL_WITH_ARGS("JobRemoved", SD_BUS_ARGS("u", id, "o", job, "s", subject, "s", result), 0),
    SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Launcher", "s", get_launcher, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_VTABLE_END,
};
