/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every guest has: memory, CPUs, firmware, a machine, an order in which it boots. */
#include <stdlib.h>
#include <string.h>

#include "wishes.h"

#define MIB (G_GUINT64_CONSTANT(1) << 20)

char *wish_size(guint64 bytes)
{
    guint64 mib = bytes / MIB;

    if (mib > 0 && mib % 1024 == 0)
        return g_strdup_printf("%" G_GUINT64_FORMAT "G", mib / 1024);
    return g_strdup_printf("%" G_GUINT64_FORMAT "M", mib);
}

void wish_memory(Wishes *wishes, guint64 bytes, const Node *from)
{
    guint64 whole = bytes % MIB ? bytes + MIB - bytes % MIB : bytes;
    g_autofree char *size = wish_size(whole);

    draft_set(draft_section(wishes->draft, "Memory"), "Size", from, "%s", size);
    if (whole != bytes)
        draft_differs(wishes->draft, from, "Size=%s: a guest has whole megabytes", size);
}

guint64 wish_parse_size(const char *text, guint64 bare)
{
    char *end;
    double number = g_ascii_strtod(text, &end);
    guint64 factor = bare;

    switch (g_ascii_toupper(*end)) {
    case '\0':
        break;
    case 'B':
        factor = 1;
        break;
    case 'K':
        factor = 1024;
        break;
    case 'M':
        factor = MIB;
        break;
    case 'G':
        factor = MIB << 10;
        break;
    case 'T':
        factor = MIB << 20;
        break;
    default:
        return 0;
    }
    /* As much as 64 bits hold, and no negative one. */
    if (end == text || number <= 0 || number * (double)factor >= 9e18)
        return 0;
    return (guint64)(number * (double)factor);
}

void wish_topology(Wishes *wishes, unsigned cpus, unsigned sockets, unsigned dies, unsigned cores,
                   unsigned threads, const Node *from)
{
    DraftSection *section = draft_section(wishes->draft, "CPU");
    bool said = sockets || dies || cores || threads;

    threads = threads ?: 1;
    dies = dies ?: 1;
    if (!cores)
        cores = MAX(1, cpus / (threads * dies * (sockets ?: 1)));
    if (!sockets)
        sockets = MAX(1, cpus / (threads * dies * cores));
    unsigned all = sockets * dies * cores * threads;
    if (sockets > 1)
        draft_set(section, "Sockets", from, "%u", sockets);
    if (dies > 1)
        draft_set(section, "Dies", from, "%u", dies);
    draft_set(section, "Cores", from, "%u", cores);
    draft_set(section, "Threads", from, "%u", threads);
    if (!said && cpus > 1)
        draft_differs(wishes->draft, from,
                      "the vCPUs are cores of one socket: Windows uses no more than two sockets");
    if (cpus && all != cpus)
        draft_differs(wishes->draft, from, "the guest has all %u vCPUs from the start, not %u", all, cpus);
}

void wish_argument(Wishes *wishes, const Node *from, const char *words)
{
    draft_more(draft_section(wishes->draft, "QEMU"), "Arguments", from, "%s", words);
    draft_differs(
        wishes->draft, from,
        "no key says it, so it is a line of [QEMU] Arguments=, which takes AllowQemuArguments=yes in "
        "usherd.conf(5); remove the line if the guest does without");
}

void wish_override(Wishes *wishes, const Node *from, const char *id, const char *property, const char *value)
{
    draft_more(draft_section(wishes->draft, "QEMU"), "Set", from, "%s.%s=%s", id, property, value);
    draft_differs(wishes->draft, from,
                  "no key says it, so it is [QEMU] Set=%s.%s=%s, which takes AllowQemuArguments=yes in "
                  "usherd.conf(5); remove the line if the guest does without",
                  id, property, value);
}

char *wish_mapped(const Wishes *wishes, const char *storage, const char *volume)
{
    size_t length = strlen(storage);

    for (char **map = wishes->options->maps; map && *map; map++)
        if (strncmp(*map, storage, length) == 0 && (*map)[length] == '=') {
            g_hash_table_add(wishes->mapped, *map);
            return g_build_filename(*map + length + 1, volume, NULL);
        }
    return NULL;
}

/* Whether it is what distributions install: usher finds those by their descriptions. */
static bool distributed(const char *code)
{
    return g_str_has_prefix(code, "/usr/share/") || g_str_has_prefix(code, "/usr/lib/") ||
           g_str_has_prefix(code, "/run/libvirt/") || g_str_has_prefix(code, "/nix/store/") ||
           g_str_has_prefix(code, "/run/current-system/");
}

void wish_uefi(Wishes *wishes, const char *code, const Node *code_from, const char *variables,
               const Node *variables_from)
{
    DraftSection *section = draft_section(wishes->draft, "Firmware");

    draft_set(section, "Type", code_from ?: variables_from, "uefi");
    if (code && distributed(code)) {
        draft_differs(wishes->draft, code_from, "usherd chooses the firmware of the host's distribution");
    } else if (code) {
        draft_set(section, "Code", code_from, "%s", code);
        if (variables)
            draft_set(section, "Variables", variables_from, "%s", variables);
    }
    if (variables && !draft_get(section, "Variables"))
        draft_left(
            wishes->draft, variables_from,
            "the guest starts with fresh firmware variables (boot entries, enrolled keys); to keep those of "
            "%s, shut the guest down there and copy the file to "
            "/var/lib/usher/guests/NAME/nvram.fd (nvram-secure.fd with SecureBoot=yes)",
            variables);
    else if (variables)
        draft_differs(
            wishes->draft, variables_from,
            "the guest gets a copy of the firmware's variables at its first start; the file itself stays "
            "as it is");
}

void wish_bios(Wishes *wishes, const char *file, const Node *from)
{
    g_autofree char *upper = g_ascii_strup(file, -1);

    if (!strstr(upper, "OVMF") && !strstr(upper, "EDK2") && !strstr(upper, "UEFI")) {
        draft_left(wishes->draft, from, "with Type=bios the guest has QEMU's own BIOS");
        return;
    }
    draft_set(draft_section(wishes->draft, "Firmware"), "Type", from, "uefi");
    draft_differs(wishes->draft, from,
                  "OVMF in place of the BIOS remembers nothing; Type=uefi is the firmware of the host's "
                  "distribution, and usher keeps its variables, such as the order of boot entries");
}

void wish_machine(Wishes *wishes, const char *name, const Node *from)
{
    /* Behind a plus Proxmox has a number of its own. */
    g_autofree char *machine = g_strndup(name, strcspn(name, "+"));
    bool old = g_str_has_prefix(machine, "pc-i440fx") || g_str_equal(machine, "pc") ||
               g_str_has_prefix(machine, "pc-0.") || g_str_has_prefix(machine, "pc-1.");

    if (g_str_has_prefix(machine, "pc-q35-"))
        draft_set(draft_section(wishes->draft, "Guest"), "Machine", from, "%s", machine);
    else if (g_str_equal(machine, "q35"))
        draft_differs(wishes->draft, from,
                      "q35 is usher's machine, too, in the newest version that QEMU has; Machine= names one "
                      "that stays");
    else if (old)
        draft_differs(
            wishes->draft, from,
            "%s (i440fx) is the old machine; usher's is q35, with PCI Express. Windows finds new hardware "
            "at the first start",
            machine);
    else
        draft_left(wishes->draft, from, "usher has no machine %s; the guest gets q35", machine);
}

static bool among(const char *kind, const char *const *kinds)
{
    return g_strv_contains(kinds, kind);
}

/* Those that have a number of their own come first, as they do with QEMU. */
static unsigned next_index(const Wishes *wishes)
{
    static const char *const kinds[] = {"Disk", "CDROM", NULL};
    unsigned next = 1;

    for (const char *const *kind = kinds; *kind; kind++) {
        const DraftSection *section;
        for (unsigned n = 0; (section = draft_nth(wishes->draft, *kind, n)); n++)
            next = MAX(next, strtoul(draft_get(section, "BootIndex") ?: "0", NULL, 10) + 1);
    }
    return next;
}

void wish_boot_order(Wishes *wishes, const char *const *kinds, const Node *from)
{
    static const char *const sections[][2] = {{"disk", "Disk"}, {"cd", "CDROM"}};
    unsigned first = next_index(wishes), index = first;

    for (unsigned i = 0; kinds[i]; i++)
        for (unsigned j = 0; j < G_N_ELEMENTS(sections); j++) {
            DraftSection *section;
            if (!g_str_equal(kinds[i], sections[j][0]))
                continue;
            for (unsigned n = 0; (section = draft_nth(wishes->draft, sections[j][1], n)); n++)
                if (!draft_get(section, "BootIndex"))
                    draft_set(section, "BootIndex", from, "%u", index++);
        }
    if (among("net", kinds))
        draft_left(wishes->draft, from,
                   "no key has the guest boot from a network card; choose it in the firmware's menu");
    if (index == first)
        draft_differs(wishes->draft, from,
                      "a guest boots from its first bootable disk, and then from its CD drives");
}

/* What BootIndex= takes. */
#define BOOT_FIRST 1
#define BOOT_LAST 99

static unsigned long number_of(const DraftSection *section)
{
    return strtoul(draft_get(section, "BootIndex"), NULL, 10);
}

static int by_number(const void *a, const void *b)
{
    unsigned long first = number_of(*(DraftSection **)a), second = number_of(*(DraftSection **)b);

    return first < second ? -1 : first > second;
}

void wish_boot_numbers(Wishes *wishes)
{
    static const char *const kinds[] = {"PCI", "Disk", "CDROM", NULL};
    g_autoptr(GPtrArray) sections = g_ptr_array_new();

    for (const char *const *kind = kinds; *kind; kind++) {
        DraftSection *section;
        for (unsigned n = 0; (section = draft_nth(wishes->draft, *kind, n)); n++)
            if (draft_get(section, "BootIndex"))
                g_ptr_array_add(sections, section);
    }
    g_ptr_array_sort(sections, by_number);
    if (sections->len == 0 || (number_of(sections->pdata[0]) >= BOOT_FIRST &&
                               number_of(sections->pdata[sections->len - 1]) <= BOOT_LAST))
        return;
    for (unsigned i = 0; i < sections->len; i++)
        draft_set(sections->pdata[i], "BootIndex", NULL, "%u", i + BOOT_FIRST);
    draft_differs(wishes->draft, NULL, "BootIndex= counts from 1 to 99: the order is the same");
}
