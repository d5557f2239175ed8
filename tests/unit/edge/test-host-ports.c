/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Real sockets, and the kernel's own lists of them. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "../../../daemon/edge/scan/host-ports.h"
#include "../scratch.h"
#include "../suite.h"

static int proc(void)
{
    int fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

/* A socket that listens (UDP: that is bound) at an address, and the port that it was given. */
static int a_listener(int type, const char *address, unsigned *ret_port)
{
    struct sockaddr_in own = {.sin_family = AF_INET};
    socklen_t size = sizeof(own);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

    inet_pton(AF_INET, address, &own.sin_addr);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&own, sizeof(own)), 0);
    if (type == SOCK_STREAM)
        ck_assert_int_eq(listen(fd, 1), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&own, &size), 0);
    *ret_port = ntohs(own.sin_port);
    return fd;
}

START_TEST(a_listener_takes_its_port_for_its_own_address_and_for_all)
{
    unsigned port;
    int fd = a_listener(SOCK_STREAM, "127.0.0.1", &port), proc_fd = proc();

    ck_assert(host_port_taken(proc_fd, false, "127.0.0.1", port));
    ck_assert(host_port_taken(proc_fd, false, "0.0.0.0", port));
    ck_assert(!host_port_taken(proc_fd, false, "127.0.0.2", port));
    ck_assert(!host_port_taken(proc_fd, true, "127.0.0.1", port));
    close(fd);
    ck_assert(!host_port_taken(proc_fd, false, "127.0.0.1", port));
    close(proc_fd);
}
END_TEST

START_TEST(a_listener_at_all_addresses_takes_the_port_for_each)
{
    unsigned port;
    int fd = a_listener(SOCK_DGRAM, "0.0.0.0", &port), proc_fd = proc();

    ck_assert(host_port_taken(proc_fd, true, "127.0.0.1", port));
    ck_assert(!host_port_taken(proc_fd, false, "127.0.0.1", port));
    close(fd);
    close(proc_fd);
}
END_TEST

#define HEADING                                                                                              \
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
#define REST " 00000000:00000000 00:00000000 00000000     0        0 1 1\n"
#define REMOTE_V6 "00000000000000000000000000000000:0000"

/* As a kernel shows them that this machine may not have. */
START_TEST(listeners_of_version_6_that_take_version_4_count)
{
    g_autofree char *root = scratch_new("ports"), *net = g_strconcat(root, "/net", NULL),
                    *path = g_strconcat(net, "/tcp6", NULL);
    static const char text[] = HEADING "   0: 00000000000000000000000000000000:0050 " REMOTE_V6 " 0A" REST
                                       "   1: 0000000000000000FFFF00000100007F:0051 " REMOTE_V6 " 0A" REST
                                       "   2: 00000000000000000000000001000000:0052 " REMOTE_V6 " 0A" REST
                                       "   3: 00000000000000000000000000000000:0053 " REMOTE_V6 " 01" REST;

    ck_assert_int_eq(mkdir(net, 0700), 0);
    ck_assert(g_file_set_contents(path, text, -1, NULL));
    int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

    ck_assert(host_port_taken(fd, false, "127.0.0.1", 0x50));
    ck_assert(host_port_taken(fd, false, "127.0.0.1", 0x51));
    ck_assert(!host_port_taken(fd, false, "127.0.0.2", 0x51));
    /* ::1 alone, and a connection that is no listener. */
    ck_assert(!host_port_taken(fd, false, "127.0.0.1", 0x52));
    ck_assert(!host_port_taken(fd, false, "127.0.0.1", 0x53));
    close(fd);
    scratch_remove(root);
}
END_TEST

SUITE("host-ports", a_listener_takes_its_port_for_its_own_address_and_for_all,
      a_listener_at_all_addresses_takes_the_port_for_each, listeners_of_version_6_that_take_version_4_count)
