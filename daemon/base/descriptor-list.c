/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "descriptor-list.h"

#define DESCRIPTOR_SIZE_MAX (256 * 1024)

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What an editor leaves beside a file is hidden, as a rule, and libvirt passes it over, too. */
static bool is_descriptor(const char *name)
{
    return name[0] != '.' && g_str_has_suffix(name, ".json");
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
            if (is_descriptor(*name) && !g_hash_table_contains(paths, *name))
                g_hash_table_insert(paths, g_strdup(*name), g_build_filename(*folders, *name, NULL));
    }
    return paths;
}

void descriptor_list(const char *const *folders, DescriptorRead read, void *userdata)
{
    g_autoptr(GHashTable) paths = list_descriptors(folders);
    unsigned n;
    g_autofree const char **names = (const char **)g_hash_table_get_keys_as_array(paths, &n);

    qsort(names, n, sizeof(*names), compare_names);
    for (unsigned i = 0; i < n; i++) {
        const char *path = g_hash_table_lookup(paths, names[i]);
        g_autofree char *text = NULL;
        size_t size;

        if (file_read_all_at(AT_FDCWD, path, DESCRIPTOR_SIZE_MAX, &text, &size) >= 0 && size > 0 &&
            read(path, text, size, userdata))
            return;
    }
}
