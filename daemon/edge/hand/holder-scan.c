/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"
#include "../../base/log.h"
#include "../../core/host/pci-address.h"
#include "holder-disk.h"
#include "holder-kernel.h"
#include "holder-links.h"
#include "holder-nodes.h"

#define MAPS_LIMIT (32 * 1024 * 1024)
/* Documentation/admin-guide/devices.txt */
#define DRM_MAJOR 226

typedef struct Scan {
    const HolderPlace *place;
    char *const *addresses;
    GHashTable *nodes;       /* holder-nodes.h */
    const struct stat *file; /* looked for beside the nodes; NULL: none */
    const char *file_path;
    GHashTable *known;      /* set of "PID DEVICE NODE": what was told already */
    GHashTable *namespaces; /* set of char*: mount namespaces that were read */
    GPtrArray *holders;
    unsigned unseen; /* processes that we may not look into */
} Scan;

/* One process while it is looked at. */
typedef struct Process {
    int fd; /* its folder in /proc */
    pid_t pid;
    char *command, *unit, *session; /* NULL until somebody asks */
    bool bystander;
} Process;

static void process_clear(Process *process)
{
    close_fd(process->fd);
    g_free(process->command);
    g_free(process->unit);
    g_free(process->session);
}

/* These keep nodes open for others, or for a moment, and let go when a device goes. */
static bool is_bystander(const Process *process)
{
    static const char *const units[] = {"init.scope", "systemd-logind.service", "systemd-udevd.service",
                                        NULL};
    return process->pid == 1 || g_strv_contains(units, process->unit);
}

/* logind numbers a session as the kernel's audit does, where that exists. A user's services inherit theirs
 * from the manager that started them, which has none. */
static void read_session(Process *process)
{
    g_autofree char *text = NULL;
    if (*process->session || file_read_value_at(process->fd, "sessionid", &text) < 0)
        return;
    if (!g_str_equal(text, "4294967295") && !g_str_equal(text, "0")) {
        g_free(process->session);
        process->session = g_steal_pointer(&text);
    }
}

static void identify(Process *process)
{
    g_autofree char *cgroup = NULL;
    if (process->command)
        return;

    if (file_read_value_at(process->fd, "comm", &process->command) < 0)
        process->command = g_strdup("?");
    holder_place(file_read_value_at(process->fd, "cgroup", &cgroup) < 0 ? "" : cgroup, &process->unit,
                 &process->session);
    read_session(process);
    process->bystander = is_bystander(process);
}

/* Notes each node of a process once, however often the process has it open. */
static void note(Scan *scan, Process *process, HolderKind kind, const char *device, const char *node,
                 const char *what)
{
    char *key = g_strdup_printf("%d %s %s", process->pid, device, node);
    if (!g_hash_table_add(scan->known, key))
        return;
    identify(process);
    if (!process->bystander)
        g_ptr_array_add(scan->holders, holder_new(kind, device, what, process->pid, process->command,
                                                  process->unit, process->session));
}

/* A DRM client of ours, by a node that is not in sysfs (any more): the driver says whose it is. */
static void look_at_drm_client(Scan *scan, Process *process, const char *number)
{
    g_autofree char *path = g_strdup_printf("fdinfo/%s", number), *text = NULL;
    char address[32];
    if (file_read_value_at(process->fd, path, &text) < 0)
        return;

    const char *line = strstr(text, "drm-pdev:");
    if (line && sscanf(line, "drm-pdev: %31s", address) == 1 &&
        g_strv_contains((const char *const *)scan->addresses, address))
        note(scan, process, HOLDER_DRM, address, "drm", "");
}

/* What a link of /proc/PID/fd leads to, without asking the file's file system: FUSE and NFS may never answer.
 */
static int stat_node(int fd, const char *path, struct statx *ret)
{
    return statx(fd, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE | STATX_INO, ret) < 0 ? -errno
                                                                                                  : 0;
}

static bool is_file(const struct stat *file, const struct statx *st)
{
    return st->stx_ino == file->st_ino && st->stx_dev_major == major(file->st_dev) &&
           st->stx_dev_minor == minor(file->st_dev);
}

/* How we reach a node that a process has open at that path; the caller frees it. A node that was opened in
 * another mount namespace's /dev, as libvirt's QEMU and our own workers have, is told from the root of that
 * one (d_path() of the kernel's fs/d_path.c): "/vfio/26". */
static char *reach(const Scan *scan, const char *target, const struct statx *node)
{
    struct statx st;

    if (!g_str_has_prefix(target, "/dev/") && target[0] == '/' &&
        stat_node(scan->place->dev_fd, target + 1, &st) >= 0 &&
        (st.stx_mode & S_IFMT) == (node->stx_mode & S_IFMT) && st.stx_rdev_major == node->stx_rdev_major &&
        st.stx_rdev_minor == node->stx_rdev_minor)
        return g_strconcat("/dev", target, NULL);
    return g_strdup(target);
}

static void look_at_file(Scan *scan, Process *process, int files, const char *number)
{
    struct statx st;
    char target[PATH_MAX];
    if (stat_node(files, number, &st) < 0)
        return;
    if (scan->file && S_ISREG(st.stx_mode) && is_file(scan->file, &st)) {
        note(scan, process, HOLDER_FILE, "", scan->file_path, scan->file_path);
        return;
    }
    if ((!S_ISCHR(st.stx_mode) && !S_ISBLK(st.stx_mode)))
        return;

    const HolderNode *node =
        holder_node_find(scan->nodes, S_ISBLK(st.stx_mode), st.stx_rdev_major, st.stx_rdev_minor);
    if (!node) {
        if (S_ISCHR(st.stx_mode) && st.stx_rdev_major == DRM_MAJOR)
            look_at_drm_client(scan, process, number);
        return;
    }
    ssize_t n = readlinkat(files, number, target, sizeof(target) - 1);
    target[MAX(n, 0)] = '\0';
    g_autofree char *path = reach(scan, n > 0 ? target : node->name, &st);
    note(scan, process, HOLDER_FILE, node->device, node->name, path);
}

static void look_at_files(Scan *scan, Process *process)
{
    g_auto(GStrv) numbers = NULL;
    _cleanup_close_ int files = openat(process->fd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = files < 0 ? -errno : file_list_at(files, ".", &numbers);

    if (r == -EACCES || r == -EPERM)
        scan->unseen++;
    for (char **number = numbers; r >= 0 && *number; number++)
        look_at_file(scan, process, files, *number);
}

/* A line of maps (proc(5)) names the node by its path; the inode says whether it is still that. */
static void look_at_mapping(Scan *scan, Process *process, const char *line)
{
    const char *path = strstr(line, " /dev/");
    unsigned long long inode;
    struct statx st;
    if (!path || sscanf(line, "%*s %*s %*s %*s %llu", &inode) != 1)
        return;

    path += 1;
    if (stat_node(scan->place->dev_fd, path + strlen("/dev/"), &st) < 0 || st.stx_ino != inode ||
        (!S_ISCHR(st.stx_mode) && !S_ISBLK(st.stx_mode)))
        return;
    const HolderNode *node =
        holder_node_find(scan->nodes, S_ISBLK(st.stx_mode), st.stx_rdev_major, st.stx_rdev_minor);
    if (node)
        note(scan, process, HOLDER_MAPPING, node->device, node->name, path);
}

static void look_at_mappings(Scan *scan, Process *process)
{
    g_autofree char *text = NULL;
    if (file_read_all_at(process->fd, "maps", MAPS_LIMIT, &text, NULL) < 0)
        return;

    for (char *line = text; line && *line;) {
        char *end = strchr(line, '\n');
        if (end)
            *end = '\0';
        look_at_mapping(scan, process, line);
        line = end ? end + 1 : NULL;
    }
}

/* True for a line of mountinfo (proc(5)) whose device is one of our nodes. */
static const HolderNode *mounted_node(const Scan *scan, const char *line, char **ret_point)
{
    unsigned major, minor;
    g_auto(GStrv) fields = g_strsplit(line, " ", 6);
    if (g_strv_length(fields) < 6 || sscanf(fields[2], "%u:%u", &major, &minor) != 2)
        return NULL;

    const HolderNode *node = holder_node_find(scan->nodes, true, major, minor);
    if (node)
        *ret_point = g_strcompress(fields[4]);
    return node;
}

/* What the host itself has mounted is known (host-needs.h); a container may have mounted more. */
static void look_at_mounts(Scan *scan, Process *process)
{
    char namespace[64];
    g_autofree char *text = NULL;
    ssize_t n = readlinkat(process->fd, "ns/mnt", namespace, sizeof(namespace) - 1);
    if (n < 0)
        return;
    namespace[n] = '\0';
    if (!g_hash_table_add(scan->namespaces, g_strdup(namespace)) ||
        file_read_all_at(process->fd, "mountinfo", MAPS_LIMIT, &text, NULL) < 0)
        return;

    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_autofree char *point = NULL;
        const HolderNode *node = mounted_node(scan, *line, &point);
        /* Namespaces are copies of one another: each disk is told once, so the key has no pid. */
        if (!node || !g_hash_table_add(scan->known, g_strdup_printf("mount %s", node->name)))
            continue;
        if (process->pid == 1)
            continue;
        g_autofree char *what = g_strdup_printf("%s (at %s)", node->name, point);
        identify(process);
        g_ptr_array_add(scan->holders, holder_new(HOLDER_MOUNT, node->device, what, process->pid,
                                                  process->command, process->unit, process->session));
    }
}

static void look_at_process(Scan *scan, const char *name)
{
    guint64 pid;
    if (!g_ascii_string_to_unsigned(name, 10, 1, G_MAXINT, &pid, NULL) || (pid_t)pid == getpid())
        return;

    __attribute__((cleanup(process_clear))) Process process = {.pid = pid};
    process.fd = openat(scan->place->proc_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (process.fd < 0)
        return;
    look_at_files(scan, &process);
    look_at_mappings(scan, &process);
    look_at_mounts(scan, &process);
}

static int compare_pids(const void *a, const void *b)
{
    guint64 x = g_ascii_strtoull(*(char *const *)a, NULL, 10),
            y = g_ascii_strtoull(*(char *const *)b, NULL, 10);
    return x < y ? -1 : x > y;
}

static int look_at_processes(Scan *scan)
{
    g_auto(GStrv) names = NULL;
    int r = file_list_at(scan->place->proc_fd, ".", &names);
    if (r < 0)
        return r;

    /* PID 1 comes first: its mounts are the host's. */
    qsort(names, g_strv_length(names), sizeof(char *), compare_pids);
    for (char **name = names; *name; name++)
        look_at_process(scan, *name);
    if (scan->unseen > 0)
        log_warning("cannot see what %u processes have open: is CAP_SYS_PTRACE missing?", scan->unseen);
    return 0;
}

static int scan_processes(Scan *scan)
{
    g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) namespaces = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    scan->known = known;
    scan->namespaces = namespaces;
    return look_at_processes(scan);
}

static char *const no_addresses[] = {NULL};

int holder_scan_nodes(const HolderPlace *place, GHashTable *nodes, GPtrArray *holders)
{
    Scan scan = {.place = place, .addresses = no_addresses, .nodes = nodes, .holders = holders};

    return scan_processes(&scan);
}

int holder_scan_file(const HolderPlace *place, const char *path, const struct stat *st, GPtrArray *holders)
{
    g_autoptr(GHashTable) nodes = holder_nodes_new();
    Scan scan = {.place = place, .addresses = no_addresses, .nodes = nodes, .holders = holders};

    scan.file = st;
    scan.file_path = path;
    return scan_processes(&scan);
}

int holder_scan(const HolderPlace *place, char *const *addresses, bool claim, GPtrArray **ret)
{
    g_autoptr(GPtrArray) holders = holders_new();
    g_autoptr(GHashTable) nodes = holder_nodes_new();
    Scan scan = {.place = place, .addresses = addresses, .nodes = nodes, .holders = holders};
    DiskClaim *taken = NULL;

    for (char *const *address = addresses; *address; address++) {
        PciAddress parsed;
        bool mediated = g_uuid_string_is_valid(*address);
        if (!mediated && pci_address_from_string(*address, &parsed) < 0)
            return -EINVAL;
        holder_nodes_add(place, mediated ? *address : PCI_ADDRESS_STR(parsed), nodes, holders);
    }
    holder_kernel_add(place, nodes, holders);
    int r = holder_links_add(place, addresses, holders);
    if (r >= 0)
        r = scan_processes(&scan);
    if (r >= 0 && claim)
        r = holder_disk_claim(place, nodes, false, &taken, holders);
    disk_claim_free(taken);
    if (r < 0)
        return r;
    *ret = g_steal_pointer(&holders);
    return 0;
}
