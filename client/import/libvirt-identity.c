/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* <sysinfo>, and <smbios> of <os>: what the guest's firmware says of its machine. */
#include "board-wish.h"
#include "libvirt-private.h"

/* <entry name='vendor'>…</entry> */
static void read_entries(Libvirt *libvirt, Node *block, unsigned type)
{
    for (unsigned i = 0; i < block->children->len; i++) {
        Node *entry = block->children->pdata[i];
        const char *name = node_take(entry, "@name");
        entry->taken = true;
        if (name && entry->value)
            wish_smbios(libvirt->wishes, type, name, entry->value, entry);
    }
}

static void read_firmware_config(Libvirt *libvirt, Node *element)
{
    for (unsigned i = 0; i < element->children->len; i++) {
        Node *entry = element->children->pdata[i];
        const char *name = node_take(entry, "@name"), *file = node_take(entry, "@file");
        if (!name)
            continue;
        g_autofree char *word = file ? g_strdup_printf("name=%s,file=%s", name, file)
                                     : g_strdup_printf("name=%s,string=%s", name, entry->value ?: "");
        g_autofree char *quoted = g_shell_quote(word), *words = g_strdup_printf("-fw_cfg %s", quoted);
        entry->taken = true;
        wish_argument(libvirt->wishes, entry, words);
    }
}

void libvirt_read_sysinfo(Libvirt *libvirt, Node *element)
{
    static const struct {
        const char *name;
        unsigned type;
    } blocks[] = {{"bios", 0}, {"system", 1}, {"baseBoard", 2}, {"chassis", 3}};

    if (g_strcmp0(node_take(element, "@type"), "fwcfg") == 0) {
        read_firmware_config(libvirt, element);
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(blocks); i++) {
        Node *block = node_at(element, blocks[i].name);
        if (block)
            read_entries(libvirt, block, blocks[i].type);
    }
}

/* What the host's firmware says of its machine. */
void libvirt_read_host_smbios(Libvirt *libvirt, Node *smbios)
{
    draft_set(draft_section(libvirt->wishes->draft, "SMBIOS"), "Host", smbios, "yes");
}
