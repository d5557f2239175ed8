/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verb.h"

#include <string.h>

#include "../screen/text.h"

#define MANY 4096

static const Verb verbs[] = {
    {"list", "", 0, 0, 0, cmd_list, "List the guests (the default)"},
    {"list-guests", "", 0, 0, 0, cmd_list, NULL},
    {"status", "[NAME|ADDRESS…]", 0, MANY, 0, cmd_status, "Show the host, or guests and devices in full"},
    {"start", "NAME…", 1, MANY, KNOWS_DRY_RUN | KNOWS_NO_BLOCK | KNOWS_STOP_HOLDERS, cmd_start,
     "Start guests"},
    {"stop", "NAME…", 1, MANY, KNOWS_DRY_RUN | KNOWS_NO_BLOCK, cmd_stop, "Stop guests, gently at first"},
    {"kill", "NAME…", 1, MANY, KNOWS_NO_BLOCK, cmd_kill, "End guests at once"},
    {"reset", "NAME…", 1, MANY, KNOWS_CLEAR, cmd_reset, "Press the guests' reset button"},
    {"pause", "NAME…", 1, MANY, 0, cmd_pause, "Stop the guests' vCPUs"},
    {"resume", "NAME…", 1, MANY, 0, cmd_resume, "Let the guests' vCPUs run again"},
    {"reboot", "NAME…", 1, MANY, 0, cmd_reboot, "Ask the systems in the guests to reboot"},
    {"freeze", "NAME…", 1, MANY, 0, cmd_freeze, "Freeze the guests' file systems, for a backup"},
    {"thaw", "NAME…", 1, MANY, 0, cmd_thaw, "Thaw the guests' file systems"},
    {"cdrom", "NAME [DRIVE] IMAGE", 1, 3, KNOWS_EJECT | KNOWS_FORCE, cmd_cdrom,
     "Change the medium in a guest's CD drive"},
    {"console", "NAME", 1, 1, KNOWS_FORCE, cmd_console,
     "Connect this terminal with a guest's serial console"},
    {"view", "NAME", 1, 1, KNOWS_WITH, cmd_view, "Show a guest's screen in a viewer"},
    {"attach", "NAME ADDRESS", 2, 2, KNOWS_DRY_RUN | KNOWS_NO_BLOCK | KNOWS_BIND | KNOWS_STOP_HOLDERS,
     cmd_attach, "Plug a device into a running guest"},
    {"detach", "NAME ADDRESS", 2, 2, KNOWS_DRY_RUN | KNOWS_NO_BLOCK, cmd_detach,
     "Unplug a device from a running guest"},
    {"devices", "[ADDRESS…]", 0, MANY, KNOWS_ALL, cmd_devices, "List the host's PCI devices"},
    {"groups", "", 0, 0, 0, cmd_groups, "Show the IOMMU groups as a tree"},
    {"holders", "ADDRESS…", 1, MANY, 0, cmd_holders, "Show who uses devices"},
    {"bind", "ADDRESS…", 1, MANY, KNOWS_DRY_RUN | KNOWS_NO_BLOCK | KNOWS_BIND | KNOWS_STOP_HOLDERS, cmd_bind,
     "Bind devices to vfio-pci"},
    {"restore", "ADDRESS…", 1, MANY, KNOWS_DRY_RUN | KNOWS_NO_BLOCK, cmd_restore,
     "Give devices back to their host drivers"},
    {"create", "NAME", 1, 1, KNOWS_DRY_RUN | KNOWS_CREATE, cmd_create, "Define a guest"},
    {"import", "FILE|- [NAME]", 1, 2, KNOWS_IMPORT, cmd_import,
     "Make a definition of a libvirt domain, a Proxmox guest or a QEMU command line"},
    {"edit", "NAME", 1, 1, 0, cmd_edit, "Edit a drop-in of a definition, or with --full the definition"},
    {"undefine", "NAME…", 1, MANY, 0, cmd_undefine, "Remove definitions"},
    {"rm", "NAME…", 1, MANY, 0, cmd_undefine, NULL},
    {"cat", "NAME…", 1, MANY, 0, cmd_cat, "Print the files of definitions"},
    {"show", "NAME…", 1, MANY, KNOWS_FINGERPRINT | KNOWS_COMMAND, cmd_show,
     "Show definitions as merged, with the origin of each line"},
    {"validate", "FILE|NAME…", 1, MANY, 0, cmd_validate, "Check definitions"},
    {"reload", "", 0, 0, 0, cmd_reload, "Have usherd read the definitions again"},
    {"enable", "NAME…", 1, MANY, 0, cmd_enable, "Start guests at boot"},
    {"disable", "NAME…", 1, MANY, 0, cmd_disable, "Do not start guests at boot"},
    {"check", "", 0, 0, 0, cmd_check, "Check whether this host can lend devices"},
    {"monitor", "", 0, 0, 0, cmd_monitor, "Print jobs and changes of state as they come"},
    {"version", "", 0, 0, 0, cmd_version, "Show the versions of usherctl and usherd"},
    {"help", "", 0, 0, 0, cmd_help, "Show this help"},
    {NULL},
};

const Verb *verb_table(void)
{
    return verbs;
}

const Verb *verb_find(const char *name)
{
    const char *names[G_N_ELEMENTS(verbs)] = {NULL};
    const char *nearest;

    for (size_t i = 0; verbs[i].name; i++) {
        names[i] = verbs[i].name;
        if (strcmp(names[i], name) == 0)
            return &verbs[i];
    }
    if ((nearest = text_nearest(name, names)))
        say("There is no verb %s; did you mean %s?", name, nearest);
    else
        say("There is no verb %s", name);
    return NULL;
}
