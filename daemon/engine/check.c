/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/file.h"
#include "check.h"

const char *finding_level_to_string(FindingLevel level)
{
    static const char *const names[] = {"ok", "note", "warning", "error"};

    return names[level];
}

void finding_free(Finding *finding)
{
    g_free(finding->message);
    g_free(finding);
}

static void find(GPtrArray *findings, const char *id, FindingLevel level, const char *remedy,
                 const char *format, ...) G_GNUC_PRINTF(5, 6);

static void find(GPtrArray *findings, const char *id, FindingLevel level, const char *remedy,
                 const char *format, ...)
{
    Finding *finding = g_new0(Finding, 1);
    va_list arguments;

    finding->id = id;
    finding->level = level;
    finding->remedy = remedy ?: "";
    va_start(arguments, format);
    finding->message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_ptr_array_add(findings, finding);
}

static void check_iommu(GPtrArray *findings, const Host *host)
{
    unsigned grouped = 0;

    for (unsigned i = 0; i < host->devices->len; i++) {
        const HostDevice *device = g_ptr_array_index(host->devices, i);
        grouped += device->group != HOST_NO_GROUP;
    }
    if (grouped > 0)
        find(findings, "iommu", FINDING_OK, NULL, "the IOMMU is on: %u of %u PCI functions are in groups",
             grouped, host->devices->len);
    else
        find(findings, "iommu", FINDING_ERROR,
             "switch it on in the firmware (VT-d, AMD-Vi, IOMMU) and, on Intel, boot with intel_iommu=on",
             "no IOMMU: the kernel made no IOMMU groups, so no device can be lent safely");
    if (host->noiommu)
        find(findings, "noiommu", FINDING_ERROR, "unset vfio.enable_unsafe_noiommu_mode",
             "VFIO's no-IOMMU mode is on: devices in it can write to all of the host's memory");
    if (host->unsafe_interrupts)
        find(findings, "unsafe-interrupts", FINDING_WARNING,
             "unset vfio_iommu_type1.allow_unsafe_interrupts unless nothing else works",
             "interrupts are not isolated: a guest can send any interrupt to the host");
    else
        find(findings, "unsafe-interrupts", FINDING_OK, NULL, "interrupt isolation is not switched off");
}

/* access(2) would ask the device cgroup too, which lets usherd open nothing. */
static bool path_exists(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0;
}

static void check_kvm(GPtrArray *findings)
{
    if (path_exists("/dev/kvm"))
        find(findings, "kvm", FINDING_OK, NULL, "/dev/kvm is there");
    else
        find(findings, "kvm", FINDING_ERROR,
             "switch virtualisation (AMD-V, VT-x) on in the firmware; then: modprobe kvm_amd, or kvm_intel",
             "no /dev/kvm: %s", g_strerror(errno));
}

/* In the kernel, loaded, or to be loaded? modules.dep and modules.builtin know (modules.builtin(5),
 * depmod(8)). */
static bool module_available(const char *file_name)
{
    g_autofree char *release = NULL;

    if (file_read_value_at(AT_FDCWD, "/proc/sys/kernel/osrelease", &release) < 0)
        return false;
    for (const char *const *list = (const char *const[]){"modules.dep", "modules.builtin", NULL}; *list;
         list++) {
        g_autofree char *path = g_strdup_printf("/lib/modules/%s/%s", release, *list);
        g_autofree char *text = NULL;
        if (file_read_all_at(AT_FDCWD, path, 64 * 1024 * 1024, &text, NULL) >= 0 && strstr(text, file_name))
            return true;
    }
    return false;
}

static void check_vfio(GPtrArray *findings, const Host *host)
{
    if (host->vfio_pci)
        find(findings, "vfio-pci", FINDING_OK, NULL, "the vfio-pci driver is loaded");
    else if (module_available("/vfio-pci.ko"))
        find(findings, "vfio-pci", FINDING_OK, NULL,
             "the vfio-pci module is there and is loaded when it is needed");
    else
        find(findings, "vfio-pci", FINDING_ERROR,
             "install a kernel with CONFIG_VFIO_PCI (Debian: linux-image-amd64)",
             "this kernel has no vfio-pci driver");
}

static void check_qemu(GPtrArray *findings, const QemuFacts *facts, const char *message)
{
    if (!facts)
        find(findings, "qemu", FINDING_ERROR, "install it: apt install qemu-system-x86", "%s",
             message ?: "QEMU cannot be asked");
    else if (!qemu_facts_have_type(facts, "vfio-pci"))
        find(findings, "qemu", FINDING_ERROR, "install a QEMU with VFIO support",
             "%s (%s) has no vfio-pci device", facts->path, facts->version);
    else
        find(findings, "qemu", FINDING_OK, NULL, "%s is version %s and has vfio-pci", facts->path,
             facts->version);
}

/* Guest memory is locked for DMA. Under systemd the guest's unit says LimitMEMLOCK=infinity; a forked guest
 * has ours. */
static void check_memlock(GPtrArray *findings, const Engine *engine)
{
    struct rlimit limit;

    if (g_str_equal(launcher_name(engine->launcher), "systemd")) {
        find(findings, "memlock", FINDING_OK, NULL,
             "guests may lock their memory (LimitMEMLOCK=infinity in usher-guest@.service)");
        return;
    }
    if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0 ||
        (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < 1ULL << 30))
        find(findings, "memlock", FINDING_WARNING, "start usherd with: ulimit -l unlimited",
             "guests may lock only %" G_GUINT64_FORMAT " KiB of memory, too little for a device",
             (uint64_t)limit.rlim_max / 1024);
    else
        find(findings, "memlock", FINDING_OK, NULL, "guests may lock their memory");
}

static void check_sleep(GPtrArray *findings, const SleepWatch *sleep)
{
    const char *error = sleep_error(sleep);

    if (error)
        find(findings, "sleep", FINDING_WARNING,
             "start systemd-logind, or see to it that the host does not sleep while guests run",
             "logind cannot be asked (%s): the host may go to sleep under a guest", error);
    else
        find(findings, "sleep", FINDING_OK, NULL,
             "logind is there: guests can keep the host awake, or %u s from sleep (InhibitDelayMaxSec=)",
             (unsigned)(sleep_delay_usec(sleep) / G_USEC_PER_SEC));
}

GPtrArray *check_host(const Engine *engine, const Host *host, const QemuFacts *facts,
                      const char *qemu_message)
{
    GPtrArray *findings = g_ptr_array_new_with_free_func((GDestroyNotify)finding_free);

    check_iommu(findings, host);
    check_kvm(findings);
    check_vfio(findings, host);
    check_qemu(findings, facts, qemu_message);
    check_memlock(findings, engine);
    check_sleep(findings, engine->sleep);
    return findings;
}
