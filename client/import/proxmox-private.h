/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "proxmox.h"

typedef struct Proxmox {
    Wishes *wishes;
    Node *root;
} Proxmox;

/* The value of a line of one word. */
const char *proxmox_value(Node *line);
void proxmox_read_memory(Proxmox *proxmox, Node *line);
void proxmox_read_balloon(Proxmox *proxmox, Node *line);
void proxmox_read_huge_pages(Proxmox *proxmox, Node *line);
void proxmox_read_keep(Proxmox *proxmox, Node *line);
void proxmox_read_cores(Proxmox *proxmox, Node *line);
void proxmox_read_sockets(Proxmox *proxmox, Node *line);
void proxmox_read_cpu(Proxmox *proxmox, Node *line);
void proxmox_read_affinity(Proxmox *proxmox, Node *line);
void proxmox_read_shares(Proxmox *proxmox, Node *line);
void proxmox_read_system(Proxmox *proxmox, Node *line);
void proxmox_read_localtime(Proxmox *proxmox, Node *line);
void proxmox_read_bios(Proxmox *proxmox, Node *line);
void proxmox_read_machine(Proxmox *proxmox, Node *line);
void proxmox_read_smbios(Proxmox *proxmox, Node *line);
void proxmox_read_genid(Proxmox *proxmox, Node *line);
void proxmox_read_kvm(Proxmox *proxmox, Node *line);

/* A volume's path by --map=; NULL: it is not known, which the draft's list says. *ret_backing: the image
 * below it; untouched if there is none. The caller frees both. */
char *proxmox_volume_path(Proxmox *proxmox, Node *line, const char *volume, char **ret_backing);
/* Storages name a file by its format; a volume of a pool is raw. */
const char *proxmox_volume_format(const char *path);

/* The lines with a number at their end. */
void proxmox_read_disk(Proxmox *proxmox, Node *line);
void proxmox_read_network(Proxmox *proxmox, Node *line);
void proxmox_read_lent(Proxmox *proxmox, Node *line);
void proxmox_read_usb(Proxmox *proxmox, Node *line);
void proxmox_read_audio(Proxmox *proxmox, Node *line);
void proxmox_read_state(Proxmox *proxmox, Node *line);
/* boot: order=…, once the disks are there. */
void proxmox_read_boot(Proxmox *proxmox);
