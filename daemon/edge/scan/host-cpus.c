/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-cpus.h"

#include <errno.h>
#include <string.h>

#include "../../base/file.h"
#include "../../core/host/cpu-list.h"

#define CPUS "devices/system/cpu"
#define CGROUPS "fs/cgroup"

/* The units in which systemd puts what runs on a host (systemd.special(7)); guests are in usher.slice. */
static const char *const units[] = {"init.scope", "machine.slice", "system.slice", "user.slice"};

static GArray *read_set(int sys_fd, const char *path)
{
    g_autofree char *text = NULL;

    return file_read_value_at(sys_fd, path, &text) < 0 ? NULL : cpu_set_parse(text);
}

static GArray *possible(int sys_fd)
{
    return read_set(sys_fd, CPUS "/possible");
}

int host_cpus_kept_off(int sys_fd, const char *allowed, GArray **ret)
{
    g_autoptr(GArray) all = possible(sys_fd), set = cpu_set_parse(allowed);

    if (!all || !set)
        return -EBADMSG;
    *ret = set->len > 0 ? cpu_set_minus(all, set) : g_steal_pointer(&set);
    return 0;
}

int host_cpus_allowed(int sys_fd, const char *kept_off, GArray **ret)
{
    g_autoptr(GArray) all = possible(sys_fd), set = cpu_set_parse(kept_off);

    if (!all || !set)
        return -EBADMSG;
    *ret = cpu_set_minus(all, set);
    return 0;
}

static void note_cpu(int sys_fd, Host *host, unsigned number)
{
    HostCpu *cpu = host_add_cpu(host, number);
    g_autofree char *path = g_strdup_printf(CPUS "/cpu%u/cpufreq/scaling_governor", number);

    if (file_read_value_at(sys_fd, path, &cpu->governor) < 0)
        return;
    g_autofree char *all = g_strdup_printf(CPUS "/cpu%u/cpufreq/scaling_available_governors", number);
    if (!host->governors && file_read_value_at(sys_fd, all, &host->governors) >= 0)
        g_strstrip(host->governors);
}

static char *read_allowed(int sys_fd, const char *unit)
{
    g_autofree char *path = g_strdup_printf(CGROUPS "/%s/cpuset.cpus", unit);
    char *allowed;

    /* Without the controller no unit is kept off any CPU. */
    return file_read_value_at(sys_fd, path, &allowed) < 0 ? g_strdup("") : allowed;
}

static void note_slice(int sys_fd, Host *host, const char *unit)
{
    g_autofree char *folder = g_strdup_printf(CGROUPS "/%s", unit), *allowed = read_allowed(sys_fd, unit);
    GArray *kept_off;

    if (faccessat(sys_fd, folder, F_OK, 0) < 0)
        return;
    if (host_cpus_kept_off(sys_fd, allowed, &kept_off) >= 0)
        host_add_slice(host, unit, kept_off);
}

void host_cpus_note(int sys_fd, Host *host)
{
    g_autoptr(GArray) online = read_set(sys_fd, CPUS "/online");
    g_autofree char *text = NULL;

    for (unsigned i = 0; online && i < online->len; i++)
        note_cpu(sys_fd, host, g_array_index(online, unsigned, i));
    /* In cgroup v1 there is no such file (Documentation/admin-guide/cgroup-v2.rst). */
    if (file_read_value_at(sys_fd, CGROUPS "/cgroup.controllers", &text) >= 0) {
        g_auto(GStrv) controllers = g_strsplit(text, " ", -1);
        host->cpusets = g_strv_contains((const char *const *)controllers, "cpuset");
    }
    g_autofree char *guests = read_allowed(sys_fd, GUESTS_SLICE);
    host->guests_cpusets = *guests;
    for (unsigned i = 0; i < G_N_ELEMENTS(units); i++)
        note_slice(sys_fd, host, units[i]);
}
