/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* "local:104/vm-104-disk-0.qcow2": which file below a storage's folder that is. */
#include <string.h>

#include "proxmox-private.h"

static bool is_number(const char *part)
{
    return *part && strspn(part, "0123456789") == strlen(part);
}

/* The name of a volume as a path below the storage's folder, by the parts of which it consists (PVE's
 * Storage::Plugin, parse_volname and get_subdir; ZFSPoolPlugin and LvmThinPlugin for those of pools). NULL:
 * it is none of these. */
static char *path_below(char **parts, char **ret_backing)
{
    unsigned n = g_strv_length(parts);

    if (n == 1 && *parts[0])
        return g_strdup(parts[0]);
    if (n == 2 && g_str_equal(parts[0], "iso"))
        return g_build_filename("template/iso", parts[1], NULL);
    if (n == 2 && is_number(parts[0]))
        return g_build_filename("images", parts[0], parts[1], NULL);
    /* A clone of a template; of a pool it has its own name, and of a folder a file of its own. */
    if (n == 2 && g_str_has_prefix(parts[0], "base-"))
        return g_strdup(parts[1]);
    if (n != 4 || !is_number(parts[0]) || !is_number(parts[2]))
        return NULL;
    *ret_backing = g_build_filename("images", parts[0], parts[1], NULL);
    return g_build_filename("images", parts[2], parts[3], NULL);
}

char *proxmox_volume_path(Proxmox *proxmox, Node *line, const char *volume, char **ret_backing)
{
    if (*volume == '/')
        return g_strdup(volume);
    g_auto(GStrv) parts = g_strsplit(volume, ":", 2);
    g_auto(GStrv) names = g_strsplit(parts[0] && parts[1] ? parts[1] : "", "/", -1);
    g_autofree char *backing = NULL, *below = path_below(names, &backing);
    char *mapped = below ? wish_mapped(proxmox->wishes, parts[0], below) : NULL;
    if (!mapped)
        draft_left(proxmox->wishes->draft, line,
                   "only Proxmox knows where the volume is: pvesm path %s says it there; add "
                   "--map=%s=FOLDER, or a section with the path",
                   volume, parts[0] ?: "STORAGE");
    else if (backing)
        *ret_backing = wish_mapped(proxmox->wishes, parts[0], backing);
    return mapped;
}

const char *proxmox_volume_format(const char *path)
{
    static const char *const formats[] = {"qcow2", "vmdk", "vdi", "raw"};

    for (size_t i = 0; path && i < G_N_ELEMENTS(formats); i++) {
        g_autofree char *end = g_strconcat(".", formats[i], NULL);
        if (g_str_has_suffix(path, end))
            return formats[i];
    }
    return "raw";
}
