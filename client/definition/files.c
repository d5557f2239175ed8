/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "../../daemon/base/cleanup.h"
#include "../../daemon/base/file.h"
#include "../view/state.h"

#define SUFFIX ".guest"
#define TEXT_MAX (1024 * 1024)

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

bool definition_files_named(const char *argument)
{
    return strchr(argument, '/') || g_str_has_suffix(argument, SUFFIX);
}

/* "…/win10.guest" → "win10"; NULL if the file is not called so. The caller frees it. */
static char *name_of_file(const char *path)
{
    g_autofree char *base = g_path_get_basename(path);
    size_t length = strlen(base);

    if (!g_str_has_suffix(base, SUFFIX) || length == strlen(SUFFIX))
        return NULL;
    return g_strndup(base, length - strlen(SUFFIX));
}

/* Appends one more file; STATUS_OK if that worked. */
static int read_text(const char *path, GPtrArray *files)
{
    g_autofree char *text = NULL;
    size_t size;
    int r;

    if ((r = file_read_all_at(AT_FDCWD, path, TEXT_MAX, &text, &size)) < 0) {
        say("Cannot read %s: %s", path, g_strerror(-r));
        return STATUS_FAILED;
    }
    /* D-Bus carries no NUL, and the text would end at it. */
    if (strlen(text) != size) {
        say("%s contains a NUL byte, so it is not text; save it as text and try again", path);
        return STATUS_FAILED;
    }
    if (!g_utf8_validate(text, -1, NULL)) {
        say("%s is not UTF-8; save it as UTF-8 and try again", path);
        return STATUS_FAILED;
    }
    DefinitionFile *file = g_new0(DefinitionFile, 1);
    file->path = g_strdup(path);
    file->text = g_steal_pointer(&text);
    g_ptr_array_add(files, file);
    return STATUS_OK;
}

/* Appends the drop-ins in PATH.d/, ordered by name, as a definition in place would have them. */
static int read_drop_ins(const char *path, GPtrArray *files)
{
    g_autofree char *folder = g_strconcat(path, ".d", NULL);
    g_auto(GStrv) names = NULL;
    int status = STATUS_OK, r = file_list_at(AT_FDCWD, folder, &names);

    if (r < 0 && r != -ENOENT) {
        say("Cannot read %s: %s", folder, g_strerror(-r));
        return STATUS_FAILED;
    }
    for (char **name = names; status == STATUS_OK && name && *name; name++) {
        g_autofree char *drop_in = g_build_filename(folder, *name, NULL);
        if (g_str_has_suffix(*name, ".conf"))
            status = read_text(drop_in, files);
    }
    return status;
}

int definition_files_read(const char *path, char **ret_name, GPtrArray **ret)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(file_free);
    g_autofree char *name = name_of_file(path);
    int status;

    if (!name) {
        say("%s is not called NAME" SUFFIX ", so it names no guest; rename it", path);
        return STATUS_USAGE;
    }
    if ((status = read_text(path, files)) != STATUS_OK || (status = read_drop_ins(path, files)) != STATUS_OK)
        return status;
    *ret_name = g_steal_pointer(&name);
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
