/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bar-size-step.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"
#include "../sight/bar-size.h"

/* Both values are of one BAR, and the subject leads nowhere else. */
static int check(const Step *step, unsigned *ret_bar, uint64_t *ret_size)
{
    PciAddress address;
    unsigned other;
    uint64_t size;

    if (pci_address_from_string(step->subject, &address) < 0 ||
        !g_str_equal(PCI_ADDRESS_STR(address), step->subject) ||
        !bar_size_parse(step->before, &other, &size) || !bar_size_parse(step->after, ret_bar, ret_size) ||
        other != *ret_bar)
        return -EINVAL;
    return 0;
}

int bar_size_read(int sys_fd, const Step *step, char **ret)
{
    g_autofree char *path = g_strconcat("bus/pci/devices/", step->subject, NULL);
    uint64_t wanted, sizes[BARS_MAX];
    unsigned bar;
    int r = check(step, &bar, &wanted);
    if (r < 0)
        return r;

    _cleanup_close_ int fd = openat(sys_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno != ENOENT)
        return -errno;
    r = fd < 0 ? -ENOENT : bar_sizes_read(fd, sizes);
    if (r == -ENOENT || r == -ENODEV) {
        *ret = NULL;
        return 0;
    }
    if (r >= 0)
        *ret = bar_size_to_text(bar, sizes[bar]);
    return MIN(r, 0);
}

/* The kernel takes the number of the bit that stands for the size. */
int bar_size_write(int sys_fd, const Step *step)
{
    uint64_t size;
    unsigned bar;
    int r = check(step, &bar, &size);
    if (r < 0)
        return r;
    if (size >> MIB_BITS == 0 || size & (size - 1))
        return -EINVAL;

    g_autofree char *path = g_strdup_printf("bus/pci/devices/%s/resource%u_resize", step->subject, bar);
    g_autofree char *bit = g_strdup_printf("%d", __builtin_ctzll(size >> MIB_BITS));
    return file_write_value_at(sys_fd, path, bit);
}
