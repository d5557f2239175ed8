/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel does when something is written to the fake host. The linker sends calls here (--wrap);
 * calls that do not concern the fake host go on to the real function. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake-host-private.h"

int __real_file_write_value_at(int dirfd, const char *path, const char *value);
int __wrap_file_write_value_at(int dirfd, const char *path, const char *value);
int __real_fchownat(int dirfd, const char *path, uid_t uid, gid_t gid, int flags);
int __wrap_fchownat(int dirfd, const char *path, uid_t uid, gid_t gid, int flags);
int __real_fchown(int fd, uid_t uid, gid_t gid);
int __wrap_fchown(int fd, uid_t uid, gid_t gid);
/* What fstatat() is called with 64 bits for offsets. */
int __real_fstatat64(int dirfd, const char *path, struct stat *st, int flags);
int __wrap_fstatat64(int dirfd, const char *path, struct stat *st, int flags);
int __real_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]);
int __wrap_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]);
/* What openat() is called with 64 bits for offsets. */
int __real_openat64(int dirfd, const char *path, int flags, ...);
int __wrap_openat64(int dirfd, const char *path, int flags, ...);
void __real_g_usleep(gulong usec);
void __wrap_g_usleep(gulong usec);

static void mishap(FakeHost *host, const char *what, const char *which)
{
    g_string_append_printf(host->mishaps, "%s: %s\n", which, what);
}

static bool group_open(const FakeHost *host, int group)
{
    return g_hash_table_contains(host->open, GINT_TO_POINTER(group));
}

static unsigned count_on_vfio(const FakeHost *host, int group)
{
    unsigned count = 0;
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, host->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const FakeDevice *device = value;
        g_autofree char *driver = fake_device_driver(host, device);
        count += device->group == group && fake_driver_lends(driver);
    }
    return count;
}

/* devtmpfs makes it root's own. */
static void add_node(const FakeHost *host, int group)
{
    g_autofree char *node = g_strdup_printf("vfio/%d", group);
    int fd = openat(host->dev_fd, node, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

void fake_kernel_remove_node(const FakeHost *host, int group)
{
    g_autofree char *node = g_strdup_printf("vfio/%d", group);
    g_hash_table_remove(host->owners, node);
    ck_assert_int_eq(unlinkat(host->dev_fd, node, 0), 0);
}

int fake_kernel_unbind(FakeHost *host, FakeDevice *device)
{
    g_autofree char *driver = fake_device_driver(host, device);
    bool vfio = fake_driver_lends(driver);

    if (driver[0] == '\0')
        return -ENODEV;
    if (vfio && group_open(host, device->group)) {
        /* The real kernel would wait, perhaps for good; a test has to end. */
        mishap(host, "vfio-pci asked to let go of a device in use", device->address);
        return -EBUSY;
    }
    if (device->vmd && g_str_equal(driver, "vmd"))
        fake_kernel_end_domain(host, device);
    fake_device_link_driver(host, device, "");
    if (vfio || device->sleeps)
        fake_device_put(host, device, "power/control", "on");
    if (vfio && count_on_vfio(host, device->group) == 0)
        fake_kernel_remove_node(host, device->group);
    return 0;
}

/* Which driver takes the device? "" if none does. */
static char *match(const FakeHost *host, const FakeDevice *device)
{
    g_autofree char *override = fake_device_get(host, device, "driver_override");
    const char *driver = !g_str_equal(override, "(null)")       ? override
                         : fake_device_autoprobed(host, device) ? device->native
                                                                : NULL;
    if (!driver || driver[0] == '\0' || !fake_driver_registered(host, driver))
        return g_strdup("");
    return g_strdup(driver);
}

static void bind_vfio(FakeHost *host, FakeDevice *device, const char *driver)
{
    /* Without a group the probe fails, which is no error of the write. */
    if (device->group == FAKE_NO_GROUP)
        return;
    if (count_on_vfio(host, device->group) == 0)
        add_node(host, device->group);
    fake_device_link_driver(host, device, driver);
    fake_device_put(host, device, "power/control", "auto");
}

int fake_kernel_probe(FakeHost *host, FakeDevice *device)
{
    g_autofree char *present = fake_device_driver(host, device);
    g_autofree char *driver = match(host, device);

    if (present[0] || driver[0] == '\0')
        return 0;
    if (device->probe_fails) {
        device->probe_fails = false;
        return 0;
    }
    if (fake_driver_lends(driver)) {
        bind_vfio(host, device, driver);
        return 0;
    }
    if (group_open(host, device->group)) {
        mishap(host, "host driver asked to take a member of a group in use", device->address);
        return -EINVAL;
    }
    fake_device_link_driver(host, device, driver);
    if (device->vmd && g_str_equal(driver, "vmd"))
        fake_kernel_make_domain(host, device);
    if (device->sleeps)
        fake_device_put(host, device, "power/control", "auto");
    return 0;
}

static bool one_of(const char *value, const char *a, const char *b)
{
    return g_str_equal(value, a) || g_str_equal(value, b);
}

static int write_attribute(FakeHost *host, FakeDevice *device, const char *attribute, const char *value)
{
    if (g_str_equal(attribute, "driver/unbind"))
        return g_str_equal(value, device->address) ? fake_kernel_unbind(host, device) : -ENODEV;
    if (g_str_equal(attribute, "driver_override")) {
        g_autofree char *text = g_strndup(value, strcspn(value, "\n"));
        /* No bytes at all are no write. */
        if (value[0])
            fake_device_put(host, device, attribute, text[0] ? text : "(null)");
        return 0;
    }
    if (g_str_equal(attribute, "sriov_numvfs"))
        return fake_kernel_make_functions(host, device, value);
    if (g_str_equal(attribute, "reset")) {
        /* The reset is done all the same, whoever uses the device. */
        if (group_open(host, device->group))
            mishap(host, "reset in use", device->address);
        device->resets++;
        return 0;
    }
    if (g_str_has_suffix(attribute, "_resize"))
        return fake_kernel_resize(host, device, attribute, value);
    bool power = g_str_equal(attribute, "power/control");
    if (!(power ? one_of(value, "on", "auto") : one_of(value, "0", "1")))
        return -EINVAL;
    fake_device_put(host, device, attribute, value);
    return 0;
}

/* Makes as many pages as there is memory for; free pages go first, pages in use stay (hugetlbpage.rst). */
static int fake_kernel_huge_pages(FakeHost *host, const char *path, const char *value)
{
    unsigned wanted = strtoul(value, NULL, 10), had = MIN(wanted, host->huge_pages_room);
    g_autofree char *number = g_strdup_printf("%u\n", had), *folder = g_path_get_dirname(path);
    g_autofree char *free = g_strconcat(folder, "/free_hugepages", NULL);

    fake_tree_put(host->sys_fd, path, number);
    fake_tree_put(host->sys_fd, free, number);
    return 0;
}

/* EINVAL for an unknown governor (Documentation/admin-guide/pm/cpufreq.rst). */
static int fake_kernel_governor(FakeHost *host, const char *path, const char *value)
{
    g_autofree char *line = g_strconcat(value, "\n", NULL);

    if (faccessat(host->sys_fd, path, F_OK, 0) < 0)
        return -ENOENT;
    if (!one_of(value, "performance", "schedutil"))
        return -EINVAL;
    fake_tree_put(host->sys_fd, path, line);
    return 0;
}

/* path: below sys. */
static int write_sys(FakeHost *host, const char *path, const char *value)
{
    if (g_str_equal(path, "bus/pci/drivers_probe")) {
        FakeDevice *device = fake_device_find(host, value);
        return device ? fake_kernel_probe(host, device) : -ENODEV;
    }

    int r;
    if (fake_kernel_write_usb(host, path, value, &r) || fake_kernel_write_mediated(host, path, value, &r))
        return r;
    if (g_str_has_suffix(path, "/nr_hugepages"))
        return fake_kernel_huge_pages(host, path, value);

    if (g_str_has_suffix(path, "/scaling_governor"))
        return fake_kernel_governor(host, path, value);

    g_auto(GStrv) parts = g_str_has_prefix(path, "bus/pci/devices/") ? g_strsplit(path, "/", 5) : NULL;
    if (!parts || g_strv_length(parts) != 5) {
        mishap(host, "written", path);
        return -EACCES;
    }
    static const char *const writable[] = {
        "driver/unbind", "driver_override", "power/control",           "d3cold_allowed",
        "reset",         "sriov_numvfs",    "sriov_drivers_autoprobe", NULL};
    if (!g_strv_contains(writable, parts[4]) && !g_str_has_suffix(parts[4], "_resize")) {
        mishap(host, "written", path);
        return -EACCES;
    }
    FakeDevice *device = fake_device_find(host, parts[3]);
    const char *present = g_str_equal(parts[4], "driver/unbind") ? "driver" : parts[4];
    if (!device || !fake_device_has(host, device, present))
        return -ENOENT;
    return write_attribute(host, device, parts[4], value);
}

int fake_kernel_enter(FakeHost *host, int *late)
{
    int error = host->fail_error && host->writes == host->fail_at ? -host->fail_error : 0;
    host->writes++;
    *late = host->fail_late ? error : 0;
    return host->fail_late ? 0 : error;
}

/* The path below folder ("sys", "dev") that dirfd and path lead to; NULL if they lead elsewhere. */
static char *below(const FakeHost *host, const char *folder, int dirfd, const char *path)
{
    g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", dirfd);
    g_autofree char *target = dirfd >= 0 ? g_file_read_link(link, NULL) : NULL;
    g_autofree char *full =
        path[0] == '/' ? g_strdup(path) : g_strdup_printf("%s/%s", target ? target : "", path);
    g_autofree char *prefix = g_strdup_printf("%s/%s/", host->path, folder);
    return g_str_has_prefix(full, prefix) ? g_strdup(full + strlen(prefix)) : NULL;
}

int __wrap_file_write_value_at(int dirfd, const char *path, const char *value)
{
    FakeHost *host = fake_host_current;
    g_autofree char *inside = host ? below(host, "sys", dirfd, path) : NULL;
    if (!inside)
        return __real_file_write_value_at(dirfd, path, value);

    int late;
    int r = fake_kernel_enter(host, &late);
    if (r < 0)
        return r;
    r = write_sys(host, inside, value);
    return late < 0 ? late : r;
}

typedef struct FakeOwner {
    uid_t uid;
    gid_t gid;
} FakeOwner;

/* The path below dev of the file itself, whatever links led to it; NULL if it is elsewhere. */
static char *inside_dev(const FakeHost *host, int fd)
{
    char *inside = below(host, "dev", fd, "");
    if (inside && inside[0] != '\0')
        inside[strlen(inside) - 1] = '\0';
    return inside;
}

static int open_itself(int dirfd, const char *path, int flags)
{
    return __real_openat64(dirfd, path, O_PATH | O_CLOEXEC | (flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0));
}

/* Only root may give a file away: the fake host keeps the owners of those below dev. */
int __wrap_fchown(int fd, uid_t uid, gid_t gid)
{
    const FakeOwner owner = {uid, gid};
    const FakeHost *host = fake_host_current;
    char *inside = host ? inside_dev(host, fd) : NULL;
    if (!inside)
        return __real_fchown(fd, uid, gid);
    g_hash_table_insert(host->owners, inside, g_memdup2(&owner, sizeof(owner)));
    return 0;
}

int __wrap_fstatat64(int dirfd, const char *path, struct stat *st, int flags)
{
    static const FakeOwner root = {0, 0};
    const FakeHost *host = fake_host_current;
    int r = __real_fstatat64(dirfd, path, st, flags);
    int fd = host && r == 0 ? open_itself(dirfd, path, flags) : -1;
    g_autofree char *inside = fd >= 0 ? inside_dev(host, fd) : NULL;
    const FakeOwner *owner = inside ? g_hash_table_lookup(host->owners, inside) : NULL;
    if (!owner && inside && (g_str_has_prefix(inside, "vfio/") || g_str_has_prefix(inside, "input/")))
        owner = &root;
    if (owner) {
        st->st_uid = owner->uid;
        st->st_gid = owner->gid;
    }
    if (fd >= 0)
        close(fd);
    return r;
}

int __wrap_fchownat(int dirfd, const char *path, uid_t uid, gid_t gid, int flags)
{
    FakeHost *host = fake_host_current;
    g_autofree char *inside = host ? below(host, "dev", dirfd, path) : NULL;
    if (!inside)
        return __real_fchownat(dirfd, path, uid, gid, flags);

    int late;
    int error = fake_kernel_enter(host, &late);
    int fd = error < 0 ? -1 : open_itself(dirfd, path, flags);
    int r = fd < 0 ? -1 : __wrap_fchown(fd, uid, gid);
    if (fd >= 0)
        close(fd);
    if (error < 0 || late < 0) {
        errno = error < 0 ? -error : -late;
        return -1;
    }
    return r;
}

int __wrap_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    FakeHost *host = fake_host_current;
    if (!host || !g_str_has_suffix(path, "/modprobe"))
        return __real_posix_spawn(pid, path, actions, attributes, argv, envp);

    int late;
    int error = fake_kernel_enter(host, &late);
    if (error < 0)
        return -error;
    if (!host->vfio_lost)
        fake_driver_register(host, "vfio-pci");
    /* Somebody has to be waited for. */
    const char *program = host->vfio_lost ? "/bin/false" : "/bin/true";
    int r = __real_posix_spawn(pid, program, actions, attributes, argv, envp);
    return late < 0 ? -late : r;
}

/* Only one process at a time may have a group open. */
static bool keeps_others_out(FakeHost *host, int dirfd, const char *path, int flags)
{
    g_autofree char *inside =
        (flags & (O_PATH | O_CREAT)) == 0 && strstr(path, "vfio/") ? below(host, "dev", dirfd, path) : NULL;
    gint64 group;

    if (!inside || !g_ascii_string_to_signed(inside + strlen("vfio/"), 10, 0, G_MAXINT, &group, NULL) ||
        !group_open(host, group))
        return false;
    if (host->open_tries > 0 && --host->open_tries == 0)
        fake_host_close_group(host, group);
    return true;
}

/* A claim on a partition counts for its disk. Not the other way round: nobody here opens parts of a claimed
 * disk. */
static bool is_claimed(const FakeHost *host, int dirfd, const char *path, int flags)
{
    g_autofree char *inside = flags & O_EXCL ? below(host, "dev", dirfd, path) : NULL;
    GHashTableIter iter;
    const char *name;

    g_hash_table_iter_init(&iter, host->claimed);
    while (inside && g_hash_table_iter_next(&iter, (void **)&name, NULL))
        if (g_str_has_prefix(name, inside))
            return true;
    return false;
}

/* The real one lets it be opened, and then not be read. */
static bool is_switched_off(const FakeHost *host, int dirfd, const char *path)
{
    g_autofree char *inside = strstr(path, "/cpufreq/") ? below(host, "sys", dirfd, path) : NULL;
    unsigned cpu;

    return inside && sscanf(inside, "devices/system/cpu/cpu%5u/", &cpu) == 1 &&
           g_hash_table_contains(host->cpus_off, GUINT_TO_POINTER(cpu));
}

int __wrap_openat64(int dirfd, const char *path, int flags, ...)
{
    FakeHost *host = fake_host_current;
    mode_t mode = 0;
    va_list list;

    if (host && (keeps_others_out(host, dirfd, path, flags) || is_switched_off(host, dirfd, path) ||
                 is_claimed(host, dirfd, path, flags))) {
        errno = EBUSY;
        return -1;
    }
    va_start(list, flags);
    if (flags & (O_CREAT | O_TMPFILE))
        mode = va_arg(list, mode_t);
    va_end(list);
    return __real_openat64(dirfd, path, flags, mode);
}

void __wrap_g_usleep(gulong usec)
{
    if (!fake_host_current)
        __real_g_usleep(usec);
}
