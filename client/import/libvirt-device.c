/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The children of <devices> but disks, cards and screens. */
#include <stdlib.h>
#include <string.h>

#include "board-wish.h"
#include "libvirt-private.h"
#include "pci-wish.h"
#include "screen-wish.h"
#include "trouble-wish.h"

#define CONSOLE "a guest always has one serial port, which is its console: usherctl console"

static void read_emulator(Libvirt *libvirt, Node *device)
{
    libvirt_take_kind(libvirt, device, "usher starts the host's own QEMU");
}

static void read_controller(Libvirt *libvirt, Node *device)
{
    g_autofree char *shown = g_strdup_printf("<controller type='%s'>", node_look(device, "@type") ?: "");

    g_free(device->shown);
    device->shown = g_steal_pointer(&shown);
    draft_same(libvirt->wishes->draft, device,
               "usher places ports, bridges and controllers as the devices need them");
}

static void read_rom(PciWish *pci, Node *device)
{
    Node *rom = node_at(device, "rom");
    const char *file = rom ? node_take(rom, "@file") : NULL, *bar = rom ? node_take(rom, "@bar") : NULL;
    const char *enabled = rom ? node_take(rom, "@enabled") : NULL;

    if (file)
        pci_wish_property(pci, "romfile", file, rom);
    if (bar || enabled)
        pci_wish_property(pci, "rombar", bar ?: enabled, rom);
}

static void read_pci(Libvirt *libvirt, Node *device)
{
    Node *address = node_at(device, "source/address");
    const char *id = node_look(device, "alias/@name"), *order = node_take(device, "boot/@order");
    const char *driver = node_take(device, "driver/@name"), *iommufd = node_take(device, "driver/@iommufd");
    unsigned n = libvirt->wishes->pci->len;

    /* A domain that is not running has no aliases, but libvirt will name them so. */
    g_autofree char *fallback = g_strdup_printf("hostdev%u", n);
    PciWish *pci = libvirt_lend(libvirt, address, id ?: fallback, address ?: device);
    if (!pci) {
        node_take_all(device);
        return;
    }
    if (order)
        pci_wish_property(pci, "bootindex", order, node_at(device, "boot"));
    if (g_strcmp0(iommufd, "yes") == 0)
        pci_wish_property(pci, "iommufd", "yes", node_at(device, "driver"));
    if (driver && !g_str_equal(driver, "vfio"))
        draft_differs(libvirt->wishes->draft, node_at(device, "driver"), "%s is gone; VFIO lends the device",
                      driver);
    node_take(device, "driver/@model");
    read_rom(pci, device);
}

static void read_usb(Libvirt *libvirt, Node *device)
{
    const char *vendor = node_take(device, "source/vendor/@id"),
               *product = node_take(device, "source/product/@id");
    const char *bus = node_take(device, "source/address/@bus"),
               *number = node_take(device, "source/address/@device");
    Node *policy = node_at(device, "source/@startupPolicy");

    if (policy)
        draft_same(libvirt->wishes->draft, policy, "the device may come and go, before the start and after");
    node_take(device, "source/@guestReset");
    if (vendor && product)
        wish_usb(libvirt->wishes, vendor, product, NULL, node_at(device, "source"));
    else
        wish_usb_numbered(libvirt->wishes, bus, number, node_at(device, "source") ?: device);
}

static void read_mediated(Libvirt *libvirt, Node *device)
{
    const char *uuid = node_take(device, "source/address/@uuid"), *display = node_take(device, "@display");

    node_take(device, "@model");
    if (!uuid)
        return;
    PciWish *pci = pci_wish_add_mediated(libvirt->wishes, uuid, node_look(device, "alias/@name"), device);
    if (display && !g_str_equal(display, "off"))
        pci_wish_property(pci, "display", display, device);
    Node *ramfb = node_at(device, "@ramfb");
    if (ramfb && g_strcmp0(node_take(device, "@ramfb"), "on") == 0)
        draft_same(libvirt->wishes->draft, ramfb, "Display=yes brings the screen that the firmware draws on");
}

void libvirt_read_hostdev(Libvirt *libvirt, Node *device)
{
    const char *type = node_take(device, "@type") ?: "";
    Node *managed = node_at(device, "@managed");

    node_take(device, "@mode");
    if (managed)
        draft_same(libvirt->wishes->draft, managed,
                   "usher takes a device from its driver and gives it back, always");
    if (g_str_equal(type, "pci"))
        read_pci(libvirt, device);
    else if (g_str_equal(type, "usb"))
        read_usb(libvirt, device);
    else if (g_str_equal(type, "mdev"))
        read_mediated(libvirt, device);
    else
        draft_left(libvirt->wishes->draft, device, "usher lends no devices of the type %s", type);
    libvirt_take_place(libvirt, device);
}

static void read_console(Libvirt *libvirt, Node *device)
{
    Node *port = node_at(device, "target/@port");
    bool first = !port || g_strcmp0(port->value, "0") == 0;

    if (first) {
        libvirt_take_kind(libvirt, device, CONSOLE);
        return;
    }
    node_take_all(device);
    draft_left(libvirt->wishes->draft, device, "a guest has one serial port");
}

static void read_channel(Libvirt *libvirt, Node *device)
{
    const char *name = node_look(device, "target/@name") ?: "";

    if (g_str_has_prefix(name, "org.qemu.guest_agent")) {
        draft_set(draft_section(libvirt->wishes->draft, "Agent"), "Enabled", device, "yes");
    } else if (g_str_has_prefix(name, "com.redhat.spice") && node_at(libvirt->devices, "graphics")) {
        draft_same(libvirt->wishes->draft, device, "SPICE brings the channel of its agent");
    } else {
        draft_left(libvirt->wishes->draft, device,
                   "usher has channels for the guest agent and for SPICE alone, not %s", name);
    }
    node_take_all(device);
}

static void read_input(Libvirt *libvirt, Node *device)
{
    const char *type = node_take(device, "@type") ?: "", *bus = node_take(device, "@bus") ?: "";
    const char *source = node_take(device, "source/@dev") ?: node_take(device, "source/@evdev");

    node_take(device, "@model");
    if (source) {
        wish_evdev(libvirt->wishes, source, node_take(device, "source/@grabToggle"), device);
        node_take(device, "source/@grab");
        if (g_strcmp0(node_take(device, "source/@repeat"), "off") == 0)
            draft_left(libvirt->wishes->draft, device,
                       "repeat: a keyboard repeats its keys; no key changes that");
        if (g_str_equal(type, "passthrough"))
            draft_differs(libvirt->wishes->draft, device,
                          "host and guest use the device in turn, by the keys of GrabToggle=");
    } else if (g_str_equal(bus, "ps2")) {
        draft_same(libvirt->wishes->draft, device,
                   "every guest has the board's own keyboard and mouse (PS/2)");
    } else if (g_str_equal(bus, "virtio")) {
        wish_virtio_input(libvirt->wishes, type, device);
    } else {
        draft_differs(libvirt->wishes->draft, device,
                      "with [Display] the guest has a tablet as its mouse; its other mouse and keyboard are "
                      "those of the "
                      "board (PS/2)");
    }
    libvirt_take_place(libvirt, device);
}

static void read_tpm(Libvirt *libvirt, Node *device)
{
    const char *type = node_look(device, "backend/@type"), *version = node_look(device, "backend/@version");

    draft_set(draft_section(libvirt->wishes->draft, "TPM"), "Version", device, "2.0");
    if (g_strcmp0(type, "passthrough") == 0)
        draft_left(libvirt->wishes->draft, device,
                   "the host's own TPM is not given away; the guest has an emulated one (swtpm), which is "
                   "another: have "
                   "BitLocker's recovery key at hand");
    else
        draft_left(
            libvirt->wishes->draft, device,
            "the emulated TPM starts empty; what the old one keeps is in /var/lib/libvirt/swtpm/UUID/tpm2, "
            "to be copied to /var/lib/usher/guests/NAME/tpm; else BitLocker asks for its recovery key");
    if (g_strcmp0(version, "1.2") == 0)
        draft_differs(libvirt->wishes->draft, device, "the TPM has version 2.0, not 1.2");
    node_take_all(device);
}

static void read_balloon(Libvirt *libvirt, Node *device)
{
    bool none = g_strcmp0(node_look(device, "@model"), "none") == 0;

    node_take_all(device);
    if (none)
        draft_same(libvirt->wishes->draft, device, "a guest has no balloon");
    else
        draft_left(libvirt->wishes->draft, device,
                   "a guest with devices can give back none of its memory: there is no balloon");
}

static void read_rng(Libvirt *libvirt, Node *device)
{
    node_take_all(device);
    wish_rng(libvirt->wishes, device);
}

static void read_watchdog(Libvirt *libvirt, Node *device)
{
    const char *model = node_look(device, "@model") ?: "", *action = node_look(device, "@action") ?: "reset";

    node_take_all(device);
    /* Since libvirt 9.1. */
    if (g_str_equal(model, "itco"))
        draft_differs(
            libvirt->wishes->draft, device,
            "the watchdog of the chipset (iTCO) is one that libvirt lists where nobody asked for it; "
            "without [Watchdog] the guest has none");
    wish_watchdog(libvirt->wishes, model, action, device);
}

static void read_panic(Libvirt *libvirt, Node *device)
{
    node_take_all(device);
    wish_panic_device(libvirt->wishes, device);
}

static void read_redirection(Libvirt *libvirt, Node *device)
{
    node_take_all(device);
    wish_usb_redirection(libvirt->wishes, device);
}

/* A shared folder. */
static void read_filesystem(Libvirt *libvirt, Node *device)
{
    const char *source = node_take(device, "source/@dir"), *tag = node_take(device, "target/@dir");
    const char *driver = node_take(device, "driver/@type");
    bool mapped = g_strcmp0(node_take(device, "@accessmode"), "mapped") == 0;

    node_take(device, "@type");
    libvirt_take_place(libvirt, device);
    if (!source)
        return;
    DraftSection *section = draft_add(libvirt->wishes->draft, "Share", tag ?: "share");
    draft_set(section, "Path", device, "%s", source);
    if (tag)
        draft_set(section, "Tag", node_at(device, "target"), "%s", tag);
    draft_set(section, "Type", device, "%s", g_strcmp0(driver, "virtiofs") == 0 ? "virtiofs" : "9p");
    if (mapped)
        draft_set(section, "Owner", device, "mapped");
    if (node_at(device, "readonly")) {
        node_take(device, "readonly");
        draft_set(section, "ReadOnly", device, "yes");
    }
}

static void read_shmem(Libvirt *libvirt, Node *device)
{
    const char *name = node_take(device, "@name") ?: "", *model = node_take(device, "model/@type");
    const char *size = node_take(device, "size"), *unit = node_take(device, "size/@unit");
    g_autofree char *path = g_strconcat("/dev/shm/", name, NULL),
                    *with_unit = g_strdup_printf("%s%s", size ?: "", unit ?: "");

    if (!model || g_str_equal(model, "ivshmem-plain"))
        wish_looking_glass(libvirt->wishes, path, wish_parse_size(with_unit, 1 << 20), device);
    else
        draft_left(libvirt->wishes->draft, device,
                   "usher has shared memory for Looking Glass (ivshmem-plain) alone, not %s", model);
    node_take(device, "@role");
    libvirt_take_place(libvirt, device);
}

static void read_hub(Libvirt *libvirt, Node *device)
{
    libvirt_take_kind(libvirt, device,
                      "usher places ports, bridges and controllers as the devices need them");
}

const LibvirtWord libvirt_devices[] = {
    {"emulator", read_emulator},
    {"disk", libvirt_read_disk},
    {"controller", read_controller},
    {"interface", libvirt_read_interface},
    {"hostdev", libvirt_read_hostdev},
    {"serial", read_console},
    {"console", read_console},
    {"channel", read_channel},
    {"input", read_input},
    {"tpm", read_tpm},
    {"graphics", libvirt_read_graphics},
    {"sound", libvirt_read_sound},
    {"audio", libvirt_read_audio},
    {"video", libvirt_read_video},
    {"memballoon", read_balloon},
    {"rng", read_rng},
    {"watchdog", read_watchdog},
    {"panic", read_panic},
    {"redirdev", read_redirection},
    {"redirfilter", read_redirection},
    {"filesystem", read_filesystem},
    {"shmem", read_shmem},
    {"hub", read_hub},
};
const size_t libvirt_n_devices = G_N_ELEMENTS(libvirt_devices);
