/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The images and disks of a definition, in the order in which they are opened, and the judgement of what
 * was found there. */
#pragma once

#include "../definition/disk-format.h"
#include "../definition/disk-geometry.h"
#include "../definition/handle.h"
#include "../host/holder.h"

typedef enum DiskHow {
    DISK_HOW_OPEN, /* for the guest */
    DISK_HOW_LOOK, /* to see what would come of it: a device is opened for reading alone, as udev looks at
                  each anew that was open for writing */
    DISK_HOW_ASK,  /* the same where nothing may be taken for it, not for a moment: a block device is not
                  opened, and  only what tells of its users is read */
    DISK_HOW_MAX,
} DiskHow;

typedef struct DiskWish {
    char *section;    /* "Disk system" */
    const char *key;  /* "Path" or "Backing" */
    const char *path; /* borrowed from the definition, as are the next two */
    DiskFormat format;
    bool writable;
    DiskHow how;
    uint64_t size;       /* it is made with that many bytes if it is not there; 0: it must be there */
    const char *backing; /* what it is to be built upon; NULL: nothing */
    DiskFormat backing_format;
    bool small_sectors; /* its bus knows sectors of 512 bytes alone, and the disk is to be as it is */
    bool optional;      /* the guest starts without it, too */
    bool direct;        /* past the host's page cache: with O_DIRECT (open(2)) */
} DiskWish;

/* What it turned out to be. */
typedef enum DiskLook {
    DISK_LOOK_PLAIN, /* raw: not looked into */
    DISK_LOOK_QCOW2,
    DISK_LOOK_NO_QCOW2,
    DISK_LOOK_BROKEN,   /* a qcow2 header that cannot be */
    DISK_LOOK_EXTERNAL, /* a qcow2 image whose data is in another file */
    DISK_LOOK_UNSEEN,   /* DISK_HOW_ASK, of a block device: what is on it may be anything */
    DISK_LOOK_MAX,
    DISK_LOOK_INVALID = -EINVAL,
} DiskLook;

typedef struct DiskSeen {
    /* Which it is by any name: "b8:16" a block device, "f259:2:1234" a file and its file system. */
    char *id;
    bool made; /* just now */
    DiskLook look;
    DiskGeometry geometry; /* of a block device */
    char *backing;         /* what the image names; NULL: nothing */
} DiskSeen;

DiskLook disk_look_from_string(const char *name); /* "plain", "qcow2", … */

/* All of a definition, in the order in which they are opened; of DiskWish, owned. */
GPtrArray *disk_wishes(const GuestDefinition *definition);

/* For the wire, behind a verb: words owned by the caller; and back, where section and key are left out and
 * strings are borrowed from the words. -EBADMSG: they are none. */
char **disk_wish_to_words(const char *verb, const DiskWish *wish);
int disk_wish_from_words(char *const *words, DiskWish *ret);
char **disk_seen_to_words(const char *verb, const DiskSeen *seen);
int disk_seen_from_words(char *const *words, DiskSeen **ret);

DiskSeen *disk_seen_free(DiskSeen *seen);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DiskSeen, disk_seen_free)

/* 0, or FAULT_RAISED if the image is none of its format, or leads to files that the definition does not name.
 */
int disk_wish_judge(const char *guest, const DiskWish *wish, const DiskSeen *seen, Fault **ret_fault);

/* Why it could not be opened. */
Fault *disk_wish_fault(const char *guest, const DiskWish *wish, int error);
/* It is in use. */
Fault *disk_wish_held(const char *guest, const DiskWish *wish, const GPtrArray *holders);

/* A name below /dev/, which udev makes: a device's or nothing. What anybody may put into /dev/shm is not. */
bool disk_path_device(const char *path);
/* A path of the kernel's own naming, which may lead to another disk after the next boot: "/dev/sdb1". */
bool disk_path_fleeting(const char *path);
