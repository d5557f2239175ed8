/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "../../daemon/base/file.h"
#include "../bus/bus.h"
#include "verb.h"

#define SUFFIX ".guest"
#define TEXT_MAX (1024 * 1024)

/* "…/win10.guest" → "win10"; NULL if the file is not called so. The caller frees it. */
static char *name_of_file(const char *path)
{
    g_autofree char *base = g_path_get_basename(path);
    size_t length = strlen(base);

    if (!g_str_has_suffix(base, SUFFIX) || length == strlen(SUFFIX))
        return NULL;
    return g_strndup(base, length - strlen(SUFFIX));
}

/* Appends one more file to the call; STATUS_OK if that worked. */
static int read_text(const char *path, sd_bus_message *call)
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
    return sd_bus_message_append(call, "(ss)", path, text) < 0 ? STATUS_FAILED : STATUS_OK;
}

/* Appends the drop-ins in PATH.d/, ordered by name, as a definition in place would have them. */
static int read_drop_ins(const char *path, sd_bus_message *call)
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
            status = read_text(drop_in, call);
    }
    return status;
}

static int validate_file(Client *client, const char *path)
{
    g_autofree char *name = name_of_file(path), *what = g_strdup_printf("validate %s", path);
    g_autoptr(sd_bus_message) call = NULL;
    int status, r;

    if (!name) {
        say("%s is not called NAME" SUFFIX ", so it names no guest; rename it", path);
        return STATUS_USAGE;
    }
    if ((status = bus_new_call(client, &call, "ValidateDefinition", "s", name)) != STATUS_OK)
        return status;
    if ((r = sd_bus_message_open_container(call, 'a', "(ss)")) < 0)
        return bus_report(client, what, NULL, r);
    if ((status = read_text(path, call)) != STATUS_OK || (status = read_drop_ins(path, call)) != STATUS_OK)
        return status;
    if ((r = sd_bus_message_close_container(call)) < 0)
        return bus_report(client, what, NULL, r);
    return bus_send(client, what, call, NULL);
}

/* The daemon reads the definition anew, with its drop-ins, and looks at its disks. */
static int validate_guest(Client *client, const char *name)
{
    g_autofree char *what = g_strdup_printf("validate %s", name);
    g_autofree char *path = NULL;
    int status = bus_guest_path(client, name, &path);

    if (status == STATUS_OK)
        status = bus_call_object(client, what, NULL, path, BUS_GUEST, "GetDefinition", "");
    return status == STATUS_OK ? bus_call_object(client, what, NULL, path, BUS_GUEST, "CheckDisks", "")
                               : status;
}

int cmd_validate(Client *client, char **args)
{
    int worst = bus_open_asking(client);

    if (worst != STATUS_OK)
        return worst;
    for (; *args; args++) {
        bool is_file = strchr(*args, '/') || g_str_has_suffix(*args, SUFFIX);
        int status = is_file ? validate_file(client, *args) : validate_guest(client, *args);

        if (status == STATUS_OK)
            printf("%s is valid.\n", *args);
        worst = status_worst(worst, status);
    }
    return worst;
}
