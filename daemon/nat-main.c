/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher-nat, which usher-nat.service runs: makes and takes away the bridge of the network that guests with
 * Mode=nat share.
 *
 *      usher-nat up [RANGE]   makes the bridge with a range of addresses that nothing of the host uses, or
 *                             with the one given ("10.1.2.0/24"); has the host forward packets; writes
 *                             $RUNTIME_DIRECTORY/range, from which the DHCP server's unit has its options
 *      usher-nat down         takes away what up has made, also if up failed in the midst of it */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "core/host/nat-range.h"
#include "edge/hand/nat-bridge.h"

#define FORWARD "sys/net/ipv4/ip_forward"
/* There while it is us who switched forwarding on. */
#define NOTE "forwarding"

static int fail(int error, const char *what)
{
    log_error("%s: %s", what, g_strerror(-error));
    return error;
}

static int choose(const char *wanted, uint32_t *ret)
{
    g_autoptr(GArray) taken = NULL;

    int r = nat_bridge_taken(&taken);
    if (r < 0)
        return fail(r, "cannot ask the kernel for the host's addresses");
    if (!wanted && nat_range_choose(taken, ret))
        return 0;
    if (wanted && !nat_range_parse(wanted, ret))
        log_error("RANGE=%s is no range of private addresses such as 10.1.2.0/24", wanted);
    else if (wanted && nat_range_free(*ret, taken))
        return 0;
    else
        log_error("the host uses %s itself; write another RANGE= into a drop-in: systemctl edit usher-nat",
                  wanted ?: "all ranges of private addresses that usher knows");
    return -EADDRINUSE;
}

static int write_range(int run_fd, uint32_t range)
{
    g_autofree char *own = nat_range_address(range, 1), *first = nat_range_address(range, 2),
                    *last = nat_range_address(range, 254),
                    *text = g_strdup_printf("ADDRESS=%s\nFIRST=%s\nLAST=%s\n", own, first, last);

    int r = file_replace_at(run_fd, "range", text, 0644);
    if (r >= 0)
        log_info("guests with Mode=nat get addresses from %s to %s, and reach this host at %s", first, last,
                 own);
    return r;
}

/* The note comes first: one too many does no harm, as 0 is what it says. */
static int forward(int proc_fd, int run_fd)
{
    g_autofree char *before = NULL;

    int r = file_read_value_at(proc_fd, FORWARD, &before);
    if (r < 0 || !g_str_equal(before, "0"))
        return r;
    r = file_replace_at(run_fd, NOTE, before, 0644);
    return r < 0 ? r : file_write_value_at(proc_fd, FORWARD, "1");
}

static int stop_forwarding(int proc_fd, int run_fd)
{
    if (faccessat(run_fd, NOTE, F_OK, 0) < 0)
        return 0;
    int r = file_write_value_at(proc_fd, FORWARD, "0");
    if (r >= 0)
        unlinkat(run_fd, NOTE, 0);
    return r;
}

/* What an earlier one has left behind goes first: no unit has it any more. */
static int up(int sys_fd, int proc_fd, int run_fd, const char *wanted)
{
    uint32_t range;

    int r = nat_bridge_remove(sys_fd);
    if (r >= 0)
        r = choose(wanted, &range);
    if (r < 0)
        return r;
    r = nat_bridge_make(range);
    if (r == -EEXIST)
        log_error("there is a link %s, which is not usher's; rename it, or remove it: ip link delete %s",
                  NAT_BRIDGE, NAT_BRIDGE);
    else if (r < 0)
        return fail(r, "cannot make the bridge " NAT_BRIDGE);
    if (r >= 0)
        r = write_range(run_fd, range);
    if (r >= 0)
        r = forward(proc_fd, run_fd);
    return r;
}

static int down(int sys_fd, int proc_fd, int run_fd)
{
    int r = stop_forwarding(proc_fd, run_fd), s = nat_bridge_remove(sys_fd);

    if (r < 0)
        fail(r, "cannot write 0 to /proc/" FORWARD);
    if (s < 0)
        fail(s, "cannot remove the bridge " NAT_BRIDGE);
    return r < 0 ? r : s;
}

static int run(int argc, char **argv)
{
    const char *folder = getenv("RUNTIME_DIRECTORY") ?: "/run/usher-nat";
    _cleanup_close_ int sys_fd = open("/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
    _cleanup_close_ int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    _cleanup_close_ int run_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (sys_fd < 0 || proc_fd < 0 || run_fd < 0)
        return fail(-errno, "cannot open /sys, /proc and the runtime directory");
    return g_str_equal(argv[1], "up") ? up(sys_fd, proc_fd, run_fd, argc == 3 ? argv[2] : NULL)
                                      : down(sys_fd, proc_fd, run_fd);
}

int main(int argc, char **argv)
{
    log_open(LOG_INFO);
    if (argc < 2 || argc > 3 ||
        !(g_str_equal(argv[1], "up") || (g_str_equal(argv[1], "down") && argc == 2))) {
        log_error("usage: usher-nat up [RANGE] | usher-nat down");
        return 2;
    }
    return run(argc, argv) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
