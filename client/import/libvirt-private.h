/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the readers of a domain's parts share. */
#pragma once

#include "libvirt.h"

typedef struct Libvirt {
    Wishes *wishes;
    Node *root, *devices;
    const char *sound_driver, *sound_server; /* from the environment; NULL: not said */
} Libvirt;

typedef void (*LibvirtRead)(Libvirt *libvirt, Node *element);

typedef struct LibvirtWord {
    const char *name;
    LibvirtRead read;
} LibvirtWord;

/* Has each child read that a row names; the others are found by the walk. */
void libvirt_read_children(Libvirt *libvirt, Node *element, const LibvirtWord *words, size_t n);

/* Lends the device at an <address>; what is wrong with it, or its lack, goes to the list. NULL: it is not
 * lent. */
PciWish *libvirt_lend(Libvirt *libvirt, Node *address, const char *id, Node *from);

/* Takes an element that is one of many of its kind: of forty addresses one is enough to tell of. */
void libvirt_take_kind(Libvirt *libvirt, Node *element, const char *reason);
/* <address>, <alias> and the like are usher's to choose. */
void libvirt_take_place(Libvirt *libvirt, Node *device);

extern const LibvirtWord libvirt_devices[];
extern const size_t libvirt_n_devices;

/* A size, with the unit that the element has beside it. */
guint64 libvirt_bytes(Node *element, const char *value);

void libvirt_read_numa(Libvirt *libvirt, Node *numa);
void libvirt_read_cpu(Libvirt *libvirt, Node *element);
void libvirt_read_features(Libvirt *libvirt, Node *element);
void libvirt_read_clock(Libvirt *libvirt, Node *element);
void libvirt_read_cputune(Libvirt *libvirt, Node *element);
void libvirt_read_vcpu(Libvirt *libvirt, Node *element);

void libvirt_read_sysinfo(Libvirt *libvirt, Node *element);
void libvirt_read_host_smbios(Libvirt *libvirt, Node *smbios);

void libvirt_read_disk(Libvirt *libvirt, Node *device);
void libvirt_read_interface(Libvirt *libvirt, Node *device);
void libvirt_read_hostdev(Libvirt *libvirt, Node *device);
void libvirt_read_graphics(Libvirt *libvirt, Node *device);
void libvirt_read_sound(Libvirt *libvirt, Node *device);
void libvirt_read_audio(Libvirt *libvirt, Node *device);
void libvirt_read_video(Libvirt *libvirt, Node *device);
