/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"
#include "../../base/descriptor-list.h"
#include "tools-find.h"

void tools_find_firmware(const char *const *folders, GPtrArray *ret)
{
    descriptor_list(folders, firmware_take, ret);
}

static bool is_installed(const char *program)
{
    g_autofree char *path = g_find_program_in_path(program);

    return path;
}

HostTools *tools_find(const ToolsPlace *place)
{
    static const char *const folders[] = {"/etc/qemu/firmware", USHER_QEMU_DATADIR "/firmware", NULL};
    HostTools *tools = host_tools_new(place->state_path);
    const Virtiofsd *virtiofsd = virtiofsd_probe_known(place->virtiofsd, &tools->virtiofsd_asked);

    tools_find_firmware(folders, tools->firmwares);
    /* By PATH, which is the service manager's word, unless a path was built in. */
    tools->swtpm = g_find_program_in_path(USHER_SWTPM);
    tools->dnsmasq = is_installed("dnsmasq");
    tools->nft = is_installed("nft");
    tools->systemd = place->systemd;
    tools->virtiofsd = virtiofsd ? virtiofsd_copy(virtiofsd) : NULL;
    tools->confined = place->confined;
    return tools;
}
