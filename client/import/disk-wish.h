/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A disk or CD drive as a source describes it, and the section that it becomes. */
#pragma once

#include "wishes.h"

/* Each with the node that said so; a value NULL is not said. Values are usher's own, but for those that have
 * to be looked up. */
typedef struct DiskWish {
    bool cd;
    const char *name; /* for the section */
    const char *id;   /* how the source calls the device; NULL: not at all */
    const char *path; /* NULL: an empty drive */
    const char *format, *bus /* "usb", too */, *cache, *discard, *zeroes, *serial, *boot_index, *io, *queues,
        *rotation;
    const char *logical, *physical; /* the sizes of its sectors */
    bool iothread, read_only;
    bool whole_scsi;  /* commands are passed through to the disk */
    const char *left; /* why no section can say what the disk is; NULL: one can */
    const Node *from;
} DiskWish;

/* Why disks are left out, whatever the format. */
#define DISK_WINDOW                                                                                          \
    "the disk is a part of the file or device (offset, size), and usher gives the whole; on the host, "      \
    "losetup --offset --sizelimit or dmsetup makes a device of that part, for a [Disk] section"
#define DISK_PASSING                                                                                         \
    "what the guest writes to the disk is forgotten when it ends, and a [Disk] would keep it; make an "      \
    "image above (qemu-img create -f qcow2 -b), and add a section with that image"

/* The section; NULL: it was left out, which the draft's list says. */
DraftSection *disk_wish_write(Wishes *wishes, const DiskWish *disk);

/* QEMU's cache modes as its two switches say them, each -1 for not said; NULL: neither was. */
const char *disk_cache_of(int direct, int no_flush, int writeback);
