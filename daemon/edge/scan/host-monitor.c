/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <libudev.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../base/cleanup.h"
#include "host-monitor.h"

/* A rescan of the bus tells of every function twice. */
#define BUFFER_SIZE (4 * 1024 * 1024)
/* Messages a turn of the loop, so that a flood of them holds up nothing else. */
#define BATCH 64

struct HostMonitor {
    struct udev *udev;
    struct udev_monitor *netlink;
    sd_event_source *source;
    HostMonitorHandler handler;
    void *userdata;
    bool *freed; /* set when the monitor goes while its handler runs */
};

/* Returns false if the monitor was freed by its handler. */
static bool tell(HostMonitor *monitor, const char *action, const char *address)
{
    bool freed = false;
    monitor->freed = &freed;
    monitor->handler(action, address, monitor->userdata);
    if (freed)
        return false;
    monitor->freed = NULL;
    return true;
}

static int on_message(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    HostMonitor *monitor = userdata;

    for (unsigned i = 0; i < BATCH; i++) {
        errno = 0;
        struct udev_device *device = udev_monitor_receive_device(monitor->netlink);
        if (!device) {
            /* The kernel had no room for some: which ones, nobody knows. */
            if (errno != ENOBUFS)
                return 0;
            if (!tell(monitor, "change", ""))
                return 0;
            continue;
        }
        const char *action = udev_device_get_action(device);
        const char *address = udev_device_get_sysname(device);
        bool here = !action || !address || tell(monitor, action, address);
        udev_device_unref(device);
        if (!here)
            return 0;
    }
    return 0;
}

/* udevd sends its messages once its rules have run; where udevd does not run, none ever come. */
static const char *pick_source(void)
{
    return access("/run/udev/control", F_OK) == 0 ? "udev" : "kernel";
}

static void enlarge_buffer(struct udev_monitor *netlink)
{
    int size = BUFFER_SIZE;
    /* Beyond the limit of net.core.rmem_max only with CAP_NET_ADMIN, which the daemon has not got. */
    if (udev_monitor_set_receive_buffer_size(netlink, size) < 0)
        (void)setsockopt(udev_monitor_get_fd(netlink), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

static int monitor_start(HostMonitor *monitor, sd_event *event)
{
    monitor->udev = udev_new();
    if (!monitor->udev)
        return -errno;
    monitor->netlink = udev_monitor_new_from_netlink(monitor->udev, pick_source());
    if (!monitor->netlink)
        return -errno;
    int r = udev_monitor_filter_add_match_subsystem_devtype(monitor->netlink, "pci", NULL);
    if (r >= 0)
        r = udev_monitor_filter_add_match_subsystem_devtype(monitor->netlink, "input", NULL);
    if (r >= 0)
        r = udev_monitor_filter_add_match_subsystem_devtype(monitor->netlink, "usb", "usb_device");
    if (r < 0)
        return r;
    enlarge_buffer(monitor->netlink);
    r = udev_monitor_enable_receiving(monitor->netlink);
    if (r < 0)
        return r;
    return sd_event_add_io(event, &monitor->source, udev_monitor_get_fd(monitor->netlink), EPOLLIN,
                           on_message, monitor);
}

int host_monitor_new(sd_event *event, HostMonitorHandler handler, void *userdata, HostMonitor **ret)
{
    HostMonitor *monitor = g_new0(HostMonitor, 1);
    monitor->handler = handler;
    monitor->userdata = userdata;

    int r = monitor_start(monitor, event);
    if (r < 0) {
        host_monitor_free(monitor);
        return r;
    }
    (void)sd_event_source_set_description(monitor->source, "host-monitor");
    *ret = monitor;
    return 0;
}

DEFINE_FREE(HostMonitor, host_monitor_free, monitor)
{
    if (monitor->freed)
        *monitor->freed = true;
    sd_event_source_disable_unref(monitor->source);
    udev_monitor_unref(monitor->netlink);
    udev_unref(monitor->udev);
}
