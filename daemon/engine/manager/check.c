/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../base/file.h"
#include "../../base/remedy.h"
#include "../../core/plan/fitness.h"
#include "../../edge/scan/vfio-scan.h"
#include "check.h"

const char *finding_level_to_string(FindingLevel level)
{
    static const char *const names[] = {"ok", "note", "warning", "error"};

    return names[level];
}

void finding_free(Finding *finding)
{
    g_free(finding->message);
    g_free(finding->remedy);
    g_free(finding);
}

void finding_add(GPtrArray *findings, const char *id, FindingLevel level, const char *remedy,
                 const char *format, ...)
{
    Finding *finding = g_new0(Finding, 1);
    va_list arguments;

    finding->id = id;
    finding->level = level;
    finding->remedy = g_strdup(remedy ?: "");
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
        finding_add(findings, "iommu", FINDING_OK, NULL,
                    "the IOMMU is on: %u of %u PCI functions are in groups", grouped, host->devices->len);
    else {
        g_autofree char *boot = remedy_boot_with("intel_iommu=on");
        g_autofree char *remedy =
            g_strconcat("switch it on in the firmware (VT-d, AMD-Vi, IOMMU) and, on Intel, ", boot, NULL);
        finding_add(findings, "iommu", FINDING_ERROR, remedy,
                    "no IOMMU: the kernel made no IOMMU groups, so no device can be lent safely");
    }
    if (host->noiommu)
        finding_add(findings, "noiommu", FINDING_ERROR, "unset vfio.enable_unsafe_noiommu_mode",
                    "VFIO's no-IOMMU mode is on: devices in it can write to all of the host's memory");
    if (host->unsafe_interrupts)
        finding_add(findings, "unsafe-interrupts", FINDING_WARNING,
                    "unset vfio_iommu_type1.allow_unsafe_interrupts unless nothing else works",
                    "interrupts are not isolated: a guest can send any interrupt to the host");
    else
        finding_add(findings, "unsafe-interrupts", FINDING_OK, NULL,
                    "interrupt isolation is not switched off");
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
        finding_add(findings, "kvm", FINDING_OK, NULL, "/dev/kvm is there");
    else
        finding_add(
            findings, "kvm", FINDING_ERROR,
            "switch virtualisation (AMD-V, VT-x) on in the firmware; then: modprobe kvm_amd, or kvm_intel",
            "no /dev/kvm: %s", g_strerror(errno));
}

/* In the kernel, loaded, or to be loaded? modules.dep and modules.builtin know (modules.builtin(5),
 * depmod(8)). */
static bool module_available(const char *file_name)
{
    static const char *const lists[] = {"modules.dep", "modules.builtin"};
    g_auto(GStrv) folders = vfio_modules_folders();

    for (char **folder = folders; *folder; folder++)
        for (unsigned i = 0; i < G_N_ELEMENTS(lists); i++) {
            g_autofree char *path = g_build_filename(*folder, lists[i], NULL), *text = NULL;
            if (file_read_all_at(AT_FDCWD, path, 64 * 1024 * 1024, &text, NULL) >= 0 &&
                strstr(text, file_name))
                return true;
        }
    return false;
}

static void check_vfio(GPtrArray *findings, const Host *host)
{
    if (host->vfio_pci)
        finding_add(findings, "vfio-pci", FINDING_OK, NULL, "the vfio-pci driver is loaded");
    else if (module_available("/vfio-pci.ko"))
        finding_add(findings, "vfio-pci", FINDING_OK, NULL,
                    "the vfio-pci module is there and is loaded when it is needed");
    else {
        g_autofree char *install = remedy_install(PACKAGE_KERNEL);
        g_autofree char *remedy = g_strconcat("boot a kernel with CONFIG_VFIO_PCI; ", install, NULL);
        finding_add(findings, "vfio-pci", FINDING_ERROR, remedy, "this kernel has no vfio-pci driver");
    }
}

static void check_iommufd(GPtrArray *findings, const Host *host)
{
    if (host->iommufd.lack)
        finding_add(findings, "iommufd", FINDING_NOTE, NULL,
                    "guests get devices by the nodes of their IOMMU groups: %s", host->iommufd.lack);
    else
        finding_add(findings, "iommufd", FINDING_OK, NULL,
                    "a guest's only card goes to it as a descriptor (iommufd)");
}

static void check_qemu(GPtrArray *findings, const QemuFacts *facts, const char *message)
{
    g_autofree char *install = remedy_install(PACKAGE_QEMU);

    if (!facts)
        finding_add(findings, "qemu", FINDING_ERROR, install, "%s", message ?: "QEMU cannot be asked");
    else if (!qemu_facts_have_type(facts, "vfio-pci"))
        finding_add(findings, "qemu", FINDING_ERROR, "install a QEMU with VFIO support",
                    "%s (%s) has no vfio-pci device", facts->path, facts->version);
    else
        finding_add(findings, "qemu", FINDING_OK, NULL, "%s is version %s and has vfio-pci", facts->path,
                    facts->version);
}

/* Guest memory is locked for DMA. Under systemd the guest's unit says LimitMEMLOCK=infinity; a forked guest
 * has ours. */
static void check_memlock(GPtrArray *findings, const Engine *engine)
{
    struct rlimit limit;

    if (g_str_equal(launcher_name(engine->launcher), "systemd")) {
        finding_add(findings, "memlock", FINDING_OK, NULL,
                    "guests may lock their memory (LimitMEMLOCK=infinity in usher-guest@.service)");
        return;
    }
    if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0 ||
        (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < 1ULL << 30))
        finding_add(findings, "memlock", FINDING_WARNING, "start usherd with: ulimit -l unlimited",
                    "guests may lock only %" G_GUINT64_FORMAT " KiB of memory, too little for a device",
                    (uint64_t)limit.rlim_max / 1024);
    else
        finding_add(findings, "memlock", FINDING_OK, NULL, "guests may lock their memory");
}

static void check_sleep(GPtrArray *findings, const SleepWatch *sleep)
{
    const char *error = sleep_error(sleep);

    if (error)
        finding_add(findings, "sleep", FINDING_WARNING,
                    "start systemd-logind, or see to it that the host does not sleep while guests run",
                    "logind cannot be asked (%s): the host may go to sleep under a guest", error);
    else
        finding_add(
            findings, "sleep", FINDING_OK, NULL,
            "logind is there: guests can keep the host awake, or %u s from sleep (InhibitDelayMaxSec=)",
            (unsigned)(sleep_delay_usec(sleep) / G_USEC_PER_SEC));
}

static bool kvm_switch(const Engine *engine, const char *name, bool *ret)
{
    g_autofree char *path = g_strconcat("module/kvm/parameters/", name, NULL), *text = NULL;

    if (file_read_value_at(engine->host_place.sys_fd, path, &text) < 0)
        return false;
    *ret = text[0] == 'Y' || text[0] == '1';
    return true;
}

/* Model-specific registers that KVM does not know: a fault for the guest, or zeroes
 * (Documentation/admin-guide/ kernel-parameters.txt, kvm.ignore_msrs). */
static void check_msrs(GPtrArray *findings, const Engine *engine)
{
    bool ignored, reported = false;

    if (!kvm_switch(engine, "ignore_msrs", &ignored))
        return;
    kvm_switch(engine, "report_ignored_msrs", &reported);
    if (!ignored)
        finding_add(
            findings, "msrs", FINDING_NOTE,
            "for Windows guests that stop so: echo 1 > /sys/module/kvm/parameters/ignore_msrs, and for good "
            "\"options kvm ignore_msrs=1 report_ignored_msrs=0\" in /etc/modprobe.d/kvm.conf",
            "a guest that reads a model-specific register that KVM does not know gets a fault: some Windows "
            "guests, and programs in them, stop at that (kvm.ignore_msrs=N)");
    else if (reported)
        finding_add(
            findings, "msrs", FINDING_NOTE,
            "echo 0 > /sys/module/kvm/parameters/report_ignored_msrs, and for good \"options kvm "
            "ignore_msrs=1 "
            "report_ignored_msrs=0\" in /etc/modprobe.d/kvm.conf",
            "model-specific registers that KVM does not know are ignored, and each time is written to the "
            "kernel's log (kvm.report_ignored_msrs=Y)");
    else
        finding_add(findings, "msrs", FINDING_OK, NULL,
                    "model-specific registers that KVM does not know are ignored");
}

static void check_devices(GPtrArray *findings, const Host *host)
{
    unsigned unfit = 0;

    for (unsigned i = 0; i < host->devices->len; i++) {
        const HostDevice *device = g_ptr_array_index(host->devices, i);
        _cleanup_fault_ Fault *fault = NULL;
        if (fitness_check(device, &fault) == 0)
            continue;
        finding_add(findings, device->quarantine ? "quarantine" : "dead", FINDING_WARNING, fault->remedy,
                    "%s", fault->message);
        unfit++;
    }
    if (unfit == 0)
        finding_add(findings, "devices", FINDING_OK, NULL, "no device is in quarantine or dead");
}

GPtrArray *check_host(const Engine *engine, const Host *host, const QemuFacts *facts,
                      const char *qemu_message)
{
    GPtrArray *findings = g_ptr_array_new_with_free_func((GDestroyNotify)finding_free);

    check_iommu(findings, host);
    check_kvm(findings);
    check_vfio(findings, host);
    check_iommufd(findings, host);
    check_qemu(findings, facts, qemu_message);
    check_memlock(findings, engine);
    check_sleep(findings, engine->sleep);
    check_msrs(findings, engine);
    check_devices(findings, host);
    return findings;
}
