/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "new-definition.h"

#include <glib.h>
#include <string.h>

bool new_definition_said(const NewDefinition *d)
{
    return d->description || d->memory || d->cpus || d->network || d->display || d->gpus || d->disks ||
           d->cdroms || d->uefi;
}

/* A value that would begin another line, or continue this one, would change the meaning of the definition. */
static bool check_value(const char *option, const char *value, char **ret_why)
{
    for (const char *c = value; *c; c++)
        if (g_ascii_iscntrl(*c)) {
            *ret_why = g_strdup_printf("--%s= contains a control character", option);
            return false;
        }
    if (!*value)
        *ret_why = g_strdup_printf("--%s= is empty", option);
    else if (g_str_has_suffix(value, "\\"))
        *ret_why = g_strdup_printf("--%s= ends with a backslash, which would continue the line", option);
    return !*ret_why;
}

static bool check_values(const char *option, char **values, char **ret_why)
{
    for (; values && *values; values++)
        if (!check_value(option, *values, ret_why))
            return false;
    return true;
}

static bool check(const NewDefinition *d, char **ret_why)
{
    return (!d->description || check_value("description", d->description, ret_why)) &&
           (!d->memory || check_value("memory", d->memory, ret_why)) &&
           (!d->cpus || check_value("cpus", d->cpus, ret_why)) &&
           (!d->network || check_value("network", d->network, ret_why)) &&
           (!d->display || check_value("display", d->display, ret_why)) &&
           check_values("gpu", d->gpus, ret_why) && check_values("disk", d->disks, ret_why) &&
           check_values("cdrom", d->cdroms, ret_why);
}

/* "gpu", then "gpu2". */
static void append_section(GString *text, const char *kind, const char *name, unsigned index)
{
    if (index == 0)
        g_string_append_printf(text, "\n[%s %s]\n", kind, name);
    else
        g_string_append_printf(text, "\n[%s %s%u]\n", kind, name, index + 1);
}

/* Appends the key as given, or its default as a comment. */
static void append_key(GString *text, const char *key, const char *value, const char *fallback)
{
    g_string_append_printf(text, "%s%s=%s\n", value ? "" : "#", key, value ?: fallback);
}

static void append_gpus(GString *text, char **addresses)
{
    for (unsigned i = 0; addresses && addresses[i]; i++) {
        const char *address = addresses[i];
        bool short_form = strchr(address, ':') == strrchr(address, ':');

        append_section(text, "PCI", "gpu", i);
        g_string_append_printf(text,
                               "# Its driver loses the device at the start, and gets it back at the end.\n"
                               "Address=%s%s\n"
                               "# The other functions of its slot are lent too, such as a card's sound.\n"
                               "Functions=all\n",
                               short_form ? "0000:" : "", address);
    }
}

/* The options after a disk's path, such as ",format=qcow2". */
static const struct {
    const char *option, *key;
} disk_options[] = {{"format", "Format"}, {"bus", "Bus"}, {"size", "Size"}, {"readonly", "ReadOnly"}};

/* Cuts the last ",option=value" off and returns its key; NULL: there is none. A path may hold commas. */
static const char *cut_option(char *path, const char **ret_value)
{
    char *comma = strrchr(path, ','), *equals = comma ? strchr(comma, '=') : NULL;

    for (unsigned i = 0; equals && i < G_N_ELEMENTS(disk_options); i++)
        if ((size_t)(equals - comma - 1) == strlen(disk_options[i].option) &&
            strncmp(comma + 1, disk_options[i].option, equals - comma - 1) == 0) {
            *comma = '\0';
            *ret_value = equals + 1;
            return disk_options[i].key;
        }
    return NULL;
}

/* The format that such a name usually has; only the administrator knows the real one. */
static const char *format_by_name(const char *path)
{
    if (g_str_has_suffix(path, ".qcow2"))
        return "qcow2";
    return g_str_has_prefix(path, "/dev/") || g_str_has_suffix(path, ".raw") || g_str_has_suffix(path, ".img")
               ? "raw"
               : NULL;
}

static bool append_disk(GString *text, const char *disk, unsigned index, char **ret_why)
{
    g_autofree char *path = g_strdup(disk);
    g_autoptr(GString) keys = g_string_new(NULL);
    const char *key, *value, *format = NULL;

    while ((key = cut_option(path, &value))) {
        if (strcmp(key, "Format") == 0)
            format = value;
        else
            g_string_append_printf(keys, "%s=%s\n", key, value);
    }
    if (!format && !(format = format_by_name(path))) {
        *ret_why = g_strdup_printf("--disk=%s has no format; add ,format=raw or ,format=qcow2", disk);
        return false;
    }
    append_section(text, "Disk", index == 0 ? "system" : "disk", index);
    g_string_append_printf(
        text,
        "Path=%s\n"
        "# usherd never guesses the format: a guest could write data that makes a guess wrong.\n"
        "Format=%s\n%s",
        path, format, keys->str);
    return true;
}

/* "user", "none", "bridge:br0". */
static void append_network(GString *text, const char *network)
{
    const char *bridge = g_str_has_prefix(network, "bridge:") ? network + strlen("bridge:") : NULL;

    if (strcmp(network, "none") == 0)
        return;
    append_section(text, "Network", bridge ? "lan" : "nat", 0);
    if (bridge)
        g_string_append_printf(text, "Mode=bridge\nBridge=%s\n", bridge);
    else
        g_string_append_printf(
            text, "# user: QEMU connects the guest to everything that the host reaches.\nMode=%s\n", network);
}

char *new_definition_text(const char *name, const NewDefinition *d, char **ret_why)
{
    g_autoptr(GString) text = g_string_new(NULL);

    *ret_why = NULL;
    if (!check(d, ret_why))
        return NULL;
    g_string_append_printf(
        text,
        "# The guest %s. usher.guest(5) describes all keys.\n"
        "# Changes take effect at its next start; usherctl edit --full %s checks them first.\n"
        "\n[Guest]\n",
        name, name);
    append_key(text, "Description", d->description, name);
    if (d->uefi)
        g_string_append(text, "\n[Firmware]\nType=uefi\n");
    g_string_append(text, "\n[CPU]\n");
    append_key(text, "Cores", d->cpus, "2");
    g_string_append(text, "\n[Memory]\n");
    if (d->gpus)
        g_string_append(text, "# The host keeps all of this memory locked while the guest runs, as the "
                              "guest's devices write to it.\n");
    append_key(text, "Size", d->memory, "2G");
    append_gpus(text, d->gpus);
    for (unsigned i = 0; d->disks && d->disks[i]; i++)
        if (!append_disk(text, d->disks[i], i, ret_why))
            return NULL;
    for (unsigned i = 0; d->cdroms && d->cdroms[i]; i++) {
        append_section(text, "CDROM", "install", i);
        g_string_append_printf(text, "Path=%s\n", d->cdroms[i]);
    }
    append_network(text, d->network ?: "user");
    if (d->display)
        g_string_append_printf(text, "\n[Display]\n# usherctl view %s shows the screen.\nType=%s\n", name,
                               d->display);
    return g_string_free(g_steal_pointer(&text), FALSE);
}
