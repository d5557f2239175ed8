/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../base/file.h"
#include "tools-find.h"

#define DESCRIPTOR_SIZE_MAX (256 * 1024)

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Maps each descriptor's name to the path of the file that counts. */
static GHashTable *list_descriptors(const char *const *folders)
{
    GHashTable *paths = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

    for (; *folders; folders++) {
        g_auto(GStrv) names = NULL;
        if (file_list_at(AT_FDCWD, *folders, &names) < 0)
            continue;
        for (char **name = names; *name; name++)
            if (g_str_has_suffix(*name, ".json") && !g_hash_table_contains(paths, *name))
                g_hash_table_insert(paths, g_strdup(*name), g_build_filename(*folders, *name, NULL));
    }
    return paths;
}

void tools_find_firmware(const char *const *folders, GPtrArray *ret)
{
    g_autoptr(GHashTable) paths = list_descriptors(folders);
    unsigned n;
    g_autofree const char **names = (const char **)g_hash_table_get_keys_as_array(paths, &n);

    qsort(names, n, sizeof(*names), compare_names);
    for (unsigned i = 0; i < n; i++) {
        const char *path = g_hash_table_lookup(paths, names[i]);
        g_autofree char *text = NULL;
        size_t size;
        Firmware *firmware = NULL;

        if (file_read_all_at(AT_FDCWD, path, DESCRIPTOR_SIZE_MAX, &text, &size) >= 0)
            firmware = firmware_parse(path, text, size);
        if (firmware)
            g_ptr_array_add(ret, firmware);
    }
}

/* The first program that may be run; NULL: none. */
static char *find_program(const char *const *paths)
{
    for (; *paths; paths++)
        if (access(*paths, X_OK) >= 0)
            return g_strdup(*paths);
    return NULL;
}

HostTools *tools_find(const char *state_path, bool confined)
{
    static const char *const folders[] = {"/etc/qemu/firmware", "/usr/share/qemu/firmware", NULL};
    static const char *const swtpms[] = {"/usr/bin/swtpm", NULL};
    static const char *const virtiofsds[] = {"/usr/lib/qemu/virtiofsd", NULL};
    HostTools *tools = host_tools_new(state_path);

    tools_find_firmware(folders, tools->firmwares);
    tools->swtpm = find_program(swtpms);
    tools->virtiofsd = find_program(virtiofsds);
    tools->confined = confined;
    return tools;
}
