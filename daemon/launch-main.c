/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher-launch, all that usher-guest@.service runs. It asks usherd over helper.sock and does what it is told:
 *
 *      usher-launch NAME              becomes the guest's QEMU (ExecStart=)
 *      usher-launch --stop NAME       waits until QEMU is gone, stopped by the ladder (ExecStop=)
 *      usher-launch --restored NAME   waits until the devices are back with the host (ExecStopPost=)
 *
 * Exit status (of NAME: as long as it has not become QEMU):
 *
 *      0   what was waited for has come
 *      1   refused, or usherd cannot be asked; why stands on stderr
 *      2   called in a wrong way
 *      3   QEMU could not be started: a descriptor, a limit, or execve(2); why stands on stderr and in QEMU's
 * log
 *      4   (--restored) somebody else than usherd has killed QEMU */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>

#include "base/cleanup.h"
#include "config.h"
#include "edge/helper/channel.h"
#include "launch-folder.h"
#include "launch-pin.h"

#define DEFAULT_SOCKET USHER_RUNDIR "/helper.sock"
#define FDS_MAX 128
#define FD_FIRST 3
#define PROC_FD "/proc/self/fd/"
#define RETRY_USEC (G_USEC_PER_SEC / 5)

enum {
    EXIT_REFUSED = 1,
    EXIT_USAGE = 2,
    EXIT_NO_QEMU = 3,
    EXIT_KILLED = 4,
};

typedef struct Order {
    char **words;
    int fds[FDS_MAX];
    unsigned n_fds;
} Order;

static void G_GNUC_PRINTF(1, 2) complain(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("usher-launch: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

/* Asking. */

/* Connects and says hello. The descriptor, or -errno. */
static int say_hello(const char *verb, const char *name)
{
    const char *path = getenv("USHER_SOCKET") ?: DEFAULT_SOCKET;
    _cleanup_close_ int fd = -1;

    int r = channel_connect(path, &fd);
    if (r < 0) {
        complain("cannot connect to usherd at %s: %s; is usherd.socket up?", path, strerror(-r));
        return r;
    }
    r = channel_send_blocking(fd, (const char *const[]){"hello", verb, name, NULL}, NULL, 0);
    if (r < 0) {
        complain("usherd does not listen: %s", strerror(-r));
        return r;
    }
    return steal_fd(&fd);
}

/* refused MESSAGE REMEDY: for whoever reads the unit's log. */
static int told_no(char **words)
{
    complain("%s", words[1] ?: "usherd refused without a reason");
    if (words[1] && words[2] && *words[2])
        complain("%s", words[2]);
    return EXIT_REFUSED;
}

/* What systemd says of the main process (systemd.exec(5)). */
static bool was_killed(void)
{
    return g_strcmp0(getenv("EXIT_CODE"), "killed") == 0 && g_strcmp0(getenv("EXIT_STATUS"), "KILL") == 0;
}

/* A SIGKILL is a good end to systemd, as one of usherd's must be (SuccessExitStatus= in the unit): that it
 * was another's is told by this process. */
static int judge_end(const char *word, const char *name)
{
    if (!was_killed() || g_str_equal(word, "killed"))
        return EXIT_SUCCESS;
    complain("something other than usherd killed guest %s", name);
    return EXIT_KILLED;
}

/* Waits for one word. usherd may restart meanwhile: the connection then breaks, the next one waits in the
 * socket's backlog until the new daemon takes it, and the unit's own timeout bounds it all. */
static int wait_for_end(const char *verb, const char *name)
{
    for (;;) {
        g_auto(GStrv) words = NULL;
        unsigned n_fds = 0;

        _cleanup_close_ int fd = say_hello(verb, name);
        if (fd < 0 && fd != -ECONNRESET && fd != -EPIPE)
            return EXIT_REFUSED;
        int r = fd < 0 ? -ECONNRESET : channel_receive_blocking(fd, &words, NULL, 0, &n_fds);
        if (r == -ECONNRESET) {
            g_usleep(RETRY_USEC);
            continue;
        }
        if (r < 0) {
            complain("cannot read usherd's answer: %s", strerror(-r));
            return EXIT_REFUSED;
        }
        if (g_str_equal(words[0], "ended") || g_str_equal(words[0], "killed"))
            return g_str_equal(verb, "restored") ? judge_end(words[0], name) : EXIT_SUCCESS;
        if (g_str_equal(words[0], "refused"))
            return told_no(words);
        complain("usherd said %s, which is not an answer here", words[0]);
        return EXIT_REFUSED;
    }
}

/* Becoming QEMU, and what goes with it. */

static char *const environment[] = {
    (char *)"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", (char *)"LANG=C.UTF-8",
    NULL};

/* Never raises it: the unit's own limit is the administrator's word. */
static int lower_memlock(const char *word)
{
    struct rlimit limit;
    guint64 bytes;

    if (!g_ascii_string_to_unsigned(word, 10, 0, G_MAXUINT64, &bytes, NULL))
        return -EBADMSG;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
        return -errno;
    limit.rlim_max = MIN(limit.rlim_max, bytes);
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_MEMLOCK, &limit) < 0 ? -errno : 0;
}

/* Whether ARGV has this descriptor reopened by its name below /proc. */
static bool argv_reopens(char *const *argv, unsigned number)
{
    g_autofree char *name = g_strdup_printf(PROC_FD "%u", number);
    size_t length = strlen(name);

    for (; *argv; argv++)
        for (const char *at = strstr(*argv, name); at; at = strstr(at + 1, name))
            if (!g_ascii_isdigit(at[length]))
                return true;
    return false;
}

/* The daemon may read what this user may not; the reader gets a copy then, which is this user's. */
static int copy_if_unreadable(int *fd)
{
    g_autofree char *path = g_strdup_printf(PROC_FD "%d", *fd);
    struct stat original;
    off_t at = 0;

    if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) >= 0)
        return 0;
    if (fstat(*fd, &original) < 0)
        return -errno;
    if (!S_ISREG(original.st_mode))
        return -EACCES;
    _cleanup_close_ int copy = memfd_create("usher-file", MFD_CLOEXEC);
    if (copy < 0)
        return -errno;
    while (at < original.st_size) {
        ssize_t n = sendfile(copy, *fd, &at, original.st_size - at);
        if (n < 0)
            return -errno;
        if (n == 0)
            return -EIO;
    }
    close_fd(*fd);
    *fd = steal_fd(&copy);
    return 0;
}

/* Puts the descriptors where ARGV expects them and the log in the place of stdout and stderr; what else is
 * open goes with the exec. */
static int place_fds(Order *order)
{
    unsigned n = order->n_fds - 1;

    /* Out of the way first: one may stand where another is to go. */
    for (unsigned i = 0; i < order->n_fds; i++) {
        int high = fcntl(order->fds[i], F_DUPFD_CLOEXEC, FD_FIRST + FDS_MAX);
        if (high < 0)
            return -errno;
        close_fd(order->fds[i]);
        order->fds[i] = high;
    }
    if (close_range(FD_FIRST, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
        return -errno;
    for (unsigned i = 0; i < n; i++)
        if (dup2(order->fds[i], FD_FIRST + i) < 0)
            return -errno;

    _cleanup_close_ int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0)
        return -errno;
    if (dup2(order->fds[n], STDOUT_FILENO) < 0 || dup2(order->fds[n], STDERR_FILENO) < 0)
        return -errno;
    return 0;
}

static bool is_companion(const Order *order)
{
    return g_str_equal(order->words[0], "companion") || g_str_equal(order->words[0], "folder-companion");
}

/* In the child, which has nothing else to do. */
static int become_companion(Order *order, pid_t launcher)
{
    char **argv = order->words + 2;

    /* It ends with QEMU, into which our parent turns: the signal is kept over its execve(2) as over ours
     * (PR_SET_PDEATHSIG(2const)). Not SIGKILL: what it knows may be worth to be written down. */
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0)
        return -errno;
    if (getppid() != launcher)
        return -ECANCELED;
    int r = place_fds(order);
    if (r >= 0 && g_str_equal(order->words[0], "folder-companion"))
        r = launch_prepare_folder_server();
    if (r < 0)
        return r;
    execve(argv[0], argv, environment);
    return -errno;
}

/* Its pid once it is the program, or -errno. */
static pid_t start_companion(Order *order)
{
    _cleanup_close_ int told = -1, tell = -1;
    pid_t self = getpid();
    int ends[2], error = 0;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    told = ends[0];
    /* Above the numbers that the program's own descriptors get. */
    tell = fcntl(ends[1], F_DUPFD_CLOEXEC, FD_FIRST + FDS_MAX);
    close_fd(ends[1]);
    pid_t pid = tell < 0 ? -1 : fork();
    if (pid < 0)
        return -errno;
    if (pid == 0) {
        error = become_companion(order, self);
        _exit(write(tell, &error, sizeof(error)) == sizeof(error) ? EXIT_NO_QEMU : EXIT_REFUSED);
    }
    tell = close_fd(tell);
    if (read(told, &error, sizeof(error)) != sizeof(error))
        return pid;
    waitpid(pid, NULL, 0);
    return error;
}

static int serve_companion(int channel, Order *order)
{
    pid_t pid = start_companion(order);
    g_autofree char *number = g_strdup_printf("%d", ABS(pid));

    if (pid < 0)
        complain("cannot start %s: %s", order->words[2], strerror(-pid));
    return channel_send_blocking(channel, (const char *const[]){pid < 0 ? "failed" : "started", number, NULL},
                                 NULL, 0);
}

/* run MEMLOCK ARGV…; returns only if it failed. */
static int become_qemu(Order *order, const char *name)
{
    char **argv = order->words + 2;
    int r;

    r = lower_memlock(order->words[1]);
    for (unsigned i = 0; r >= 0 && i + 1 < order->n_fds; i++)
        if (argv_reopens(argv, FD_FIRST + i))
            r = copy_if_unreadable(&order->fds[i]);
    if (r < 0) {
        complain("cannot prepare QEMU of guest %s: %s", name, strerror(-r));
        return EXIT_NO_QEMU;
    }

    int journal = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, FD_FIRST + FDS_MAX);
    r = place_fds(order);
    if (r >= 0) {
        sd_notify(0, "READY=1\nSTATUS=Running QEMU");
        execve(argv[0], argv, environment);
        r = -errno;
    }
    complain("cannot start %s for guest %s: %s", argv[0], name, strerror(-r));
    if (journal >= 0)
        dprintf(journal, "usher-launch: cannot start %s for guest %s: %s\n", argv[0], name, strerror(-r));
    return EXIT_NO_QEMU;
}

/* The next order takes the place of the last. */
static int take_order(int fd, Order *order)
{
    for (unsigned i = 0; i < order->n_fds; i++)
        close_fd(order->fds[i]);
    g_clear_pointer(&order->words, g_strfreev);
    order->n_fds = 0;
    return channel_receive_blocking(fd, &order->words, order->fds, FDS_MAX, &order->n_fds);
}

/* pin CPUS; then the next order */
static int serve_pin(int fd, Order *order)
{
    int r = launch_pin(fd, order->words[1]);

    if (r < 0)
        complain("cannot run on %s alone: %s", order->words[1], strerror(-r));
    return r < 0 ? r : take_order(fd, order);
}

static int run_guest(const char *name)
{
    Order order = {0};

    int fd = say_hello("guest", name);
    if (fd < 0)
        return EXIT_REFUSED;
    int r = take_order(fd, &order);
    while (r >= 0 && is_companion(&order) && g_strv_length(order.words) > 2 && order.n_fds > 0) {
        r = serve_companion(fd, &order);
        if (r >= 0)
            r = take_order(fd, &order);
    }
    if (r >= 0 && g_str_equal(order.words[0], "pin") && order.words[1])
        r = serve_pin(fd, &order);
    if (r == -ECONNRESET) {
        complain("usherd went away before guest %s could start; start it again", name);
        return EXIT_REFUSED;
    }
    if (r < 0) {
        complain("cannot read usherd's answer: %s", strerror(-r));
        return EXIT_REFUSED;
    }
    if (g_str_equal(order.words[0], "refused"))
        return told_no(order.words);
    if (!g_str_equal(order.words[0], "run") || g_strv_length(order.words) < 3 || order.n_fds < 1) {
        complain("usherd said %s, which is not an order to run a guest", order.words[0]);
        return EXIT_REFUSED;
    }
    return become_qemu(&order, name);
}

int main(int argc, char *argv[])
{
    int r = launch_keep_capabilities();

    if (r < 0) {
        complain("cannot keep the unit's capabilities from QEMU: %s", strerror(-r));
        return EXIT_REFUSED;
    }
    if (argc == 2 && argv[1][0] != '-')
        return run_guest(argv[1]);
    /* After a good end systemd runs ExecStop= too. Nobody has asked that what has ended be stopped: usherd
     * would take it for a wish that the guest stays down (OnReboot=). Companions are waited for all the same:
     * systemd kills them with what is left in the unit as soon as this returns (KillMode=mixed). */
    if (argc == 3 && g_str_equal(argv[1], "--stop"))
        return wait_for_end(getenv("EXIT_CODE") ? "ended" : "stop", argv[2]);
    if (argc == 3 && g_str_equal(argv[1], "--restored"))
        return wait_for_end("restored", argv[2]);
    complain(
        "only usher-guest@.service may start this program; to start a guest by hand: usherctl start NAME");
    return EXIT_USAGE;
}
