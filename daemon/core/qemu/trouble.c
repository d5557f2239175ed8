/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How QEMU notices that the guest's system is in trouble, and what QEMU does by itself. Whoever reads its
 * events GUEST_PANICKED and WATCHDOG does the rest. */
#include "../definition/life.h"
#include "builder.h"

/* Not reset: that is no action of QEMU's upon a panic. exit-failure, as its own shutdown would end with
 * status 0. */
static const char *const on_panic[] = {
    [TROUBLE_DEFAULT] = "exit-failure", [TROUBLE_FAIL] = "exit-failure", [TROUBLE_RESET] = "pause",
    [TROUBLE_PAUSE] = "pause",          [TROUBLE_IGNORE] = "none",
};
/* Not poweroff: QEMU 7.2 then ends by exit(3) on the spot (watchdog_perform_action()), whatever its disks
 * still hold. */
static const char *const on_watchdog[] = {
    [TROUBLE_FAIL] = "pause",
    [TROUBLE_RESET] = "reset",
    [TROUBLE_PAUSE] = "pause",
    [TROUBLE_IGNORE] = "none",
};

static void add_device(QemuBuilder *builder, const char *driver, const char *id, unsigned slot)
{
    struct json_object *device = json_new_driver(driver);

    json_set_text(device, "id", "%s", id);
    json_set_text(device, "bus", "pcie.0");
    json_set_text(device, "addr", "0x%x", slot);
    builder_json(builder, "-device", device);
}

void qemu_add_trouble(QemuBuilder *builder, const DefinitionLife *life)
{
    builder_option(builder, "-action", "panic=%s", on_panic[life->panic]);
    /* Every reset ends QEMU then, whoever asks for it: the guest, its watchdog, or system_reset. */
    if (life->reboot != REBOOT_RESET)
        builder_add(builder, "-no-reboot");
    /* Only if it was asked for: a Windows without the driver sees an unknown device. A system that reports
     * its panic by other means, as Windows does with HyperV=, needs none. */
    if (life->panic != TROUBLE_DEFAULT)
        add_device(builder, "pvpanic-pci", "panic", SLOT_PANIC);
    if (life->watchdog == TROUBLE_DEFAULT)
        return;
    builder_option(builder, "-action", "watchdog=%s", on_watchdog[life->watchdog]);
    /* It is in every q35, where the firmware's pin strap holds its reset back: QEMU up to 7.2 has it so
     * (hw/i386/pc.c, pc_compat_7_2). */
    if (life->itco)
        builder_option(builder, "-global", "ICH9-LPC.noreboot=off");
    else
        add_device(builder, "i6300esb", "watchdog", SLOT_WATCHDOG);
}
