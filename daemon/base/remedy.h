/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What somebody has to type on this host to install a package, to boot with other words on the kernel's
 * command line, or to make a bridge: one table of the distributions. Who starts a program says once where it
 * runs (remedy_speak_here()), as with a language. Before that, and on a distribution that is not in the
 * table, a remedy has words and no command. */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef enum Distribution {
    DISTRIBUTION_OTHER,
    DISTRIBUTION_DEBIAN, /* and Proxmox */
    DISTRIBUTION_UBUNTU, /* and Mint, Pop!_OS: its kernel has another name */
    DISTRIBUTION_FEDORA,
    DISTRIBUTION_RHEL, /* and its rebuilds */
    DISTRIBUTION_ARCH,
    DISTRIBUTION_SUSE,
    DISTRIBUTION_NIXOS,
    DISTRIBUTION_MAX,
} Distribution;

/* What holds the words that the kernel is booted with. */
typedef enum BootSetup {
    BOOT_SETUP_OTHER,
    BOOT_SETUP_GRUB,           /* /etc/default/grub */
    BOOT_SETUP_GRUBBY,         /* the program, on Fedora and RHEL */
    BOOT_SETUP_KERNEL_INSTALL, /* /etc/kernel/cmdline, of systemd-boot and unified kernel images
                                  (kernel-install(8)) */
    BOOT_SETUP_MKINITCPIO,     /* the same file, which Arch's mkinitcpio(8) puts into a unified image */
    BOOT_SETUP_SDBOOTUTIL,     /* the same file, on openSUSE */
    BOOT_SETUP_PROXMOX,        /* the same file, which proxmox-boot-tool copies to each boot partition */
    BOOT_SETUP_PROXMOX_GRUB,   /* /etc/default/grub, likewise */
    BOOT_SETUP_RPM_OSTREE,     /* the program, where the system is an image: Silverblue, Bazzite */
    BOOT_SETUP_KERNELSTUB,     /* the program, on Pop!_OS */
    BOOT_SETUP_SDBOOT_MANAGE,  /* /etc/sdboot-manage.conf, on CachyOS and Manjaro */
    BOOT_SETUP_LIMINE,         /* /etc/default/limine, on CachyOS and others that are made of Arch */
    BOOT_SETUP_ENTRIES,        /* systemd-boot's entries, which nobody writes but their owner */
    BOOT_SETUP_MAX,
} BootSetup;

/* What sets up the network. */
typedef enum NetworkSetup {
    NETWORK_SETUP_OTHER,
    NETWORK_SETUP_NETWORK_MANAGER,
    NETWORK_SETUP_NETWORKD,
    NETWORK_SETUP_IFUPDOWN, /* /etc/network/interfaces */
} NetworkSetup;

typedef enum Package {
    PACKAGE_QEMU,
    PACKAGE_QEMU_SPICE, /* the modules of it */
    PACKAGE_QEMU_SOUND, /* its module for PulseAudio */
    PACKAGE_FIRMWARE,
    PACKAGE_SWTPM,
    PACKAGE_VIRTIOFSD,
    PACKAGE_KERNEL,
    PACKAGE_VNC_VIEWER,
    PACKAGE_SPICE_VIEWER,
    PACKAGE_DNSMASQ,
    PACKAGE_NFTABLES,
    PACKAGE_MAX,
} Package;

/* By ID, or else the first that is known of ID_LIKE, a list of words (os-release(5)). NULL is fine for each.
 */
Distribution distribution_of(const char *id, const char *id_like);

typedef struct RemedyPlace {
    Distribution distribution;
    bool image; /* the system is one, which gets packages by another command and with a reboot */
    BootSetup boot;
    NetworkSetup network;
} RemedyPlace;

void remedy_speak_for(RemedyPlace place);

/* For this host, by its os-release(5) and what made its system. */
void remedy_speak_here(BootSetup boot, NetworkSetup network);

/* "apt install swtpm"; NULL: nobody knows, or there is no such package. The caller frees it. */
char *remedy_command(Package package);
/* "install it: apt install swtpm"; "install it". The caller frees both. */
char *remedy_install(Package package);
/* "add intel_iommu=on to GRUB_CMDLINE_LINUX in /etc/default/grub, then: update-grub; then reboot"; "boot with
 * intel_iommu=on". */
char *remedy_boot_with(const char *words);
/* How to make a bridge with that network card as its port, which then has the host's own addresses: "make it:
 * nmcli connection add …". The caller frees it. */
char *remedy_bridge(const char *bridge, const char *card);
