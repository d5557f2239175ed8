/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Functions that another one's driver makes: virtual ones (SR-IOV; drivers/pci/iov.c and pci-sysfs.c in the
 * kernel), and those behind Intel's VMD (drivers/pci/controller/vmd.c). */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "../../daemon/core/host/pci-address.h"
#include "fake-host-private.h"

#define OFFSET 2
#define STRIDE 2

void fake_host_add_sriov(FakeHost *host, const char *address, unsigned total, int first_group,
                         const char *driver)
{
    FakeDevice *device = fake_device_of(host, address);
    g_autofree char *number = fake_text("%u", total);

    device->sriov.total = total;
    device->sriov.offset = OFFSET;
    device->sriov.stride = STRIDE;
    device->sriov.group = first_group;
    device->sriov.driver = driver;
    fake_device_put(host, device, "sriov_totalvfs", number);
    fake_device_put(host, device, "sriov_numvfs", "0");
    fake_device_put(host, device, "sriov_offset", "2");
    fake_device_put(host, device, "sriov_stride", "2");
    fake_device_put(host, device, "sriov_vf_device", "10ed");
    fake_device_put(host, device, "sriov_drivers_autoprobe", "1");
    fake_driver_register(host, driver);
}

bool fake_device_autoprobed(const FakeHost *host, const FakeDevice *device)
{
    if (!device->physical)
        return true;
    g_autofree char *value =
        fake_device_get(host, fake_device_of(host, device->physical), "sriov_drivers_autoprobe");
    return g_strcmp0(value, "0") != 0;
}

static char *function_address(const FakeDevice *device, unsigned n)
{
    PciAddress address;

    ck_assert_int_eq(pci_address_from_string(device->address, &address), 0);
    unsigned id = (address.device << 3 | address.function) + device->sriov.offset + n * device->sriov.stride;
    ck_assert_uint_lt(id, 256);
    address.device = id >> 3;
    address.function = id & 7;
    return g_strdup(PCI_ADDRESS_STR(address));
}

static void make(FakeHost *host, FakeDevice *physical, unsigned n)
{
    g_autofree char *address = function_address(physical, n);

    fake_host_add_function(host, &(FakeFunction){
                                     .address = address,
                                     .behind = physical->behind,
                                     .group = physical->sriov.group + (int)n,
                                     .vendor = 0x8086,
                                     .device = 0x10ed,
                                     .class = 0x020000,
                                     .reset_methods = "flr",
                                     .physical = physical->address,
                                 });
    FakeDevice *function = fake_device_of(host, address);
    g_autofree char *link = fake_text("%s/virtfn%u", physical->path, n);
    fake_tree_link(host->sys_fd, link, function->path);
    function->native = g_strdup(physical->sriov.driver);
    fake_kernel_probe(host, function);
}

static bool any_in_use(FakeHost *host, const FakeDevice *physical)
{
    for (unsigned n = 0; n < physical->sriov.made; n++)
        if (g_hash_table_contains(host->open, GINT_TO_POINTER(physical->sriov.group + (int)n)))
            return true;
    return false;
}

/* sriov_numvfs_store() */
int fake_kernel_make_functions(FakeHost *host, FakeDevice *device, const char *value)
{
    unsigned wanted = strtoul(value, NULL, 10);
    g_autofree char *driver = fake_device_driver(host, device), *number = fake_text("%u", wanted);

    if (wanted > device->sriov.total)
        return -ERANGE;
    if (wanted == device->sriov.made)
        return 0;
    if (driver[0] == '\0')
        return -ENOENT;
    if (wanted > 0 && device->sriov.made > 0)
        return -EBUSY;
    if (any_in_use(host, device)) {
        g_string_append_printf(host->mishaps, "%s: asked to remove functions in use\n", device->address);
        return -EBUSY;
    }
    for (unsigned n = 0; n < wanted; n++)
        make(host, device, n);
    for (unsigned n = 0; wanted == 0 && n < device->sriov.made; n++) {
        g_autofree char *address = function_address(device, n);
        g_autofree char *link = fake_text("%s/virtfn%u", device->path, n);
        unlinkat(host->sys_fd, link, 0);
        fake_host_remove_device(host, address);
    }
    device->sriov.made = wanted;
    fake_device_put(host, device, "sriov_numvfs", number);
    return 0;
}

/* In the group of the function that makes it, which does all of its DMA (pci_real_dma_dev()). */
void fake_kernel_make_domain(FakeHost *host, FakeDevice *device)
{
    fake_host_add_bridge(host, FAKE_VMD_PORT, device->address, device->group);
    fake_host_add_function(host, &(FakeFunction){
                                     .address = FAKE_VMD_DISK,
                                     .behind = FAKE_VMD_PORT,
                                     .group = device->group,
                                     .vendor = 0x144d,
                                     .device = 0xa808,
                                     .class = 0x010802,
                                     .driver = "nvme",
                                     .sleeps = true,
                                 });
}

void fake_kernel_end_domain(FakeHost *host, FakeDevice *device)
{
    fake_host_remove_device(host, FAKE_VMD_DISK);
    fake_host_remove_device(host, FAKE_VMD_PORT);
}

void fake_host_add_vmd(FakeHost *host, const char *address, int group)
{
    fake_function_add(
        host, address, NULL, group,
        &(FakeFunction){.vendor = 0x8086, .device = 0x9a0b, .class = 0x010400, .driver = "vmd"});
    FakeDevice *device = fake_device_of(host, address);
    device->vmd = true;
    fake_kernel_make_domain(host, device);
}
