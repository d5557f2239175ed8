/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "definition.h"
#include "check.h"

#include <string.h>

#include "../host/cpu-list.h"
#include "../host/host.h"
#include "value.h"
#include "kvmfr-device.h"

static int check_required(const ReadSection *section, Fault **ret_fault)
{
    unsigned n;
    const DefinitionKey *keys = definition_section_keys(section->id, &n);

    for (unsigned i = 0; i < n; i++) {
        if (!keys[i].required || section->keys[i].path || !section->place.path)
            continue;
        if (keys[i].unless && section_key_place(section, keys[i].unless))
            continue;
        g_autofree char *title = section_title(section->id, section->name), *range = value_range(&keys[i]);
        g_autofree char *remedy = g_strdup_printf("add %s= with %s", keys[i].name, range);
        return definition_raise(section->place, ret_fault, remedy, "[%s] has no %s=", title, keys[i].name);
    }
    return 0;
}

/* What usher puts where is made for the ports of PCI Express, which the older board (pc, i440fx) has not. */
static int check_machine(const DefinitionReader *reader, Fault **ret_fault)
{
    const char *type = reader->definition->machine.type;

    if (g_str_equal(type, MACHINE_NEWEST) || g_str_has_prefix(type, MACHINE_VERSIONS))
        return 0;
    return definition_raise(
        section_place(reader_section(reader, SECTION_GUEST, NULL), "Machine"), ret_fault,
        "write " MACHINE_NEWEST ", or a version of it such as " MACHINE_VERSIONS "7.2",
        "[Guest] Machine=%s: the guests of usher have a " MACHINE_NEWEST ", a board with PCI Express", type);
}

static int check_board(const DefinitionReader *reader, Fault **ret_fault)
{
    const DefinitionSmbios *smbios = &reader->definition->machine.smbios;
    const char *lone = smbios->board_manufacturer ? "BoardManufacturer"
                       : smbios->board_product    ? "BoardProduct"
                       : smbios->board_version    ? "BoardVersion"
                       : smbios->board_serial     ? "BoardSerial"
                                                  : NULL;

    if (!lone || smbios->board || smbios->host)
        return 0;
    return definition_raise(section_place(reader_section(reader, SECTION_SMBIOS, NULL), lone), ret_fault,
                            "add Board=yes, or remove it", "[SMBIOS] %s= means nothing without Board=yes",
                            lone);
}

static int check_cpu(const DefinitionReader *reader, Fault **ret_fault)
{
    const GuestDefinition *definition = reader->definition;
    const ReadSection *section = reader_section(reader, SECTION_CPU, NULL);
    const DefinitionCpu *cpu = &definition->cpu;
    uint64_t cpus = (uint64_t)cpu->sockets * cpu->dies * cpu->cores * cpu->threads;

    g_autofree char *dies = cpu->dies > 1 ? g_strdup_printf("%u dies × ", cpu->dies) : g_strdup("");
    if (cpus > CPUS_MAX)
        return definition_raise(section->place, ret_fault, "lower Sockets=, Dies=, Cores= or Threads=",
                                "[CPU] asks for %" G_GUINT64_FORMAT
                                " vCPUs (%u sockets × %s%u cores × %u threads), but a guest has %d "
                                "at most",
                                cpus, cpu->sockets, dies, cpu->cores, cpu->threads, CPUS_MAX);
    if (definition->cpu.accelerator == ACCELERATOR_TCG && g_strcmp0(definition->cpu.model, "host") == 0)
        return definition_raise(
            section_place(section, "Model"), ret_fault,
            "write Model=max, or remove Accelerator=tcg if the host has KVM",
            "[CPU] Model=host needs Accelerator=kvm: software cannot imitate the host's CPU");
    if (definition->cpu.idle == CPU_IDLE_GUEST && definition->cpu.accelerator != ACCELERATOR_KVM)
        return definition_raise(
            section_place(section, "Idle"), ret_fault, "remove it, or remove Accelerator=tcg",
            "[CPU] Idle=guest needs Accelerator=kvm: only KVM lets a vCPU sleep by itself");
    const char *tuned = definition->cpu.hyper_v           ? "HyperV"
                        : definition->cpu.hide_hypervisor ? "HideHypervisor"
                                                          : NULL;
    if (tuned && definition->cpu.accelerator != ACCELERATOR_KVM)
        return definition_raise(
            section_place(section, tuned), ret_fault, "remove it, or remove Accelerator=tcg",
            "[CPU] %s=yes needs Accelerator=kvm: the key changes what KVM tells the guest", tuned);
    return 0;
}

static int check_pins(const DefinitionReader *reader, Fault **ret_fault)
{
    const GuestDefinition *definition = reader->definition;
    const ReadSection *section = reader_section(reader, SECTION_CPU, NULL);
    const char *lone = definition->cpu.emulator_pin   ? "EmulatorPin"
                       : definition->cpu.iothread_pin ? "IOThreadPin"
                       : definition->cpu.isolate      ? "Isolate"
                       : definition->cpu.governor     ? "Governor"
                                                      : NULL;

    if (!definition->cpu.pin && lone)
        return definition_raise(section_place(section, lone), ret_fault, "add Pin=, or remove it",
                                "[CPU] %s= means nothing without Pin=", lone);
    return 0;
}

static int check_memory(const DefinitionReader *reader, Fault **ret_fault)
{
    const GuestDefinition *definition = reader->definition;
    const ReadSection *section = reader_section(reader, SECTION_MEMORY, NULL);
    uint64_t page = huge_page_size(definition->memory.huge_pages);

    if (page && definition->memory.size % page != 0)
        return definition_raise(section_place(section, "HugePages"), ret_fault,
                                "choose a Size= that is a multiple of the page size, or smaller pages",
                                "[Memory] Size= is not a multiple of HugePages=%s",
                                definition->memory.huge_pages == HUGE_PAGES_1G ? "1G" : "2M");
    return 0;
}

/* QEMU would leave out what is not said, or end. */
static int check_numa(const DefinitionReader *reader, Fault **ret_fault)
{
    const GuestDefinition *definition = reader->definition;
    const GPtrArray *nodes = definition->memory.numa;
    const ReadSection *section = NULL;
    g_autoptr(GArray) seen = g_array_new(FALSE, FALSE, sizeof(unsigned));
    unsigned vcpus = definition_vcpus(&definition->cpu);
    uint64_t sum = 0, page = huge_page_size(definition->memory.huge_pages);

    for (unsigned i = 0; i < nodes->len; i++) {
        const DefinitionNuma *node = g_ptr_array_index(nodes, i);
        g_autoptr(GArray) cpus = cpu_set_parse(node->cpus ?: ""), common = cpu_set_common(cpus, seen);
        section = reader_section(reader, SECTION_NUMA, node->name);
        sum += node->memory;
        if (page && node->memory % page != 0)
            return definition_raise(section_place(section, "Memory"), ret_fault,
                                    "choose a multiple of the page size, or smaller pages",
                                    "[NUMA %s] Memory= is not a multiple of [Memory] HugePages=", node->name);
        if (common->len > 0 || (cpus->len > 0 && g_array_index(cpus, unsigned, cpus->len - 1) >= vcpus))
            return definition_raise(
                section_place(section, "CPUs"), ret_fault, "give each vCPU to one section",
                common->len > 0 ? "[NUMA %s] has vCPU %u, and so has another section"
                                : "[NUMA %s] has a vCPU beyond those of [CPU], which has %u",
                node->name, common->len > 0 ? g_array_index(common, unsigned, 0) : vcpus);
        GArray *both = cpu_set_join(seen, cpus);
        g_array_unref(seen);
        seen = both;
    }
    if (section && seen->len != vcpus)
        return definition_raise(section->place, ret_fault, "name the others in CPUs= of some [NUMA] section",
                                "the [NUMA] sections have %u of the guest's %u vCPUs", seen->len, vcpus);
    if (section && sum != definition->memory.size) {
        g_autofree char *all = host_size_words(definition->memory.size), *said = host_size_words(sum);
        return definition_raise(section->place, ret_fault, "make them equal",
                                "Memory= of the [NUMA] sections makes %s together, and [Memory] Size= is %s",
                                said, all);
    }
    return 0;
}

static int check_firmware(const DefinitionReader *reader, Fault **ret_fault)
{
    const GuestDefinition *definition = reader->definition;
    const ReadSection *section = reader_section(reader, SECTION_FIRMWARE, NULL);

    if (definition->firmware.secure_boot && definition->firmware.type != FIRMWARE_UEFI)
        return definition_raise(section_place(section, "SecureBoot"), ret_fault,
                                "add Type=uefi, or remove it",
                                "[Firmware] SecureBoot=yes: a BIOS has no secure boot");
    if (definition->firmware.mmio64 > 0 && definition->firmware.type != FIRMWARE_UEFI)
        return definition_raise(section_place(section, "MMIO64"), ret_fault, "add Type=uefi, or remove it",
                                "[Firmware] MMIO64= is for UEFI firmware: a BIOS makes room as it is needed");
    if (definition->firmware.code && definition->firmware.type != FIRMWARE_UEFI)
        return definition_raise(section_place(section, "Code"), ret_fault, "add Type=uefi, or remove it",
                                "[Firmware] Code= is for UEFI firmware");
    if (definition->firmware.variables && !definition->firmware.code)
        return definition_raise(section_place(section, "Variables"), ret_fault,
                                "add Code=, or remove Variables=", "[Firmware] Variables= needs Code=");
    if (definition->firmware.keys == FIRMWARE_KEYS_NONE && !definition->firmware.secure_boot)
        return definition_raise(section_place(section, "Keys"), ret_fault,
                                "add SecureBoot=yes, or remove Keys=",
                                "[Firmware] Keys=none: without secure boot there are no keys");
    return 0;
}

static int check_looking_glass(const DefinitionReader *reader, Fault **ret_fault)
{
    const GuestDefinition *definition = reader->definition;
    const ReadSection *section = reader_section(reader, SECTION_LOOKING_GLASS, NULL);
    uint64_t size = definition->looking_glass.size;

    /* It is a PCI region. */
    if (size & (size - 1) && size > 0)
        return definition_raise(section_place(section, "Size"), ret_fault, "choose 32M, 64M, 128M or 256M",
                                "[LookingGlass] Size= is not a power of two");
    if (definition->looking_glass.device && !kvmfr_device_valid(definition->looking_glass.device))
        return definition_raise(
            section_place(section, "Device"), ret_fault, "name one that exists: ls /dev/kvmfr*",
            "[LookingGlass] Device=%s is not a device of kvmfr", definition->looking_glass.device);
    if (definition->looking_glass.device && definition->looking_glass.owner)
        return definition_raise(section_place(section, "Owner"), ret_fault,
                                "remove it: a udev rule says which user may open the device",
                                "[LookingGlass] Owner= means nothing with Device=");
    if (size == 0 && definition->looking_glass.owner)
        return definition_raise(section_place(section, "Owner"), ret_fault, "add Size=, or remove it",
                                "[LookingGlass] Owner= means nothing without Size=");
    return 0;
}

/* QEMU 7.2 puts an initrd where SeaBIOS then has the ACPI tables, which a TPM's log makes longer: the guest
 * finds the tables broken (x86_load_linux() and acpi_data_size in hw/i386). */
static int check_tpm(const DefinitionReader *reader, Fault **ret_fault)
{
    const GuestDefinition *definition = reader->definition;

    if (definition->tpm == TPM_VERSION_NONE || !definition->kernel.initrd ||
        definition->firmware.type == FIRMWARE_UEFI)
        return 0;
    return definition_raise(section_place(reader_section(reader, SECTION_TPM, NULL), "Version"), ret_fault,
                            "add Type=uefi to [Firmware]", "[TPM] with [Kernel] Initrd= needs UEFI firmware");
}

static int check_kernel(const DefinitionReader *reader, Fault **ret_fault)
{
    const GuestDefinition *definition = reader->definition;
    const ReadSection *section = reader_section(reader, SECTION_KERNEL, NULL);
    const char *lone = definition->kernel.initrd         ? "Initrd"
                       : definition->kernel.command_line ? "CommandLine"
                                                         : NULL;

    if (lone && !definition->kernel.image)
        return definition_raise(section_place(section, lone), ret_fault, "add Image=, or remove it",
                                "[Kernel] %s= means nothing without Image=", lone);
    return 0;
}

/* A mediated device has none of these: it is no function of a card, but what a card's driver made. The card
 * has an address, which is of no use unless something is to be made of the card. */
static int check_mediated(const ReadSection *section, Fault **ret_fault)
{
    static const char *const unfit[] = {"Address",    "Fingerprint", "Functions", "VirtualFunctions",
                                        "Group",      "Driver",      "Backend",   "ResetBefore",
                                        "ResetAfter", "PrimaryVGA",  "BarSize",   NULL};
    const DefinitionPci *pci = section->structure;
    const char *key = pci->mediated_type ? "MediatedType" : "MediatedDevice";

    if (pci->mediated_type && !section_key_place(section, "Address"))
        return definition_raise(section_place(section, key), ret_fault,
                                "add Address= with the device whose driver offers the type",
                                "[PCI %s] MediatedType= needs an Address=", section->name);
    for (const char *const *name = pci->mediated_type ? unfit + 2 : unfit; *name; name++)
        if (section_key_place(section, *name))
            return definition_raise(section_place(section, *name), ret_fault, "remove one of them",
                                    "[PCI %s] %s= does not go with %s=", section->name, *name, key);
    return 0;
}

static int check_pci(const DefinitionReader *reader, const ReadSection *section, Fault **ret_fault)
{
    const DefinitionPci *pci = section->structure;

    if (definition_mediates(pci)) {
        int r = check_mediated(section, ret_fault);
        if (r != 0)
            return r;
    }
    int r = definition_check_vgpu_screen(reader, section, ret_fault);
    if (r != 0)
        return r;
    if (pci->primary_vga && display_has_card(&reader->definition->display))
        return definition_raise(section_place(section, "PrimaryVGA"), ret_fault,
                                "remove it while you need the emulated screen, or remove [Display] Type=",
                                "[PCI %s] PrimaryVGA=yes: the screen of [Display] is the VGA display already",
                                pci->name);
    if (pci->bar_size & (pci->bar_size - 1))
        return definition_raise(section_place(section, "BarSize"), ret_fault,
                                "choose one such as 256M, 8G or 16G",
                                "[PCI %s] BarSize= is not a power of two", pci->name);
    if (pci->rom && !pci->rom_bar)
        return definition_raise(section_place(section, "ROMBar"), ret_fault, "remove one of them",
                                "[PCI %s] has a ROM=, which ROMBar=no keeps from the guest", pci->name);
    if (pci->virtual_functions > 0 && pci->functions != 0)
        return definition_raise(section_place(section, "VirtualFunctions"), ret_fault, "remove one of them",
                                "[PCI %s] Functions= lends the device itself, and VirtualFunctions= lends "
                                "its virtual functions instead",
                                pci->name);
    if (pci->functions == 0 || pci->functions & (1 << pci->address.function))
        return 0;
    return definition_raise(
        section_place(section, "Functions"), ret_fault, "add the function to Functions=, or correct Address=",
        "[PCI %s] Functions= leaves out function %u, which Address= names", pci->name, pci->address.function);
}

/* QEMU has the legacy mode of Intel's graphics on its older board alone (docs/igd-assign.txt). */
static int check_legacy_graphics(const DefinitionReader *reader, Fault **ret_fault)
{
    static const char *const words[] = {".x-igd-legacy-mode=on", ",x-igd-legacy-mode=on",
                                        "\"x-igd-legacy-mode\":\"on\""};
    const GPtrArray *lists[] = {reader->definition->qemu.overrides, reader->definition->qemu.arguments};
    static const char *const keys[] = {"Set", "Arguments"};

    for (unsigned i = 0; i < G_N_ELEMENTS(lists); i++)
        for (unsigned j = 0; lists[i] && j < lists[i]->len; j++)
            for (unsigned k = 0; k < G_N_ELEMENTS(words); k++)
                if (strstr(g_ptr_array_index(lists[i], j), words[k]))
                    return definition_raise(
                        section_place(reader_section(reader, SECTION_QEMU, NULL), keys[i]), ret_fault,
                        "remove it: Intel's graphics get their place at 00:02.0 and their OpRegion without "
                        "it",
                        "[QEMU] %s= asks for legacy mode of Intel's graphics, which takes the older board "
                        "(i440fx); usher's guests have " MACHINE_NEWEST,
                        keys[i]);
    return 0;
}

/* Firmware needs an order: QEMU takes no number twice. */
static int check_boot_indexes(const DefinitionReader *reader, Fault **ret_fault)
{
    const ReadSection *owners[100] = {};

    for (unsigned i = 0; i < reader->sections->len; i++) {
        const ReadSection *section = g_ptr_array_index(reader->sections, i);
        const DefinitionKey *key = definition_key_find(section->id, "BootIndex");
        unsigned index = key ? *(unsigned *)((char *)section->structure + key->offset) : 0;

        if (index > 0 && owners[index]) {
            g_autofree char *title = section_title(section->id, section->name),
                            *other = section_title(owners[index]->id, owners[index]->name);
            return definition_raise(section_place(section, "BootIndex"), ret_fault,
                                    "change or remove one of them", "[%s] has the same BootIndex= as [%s]",
                                    title, other);
        }
        g_assert(index < G_N_ELEMENTS(owners));
        owners[index] = section;
    }
    return 0;
}

static int check_share(const DefinitionReader *reader, const ReadSection *section, Fault **ret_fault)
{
    const DefinitionShare *share = section->structure;

    for (unsigned i = 0; i < reader->definition->shares->len; i++) {
        const DefinitionShare *other = g_ptr_array_index(reader->definition->shares, i);

        if (other == share)
            break;
        if (g_str_equal(other->tag ?: other->name, share->tag ?: share->name))
            return definition_raise(section_place(section, "Tag"), ret_fault, "give one of them another Tag=",
                                    "[Share %s] has the same tag as [Share %s]", share->name, other->name);
    }
    return 0;
}

int definition_check(const DefinitionReader *reader, Fault **ret_fault)
{
    int r = 0;

    for (unsigned i = 0; r == 0 && i < reader->sections->len; i++)
        r = check_required(g_ptr_array_index(reader->sections, i), ret_fault);
    if (r == 0)
        r = check_machine(reader, ret_fault);
    if (r == 0)
        r = check_board(reader, ret_fault);
    if (r == 0)
        r = check_firmware(reader, ret_fault);
    if (r == 0)
        r = check_cpu(reader, ret_fault);
    if (r == 0)
        r = check_pins(reader, ret_fault);
    if (r == 0)
        r = check_memory(reader, ret_fault);
    if (r == 0)
        r = check_numa(reader, ret_fault);
    if (r == 0)
        r = check_looking_glass(reader, ret_fault);
    if (r == 0)
        r = definition_check_display(reader, ret_fault);
    if (r == 0)
        r = definition_check_sound(reader, ret_fault);
    if (r == 0)
        r = check_kernel(reader, ret_fault);
    if (r == 0)
        r = check_tpm(reader, ret_fault);
    for (unsigned i = 0; r == 0 && i < reader->sections->len; i++) {
        const ReadSection *section = g_ptr_array_index(reader->sections, i);

        if (section->id == SECTION_PCI)
            r = check_pci(reader, section, ret_fault);
        else if (section->id == SECTION_DISK)
            r = definition_check_disk(reader, section, ret_fault);
        else if (section->id == SECTION_CDROM)
            r = definition_check_cdrom(reader, section, ret_fault);
        else if (section->id == SECTION_SHARE)
            r = check_share(reader, section, ret_fault);
        else if (section->id == SECTION_NETWORK)
            r = definition_check_network(reader, section, ret_fault);
        else if (section->id == SECTION_INPUT)
            r = definition_check_input(reader, section, ret_fault);
        else if (section->id == SECTION_USB)
            r = definition_check_usb(reader, section, ret_fault);
    }
    if (r == 0)
        r = definition_check_forwards(reader, ret_fault);
    if (r == 0)
        r = check_boot_indexes(reader, ret_fault);
    if (r == 0)
        r = check_legacy_graphics(reader, ret_fault);
    return r;
}
