/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "../../base/remedy.h"
#include "../../core/definition/definition.h"
#include "../../core/host/card.h"
#include "../../core/host/cpu-list.h"
#include "check.h"

/* What QEMU gives a CPU that is told nothing else (TCG_PHYS_ADDR_BITS of its target/i386/cpu.h). */
#define USUAL_BITS 40

/* Pages that the start would make are reported as well: making them may fail if memory is in pieces. */
static void check_pages(GPtrArray *findings, const Host *host, const GuestDefinition *definition)
{
    HugePages size = definition->memory.huge_pages;
    const char *words = size == HUGE_PAGES_1G ? "1G" : "2M";
    uint64_t free = 0;
    bool there = false;

    if (size == HUGE_PAGES_NO)
        return;
    uint64_t wanted = definition->memory.size / huge_page_size(size);
    g_autofree char *set = g_strdup_printf("hugepagesz=%s hugepages=%" G_GUINT64_FORMAT, words, wanted);
    g_autofree char *boot = remedy_boot_with(set);
    g_autofree char *remedy = g_strconcat("to reserve pages for certain: ", boot, NULL);
    for (unsigned i = 0; i < host->nodes->len; i++) {
        const HostNode *node = &g_array_index(host->nodes, HostNode, i);
        if (definition->memory.node > 0 && (int)node->number != definition->memory.node - 1)
            continue;
        there |= node->pages[size].there;
        free = MAX(free, node->pages[size].free);
    }
    if (!there)
        finding_add(findings, "huge-pages", FINDING_WARNING, "choose another size, or HugePages=no",
                    "guest %s wants huge pages of %s, which this host does not have", definition->name,
                    words);
    else if (free < wanted)
        finding_add(findings, "huge-pages", FINDING_NOTE, remedy,
                    "guest %s wants %" G_GUINT64_FORMAT " huge pages of %s, and %" G_GUINT64_FORMAT
                    " are free: the others are made when it starts, if memory is not fragmented then",
                    definition->name, wanted, words, free);
    else
        finding_add(findings, "huge-pages", FINDING_OK, NULL,
                    "guest %s wants %" G_GUINT64_FORMAT " huge pages of %s, and they are free",
                    definition->name, wanted, words);
}

/* The first of the guest's host CPUs that is not at full speed. */
static const HostCpu *find_slow(const Host *host, const GArray *pins)
{
    for (unsigned i = 0; i < host->cpus->len; i++) {
        const HostCpu *cpu = g_ptr_array_index(host->cpus, i);
        if (cpu->governor && !g_str_equal(cpu->governor, "performance") && cpu_set_has(pins, cpu->number))
            return cpu;
    }
    return NULL;
}

static void check_speed(GPtrArray *findings, const Host *host, const GuestDefinition *definition)
{
    g_autoptr(GArray) pins = definition->cpu.pin ? cpu_list_parse(definition->cpu.pin) : NULL;
    const HostCpu *slow = pins && !definition->cpu.governor ? find_slow(host, pins) : NULL;

    if (slow)
        finding_add(findings, "governor", FINDING_NOTE, "if it stutters: Governor=performance in its [CPU]",
                    "guest %s has host CPUs of its own, and %s lowers their speed (CPU %u)", definition->name,
                    slow->governor, slow->number);
}

static void check_primary_vga(GPtrArray *findings, const GuestDefinition *definition)
{
    for (unsigned i = 0; i < definition->pci->len; i++) {
        const DefinitionPci *pci = g_ptr_array_index(definition->pci, i);
        const char *remark = definition_primary_vga_remark(definition, pci);
        if (remark)
            finding_add(findings, "primary-vga", FINDING_WARNING, "remove PrimaryVGA= from its section",
                        "guest %s: [PCI %s] %s", definition->name, pci->name, remark);
    }
}

/* A device that has a section of its own, or shares one. */
static bool has_section(const GuestDefinition *definition, PciAddress address)
{
    for (unsigned i = 0; i < definition->pci->len; i++) {
        const DefinitionPci *pci = g_ptr_array_index(definition->pci, i);
        if (pci_address_same_slot(pci->address, address))
            return true;
    }
    return false;
}

/* The sound of a card can be in another slot than the card. */
static void check_cards(GPtrArray *findings, const Host *host, const GuestDefinition *definition)
{
    for (unsigned i = 0; i < definition->pci->len; i++) {
        const DefinitionPci *pci = g_ptr_array_index(definition->pci, i);
        const HostDevice *device = definition_mediates(pci) ? NULL : host_find(host, pci->address);
        g_autoptr(GPtrArray) others = device ? host_card_elsewhere(host, device) : g_ptr_array_new();
        for (unsigned j = 0; j < others->len; j++) {
            PciAddress other = ((const HostDevice *)g_ptr_array_index(others, j))->address;
            if (!has_section(definition, other))
                finding_add(findings, "card", FINDING_NOTE, "give it a [PCI] section, too",
                            "guest %s: %s is a part of the same card as %s, behind the card's own switch, "
                            "and stays with the host",
                            definition->name, PCI_ADDRESS_STR(other), PCI_ADDRESS_STR(device->address));
        }
    }
}

void check_guest(GPtrArray *findings, const Host *host, const GuestDefinition *definition)
{
    check_pages(findings, host, definition);
    check_speed(findings, host, definition);
    check_primary_vga(findings, definition);
    check_cards(findings, host, definition);
}

/* The number that [CPU] Features= gives the property; 0: none. */
static unsigned feature(const DefinitionCpu *cpu, const char *name)
{
    g_auto(GStrv) features = g_strsplit(cpu->features ?: "", ",", -1);
    unsigned bits = 0;

    for (char **one = features; *one; one++)
        if (g_str_has_prefix(*one, name) && (*one)[strlen(name)] == '=')
            bits = strtoul(*one + strlen(name) + 1, NULL, 10);
    return bits;
}

/* As x86_cpu_realizefn() of QEMU's target/i386 has it: the models host and max have the host's bits, up to a
 * limit. 0: unknown. */
static unsigned guest_bits(const DefinitionCpu *cpu, unsigned host)
{
    unsigned bits = feature(cpu, "phys-bits"), limit = feature(cpu, "host-phys-bits-limit");

    if (bits > 0)
        return bits;
    if (!g_str_equal(cpu->model, "host") && !g_str_equal(cpu->model, "max"))
        return USUAL_BITS;
    return limit > 0 && host > 0 ? MIN(limit, host) : host;
}

/* Memory that the guest's devices are to have besides its own; 0: the firmware chooses. */
static bool room_fits(const GuestDefinition *definition, unsigned bits)
{
    uint64_t wanted = definition->memory.size + definition->firmware.mmio64;

    return bits == 0 || bits >= 64 || definition->firmware.mmio64 == 0 || wanted <= UINT64_C(1) << bits;
}

static bool has_cards(const GuestDefinition *definition)
{
    for (unsigned i = 0; i < definition->pci->len; i++)
        if (!definition_mediates(g_ptr_array_index(definition->pci, i)))
            return true;
    return false;
}

void check_widths(GPtrArray *findings, const HostWidths *widths, const GuestDefinition *definition)
{
    unsigned bits = guest_bits(&definition->cpu, widths->cpu);
    g_autofree char *limit =
        g_strdup_printf("add Features=host-phys-bits-limit=%u to its [CPU]", widths->iommu ?: USUAL_BITS);

    if (widths->cpu > 0 && bits > widths->cpu && definition->cpu.accelerator == ACCELERATOR_KVM)
        finding_add(
            findings, "address-width", FINDING_WARNING, "lower phys-bits in its [CPU] Features=",
            "guest %s has physical addresses of %u bits, and this host's CPU has %u: the guest cannot "
            "use those beyond",
            definition->name, bits, widths->cpu);
    else if (widths->iommu > 0 && bits > widths->iommu && has_cards(definition))
        finding_add(findings, "address-width", FINDING_WARNING, limit,
                    "guest %s has physical addresses of %u bits, and this host's IOMMU reaches %u: what "
                    "firmware places beyond, such as large BARs, devices cannot reach",
                    definition->name, bits, widths->iommu);
    else if (!room_fits(definition, bits))
        finding_add(
            findings, "address-width", FINDING_WARNING, "lower MMIO64=",
            "guest %s has physical addresses of %u bits, too few for its memory and [Firmware] MMIO64=",
            definition->name, bits);
}
