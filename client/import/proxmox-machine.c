/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory, CPUs, firmware, identity. */
#include <stdlib.h>
#include <string.h>

#include "board-wish.h"
#include "cpu-wish.h"
#include "pin-wish.h"
#include "proxmox-private.h"

/* The value of a line of one word. */
const char *proxmox_value(Node *line)
{
    return node_take(line, "volume") ?: "";
}

void proxmox_read_memory(Proxmox *proxmox, Node *line)
{
    const char *text = node_take(line, "volume") ?: node_take(line, "current") ?: "";
    guint64 bytes = wish_parse_size(text, 1 << 20);

    if (bytes)
        wish_memory(proxmox->wishes, bytes, line);
}

void proxmox_read_balloon(Proxmox *proxmox, Node *line)
{
    node_take_all(line);
    draft_left(proxmox->wishes->draft, line,
               "a guest with devices can give back none of its memory: there is no balloon");
}

void proxmox_read_huge_pages(Proxmox *proxmox, Node *line)
{
    const char *size = proxmox_value(line);

    wish_huge_pages(proxmox->wishes,
                    g_str_equal(size, "any") ? 2 << 20 : g_ascii_strtoull(size, NULL, 10) << 20, line);
}

void proxmox_read_keep(Proxmox *proxmox, Node *line)
{
    draft_same(proxmox->wishes->draft, line,
               "pages that were missing are freed when the guest has ended; those reserved at boot "
               "(hugepages=) stay");
}

static unsigned number_of(const Node *root, const char *key, unsigned fallback)
{
    Node *line = node_at(root, key);

    return line ? strtoul(proxmox_value(line), NULL, 10) : fallback;
}

void proxmox_read_cores(Proxmox *proxmox, Node *line)
{
    unsigned sockets = number_of(proxmox->root, "sockets", 1), cores = number_of(proxmox->root, "cores", 1);
    Node *vcpus = node_at(proxmox->root, "vcpus");

    node_take_all(line);
    wish_topology(proxmox->wishes, sockets * cores, sockets, 0, cores, 1, line);
    if (vcpus)
        draft_left(proxmox->wishes->draft, vcpus,
                   "no vCPU can be plugged in while the guest runs: it has all from the start");
    if (vcpus)
        node_take_all(vcpus);
}

void proxmox_read_sockets(Proxmox *proxmox, Node *line)
{
    if (!node_at(proxmox->root, "cores"))
        proxmox_read_cores(proxmox, line);
}

static void read_flags(Proxmox *proxmox, Node *line, const char *flags)
{
    g_auto(GStrv) words = g_strsplit(flags, ";", -1);

    for (char **word = words; *word; word++)
        if (**word == '+' || **word == '-')
            cpu_wish_feature(proxmox->wishes->cpu, *word + 1, **word == '+' ? "on" : "off", line);
}

void proxmox_read_cpu(Proxmox *proxmox, Node *line)
{
    const char *model = node_take(line, "volume") ?: node_take(line, "cputype") ?: "kvm64", *flags = node_take(line, "flags");

    draft_set(draft_section(proxmox->wishes->draft, "CPU"), "Model", line, "%s", model);
    if (flags)
        read_flags(proxmox, line, flags);
    if (node_take_if(line, "hidden", "1"))
        cpu_wish_feature(proxmox->wishes->cpu, "kvm", "off", line);
    if (node_at(line, "hv-vendor-id"))
        cpu_wish_feature(proxmox->wishes->cpu, "hv-vendor-id", node_take(line, "hv-vendor-id"), line);
    if (node_at(line, "phys-bits")) {
        const char *bits = node_take(line, "phys-bits");
        cpu_wish_feature(proxmox->wishes->cpu, g_str_equal(bits, "host") ? "host-phys-bits" : "phys-bits",
                         g_str_equal(bits, "host") ? "on" : bits, line);
    }
}

void proxmox_read_affinity(Proxmox *proxmox, Node *line)
{
    /* Its commas were taken for those between properties. */
    const char *set = line->shown + strlen("affinity: ");

    node_take_all(line);
    wish_pin(proxmox->wishes, set,
             number_of(proxmox->root, "sockets", 1) * number_of(proxmox->root, "cores", 1), line);
}

void proxmox_read_shares(Proxmox *proxmox, Node *line)
{
    node_take_all(line);
    draft_left(
        proxmox->wishes->draft, line,
        "shares of the host's CPUs are systemd's: CPUWeight= and CPUQuota= in a drop-in of the guest's unit");
}

/* Hyper-V and the local clock come with Windows (PVE::QemuServer's windows_version). */
void proxmox_read_system(Proxmox *proxmox, Node *line)
{
    const char *type = proxmox_value(line);
    bool windows = g_str_has_prefix(type, "w");

    if (!windows) {
        draft_same(
            proxmox->wishes->draft, line,
            "the system tells Proxmox which clock and CPU flags it needs; usher's defaults are for all");
        return;
    }
    if (!node_at(proxmox->root, "localtime"))
        wish_clock(proxmox->wishes, "localtime", line);
    /* The flags of -cpu go with -cpu: args: has the last word on them. */
    cpu_wish_feature(proxmox->wishes->cpu, "hv-relaxed", "on", line);
    wish_hpet(proxmox->wishes, false, line);
}

void proxmox_read_localtime(Proxmox *proxmox, Node *line)
{
    wish_clock(proxmox->wishes, g_str_equal(proxmox_value(line), "0") ? "utc" : "localtime", line);
}

void proxmox_read_bios(Proxmox *proxmox, Node *line)
{
    draft_set(draft_section(proxmox->wishes->draft, "Firmware"), "Type", line, "%s",
              g_str_equal(proxmox_value(line), "ovmf") ? "uefi" : "bios");
}

void proxmox_read_machine(Proxmox *proxmox, Node *line)
{
    const char *type = node_take(line, "volume") ?: node_take(line, "type") ?: "pc";
    g_autofree char *bare = g_strndup(type, strcspn(type, "+"));

    wish_machine(proxmox->wishes, bare, line);
    if (type[strlen(bare)])
        draft_differs(proxmox->wishes->draft, line, "%s is Proxmox' own revision of the machine",
                      type + strlen(bare));
}

void proxmox_read_smbios(Proxmox *proxmox, Node *line)
{
    bool coded = node_take_if(line, "base64", "1");

    for (unsigned i = 0; i < line->children->len; i++) {
        Node *field = line->children->pdata[i];
        bool decode = coded && !g_str_equal(field->name, "uuid");
        if (field->taken || !field->value)
            continue;
        gsize size = 0;
        g_autofree char *bytes = decode ? (char *)g_base64_decode(field->value, &size) : NULL;
        g_autofree char *text = decode ? g_strndup(bytes, size) : g_strdup(field->value);
        node_take_all(field);
        wish_smbios(proxmox->wishes, 1, field->name, text, line);
    }
}

void proxmox_read_genid(Proxmox *proxmox, Node *line)
{
    wish_genid(proxmox->wishes, proxmox_value(line), line);
}

void proxmox_read_kvm(Proxmox *proxmox, Node *line)
{
    draft_set(draft_section(proxmox->wishes->draft, "CPU"), "Accelerator", line, "%s",
              g_str_equal(proxmox_value(line), "0") ? "tcg" : "kvm");
}
