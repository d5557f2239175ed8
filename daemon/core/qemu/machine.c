/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../definition/machine.h"
#include "builder.h"

/* vmport: by it a program asks whether it runs in VMware, and finds a hypervisor. */
void qemu_add_machine(QemuBuilder *builder, const DefinitionMachine *machine, bool kvm)
{
    builder_option(builder, "-machine", "q35,accel=%s,usb=off,vmport=off%s,memory-backend=" QEMU_MEMORY_ID,
                   kvm ? "kvm,kernel-irqchip=on" : "tcg",
                   machine->clock.hpet == AUTO_SWITCH_NO ? ",hpet=off" : "");
    /* ich9_pm_init(), hw/acpi/ich9.c */
    if (machine->suspend == AUTO_SWITCH_NO) {
        builder_option(builder, "-global", "ICH9-LPC.disable_s3=1");
        builder_option(builder, "-global", "ICH9-LPC.disable_s4=1");
    }
}

/* A guest that was not running when a tick was due: the clock gives it that tick later, as Windows counts
 * ticks (driftfix), and the timer of old, by which Linux may measure how fast others run, does not. libvirt's
 * users have both. QEMU asks for the local time when it starts: what the guest sets, and the seconds that
 * pass, count from there, so that no change of summer time moves the clock of a guest that runs. */
void qemu_add_clock(QemuBuilder *builder, const DefinitionMachine *machine, bool kvm)
{
    builder_option(builder, "-rtc", "base=%s,driftfix=slew",
                   machine->clock.base == CLOCK_BASE_LOCAL ? "localtime" : "utc");
    if (kvm)
        builder_option(builder, "-global", "kvm-pit.lost_tick_policy=delay");
}
