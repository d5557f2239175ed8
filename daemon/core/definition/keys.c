/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keys.h"

#include "../host/vfio-driver.h"
#include "definition.h"
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
#define SHARE(member) FIELD(DefinitionShare, member)

#define MIB (UINT64_C(1) << 20)
#define TIB (UINT64_C(1) << 40)
#define DAY_USEC (UINT64_C(24) * 60 * 60 * 1000000)

/* As many as the root ports that the guest's root bus keeps for them: see qemu/builder.h. */
#define PCI_SECTIONS_MAX 32
#define SPARE_PORTS_MAX 16
#define DISK_SECTIONS_MAX 32
#define CDROM_SECTIONS_MAX 8
#define NETWORK_SECTIONS_MAX 16
#define INPUT_SECTIONS_MAX 16
#define SHARE_SECTIONS_MAX 16
/* The controller's ports but the emulated mouse's: see qemu/usb.c. */
#define USB_SECTIONS_MAX 14
/* People write a chain of images by hand; a forward takes a listening socket of the host. */
#define BACKING_MAX 32
#define FORWARDS_MAX 256
#define ARGUMENTS_MAX 256
#define OVERRIDES_MAX 256
/* A USB string has at most 126 characters. */
#define USB_SERIAL_BYTES 126

/* Devices without a number come after all of these: see qemu/disk.c. */
#define BOOT_INDEX_MAX 99
/* The longest serial number that virtio-blk, NVMe and SATA let a guest read. */
#define SERIAL_BYTES 20

/* Linux reads at most COMMAND_LINE_SIZE - 1 bytes of it on x86 (Documentation/x86/boot.rst). */
#define COMMAND_LINE_BYTES 2047

const DefinitionSection definition_sections[SECTION_MAX] = {
    [SECTION_GUEST] = {"Guest", .help = "The guest's description, and what happens to the guest on events of "
                                        "the host and of its system"},
    [SECTION_FIRMWARE] = {"Firmware", .help = "The firmware that the guest boots with"},
    [SECTION_TPM] = {"TPM", .help = "A TPM, which gives keys out only if the guest booted the same software"},
    [SECTION_CPU] = {"CPU", .help = "Its vCPUs"},
    [SECTION_MEMORY] = {"Memory", .help = "Its memory"},
    [SECTION_KERNEL] = {"Kernel", .help = "A Linux kernel to boot directly, instead of firmware and disks"},
    [SECTION_PCI] = {"PCI", PCI_SECTIONS_MAX, HELD_BY(pci), sizeof(DefinitionPci), "A device of the host"},
    [SECTION_DISK] = {"Disk", DISK_SECTIONS_MAX, HELD_BY(disks), sizeof(DefinitionDisk), "A disk"},
    [SECTION_CDROM] = {"CDROM", CDROM_SECTIONS_MAX, HELD_BY(cdroms), sizeof(DefinitionCdrom), "A CD drive"},
    [SECTION_NETWORK] = {"Network", NETWORK_SECTIONS_MAX, HELD_BY(networks), sizeof(DefinitionNetwork),
                         "A network card"},
    [SECTION_INPUT] = {"Input", INPUT_SECTIONS_MAX, HELD_BY(inputs), sizeof(DefinitionInput),
                       "A keyboard, mouse or other input device of the host"},
    [SECTION_USB] = {"USB", USB_SECTIONS_MAX, HELD_BY(usbs), sizeof(DefinitionUsb),
                     "A USB device of the host"},
    [SECTION_DISPLAY] = {"Display", .help = "A screen that is shown on the host"},
    [SECTION_SOUND] = {"Sound", .help = "A sound card that plays on the host"},
    [SECTION_LOOKING_GLASS] = {"LookingGlass",
                               .help = "Memory through which a viewer on the host shows its picture"},
    [SECTION_SHARE] = {"Share", SHARE_SECTIONS_MAX, HELD_BY(shares), sizeof(DefinitionShare),
                       "A folder of the host"},
    [SECTION_CONSOLE] = {"Console", .help = "Its serial console"},
    [SECTION_AGENT] = {"Agent", .help = "QEMU's guest agent inside the guest"},
    [SECTION_WATCHDOG] = {"Watchdog", .help = "A watchdog for the guest's system"},
    [SECTION_QEMU] = {"QEMU",
                      .help = "Options of QEMU for which usher has no key, if usherd.conf allows them"},
    [SECTION_STOP] = {"Stop", .help = "How long each rung of the stop ladder waits for the guest to end"},
};

static const char *const host_sleeps[] = {
    [HOST_SLEEP_AUTO] = "auto",         [HOST_SLEEP_INHIBIT] = "inhibit", [HOST_SLEEP_PAUSE] = "pause",
    [HOST_SLEEP_SHUTDOWN] = "shutdown", [HOST_SLEEP_IGNORE] = "ignore",   NULL,
};
static const char *const host_shutdowns[] = {
    [HOST_SHUTDOWN_STOP] = "shutdown", [HOST_SHUTDOWN_INHIBIT] = "inhibit", NULL};
static const char *const panic_actions[] = {
    [TROUBLE_DEFAULT] = "auto", [TROUBLE_FAIL] = "fail",     [TROUBLE_RESET] = "reset",
    [TROUBLE_PAUSE] = "pause",  [TROUBLE_IGNORE] = "ignore", NULL,
};
static const char *const watchdog_actions[] = {
    [TROUBLE_DEFAULT] = "off", [TROUBLE_FAIL] = "fail",     [TROUBLE_RESET] = "reset",
    [TROUBLE_PAUSE] = "pause", [TROUBLE_IGNORE] = "ignore", NULL,
};
static const char *const accelerators[] = {[ACCELERATOR_KVM] = "kvm", [ACCELERATOR_TCG] = "tcg", NULL};
static const char *const huge_pages[] = {
    [HUGE_PAGES_NO] = "no", [HUGE_PAGES_2M] = "2M", [HUGE_PAGES_1G] = "1G", NULL};
static const char *const firmware_types[] = {[FIRMWARE_BIOS] = "bios", [FIRMWARE_UEFI] = "uefi", NULL};
static const char *const firmware_keys[] = {
    [FIRMWARE_KEYS_ENROLLED] = "enrolled", [FIRMWARE_KEYS_NONE] = "none", NULL};
static const char *const tpm_versions[] = {[TPM_VERSION_NONE] = "none", [TPM_VERSION_2_0] = "2.0", NULL};
/* As many nodes as a host with one board has. */
static const char *const nodes[] = {"auto", "0", "1", "2", "3", "4", "5", "6", "7", NULL};
static const char *const share_types[] = {
    [SHARE_TYPE_AUTO] = "auto", [SHARE_TYPE_VIRTIOFS] = "virtiofs", [SHARE_TYPE_9P] = "9p", NULL};
static const char *const share_owners[] = {
    [SHARE_OWNER_HOST] = "host", [SHARE_OWNER_MAPPED] = "mapped", NULL};
static const char *const groups[] = {[false] = "only", [true] = "all", NULL};
static const char *const pci_backends[] = {
    [PCI_BACKEND_AUTO] = "auto", [PCI_BACKEND_IOMMUFD] = "iommufd", [PCI_BACKEND_GROUP] = "group", NULL};
static const char *const disk_formats[] = {[DISK_FORMAT_RAW] = "raw", [DISK_FORMAT_QCOW2] = "qcow2", NULL};
static const char *const disk_buses[] = {
    [DISK_BUS_VIRTIO_BLK] = "virtio-blk",
    [DISK_BUS_VIRTIO_SCSI] = "virtio-scsi",
    [DISK_BUS_NVME] = "nvme",
    [DISK_BUS_SATA] = "sata",
    NULL,
};
static const char *const discards[] = {[false] = "ignore", [true] = "unmap", NULL};
static const char *const disk_caches[] = {
    [DISK_CACHE_WRITEBACK] = "writeback",
    [DISK_CACHE_NONE] = "none",
    [DISK_CACHE_WRITETHROUGH] = "writethrough",
    [DISK_CACHE_DIRECTSYNC] = "directsync",
    [DISK_CACHE_UNSAFE] = "unsafe",
    NULL,
};
static const char *const cdrom_buses[] = {
    [CDROM_BUS_SATA] = "sata", [CDROM_BUS_VIRTIO_SCSI] = "virtio-scsi", NULL};
static const char *const network_modes[] = {
    [NETWORK_MODE_USER] = "user",       [NETWORK_MODE_BRIDGE] = "bridge", [NETWORK_MODE_TAP] = "tap",
    [NETWORK_MODE_MACVTAP] = "macvtap", [NETWORK_MODE_NONE] = "none",     NULL,
};
static const char *const grab_toggles[] = {
    [GRAB_TOGGLE_CTRL_CTRL] = "ctrl-ctrl",
    [GRAB_TOGGLE_ALT_ALT] = "alt-alt",
    [GRAB_TOGGLE_SHIFT_SHIFT] = "shift-shift",
    [GRAB_TOGGLE_META_META] = "meta-meta",
    [GRAB_TOGGLE_SCROLLLOCK] = "scrolllock",
    [GRAB_TOGGLE_CTRL_SCROLLLOCK] = "ctrl-scrolllock",
    NULL,
};
static const char *const network_models[] = {
    [NETWORK_MODEL_VIRTIO] = "virtio", [NETWORK_MODEL_E1000E] = "e1000e", NULL};

static const char *const display_types[] = {
    [DISPLAY_NONE] = "none", [DISPLAY_VNC] = "vnc", [DISPLAY_SPICE] = "spice", NULL};

static const char *const sound_types[] = {
    [SOUND_NONE] = "none", [SOUND_PIPEWIRE] = "pipewire", [SOUND_PULSEAUDIO] = "pulseaudio", NULL};

const char *display_type_to_string(DisplayType type)
{
    return display_types[type];
}

/* clang-format off */
static const DefinitionKey keys[] = {
    {SECTION_GUEST, "Description", VALUE_TEXT, GUEST(description), .max = 256,
     .otherwise = "the guest's name", .help = "A few words about the guest"},
    {SECTION_GUEST, "OnHostSleep", VALUE_CHOICE, GUEST(on.host_sleep), .words = host_sleeps, .fallback = "auto",
     .help = "What happens before the host sleeps: the guest forbids that, is paused or shut down"},
    {SECTION_GUEST, "OnHostShutdown", VALUE_CHOICE, GUEST(on.host_shutdown), .words = host_shutdowns, .fallback = "shutdown",
     .help = "Whether it is shut down with the host, or keeps the host up (inhibit)"},
    {SECTION_GUEST, "OnPanic", VALUE_CHOICE, GUEST(on.panic), .words = panic_actions, .fallback = "auto",
     .help = "What happens to the guest when its system panics"},
    {SECTION_GUEST, "SparePorts", VALUE_NUMBER, GUEST(spare_ports), .min = 0, .max = SPARE_PORTS_MAX, .fallback = "4",
     .help = "How many host devices can be plugged in while the guest runs, beyond its [PCI] sections"},

    {SECTION_FIRMWARE, "Type", VALUE_CHOICE, GUEST(firmware.type), .words = firmware_types, .fallback = "bios",
     .help = "The kind of firmware: QEMU's own BIOS, or the UEFI of the host's distribution"},
    {SECTION_FIRMWARE, "SecureBoot", VALUE_SWITCH, GUEST(firmware.secure_boot), .fallback = "no",
     .help = "Whether the firmware boots only what is signed with a key that it knows"},
    {SECTION_FIRMWARE, "Keys", VALUE_CHOICE, GUEST(firmware.keys), .words = firmware_keys, .fallback = "enrolled",
     .help = "Whether the firmware knows keys at first, or the guest's owner enrols his own"},
    {SECTION_FIRMWARE, "Code", VALUE_PATH, GUEST(firmware.code), .otherwise = "is chosen from those that the host's distribution describes",
     .help = "The firmware's image, raw or *.qcow2"},
    {SECTION_FIRMWARE, "Variables", VALUE_PATH, GUEST(firmware.variables), .otherwise = "comes with the firmware; with Code= there are none",
     .help = "The image of the variables as they are at first, raw or *.qcow2"},

    {SECTION_TPM, "Version", VALUE_CHOICE, GUEST(tpm), .words = tpm_versions, .fallback = "none",
     .help = "The version of the TPM, which swtpm emulates"},

    {SECTION_CPU, "Accelerator", VALUE_CHOICE, GUEST(cpu.accelerator), .words = accelerators, .fallback = "kvm",
     .help = "How the guest's instructions are executed: by the host CPU (kvm) or by software (tcg)"},
    {SECTION_CPU, "Model", VALUE_WORD, GUEST(cpu.model), .max = 64,
     .otherwise = "host with Accelerator=kvm, max with tcg", .help = "The CPU model that the guest sees, by QEMU's name"},
    {SECTION_CPU, "Sockets", VALUE_NUMBER, GUEST(cpu.sockets), .min = 1, .max = 255, .fallback = "1",
     .help = "CPU sockets"},
    {SECTION_CPU, "Cores", VALUE_NUMBER, GUEST(cpu.cores), .min = 1, .max = 255, .fallback = "2",
     .help = "Cores in each socket"},
    {SECTION_CPU, "Threads", VALUE_NUMBER, GUEST(cpu.threads), .min = 1, .max = 255, .fallback = "1",
     .help = "Threads of each core"},
    {SECTION_CPU, "Features", VALUE_FEATURES, GUEST(cpu.features), .max = 512,
     .help = "CPU features to add to the model (+) or to remove from it (-)"},
    {SECTION_CPU, "Pin", VALUE_CPUS, GUEST(cpu.pin), .otherwise = "any of the host's",
     .help = "Host CPUs on which the guest's vCPUs may run"},
    {SECTION_CPU, "EmulatorPin", VALUE_CPUS, GUEST(cpu.emulator_pin), .otherwise = "any of the host's",
     .help = "Host CPUs on which the rest of QEMU runs"},
    {SECTION_CPU, "IOThreadPin", VALUE_CPUS, GUEST(cpu.iothread_pin), .otherwise = "those of EmulatorPin=",
     .help = "Host CPUs on which the disks' own threads run"},
    {SECTION_CPU, "Isolate", VALUE_SWITCH, GUEST(cpu.isolate), .fallback = "no",
     .help = "Whether other processes are kept off the host CPUs of Pin= while the guest runs"},
    {SECTION_CPU, "Governor", VALUE_WORD, GUEST(cpu.governor), .max = 32, .otherwise = "the host's choice",
     .help = "The frequency governor for the host CPUs of Pin= while the guest runs"},
    {SECTION_CPU, "HideHypervisor", VALUE_SWITCH, GUEST(cpu.hide_hypervisor), .fallback = "no",
     .help = "Whether to hide from the guest that it runs on KVM"},
    {SECTION_CPU, "HyperV", VALUE_SWITCH, GUEST(cpu.hyper_v), .fallback = "no",
     .help = "Whether to offer Hyper-V's enlightenments, which make a Windows guest faster"},

    {SECTION_MEMORY, "Size", VALUE_SIZE, GUEST(memory.size), .min = MIB, .max = 16 * TIB, .step = MIB, .fallback = "2G",
     .help = "The guest's memory"},
    {SECTION_MEMORY, "HugePages", VALUE_CHOICE, GUEST(memory.huge_pages), .words = huge_pages, .fallback = "no",
     .help = "The size of the memory's pages, if larger than usual"},
    {SECTION_MEMORY, "Node", VALUE_CHOICE, GUEST(memory.node), .words = nodes, .fallback = "auto",
     .help = "The host's NUMA node from which the memory comes"},

    {SECTION_KERNEL, "Image", VALUE_PATH, GUEST(kernel.image),
     .otherwise = "boots from firmware and disks", .help = "The kernel's file on the host"},
    {SECTION_KERNEL, "Initrd", VALUE_PATH, GUEST(kernel.initrd), .help = "The initial RAM disk's file on the host"},
    {SECTION_KERNEL, "CommandLine", VALUE_TEXT, GUEST(kernel.command_line), .max = COMMAND_LINE_BYTES,
     .help = "The kernel's command line"},

    {SECTION_PCI, "Address", VALUE_ADDRESS, PCI(address), .required = true, .unless = "MediatedDevice",
     .help = "The device's address on the host, as lspci -D shows it"},
    {SECTION_PCI, "MediatedDevice", VALUE_UUID, PCI(mediated), .otherwise = "the device at Address= is lent",
     .help = "The UUID of an existing mediated device to lend; its parent stays with the host"},
    {SECTION_PCI, "MediatedType", VALUE_WORD, PCI(mediated_type), .max = 64, .otherwise = "none is made",
     .help = "The type of mediated device to create from the device at Address=, and to lend instead"},
    {SECTION_PCI, "Fingerprint", VALUE_IDENTITY, PCI(fingerprint), .otherwise = "any device at Address= is lent",
     .help = "The device's identity, so that no other device at that address is lent"},
    {SECTION_PCI, "Functions", VALUE_FUNCTIONS, PCI(functions), .fallback = "all",
     .help = "The functions of the device to lend"},
    {SECTION_PCI, "VirtualFunctions", VALUE_NUMBER, PCI(virtual_functions), .min = 1, .max = 8,
     .otherwise = "the device itself is lent", .help = "How many of its virtual functions (SR-IOV) to create, and to lend instead"},
    {SECTION_PCI, "Group", VALUE_SWITCH, PCI(whole_group), .words = groups, .fallback = "only",
     .help = "Whether the rest of the IOMMU group may be taken from the host too, unused (all)"},
    {SECTION_PCI, "Driver", VALUE_WORD, PCI(driver), .max = VFIO_DRIVER_MAX, .fallback = "auto",
     .help = "The driver that lends it: vfio-pci, or a variant of that for such devices"},
    {SECTION_PCI, "Backend", VALUE_CHOICE, PCI(backend), .words = pci_backends, .fallback = "auto",
     .help = "Whether QEMU gets it as a descriptor (iommufd), or by the node of its IOMMU group"},
    {SECTION_PCI, "ResetBefore", VALUE_SWITCH, PCI(reset_before), .fallback = "no",
     .help = "Reset it before the guest gets it"},
    {SECTION_PCI, "ResetAfter", VALUE_SWITCH, PCI(reset_after), .fallback = "no",
     .help = "Reset it before the host gets it back"},
    {SECTION_PCI, "PrimaryVGA", VALUE_SWITCH, PCI(primary_vga), .fallback = "no",
     .help = "Make it the VGA display of a guest with BIOS firmware"},
    {SECTION_PCI, "ROM", VALUE_PATH, PCI(rom), .otherwise = "the device's own",
     .help = "A file with the option ROM that the guest sees instead of the device's own"},
    {SECTION_PCI, "ROMBar", VALUE_SWITCH, PCI(rom_bar), .fallback = "yes",
     .help = "Whether the guest sees an option ROM at all"},
    {SECTION_PCI, "BootIndex", VALUE_NUMBER, PCI(boot_index), .min = 1, .max = BOOT_INDEX_MAX,
     .otherwise = "the guest does not boot from it", .help = "Its place in the boot order"},
    {SECTION_PCI, "VendorID", VALUE_ID, PCI(vendor_id), .otherwise = "the device's own",
     .help = "The vendor ID that the guest sees"},
    {SECTION_PCI, "DeviceID", VALUE_ID, PCI(device_id), .otherwise = "the device's own",
     .help = "The device ID that the guest sees"},
    {SECTION_PCI, "SubVendorID", VALUE_ID, PCI(sub_vendor_id), .otherwise = "the device's own",
     .help = "The subsystem vendor ID that the guest sees"},
    {SECTION_PCI, "SubDeviceID", VALUE_ID, PCI(sub_device_id), .otherwise = "the device's own",
     .help = "The subsystem ID that the guest sees"},

    {SECTION_DISK, "Path", VALUE_PATH, DISK(path), .required = true,
     .help = "The file or block device on the host that holds the image"},
    {SECTION_DISK, "Format", VALUE_CHOICE, DISK(format), .words = disk_formats, .required = true,
     .help = "The format; never guessed, as a guest could write data that makes a guess wrong"},
    {SECTION_DISK, "Size", VALUE_SIZE, DISK(size), .min = MIB, .max = 64 * TIB, .step = MIB,
     .otherwise = "the image must be there", .help = "The size of the disk to create if Path= does not exist yet"},
    {SECTION_DISK, "Backing", VALUE_IMAGE, DISK(backing), .repeat = true, .most = BACKING_MAX,
     .otherwise = "an image that names a backing file is refused", .help = "The image's backing file"},
    {SECTION_DISK, "Bus", VALUE_CHOICE, DISK(bus), .words = disk_buses, .fallback = "virtio-blk",
     .help = "The kind of disk that the guest sees"},
    {SECTION_DISK, "ReadOnly", VALUE_SWITCH, DISK(read_only), .fallback = "no",
     .help = "Whether to keep the guest from writing to it"},
    {SECTION_DISK, "Discard", VALUE_SWITCH, DISK(discard), .words = discards, .fallback = "ignore",
     .help = "Whether space that the guest frees is freed on the host"},
    {SECTION_DISK, "Cache", VALUE_CHOICE, DISK(cache), .words = disk_caches, .fallback = "writeback",
     .help = "What the host caches in memory, and when a write counts as done"},
    {SECTION_DISK, "IOThread", VALUE_SWITCH, DISK(iothread), .fallback = "no",
     .help = "Whether the disk has a thread of its own"},
    {SECTION_DISK, "Serial", VALUE_WORD, DISK(serial), .max = SERIAL_BYTES,
     .otherwise = "made from the section's name", .help = "The serial number that the guest sees"},
    {SECTION_DISK, "BootIndex", VALUE_NUMBER, DISK(boot_index), .min = 1, .max = BOOT_INDEX_MAX,
     .otherwise = "after the disks that have one, in the order of the file", .help = "Its place in the boot order"},

    {SECTION_CDROM, "Path", VALUE_PATH, CDROM(path),
     .otherwise = "nothing is in the drive", .help = "The image's file on the host"},
    {SECTION_CDROM, "Bus", VALUE_CHOICE, CDROM(bus), .words = cdrom_buses, .fallback = "sata",
     .help = "The kind of drive that the guest sees"},
    {SECTION_CDROM, "BootIndex", VALUE_NUMBER, CDROM(boot_index), .min = 1, .max = BOOT_INDEX_MAX,
     .otherwise = "after the drives that have one, and after all disks", .help = "Its place in the boot order"},

    {SECTION_NETWORK, "Mode", VALUE_CHOICE, NETWORK(mode), .words = network_modes, .fallback = "user",
     .help = "What the card is connected to"},
    {SECTION_NETWORK, "Bridge", VALUE_WORD, NETWORK(bridge), .max = LINK_NAME_MAX,
     .help = "The host's bridge that the guest joins"},
    {SECTION_NETWORK, "Device", VALUE_WORD, NETWORK(device), .max = LINK_NAME_MAX,
     .help = "The host's persistent tap device that the guest uses"},
    {SECTION_NETWORK, "Parent", VALUE_WORD, NETWORK(parent), .max = LINK_NAME_MAX,
     .help = "The host's network interface that the guest shares"},
    {SECTION_NETWORK, "Forward", VALUE_FORWARD, NETWORK(forwards), .repeat = true, .most = FORWARDS_MAX,
     .help = "A port of the host that leads to a port of the guest"},
    {SECTION_NETWORK, "Restrict", VALUE_SWITCH, NETWORK(restricted), .fallback = "no",
     .help = "Whether to keep the guest from connecting to others"},
    {SECTION_NETWORK, "Model", VALUE_CHOICE, NETWORK(model), .words = network_models, .fallback = "virtio",
     .help = "The kind of card that the guest sees"},
    {SECTION_NETWORK, "MAC", VALUE_MAC, NETWORK(mac),
     .otherwise = "derived from the names of guest and section and the host's machine-id", .help = "The card's address"},

    {SECTION_INPUT, "Device", VALUE_PATH, INPUT(device), .required = true,
     .help = "The device's node on the host, by a name that stays the same"},
    {SECTION_INPUT, "GrabToggle", VALUE_CHOICE, INPUT(grab_toggle), .words = grab_toggles, .fallback = "ctrl-ctrl",
     .help = "The keys that, pressed together, switch between host and guest"},

    {SECTION_USB, "ID", VALUE_USB_ID, USB(id), .otherwise = "any", .help = "The vendor and product of the device, as lsusb shows them"},
    {SECTION_USB, "Serial", VALUE_TEXT, USB(serial), .max = USB_SERIAL_BYTES, .otherwise = "any",
     .help = "Its serial number"},
    {SECTION_USB, "Port", VALUE_USB_PORT, USB(port), .otherwise = "any", .help = "The port that it is plugged into"},

    {SECTION_DISPLAY, "Type", VALUE_CHOICE, GUEST(display), .words = display_types, .fallback = "none",
     .help = "The protocol that shows an emulated screen to users who may see it"},

    {SECTION_SOUND, "Type", VALUE_CHOICE, GUEST(sound.type), .words = sound_types, .fallback = "none",
     .help = "The host's sound server that the guest's sound card uses"},
    {SECTION_SOUND, "Socket", VALUE_PATH, GUEST(sound.socket), .help = "The sound server's socket on the host"},

    {SECTION_LOOKING_GLASS, "Device", VALUE_PATH, GUEST(looking_glass.device), .otherwise = "a file",
     .help = "The device of the module kvmfr that provides the memory"},
    {SECTION_LOOKING_GLASS, "Size", VALUE_SIZE, GUEST(looking_glass.size), .min = MIB, .max = 1024 * MIB, .step = MIB,
     .otherwise = "none, or the size of the memory of Device=", .help = "The size of the memory, a power of two: it depends on the picture's size"},
    {SECTION_LOOKING_GLASS, "Owner", VALUE_WORD, GUEST(looking_glass.owner), .max = 32, .otherwise = "root",
     .help = "The user on the host who runs the viewer"},

    {SECTION_SHARE, "Path", VALUE_PATH, SHARE(path), .required = true,
     .help = "The folder on the host"},
    {SECTION_SHARE, "Tag", VALUE_WORD, SHARE(tag), .max = 31,
     .otherwise = "the section's name", .help = "The name by which the guest mounts it"},
    {SECTION_SHARE, "Type", VALUE_CHOICE, SHARE(type), .words = share_types, .fallback = "auto",
     .help = "How it is shared"},
    {SECTION_SHARE, "ReadOnly", VALUE_SWITCH, SHARE(read_only), .fallback = "no",
     .help = "Whether to keep the guest from writing to it"},
    {SECTION_SHARE, "Owner", VALUE_CHOICE, SHARE(owner), .words = share_owners, .fallback = "host",
     .help = "Where the file owners and modes that the guest sees come from"},

    {SECTION_CONSOLE, "Log", VALUE_SWITCH, GUEST(console_log), .fallback = "yes",
     .help = "Whether the serial console's output is kept"},

    {SECTION_AGENT, "Enabled", VALUE_SWITCH, GUEST(agent), .fallback = "no",
     .help = "Whether the guest has a channel to talk to its agent"},

    {SECTION_WATCHDOG, "Action", VALUE_CHOICE, GUEST(on.watchdog), .words = watchdog_actions, .fallback = "off",
     .help = "What happens when the guest's system stops resetting its watchdog; off: it has none"},

    {SECTION_STOP, "AgentSec", VALUE_SPAN, GUEST(stop.agent_usec), .max = DAY_USEC, .fallback = "30s",
     .help = "The time after the agent, if there is one, was asked to shut down; 0 does not ask"},
    {SECTION_STOP, "PowerButtonSec", VALUE_SPAN, GUEST(stop.power_button_usec), .max = DAY_USEC, .fallback = "60s",
     .help = "The time after the power button was pressed; 0 does not press it"},
    {SECTION_STOP, "QuitSec", VALUE_SPAN, GUEST(stop.quit_usec), .max = DAY_USEC, .fallback = "5s",
     .help = "The time after QEMU was asked to quit; 0 does not ask"},
    {SECTION_STOP, "TerminateSec", VALUE_SPAN, GUEST(stop.terminate_usec), .max = DAY_USEC, .fallback = "5s",
     .help = "The time after SIGTERM; 0 does not send it. SIGKILL follows"},

    {SECTION_QEMU, "Arguments", VALUE_ARGUMENTS, GUEST(qemu.arguments), .repeat = true, .most = ARGUMENTS_MAX,
     .help = "Words that are appended to QEMU's command line"},
    {SECTION_QEMU, "Set", VALUE_OVERRIDE, GUEST(qemu.overrides), .repeat = true, .most = OVERRIDES_MAX,
     .help = "Another value for a property of one of QEMU's devices"},
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
