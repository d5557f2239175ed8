/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "new-definition.h"

#include <string.h>

#include "card.h"

bool new_definition_said(const NewDefinition *d)
{
    return d->preset || d->description || d->memory || d->cpus || d->network || d->display || d->gpus ||
           d->disks || d->cdroms || d->uefi;
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

static void append_card(GString *text, const NewDevice *device)
{
    g_string_append_printf(
        text,
        "\n[PCI %s]\n# %s. Its driver loses the device at the start, and gets it back at the "
        "end.\nAddress=%s\n",
        device->section, device->label, device->address);
    if (*device->fingerprint)
        g_string_append_printf(text,
                               "# No other device is lent in its place if slots or addresses change.\n"
                               "Fingerprint=%s\n",
                               device->fingerprint);
    g_string_append(text, "# The other functions of its slot are lent too, such as a card's sound.\n"
                          "Functions=all\n");
}

static void append_cards(GString *text, const GPtrArray *cards)
{
    for (unsigned i = 0; cards && i < cards->len; i++)
        append_card(text, g_ptr_array_index(cards, i));
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

/* bus: the one that the guest's system has a driver for; NULL: the usual one. */
static bool append_disk(GString *text, const char *disk, unsigned index, const char *bus, char **ret_why)
{
    g_autofree char *path = g_strdup(disk);
    g_autoptr(GString) keys = g_string_new(NULL);
    const char *key, *value, *format = NULL;

    while ((key = cut_option(path, &value))) {
        if (strcmp(key, "Bus") == 0)
            bus = NULL;
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
    if (bus)
        g_string_append_printf(text,
                               "# Windows has a driver for it. Once virtio's are installed in the guest: "
                               "Bus=virtio, which is faster.\nBus=%s\n",
                               bus);
    return true;
}

/* "user", "nat", "none", "bridge:br0". */
static void append_network(GString *text, const char *network, const char *model)
{
    const char *bridge = g_str_has_prefix(network, "bridge:") ? network + strlen("bridge:") : NULL;

    if (strcmp(network, "none") == 0)
        return;
    append_section(text, "Network", bridge ? "lan" : "nat", 0);
    if (bridge)
        g_string_append_printf(text, "Mode=bridge\nBridge=%s\n", bridge);
    else if (strcmp(network, "nat") == 0)
        g_string_append(text,
                        "# nat: a network of guests and host, which reaches all that the host reaches.\n"
                        "Mode=nat\n");
    else
        g_string_append_printf(
            text, "# user: QEMU connects the guest to everything that the host reaches.\nMode=%s\n", network);
    if (model)
        g_string_append_printf(
            text, "# Windows has a driver for it; likewise, Model=virtio is faster.\nModel=%s\n", model);
}

static void append_firmware(GString *text, const NewDefinition *d)
{
    if (d->uefi || d->kind)
        g_string_append(text, "\n[Firmware]\nType=uefi\n");
    if (d->kind && d->kind->secure_boot)
        g_string_append(text, "SecureBoot=yes\n\n[TPM]\nVersion=2.0\n");
}

static void append_pins(GString *text, const CoreChoice *cores)
{
    g_string_append_printf(
        text,
        "# Each vCPU has a host CPU of its own: cores of one cache, with all of their threads. "
        "The host keeps the others.\nPin=%s\nEmulatorPin=%s\n",
        cores->pin, cores->rest);
}

static void append_cpu(GString *text, const NewDefinition *d)
{
    const char *usual = d->kind ? d->kind->cores : NULL;
    g_autofree char *chosen = d->cores.cores > 0 ? g_strdup_printf("%u", d->cores.cores) : NULL;

    g_string_append(text, "\n[CPU]\n");
    append_key(text, "Cores", chosen ?: d->cpus ?: usual, "2");
    if (d->cores.threads > 1)
        g_string_append_printf(text, "Threads=%u\n", d->cores.threads);
    if (d->cores.threads > 1 && d->topoext)
        g_string_append(text, "Features=+topoext\n");
    if (d->cores.cores > 0)
        append_pins(text, &d->cores);
    if (d->kind && d->kind->windows)
        g_string_append(text, "HyperV=yes\n");
}

static void append_memory(GString *text, const NewDefinition *d)
{
    const char *usual = d->kind ? d->kind->memory : NULL;

    g_string_append(text, "\n[Memory]\n");
    if (d->cards && d->cards->len > 0)
        g_string_append(text, "# The host keeps all of this memory locked while the guest runs, as the "
                              "guest's devices write to it.\n");
    append_key(text, "Size", d->memory ?: usual, "2G");
    if (d->kind && d->kind->windows)
        g_string_append(text, "\n[Clock]\nBase=local\n");
}

static bool append_disks(GString *text, const NewDefinition *d, char **ret_why)
{
    bool windows = d->kind && d->kind->windows;

    for (unsigned i = 0; d->disks && d->disks[i]; i++)
        if (!append_disk(text, d->disks[i], i, windows ? "sata" : NULL, ret_why))
            return false;
    if (d->kind && !d->disks)
        g_string_append_printf(
            text,
            "\n# The disk to boot: one of the host's, or an image, which Size= has made if it "
            "is not there.\n#[Disk system]\n#Path=/var/lib/usher/images/%s.qcow2\n"
            "#Format=qcow2\n#Size=64G\n%s",
            d->kind->name, windows ? "#Bus=sata\n" : "");
    return true;
}

static void append_cds(GString *text, const NewDefinition *d)
{
    for (unsigned i = 0; d->cdroms && d->cdroms[i]; i++) {
        append_section(text, "CDROM", "install", i);
        g_string_append_printf(text, "Path=%s\n", d->cdroms[i]);
    }
    if (d->drivers_cd)
        g_string_append_printf(text, "\n[CDROM drivers]\n# virtio's drivers for Windows.\nPath=%s\n",
                               d->drivers_cd);
}

/* Without a card there is no other picture. */
static const char *display_of(const NewDefinition *d)
{
    bool blind = d->kind && (!d->cards || d->cards->len == 0);

    return d->display ?: (blind ? "vnc" : NULL);
}

char *new_definition_text(const char *name, const NewDefinition *d, char **ret_why)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const char *display = display_of(d);

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
    append_firmware(text, d);
    append_cpu(text, d);
    append_memory(text, d);
    append_cards(text, d->cards);
    if (!append_disks(text, d, ret_why))
        return NULL;
    append_cds(text, d);
    append_network(text, d->network ?: "user", d->kind && d->kind->windows ? "e1000e" : NULL);
    if (display)
        g_string_append_printf(text, "\n[Display]\n# usherctl view %s shows the screen.\nType=%s\n", name,
                               display);
    return g_string_free(g_steal_pointer(&text), FALSE);
}
