/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* scsi0:, net0:, hostpci0:, usb0: and their like. */
#include <stdlib.h>
#include <string.h>

#include "board-wish.h"
#include "cpu-wish.h"
#include "disk-wish.h"
#include "net-wish.h"
#include "option.h"
#include "pci-wish.h"
#include "proxmox-private.h"
#include "screen-wish.h"

/* Where Proxmox looks for ROM files (pve-qemu's share). */
#define ROM_FOLDER "/usr/share/kvm/"

#define OWN "Proxmox' own matters"

static void take_own(Proxmox *proxmox, Node *line)
{
    static const char *const own[] = {"size",   "backup", "replicate",   "shared", "media",
                                      "werror", "rerror", "import-from", NULL};

    for (const char *const *name = own; *name; name++) {
        Node *found = node_at(line, *name);
        if (found && (g_str_equal(*name, "size") || g_str_equal(*name, "media")))
            node_take_all(found);
        else if (found)
            draft_same(proxmox->wishes->draft, found, OWN);
    }
}

static const char *bus_of(const Node *line)
{
    return g_str_has_prefix(line->name, "virtio") ? "virtio-blk"
           : g_str_has_prefix(line->name, "scsi") ? "virtio-scsi"
                                                  : "sata";
}

/* Why no section can be what the line says; NULL: one can. */
static const char *why_left(Node *line, const char *volume)
{
    if (g_str_has_suffix(volume, "cloudinit") || strstr(volume, "-cloudinit."))
        return "Proxmox makes the disk for cloud-init anew at each start";
    if (option_on(line, "snapshot"))
        return DISK_PASSING;
    option_off(line, "snapshot");
    return NULL;
}

void proxmox_read_disk(Proxmox *proxmox, Node *line)
{
    const char *volume = node_take(line, "volume") ?: node_take(line, "file") ?: "none", *cache = node_take(line, "cache");
    const char *discard = node_take(line, "discard"), *media = node_look(line, "media"),
               *queues = node_take(line, "queues");
    bool drive = g_str_equal(volume, "cdrom"), empty = drive || g_str_equal(volume, "none");
    DiskWish disk = {
        .cd = g_strcmp0(media, "cdrom") == 0, .id = line->name, .name = line->name, .from = line};

    if (drive)
        draft_left(proxmox->wishes->draft, line,
                   "the host's CD drive, which Proxmox lends; the guest's drive is empty, and usherctl cdrom "
                   "or Path= gives it an image of the disc");
    const char *why = why_left(line, volume);
    if (why) {
        node_take_all(line);
        draft_left(proxmox->wishes->draft, line, "%s", why);
        return;
    }
    g_autofree char *backing = NULL;
    g_autofree char *path = empty ? NULL : proxmox_volume_path(proxmox, line, volume, &backing);
    disk.path = path;
    disk.format = node_take(line, "format") ?: proxmox_volume_format(path);
    disk.bus = bus_of(line);
    if (disk.cd && !g_str_equal(disk.bus, "virtio-scsi"))
        disk.bus = "sata";
    /* Proxmox' default is none, except for a CD. */
    disk.cache = disk.cd ? NULL : cache ?: "none";
    disk.discard = g_strcmp0(discard, "on") == 0 ? "unmap" : NULL;
    /* On by itself, and then with discards (qemu-server's print_drive_commandline_full()). */
    const char *zeroes = node_take(line, "detect_zeroes");
    disk.zeroes = disk.cd || g_strcmp0(zeroes, "0") == 0 || g_strcmp0(zeroes, "off") == 0 ? NULL
                  : disk.discard                                                          ? "unmap"
                                                                                          : "on";
    disk.iothread = node_take_if(line, "iothread", "1");
    disk.rotation = node_take_if(line, "ssd", "1") ? "1" : NULL;
    disk.io = node_take(line, "aio");
    disk.queues = queues;
    disk.serial = node_take(line, "serial");
    disk.read_only = option_on(line, "ro");
    option_off(line, "ro");
    node_take_if(line, "iothread", "0");
    node_take_if(line, "ssd", "0");
    take_own(proxmox, line);
    DraftSection *section = path || (empty && disk.cd) ? disk_wish_write(proxmox->wishes, &disk) : NULL;
    if (section && backing && !disk.cd)
        draft_more(section, "Backing", line, "%s:%s", proxmox_volume_format(backing), backing);
}

void proxmox_read_state(Proxmox *proxmox, Node *line)
{
    bool efi = g_str_equal(line->name, "efidisk0");
    DraftSection *firmware = draft_section(proxmox->wishes->draft, "Firmware");

    if (efi && g_strcmp0(node_look(line, "pre-enrolled-keys"), "1") == 0)
        draft_set(firmware, "SecureBoot", line, "yes");
    if (!efi)
        draft_set(draft_section(proxmox->wishes->draft, "TPM"), "Version", line, "2.0");
    node_take_all(line);
    draft_left(proxmox->wishes->draft, line,
               efi ? "efidisk: the guest starts with fresh firmware variables (boot entries, enrolled "
                     "keys); pvesm path says where the old ones are, to be copied before the first start"
                   : "tpmstate: the emulated TPM starts empty; BitLocker asks for its recovery key unless "
                     "its state is copied");
}

void proxmox_read_network(Proxmox *proxmox, Node *line)
{
    static const char *const models[] = {"virtio",        "e1000",    "e1000e", "rtl8139", "vmxnet3",
                                         "ne2k_pci",      "pcnet",    "i82551", "i82557b", "i82559er",
                                         "e1000-82540em", "ne2k_isa", NULL};
    NetWish net = {.from = line, .id = line->name, .mode = "user", .name = "lan"};
    Node *firewall = node_at(line, "firewall"), *tag = node_at(line, "tag"),
         *trunks = node_at(line, "trunks");
    Node *rate = node_at(line, "rate"), *link = node_at(line, "link_down"), *mtu = node_at(line, "mtu");

    for (const char *const *model = models; *model; model++)
        if (node_at(line, *model)) {
            net.model = *model;
            net.mac = node_take(line, *model);
        }
    net.model = net.model ?: node_take(line, "model") ?: node_take(line, "volume") ?: "virtio";
    net.mac = net.mac ?: node_take(line, "macaddr");
    net.bridge = node_take(line, "bridge");
    net.queues = node_take(line, "queues");
    net.mode = net.bridge ? "bridge" : "user";
    net_wish_write(proxmox->wishes, &net);
    const struct {
        Node *node;
        const char *why;
    } left[] = {{firewall, "firewall: usher has none; the host's nftables filter what the bridge carries"},
                {tag, "tag: no key puts the card into a VLAN; make a bridge of the VLAN's interface, and "
                      "name it in Bridge="},
                {trunks, "no key puts the card into VLANs; make a bridge of each VLAN's interface"},
                {rate, "no key limits the card; tc does on the host"},
                {link, "the card's cable is always plugged in; Mode=none connects it to nothing"},
                {mtu, "the card has the bridge's MTU"}};
    for (size_t i = 0; i < G_N_ELEMENTS(left); i++) {
        if (!left[i].node)
            continue;
        node_take_all(left[i].node);
        if (g_strcmp0(left[i].node->value, "0") != 0)
            draft_left(proxmox->wishes->draft, left[i].node, "%s", left[i].why);
    }
}

/* Those that Proxmox gives to the first device of the line alone (PVE::QemuServer::PCI, "if $j == 0"). */
static void read_properties(Node *line, PciWish *first)
{
    static const char *const names[] = {"rombar",        "vendor-id",     "device-id",
                                        "sub-vendor-id", "sub-device-id", NULL};
    const char *rom = node_take(line, "romfile");
    g_autofree char *path = rom && *rom != '/' ? g_strconcat(ROM_FOLDER, rom, NULL) : g_strdup(rom);

    if (path)
        pci_wish_property(first, "romfile", path, line);
    for (const char *const *name = names; *name; name++)
        if (node_at(line, *name))
            pci_wish_property(first, *name, node_take(line, *name) ?: "", line);
}

/* qemu-server hides KVM from a guest with such a card, and has QEMU route VGA to it unless the firmware is
 * OVMF (PVE::QemuServer::PCI, print_hostpci_devices). */
static void read_primary(Proxmox *proxmox, Node *line)
{
    const Node *bios = node_at(proxmox->root, "bios");
    PciWish *card = pci_wish_find(proxmox->wishes, line->name);

    cpu_wish_feature(proxmox->wishes->cpu, "kvm", "off", line);
    if (g_strcmp0(bios ? node_look(bios, "volume") : NULL, "ovmf") == 0)
        draft_differs(proxmox->wishes->draft, line,
                      "x-vga: with UEFI firmware the card's own driver shows the screen");
    else if (card)
        pci_wish_property(card, "x-vga", "on", line);
}

void proxmox_read_lent(Proxmox *proxmox, Node *line)
{
    const char *host = node_take(line, "volume") ?: node_take(line, "host"),
               *mapping = node_take(line, "mapping"), *mdev = node_take(line, "mdev");
    g_auto(GStrv) hosts = g_strsplit(host ?: "", ";", -1);
    Node *bus = node_at(line, "pcie"), *igd = node_at(line, "legacy-igd");

    if (bus)
        draft_same(proxmox->wishes->draft, bus, "each device is behind a PCI Express root port of its own");
    if (mapping)
        draft_left(proxmox->wishes->draft, line,
                   "a device by Proxmox' own mapping %s; add a [PCI] section with its Address=", mapping);
    for (char **one = hosts; *one; one++) {
        if (!**one)
            continue;
        PciWish *pci = pci_wish_add(proxmox->wishes, *one, line->name, line);
        if (!pci) {
            draft_left(proxmox->wishes->draft, line,
                       "%s is no address of a device; usherctl devices lists them", *one);
            continue;
        }
        if (mdev)
            pci_wish_property(pci, "mdev", mdev, line);
        if (one == hosts)
            read_properties(line, pci);
    }
    if (option_on(line, "x-vga"))
        read_primary(proxmox, line);
    option_off(line, "x-vga");
    if (igd) {
        node_take_all(igd);
        draft_left(proxmox->wishes->draft, igd,
                   "legacy mode of Intel's graphics takes the old machine (i440fx); usher's is q35");
    }
}

void proxmox_read_usb(Proxmox *proxmox, Node *line)
{
    const char *host = node_take(line, "host") ?: node_take(line, "volume");
    g_auto(GStrv) parts = g_strsplit(host ?: "", ":", 2);
    Node *version = node_at(line, "usb3");

    if (version)
        draft_same(proxmox->wishes->draft, version, "the guest's USB controller knows all speeds");
    if (node_at(line, "mapping")) {
        node_take_all(line);
        draft_left(proxmox->wishes->draft, line,
                   "a device by Proxmox' own mapping; add a [USB] section with its ID= or Port=");
    } else if (!host || g_str_has_prefix(host, "spice")) {
        node_take_all(line);
        wish_usb_redirection(proxmox->wishes, line);
    } else if (parts[0] && parts[1]) {
        wish_usb(proxmox->wishes, parts[0], parts[1], NULL, line);
    } else {
        wish_usb(proxmox->wishes, NULL, NULL, host, line);
    }
}

void proxmox_read_audio(Proxmox *proxmox, Node *line)
{
    const char *device = node_take(line, "device") ?: node_take(line, "volume"),
               *driver = node_take(line, "driver") ?: "spice";

    wish_sound(proxmox->wishes, driver, NULL, line);
    wish_sound_card(proxmox->wishes, device ?: "ich9-intel-hda", line);
}

/* "scsi1", as ids have it: "disk-scsi1" → its section. */
static DraftSection *section_of(Proxmox *proxmox, const char *key)
{
    static const char *const kinds[] = {"Disk", "CDROM"};

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        DraftSection *section;
        for (unsigned n = 0; (section = draft_nth(proxmox->wishes->draft, kinds[i], n)); n++)
            if (g_str_equal(draft_name(section), key))
                return section;
    }
    return NULL;
}

static void read_order(Proxmox *proxmox, Node *line, const char *order)
{
    g_auto(GStrv) keys = g_strsplit(order, ";", -1);
    unsigned index = 1;

    for (char **key = keys; *key; key++) {
        DraftSection *section = section_of(proxmox, *key);
        PciWish *pci = pci_wish_find(proxmox->wishes, *key);
        g_autofree char *place = g_strdup_printf("%u", index);
        if (section)
            draft_set(section, "BootIndex", line, "%u", index++);
        else if (pci)
            pci_wish_property(pci, "bootindex", place, line);
        else if (g_str_has_prefix(*key, "net"))
            draft_left(proxmox->wishes->draft, line,
                       "%s: no key has the guest boot from a network card; choose it in the firmware's menu",
                       *key);
        else if (**key)
            draft_left(proxmox->wishes->draft, line, "%s was left out, so the guest does not boot from it",
                       *key);
        index += pci != NULL;
    }
}

void proxmox_read_boot(Proxmox *proxmox)
{
    Node *line = node_at(proxmox->root, "boot"), *disk = node_at(proxmox->root, "bootdisk");
    const char *order = line ? node_take(line, "order") : NULL,
               *legacy = line ? node_take(line, "legacy") ?: node_take(line, "volume") : NULL;

    if (disk) {
        node_take_all(disk);
        read_order(proxmox, disk, node_look(disk, "volume") ?: "");
    }
    if (order) {
        read_order(proxmox, line, order);
    } else if (legacy) {
        const char *kinds[8] = {NULL};
        for (unsigned n = 0; *legacy && n < 7; legacy++)
            kinds[n++] = *legacy == 'd' ? "cd" : *legacy == 'n' ? "net" : *legacy == 'c' ? "disk" : "floppy";
        wish_boot_order(proxmox->wishes, kinds, line);
    }
}
