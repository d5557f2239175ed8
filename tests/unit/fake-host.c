/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../daemon/base/cleanup.h"
#include "fake-host-private.h"
#include "scratch.h"

FakeHost *fake_host_current;

/* --- The host itself --- */

static int open_below(const FakeHost *host, const char *name)
{
    g_autofree char *path = fake_text("%s/%s", host->path, name);
    ck_assert_int_eq(mkdir(path, 0755), 0);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

DEFINE_ELEMENT_FREE(FakeDevice, device_free, device)
{
    g_free(device->address);
    g_free(device->path);
    g_free(device->behind);
    g_free(device->physical);
    g_free(device->native);
}

FakeHost *fake_host_new(void)
{
    ck_assert_msg(!fake_host_current, "there is a fake host already");
    FakeHost *host = g_new0(FakeHost, 1);
    host->path = scratch_new("host");
    host->sys_fd = open_below(host, "sys");
    host->dev_fd = open_below(host, "dev");
    host->proc_fd = open_below(host, "proc");
    host->devices = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, device_free);
    host->open = g_hash_table_new(NULL, NULL);
    host->claimed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    host->owners = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    host->cpus_off = g_hash_table_new(NULL, NULL);
    host->mediated = g_ptr_array_new_with_free_func(fake_mediated_free);
    host->mishaps = g_string_new(NULL);

    fake_tree_make(host->sys_fd, "bus/pci/devices");
    fake_tree_make(host->sys_fd, "kernel/iommu_groups");
    fake_tree_put(host->sys_fd, "bus/pci/drivers_probe", "");
    fake_tree_put(host->dev_fd, "vfio/vfio", "");
    fake_tree_put(host->proc_fd, "self/mountinfo", "22 27 0:21 / /proc rw,relatime - proc proc rw\n");
    fake_tree_put(host->proc_fd, "swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
    fake_tree_put(host->proc_fd, "net/route",
                  "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n");
    fake_tree_put(host->proc_fd, "net/ipv6_route", "");
    fake_host_set_parameter(host, "vfio", "enable_unsafe_noiommu_mode", "N");
    fake_host_set_parameter(host, "vfio_iommu_type1", "allow_unsafe_interrupts", "N");
    fake_driver_register(host, "vfio-pci");
    fake_host_current = host;
    return host;
}

DEFINE_FREE(FakeHost, fake_host_free, host)
{
    fake_host_current = NULL;
    scratch_remove(host->path);
    close(host->sys_fd);
    close(host->dev_fd);
    close(host->proc_fd);
    g_hash_table_unref(host->devices);
    g_hash_table_unref(host->open);
    g_hash_table_unref(host->claimed);
    g_hash_table_unref(host->owners);
    g_hash_table_unref(host->cpus_off);
    g_ptr_array_unref(host->mediated);
    g_string_free(host->mishaps, TRUE);
    g_free(host->path);
}

int fake_host_sys_fd(const FakeHost *host)
{
    return host->sys_fd;
}

int fake_host_dev_fd(const FakeHost *host)
{
    return host->dev_fd;
}

int fake_host_proc_fd(const FakeHost *host)
{
    return host->proc_fd;
}

const char *fake_host_path(const FakeHost *host)
{
    return host->path;
}

/* --- Building it --- */

static void driver_unregister(FakeHost *host, const char *driver)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, host->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        g_autofree char *present = fake_device_driver(host, value);
        if (g_str_equal(present, driver))
            ck_assert_int_eq(fake_kernel_unbind(host, value), 0);
    }
    g_autofree char *path = fake_text("bus/pci/drivers/%s", driver);
    ck_assert_int_eq(unlinkat(host->sys_fd, path, AT_REMOVEDIR), 0);
}

static void join_group(const FakeHost *host, const FakeDevice *device)
{
    if (device->group == FAKE_NO_GROUP)
        return;
    g_autofree char *group = fake_text("kernel/iommu_groups/%d", device->group);
    g_autofree char *member = fake_text("%s/devices/%s", group, device->address);
    g_autofree char *link = fake_text("%s/iommu_group", device->path);
    fake_tree_link(host->sys_fd, member, device->path);
    fake_tree_link(host->sys_fd, link, group);
}

/* Only as much of config space as anybody reads. */
static void put_config(const FakeHost *host, const FakeDevice *device, uint16_t vendor, uint16_t id)
{
    g_autofree char *path = fake_text("%s/sys/%s/config", host->path, device->path);
    const char bytes[] = {vendor & 0xff, vendor >> 8, id & 0xff, id >> 8};
    ck_assert(g_file_set_contents(path, bytes, sizeof(bytes), NULL));
}

static void write_attributes(const FakeHost *host, const FakeDevice *device, const FakeFunction *f)
{
    g_autofree char *modalias =
        fake_text("pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X", f->vendor, f->device, f->subvendor,
                  f->subdevice, f->class >> 16 & 0xff, f->class >> 8 & 0xff, f->class & 0xff);

    fake_device_put(host, device, "power/control", "on");
    fake_device_put(host, device, "modalias", modalias);
    fake_device_put(host, device, "driver_override", "(null)");
    fake_device_put(host, device, "power_state", "D0");
    fake_device_put(host, device, "numa_node", "-1");
    fake_device_put(host, device, "reset_method", f->reset_methods ? f->reset_methods : "flr bus");
    fake_device_put(host, device, "reset", "");
    put_config(host, device, f->vendor, f->device);
    if (!f->no_d3cold)
        fake_device_put(host, device, "d3cold_allowed", "1");
    if (f->class >> 8 == 0x0300)
        fake_device_put(host, device, "boot_vga", f->boot_vga ? "1" : "0");
    if (f->physical) {
        g_autofree char *link = fake_text("%s/physfn", device->path);
        fake_tree_link(host->sys_fd, link, fake_device_of(host, f->physical)->path);
    }
}

static bool same_domain(const char *one, const char *other)
{
    size_t n = strcspn(one, ":");

    return n == strcspn(other, ":") && strncmp(one, other, n) == 0;
}

void fake_host_add_function(FakeHost *host, const FakeFunction *f)
{
    ck_assert_msg(!fake_device_find(host, f->address), "%s is there already", f->address);
    const char *above = f->behind ? fake_device_of(host, f->behind)->path : NULL;
    FakeDevice *device = g_new(FakeDevice, 1);
    *device = (FakeDevice){
        .address = g_strdup(f->address),
        .path = above && same_domain(f->behind, f->address)
                    ? fake_text("%s/%s", above, f->address)
                    : fake_text("%s/pci%.*s/%s", above ?: "devices", (int)strlen(f->address) - 5, f->address,
                                f->address),
        .native = g_strdup(f->driver),
        .group = f->group,
        .sleeps = f->sleeps,
        .behind = g_strdup(f->behind),
        .physical = g_strdup(f->physical),
    };
    g_hash_table_insert(host->devices, device->address, device);

    write_attributes(host, device, f);
    join_group(host, device);
    g_autofree char *link = fake_text("bus/pci/devices/%s", f->address);
    fake_tree_link(host->sys_fd, link, device->path);
    if (f->driver) {
        fake_driver_register(host, f->driver);
        ck_assert_int_eq(fake_kernel_probe(host, device), 0);
    }
}

/* --- What others do to it --- */

void fake_host_unload_vfio_pci(FakeHost *host)
{
    driver_unregister(host, "vfio-pci");
}

void fake_host_load_vfio_pci(FakeHost *host)
{
    fake_driver_register(host, "vfio-pci");
}

void fake_host_load_driver(FakeHost *host, const char *driver)
{
    fake_driver_register(host, driver);
}

void fake_host_lose_vfio_pci(FakeHost *host)
{
    host->vfio_lost = true;
}

void fake_host_unload_driver(FakeHost *host, const char *driver)
{
    driver_unregister(host, driver);
}

void fake_host_set_driver(FakeHost *host, const char *address, const char *driver)
{
    FakeDevice *device = fake_device_of(host, address);
    g_autofree char *present = fake_device_driver(host, device);
    g_autofree char *native = device->native;
    g_autofree char *override = fake_device_get(host, device, "driver_override");

    if (present[0])
        ck_assert_int_eq(fake_kernel_unbind(host, device), 0);
    device->native = (char *)driver;
    fake_device_put(host, device, "driver_override", "(null)");
    if (driver) {
        fake_driver_register(host, driver);
        ck_assert_int_eq(fake_kernel_probe(host, device), 0);
    }
    fake_device_put(host, device, "driver_override", override);
    device->native = g_steal_pointer(&native);
}

void fake_host_set_override(FakeHost *host, const char *address, const char *value)
{
    fake_device_put(host, fake_device_of(host, address), "driver_override", value ? value : "(null)");
}

void fake_host_set_power_control(FakeHost *host, const char *address, const char *value)
{
    fake_device_put(host, fake_device_of(host, address), "power/control", value);
}

void fake_host_set_parameter(FakeHost *host, const char *module, const char *parameter, const char *value)
{
    g_autofree char *path = fake_text("module/%s/parameters/%s", module, parameter);
    g_autofree char *line = fake_text("%s\n", value);
    fake_tree_put(host->sys_fd, path, line);
}

void fake_host_remove_device(FakeHost *host, const char *address)
{
    FakeDevice *device = fake_device_of(host, address);
    g_autofree char *driver = fake_device_driver(host, device);
    if (driver[0])
        ck_assert_int_eq(fake_kernel_unbind(host, device), 0);

    g_autofree char *link = fake_text("bus/pci/devices/%s", address);
    g_autofree char *member = fake_text("kernel/iommu_groups/%d/devices/%s", device->group, address);
    g_autofree char *path = fake_text("%s/sys/%s", host->path, device->path);
    unlinkat(host->sys_fd, link, 0);
    unlinkat(host->sys_fd, member, 0);
    scratch_remove(path);
    g_hash_table_remove(host->devices, address);
}

void fake_host_open_group(FakeHost *host, int group)
{
    g_hash_table_add(host->open, GINT_TO_POINTER(group));
}

void fake_host_close_group(FakeHost *host, int group)
{
    g_hash_table_remove(host->open, GINT_TO_POINTER(group));
}

void fake_host_close_group_after(FakeHost *host, int group, unsigned tries)
{
    fake_host_open_group(host, group);
    host->open_tries = tries;
}

void fake_host_silence(FakeHost *host, const char *address)
{
    put_config(host, fake_device_of(host, address), 0xffff, 0xffff);
}

void fake_host_fail_write(FakeHost *host, unsigned after, int error)
{
    host->fail_at = host->writes + after;
    host->fail_error = error;
    host->fail_late = false;
}

void fake_host_complain_at_write(FakeHost *host, unsigned after, int error)
{
    fake_host_fail_write(host, after, error);
    host->fail_late = true;
}

void fake_host_fail_probe(FakeHost *host, const char *address)
{
    fake_device_of(host, address)->probe_fails = true;
}

/* --- Looking at it --- */

unsigned fake_host_writes(const FakeHost *host)
{
    return host->writes;
}

unsigned fake_host_resets(const FakeHost *host, const char *address)
{
    return fake_device_of(host, address)->resets;
}

char *fake_host_driver(const FakeHost *host, const char *address)
{
    return fake_device_driver(host, fake_device_of(host, address));
}

const char *fake_host_mishaps(const FakeHost *host)
{
    return host->mishaps->str;
}

static void append_device(const FakeHost *host, const FakeDevice *device, GString *text)
{
    g_autofree char *driver = fake_device_driver(host, device);
    g_autofree char *override = fake_device_get(host, device, "driver_override");
    g_autofree char *power = fake_device_get(host, device, "power/control");
    g_autofree char *d3cold = fake_device_get(host, device, "d3cold_allowed");
    g_string_append_printf(text, "%s driver=%s override=%s power=%s d3cold=%s", device->address, driver,
                           override, power, d3cold ? d3cold : "-");
    if (device->sriov.total > 0) {
        g_autofree char *made = fake_device_get(host, device, "sriov_numvfs");
        g_autofree char *autoprobe = fake_device_get(host, device, "sriov_drivers_autoprobe");
        g_string_append_printf(text, " functions=%s autoprobe=%s", made, autoprobe);
    }
    if (device->bar.size > 0)
        g_string_append_printf(text, " bar%u=%luM", device->bar.number,
                               (unsigned long)(device->bar.size >> 20));
    g_string_append_c(text, '\n');
}

static int compare_lines(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void append_nodes(const FakeHost *host, GString *text)
{
    g_autofree char *path = fake_text("%s/dev/vfio", host->path);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    for (const char *name = g_dir_read_name(dir); name; name = g_dir_read_name(dir)) {
        g_autofree char *node = fake_text("vfio/%s", name);
        struct stat st;
        ck_assert_int_eq(fstatat(host->dev_fd, node, &st, 0), 0);
        g_ptr_array_add(lines, fake_text("%s %u:%u %o\n", node, st.st_uid, st.st_gid, st.st_mode & 07777));
    }
    g_ptr_array_sort(lines, compare_lines);
    for (unsigned i = 0; i < lines->len; i++)
        g_string_append(text, g_ptr_array_index(lines, i));
}

static void append_cpus(const FakeHost *host, GString *text)
{
    static const char *const slices[] = {"system.slice", "user.slice"};

    for (unsigned i = 0; host->cpus > 0 && i < G_N_ELEMENTS(slices); i++) {
        g_autofree char *allowed = fake_host_allowed_cpus(host, slices[i]);
        g_string_append_printf(text, "%s %s\n", slices[i], allowed);
    }
    for (unsigned cpu = 0; host->governed && cpu < host->cpus; cpu++) {
        g_autofree char *path =
            fake_text("%s/sys/devices/system/cpu/cpu%u/cpufreq/scaling_governor", host->path, cpu);
        g_autofree char *governor = NULL;
        ck_assert(g_file_get_contents(path, &governor, NULL, NULL));
        g_string_append_printf(text, "cpu%u %s", cpu, governor);
    }
}

char *fake_host_snapshot_text(const FakeHost *host)
{
    GString *text = g_string_new(NULL);
    g_autoptr(GList) addresses = g_list_sort(g_hash_table_get_keys(host->devices), (GCompareFunc)strcmp);
    for (GList *a = addresses; a; a = a->next)
        append_device(host, fake_device_find(host, a->data), text);
    fake_mediated_append(host, text);
    append_nodes(host, text);
    if (host->huge_pages_room > 0)
        g_string_append_printf(text, "node0/2048kB %u\n", fake_host_huge_pages(host, 0));
    append_cpus(host, text);
    append_cpus(host, text);
    return g_string_free(text, FALSE);
}
