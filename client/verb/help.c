/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usherctl help */
#include <stdio.h>

#include "../screen/text.h"
#include "../view/pager.h"
#include "verb.h"

int cmd_help(Client *client, char **args)
{
    pager_open(client);
    puts("usherctl [OPTIONS…] [VERB [ARGUMENTS…]]\n\nLends the host's PCI devices to guests, and brings them "
         "back.\n");
    for (const Verb *verb = client->verbs; verb->name; verb++) {
        g_autofree char *usage = g_strdup_printf("%s %s", verb->name, verb->args);
        if (verb->help)
            printf("  %s%*s  %s\n", usage, MAX(0, 24 - (int)text_width(usage)), "", verb->help);
    }
    puts("\n"
         "  -h --help                 Show this help\n"
         "     --version              Show usherctl's version\n"
         "  -H --host=[USER@]HOST     Speak with usherd on another host, over ssh\n"
         "     --json=pretty|short|off  Print JSON (-j: pretty on a terminal, else short)\n"
         "     --no-legend            Print no titles and no counts\n"
         "  -l --full                 Do not shorten cells; edit: the definition itself, not a drop-in\n"
         "     --no-pager             Do not use a pager\n"
         "     --no-ask-password      Do not let polkit ask for a password\n"
         "     --dry-run              start, stop, bind, restore, attach, detach: show the steps only;\n"
         "                            create: show the text\n"
         "     --no-block             start, stop, kill, bind, restore, attach, detach: do not wait\n"
         "     --force                console: take it from whoever has it open; cdrom: open a locked tray\n"
         "  -a --all                  devices: list bridges too\n"
         "     --functions=all|0,1    bind, attach: these functions of the slot\n"
         "     --group=only|all       bind, attach: the rest of the IOMMU group too\n"
         "     --stop-holders=UNIT,…  start, bind, attach: services to stop if they use the device\n"
         "     --preset=windows11|windows10|linux\n"
         "                            create: what a guest of that kind is made of\n"
         "     --description= --memory= --cpus= --uefi --display=none|vnc|spice\n"
         "     --gpu=ADDRESS --disk=PATH[,format=FORMAT] --cdrom=PATH --network=user|none|bridge:BRIDGE\n"
         "                            create: what the guest has\n"
         "     --format=libvirt|proxmox|qemu\n"
         "                            import: what the file is, if its text does not tell\n"
         "     --map=STORAGE=FOLDER   import: where the volumes of a storage or pool are\n"
         "     --define               import: define the guest\n"
         "     --fingerprint          show: the Fingerprint= lines of devices\n"
         "     --command              show: the command line that QEMU would get, also of a file\n"
         "     --clear                reset: release devices from quarantine\n"
         "     --eject                cdrom: remove the medium from the drive\n"
         "     --with=PROGRAM         view: the viewer, such as looking-glass-client or remote-viewer\n\n"
         "See usherctl(1) for the exit statuses and for examples.");
    return STATUS_OK;
}
