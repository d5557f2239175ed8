/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "builder.h"

/* QEMU takes no descriptors here, but it reads the files only once, at the start. */
static void add_acpi_tables(QemuBuilder *builder, const GPtrArray *paths)
{
    for (unsigned i = 0; paths && i < paths->len; i++)
        builder_option(builder, "-acpitable", "file=/proc/self/fd/%d",
                       builder_file(builder, QEMU_FILE_ACPI_TABLE, paths->pdata[i], true));
}

/* vmport: by it a program asks whether it runs in VMware, and finds a hypervisor. */
void qemu_add_machine(QemuBuilder *builder, const DefinitionMachine *machine, bool kvm)
{
    g_autofree char *uuid = definition_uuid(builder->definition);

    builder_option(builder, "-machine", "%s,accel=%s,usb=off,vmport=off%s%s", machine->type,
                   kvm ? "kvm,kernel-irqchip=on" : "tcg",
                   machine->clock.hpet == AUTO_SWITCH_NO ? ",hpet=off" : "",
                   builder->numa ? "" : ",memory-backend=" QEMU_MEMORY_ID);
    builder_option(builder, "-uuid", "%s", uuid);
    if (machine->generation) {
        struct json_object *device = json_new_driver("vmgenid");
        json_set_text(device, "id", "generation");
        json_set_text(device, "guid", "%s", machine->generation);
        builder_json(builder, "-device", device);
    }
    if (machine->apple_smc) {
        struct json_object *device = json_new_driver("isa-applesmc");
        json_set_text(device, "id", "apple-smc");
        json_set_text(device, "osk", "%s", machine->apple_smc);
        builder_json(builder, "-device", device);
    }
    add_acpi_tables(builder, machine->acpi_tables);
    if (machine->native_hot_plug)
        builder_option(builder, "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off");
    /* ich9_pm_init(), hw/acpi/ich9.c */
    if (machine->suspend == AUTO_SWITCH_NO) {
        builder_option(builder, "-global", "ICH9-LPC.disable_s3=1");
        builder_option(builder, "-global", "ICH9-LPC.disable_s4=1");
    }
}

/* QEMU asks the kernel, and opens no file for it. */
void qemu_add_rng(QemuBuilder *builder)
{
    struct json_object *source = json_object_new_object(), *device = json_new_driver("virtio-rng-pci");

    json_set_text(source, "qom-type", "rng-builtin");
    json_set_text(source, "id", "rng-source");
    builder_json(builder, "-object", source);
    json_set_text(device, "id", "rng");
    json_set_text(device, "bus", "pcie.0");
    json_set_text(device, "addr", "0x%x", SLOT_RNG);
    json_set_text(device, "rng", "rng-source");
    builder_json(builder, "-device", device);
}

typedef struct SmbiosWord {
    const char *name, *value;
} SmbiosWord;

/* Leaves a table that says nothing to QEMU, unless it is to be there all the same. */
static void add_table(QemuBuilder *builder, unsigned type, bool always, const SmbiosWord *words, size_t n)
{
    g_autoptr(GString) table = g_string_new(NULL);

    for (size_t i = 0; i < n; i++) {
        if (!words[i].value)
            continue;
        g_auto(GStrv) parts = g_strsplit(words[i].value, ",", -1);
        g_autofree char *value = g_strjoinv(",,", parts);
        g_string_append_printf(table, ",%s=%s", words[i].name, value);
    }
    if (table->len > 0 || always)
        builder_option(builder, "-smbios", "type=%u%s", type, table->str);
}

/* The types are those of the specification: 0 the firmware, 1 the system, 2 the board. */
void qemu_add_smbios(QemuBuilder *builder, const DefinitionSmbios *wish)
{
    const SmbiosWord bios[] = {
        {"vendor", wish->bios_vendor}, {"version", wish->bios_version}, {"date", wish->bios_date}};
    const SmbiosWord system[] = {{"manufacturer", wish->manufacturer},
                                 {"product", wish->product},
                                 {"version", wish->version},
                                 {"serial", wish->serial},
                                 {"sku", wish->sku},
                                 {"family", wish->family}};
    const SmbiosWord board[] = {{"manufacturer", wish->board_manufacturer},
                                {"product", wish->board_product},
                                {"version", wish->board_version},
                                {"serial", wish->board_serial}};

    add_table(builder, 0, false, bios, G_N_ELEMENTS(bios));
    add_table(builder, 1, false, system, G_N_ELEMENTS(system));
    add_table(builder, 2, wish->board, board, G_N_ELEMENTS(board));
}

/* A guest that was not running when a tick was due: the clock gives it that tick later, as Windows counts
 * ticks (driftfix), and the timer of old, by which Linux may measure how fast others run, does not. libvirt's
 * users have both. QEMU asks for the local time when it starts, and is told that of another zone: what the
 * guest sets, and the seconds that pass, count from there, so that no change of summer time moves the clock
 * of a guest that runs. */
void qemu_add_clock(QemuBuilder *builder, const DefinitionMachine *machine, bool kvm)
{
    const char *zone = definition_zone(machine);
    g_autofree char *there = zone ? host_tools_time(builder->tools, zone) : NULL;
    bool local = g_str_equal(machine->clock.base, CLOCK_LOCAL);

    builder_option(builder, "-rtc", "base=%s,driftfix=slew", there ?: local ? "localtime" : "utc");
    if (kvm)
        builder_option(builder, "-global", "kvm-pit.lost_tick_policy=delay");
}
