/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attach and Detach of a guest that runs, and their plans. */
#include "../base/words.h"
#include "api-private.h"

static int read_address(sd_bus_message *message, PciAddress *ret, Fault **ret_fault)
{
    const char *text;

    int r = sd_bus_message_read(message, "s", &text);
    if (r >= 0 && pci_address_from_string(text, ret) < 0) {
        g_autofree char *shown = words_quote(text);
        return fault_raise(ret_fault, FAULT_NO_SUCH_DEVICE,
                           "write it as lspci does: 0000:01:00.0, or 01:00.0", "\"%s\" is not a PCI address",
                           shown);
    }
    return r < 0 ? r : 0;
}

/* What the caller was found to be allowed besides starting guests. */
typedef enum AttachRights {
    MAY_BIND = 1 << 0, /* any device of the host's */
    MAY_STOP = 1 << 1, /* who holds it */
} AttachRights;

static int act_attach_binding(Api *api, sd_bus_message *message, const char *name);
static int act_attach_stopping(Api *api, sd_bus_message *message, const char *name);
static int act_attach_all(Api *api, sd_bus_message *message, const char *name);

static int attach(Api *api, sd_bus_message *message, const char *name, AttachRights rights)
{
    Fault *fault = NULL;
    BindWish wish = {};
    unsigned job = 0;

    int r = read_address(message, &wish.address, &fault);
    if (r == 0)
        r = api_read_bind_options(message, &wish, &fault);
    g_auto(GStrv) units = wish.may_stop;
    /* A user who may start a guest may have what its definition names, and no more. */
    if (r == 0 && !(rights & MAY_BIND) && !manager_guest_has_section(api->manager, name, wish.address))
        return api_authorize(api, message, "org.usher1.bind-device", PCI_ADDRESS_STR(wish.address), name,
                             rights & MAY_STOP ? act_attach_all : act_attach_binding);
    if (r == 0 && units && !(rights & MAY_STOP))
        return api_authorize_stopping(api, message, name, name,
                                      rights & MAY_BIND ? act_attach_all : act_attach_stopping);
    if (r == 0)
        r = manager_attach(api->manager, name, &wish, &job, &fault);
    return api_reply_job(message, r, job, fault);
}

int api_attach(Api *api, sd_bus_message *message, const char *name)
{
    return attach(api, message, name, 0);
}

static int act_attach_binding(Api *api, sd_bus_message *message, const char *name)
{
    return attach(api, message, name, MAY_BIND);
}

static int act_attach_stopping(Api *api, sd_bus_message *message, const char *name)
{
    return attach(api, message, name, MAY_STOP);
}

static int act_attach_all(Api *api, sd_bus_message *message, const char *name)
{
    return attach(api, message, name, MAY_BIND | MAY_STOP);
}

int api_detach(Api *api, sd_bus_message *message, const char *name)
{
    PciAddress address = {};
    Fault *fault = NULL;
    unsigned job = 0;

    int r = read_address(message, &address, &fault);
    if (r == 0)
        r = api_read_no_options(message, &fault);
    if (r == 0)
        r = manager_detach(api->manager, name, address, &job, &fault);
    return api_reply_job(message, r, job, fault);
}

static int ask_plan_attach(Api *api, sd_bus_message *message, const char *id, bool may)
{
    ApiEnquiry *enquiry;
    Fault *fault = NULL;
    BindWish wish = {};

    int r = read_address(message, &wish.address, &fault);
    if (r == 0)
        r = api_read_bind_options(message, &wish, &fault);
    g_auto(GStrv) units = wish.may_stop;
    if (r != 0)
        return api_reply_error(message, r, fault);
    r = api_enquiry_new(api, message, &enquiry);
    if (r != 0)
        return r;
    r = manager_plan_attach(api->manager, id, &wish, may, api_reply_planned, enquiry, &fault);
    return api_enquiry_later(enquiry, r, fault);
}

/* The caller may name any device. */
static int act_plan_attach(Api *api, sd_bus_message *message, const char *name)
{
    return api_know_right(api, message, "org.usher1.bind-device", name, ask_plan_attach);
}

int api_plan_attach(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    const ApiObject *object = userdata;

    return api_authorize_reading(object->api, message, object->id, object->id, act_plan_attach);
}

int api_plan_detach(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    const ApiObject *object = userdata;
    GPtrArray *steps = NULL;
    PciAddress address = {};
    Fault *fault = NULL;

    int r = read_address(message, &address, &fault);
    if (r == 0)
        r = manager_plan_detach(object->api->manager, object->id, address, &steps, &fault);
    return api_reply_steps(message, r, steps, fault);
}
