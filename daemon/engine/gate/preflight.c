/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../core/definition/definition.h"
#include "../../base/file.h"
#include "../../base/remedy.h"
#include "../../core/qemu/check.h"
#include "../../core/host/usb.h"
#include "../../edge/qemu/nvram.h"
#include "../../edge/scan/host-ports.h"
#include "preflight.h"
#include "../../core/plan/usb-wish.h"

static int check_programs(const GuestDefinition *definition, const char *qemu_path, Fault **ret_fault)
{
    struct stat st;

    if (access(qemu_path, X_OK) < 0) {
        g_autofree char *why = g_strdup(g_strerror(errno)), *remedy = remedy_install(PACKAGE_QEMU);
        return fault_raise(ret_fault, FAULT_MISSING_FILE, remedy, "guest %s: %s: %s", definition->name,
                           qemu_path, why);
    }
    /* Not access(2), which asks the device cgroup too: usherd may open no device. */
    if (definition->cpu.accelerator == ACCELERATOR_KVM && stat("/dev/kvm", &st) < 0)
        return fault_raise(
            ret_fault, FAULT_REFUSED,
            "switch virtualisation (AMD-V, VT-x) on in the firmware and load kvm_amd or kvm_intel; or, "
            "slowly, [CPU] Accelerator=tcg",
            "guest %s: there is no /dev/kvm on this host", definition->name);
    return 0;
}

/* Variables made by another build of the firmware may have another size, and QEMU maps both as one. */
static int check_nvram(const GuestDefinition *definition, const Firmware *firmware, const char *path,
                       Fault **ret_fault)
{
    uint64_t template, size;

    if (nvram_size(firmware->template, &template) < 0 || nvram_size(path, &size) < 0 || size == template)
        return 0;
    return fault_raise(ret_fault, FAULT_REFUSED,
                       "move the file away, and the start makes a new one; the guest then loses its boot "
                       "entries and settings",
                       "guest %s: %s was made for other firmware: it has %" G_GUINT64_FORMAT
                       " bytes, %s has %" G_GUINT64_FORMAT,
                       definition->name, path, size, firmware->template, template);
}

/* The distribution's firmware may change from one format to the other. New variables beside the old ones
 * would be without the guest's own keys, which were there to be asked for. */
static int check_other_format(const GuestDefinition *definition, const char *path, const char *other,
                              bool qcow2, Fault **ret_fault)
{
    if (access(path, F_OK) == 0 || access(other, F_OK) < 0)
        return 0;
    g_autofree char *remedy =
        g_strdup_printf("qemu-img convert -f %s -O %s %s %s; or move it away to have a new one made",
                        qcow2 ? "raw" : "qcow2", qcow2 ? "qcow2" : "raw", other, path);
    return fault_raise(ret_fault, FAULT_REFUSED, remedy, "guest %s: %s is %s, and the firmware is %s now",
                       definition->name, other, qcow2 ? "raw" : "qcow2", qcow2 ? "qcow2" : "raw");
}

static int check_variables(const GuestDefinition *definition, const HostTools *tools,
                           const Firmware *firmware, Fault **ret_fault)
{
    bool qcow2 = firmware->template_qcow2;
    g_autofree char *path = host_tools_nvram_path(tools, definition, qcow2),
                    *other = host_tools_nvram_path(tools, definition, !qcow2);
    int r = check_other_format(definition, path, other, qcow2, ret_fault);

    /* What a definition names is usher-bind's to look at. */
    return r == 0 && !firmware->pinned ? check_nvram(definition, firmware, path, ret_fault) : r;
}

static int check_images(const GuestDefinition *definition, const Firmware *firmware, Fault **ret_fault)
{
    const char *images[] = {firmware->code, firmware->template};

    for (unsigned i = 0; i < G_N_ELEMENTS(images); i++)
        if (images[i] && access(images[i], R_OK) < 0)
            return fault_raise(ret_fault, FAULT_MISSING_FILE, "install its package again",
                               "guest %s: %s, which %s names: %s", definition->name, images[i],
                               firmware->source, g_strerror(errno));
    return 0;
}

static int check_firmware(const GuestDefinition *definition, const HostTools *tools, Fault **ret_fault)
{
    Firmware firmware;
    int r = host_tools_check(tools, definition, ret_fault);

    if (r != 0 || !host_tools_firmware(tools, definition, &firmware))
        return r;
    if (!firmware.pinned)
        r = check_images(definition, &firmware, ret_fault);
    return r == 0 && firmware.template ? check_variables(definition, tools, &firmware, ret_fault) : r;
}

int preflight_check(const GuestDefinition *definition, const char *qemu_path, const HostTools *tools,
                    Fault **ret_fault)
{
    int r = check_programs(definition, qemu_path, ret_fault);

    return r == 0 ? check_firmware(definition, tools, ret_fault) : r;
}

/* The section whose input device is one of these ("event5"), or NULL. */
static const DefinitionInput *find_input(const GuestDefinition *definition, int dev_fd, char *const *names)
{
    for (unsigned i = 0; i < definition->inputs->len; i++) {
        const DefinitionInput *input = g_ptr_array_index(definition->inputs, i);
        g_autofree char *name = NULL;

        if (file_link_name_at(dev_fd, input->device + strlen("/dev/"), &name) < 0)
            name = g_path_get_basename(input->device);
        if (g_strv_contains((const char *const *)names, name))
            return input;
    }
    return NULL;
}

int preflight_check_inputs(const GuestDefinition *definition, const Host *host, int dev_fd, Fault **ret_fault)
{
    for (unsigned i = 0; i < definition->usbs->len; i++) {
        const DefinitionUsb *wish = g_ptr_array_index(definition->usbs, i);
        const HostUsb *usb = NULL;
        int r = usb_find(host, definition->name, wish, &usb, ret_fault);
        const DefinitionInput *input = r == 0 && usb ? find_input(definition, dev_fd, usb->inputs) : NULL;

        if (r != 0)
            return r;
        if (input)
            return fault_raise(ret_fault, FAULT_REFUSED,
                               "remove one of them: [USB] lends the whole device, [Input] only its keys",
                               "guest %s: [USB %s] and [Input %s] ask for the same device", definition->name,
                               wish->name, input->name);
    }
    return 0;
}

int preflight_check_ports(const GuestDefinition *definition, int proc_fd, Fault **ret_fault)
{
    for (unsigned i = 0; i < definition->networks->len; i++) {
        const DefinitionNetwork *network = g_ptr_array_index(definition->networks, i);

        for (unsigned j = 0; network->forwards && j < network->forwards->len; j++) {
            const DefinitionForward *forward = g_ptr_array_index(network->forwards, j);
            const char *protocol = forward->udp ? "UDP" : "TCP";

            if (!host_port_taken(proc_fd, forward->udp, forward->address, forward->host_port))
                continue;
            g_autofree char *remedy =
                g_strdup_printf("choose another port, or stop what listens there: ss -lnp%s 'sport = :%u'",
                                forward->udp ? "u" : "t", forward->host_port);
            return fault_raise(ret_fault, FAULT_IN_USE, remedy,
                               "guest %s: [Network %s] Forward=: %s port %u of %s is in use",
                               definition->name, network->name, protocol, forward->host_port,
                               forward->address);
        }
    }
    return 0;
}

Fault *preflight_silent_qemu(const char *why)
{
    return fault_new(FAULT_GUEST_FAILED, "try: usherctl check", "cannot ask QEMU what it can do: %s", why);
}

int preflight_check_qemu(const GuestDefinition *definition, const Plan *plan, const QemuFacts *facts,
                         const HostTools *tools, Fault **ret_fault)
{
    int r = host_tools_check(tools, definition, ret_fault);

    if (r != 0 || !facts)
        return r;
    /* It is on no command line. */
    if (definition->usbs->len > 0 && !qemu_facts_have_type(facts, "usb-host"))
        return fault_raise(ret_fault, FAULT_REFUSED,
                           "install a QEMU that has it, or the package of its module",
                           "%s (%s) has no device usb-host, which [USB] needs", facts->path, facts->version);
    g_autoptr(QemuCommand) command = qemu_command_build(definition, plan, facts, tools);
    return qemu_command_check(command, facts, ret_fault);
}
