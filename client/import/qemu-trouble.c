/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* -watchdog, -watchdog-action, -action, and the devices that they are about. */
#include <string.h>

#include "qemu-private.h"
#include "trouble-wish.h"

/* The last word counts; what nobody said is a reset. */
static const char *watchdog_action(const Qemu *qemu)
{
    const char *action = "reset";

    for (unsigned i = 0; i < qemu->root->children->len; i++) {
        const Node *option = qemu->root->children->pdata[i];
        if (g_str_equal(option->name, "-watchdog-action"))
            action = node_look(option, "action") ?: action;
        else if (g_str_equal(option->name, "-action"))
            action = node_look(option, "watchdog") ?: action;
    }
    return action;
}

void qemu_read_watchdog(Qemu *qemu, Node *node)
{
    node_take_all(node);
    wish_watchdog(qemu->wishes, node_look(node, "driver") ?: node->value, watchdog_action(qemu), node);
}

static bool has_device(const Qemu *qemu, const char *prefix)
{
    for (unsigned i = 0; i < qemu->root->children->len; i++) {
        const Node *option = qemu->root->children->pdata[i];
        if (g_str_equal(option->name, "-device") &&
            g_str_has_prefix(node_look(option, "driver") ?: "", prefix))
            return true;
    }
    return false;
}

/* "-global ICH9-LPC.noreboot=off" */
static bool has_chipset_watchdog(const Qemu *qemu)
{
    for (unsigned i = 0; i < qemu->root->children->len; i++) {
        const Node *option = qemu->root->children->pdata[i];
        if (g_str_equal(option->name, "-global") && node_look(option, CHIPSET_WATCHDOG))
            return true;
    }
    return false;
}

void qemu_wish_chipset_watchdog(Qemu *qemu, Node *option)
{
    wish_watchdog(qemu->wishes, "itco", watchdog_action(qemu), option);
}

static void take_watchdog(Qemu *qemu, Node *option, const char *name)
{
    if (node_take(option, name) && !node_at(qemu->root, "-watchdog") && !has_device(qemu, "i6300esb") &&
        !has_device(qemu, "ib700") && !has_chipset_watchdog(qemu))
        draft_left(qemu->wishes->draft, option,
                   "the guest has no watchdog but the board's own, which nobody may wire; add [Watchdog] "
                   "Action= and Model=itco");
}

void qemu_read_watchdog_action(Qemu *qemu, Node *option)
{
    take_watchdog(qemu, option, "action");
}

void qemu_read_action(Qemu *qemu, Node *option)
{
    const char *panic = node_take(option, "panic");

    take_watchdog(qemu, option, "watchdog");
    if (panic)
        wish_panic(qemu->wishes, panic, has_device(qemu, "pvpanic"), option);
    if (g_strcmp0(node_take(option, "reboot"), "shutdown") == 0)
        draft_set(draft_section(qemu->wishes->draft, "Guest"), "OnReboot", option, "stop");
    node_take_if(option, "shutdown", "poweroff");
}

void qemu_read_no_reboot(Qemu *qemu, Node *option)
{
    draft_set(draft_section(qemu->wishes->draft, "Guest"), "OnReboot", option, "stop");
}

void qemu_read_panic(Qemu *qemu, Node *device)
{
    node_take_all(device);
    wish_panic_device(qemu->wishes, device);
}
