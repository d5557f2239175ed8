/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../../base/cleanup.h"
#include "../definition/definition.h"
#include "argv.h"

#include "builder.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

static void add_system(QemuBuilder *builder)
{
    const GuestDefinition *definition = builder->definition;
    bool kvm = definition->cpu.accelerator == ACCELERATOR_KVM;

    builder_option(builder, "-name", "guest=%s,debug-threads=on", definition->name);
    builder_add(builder, "-no-user-config");
    builder_add(builder, "-nodefaults");
    builder_option(builder, "-display", "none");
    builder_option(builder, "-vga", "none");
    qemu_add_display_server(builder, &definition->display);
    qemu_add_machine(builder, &definition->machine, kvm);
    qemu_add_cpu(builder, &definition->cpu);
    builder_option(builder, "-m", "size=%" G_GUINT64_FORMAT "M", definition->memory.size / MIB);
    if (builder->numa)
        qemu_add_numa(builder, definition->memory.numa, definition->memory.huge_pages,
                      definition_shares_memory(definition));
    else
        qemu_add_memory(builder, definition->memory.size, definition->memory.huge_pages,
                        definition_shares_memory(definition));
    qemu_add_smbios(builder, &definition->machine.smbios);
    qemu_add_clock(builder, &definition->machine, kvm);
    builder_option(builder, "-sandbox",
                   "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
    qemu_add_trouble(builder, &definition->on);
    builder_add(builder, "-S");
}

static void add_sockets(QemuBuilder *builder)
{
    int fd = builder_file(builder, QEMU_FILE_QMP, NULL, false), log = -1;

    builder_option(builder, "-chardev", "socket,id=qmp,fd=%d,server=on,wait=off", fd);
    /* Not -mon, of which QEMU 11.1 complains, nor -object monitor-qmp, which those before it do not have. */
    builder_option(builder, "-qmp", "chardev:qmp");
    fd = builder_file(builder, QEMU_FILE_CONSOLE, NULL, false);
    if (builder->definition->console_log)
        log = builder_file_set(builder, QEMU_FILE_CONSOLE_LOG, NULL, false);
    g_autofree char *logged =
        log < 0 ? g_strdup("") : g_strdup_printf(",logfile=/dev/fdset/%d,logappend=on", log);
    builder_option(builder, "-chardev", "socket,id=console,fd=%d,server=on,wait=off%s", fd, logged);
    builder_option(builder, "-serial", "chardev:console");
}

/* QEMU takes no descriptors here, but it reads the files only once, at the start. */
static void add_kernel(QemuBuilder *builder)
{
    const GuestDefinition *definition = builder->definition;

    if (!definition->kernel.image)
        return;
    builder_option(builder, "-kernel", "/proc/self/fd/%d",
                   builder_file(builder, QEMU_FILE_KERNEL, definition->kernel.image, true));
    if (definition->kernel.initrd)
        builder_option(builder, "-initrd", "/proc/self/fd/%d",
                       builder_file(builder, QEMU_FILE_INITRD, definition->kernel.initrd, true));
    if (definition->kernel.command_line)
        builder_option(builder, "-append", "%s", definition->kernel.command_line);
}

static void add_devices(QemuBuilder *builder)
{
    const GuestDefinition *definition = builder->definition;

    qemu_add_display(builder, &definition->display);
    /* The controller that USB devices are plugged into later. */
    if (definition->usbs->len > 0)
        builder_usb(builder);
    for (unsigned i = 0; i < definition->networks->len; i++)
        qemu_add_network(builder, g_ptr_array_index(definition->networks, i), i);
    for (unsigned i = 0; builder->plan && i < builder->plan->devices->len; i++)
        qemu_add_pci(builder, g_ptr_array_index(builder->plan->devices, i));
    for (unsigned i = 0; i < definition->disks->len; i++)
        qemu_add_disk(builder, g_ptr_array_index(definition->disks, i), i);
    for (unsigned i = 0; i < definition->cdroms->len; i++)
        qemu_add_cdrom(builder, g_ptr_array_index(definition->cdroms, i), i);
    if (definition->agent)
        qemu_add_agent(builder);
    for (unsigned i = 0; i < definition->shares->len; i++)
        qemu_add_share(builder, g_ptr_array_index(definition->shares, i), i);
    if (definition->machine.rng == AUTO_SWITCH_YES)
        qemu_add_rng(builder);
    qemu_add_spare_ports(builder, definition->machine.spare_ports);
}

/* With VFIO all of the guest's memory is locked, and the devices' own memory counts too. Nobody raises the
 * limit when the first device is plugged in later, so a guest that may get one has it from the start. */
static uint64_t memlock_limit(const QemuBuilder *builder)
{
    bool devices =
        builder->definition->machine.spare_ports > 0 || (builder->plan && builder->plan->devices->len > 0);

    return devices ? builder->definition->memory.size + GIB : 64 * MIB;
}

DEFINE_ELEMENT_FREE(QemuCompanion, companion_free, companion)
{
    g_ptr_array_unref(companion->argv);
    g_array_unref(companion->files);
    g_free(companion->state_folder);
    g_free(companion->name);
}

QemuCommand *qemu_command_build(const GuestDefinition *definition, const Plan *plan, const QemuFacts *facts,
                                const HostTools *tools)
{
    QemuCommand *command = g_new0(QemuCommand, 1);
    QemuBuilder builder = {.definition = definition, .plan = plan, .tools = tools, .command = command};

    command->argv = g_ptr_array_new_with_free_func(g_free);
    command->strings = g_string_chunk_new(256);
    command->companions = g_ptr_array_new_with_free_func(companion_free);
    command->files = g_array_new(FALSE, FALSE, sizeof(QemuFile));
    builder.numa = definition->memory.numa->len > 0;
    builder_add(&builder, facts->path);
    add_system(&builder);
    add_sockets(&builder);
    qemu_add_firmware(&builder);
    if (definition->firmware.menu)
        builder_option(&builder, "-boot", "menu=on");
    if (definition->firmware.mmio64 > 0)
        qemu_add_mmio64(&builder, definition->firmware.mmio64);
    if (definition->tpm != TPM_VERSION_NONE)
        qemu_add_tpm(&builder);
    add_kernel(&builder);
    add_devices(&builder);
    if (definition->sound.type != SOUND_NONE)
        qemu_add_sound(&builder, definition->sound.absent ? NULL : definition->sound.socket,
                       definition->sound.type == SOUND_SPICE);
    if (definition->looking_glass.size > 0 || definition->looking_glass.device)
        qemu_add_looking_glass(&builder, definition->looking_glass.size);
    qemu_add_extra(&builder, definition->qemu.arguments, definition->qemu.overrides);
    g_ptr_array_add(command->argv, NULL);
    for (unsigned i = 0; i < command->companions->len; i++)
        g_ptr_array_add(((QemuCompanion *)g_ptr_array_index(command->companions, i))->argv, NULL);
    command->memlock = memlock_limit(&builder);
    return command;
}

const QemuFile *qemu_command_file(const QemuCommand *command, unsigned index)
{
    if (index < command->files->len)
        return &g_array_index(command->files, QemuFile, index);
    index -= command->files->len;
    for (unsigned i = 0; i < command->companions->len; i++) {
        const QemuCompanion *companion = g_ptr_array_index(command->companions, i);
        if (index < companion->files->len)
            return &g_array_index(companion->files, QemuFile, index);
        index -= companion->files->len;
    }
    return NULL;
}

static const char *const file_kinds[] = {
    [QEMU_FILE_QMP] = "qmp",
    [QEMU_FILE_CONSOLE] = "console",
    [QEMU_FILE_AGENT] = "agent",
    [QEMU_FILE_CONSOLE_LOG] = "console-log",
    [QEMU_FILE_KERNEL] = "kernel",
    [QEMU_FILE_INITRD] = "initrd",
    [QEMU_FILE_FIRMWARE] = "firmware",
    [QEMU_FILE_NVRAM] = "nvram",
    [QEMU_FILE_ACPI_TABLE] = "acpi-table",
    [QEMU_FILE_ROM] = "rom",
    [QEMU_FILE_LINK] = "link",
    [QEMU_FILE_VHOST_NET] = "vhost-net",
    [QEMU_FILE_IOMMUFD] = "iommufd",
    [QEMU_FILE_VFIO] = "vfio",
    [QEMU_FILE_DISK] = "disk",
    [QEMU_FILE_FOLDER] = "folder",
    [QEMU_FILE_SOUND] = "sound",
    [QEMU_FILE_COMPANION] = "companion",
    [QEMU_FILE_QEMU] = "qemu",
};

char *qemu_file_to_text(const QemuFile *file)
{
    return g_strdup_printf("fd %d: %s%s%s%s%s%s", file->fd, file_kinds[file->kind], file->path ? " " : "",
                           file->path ?: "", file->template ? " from " : "", file->template ?: "",
                           file->read_only ? " (read-only)" : "");
}

DEFINE_FREE(QemuCommand, qemu_command_free, command)
{
    g_ptr_array_unref(command->argv);
    g_array_unref(command->files);
    g_ptr_array_unref(command->companions);
    g_string_chunk_free(command->strings);
}
