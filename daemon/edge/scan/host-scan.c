/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"
#include "../../core/host/nat-range.h"
#include "../../core/host/vfio-driver.h"
#include "../sight/bar-size.h"
#include "host-memory.h"
#include "host-needs.h"
#include "host-cpus.h"
#include "host-scan.h"
#include "mediated-scan.h"
#include "usb-scan.h"
#include "vfio-scan.h"

/* An attribute; NULL if there is none, it is empty, or the kernel refuses to tell. */
static char *read_text(int dirfd, const char *name)
{
    char *value;
    if (file_read_value_at(dirfd, name, &value) < 0)
        return NULL;
    if (value[0] == '\0')
        g_clear_pointer(&value, g_free);
    return value;
}

/* The last part of a link's target, or NULL. */
static char *read_link(int dirfd, const char *name)
{
    char *target;
    return file_link_name_at(dirfd, name, &target) < 0 ? NULL : target;
}

static int read_number(int dirfd, const char *name, int otherwise)
{
    g_autofree char *text = read_text(dirfd, name);
    gint64 number;
    if (!text || !g_ascii_string_to_signed(text, 10, G_MININT, G_MAXINT, &number, NULL))
        return otherwise;
    return number;
}

/* A module's parameter of type bool. */
static bool read_flag(int dirfd, const char *name)
{
    g_autofree char *text = read_text(dirfd, name);
    return text && (text[0] == 'Y' || text[0] == 'y' || text[0] == '1');
}

/* All five identifiers in one read: "pci:v00001002d00006798sv…sd…bc03sc00i00" (modalias_show()). */
static int read_identity(int dirfd, HostDevice *device)
{
    g_autofree char *text = NULL;
    unsigned vendor, id, subvendor, subdevice, base, sub, interface;

    int r = file_read_value_at(dirfd, "modalias", &text);
    if (r < 0)
        return r;
    if (sscanf(text, "pci:v%8Xd%8Xsv%8Xsd%8Xbc%2Xsc%2Xi%2X", &vendor, &id, &subvendor, &subdevice, &base,
               &sub, &interface) != 7)
        return -EBADMSG;
    device->vendor = vendor;
    device->device = id;
    device->subvendor = subvendor;
    device->subdevice = subdevice;
    device->class = base << 16 | sub << 8 | interface;
    return 0;
}

/* The header type is only in config space, and reading that wakes the device. But the kernel accepts a
 * bridge's header only with a bridge's class, or hangs a bus below the device. */
static bool read_bridge(int dirfd, uint32_t class)
{
    unsigned kind = class >> 8;
    if (kind == 0x0604 || kind == 0x0607 || kind == 0x0609)
        return true;
    return faccessat(dirfd, "pci_bus", F_OK, 0) == 0;
}

static void read_group(int dirfd, HostDevice *device)
{
    g_autofree char *name = read_link(dirfd, "iommu_group");
    gint64 group;
    if (name && g_ascii_string_to_signed(name, 10, 0, G_MAXINT, &group, NULL))
        device->group = group;
}

/* bus/pci/devices/ADDRESS leads to devices/pci0000:00/0000:00:01.0/0000:01:00.0: the bridge comes before the
 * device. Behind Intel's VMD there is another root in between: …/0000:00:0e.0/pci10000:e0/10000:e0:06.0. */
static void read_upstream(int devices_fd, const char *name, HostDevice *device)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(devices_fd, name, target, sizeof(target) - 1);
    if (n < 0)
        return;
    target[n] = '\0';

    g_autofree char *path = g_path_get_dirname(target), *parent = g_path_get_basename(path);
    g_autofree char *beyond = g_path_get_dirname(path), *maker = g_path_get_basename(beyond);
    bool is_root = g_str_has_prefix(parent, "pci");
    device->has_upstream = pci_address_from_string(is_root ? maker : parent, &device->upstream) == 0;
}

static void read_physical(int dirfd, HostDevice *device)
{
    g_autofree char *name = read_link(dirfd, "physfn");
    device->virtual_function = name && pci_address_from_string(name, &device->physical) == 0;
}

/* Documentation/ABI/testing/sysfs-bus-pci. Not sriov_numvfs, which waits for the device's lock
 * (sriov_numvfs_show()): the virtual functions that exist are found themselves. */
static void read_sriov(int dirfd, HostDevice *device)
{
    g_autofree char *id = NULL;

    device->sriov.total = MAX(read_number(dirfd, "sriov_totalvfs", 0), 0);
    if (device->sriov.total == 0)
        return;
    device->sriov.offset = MAX(read_number(dirfd, "sriov_offset", 0), 0);
    device->sriov.stride = MAX(read_number(dirfd, "sriov_stride", 0), 0);
    id = read_text(dirfd, "sriov_vf_device");
    device->sriov.device = id ? strtoul(id, NULL, 16) : 0;
    device->sriov.autoprobe = read_text(dirfd, "sriov_drivers_autoprobe");
}

/* What VFIO calls the device, if a driver of its kind has it, whatever that is called: vfio_init_device() of
 * the kernel's vfio_main.c makes the folder. */
static char *read_vfio(int dirfd)
{
    g_auto(GStrv) names = NULL;

    if (file_list_at(dirfd, "vfio-dev", &names) < 0)
        return NULL;
    for (char **name = names; *name; name++)
        if (g_str_has_prefix(*name, "vfio"))
            return g_strdup(*name);
    return NULL;
}

/* The driver has been told to let go of the device and waits for whoever has it open
 * (vfio_unregister_group_dev()): the link has gone, what it made of the device has not. */
static bool leaving_vfio(int dirfd)
{
    return faccessat(dirfd, "vfio-dev", F_OK, 0) == 0;
}

/* Reading driver_override waits for the device's lock, which a hanging unbind holds for good; and by then the
 * driver link has gone, though the device is anything but free. */
static void read_binding(int dirfd, bool guarded, HostDevice *device)
{
    if (device->stuck)
        return;
    device->driver = read_link(dirfd, "driver");
    device->vfio = read_vfio(dirfd);
    device->stuck = !guarded && !device->driver && leaving_vfio(dirfd);
    if (guarded || device->stuck)
        return;
    device->override = read_text(dirfd, "driver_override");
    if (g_strcmp0(device->override, "(null)") == 0)
        g_clear_pointer(&device->override, g_free);
}

/* Config space reads as ones if the device does not answer; the kernel's copy in the attribute vendor would
 * not show that. Does not ask a device that sleeps, as reading would wake it; nor one on a driver of VFIO's,
 * whose user resets it at will: the read would wait for the end of the reset (pci_wait_cfg() in the kernel).
 */
static bool read_dead(int dirfd, const HostDevice *device)
{
    g_autofree char *status = read_text(dirfd, "power/runtime_status");
    uint8_t vendor[2];

    /* "suspending" counts, too. A device that could not be woken is in "error", and its config space
     * tells. */
    if (device->stuck || vfio_driver_has(device) || (status && g_str_has_prefix(status, "suspend")))
        return false;
    _cleanup_close_ int fd = openat(dirfd, "config", O_RDONLY | O_CLOEXEC);
    return fd >= 0 && read(fd, vendor, sizeof(vendor)) == sizeof(vendor) && vendor[0] == 0xff &&
           vendor[1] == 0xff;
}

/* A device that sleeps is not asked which sizes it can have, as reading would wake it, nor one on a driver of
 * VFIO's (as read_dead()). */
static void read_bars(int dirfd, bool guarded, HostDevice *device)
{
    g_autofree char *status = read_text(dirfd, "power/runtime_status");
    bool asks = !guarded && !device->stuck && !device->dead && !vfio_driver_has(device) &&
                !(status && g_str_has_prefix(status, "suspend"));
    unsigned base = device->class >> 16;
    uint64_t sizes[BARS_MAX];

    if ((base != 0x03 && base != 0x12) || bar_sizes_read(dirfd, sizes) < 0)
        return;
    for (unsigned i = 0; i < BARS_MAX; i++) {
        device->bars[i].size = sizes[i];
        device->bars[i].resizable = bar_resizable(dirfd, i);
        if (asks && device->bars[i].resizable)
            device->bars[i].sizes = bar_sizes_possible(dirfd, i);
    }
}

static int scan_device(int devices_fd, const char *name, GHashTable *skip, HostDevice *device)
{
    bool guarded = skip && g_hash_table_contains(skip, name);

    device->stuck = guarded && g_hash_table_lookup(skip, name);
    _cleanup_close_ int fd = openat(devices_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = read_identity(fd, device);
    if (r < 0)
        return r;

    device->bridge = read_bridge(fd, device->class);
    read_group(fd, device);
    read_upstream(devices_fd, name, device);
    read_physical(fd, device);
    read_binding(fd, guarded, device);
    read_sriov(fd, device);
    /* A card of another class than VGA (0380, say) has boot_display instead, since Linux 6.17. */
    device->boot_vga = device->class >> 16 == 0x03 &&
                       (read_number(fd, "boot_vga", 0) == 1 || read_number(fd, "boot_display", 0) == 1);
    device->reset_methods = read_text(fd, "reset_method");
    device->power.state = read_text(fd, "power_state");
    device->power.control = read_text(fd, "power/control");
    device->power.d3cold_allowed = read_text(fd, "d3cold_allowed");
    device->numa_node = read_number(fd, "numa_node", -1);
    /* Virtual functions have no vendor of their own there: it reads as ones (SR-IOV specification,
     * 3.4.1.1). */
    device->dead = !guarded && !device->virtual_function && read_dead(fd, device);
    read_bars(fd, guarded, device);
    if (g_strcmp0(device->power.state, "unknown") == 0)
        g_clear_pointer(&device->power.state, g_free);
    return 0;
}

static int scan_devices(const HostPlace *place, GHashTable *skip, Host *host)
{
    _cleanup_close_ int devices_fd =
        openat(place->sys_fd, "bus/pci/devices", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (devices_fd < 0)
        return errno == ENOENT ? 0 : -errno;
    g_auto(GStrv) names = NULL;
    int r = file_list_at(devices_fd, ".", &names);

    for (char **name = names; r >= 0 && *name; name++) {
        PciAddress address;
        if (pci_address_from_string(*name, &address) < 0)
            continue;
        HostDevice *device = host_add(host, address);
        r = scan_device(devices_fd, *name, skip, device);
        if (r == -ENOENT || r == -ENODEV) {
            g_ptr_array_remove_index(host->devices, host->devices->len - 1);
            r = 0;
        }
    }
    return r;
}

static void scan_link(const HostPlace *place, const char *name, Host *host)
{
    g_autofree char *path = g_strconcat("class/net/", name, NULL);
    _cleanup_close_ int fd = openat(place->sys_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    /* Beside links there is a file, bonding_masters. */
    if (fd < 0)
        return;

    HostLink *link = host_add_link(host, name);
    g_autofree char *flags = read_text(fd, "tun_flags");
    unsigned tun = flags ? strtoul(flags, NULL, 16) : 0;
    link->master = read_link(fd, "master");
    link->bridge = faccessat(fd, "bridge", F_OK, 0) == 0;
    g_autofree char *address = link->bridge ? read_text(fd, "address") : NULL;
    link->nat = g_str_equal(name, NAT_BRIDGE) && g_strcmp0(address, NAT_BRIDGE_ADDRESS) == 0;
    link->tap = tun & IFF_TAP && tun & IFF_PERSIST;
    link->multi_queue = tun & IFF_MULTI_QUEUE;
}

static void scan_links(const HostPlace *place, Host *host)
{
    g_auto(GStrv) names = NULL;

    if (file_list_at(place->sys_fd, "class/net", &names) < 0)
        return;
    for (char **name = names; *name; name++)
        scan_link(place, *name, host);
}

int host_scan(const HostPlace *place, GHashTable *skip, Host **ret)
{
    struct stat st;
    g_autoptr(Host) host = host_new();

    int r = scan_devices(place, skip, host);
    if (r < 0)
        return r;
    host_sort(host);
    scan_links(place, host);
    usb_scan(place, host);
    mediated_scan(place, host);
    /* Not access(2), which asks the device cgroup too: usherd may open no device. */
    host->vhost_net = fstatat(place->dev_fd, "vhost-net", &st, 0) == 0;
    host->macvtap = faccessat(place->sys_fd, "class/macvtap", F_OK, 0) == 0;
    for (unsigned i = 0; i < host->devices->len; i++) {
        const HostDevice *device = g_ptr_array_index(host->devices, i);
        host->iommu |= device->group != HOST_NO_GROUP;
    }
    vfio_scan(place->sys_fd, place->modules, host);
    vfio_scan_iommufd(place->proc_fd, place->dev_fd, host);
    host->unsafe_interrupts =
        read_flag(place->sys_fd, "module/vfio_iommu_type1/parameters/allow_unsafe_interrupts");
    host->noiommu = read_flag(place->sys_fd, "module/vfio/parameters/enable_unsafe_noiommu_mode");

    host_cpus_note(place->sys_fd, host);
    r = host_memory_note(place->sys_fd, place->proc_fd, host);
    if (r < 0)
        return r;
    r = host_needs_note(place, host);
    if (r < 0)
        return r;
    *ret = g_steal_pointer(&host);
    return 0;
}

int host_scan_again(const HostPlace *place, GHashTable *skip, Host *host, PciAddress address)
{
    g_autoptr(Host) fresh = host_new();
    HostDevice *now = host_add(fresh, address);
    const HostDevice *known = host_find(host, address);
    if (!known)
        return -ENOENT;
    _cleanup_close_ int devices_fd =
        openat(place->sys_fd, "bus/pci/devices", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (devices_fd < 0)
        return -errno;
    int r = scan_device(devices_fd, PCI_ADDRESS_STR(address), skip, now);
    if (r < 0)
        return r;

    now->needed_for = g_strdup(known->needed_for);
    host_replace(host, now);
    return 0;
}
