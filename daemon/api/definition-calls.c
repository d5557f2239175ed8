/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The manager's methods about definitions, and the guest's. */
#include <errno.h>
#include <string.h>

#include "api-private.h"

/* The strings stay in the message. */
static int read_texts(sd_bus_message *message, GArray *texts)
{
    DefinitionText text = {};

    int r = sd_bus_message_enter_container(message, 'a', "(ss)");
    while (r >= 0 && (r = sd_bus_message_read(message, "(ss)", &text.path, &text.text)) > 0) {
        text.size = strlen(text.text);
        g_array_append_val(texts, text);
    }
    return r;
}

static int act_validate(Api *api, sd_bus_message *message, const char *id)
{
    g_autoptr(GArray) texts = g_array_new(FALSE, FALSE, sizeof(DefinitionText));
    const char *name;
    Fault *fault = NULL;

    int r = sd_bus_message_read(message, "s", &name);
    if (r >= 0)
        r = read_texts(message, texts);
    if (r < 0)
        return r;
    r = manager_validate(api->manager, name, (const DefinitionText *)texts->data, texts->len, &fault);
    return r != 0 ? api_reply_error(message, r, fault) : sd_bus_reply_method_return(message, NULL);
}

int api_validate_definition(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    return api_know_qemu(userdata, message, NULL, act_validate);
}

static int append_skipped(sd_bus_message *reply, const GPtrArray *all)
{
    int r = sd_bus_message_open_container(reply, 'a', "(sss)");

    for (unsigned i = 0; r >= 0 && i < all->len; i++) {
        const Skipped *skipped = g_ptr_array_index(all, i);
        r = api_append(reply, "(sss)", skipped->file, skipped->why, skipped->remedy);
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

int api_list_skipped(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    sd_bus_message *reply = NULL;
    Api *api = userdata;

    int r = sd_bus_message_new_method_return(message, &reply);
    if (r >= 0)
        r = append_skipped(reply, manager_skipped(api->manager));
    if (r >= 0)
        r = sd_bus_message_send(reply);
    sd_bus_message_unref(reply);
    return r;
}

/* One option's value into wish. */
static int read_option(sd_bus_message *message, const char *key, DefineWish *wish, Fault **ret_fault)
{
    int r, only_new;

    if (g_str_equal(key, "drop_in")) {
        r = sd_bus_message_read(message, "v", "s", &wish->drop_in);
    } else if (g_str_equal(key, "replaces")) {
        r = sd_bus_message_read(message, "v", "s", &wish->replaces);
    } else if (g_str_equal(key, "new")) {
        r = sd_bus_message_read(message, "v", "b", &only_new);
        wish->only_new = r >= 0 && only_new;
    } else {
        return api_raise_option(ret_fault, key, "is not known", "known are drop_in, new and replaces");
    }
    if (r == -ENXIO)
        return api_raise_option(ret_fault, key, "is of the wrong type",
                                "drop_in and replaces are strings, new is a boolean");
    return MIN(r, 0);
}

static int read_options(sd_bus_message *message, DefineWish *wish, Fault **ret_fault)
{
    const char *key;

    int r = sd_bus_message_enter_container(message, 'a', "{sv}");
    if (r < 0)
        return r;
    while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
        r = sd_bus_message_read(message, "s", &key);
        if (r >= 0)
            r = read_option(message, key, wish, ret_fault);
        if (r != 0)
            return r;
        r = sd_bus_message_exit_container(message);
        if (r < 0)
            return r;
    }
    return r < 0 ? r : MIN(sd_bus_message_exit_container(message), 0);
}

static int act_define(Api *api, sd_bus_message *message, const char *id)
{
    DefineWish wish = {};
    Fault *fault = NULL;
    const char *name;

    int r = sd_bus_message_read(message, "ss", &name, &wish.text);
    if (r >= 0)
        r = read_options(message, &wish, &fault);
    if (r == 0)
        r = manager_define(api->manager, name, &wish, &fault);
    if (r != 0)
        return api_reply_error(message, r, fault);
    g_autofree char *path = api_path(API_GUEST, name);
    return sd_bus_reply_method_return(message, "o", path);
}

static int ask_define(Api *api, sd_bus_message *message, const char *id)
{
    return api_know_qemu(api, message, id, act_define);
}

static int act_undefine(Api *api, sd_bus_message *message, const char *id)
{
    Fault *fault = NULL;
    const char *name;

    int r = sd_bus_message_read(message, "s", &name);
    if (r >= 0)
        r = api_read_no_options(message, &fault);
    if (r == 0)
        r = manager_undefine(api->manager, name, &fault);
    return r != 0 ? api_reply_error(message, r, fault) : sd_bus_reply_method_return(message, NULL);
}

int api_define_guest(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    return api_authorize_subject(userdata, message, "org.usher1.define-guest", ask_define);
}

int api_undefine_guest(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    return api_authorize_subject(userdata, message, "org.usher1.define-guest", act_undefine);
}

static int append_lines(sd_bus_message *reply, const GPtrArray *lines)
{
    int r = sd_bus_message_open_container(reply, 'a', "(ssssu)");

    for (unsigned i = 0; r >= 0 && i < lines->len; i++) {
        const DefinitionLine *line = g_ptr_array_index(lines, i);
        r = api_append(reply, "(ssssu)", line->section, line->key, line->value, line->path, line->line);
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int act_get_definition(Api *api, sd_bus_message *message, const char *name);
static int act_get_files(Api *api, sd_bus_message *message, const char *name);

/* Checked after the definition was read: whoever closes a definition does so before writing secrets. */
static bool closed_meanwhile(Api *api, const char *name, bool allowed)
{
    return !allowed && manager_guest_closed(api->manager, name);
}

static char *fault_to_line_or_empty(const Fault *fault)
{
    return fault ? fault_to_line(fault) : g_strdup("");
}

static int get_definition(Api *api, sd_bus_message *message, const char *name, bool allowed)
{
    g_autoptr(GPtrArray) lines = NULL;
    sd_bus_message *reply = NULL;
    _cleanup_fault_ Fault *fault = NULL;

    int r = manager_guest_lines(api->manager, name, &lines, &fault);
    if (closed_meanwhile(api, name, allowed))
        return api_authorize_reading(api, message, name, name, act_get_definition);
    if (r != 0)
        return api_reply_error(message, r, g_steal_pointer(&fault));
    r = sd_bus_message_new_method_return(message, &reply);
    if (r >= 0)
        r = append_lines(reply, lines);
    if (r >= 0)
        r = sd_bus_message_send(reply);
    sd_bus_message_unref(reply);
    return r;
}

static int act_get_definition(Api *api, sd_bus_message *message, const char *name)
{
    return get_definition(api, message, name, true);
}

int api_get_definition(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    const ApiObject *object = userdata;

    return get_definition(object->api, message, object->id, false);
}

static int append_files(sd_bus_message *reply, const DefinitionFiles *files)
{
    int r = sd_bus_message_open_container(reply, 'a', "(ss)");

    for (unsigned i = 0; r >= 0 && i < files->texts->len; i++) {
        const DefinitionText *text = &g_array_index(files->texts, DefinitionText, i);
        r = api_append(reply, "(ss)", text->path, text->text);
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_files(Api *api, sd_bus_message *message, const char *name, bool allowed)
{
    g_autoptr(DefinitionFiles) files = NULL;
    sd_bus_message *reply = NULL;
    _cleanup_fault_ Fault *fault = NULL;

    int r = manager_guest_files(api->manager, name, &files, &fault);
    if (closed_meanwhile(api, name, allowed))
        return api_authorize_reading(api, message, name, name, act_get_files);
    if (r != 0)
        return api_reply_error(message, r, g_steal_pointer(&fault));
    r = sd_bus_message_new_method_return(message, &reply);
    if (r >= 0)
        r = append_files(reply, files);
    if (r >= 0)
        r = sd_bus_message_send(reply);
    sd_bus_message_unref(reply);
    return r;
}

static int act_get_files(Api *api, sd_bus_message *message, const char *name)
{
    return get_files(api, message, name, true);
}

int api_get_files(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    const ApiObject *object = userdata;

    return get_files(object->api, message, object->id, false);
}

static int append_detail(sd_bus_message *reply, const char *key, const char *words)
{
    int r = sd_bus_message_open_container(reply, 'e', "sv");

    if (r >= 0)
        r = api_append(reply, "s", key);
    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'v', "s");
    if (r >= 0)
        r = api_append(reply, "s", words);
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* The details in full, even where the properties show less. */
static int act_get_details(Api *api, sd_bus_message *message, const char *name)
{
    sd_bus_message *reply = NULL;
    GuestView view;

    if (!manager_guest(api->manager, name, &view))
        return api_reply_error(message, -ENOENT, NULL);
    g_autofree char *words = guest_last_words(view.guest);
    g_autofree char *error = fault_to_line_or_empty(guest_fault(view.guest));
    g_autofree char *wrong = fault_to_line_or_empty(view.definition_fault);
    const char *details[][2] = {{"Description", view.description},
                                {"Error", error},
                                {"DefinitionError", wrong},
                                {"LastWords", words}};
    int r = sd_bus_message_new_method_return(message, &reply);
    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "{sv}");
    for (unsigned i = 0; r >= 0 && i < G_N_ELEMENTS(details); i++)
        r = append_detail(reply, details[i][0], details[i][1]);
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    if (r >= 0)
        r = sd_bus_message_send(reply);
    sd_bus_message_unref(reply);
    return r;
}

int api_get_details(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    const ApiObject *object = userdata;

    return api_authorize(object->api, message, "org.usher1.read-guest", object->id, object->id,
                         act_get_details);
}

static void on_disks_checked(const GPtrArray *steps, const Fault *fault, void *enquiry)
{
    sd_bus_message *message = api_enquiry_end(enquiry);

    if (fault)
        api_reply_error(message, FAULT_RAISED, fault_copy(fault));
    else
        sd_bus_reply_method_return(message, NULL);
    sd_bus_message_unref(message);
}

static int ask_check_disks(Api *api, sd_bus_message *message, const char *id, bool may)
{
    ApiEnquiry *enquiry;
    Fault *fault = NULL;

    int r = api_enquiry_new(api, message, &enquiry);
    if (r != 0)
        return r;
    r = manager_check_files(api->manager, id, may, on_disks_checked, enquiry, &fault);
    return api_enquiry_later(enquiry, r, fault);
}

static int act_check_disks(Api *api, sd_bus_message *message, const char *name)
{
    return api_know_right(api, message, "org.usher1.start-guest", name, ask_check_disks);
}

static int read_check_disks(Api *api, sd_bus_message *message, const char *name)
{
    return api_authorize_reading(api, message, name, name, act_check_disks);
}

int api_check_disks(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    const ApiObject *object = userdata;

    return api_know_qemu(object->api, message, object->id, read_check_disks);
}
