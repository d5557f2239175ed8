/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bars.h"

#include "../definition/pci.h"
#include "../host/bar.h"
#include "../host/vfio-driver.h"

/* The memory of a graphics card is behind its largest BAR; the others are for registers and doorbells. NULL:
 * none can be resized. One that has no place is none, as it could not be given that size back. */
static const HostBar *find_bar(const HostDevice *device, unsigned *ret)
{
    const HostBar *largest = NULL;

    for (unsigned i = 0; i < BARS_MAX; i++)
        if (device->bars[i].resizable && device->bars[i].size > (largest ? largest->size : 0)) {
            largest = &device->bars[i];
            *ret = i;
        }
    return largest;
}

static char *sizes_text(uint64_t sizes)
{
    GString *text = g_string_new(NULL);

    for (unsigned bit = 0; bit < 64 - MIB_BITS; bit++)
        if (sizes & UINT64_C(1) << bit) {
            g_autofree char *size = host_size_as_key(UINT64_C(1) << bit);
            g_string_append_printf(text, "%s%s", text->len > 0 ? ", " : "", size);
        }
    return g_string_free(text, FALSE);
}

/* sizes 0: they are not known, as the device sleeps, and the kernel will tell. */
static int check_size(const PlanDevice *device, const HostDevice *function, const HostBar *bar, uint64_t size,
                      Fault **ret_fault)
{
    if (bar->sizes && !(bar->sizes & size >> MIB_BITS)) {
        g_autofree char *sizes = sizes_text(bar->sizes);
        g_autofree char *remedy =
            g_strdup_printf("choose one that %s can have: %s", PCI_ADDRESS_STR(function->address), sizes);
        return fault_raise(ret_fault, FAULT_REFUSED, remedy, "[PCI %s] BarSize=: %s cannot have that size",
                           device->name, PCI_ADDRESS_STR(function->address));
    }
    if (!vfio_driver_has(function))
        return 0;
    g_autofree char *remedy =
        g_strdup_printf("give it back first: usherctl restore %s", PCI_ADDRESS_STR(function->address));
    return fault_raise(
        ret_fault, FAULT_REFUSED, remedy,
        "[PCI %s] BarSize=: %s is on %s already, and the kernel resizes only what has no driver",
        device->name, PCI_ADDRESS_STR(function->address), function->driver);
}

int plan_bars_add(const Host *host, const PlanDevice *device, GPtrArray *steps, Fault **ret_fault)
{
    uint64_t size = device->wish ? device->wish->bar_size : 0;
    unsigned number = 0;

    if (size == 0)
        return 0;
    const HostDevice *function = host_find(host, g_array_index(device->functions, PciAddress, 0));
    const HostBar *bar = find_bar(function, &number);
    if (!bar)
        return fault_raise(ret_fault, FAULT_REFUSED,
                           "remove it; or switch Resizable BAR on in the firmware's setup, and boot a kernel "
                           "with resourceN_resize in sysfs",
                           "[PCI %s] BarSize=: no BAR of %s can be resized", device->name,
                           PCI_ADDRESS_STR(function->address));
    if (bar->size == size)
        return 0;
    int r = check_size(device, function, bar, size, ret_fault);
    if (r != 0)
        return r;
    g_autofree char *before = bar_size_to_text(number, bar->size), *after = bar_size_to_text(number, size);
    g_ptr_array_add(steps, step_new(STEP_BAR_SIZE, PCI_ADDRESS_STR(function->address), before, after));
    return 0;
}
