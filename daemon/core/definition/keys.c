/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keys.h"

#include "../host/vfio-driver.h"
#include "definition.h"
#include "key-words.h"
#include "nearest-word.h"

#define HELD_BY(type) .array = offsetof(GuestDefinition, type)
#define FIELD(type, member) .offset = offsetof(type, member), .width = sizeof(((type *)NULL)->member)
#define GUEST(member) FIELD(GuestDefinition, member)
#define PCI(member) FIELD(DefinitionPci, member)
#define DISK(member) FIELD(DefinitionDisk, member)
#define CDROM(member) FIELD(DefinitionCdrom, member)
#define NETWORK(member) FIELD(DefinitionNetwork, member)
#define INPUT(member) FIELD(DefinitionInput, member)
#define USB(member) FIELD(DefinitionUsb, member)
#define NUMA(member) FIELD(DefinitionNuma, member)
#define SHARE(member) FIELD(DefinitionShare, member)

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define TIB (UINT64_C(1) << 40)
#define DAY_USEC (UINT64_C(24) * 60 * 60 * 1000000)

/* As many as the root ports that the guest's root bus keeps for them: see qemu/builder.h. */
#define PCI_SECTIONS_MAX 32
#define SPARE_PORTS_MAX 16
#define DISK_SECTIONS_MAX 32
#define CDROM_SECTIONS_MAX 8
#define NETWORK_SECTIONS_MAX 16
#define INPUT_SECTIONS_MAX 16
/* More than the largest hosts have of sockets. */
#define NUMA_SECTIONS_MAX 16
#define SHARE_SECTIONS_MAX 16
#define USB_SECTIONS_MAX (USB_PORTS - USB_FIRST_PORT + 1)
/* As many as libvirt's tools offer at most; each takes a port of the controller. */
#define USB_REDIRECT_MAX 8
/* People write a chain of images by hand; a forward takes a listening socket of the host. */
#define BACKING_MAX 32
#define FORWARDS_MAX 256
#define ARGUMENTS_MAX 256
#define OVERRIDES_MAX 256
/* A USB string has at most 126 characters. */
#define USB_SERIAL_BYTES 126

/* Longer texts are allowed from SMBIOS 2.7 on, and not every system reads them (6.1.3 of that
 * specification). */
#define SMBIOS_BYTES 64

/* Devices without a number come after all of these: see qemu/disk.c. */
#define BOOT_INDEX_MAX 99
/* The longest serial number that virtio-blk, NVMe and SATA let a guest read. */
#define SERIAL_BYTES 20

/* Linux reads at most COMMAND_LINE_SIZE - 1 bytes of it on x86 (Documentation/x86/boot.rst). */
#define COMMAND_LINE_BYTES 2047

const DefinitionSection definition_sections[SECTION_MAX] = {
    [SECTION_GUEST] = {"Guest"},
    [SECTION_FIRMWARE] = {"Firmware"},
    [SECTION_TPM] = {"TPM"},
    [SECTION_CPU] = {"CPU"},
    [SECTION_MEMORY] = {"Memory"},
    [SECTION_NUMA] = {"NUMA", NUMA_SECTIONS_MAX, HELD_BY(memory.numa), sizeof(DefinitionNuma)},
    [SECTION_CLOCK] = {"Clock"},
    [SECTION_SMBIOS] = {"SMBIOS"},
    [SECTION_KERNEL] = {"Kernel"},
    [SECTION_PCI] = {"PCI", PCI_SECTIONS_MAX, HELD_BY(pci), sizeof(DefinitionPci)},
    [SECTION_DISK] = {"Disk", DISK_SECTIONS_MAX, HELD_BY(disks), sizeof(DefinitionDisk)},
    [SECTION_CDROM] = {"CDROM", CDROM_SECTIONS_MAX, HELD_BY(cdroms), sizeof(DefinitionCdrom)},
    [SECTION_NETWORK] = {"Network", NETWORK_SECTIONS_MAX, HELD_BY(networks), sizeof(DefinitionNetwork)},
    [SECTION_INPUT] = {"Input", INPUT_SECTIONS_MAX, HELD_BY(inputs), sizeof(DefinitionInput)},
    [SECTION_USB] = {"USB", USB_SECTIONS_MAX, HELD_BY(usbs), sizeof(DefinitionUsb)},
    [SECTION_DISPLAY] = {"Display"},
    [SECTION_SOUND] = {"Sound"},
    [SECTION_LOOKING_GLASS] = {"LookingGlass"},
    [SECTION_SHARE] = {"Share", SHARE_SECTIONS_MAX, HELD_BY(shares), sizeof(DefinitionShare)},
    [SECTION_CONSOLE] = {"Console"},
    [SECTION_AGENT] = {"Agent"},
    [SECTION_WATCHDOG] = {"Watchdog"},
    [SECTION_QEMU] = {"QEMU"},
    [SECTION_STOP] = {"Stop"},
};

/* clang-format off */
static const DefinitionKey keys[] = {
    {SECTION_GUEST, "Description", VALUE_TEXT, GUEST(description), .max = 256,
     .otherwise = "the guest's name"},
    {SECTION_GUEST, "OnHostSleep", VALUE_CHOICE, GUEST(on.host_sleep), .words = words_host_sleeps, .fallback = "auto"},
    {SECTION_GUEST, "OnHostShutdown", VALUE_CHOICE, GUEST(on.host_shutdown), .words = words_host_shutdowns, .fallback = "shutdown"},
    {SECTION_GUEST, "OnReboot", VALUE_CHOICE, GUEST(on.reboot), .words = words_reboots, .fallback = "reset"},
    {SECTION_GUEST, "OnPowerOff", VALUE_SWITCH, GUEST(on.power_off_restarts), .words = words_power_offs, .fallback = "stop"},
    {SECTION_GUEST, "OnCrash", VALUE_SWITCH, GUEST(on.crash_restarts), .words = words_crashes, .fallback = "fail"},
    {SECTION_GUEST, "OnPanic", VALUE_CHOICE, GUEST(on.panic), .words = words_panic_actions, .fallback = "auto"},
    {SECTION_GUEST, "UUID", VALUE_UUID, GUEST(machine.uuid), .otherwise = "made from the guest's name and the host's machine-id"},
    {SECTION_GUEST, "GenerationID", VALUE_UUID, GUEST(machine.generation), .otherwise = "none"},
    {SECTION_GUEST, "Machine", VALUE_WORD, GUEST(machine.type), .max = 64, .fallback = MACHINE_NEWEST},
    {SECTION_GUEST, "Suspend", VALUE_CHOICE, GUEST(machine.suspend), .words = words_auto_switches, .fallback = "auto"},
    {SECTION_GUEST, "RNG", VALUE_CHOICE, GUEST(machine.rng), .words = words_auto_switches, .fallback = "auto"},
    {SECTION_GUEST, "HotPlug", VALUE_SWITCH, GUEST(machine.native_hot_plug), .words = words_hot_plugs, .fallback = "acpi"},
    {SECTION_GUEST, "ACPITable", VALUE_PATHS, GUEST(machine.acpi_tables), .repeat = true, .most = 8},
    {SECTION_GUEST, "AppleSMC", VALUE_TEXT, GUEST(machine.apple_smc), .max = 64, .otherwise = "none"},
    {SECTION_GUEST, "SparePorts", VALUE_NUMBER, GUEST(machine.spare_ports), .min = 0, .max = SPARE_PORTS_MAX, .fallback = "4"},

    {SECTION_FIRMWARE, "Type", VALUE_CHOICE, GUEST(firmware.type), .words = words_firmware_types, .fallback = "bios"},
    {SECTION_FIRMWARE, "SecureBoot", VALUE_SWITCH, GUEST(firmware.secure_boot), .fallback = "no"},
    {SECTION_FIRMWARE, "Keys", VALUE_CHOICE, GUEST(firmware.keys), .words = words_firmware_keys, .fallback = "enrolled"},
    {SECTION_FIRMWARE, "BootMenu", VALUE_SWITCH, GUEST(firmware.menu), .fallback = "no"},
    {SECTION_FIRMWARE, "MMIO64", VALUE_SIZE, GUEST(firmware.mmio64), .min = GIB, .max = 16 * TIB, .step = GIB,
     .otherwise = "the firmware's choice"},
    {SECTION_FIRMWARE, "Code", VALUE_PATH, GUEST(firmware.code), .otherwise = "is chosen from those that the host's distribution describes"},
    {SECTION_FIRMWARE, "Variables", VALUE_PATH, GUEST(firmware.variables), .otherwise = "comes with the firmware; with Code= there are none"},

    {SECTION_TPM, "Version", VALUE_CHOICE, GUEST(tpm), .words = words_tpm_versions, .fallback = "none"},

    {SECTION_CPU, "Accelerator", VALUE_CHOICE, GUEST(cpu.accelerator), .words = words_accelerators, .fallback = "kvm"},
    {SECTION_CPU, "Model", VALUE_WORD, GUEST(cpu.model), .max = 64,
     .otherwise = "host with Accelerator=kvm, max with tcg"},
    {SECTION_CPU, "Sockets", VALUE_NUMBER, GUEST(cpu.sockets), .min = 1, .max = 255, .fallback = "1"},
    {SECTION_CPU, "Dies", VALUE_NUMBER, GUEST(cpu.dies), .min = 1, .max = 255, .fallback = "1"},
    {SECTION_CPU, "Cores", VALUE_NUMBER, GUEST(cpu.cores), .min = 1, .max = 255, .fallback = "2"},
    {SECTION_CPU, "Threads", VALUE_NUMBER, GUEST(cpu.threads), .min = 1, .max = 255, .fallback = "1"},
    {SECTION_CPU, "Features", VALUE_FEATURES, GUEST(cpu.features), .max = 512},
    {SECTION_CPU, "Pin", VALUE_CPUS, GUEST(cpu.pin), .otherwise = "any of the host's"},
    {SECTION_CPU, "EmulatorPin", VALUE_CPUS, GUEST(cpu.emulator_pin), .otherwise = "any of the host's"},
    {SECTION_CPU, "IOThreadPin", VALUE_CPUS, GUEST(cpu.iothread_pin), .otherwise = "those of EmulatorPin="},
    {SECTION_CPU, "Isolate", VALUE_SWITCH, GUEST(cpu.isolate), .fallback = "no"},
    {SECTION_CPU, "Governor", VALUE_WORD, GUEST(cpu.governor), .max = 32, .otherwise = "the host's choice"},
    {SECTION_CPU, "Idle", VALUE_CHOICE, GUEST(cpu.idle), .words = words_idles, .fallback = "host"},
    {SECTION_CPU, "HideHypervisor", VALUE_SWITCH, GUEST(cpu.hide_hypervisor), .fallback = "no"},
    {SECTION_CPU, "HyperV", VALUE_SWITCH, GUEST(cpu.hyper_v), .fallback = "no"},

    {SECTION_MEMORY, "Size", VALUE_SIZE, GUEST(memory.size), .min = MIB, .max = 16 * TIB, .step = MIB, .fallback = "2G"},
    {SECTION_MEMORY, "HugePages", VALUE_CHOICE, GUEST(memory.huge_pages), .words = words_huge_pages, .fallback = "no"},
    {SECTION_MEMORY, "Node", VALUE_CHOICE, GUEST(memory.node), .words = words_nodes, .fallback = "auto"},

    {SECTION_NUMA, "Memory", VALUE_SIZE, NUMA(memory), .min = MIB, .max = 16 * TIB, .step = MIB, .required = true},
    {SECTION_NUMA, "CPUs", VALUE_CPUS, NUMA(cpus), .otherwise = "none"},
    {SECTION_NUMA, "Node", VALUE_CHOICE, NUMA(node), .words = words_nodes, .fallback = "auto"},

    {SECTION_CLOCK, "Base", VALUE_CLOCK, GUEST(machine.clock.base), .max = 64, .fallback = CLOCK_UTC},
    {SECTION_CLOCK, "HPET", VALUE_CHOICE, GUEST(machine.clock.hpet), .words = words_auto_switches, .fallback = "auto"},

    {SECTION_SMBIOS, "Host", VALUE_SWITCH, GUEST(machine.smbios.host), .fallback = "no"},
    {SECTION_SMBIOS, "BIOSVendor", VALUE_TEXT, GUEST(machine.smbios.bios_vendor), .max = SMBIOS_BYTES, .otherwise = "QEMU's"},
    {SECTION_SMBIOS, "BIOSVersion", VALUE_TEXT, GUEST(machine.smbios.bios_version), .max = SMBIOS_BYTES, .otherwise = "QEMU's"},
    {SECTION_SMBIOS, "BIOSDate", VALUE_TEXT, GUEST(machine.smbios.bios_date), .max = SMBIOS_BYTES, .otherwise = "QEMU's"},
    {SECTION_SMBIOS, "Manufacturer", VALUE_TEXT, GUEST(machine.smbios.manufacturer), .max = SMBIOS_BYTES, .otherwise = "QEMU's"},
    {SECTION_SMBIOS, "Product", VALUE_TEXT, GUEST(machine.smbios.product), .max = SMBIOS_BYTES, .otherwise = "QEMU's"},
    {SECTION_SMBIOS, "Version", VALUE_TEXT, GUEST(machine.smbios.version), .max = SMBIOS_BYTES, .otherwise = "QEMU's"},
    {SECTION_SMBIOS, "Serial", VALUE_TEXT, GUEST(machine.smbios.serial), .max = SMBIOS_BYTES, .otherwise = "QEMU's"},
    {SECTION_SMBIOS, "SKU", VALUE_TEXT, GUEST(machine.smbios.sku), .max = SMBIOS_BYTES, .otherwise = "QEMU's"},
    {SECTION_SMBIOS, "Family", VALUE_TEXT, GUEST(machine.smbios.family), .max = SMBIOS_BYTES, .otherwise = "QEMU's"},
    {SECTION_SMBIOS, "Board", VALUE_SWITCH, GUEST(machine.smbios.board), .fallback = "no"},
    {SECTION_SMBIOS, "BoardManufacturer", VALUE_TEXT, GUEST(machine.smbios.board_manufacturer), .max = SMBIOS_BYTES, .otherwise = "QEMU's"},
    {SECTION_SMBIOS, "BoardProduct", VALUE_TEXT, GUEST(machine.smbios.board_product), .max = SMBIOS_BYTES, .otherwise = "QEMU's"},
    {SECTION_SMBIOS, "BoardVersion", VALUE_TEXT, GUEST(machine.smbios.board_version), .max = SMBIOS_BYTES, .otherwise = "QEMU's"},
    {SECTION_SMBIOS, "BoardSerial", VALUE_TEXT, GUEST(machine.smbios.board_serial), .max = SMBIOS_BYTES, .otherwise = "QEMU's"},

    {SECTION_KERNEL, "Image", VALUE_PATH, GUEST(kernel.image),
     .otherwise = "boots from firmware and disks"},
    {SECTION_KERNEL, "Initrd", VALUE_PATH, GUEST(kernel.initrd)},
    {SECTION_KERNEL, "CommandLine", VALUE_TEXT, GUEST(kernel.command_line), .max = COMMAND_LINE_BYTES},

    {SECTION_PCI, "Address", VALUE_ADDRESS, PCI(address), .required = true, .unless = "MediatedDevice"},
    {SECTION_PCI, "MediatedDevice", VALUE_UUID, PCI(mediated), .otherwise = "the device at Address= is lent"},
    {SECTION_PCI, "MediatedType", VALUE_WORD, PCI(mediated_type), .max = 64, .otherwise = "none is made"},
    {SECTION_PCI, "Fingerprint", VALUE_IDENTITY, PCI(fingerprint), .otherwise = "any device at Address= is lent"},
    {SECTION_PCI, "Functions", VALUE_FUNCTIONS, PCI(functions), .fallback = "all"},
    {SECTION_PCI, "VirtualFunctions", VALUE_NUMBER, PCI(virtual_functions), .min = 1, .max = 8,
     .otherwise = "the device itself is lent"},
    {SECTION_PCI, "Group", VALUE_SWITCH, PCI(whole_group), .words = words_groups, .fallback = "only"},
    {SECTION_PCI, "Driver", VALUE_WORD, PCI(driver), .max = VFIO_DRIVER_MAX, .fallback = "auto"},
    {SECTION_PCI, "Backend", VALUE_CHOICE, PCI(backend), .words = words_pci_backends, .fallback = "auto"},
    {SECTION_PCI, "ResetBefore", VALUE_SWITCH, PCI(reset_before), .fallback = "no"},
    {SECTION_PCI, "ResetAfter", VALUE_SWITCH, PCI(reset_after), .fallback = "no"},
    {SECTION_PCI, "PrimaryVGA", VALUE_SWITCH, PCI(primary_vga), .fallback = "no"},
    {SECTION_PCI, "GraphicsMemory", VALUE_SIZE, PCI(graphics_memory), .min = 32 * MIB, .max = 512 * MIB, .step = 32 * MIB,
     .otherwise = "what the host's firmware has set aside"},
    {SECTION_PCI, "Display", VALUE_SWITCH, PCI(display), .fallback = "no"},
    {SECTION_PCI, "BarSize", VALUE_SIZE, PCI(bar_size), .min = MIB, .max = TIB, .step = MIB,
     .otherwise = "as the host has it"},
    {SECTION_PCI, "ROM", VALUE_PATH, PCI(rom), .otherwise = "the device's own"},
    {SECTION_PCI, "ROMBar", VALUE_SWITCH, PCI(rom_bar), .fallback = "yes"},
    {SECTION_PCI, "BootIndex", VALUE_NUMBER, PCI(boot_index), .min = 1, .max = BOOT_INDEX_MAX,
     .otherwise = "the guest does not boot from it"},
    {SECTION_PCI, "VendorID", VALUE_ID, PCI(vendor_id), .otherwise = "the device's own"},
    {SECTION_PCI, "DeviceID", VALUE_ID, PCI(device_id), .otherwise = "the device's own"},
    {SECTION_PCI, "SubVendorID", VALUE_ID, PCI(sub_vendor_id), .otherwise = "the device's own"},
    {SECTION_PCI, "SubDeviceID", VALUE_ID, PCI(sub_device_id), .otherwise = "the device's own"},

    {SECTION_DISK, "Path", VALUE_PATH, DISK(path), .required = true},
    {SECTION_DISK, "Format", VALUE_CHOICE, DISK(format), .words = words_disk_formats, .required = true},
    {SECTION_DISK, "Size", VALUE_SIZE, DISK(size), .min = MIB, .max = 64 * TIB, .step = MIB,
     .otherwise = "the image must be there"},
    {SECTION_DISK, "Backing", VALUE_IMAGE, DISK(backing), .repeat = true, .most = BACKING_MAX,
     .otherwise = "an image that names a backing file is refused"},
    {SECTION_DISK, "Bus", VALUE_CHOICE, DISK(bus), .words = words_disk_buses, .fallback = "virtio-blk"},
    {SECTION_DISK, "ReadOnly", VALUE_SWITCH, DISK(read_only), .fallback = "no"},
    {SECTION_DISK, "Discard", VALUE_SWITCH, DISK(discard), .words = words_discards, .fallback = "ignore"},
    {SECTION_DISK, "DetectZeroes", VALUE_CHOICE, DISK(zeroes), .words = words_disk_zeroes, .fallback = "off"},
    {SECTION_DISK, "Cache", VALUE_CHOICE, DISK(cache), .words = words_disk_caches, .fallback = "writeback"},
    {SECTION_DISK, "IOThread", VALUE_SWITCH, DISK(iothread), .fallback = "no"},
    {SECTION_DISK, "IO", VALUE_CHOICE, DISK(io), .words = words_disk_ios, .fallback = "threads"},
    {SECTION_DISK, "Queues", VALUE_NUMBER, DISK(queues), .min = 1, .max = CPUS_MAX,
     .otherwise = "one for each vCPU"},
    {SECTION_DISK, "SectorSize", VALUE_CHOICE, DISK(sector), .words = words_disk_sectors, .fallback = "auto"},
    {SECTION_DISK, "RotationRate", VALUE_NUMBER, DISK(rotation), .min = ROTATION_SOLID, .max = ROTATION_MAX,
     .otherwise = "as the disk of the host"},
    {SECTION_DISK, "Optional", VALUE_SWITCH, DISK(optional), .fallback = "no"},
    {SECTION_DISK, "Serial", VALUE_WORD, DISK(serial), .max = SERIAL_BYTES,
     .otherwise = "made from the section's name"},
    {SECTION_DISK, "BootIndex", VALUE_NUMBER, DISK(boot_index), .min = 1, .max = BOOT_INDEX_MAX,
     .otherwise = "after the disks that have one, in the order of the file"},

    {SECTION_CDROM, "Path", VALUE_PATH, CDROM(path),
     .otherwise = "nothing is in the drive"},
    {SECTION_CDROM, "Bus", VALUE_CHOICE, CDROM(bus), .words = words_cdrom_buses, .fallback = "sata"},
    {SECTION_CDROM, "Optional", VALUE_SWITCH, CDROM(optional), .fallback = "yes"},
    {SECTION_CDROM, "BootIndex", VALUE_NUMBER, CDROM(boot_index), .min = 1, .max = BOOT_INDEX_MAX,
     .otherwise = "after the drives that have one, and after all disks"},

    {SECTION_NETWORK, "Mode", VALUE_CHOICE, NETWORK(mode), .words = words_network_modes, .fallback = "user"},
    {SECTION_NETWORK, "Bridge", VALUE_WORD, NETWORK(bridge), .max = LINK_NAME_MAX},
    {SECTION_NETWORK, "Device", VALUE_WORD, NETWORK(device), .max = LINK_NAME_MAX},
    {SECTION_NETWORK, "Parent", VALUE_WORD, NETWORK(parent), .max = LINK_NAME_MAX},
    {SECTION_NETWORK, "Forward", VALUE_FORWARD, NETWORK(forwards), .repeat = true, .most = FORWARDS_MAX},
    {SECTION_NETWORK, "Restrict", VALUE_SWITCH, NETWORK(restricted), .fallback = "no"},
    {SECTION_NETWORK, "Model", VALUE_CHOICE, NETWORK(model), .words = words_network_models, .fallback = "virtio"},
    {SECTION_NETWORK, "Queues", VALUE_NUMBER, NETWORK(queues), .min = 1, .max = NETWORK_QUEUES_MAX, .fallback = "1"},
    {SECTION_NETWORK, "MAC", VALUE_MAC, NETWORK(mac),
     .otherwise = "derived from the names of guest and section and the host's machine-id"},

    {SECTION_INPUT, "Device", VALUE_PATH, INPUT(device), .required = true},
    {SECTION_INPUT, "GrabToggle", VALUE_CHOICE, INPUT(grab_toggle), .words = words_grab_toggles, .fallback = "ctrl-ctrl"},

    {SECTION_USB, "ID", VALUE_USB_ID, USB(id), .otherwise = "any"},
    {SECTION_USB, "Serial", VALUE_TEXT, USB(serial), .max = USB_SERIAL_BYTES, .otherwise = "any"},
    {SECTION_USB, "Port", VALUE_USB_PORT, USB(port), .otherwise = "any"},

    {SECTION_DISPLAY, "Type", VALUE_CHOICE, GUEST(display.type), .words = words_display_types, .fallback = "none"},
    {SECTION_DISPLAY, "Owner", VALUE_WORD, GUEST(display.owner), .max = 32, .otherwise = "there is no socket"},
    {SECTION_DISPLAY, "Card", VALUE_SWITCH, GUEST(display.no_card), .words = words_display_cards, .fallback = "vga"},
    {SECTION_DISPLAY, "Clipboard", VALUE_SWITCH, GUEST(display.clipboard), .fallback = "yes"},
    {SECTION_DISPLAY, "USBRedirect", VALUE_NUMBER, GUEST(display.usb_redirect), .min = 0, .max = USB_REDIRECT_MAX, .fallback = "0"},
    {SECTION_DISPLAY, "Keyboard", VALUE_CHOICE, GUEST(display.keyboard), .words = words_keyboards, .fallback = "ps2"},
    {SECTION_DISPLAY, "Mouse", VALUE_CHOICE, GUEST(display.mouse), .words = words_mice, .fallback = "auto"},

    {SECTION_SOUND, "Type", VALUE_CHOICE, GUEST(sound.type), .words = words_sound_types, .fallback = "none"},
    {SECTION_SOUND, "Socket", VALUE_PATH, GUEST(sound.socket)},
    {SECTION_SOUND, "Optional", VALUE_SWITCH, GUEST(sound.optional), .fallback = "yes"},

    {SECTION_LOOKING_GLASS, "Device", VALUE_PATH, GUEST(looking_glass.device), .otherwise = "a file"},
    {SECTION_LOOKING_GLASS, "Size", VALUE_SIZE, GUEST(looking_glass.size), .min = MIB, .max = 1024 * MIB, .step = MIB,
     .otherwise = "none, or the size of the memory of Device="},
    {SECTION_LOOKING_GLASS, "Owner", VALUE_WORD, GUEST(looking_glass.owner), .max = 32, .otherwise = "root"},

    {SECTION_SHARE, "Path", VALUE_PATH, SHARE(path), .required = true},
    {SECTION_SHARE, "Tag", VALUE_WORD, SHARE(tag), .max = 31,
     .otherwise = "the section's name"},
    {SECTION_SHARE, "Type", VALUE_CHOICE, SHARE(type), .words = words_share_types, .fallback = "auto"},
    {SECTION_SHARE, "ReadOnly", VALUE_SWITCH, SHARE(read_only), .fallback = "no"},
    {SECTION_SHARE, "Owner", VALUE_CHOICE, SHARE(owner), .words = words_share_owners, .fallback = "host"},
    {SECTION_SHARE, "Optional", VALUE_SWITCH, SHARE(optional), .fallback = "no"},

    {SECTION_CONSOLE, "Log", VALUE_SWITCH, GUEST(console_log), .fallback = "yes"},

    {SECTION_AGENT, "Enabled", VALUE_SWITCH, GUEST(agent), .fallback = "no"},

    {SECTION_WATCHDOG, "Action", VALUE_CHOICE, GUEST(on.watchdog), .words = words_watchdog_actions, .fallback = "off"},
    {SECTION_WATCHDOG, "Model", VALUE_SWITCH, GUEST(on.itco), .words = words_watchdog_models, .fallback = "i6300esb"},

    {SECTION_STOP, "AgentSec", VALUE_SPAN, GUEST(stop.agent_usec), .max = DAY_USEC, .fallback = "30s"},
    {SECTION_STOP, "PowerButtonSec", VALUE_SPAN, GUEST(stop.power_button_usec), .max = DAY_USEC, .fallback = "60s"},
    {SECTION_STOP, "QuitSec", VALUE_SPAN, GUEST(stop.quit_usec), .max = DAY_USEC, .fallback = "5s"},
    {SECTION_STOP, "TerminateSec", VALUE_SPAN, GUEST(stop.terminate_usec), .max = DAY_USEC, .fallback = "5s"},

    {SECTION_QEMU, "Arguments", VALUE_ARGUMENTS, GUEST(qemu.arguments), .repeat = true, .most = ARGUMENTS_MAX},
    {SECTION_QEMU, "Set", VALUE_OVERRIDE, GUEST(qemu.overrides), .repeat = true, .most = OVERRIDES_MAX},
};
/* clang-format on */

const DefinitionKey *definition_keys(unsigned *ret_n)
{
    *ret_n = G_N_ELEMENTS(keys);
    return keys;
}

const DefinitionKey *definition_section_keys(SectionId section, unsigned *ret_n)
{
    unsigned first = 0, end;

    while (first < G_N_ELEMENTS(keys) && keys[first].section != section)
        first++;
    for (end = first; end < G_N_ELEMENTS(keys) && keys[end].section == section;)
        end++;
    *ret_n = end - first;
    return keys + first;
}

SectionId definition_section_find(const char *name)
{
    for (int id = 0; id < SECTION_MAX; id++)
        if (g_str_equal(definition_sections[id].name, name))
            return id;
    return SECTION_INVALID;
}

const DefinitionKey *definition_key_find(SectionId section, const char *name)
{
    unsigned n;
    const DefinitionKey *rows = definition_section_keys(section, &n);

    for (unsigned i = 0; i < n; i++)
        if (g_str_equal(rows[i].name, name))
            return &rows[i];
    return NULL;
}

char *definition_section_hint(const char *name)
{
    NearestWord nearest = {.word = name};
    g_autoptr(GString) all = g_string_new("the sections are");

    for (int id = 0; id < SECTION_MAX; id++) {
        const DefinitionSection *section = &definition_sections[id];
        nearest_word_offer(&nearest, section->name);
        g_string_append_printf(all, " [%s%s]", section->name, section->max ? " NAME" : "");
    }
    if (!nearest.best)
        return g_string_free(g_steal_pointer(&all), FALSE);
    bool named = definition_sections[definition_section_find(nearest.best)].max > 0;
    return g_strdup_printf("did you mean [%s%s]?", nearest.best, named ? " NAME" : "");
}

char *definition_key_hint(SectionId section, const char *name)
{
    NearestWord nearest = {.word = name};
    unsigned n;
    const DefinitionKey *rows = definition_section_keys(section, &n);
    g_autoptr(GString) all = g_string_new(NULL);

    for (unsigned i = 0; i < n; i++) {
        nearest_word_offer(&nearest, rows[i].name);
        g_string_append_printf(all, " %s=", rows[i].name);
    }
    /* A key spelt right in the wrong section says more than one that merely looks alike. */
    for (unsigned i = 0; i < G_N_ELEMENTS(keys); i++)
        if (g_str_equal(keys[i].name, name)) {
            const DefinitionSection *home = &definition_sections[keys[i].section];
            return g_strdup_printf("%s= belongs into [%s%s]", name, home->name, home->max ? " NAME" : "");
        }
    if (nearest.best)
        return g_strdup_printf("did you mean %s=?", nearest.best);
    return g_strdup_printf("[%s] has%s", definition_sections[section].name, all->str);
}
