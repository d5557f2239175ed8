/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <glib.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"
#include "netlink.h"

/* Values: "KIND on LOWER as ADDRESS". */
typedef struct Shape {
    bool macvtap, multi_queue;
    char lower[IFNAMSIZ];
    struct ether_addr address;
} Shape;

static int parse_shape(const char *value, Shape *ret)
{
    char kind[8], address[18];
    int end = 0;

    if (sscanf(value, "%7s on %15s as %17s%n", kind, ret->lower, address, &end) != 3 || value[end] ||
        !ether_aton_r(address, &ret->address) || strchr(ret->lower, '/'))
        return -EINVAL;
    ret->macvtap = g_str_equal(kind, "macvtap");
    ret->multi_queue = g_str_equal(kind, "mqtap");
    return ret->macvtap || ret->multi_queue || g_str_equal(kind, "tap") ? 0 : -EINVAL;
}

static char *attribute_path(const char *name, const char *attribute)
{
    return g_strdup_printf("class/net/%s/%s", name, attribute);
}

static bool has(int sys_fd, const char *name, const char *attribute)
{
    g_autofree char *path = attribute_path(name, attribute);

    return faccessat(sys_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static char *read_text(int sys_fd, const char *name, const char *attribute)
{
    g_autofree char *path = attribute_path(name, attribute);
    char *value = NULL;

    return file_read_value_at(sys_fd, path, &value) < 0 ? NULL : value;
}

/* What the link is on: a bridge has it as a port; below a macvtap device there is "lower_eth0". */
static char *read_lower(int sys_fd, const char *name, bool macvtap)
{
    g_autofree char *path = attribute_path(name, macvtap ? "" : "master");
    g_auto(GStrv) names = NULL;
    char *master = NULL;

    if (!macvtap)
        return file_link_name_at(sys_fd, path, &master) < 0 ? g_strdup("-") : master;
    if (file_list_at(sys_fd, path, &names) >= 0)
        for (char **entry = names; *entry; entry++)
            if (g_str_has_prefix(*entry, "lower_"))
                return g_strdup(*entry + strlen("lower_"));
    return g_strdup("-");
}

static bool has_queues(int sys_fd, const char *name)
{
    g_autofree char *flags = read_text(sys_fd, name, "tun_flags");

    return flags && strtoul(flags, NULL, 16) & IFF_MULTI_QUEUE;
}

int link_read(int sys_fd, const char *name, char **ret)
{
    if (!has(sys_fd, name, "")) {
        *ret = g_strdup("");
        return 0;
    }
    bool macvtap = has(sys_fd, name, "macvtap");
    if (!macvtap && !has(sys_fd, name, "tun_flags")) {
        *ret = g_strdup("other");
        return 0;
    }
    g_autofree char *lower = read_lower(sys_fd, name, macvtap), *address = read_text(sys_fd, name, "address");
    *ret = g_strdup_printf("%s on %s as %s",
                           macvtap                    ? "macvtap"
                           : has_queues(sys_fd, name) ? "mqtap"
                                                      : "tap",
                           lower, address ?: "-");
    return 0;
}

/* Only the guest speaks on this link: an address of the host's own would be made from the guest's MAC
 * address. A kernel without IPv6 knows nothing of it. */
static void forbid_own_address(unsigned index)
{
    NetlinkRequest request = netlink_request(RTM_NEWLINK, 0, index, false);
    struct nlattr *families = mnl_attr_nest_start(&request.header, IFLA_AF_SPEC);
    struct nlattr *v6 = mnl_attr_nest_start(&request.header, AF_INET6);

    mnl_attr_put_u8(&request.header, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
    mnl_attr_nest_end(&request.header, v6);
    mnl_attr_nest_end(&request.header, families);
    netlink_ask(&request);
}

static int remove_index(unsigned index)
{
    NetlinkRequest request = netlink_request(RTM_DELLINK, 0, index, false);

    return netlink_ask(&request);
}

/* QEMU sets the other flags. A tap with several queues can only be opened as such. */
static int open_tap(const char *name, bool multi_queue)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};

    if (multi_queue)
        request.ifr_flags |= IFF_MULTI_QUEUE;
    g_strlcpy(request.ifr_name, name, sizeof(request.ifr_name));
    _cleanup_close_ int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
        return -errno;
    return steal_fd(&fd);
}

/* Until the last step, the tap goes with its descriptor. A bridge takes the lowest MTU of its ports for its
 * own, so a port must have the bridge's. */
static int make_tap(int sys_fd, const char *name, const Shape *shape)
{
    g_autofree char *mtu = read_text(sys_fd, shape->lower, "mtu");
    unsigned bridge = if_nametoindex(shape->lower);

    if (!bridge)
        return -errno;
    _cleanup_close_ int fd = open_tap(name, shape->multi_queue);
    if (fd < 0)
        return fd;
    unsigned index = if_nametoindex(name);
    forbid_own_address(index);
    NetlinkRequest request = netlink_request(RTM_NEWLINK, 0, index, true);
    mnl_attr_put(&request.header, IFLA_ADDRESS, ETH_ALEN, &shape->address);
    if (mtu)
        mnl_attr_put_u32(&request.header, IFLA_MTU, strtoul(mtu, NULL, 10));
    mnl_attr_put_u32(&request.header, IFLA_MASTER, bridge);
    int r = netlink_ask(&request);
    if (r < 0)
        return r;
    return ioctl(fd, TUNSETPERSIST, 1) < 0 ? -errno : 0;
}

/* Down at first. Guests upon one parent reach each other (mode bridge). */
static int add_macvtap(const char *name, const Shape *shape)
{
    NetlinkRequest request = netlink_request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0, false);
    unsigned parent = if_nametoindex(shape->lower);

    if (!parent)
        return -errno;
    mnl_attr_put_strz(&request.header, IFLA_IFNAME, name);
    mnl_attr_put(&request.header, IFLA_ADDRESS, ETH_ALEN, &shape->address);
    mnl_attr_put_u32(&request.header, IFLA_LINK, parent);
    struct nlattr *info = mnl_attr_nest_start(&request.header, IFLA_LINKINFO);
    mnl_attr_put_strz(&request.header, IFLA_INFO_KIND, "macvtap");
    struct nlattr *settings = mnl_attr_nest_start(&request.header, IFLA_INFO_DATA);
    mnl_attr_put_u32(&request.header, IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE);
    mnl_attr_nest_end(&request.header, settings);
    mnl_attr_nest_end(&request.header, info);
    return netlink_ask(&request);
}

static int make_macvtap(const char *name, const Shape *shape)
{
    int r = add_macvtap(name, shape);
    if (r < 0)
        return r;
    unsigned index = if_nametoindex(name);
    NetlinkRequest up = netlink_request(RTM_NEWLINK, 0, index, true);
    forbid_own_address(index);
    r = netlink_ask(&up);
    if (r < 0)
        remove_index(index);
    return r;
}

int link_make(int sys_fd, const char *name, const char *value)
{
    Shape shape;

    int r = parse_shape(value, &shape);
    if (r < 0)
        return r;
    return shape.macvtap ? make_macvtap(name, &shape) : make_tap(sys_fd, name, &shape);
}

int link_remove(const char *name)
{
    unsigned index = if_nametoindex(name);

    return index ? remove_index(index) : -errno;
}

/* The kernel (devtmpfs) makes its node, named by the link's index; a node that somebody else put there is
 * another device. */
static int open_macvtap(int sys_fd, int dev_fd, const char *name)
{
    g_autofree char *index = read_text(sys_fd, name, "ifindex");
    if (!index)
        return -ENODEV;
    g_autofree char *node = g_strdup_printf("tap%s", index),
                    *attribute = g_strdup_printf("macvtap/%s/dev", node);
    g_autofree char *number = read_text(sys_fd, name, attribute);
    _cleanup_close_ int fd = openat(dev_fd, node, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    /* Each that opens it has a queue, which QEMU can turn off only with this flag (tap_ioctl() of the
     * kernel's drivers/net/tap.c). */
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE};
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    g_autofree char *found = g_strdup_printf("%u:%u", major(st.st_rdev), minor(st.st_rdev));
    if (!S_ISCHR(st.st_mode) || g_strcmp0(found, number) != 0)
        return -ENODEV;
    if (ioctl(fd, TUNSETIFF, &request) < 0)
        return -errno;
    return steal_fd(&fd);
}

int link_open(int sys_fd, int dev_fd, const char *name)
{
    if (has(sys_fd, name, "macvtap"))
        return open_macvtap(sys_fd, dev_fd, name);
    /* Opening a tap that is not there would make it. */
    return has(sys_fd, name, "tun_flags") ? open_tap(name, has_queues(sys_fd, name)) : -ENODEV;
}
