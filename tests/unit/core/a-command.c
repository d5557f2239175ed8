/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "a-command.h"

#include "../../../daemon/core/definition/definition.h"

static Plan *a_plan_for(const GuestDefinition *definition)
{
    Plan *plan = plan_new("guest/x");

    for (unsigned i = 0; i < definition->pci->len; i++) {
        const DefinitionPci *wish = g_ptr_array_index(definition->pci, i);
        PlanDevice *device = g_new0(PlanDevice, 1);

        device->name = g_strdup(wish->name);
        device->wish = wish;
        device->iommufd = wish->backend == PCI_BACKEND_IOMMUFD;
        device->mediated = definition_mediates(wish) ? definition_mediated(definition, wish) : NULL;
        device->functions = g_array_new(FALSE, FALSE, sizeof(PciAddress));
        for (uint8_t function = 0; function < 8; function++) {
            PciAddress address = wish->address;
            address.function = function;
            unsigned made = ((1u << wish->virtual_functions) - 1) << 1;
            if (!device->mediated && (made ?: wish->functions ?: 3) & (1 << function))
                g_array_append_val(device->functions, address);
        }
        device->intel_graphics = !device->mediated && host_intel_graphics_place(wish->address);
        g_ptr_array_add(plan->devices, device);
    }
    return plan;
}

const char *a_state_path = "/var/lib/usher/guests";
const Virtiofsd *a_virtiofsd;

static char *time_there(const char *zone)
{
    return g_strdup("2026-11-29T22:15:07");
}

static HostTools *debian_tools(void)
{
    HostTools *tools = host_tools_new(a_state_path);
    Firmware secure = {.source = (char *)"40-edk2-x86_64-secure-enrolled.json",
                       .code = (char *)"/usr/share/OVMF/OVMF_CODE_4M.ms.fd",
                       .template = (char *)"/usr/share/OVMF/OVMF_VARS_4M.ms.fd",
                       .secure_boot = true,
                       .enrolled_keys = true,
                       .needs_smm = true};
    /* As Fedora's and Arch's. */
    Firmware setup = {.source = (char *)"50-edk2-ovmf-4m-qcow2-x64-sb.json",
                      .code = (char *)"/usr/share/edk2/ovmf/OVMF_CODE_4M.secboot.qcow2",
                      .template = (char *)"/usr/share/edk2/ovmf/OVMF_VARS_4M.qcow2",
                      .code_qcow2 = true,
                      .template_qcow2 = true,
                      .secure_boot = true,
                      .needs_smm = true};
    Firmware plain = {"60-edk2-x86_64.json", "/usr/share/OVMF/OVMF_CODE_4M.fd",
                      "/usr/share/OVMF/OVMF_VARS_4M.fd"};

    tools->time = time_there;
    tools->swtpm = g_strdup("/usr/bin/swtpm");
    Virtiofsd qemus = {.path = (char *)"/usr/lib/qemu/virtiofsd", .usable = true};
    tools->virtiofsd = virtiofsd_copy(a_virtiofsd ?: &qemus);
    tools->uid = 61184;
    tools->gid = 61185;
    g_ptr_array_add(tools->firmwares, firmware_copy(&secure));
    g_ptr_array_add(tools->firmwares, firmware_copy(&setup));
    g_ptr_array_add(tools->firmwares, firmware_copy(&plain));
    return tools;
}

QemuCommand *a_command_with(const GuestDefinition *definition, bool vhost_net)
{
    QemuFacts facts = {.path = (char *)QEMU_PATH};
    g_autoptr(Plan) plan = a_plan_for(definition);
    g_autoptr(HostTools) tools = debian_tools();

    host_tools_settle(tools, (GuestDefinition *)definition);

    plan->vhost_net = vhost_net;
    return qemu_command_build(definition, plan, &facts, tools);
}

QemuCommand *a_command_for(const GuestDefinition *definition)
{
    return a_command_with(definition, true);
}

const char *option_value(const QemuCommand *command, const char *option, unsigned n)
{
    for (unsigned i = 1; i + 2 < command->argv->len; i++)
        if (g_str_equal(g_ptr_array_index(command->argv, i), option) && n-- == 0)
            return g_ptr_array_index(command->argv, i + 1);
    return NULL;
}
