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
#include "edge/hand/nat-forward.h"

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

/* What an earlier one has left behind goes first: no unit has it any more. */
static int up(int sys_fd, int proc_fd, int run_fd, const char *wanted)
{
    uint32_t range;

    int r = nat_bridge_remove(sys_fd);
    if (r >= 0)
        r = choose(wanted, &range);
    if (r < 0)
        return r;
    r = nat_bridge_make(proc_fd, range);
    if (r == -EEXIST) {
        log_error("there is a link " NAT_BRIDGE ", which is not usher's; rename it, or remove it: "
                  "ip link delete " NAT_BRIDGE);
        return r;
    }
    if (r < 0)
        return fail(r, "cannot make the bridge " NAT_BRIDGE);
    r = write_range(run_fd, range);
    if (r < 0)
        return fail(r, "cannot write the range of addresses");
    r = nat_forward_start(proc_fd, run_fd);
    return r < 0 ? fail(r, "cannot have the host forward packets") : 0;
}

static int down(int sys_fd, int proc_fd, int run_fd)
{
    int r = nat_forward_stop(proc_fd, run_fd), s = nat_bridge_remove(sys_fd);

    if (r < 0)
        fail(r, "cannot put back what /proc/sys/net/ipv4 had before");
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
