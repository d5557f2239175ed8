/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "definition.h"
#include "../../base/cleanup.h"
#include "network.h"
#include "share.h"

#include <string.h>

#include "../host/cpu-list.h"
#include "reader.h"
#include "value.h"

bool definition_name_valid(const char *name, size_t max)
{
    if (!g_ascii_islower(name[0]) && !g_ascii_isdigit(name[0]))
        return false;
    for (const char *c = name; *c; c++)
        if (!g_ascii_islower(*c) && !g_ascii_isdigit(*c) && *c != '-')
            return false;
    return strlen(name) <= max;
}

bool guest_name_valid(const char *name)
{
    return definition_name_valid(name, GUEST_NAME_MAX);
}

GPtrArray **definition_array(GuestDefinition *definition, SectionId id)
{
    return (GPtrArray **)((char *)definition + definition_sections[id].array);
}

unsigned definition_vcpus(const DefinitionCpu *cpu)
{
    return cpu->sockets * cpu->dies * cpu->cores * cpu->threads;
}

char *definition_pin(const GuestDefinition *definition, unsigned cpu)
{
    g_autoptr(GArray) list = definition->cpu.pin ? cpu_list_parse(definition->cpu.pin) : NULL;
    unsigned n = definition_vcpus(&definition->cpu);

    if (!list || list->len > n || cpu >= n)
        return g_strdup(definition->cpu.pin);
    if (cpu >= list->len)
        return NULL;
    return g_strdup_printf("%u", g_array_index(list, unsigned, cpu));
}

bool definition_shares_memory(const GuestDefinition *definition)
{
    for (unsigned i = 0; i < definition->shares->len; i++) {
        const DefinitionShare *share = g_ptr_array_index(definition->shares, i);
        if (share->type == SHARE_TYPE_VIRTIOFS)
            return true;
    }
    return false;
}

const char *definition_primary_vga_remark(const GuestDefinition *definition, const DefinitionPci *section)
{
    if (!section->primary_vga || definition->firmware.type != FIRMWARE_UEFI)
        return NULL;
    /* vfio_populate_vga() of QEMU's hw/vfio/pci.c refuses a card without the region; the kernel has it with
     * CONFIG_VFIO_PCI_VGA. */
    return "PrimaryVGA=yes: UEFI firmware shows the guest by the card's own driver and needs no VGA "
           "registers; "
           "QEMU ends at the start if the kernel offers none";
}

const char *definition_name(const GuestDefinition *definition)
{
    return definition->name;
}

const DefinitionCpu *definition_cpu(const GuestDefinition *definition)
{
    return &definition->cpu;
}

const DefinitionLife *definition_life(const GuestDefinition *definition)
{
    return &definition->on;
}

unsigned definition_spare_ports(const GuestDefinition *definition)
{
    return definition->machine.spare_ports;
}

void definition_set_host(GuestDefinition *definition, const char *host_id)
{
    definition->host_id = g_strdup(host_id);
}

void definition_fill_smbios(GuestDefinition *definition, char *(*look)(const char *name))
{
    smbios_fill(&definition->machine.smbios, look);
}

bool definition_tainted(const GuestDefinition *definition)
{
    return definition->qemu.arguments || definition->qemu.overrides;
}

static void structure_free(SectionId id, void *structure)
{
    unsigned n;
    const DefinitionKey *keys = definition_section_keys(id, &n);

    for (unsigned i = 0; i < n; i++)
        value_clear(&keys[i], structure);
    if (definition_sections[id].max > 0) {
        g_free(*(char **)structure);
        g_free(structure);
    }
}

GuestDefinition *definition_ref(const GuestDefinition *definition)
{
    return g_rc_box_acquire((void *)definition);
}

static void clear(void *data)
{
    GuestDefinition *definition = data;

    for (unsigned i = 0; i < definition->networks->len; i++)
        g_free(((DefinitionNetwork *)g_ptr_array_index(definition->networks, i))->link);
    for (int id = 0; id < SECTION_MAX; id++) {
        if (definition_sections[id].max == 0) {
            structure_free(id, definition);
            continue;
        }
        GPtrArray *array = *definition_array(definition, id);
        for (unsigned i = 0; i < array->len; i++)
            structure_free(id, g_ptr_array_index(array, i));
        g_ptr_array_unref(array);
    }
    g_free(definition->name);
    g_free(definition->source);
    g_free(definition->host_id);
}

GuestDefinition *definition_free(GuestDefinition *definition)
{
    if (definition)
        g_rc_box_release_full(definition, clear);
    return NULL;
}
