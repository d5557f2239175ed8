/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "nat-bridge.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"
#include "../../core/host/nat-range.h"
#include "netlink-dump.h"
#include "netlink.h"

static void take(GArray *taken, const struct nlattr *address, unsigned prefix)
{
    if (mnl_attr_validate(address, MNL_TYPE_U32) < 0)
        return;
    NatTaken one = {ntohl(mnl_attr_get_u32(address)), MIN(prefix, 32)};
    g_array_append_val(taken, one);
}

/* Of a link between two hosts the address alone is ours, and the prefix is of the other's (IFA_ADDRESS). */
static int on_address(const struct nlmsghdr *message, void *userdata)
{
    const struct ifaddrmsg *head = mnl_nlmsg_get_payload(message);
    const struct nlattr *attribute;

    if (message->nlmsg_type != RTM_NEWADDR || mnl_nlmsg_get_payload_len(message) < sizeof(*head))
        return 0;
    mnl_attr_for_each(attribute, message, sizeof(*head))
    {
        uint16_t type = mnl_attr_get_type(attribute);
        if (type == IFA_ADDRESS || type == IFA_LOCAL)
            take(userdata, attribute, head->ifa_prefixlen);
    }
    return 0;
}

static int on_route(const struct nlmsghdr *message, void *userdata)
{
    const struct rtmsg *head = mnl_nlmsg_get_payload(message);
    const struct nlattr *attribute;

    if (message->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(message) < sizeof(*head))
        return 0;
    mnl_attr_for_each(attribute, message, sizeof(*head))
    {
        if (mnl_attr_get_type(attribute) == RTA_DST)
            take(userdata, attribute, head->rtm_dst_len);
    }
    return 0;
}

int nat_bridge_taken(GArray **ret)
{
    g_autoptr(GArray) taken = g_array_new(FALSE, FALSE, sizeof(NatTaken));

    int r = netlink_dump(RTM_GETADDR, AF_INET, LINK_OWN, on_address, taken);
    if (r >= 0)
        r = netlink_dump(RTM_GETROUTE, AF_INET, LINK_OWN, on_route, taken);
    if (r >= 0)
        *ret = g_steal_pointer(&taken);
    return r;
}

/* With an address of its own, which no port's changes (br_stp_recalculate_bridge_id()). */
static int add_bridge(void)
{
    NetlinkRequest request = netlink_request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0, false);
    struct ether_addr address;

    ether_aton_r(NAT_BRIDGE_ADDRESS, &address);
    mnl_attr_put_strz(&request.header, IFLA_IFNAME, NAT_BRIDGE);
    mnl_attr_put(&request.header, IFLA_ADDRESS, ETH_ALEN, &address);
    struct nlattr *info = mnl_attr_nest_start(&request.header, IFLA_LINKINFO);
    mnl_attr_put_strz(&request.header, IFLA_INFO_KIND, "bridge");
    mnl_attr_nest_end(&request.header, info);
    return netlink_ask(&request);
}

static int add_address(unsigned index, uint32_t range)
{
    char buffer[256] = {};
    struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
    uint32_t own = htonl(range | 1), all = htonl(range | 255);

    header->nlmsg_type = RTM_NEWADDR;
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
    header->nlmsg_seq = 1;
    struct ifaddrmsg *head = mnl_nlmsg_put_extra_header(header, sizeof(*head));
    *head = (struct ifaddrmsg){.ifa_family = AF_INET, .ifa_prefixlen = NAT_PREFIX, .ifa_index = index};
    mnl_attr_put(header, IFA_LOCAL, sizeof(own), &own);
    mnl_attr_put(header, IFA_ADDRESS, sizeof(own), &own);
    mnl_attr_put(header, IFA_BROADCAST, sizeof(all), &all);
    return netlink_say(header);
}

static int remove_index(unsigned index)
{
    NetlinkRequest request = netlink_request(RTM_DELLINK, 0, index, false);

    return netlink_ask(&request);
}

/* A guest that advertises itself as a router would else become the host's: the kernel believes such words on
 * each link that is up (accept_ra in ip-sysctl.rst). -ENOENT: it has no IPv6. */
static int refuse_ipv6(int proc_fd)
{
    int r = file_write_value_at(proc_fd, "sys/net/ipv6/conf/" NAT_BRIDGE "/disable_ipv6", "1");

    return r == -ENOENT ? 0 : r;
}

int nat_bridge_make(int proc_fd, uint32_t range)
{
    int r = add_bridge();
    if (r < 0)
        return r;
    unsigned index = if_nametoindex(NAT_BRIDGE);
    NetlinkRequest up = netlink_request(RTM_NEWLINK, 0, index, true);
    r = refuse_ipv6(proc_fd);
    if (r >= 0)
        r = add_address(index, range);
    if (r >= 0)
        r = netlink_ask(&up);
    if (r < 0)
        remove_index(index);
    return r;
}

int nat_bridge_remove(int sys_fd)
{
    g_autofree char *address = NULL;
    int r = file_read_value_at(sys_fd, "class/net/" NAT_BRIDGE "/address", &address);

    if (r == -ENOENT || (r >= 0 && !g_str_equal(address, NAT_BRIDGE_ADDRESS)))
        return 0;
    return r < 0 ? r : remove_index(if_nametoindex(NAT_BRIDGE));
}
