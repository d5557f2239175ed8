/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../daemon/base/cleanup.h"
#include "../definition/files.h"
#include "../import/report.h"
#include "verb.h"

/* A file, a pipe, or what comes on standard input ("-"); the text has a NUL behind it. */
static int read_source(const char *path, char **ret, size_t *ret_size)
{
    _cleanup_fclose_ FILE *file =
        strcmp(path, "-") == 0 ? fdopen(dup(STDIN_FILENO), "re") : fopen(path, "re");
    g_autofree char *text = g_malloc(IMPORT_SIZE_MAX + 2);

    *ret_size = file ? fread(text, 1, IMPORT_SIZE_MAX + 1, file) : 0;
    if (!file || ferror(file)) {
        say("Cannot read %s: %s", path, g_strerror(errno));
        return STATUS_FAILED;
    }
    if (*ret_size > IMPORT_SIZE_MAX) {
        say("%s has more than %d KiB, so it describes no guest", path, IMPORT_SIZE_MAX / 1024);
        return STATUS_FAILED;
    }
    text[*ret_size] = '\0';
    *ret = g_steal_pointer(&text);
    return STATUS_OK;
}

static int find_format(const Client *client, const char *text, size_t size, ImportFormat *ret)
{
    *ret = client->import.format ? import_format_from_string(client->import.format)
                                 : import_format_guess(text, size);
    if (*ret >= 0)
        return STATUS_OK;
    say("--format=%s is not known; it may be libvirt, proxmox or qemu", client->import.format);
    return STATUS_USAGE;
}

static int define(Client *client, const Import *import, const char *text)
{
    int status = definition_files_put(client, import->name, text, NULL, NULL);

    if (status == STATUS_OK)
        printf("%s is defined; see it: usherctl cat %s\n", import->name, import->name);
    return status;
}

int cmd_import(Client *client, char **args)
{
    ImportOptions options = {client->import.maps, ""};
    g_autofree char *text = NULL, *why = NULL;
    ImportFormat format;
    const char *bad = import_bad_map(client->import.maps);
    size_t size;

    if (bad) {
        say("--map=%s is not the name of a storage and an absolute path: --map=STORAGE=/FOLDER", bad);
        return STATUS_USAGE;
    }
    int status = read_source(args[0], &text, &size);

    if (status != STATUS_OK || (status = find_format(client, text, size, &format)) != STATUS_OK)
        return status;
    g_autoptr(Import) import = import_read(format, args[0], text, size, args[1], &options, &why);
    if (!import) {
        say("%s", why);
        return STATUS_FAILED;
    }
    if (client->json != JSON_OFF)
        json_print(report_json(import), client->json);
    else
        report_print(import, stderr);
    g_autofree char *definition = draft_text(import->draft);
    if (client->import.define)
        return define(client, import, definition);
    if (client->json == JSON_OFF)
        fputs(definition, stdout);
    return STATUS_OK;
}
