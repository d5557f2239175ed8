/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "remedy-look.h"

#include <fcntl.h>
#include <unistd.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"

#define EFI_VARIABLES "sys/firmware/efi/efivars"
#define LOADER_INFO EFI_VARIABLES "/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"

/* Those that may have started the host. */
typedef enum Loaders {
    LOADER_SYSTEMD = 1 << 0,
    LOADER_GRUB = 1 << 1,
    LOADER_LIMINE = 1 << 2,
    LOADER_REST = 1 << 3, /* the firmware itself, too: a unified kernel image needs no loader */
    LOADER_ANY = LOADER_SYSTEMD | LOADER_GRUB | LOADER_LIMINE | LOADER_REST,
} Loaders;

/* The first whose files are all there, and whose loader it may have been. */
static const struct {
    const char *signs[2];
    Loaders loaders;
    BootSetup setup;
} setups[] = {
    {{"run/ostree-booted", "usr/bin/rpm-ostree"}, LOADER_ANY, BOOT_SETUP_RPM_OSTREE},
    /* Proxmox' installer writes /etc/kernel/cmdline for GRUB's hosts as well. */
    {{"etc/kernel/proxmox-boot-uuids"}, LOADER_SYSTEMD, BOOT_SETUP_PROXMOX},
    {{"etc/kernel/proxmox-boot-uuids"}, LOADER_ANY, BOOT_SETUP_PROXMOX_GRUB},
    {{"usr/bin/kernelstub"}, LOADER_SYSTEMD | LOADER_REST, BOOT_SETUP_KERNELSTUB},
    {{"etc/sdboot-manage.conf"}, LOADER_SYSTEMD, BOOT_SETUP_SDBOOT_MANAGE},
    {{"etc/default/limine"}, LOADER_LIMINE, BOOT_SETUP_LIMINE},
    {{"usr/sbin/grubby"}, LOADER_ANY, BOOT_SETUP_GRUBBY},
    {{"usr/bin/grubby"}, LOADER_ANY, BOOT_SETUP_GRUBBY},
    /* GRUB reads the entries of it, too (grub2-bls). */
    {{"etc/kernel/cmdline", "usr/bin/sdbootutil"}, LOADER_ANY, BOOT_SETUP_SDBOOTUTIL},
    /* Who has written the file boots by it: GRUB's is there on many a host that does not use GRUB. */
    {{"etc/kernel/cmdline", "etc/mkinitcpio.d"}, LOADER_ANY & ~LOADER_GRUB, BOOT_SETUP_MKINITCPIO},
    {{"etc/kernel/cmdline"}, LOADER_ANY & ~LOADER_GRUB, BOOT_SETUP_KERNEL_INSTALL},
    {{"etc/default/grub"}, LOADER_GRUB, BOOT_SETUP_GRUB},
    {{LOADER_INFO}, LOADER_SYSTEMD, BOOT_SETUP_ENTRIES},
};

static bool is_there(int root, const char *path)
{
    return faccessat(root, path, F_OK, 0) == 0;
}

/* Four bytes of attributes, then UTF-16 (efivarfs; systemd.io/BOOT_LOADER_INTERFACE), of names in ASCII. */
static Loaders loader_named(const char *variable, size_t size)
{
    static const struct {
        const char *name;
        Loaders loader;
    } names[] = {{"systemd-boot", LOADER_SYSTEMD}, {"GRUB", LOADER_GRUB}, {"Limine", LOADER_LIMINE}};
    g_autoptr(GString) name = g_string_new(NULL);

    for (size_t i = 4; i < size; i += 2)
        g_string_append_c(name, variable[i]);
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
        if (g_str_has_prefix(name->str, names[i].name))
            return names[i].loader;
    return LOADER_REST;
}

/* systemd-boot always tells its name, GRUB from 2.12 on; a BIOS starts no systemd-boot. */
static Loaders find_loaders(int root)
{
    g_autofree char *variable = NULL;
    g_auto(GStrv) all = NULL;
    size_t size = 0;

    if (file_read_all_at(root, LOADER_INFO, 4096, &variable, &size) >= 0)
        return loader_named(variable, size);
    /* Of UEFI, but its variables are not mounted. */
    if (is_there(root, EFI_VARIABLES) && (file_list_at(root, EFI_VARIABLES, &all) < 0 || !*all))
        return LOADER_ANY;
    return LOADER_ANY & ~LOADER_SYSTEMD;
}

BootSetup boot_setup_find(int root)
{
    Loaders loaders = find_loaders(root);

    for (unsigned i = 0; i < G_N_ELEMENTS(setups); i++)
        if ((loaders & setups[i].loaders) && is_there(root, setups[i].signs[0]) &&
            (!setups[i].signs[1] || is_there(root, setups[i].signs[1])))
            return setups[i].setup;
    return BOOT_SETUP_OTHER;
}

/* A host that is installed by Debian's installer has the last one's file, whatever is in use. */
NetworkSetup network_setup_find(int root)
{
    return is_there(root, "run/NetworkManager")        ? NETWORK_SETUP_NETWORK_MANAGER
           : is_there(root, "run/systemd/netif/state") ? NETWORK_SETUP_NETWORKD
           : is_there(root, "etc/network/interfaces")  ? NETWORK_SETUP_IFUPDOWN
                                                       : NETWORK_SETUP_OTHER;
}

void remedy_look(void)
{
    _cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

    remedy_speak_here(root < 0 ? BOOT_SETUP_OTHER : boot_setup_find(root),
                      root < 0 ? NETWORK_SETUP_OTHER : network_setup_find(root));
}
