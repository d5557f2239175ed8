/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* -device, by its driver. */
#include <stdlib.h>
#include <string.h>

#include "board-wish.h"
#include "pci-wish.h"
#include "qemu-private.h"

static void read_placed(Qemu *qemu, Node *device)
{
    /* One item for all ports, however they are numbered. */
    g_free(device->shown);
    device->shown = g_strdup_printf("-device %s", node_look(device, "driver"));
    draft_same(qemu->wishes->draft, device,
               "usher places ports, bridges and controllers as the devices need them");
}

/* A device in whose properties nothing of the source's remains. */
static bool self_contained(const Node *device)
{
    static const char *const references[] = {"chardev",   "netdev",   "drive",   "memdev",
                                             "fsdev",     "audiodev", "tpmdev",  "rng",
                                             "cryptodev", "iothread", "display", NULL};

    for (const char *const *name = references; *name; name++)
        if (node_at(device, *name))
            return false;
    return true;
}

static void read_unknown(Qemu *qemu, Node *device)
{
    static const char *const own[] = {"bus", "addr", "id", NULL};

    if (!self_contained(device))
        return;
    g_autofree char *words = option_words(device, own);
    node_take_all(device);
    wish_argument(qemu->wishes, device, words);
}

static void read_vfio(Qemu *qemu, Node *device)
{
    const char *host = node_take(device, "host"), *sysfs = node_take(device, "sysfsdev"),
               *id = node_look(device, "id");
    g_autofree char *last = sysfs ? g_path_get_basename(sysfs) : NULL;
    bool mediated = last && strlen(last) == 36;
    PciWish *pci = mediated       ? pci_wish_add_mediated(qemu->wishes, last, id, device)
                   : host || last ? pci_wish_add(qemu->wishes, host ?: last, id, device)
                                  : NULL;

    if (!pci) {
        draft_left(qemu->wishes->draft, device,
                   "no address of a device is said; usherctl devices lists them");
        node_take_all(device);
        return;
    }
    if (g_strcmp0(node_look(device, "driver"), "pci-assign") == 0)
        draft_differs(qemu->wishes->draft, device,
                      "pci-assign is gone since QEMU 2.12; vfio-pci lends the device");
    qemu_take_place(qemu, device);
    for (unsigned i = 0; i < device->children->len; i++) {
        Node *property = device->children->pdata[i];
        if (property->taken)
            continue;
        pci_wish_property(pci, property->name, property->value ?: "on", device);
        node_take_all(property);
    }
}

static void read_usb_host(Qemu *qemu, Node *device)
{
    const char *vendor = node_take(device, "vendorid"), *product = node_take(device, "productid");
    const char *bus = node_take(device, "hostbus"), *port = node_take(device, "hostport");
    const char *number = node_take(device, "hostaddr"), *node = node_take(device, "hostdevice");
    g_autofree char *place = bus && port ? g_strdup_printf("%s-%s", bus, port) : NULL;

    qemu_take_place(qemu, device);
    if (vendor || place)
        wish_usb(qemu->wishes, vendor, product, place, device);
    else if (node)
        draft_left(qemu->wishes->draft, device,
                   "%s changes with each plugging; lsusb shows the device's ID for a [USB] section", node);
    else
        wish_usb_numbered(qemu->wishes, bus, number, device);
    Node *reset = node_at(device, "guest-reset"), *resets = node_at(device, "guest-resets-all");
    if (reset)
        draft_same(qemu->wishes->draft, reset, "QEMU's own way with resets of USB devices");
    if (resets)
        draft_same(qemu->wishes->draft, resets, "QEMU's own way with resets of USB devices");
}

static void read_virtio_input(Qemu *qemu, Node *device)
{
    const char *driver = node_look(device, "driver");
    const char *kind = strstr(driver, "keyboard") ? "keyboard" : strstr(driver, "mouse") ? "mouse" : "tablet";
    const char *evdev = node_take(device, "evdev");

    qemu_take_place(qemu, device);
    if (evdev) {
        wish_evdev(qemu->wishes, evdev, NULL, device);
        draft_differs(qemu->wishes->draft, device,
                      "host and guest use the device in turn, by the keys of GrabToggle=");
        return;
    }
    wish_virtio_input(qemu->wishes, kind, device);
}

static void read_usb_input(Qemu *qemu, Node *device)
{
    qemu_take_place(qemu, device);
    draft_differs(
        qemu->wishes->draft, device,
        "with [Display] the guest has a tablet as its mouse; its other mouse and keyboard are those of the "
        "board (PS/2)");
}

static void read_ivshmem(Qemu *qemu, Node *device)
{
    const char *memory = node_take(device, "memdev"), *shm = node_take(device, "shm"),
               *bare = node_take(device, "size");
    Node *object = qemu_find(qemu, "-object", "id", memory);
    const char *path = object ? node_look(object, "mem-path") : NULL,
               *size = object ? node_look(object, "size") : NULL;
    g_autofree char *file = shm ? g_strconcat("/dev/shm/", shm, NULL) : NULL;

    qemu_take_place(qemu, device);
    node_take(device, "master");
    if (object)
        node_take_all(object);
    wish_looking_glass(qemu->wishes, path ?: file ?: "the file", wish_parse_size(size ?: bare ?: "", object ? 1 : 1 << 20), device);
}

/* A virtio serial port is known by its name. */
static void read_port(Qemu *qemu, Node *device)
{
    const char *name = node_take(device, "name") ?: "";
    const char *chardev = node_take(device, "chardev");
    Node *other_end = qemu_find(qemu, "-chardev", "id", chardev);

    qemu_take_place(qemu, device);
    node_take(device, "nr");
    if (other_end)
        node_take_all(other_end);
    if (g_str_has_prefix(name, "org.qemu.guest_agent"))
        draft_set(draft_section(qemu->wishes->draft, "Agent"), "Enabled", device, "yes");
    else if (!g_str_has_prefix(name, "com.redhat.spice"))
        draft_left(qemu->wishes->draft, device,
                   "usher has channels for the guest agent and for SPICE alone, not %s", name);
}

static void read_serial(Qemu *qemu, Node *device)
{
    Node *other_end = qemu_find(qemu, "-chardev", "id", node_look(device, "chardev"));

    if (other_end)
        node_take_all(other_end);
    draft_same(qemu->wishes->draft, device,
               "a guest always has one serial port, which is its console: usherctl console");
}

static void read_tpm(Qemu *qemu, Node *device)
{
    Node *backend = qemu_find(qemu, "-tpmdev", "id", node_look(device, "tpmdev"));
    Node *other_end = backend ? qemu_find(qemu, "-chardev", "id", node_look(backend, "chardev")) : NULL;
    const char *type = backend ? node_look(backend, "type") : NULL;
    DraftSection *section = draft_section(qemu->wishes->draft, "TPM");

    draft_set(section, "Version", device, "2.0");
    if (g_strcmp0(type, "passthrough") == 0)
        draft_left(
            qemu->wishes->draft, device,
            "the host's own TPM is not given away; the guest has an emulated one (swtpm), which is another: "
            "have BitLocker's recovery key at hand");
    else
        draft_left(qemu->wishes->draft, device,
                   "the emulated TPM starts empty; what the old one keeps is in the folder of its swtpm, to "
                   "be copied to "
                   "/var/lib/usher/guests/NAME/tpm; else BitLocker asks for its recovery key");
    node_take_all(device);
    if (backend)
        node_take_all(backend);
    if (other_end)
        node_take_all(other_end);
}

static void read_balloon_device(Qemu *qemu, Node *device)
{
    node_take_all(device);
    draft_left(qemu->wishes->draft, device,
               "a guest with devices can give back none of its memory: there is no balloon");
}

static void read_rng(Qemu *qemu, Node *device)
{
    Node *source = qemu_find(qemu, "-object", "id", node_look(device, "rng"));

    node_take_all(device);
    if (source)
        node_take_all(source);
    wish_rng(qemu->wishes, device);
}

static void read_genid(Qemu *qemu, Node *device)
{
    node_take_all(device);
    wish_genid(qemu->wishes, node_look(device, "guid") ?: "", device);
}

static void read_socket_share(Qemu *qemu, Node *device)
{
    Node *other_end = qemu_find(qemu, "-chardev", "id", node_look(device, "chardev"));

    if (other_end)
        node_take_all(other_end);
    node_take_all(device);
    draft_left(qemu->wishes->draft, device,
               "only the virtiofsd at the other end knows which folder that is; add a [Share] section with "
               "its Path= "
               "and Tag=%s",
               node_look(device, "tag") ?: "");
}

/* Such a device would not start beside lent ones, or has no file to open. */
static void read_impossible(Qemu *qemu, Node *device)
{
    node_take_all(device);
    if (strstr(node_look(device, "driver"), "iommu"))
        draft_left(qemu->wishes->draft, device, "a guest with lent devices has no IOMMU of its own");
    else
        draft_left(
            qemu->wishes->draft, device,
            "no key connects host and guest by vsock; the agent and the console have channels of their own");
}

/* USB devices of the viewer's, one at a time each. */
static void read_redirection(Qemu *qemu, Node *device)
{
    Node *other_end = qemu_find(qemu, "-chardev", "id", node_look(device, "chardev"));
    DraftSection *display = draft_section(qemu->wishes->draft, "Display");
    const char *before = draft_get(display, "USBRedirect");

    node_take_all(device);
    if (other_end)
        node_take_all(other_end);
    if (node_at(qemu->root, "-spice"))
        draft_set(display, "USBRedirect", device, "%lu", (before ? strtoul(before, NULL, 10) : 0) + 1);
    else
        draft_left(qemu->wishes->draft, device, "nobody redirects a USB device without a SPICE server");
}

static void read_apple_smc(Qemu *qemu, Node *device)
{
    const char *key = node_take(device, "osk");

    node_take_all(device);
    draft_set(draft_section(qemu->wishes->draft, "Guest"), "AppleSMC", device, "%s", key ?: "");
}

static const QemuWord drivers[] = {
    {"vfio-pci*", read_vfio}, /* -nohotplug, too */
    {"pci-assign", read_vfio},
    {"kvm-pci-assign", read_vfio},
    {"usb-host", read_usb_host},
    {"pcie-root-port", read_placed},
    {"ioh3420", read_placed},
    {"pcie-pci-bridge", read_placed},
    {"pci-bridge", read_placed},
    {"i82801b11-bridge", read_placed},
    {"x3130-upstream", read_placed},
    {"xio3130-downstream", read_placed},
    {"pxb-pcie", read_placed},
    {"qemu-xhci", read_placed},
    {"nec-usb-xhci", read_placed},
    {"ich9-usb-*", read_placed},
    {"usb-ehci", read_placed},
    {"piix3-usb-uhci", read_placed},
    {"usb-hub", read_placed},
    {"virtio-serial*", read_placed},
    {"ich9-ahci", read_placed},
    {"ahci", read_placed},
    {"virtio-scsi*", read_placed},
    {"lsi*", read_placed},
    {"megasas*", read_placed},
    {"pvscsi*", read_placed},
    {"virtio-blk*", qemu_read_disk},
    {"scsi-*", qemu_read_disk},
    {"ide-*", qemu_read_disk},
    {"nvme", qemu_read_disk},
    {"usb-storage", qemu_read_disk},
    {"virtio-net*", qemu_read_card},
    {"e1000*", qemu_read_card},
    {"rtl8139", qemu_read_card},
    {"vmxnet3", qemu_read_card},
    {"igb", qemu_read_card},
    {"virtio-keyboard*", read_virtio_input},
    {"virtio-mouse*", read_virtio_input},
    {"virtio-tablet*", read_virtio_input},
    {"virtio-input-host*", read_virtio_input},
    {"usb-tablet", read_usb_input},
    {"usb-kbd", read_usb_input},
    {"usb-mouse", read_usb_input},
    {"ivshmem*", read_ivshmem},
    {"virtserialport", read_port},
    {"virtconsole", read_serial},
    {"isa-serial", read_serial},
    {"pci-serial", read_serial},
    {"tpm-*", read_tpm},
    {"virtio-balloon*", read_balloon_device},
    {"virtio-rng*", read_rng},
    {"i6300esb", qemu_read_watchdog},
    {"ib700", qemu_read_watchdog},
    {"pvpanic*", qemu_read_panic},
    {"vmgenid", read_genid},
    {"isa-applesmc", read_apple_smc},
    {"usb-redir", read_redirection},
    {"vhost-user-fs*", read_socket_share},
    {"vhost-vsock*", read_impossible},
    {"intel-iommu", read_impossible},
    {"amd-iommu", read_impossible},
    {"virtio-iommu*", read_impossible},
    {"ich9-intel-hda", qemu_read_sound_device},
    {"intel-hda", qemu_read_sound_device},
    {"AC97", qemu_read_sound_device},
    {"ac97", qemu_read_sound_device},
    {"usb-audio", qemu_read_sound_device},
    {"virtio-sound*", qemu_read_sound_device},
    {"ES1370", qemu_read_sound_device},
    {"hda-*", qemu_read_codec},
    {"VGA", qemu_read_vga_device},
    {"qxl*", qemu_read_vga_device},
    {"virtio-vga*", qemu_read_vga_device},
    {"virtio-gpu*", qemu_read_vga_device},
    {"bochs-display", qemu_read_vga_device},
    {"ramfb", qemu_read_vga_device},
    {"cirrus-vga", qemu_read_vga_device},
};

void qemu_read_device(Qemu *qemu, Node *device)
{
    const char *driver = node_look(device, "driver") ?: "";
    const QemuWord *word = qemu_word(drivers, G_N_ELEMENTS(drivers), driver);

    if (word)
        word->read(qemu, device);
    else if (*driver)
        read_unknown(qemu, device);
}
