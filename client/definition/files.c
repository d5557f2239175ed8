/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "files.h"

#include "../../daemon/base/cleanup.h"
#include "../view/state.h"

DEFINE_ELEMENT_FREE(DefinitionFile, file_free, file)
{
    g_free(file->path);
    g_free(file->text);
}

int definition_files_get(Client *client, const char *name, GPtrArray **ret)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(file_free);
    g_autofree char *what = g_strdup_printf("read the definition of %s", name);
    g_autoptr(sd_bus_message) reply = NULL;
    g_autofree char *object = NULL;
    const char *path, *text;
    int status, r;

    if ((status = bus_open_asking(client)) != STATUS_OK ||
        (status = bus_guest_path(client, name, &object)) != STATUS_OK ||
        (status = bus_call_object(client, what, &reply, object, BUS_GUEST, "GetFiles", "")) != STATUS_OK)
        return status;
    if ((r = sd_bus_message_enter_container(reply, 'a', "(ss)")) < 0)
        return bus_report(client, what, NULL, r);
    while ((r = sd_bus_message_read(reply, "(ss)", &path, &text)) > 0) {
        DefinitionFile *file = g_new0(DefinitionFile, 1);
        file->path = g_strdup(path);
        file->text = g_strdup(text);
        g_ptr_array_add(files, file);
    }
    if (r < 0)
        return bus_report(client, what, NULL, r);
    *ret = g_steal_pointer(&files);
    return STATUS_OK;
}

static int append_options(sd_bus_message *call, const char *drop_in, const char *replaces)
{
    int r = sd_bus_message_open_container(call, 'a', "{sv}");

    if (r >= 0 && drop_in)
        r = sd_bus_message_append(call, "{sv}", "drop_in", "s", drop_in);
    if (r >= 0 && replaces)
        r = sd_bus_message_append(call, "{sv}", "replaces", "s", replaces);
    else if (r >= 0)
        r = sd_bus_message_append(call, "{sv}", "new", "b", 1);
    return r < 0 ? r : sd_bus_message_close_container(call);
}

static void say_when(Client *client, const char *name)
{
    g_autoptr(GPtrArray) guests = NULL;
    const GuestProps *guest;

    if (bus_list(client, "ListGuests", &GUEST_PROPS, &guests) == STATUS_OK &&
        (guest = guests_find(guests, name)) && guest_runs(guest))
        say("%s is %s: the change takes effect at its next start", name, guest->state);
}

int definition_files_put(Client *client, const char *name, const char *text, const char *drop_in,
                         const char *replaces)
{
    g_autofree char *what = g_strdup_printf("define %s", name);
    g_autoptr(sd_bus_message) call = NULL;
    int status, r;

    if ((status = bus_open_asking(client)) != STATUS_OK ||
        (status = bus_new_call(client, &call, "DefineGuest", "ss", name, text)) != STATUS_OK)
        return status;
    if ((r = append_options(call, drop_in, replaces)) < 0)
        return bus_report(client, what, NULL, r);
    if ((status = bus_send(client, what, call, NULL)) == STATUS_OK)
        say_when(client, name);
    return status;
}
