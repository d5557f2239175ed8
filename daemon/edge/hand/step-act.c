/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"
#include "../../core/definition/network.h"
#include "../../core/host/pci-address.h"
#include "../../core/host/vfio-driver.h"
#include "bar-size-step.h"
#include "config.h"
#include "holder-disk.h"
#include "holder-kernel.h"
#include "holder-links.h"
#include "holder-nodes.h"
#include "link.h"
#include "mediated-step.h"
#include "node-owner.h"
#include "shared-memory.h"
#include "step-act.h"
#include "../sight/tuning.h"
#include "usb-drivers.h"
#include "../sight/usb-interfaces.h"

#define DEVICES "bus/pci/devices"
#define DRIVERS "bus/pci/drivers"
#define GROUP_CLOSE_TRIES 50
#define GROUP_CLOSE_WAIT_USEC (100 * 1000)

/* The subject comes from a process with fewer rights than this one: it must not lead anywhere else. */
static int check_address(const Step *step)
{
    PciAddress address;
    if (pci_address_from_string(step->subject, &address) < 0 ||
        strcmp(PCI_ADDRESS_STR(address), step->subject) != 0)
        return -EINVAL;
    return 0;
}

static char *device_path(const Step *step, const char *attribute)
{
    return g_strdup_printf(DEVICES "/%s/%s", step->subject, attribute);
}

static int read_attribute(const StepPlace *place, const Step *step, const char *attribute, char **ret)
{
    g_autofree char *path = device_path(step, attribute);
    int r = file_read_value_at(place->sys_fd, path, ret);
    /* ENODEV: the device went between open and read. */
    if (r == -ENOENT || r == -ENODEV) {
        *ret = NULL;
        return 0;
    }
    return r;
}

static int read_override(const StepPlace *place, const Step *step, char **ret)
{
    g_autofree char *value = NULL;
    int r = read_attribute(place, step, "driver_override", &value);
    if (r < 0)
        return r;
    *ret = g_strcmp0(value, "(null)") == 0 ? g_strdup("") : g_steal_pointer(&value);
    return 0;
}

static int read_driver(const StepPlace *place, const Step *step, char **ret)
{
    g_autofree char *device = device_path(step, "");
    if (faccessat(place->sys_fd, device, F_OK, 0) < 0) {
        if (errno != ENOENT)
            return -errno;
        *ret = NULL;
        return 0;
    }

    g_autofree char *link = device_path(step, "driver");
    int r = file_link_name_at(place->sys_fd, link, ret);
    if (r == -ENOENT) {
        *ret = g_strdup("");
        return 0;
    }
    return r;
}

/* Reading would wake a device that sleeps, which a reset does anyway. */
static int read_answer(const StepPlace *place, const Step *step, char **ret)
{
    g_autofree char *path = device_path(step, "config");
    uint8_t vendor[2];

    _cleanup_close_ int fd = openat(place->sys_fd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        *ret = NULL;
        return 0;
    }
    ssize_t n = fd < 0 ? -1 : read(fd, vendor, sizeof(vendor));
    if (n < 0)
        return -errno;
    bool answers = n == sizeof(vendor) && (vendor[0] != 0xff || vendor[1] != 0xff);
    *ret = g_strdup(answers ? STEP_LIVE_ANSWERS : STEP_LIVE_SILENT);
    return 0;
}

/* Only links of usher's own: this program could change any link. */
static int check_link(const Step *step)
{
    const char *name = step->subject;

    if (!g_str_has_prefix(name, LINK_PREFIX) || strlen(name) > LINK_NAME_MAX ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(name))
        return -EINVAL;
    return 0;
}

static int read_link(const StepPlace *place, const Step *step, char **ret)
{
    int r = check_link(step);

    return r < 0 ? r : link_read(place->sys_fd, step->subject, ret);
}

static int write_tuning(const StepPlace *place, const Step *step)
{
    g_autofree char *path = tuning_path(step);

    return path ? file_write_value_at(place->sys_fd, path, step->after) : -EINVAL;
}

int step_read(const StepPlace *place, const Step *step, char **ret)
{
    if (step->kind == STEP_NODE_OWNER)
        return node_owner_read(place->dev_fd, step->subject, ret);
    if (step->kind == STEP_LINK)
        return read_link(place, step, ret);
    if (step->kind == STEP_SHARED_MEMORY)
        return shared_memory_read(place->dev_fd, step->subject, ret);
    if (step->kind == STEP_MODULE || step->kind == STEP_HUGE_PAGES || step->kind == STEP_GOVERNOR)
        return step_look(place, step, ret);
    if (step->kind == STEP_USB_DRIVERS)
        return usb_drivers_read(place->sys_fd, step->subject, ret);
    if (step->kind == STEP_MEDIATED)
        return mediated_read(place->sys_fd, step, ret);

    int r = check_address(step);
    if (r < 0)
        return r;
    switch (step->kind) {
    case STEP_POWER_CONTROL:
        return read_attribute(place, step, "power/control", ret);
    case STEP_D3COLD:
        return read_attribute(place, step, "d3cold_allowed", ret);
    case STEP_DRIVER:
        return read_driver(place, step, ret);
    case STEP_OVERRIDE:
        return read_override(place, step, ret);
    case STEP_RESET:
        return read_answer(place, step, ret);
    case STEP_AUTOPROBE:
        return read_attribute(place, step, "sriov_drivers_autoprobe", ret);
    case STEP_FUNCTIONS:
        return read_attribute(place, step, "sriov_numvfs", ret);
    case STEP_BAR_SIZE:
        return bar_size_read(place->sys_fd, step, ret);
    default:
        return -EINVAL;
    }
}

static int write_attribute(const StepPlace *place, const Step *step, const char *attribute, const char *value)
{
    g_autofree char *path = device_path(step, attribute);
    return file_write_value_at(place->sys_fd, path, value);
}

/* Somebody who has just let go of a group may take a moment: vhost keeps the descriptor a little longer than
 * QEMU lives, and QEMU tells that it is rid of a device before it has unpinned the guest's memory. */
static int check_group_closed(const StepPlace *place, const Step *step)
{
    g_autofree char *link = device_path(step, "iommu_group"), *group = NULL;
    int r = file_link_name_at(place->sys_fd, link, &group);
    if (r < 0)
        return r;

    g_autofree char *node = g_strdup_printf("vfio/%s", group);
    for (unsigned i = 0; i < GROUP_CLOSE_TRIES; i++) {
        _cleanup_close_ int fd = openat(place->dev_fd, node, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (fd >= 0 || errno == ENOENT)
            return 0;
        if (errno != EBUSY)
            return -errno;
        g_usleep(GROUP_CLOSE_WAIT_USEC);
    }
    return -EBUSY;
}

static HolderPlace holder_place_of(const StepPlace *place)
{
    return (HolderPlace){.sys_fd = place->sys_fd, .proc_fd = place->proc_fd, .dev_fd = place->dev_fd};
}

/* Earlier answers may be out of date: only the kernel knows, and only while the claim stands. */
static int claim_disks(const StepPlace *place, GHashTable *nodes, DiskClaim **ret, GPtrArray **ret_holders)
{
    g_autoptr(GPtrArray) holders = holders_new();
    HolderPlace where = holder_place_of(place);

    /* Users who claim nothing; the claim itself finds the others. */
    holder_kernel_add(&where, nodes, holders);
    int r = holders->len > 0 ? 1 : holder_disk_claim(&where, nodes, true, ret, holders);
    if (r <= 0)
        return r;
    *ret_holders = g_steal_pointer(&holders);
    return -EBUSY;
}

static int unbind(const StepPlace *place, const Step *step, GPtrArray **ret_holders)
{
    g_autoptr(GHashTable) nodes = holder_nodes_new();
    g_autoptr(GPtrArray) stack = holders_new();
    HolderPlace where = holder_place_of(place);
    DiskClaim *claim = NULL;

    holder_nodes_add(&where, step->subject, nodes, stack);
    int r = claim_disks(place, nodes, &claim, ret_holders);
    if (r == 0)
        r = write_attribute(place, step, "driver/unbind", step->subject);
    disk_claim_free(claim);
    return r;
}

/* Virtual functions go at once, whatever driver somebody has given them meanwhile. */
static int write_functions(const StepPlace *place, const Step *step, GPtrArray **ret_holders)
{
    g_autofree char *folder = device_path(step, "");
    g_autoptr(GHashTable) nodes = holder_nodes_new();
    g_autoptr(GPtrArray) stack = holders_new();
    g_auto(GStrv) names = NULL;
    HolderPlace where = holder_place_of(place);
    DiskClaim *claim = NULL;

    int r = file_list_at(place->sys_fd, folder, &names);
    if (r < 0)
        return r;
    for (char **name = names; *name; name++) {
        g_autofree char *link = device_path(step, *name), *address = NULL;
        if (g_str_has_prefix(*name, "virtfn") && file_link_name_at(place->sys_fd, link, &address) >= 0)
            holder_nodes_add(&where, address, nodes, stack);
    }
    r = claim_disks(place, nodes, &claim, ret_holders);
    if (r == 0)
        r = write_attribute(place, step, "sriov_numvfs", step->after);
    disk_claim_free(claim);
    return r;
}

/* Checks a network adapter's links, and what is built upon them, as a plan does for a card: plans do not ask
 * about USB devices, which come while the guest runs. */
static int check_usb_links(const StepPlace *place, const char *folder, GPtrArray **ret_holders)
{
    g_autoptr(GPtrArray) holders = holders_new();
    g_autofree char *port = g_path_get_basename(folder);
    HolderPlace where = holder_place_of(place);

    int r = holder_links_add(&where, (char *[]){port, NULL}, holders);
    if (r < 0 || holders->len == 0)
        return r;
    *ret_holders = g_steal_pointer(&holders);
    return -EBUSY;
}

static int write_usb(const StepPlace *place, const Step *step, GPtrArray **ret_holders)
{
    g_autoptr(GHashTable) nodes = holder_nodes_new();
    g_autoptr(GPtrArray) stack = holders_new();
    g_autofree char *folder = NULL;
    HolderPlace where = holder_place_of(place);
    DiskClaim *claim = NULL;

    int r = usb_drivers_folder(place->sys_fd, step->subject, &folder);
    if (r >= 0 && usb_drivers_leave(place->sys_fd, folder, step->after)) {
        holder_nodes_add_device(&where, folder, step->subject, nodes, stack);
        /* Not on the way back: what a guest did to a device is no reason to keep the device. */
        r = step->after[0] == '\0' ? check_usb_links(place, folder, ret_holders) : 0;
        if (r >= 0)
            r = claim_disks(place, nodes, &claim, ret_holders);
    }
    if (r >= 0)
        r = usb_drivers_write(place->sys_fd, step->subject, step->after);
    disk_claim_free(claim);
    return r;
}

static int write_driver(const StepPlace *place, const Step *step, GPtrArray **ret_holders)
{
    if ((step->before[0] == '\0') == (step->after[0] == '\0'))
        return -EINVAL;
    if (step->after[0] == '\0')
        return unbind(place, step, ret_holders);
    /* A probe for a missing driver succeeds and binds nothing, so the driver is checked first. */
    g_autofree char *driver = step_look_driver(place, step->after);
    if (!driver)
        return -ENOPKG;
    /* While the group is in use, the kernel refuses a driver of the host's and leaves the device without
     * any. */
    int r = vfio_driver_named(driver) ? 0 : check_group_closed(place, step);
    if (r < 0 && r != -ENOENT)
        return r;
    return file_write_value_at(place->sys_fd, "bus/pci/drivers_probe", step->subject);
}

/* The kernel would reset a device under a running guest without a word. */
static int write_reset(const StepPlace *place, const Step *step)
{
    int r = check_group_closed(place, step);
    return r < 0 ? r : write_attribute(place, step, "reset", "1");
}

/* The override goes by the name that the driver is registered by. */
static int write_override(const StepPlace *place, const Step *step)
{
    g_autofree char *driver = step->after[0] ? step_look_driver(place, step->after) : NULL;

    /* A newline clears it; a write of no bytes at all never reaches the driver core. */
    return write_attribute(place, step, "driver_override",
                           driver           ? driver
                           : step->after[0] ? step->after
                                            : "\n");
}

static int load_module(const char *module)
{
    char *const argv[] = {(char *)"modprobe", (char *)module, NULL};
    char *const envp[] = {NULL};
    pid_t pid;
    int status;

    int r = posix_spawn(&pid, USHER_MODPROBE, NULL, NULL, argv, envp);
    if (r != 0)
        return -r;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ENOPKG;
}

static int step_write(const StepPlace *place, const Step *step, GPtrArray **ret_holders)
{
    switch (step->kind) {
    case STEP_MODULE:
        return strcmp(step->after, "live") == 0 ? load_module(step->subject) : -EINVAL;
    case STEP_POWER_CONTROL:
        return write_attribute(place, step, "power/control", step->after);
    case STEP_D3COLD:
        return write_attribute(place, step, "d3cold_allowed", step->after);
    case STEP_DRIVER:
        return write_driver(place, step, ret_holders);
    case STEP_OVERRIDE:
        return write_override(place, step);
    case STEP_RESET:
        return write_reset(place, step);
    case STEP_AUTOPROBE:
        return write_attribute(place, step, "sriov_drivers_autoprobe", step->after);
    case STEP_FUNCTIONS:
        return write_functions(place, step, ret_holders);
    case STEP_BAR_SIZE:
        return bar_size_write(place->sys_fd, step);
    case STEP_NODE_OWNER:
        return node_owner_write(place->dev_fd, step->subject, step->after);
    case STEP_LINK:
        return step->after[0] ? link_make(place->sys_fd, step->subject, step->after)
                              : link_remove(step->subject);
    case STEP_SHARED_MEMORY:
        return step->after[0] ? shared_memory_make(place->dev_fd, step->subject, step->after)
                              : shared_memory_remove(place->dev_fd, step->subject);
    case STEP_HUGE_PAGES:
    case STEP_GOVERNOR:
        return write_tuning(place, step);
    case STEP_USB_DRIVERS:
        return write_usb(place, step, ret_holders);
    case STEP_MEDIATED:
        return mediated_write(place->sys_fd, step);
    default:
        return -EINVAL;
    }
}

static WorkerVerdict step_failed(char **ret_live, char **live, int *ret_error, int error)
{
    *ret_live = g_steal_pointer(live);
    *ret_error = error;
    return WORKER_FAILED;
}

WorkerVerdict step_act(const StepPlace *place, const Step *step, char **ret_live, int *ret_error,
                       GPtrArray **ret_holders)
{
    g_autofree char *live = NULL;
    *ret_holders = NULL;
    int r = step_read(place, step, &live);
    if (r < 0)
        return step_failed(ret_live, &live, ret_error, r);

    StepView view = step_forestalled(step, live) ? STEP_VIEW_DRIFT : step_view(step, live);
    if (view != STEP_VIEW_BEFORE) {
        *ret_live = g_steal_pointer(&live);
        return view == STEP_VIEW_AFTER ? WORKER_DONE : WORKER_DRIFT;
    }

    int error = step_write(place, step, ret_holders);
    g_clear_pointer(&live, g_free);
    r = step_read(place, step, &live);
    if (r < 0)
        return step_failed(ret_live, &live, ret_error, error < 0 ? error : r);
    if (!step_taken(step, live, error))
        return step_failed(ret_live, &live, ret_error, error < 0 ? error : -EIO);
    *ret_live = g_steal_pointer(&live);
    return WORKER_DONE;
}
