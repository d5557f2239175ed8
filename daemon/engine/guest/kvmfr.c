/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How big the memory of Looking Glass's own module is: asked of the device before the first step, as QEMU
 * would fail over a wrong size after it, and nothing in sysfs tells. */
#include <sys/ioctl.h>

#include "../../base/cleanup.h"
#include "private.h"

/* KVMFR_DMABUF_GETSIZE of module/kvmfr.h in Looking Glass: the size is what it returns. */
#define KVMFR_GET_SIZE _IO('u', 0x44)

static void refuse(Guest *g, const char *remedy, const char *why)
{
    guest_fail(g, fault_new(FAULT_REFUSED, remedy, "guest %s: [LookingGlass] Device=%s: %s", g->name,
                            g->run->definition->looking_glass.device, why));
}

static void take_size(Guest *g, int fd)
{
    uint64_t wanted = g->run->definition->looking_glass.size;
    int size = ioctl(fd, KVMFR_GET_SIZE, 0);

    if (size <= 0) {
        refuse(g, "load the module with a size: modprobe kvmfr static_size_mb=64",
               "it does not say how much memory it has");
    } else if (wanted > 0 && wanted != (uint64_t)size) {
        g_autofree char *why = g_strdup_printf("it has %d MiB, and Size= is %" G_GUINT64_FORMAT " MiB",
                                               size >> 20, wanted >> 20);
        refuse(g, "remove Size=, or load the module with another static_size_mb=", why);
    } else if (size & (size - 1)) {
        refuse(g, "load the module with a static_size_mb= that is a power of two",
               "its size is no power of two");
    } else {
        g->run->definition->looking_glass.size = size;
        guest_open_sound(g);
    }
}

static void on_opened(int error, int *fd, void *userdata)
{
    Guest *g = userdata;
    Fault *fault = opener_fault(g->run->opener, error, g->name, g->run->definition->looking_glass.device);

    if (fault) {
        guest_fail(g, fault);
        return;
    }
    if (error < 0) {
        refuse(g, "is the module loaded? modprobe kvmfr static_size_mb=64", g_strerror(-error));
        return;
    }
    g->run->opener = opener_free(g->run->opener);
    take_size(g, *fd);
}

void guest_open_kvmfr(Guest *g)
{
    if (!g->run->definition->looking_glass.device) {
        guest_open_sound(g);
        return;
    }
    g->run->opener = opener_new(g->engine, false);
    opener_open_device(g->run->opener, g->run->definition->looking_glass.device, on_opened, g);
}
