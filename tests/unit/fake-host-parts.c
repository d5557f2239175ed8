/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What hangs on the functions: disks, interfaces, displays, and what is made of them. */
#include <check.h>
#include <fcntl.h>
#include <unistd.h>

#include "fake-host-private.h"

/* Numbers for major:minor that tell disks apart. */
static char *disk_number(const char *name)
{
    unsigned hash = g_str_hash(name);
    return fake_text("%u:%u", 1 + hash % 4000, hash / 4000 % 1000000);
}

static void announce_disk(FakeHost *host, const char *name, const char *path)
{
    g_autofree char *number = disk_number(name);
    g_autofree char *by_name = fake_text("class/block/%s", name);
    g_autofree char *by_number = fake_text("dev/block/%s", number);
    g_autofree char *dev = fake_text("%s/dev", path), *holders = fake_text("%s/holders", path);
    g_autofree char *subsystem = fake_text("%s/subsystem", path);
    fake_tree_make(host->sys_fd, path);
    fake_tree_make(host->sys_fd, holders);
    fake_tree_make(host->sys_fd, "class/block");
    fake_tree_put(host->sys_fd, dev, number);
    fake_tree_link(host->sys_fd, subsystem, "class/block");
    fake_tree_link(host->sys_fd, by_name, path);
    fake_tree_link(host->sys_fd, by_number, path);
}

static void add_disk_at(FakeHost *host, const char *name, const char *path)
{
    g_autofree char *slaves = fake_text("%s/slaves", path);
    announce_disk(host, name, path);
    fake_tree_make(host->sys_fd, slaves);
    for (unsigned i = 1; i <= 2; i++) {
        g_autofree char *partition = fake_text("%sp%u", name, i);
        g_autofree char *below = fake_text("%s/%s", path, partition);
        g_autofree char *number = fake_text("%s/partition", below);
        announce_disk(host, partition, below);
        fake_tree_put(host->sys_fd, number, i == 1 ? "1\n" : "2\n");
    }
}

void fake_host_add_disk(FakeHost *host, const char *address, const char *behind, int group, const char *name)
{
    fake_function_add(
        host, address, behind, group,
        &(FakeFunction){
            .vendor = 0x1b36, .device = 0x0010, .class = 0x010802, .driver = "nvme", .sleeps = true});
    g_autofree char *path = fake_text("%s/nvme/nvme0/%s", fake_device_of(host, address)->path, name);
    add_disk_at(host, name, path);
}

void fake_host_add_usb_disk(FakeHost *host, const FakeUsb *usb, const char *name)
{
    g_autofree char *path = fake_text("devices/pci0000:00/0000:00:14.0/usb1/%s/%s:1.0/host6/block/%s", usb->port,
                                      usb->port, name);
    add_disk_at(host, name, path);
}

void fake_host_add_shared_disk(FakeHost *host, const char *name, const char *const *controllers)
{
    static const char subsystem[] = "devices/virtual/nvme-subsystem/nvme-subsys0";
    for (unsigned i = 0; controllers[i]; i++) {
        g_autofree char *path = fake_text("%s/nvme/nvme%u", fake_device_of(host, controllers[i])->path, i);
        g_autofree char *link = fake_text("%s/nvme%u", subsystem, i);
        g_autofree char *class = fake_text("%s/subsystem", path), *dev = fake_text("%s/dev", path);
        g_autofree char *number = fake_text("240:%u", i);
        fake_tree_make(host->sys_fd, path);
        fake_tree_make(host->sys_fd, "class/nvme");
        fake_tree_put(host->sys_fd, dev, number);
        fake_tree_link(host->sys_fd, class, "class/nvme");
        fake_tree_link(host->sys_fd, link, path);
    }
    g_autofree char *path = fake_text("%s/%s", subsystem, name);
    add_disk_at(host, name, path);
    fake_tree_link(host->sys_fd, "class/nvme-subsystem/nvme-subsys0", subsystem);
}

void fake_host_claim_disk(FakeHost *host, const char *name)
{
    g_hash_table_add(host->claimed, g_strdup(name));
}

void fake_host_release_disk(FakeHost *host, const char *name)
{
    g_hash_table_remove(host->claimed, name);
}

void fake_host_add_loop(FakeHost *host, const char *name, const char *backing)
{
    g_autofree char *path = fake_text("devices/virtual/block/%s", name), *link = fake_text("block/%s", name);
    g_autofree char *file = fake_text("%s/loop/backing_file", path);

    add_disk_at(host, name, path);
    fake_tree_link(host->sys_fd, link, path);
    fake_tree_put(host->sys_fd, file, backing);
}

void fake_host_stack_disk(FakeHost *host, const char *name, const char *below)
{
    g_autofree char *path = fake_text("devices/virtual/block/%s", name);
    g_autofree char *by_name = fake_text("class/block/%s", name);
    if (faccessat(host->sys_fd, by_name, F_OK, 0) < 0)
        add_disk_at(host, name, path);
    g_autofree char *slave = fake_text("%s/slaves/%s", path, below);
    g_autofree char *target = fake_text("class/block/%s", below);
    fake_tree_link(host->sys_fd, slave, target);
    g_autofree char *holder = fake_text("%s/holders/%s", target, name);
    fake_tree_make(host->sys_fd, holder);
}

void fake_host_stack_interface(FakeHost *host, const char *name, const char *below)
{
    g_autofree char *path = fake_text("devices/virtual/net/%s", name);
    g_autofree char *link = fake_text("class/net/%s", name);
    if (faccessat(host->sys_fd, link, F_OK, 0) < 0) {
        fake_tree_make(host->sys_fd, path);
        fake_tree_link(host->sys_fd, link, path);
    }
    g_autofree char *lower = fake_text("%s/lower_%s", path, below);
    g_autofree char *target = fake_text("class/net/%s", below);
    fake_tree_link(host->sys_fd, lower, target);
}

void fake_host_mount(FakeHost *host, const char *disk, const char *point)
{
    g_autofree char *number = disk_number(disk);
    g_autofree char *line =
        fake_text("30 1 %s / %s rw,relatime shared:1 - ext4 /dev/%s rw\n", number, point, disk);
    fake_tree_append(host->proc_fd, "self/mountinfo", line);
}

void fake_host_mount_btrfs(FakeHost *host, const char *const *disks, const char *point)
{
    g_autofree char *line =
        fake_text("31 1 0:45 /@ %s rw,relatime - btrfs /dev/%s rw,subvol=/@\n", point, disks[0]);
    fake_tree_append(host->proc_fd, "self/mountinfo", line);
    fake_tree_make(host->sys_fd, "fs/btrfs/features");
    for (unsigned i = 0; disks[i]; i++) {
        g_autofree char *link = fake_text("fs/btrfs/3f5a-uuid/devices/%s", disks[i]);
        g_autofree char *target = fake_text("class/block/%s", disks[i]);
        fake_tree_link(host->sys_fd, link, target);
    }
}

void fake_host_swap_on(FakeHost *host, const char *disk)
{
    g_autofree char *line = fake_text("/dev/%s\t\t\tpartition\t1048572\t\t0\t\t-2\n", disk);
    fake_tree_append(host->proc_fd, "swaps", line);
}

void fake_host_route_over(FakeHost *host, const char *interface, bool v6)
{
    static const char zeros[] = "00000000000000000000000000000000";
    g_autofree char *line =
        v6 ? fake_text(
                 "%s 00 %s 00 fe800000000000000000000000000001 00000400 00000002 00000000 00000003 %8s\n",
                 zeros, zeros, interface)
           : fake_text("%s\t00000000\t0102000A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n", interface);
    fake_tree_append(host->proc_fd, v6 ? "net/ipv6_route" : "net/route", line);
}

void fake_host_set_huge_pages(FakeHost *host, unsigned node, unsigned total)
{
    g_autofree char *folder = fake_text("devices/system/node/node%u/hugepages/hugepages-2048kB", node);
    g_autofree char *nr = g_strconcat(folder, "/nr_hugepages", NULL),
                    *free = g_strconcat(folder, "/free_hugepages", NULL);
    g_autofree char *text = fake_text("%u\n", total);

    fake_tree_put(host->sys_fd, nr, text);
    fake_tree_put(host->sys_fd, free, text);
}

void fake_host_add_node(FakeHost *host, unsigned node, unsigned total, unsigned room)
{
    host->huge_pages_room = room;
    fake_host_set_huge_pages(host, node, total);
}

unsigned fake_host_huge_pages(const FakeHost *host, unsigned node)
{
    g_autofree char *path = fake_text(
        "%s/sys/devices/system/node/node%u/hugepages/hugepages-2048kB/nr_hugepages", host->path, node);
    g_autofree char *text = NULL;

    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    return strtoul(text, NULL, 10);
}

#define CPU_FOLDER "devices/system/cpu"

void fake_host_set_governor(FakeHost *host, unsigned cpu, const char *governor)
{
    g_autofree char *path = fake_text(CPU_FOLDER "/cpu%u/cpufreq/scaling_governor", cpu);
    g_autofree char *line = fake_text("%s\n", governor);

    fake_tree_put(host->sys_fd, path, line);
}

void fake_host_switch_off_cpu(FakeHost *host, unsigned cpu)
{
    g_hash_table_add(host->cpus_off, GUINT_TO_POINTER(cpu));
}

void fake_host_add_cpus(FakeHost *host, unsigned n, const char *governor)
{
    g_autofree char *list = fake_text("0-%u\n", n - 1);

    host->cpus = n;
    host->governed = governor != NULL;
    fake_tree_put(host->sys_fd, CPU_FOLDER "/online", list);
    fake_tree_put(host->sys_fd, CPU_FOLDER "/possible", list);
    for (unsigned cpu = 0; governor && cpu < n; cpu++) {
        g_autofree char *path = fake_text(CPU_FOLDER "/cpu%u/cpufreq/scaling_available_governors", cpu);
        fake_tree_put(host->sys_fd, path, "performance schedutil \n");
        fake_host_set_governor(host, cpu, governor);
    }
    fake_tree_put(host->sys_fd, "fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n");
    fake_tree_put(host->sys_fd, "fs/cgroup/system.slice/cpuset.cpus", "\n");
    fake_tree_put(host->sys_fd, "fs/cgroup/user.slice/cpuset.cpus", "\n");
    fake_tree_put(host->sys_fd, "fs/cgroup/usher.slice/cpuset.cpus", "\n");
}

char *fake_host_allowed_cpus(const FakeHost *host, const char *slice)
{
    g_autofree char *path = fake_text("%s/sys/fs/cgroup/%s/cpuset.cpus", host->path, slice);
    char *text = NULL;

    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    return g_strstrip(text);
}

int fake_host_allow_cpus(FakeHost *host, const char *slice, const char *cpus)
{
    g_autofree char *path = fake_text("fs/cgroup/%s/cpuset.cpus", slice), *line = fake_text("%s\n", cpus);
    int late;

    int r = fake_kernel_enter(host, &late);
    if (r < 0)
        return r;
    fake_tree_put(host->sys_fd, path, line);
    return late;
}
