/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* <disk> and <interface>. */
#include <string.h>

#include "disk-wish.h"
#include "libvirt-private.h"
#include "net-wish.h"
#include "pci-wish.h"

/* The controller of a SCSI disk has its queues and thread. */
static Node *controller_of(Libvirt *libvirt, Node *device)
{
    const char *wanted = node_look(device, "address/@controller") ?: "0";

    for (unsigned i = 0; i < libvirt->devices->children->len; i++) {
        Node *child = libvirt->devices->children->pdata[i];
        if (g_str_equal(child->name, "controller") && g_strcmp0(node_look(child, "@type"), "scsi") == 0 &&
            g_strcmp0(node_look(child, "@index"), wanted) == 0)
            return child;
    }
    return NULL;
}

static void read_backing(Node *chain, DraftSection *section)
{
    for (; chain; chain = node_at(chain, "backingStore")) {
        const char *format = node_take(chain, "format/@type");
        const char *file = node_take(chain, "source/@file") ?: node_take(chain, "source/@dev");
        node_take(chain, "@type");
        node_take(chain, "@index");
        node_take(chain, "source/@index");
        chain->taken = true;
        if (format && file)
            draft_more(section, "Backing", chain, "%s:%s", format, file);
    }
}

static const char *bus_of(Node *device)
{
    const char *bus = node_take(device, "target/@bus"), *target = node_look(device, "target/@dev") ?: "";

    if (!bus)
        bus = g_str_has_prefix(target, "vd") ? "virtio" : g_str_has_prefix(target, "sd") ? "scsi" : "sata";
    return g_str_equal(bus, "virtio") ? "virtio-blk"
           : g_str_equal(bus, "scsi") ? "virtio-scsi"
           : g_str_equal(bus, "nvme") ? "nvme"
           : g_str_equal(bus, "usb")  ? "usb"
                                      : "sata";
}

/* The path, or what stands in its place; the caller frees it. */
static char *path_of(Libvirt *libvirt, Node *device)
{
    const char *path = node_take(device, "source/@file") ?: node_take(device, "source/@dev");
    const char *pool = node_take(device, "source/@pool"), *volume = node_take(device, "source/@volume");

    if (path || !pool || !volume)
        return g_strdup(path);
    char *mapped = wish_mapped(libvirt->wishes, pool, volume);
    if (!mapped)
        draft_left(libvirt->wishes->draft, device,
                   "%s is a volume of the pool %s; virsh vol-path --pool %s %s says where: add "
                   "--map=%s=FOLDER, or a [Disk] "
                   "section",
                   volume, pool, pool, volume, pool);
    return mapped;
}

static void read_driver(Libvirt *libvirt, Node *device, DiskWish *disk)
{
    Node *driver = node_at(device, "driver"), *errors;
    static const char *const own[] = {
        "@name", "@error_policy", "@rerror_policy", "@ioeventfd", "@event_idx", "@copy_on_read", NULL};

    if (!driver)
        return;
    disk->format = node_take(driver, "@type");
    disk->cache = node_take(driver, "@cache");
    if (g_strcmp0(disk->cache, "default") == 0)
        disk->cache = NULL;
    disk->io = node_take(driver, "@io");
    disk->discard = node_take(driver, "@discard");
    disk->zeroes = node_take(driver, "@detect_zeroes");
    disk->queues = node_take(driver, "@queues");
    disk->iothread = node_take(driver, "@iothread") != NULL;
    for (const char *const *name = own; *name; name++)
        if ((errors = node_at(driver, *name)) && !g_str_equal(*name, "@name"))
            draft_same(libvirt->wishes->draft, errors, "QEMU's own way with disks");
        else if (errors)
            node_take_all(errors);
}

static void read_rest(Libvirt *libvirt, Node *device, DraftSection *section)
{
    Node *policy = node_at(device, "source/@startupPolicy"), *wwn = node_at(device, "wwn");

    read_backing(node_at(device, "backingStore"), section);
    /* "requisite" is about migration; at a start it demands as "mandatory" does, which is the default. */
    if (policy) {
        bool optional = g_strcmp0(policy->value, "optional") == 0;
        node_take_all(policy);
        draft_set(section, "Optional", policy, optional ? "yes" : "no");
    }
    if (wwn)
        draft_same(libvirt->wishes->draft, wwn, "the guest knows the disk by its serial number");
}

/* <disk type='nvme'>: QEMU drives the controller itself; lent as a whole it is the guest's. */
static void read_nvme(Libvirt *libvirt, Node *device)
{
    if (libvirt_lend(libvirt, node_at(device, "source/address"), NULL, device))
        draft_differs(libvirt->wishes->draft, device, "the NVMe controller itself is lent to the guest");
    node_take_all(device);
}

/* Why no section can be such a disk; NULL: one can. */
static const char *unsayable(Node *device, const char *type, const char *kind)
{
    if (g_str_equal(kind, "floppy"))
        return "usher's disks are image files and block devices, not floppies";
    if (g_str_equal(type, "network") || g_str_equal(type, "dir") || g_str_equal(type, "vhostuser"))
        return "usher's disks are image files and block devices: none of a network, of a folder or of "
               "vhost-user";
    if (node_at(device, "encryption") || node_at(device, "source/encryption"))
        return "the image is encrypted (LUKS), and libvirt has its key; usher opens none, and without the "
               "key "
               "the guest would take it for an empty disk";
    if (node_at(device, "source/slices"))
        return DISK_WINDOW;
    return node_at(device, "transient") ? DISK_PASSING : NULL;
}

void libvirt_read_disk(Libvirt *libvirt, Node *device)
{
    const char *type = node_take(device, "@type") ?: "file", *kind = node_take(device, "@device") ?: "disk";
    DiskWish disk = {
        .cd = g_str_equal(kind, "cdrom"), .id = node_look(device, "alias/@name"), .from = device};

    if (g_str_equal(type, "nvme")) {
        read_nvme(libvirt, device);
        return;
    }
    libvirt_take_place(libvirt, device);
    const char *left = unsayable(device, type, kind);
    if (left) {
        node_take_all(device);
        draft_left(libvirt->wishes->draft, device, "%s", left);
        return;
    }
    bool volume = node_at(device, "source/@pool") && node_at(device, "source/@volume");
    g_autofree char *path = path_of(libvirt, device), *name = NULL;
    node_take(device, "source/@index");
    node_take(device, "target/@tray");
    disk.bus = bus_of(device);
    disk.path = path && *path ? path : NULL;
    disk.name = node_take(device, "target/@dev");
    disk.rotation = node_take(device, "target/@rotation_rate");
    disk.serial = node_take(device, "serial");
    disk.boot_index = node_take(device, "boot/@order");
    disk.read_only = node_take(device, "readonly") != NULL;
    disk.whole_scsi = g_str_equal(kind, "lun");
    disk.logical = node_take(device, "blockio/@logical_block_size");
    disk.physical = node_take(device, "blockio/@physical_block_size");
    node_take(device, "shareable");
    node_take(device, "@snapshot");
    node_take(device, "@sgio");
    node_take(device, "@model");
    read_driver(libvirt, device, &disk);
    Node *controller = g_str_equal(disk.bus, "virtio-scsi") ? controller_of(libvirt, device) : NULL;
    if (controller) {
        disk.queues = node_take(controller, "driver/@queues");
        disk.iothread = node_take(controller, "driver/@iothread") != NULL;
    }
    if (!disk.path && (volume || !disk.cd)) {
        if (!volume)
            draft_left(libvirt->wishes->draft, device, "the disk has no file and no device");
        return;
    }
    DraftSection *section = disk_wish_write(libvirt->wishes, &disk);
    if (section)
        read_rest(libvirt, device, section);
}

static void take_words(Node *node, const char *const *names)
{
    for (; *names; names++)
        node_take(node, *names);
}

/* libvirt's own networks: of "default" alone it is known that it is NAT; another may be cut off from the rest
 * of the world. Without a mode the card is left out. */
static void read_network(Libvirt *libvirt, Node *device, NetWish *net)
{
    const char *network = node_take(device, "source/@network") ?: "",
               *bridge = node_take(device, "source/@bridge");

    if (g_str_equal(network, "default")) {
        net->mode = "nat";
        draft_differs(libvirt->wishes->draft, device,
                      "libvirt's network %s (NAT) is there only while libvirt is; usher's own has other "
                      "addresses, and to keep libvirt's write Mode=bridge and Bridge=%s",
                      network, bridge ?: "virbr0");
    } else if (bridge) {
        net->mode = "bridge";
        net->bridge = bridge;
        draft_differs(libvirt->wishes->draft, device,
                      "the bridge of libvirt's network %s: libvirt must have started it", network);
    } else {
        draft_left(
            libvirt->wishes->draft, device,
            "what libvirt's network %s is connected to stands in libvirt alone (virsh net-dumpxml %s); "
            "add a [Network] section with Mode=bridge and its bridge",
            network, network);
    }
}

/* false: it is no card of usher's. */
static bool read_connection(Libvirt *libvirt, Node *device, const char *type, NetWish *net)
{
    if (g_str_equal(type, "network")) {
        read_network(libvirt, device, net);
    } else if (g_str_equal(type, "bridge")) {
        net->mode = "bridge";
        net->bridge = node_take(device, "source/@bridge");
    } else if (g_str_equal(type, "direct")) {
        const char *mode = node_take(device, "source/@mode");
        net->mode = "macvtap";
        net->parent = node_take(device, "source/@dev");
        if (mode && !g_str_equal(mode, "bridge"))
            draft_differs(libvirt->wishes->draft, device, "macvtap works in the mode bridge, not %s", mode);
    } else if (g_str_equal(type, "user") || g_str_equal(type, "null")) {
        net->mode = g_str_equal(type, "user") ? "user" : "none";
    } else if (g_str_equal(type, "ethernet") && node_at(device, "target/@dev")) {
        net->mode = "tap";
        net->device = node_take(device, "target/@dev");
    } else {
        return false;
    }
    return true;
}

/* <interface type='hostdev'>: a function of a card. */
static void read_lent(Libvirt *libvirt, Node *device)
{
    if (libvirt_lend(libvirt, node_at(device, "source/address"), node_look(device, "alias/@name"), device))
        draft_left(libvirt->wishes->draft, device,
                   "the function's MAC address stays the one that its driver gives it");
    node_take_all(device);
}

static void read_forward(Libvirt *libvirt, Node *forward, DraftSection *section)
{
    const char *protocol = node_take(forward, "@proto") ?: "tcp",
               *address = node_take(forward, "@address") ?: "";

    for (unsigned i = 0; i < forward->children->len; i++) {
        Node *range = forward->children->pdata[i];
        const char *start = node_look(range, "@start"), *to = node_look(range, "@to") ?: start;
        if (!start || node_at(range, "@end"))
            continue;
        node_take_all(range);
        g_autofree char *rule = g_strdup_printf("%s:%s:%s-:%s", protocol, address, start, to);
        net_wish_forward(libvirt->wishes, section, rule, forward);
    }
}

/* What passt does, QEMU's own network of the user does as well, but slower. */
static void read_user(Libvirt *libvirt, Node *device, DraftSection *section)
{
    Node *backend = node_at(device, "backend");

    if (backend && g_strcmp0(node_look(backend, "@type"), "passt") == 0) {
        node_take_all(backend);
        node_take(device, "source/@dev");
        draft_differs(libvirt->wishes->draft, device,
                      "passt: Mode=user is QEMU's own network, with the same reach and other addresses");
    }
    for (unsigned i = 0; i < device->children->len; i++) {
        Node *child = device->children->pdata[i];
        if (g_str_equal(child->name, "portForward"))
            read_forward(libvirt, child, section);
    }
}

void libvirt_read_interface(Libvirt *libvirt, Node *device)
{
    static const char *const own[] = {"source/@portid",
                                      "target/@dev",
                                      "@trustGuestRxFilters",
                                      "@managed",
                                      "driver/@name",
                                      "model",
                                      "guest/@dev",
                                      "mac/@type",
                                      "target/@managed",
                                      "script/@path",
                                      "source/@bridge",
                                      "@connectionid",
                                      NULL};
    const char *type = node_take(device, "@type") ?: "user", *state = node_take(device, "link/@state");
    NetWish net = {.id = node_look(device, "alias/@name"), .from = device};

    if (g_str_equal(type, "hostdev")) {
        read_lent(libvirt, device);
        return;
    }
    libvirt_take_place(libvirt, device);
    net.model = node_take(device, "model/@type") ?: "rtl8139";
    net.mac = node_take(device, "mac/@address");
    net.queues = node_take(device, "driver/@queues");
    if (!read_connection(libvirt, device, type, &net)) {
        net.mode = "none";
        draft_left(libvirt->wishes->draft, device, "no Mode= is like %s; the card is connected to nothing",
                   type);
    }
    take_words(device, own);
    if (!net.mode) {
        node_take_all(device);
        return;
    }
    net.name = g_str_equal(net.mode, "user") ? "nat" : "lan";
    DraftSection *section = net_wish_write(libvirt->wishes, &net);
    if (g_str_equal(type, "user"))
        read_user(libvirt, device, section);
    if (g_strcmp0(state, "down") == 0)
        draft_left(libvirt->wishes->draft, device,
                   "the card's cable is always plugged in; Mode=none connects it to nothing");
    if (node_take(device, "boot/@order"))
        draft_left(libvirt->wishes->draft, device,
                   "no key has the guest boot from a network card; choose it in the firmware's menu");
}
