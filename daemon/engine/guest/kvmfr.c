/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A phase of a start: how big the memory of Looking Glass's own module is. It is asked of the device, as QEMU
 * would fail over a wrong size after it, and nothing in sysfs tells. */
#include <sys/ioctl.h>

#include "../../core/definition/definition.h"
#include "../../base/cleanup.h"
#include "private.h"

/* KVMFR_DMABUF_GETSIZE of module/kvmfr.h in Looking Glass: the size is what it returns. */
#define KVMFR_GET_SIZE _IO('u', 0x44)

static void refuse(Run *run, const char *remedy, const char *why)
{
    Guest *g = run->guest;

    guest_fail(g, fault_new(FAULT_REFUSED, remedy, "guest %s: [LookingGlass] Device=%s: %s", g->name,
                            run->definition->looking_glass.device, why));
}

static void take_size(Run *run, int fd)
{
    uint64_t wanted = run->definition->looking_glass.size;
    int size = ioctl(fd, KVMFR_GET_SIZE, 0);

    if (size <= 0) {
        refuse(run, "load the module with a size: modprobe kvmfr static_size_mb=64",
               "it does not say how much memory it has");
    } else if (wanted > 0 && wanted != (uint64_t)size) {
        g_autofree char *why = g_strdup_printf("it has %d MiB, and Size= is %" G_GUINT64_FORMAT " MiB",
                                               size >> 20, wanted >> 20);
        refuse(run, "remove Size=, or load the module with another static_size_mb=", why);
    } else if (size & (size - 1)) {
        refuse(run, "load the module with a static_size_mb= that is a power of two",
               "its size is not a power of two");
    } else {
        run->definition->looking_glass.size = size;
        start_phase_done(run);
    }
}

static void on_opened(int error, int *fd, void *userdata)
{
    Run *run = userdata;
    Fault *fault =
        opener_fault(run->start.opener, error, run->guest->name, run->definition->looking_glass.device);

    if (fault) {
        guest_fail(run->guest, fault);
        return;
    }
    if (error < 0) {
        refuse(run, "is the module loaded? modprobe kvmfr static_size_mb=64", g_strerror(-error));
        return;
    }
    phase_opener_off(run);
    take_size(run, *fd);
}

void phase_kvmfr(Run *run)
{
    if (!run->definition->looking_glass.device) {
        start_phase_done(run);
        return;
    }
    run->start.opener = opener_new(run->guest->engine, false);
    opener_open_device(run->start.opener, run->definition->looking_glass.device, on_opened, run);
}
