/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a definition names besides devices: files, folders, sockets, links, and owners. usher-bind opens each
 * (edge/hand/file-open.h), and what it saw is judged here. */
#pragma once

#include "../definition/handle.h"
#include "../host/firmware.h"

typedef enum FileKind {
    FILE_KIND_FILE,  /* a regular file: a kernel, an initrd, a ROM, firmware */
    FILE_KIND_COPY,  /* a copy of one in memory, of FILE_COPY_MAX bytes at most, as reading the file may wait
                        for ever: the template of a firmware's variables */
    FILE_KIND_DISK,  /* a regular file or a block device, which may be made: only looked at (disk-wish.h) */
    FILE_KIND_PLACE, /* the folder that a disk is to be made in */
    FILE_KIND_FOLDER,
    FILE_KIND_SOCKET, /* the sound server's */
    FILE_KIND_KVMFR,  /* the device of Looking Glass's module */
    FILE_KIND_LINK,   /* a network link of the host's, by its name: a tap or macvtap device */
    FILE_KIND_VHOST,  /* /dev/vhost-net */
    FILE_KIND_USB,    /* the node of a USB device */
    FILE_KIND_VFIO,   /* the own node of a PCI device, by its address, or VFIO_IOMMU: for a guest with iommufd
                       */
    FILE_KIND_USER,   /* a name, as the next is */
    FILE_KIND_GROUP,
    FILE_KIND_DISPLAY, /* the socket of a display, which is made: "alice:/run/usher/display/win10.spice"; of
                          the owner "+UID" is understood too. No definition wishes for it */
    FILE_KIND_MAX,
    FILE_KIND_INVALID = -EINVAL,
} FileKind;

/* Most bytes of a file that is copied into memory: the variables of firmware take 528 KiB, and a whole
 * firmware 4 MiB. */
#define FILE_COPY_MAX (64 << 20)

/* The node of iommufd, by which all devices of a guest share one address space. */
#define VFIO_IOMMU "/dev/iommu"

/* What QEMU takes a file's bytes for. */
typedef enum FileImage {
    FILE_IMAGE_NONE,
    FILE_IMAGE_RAW_FLASH, /* firmware or its variables, as the guest's flash memory has them */
    FILE_IMAGE_QCOW2_FLASH,
} FileImage;

typedef struct FileWish {
    FileKind kind;
    char *section; /* "PCI gpu"; NULL: what no key names */
    const char *key;
    char *path;    /* of links, users and groups the name */
    uint64_t size; /* it is made with that many bytes if it is not there; 0: it must be there */
    FileImage image;
    bool optional; /* the guest starts without it, too */
} FileWish;

/* What there was. */
typedef struct FileSeen {
    unsigned mode;       /* st_mode; 0: nothing is there yet */
    char *group;         /* of a device: the name of the group that owns it; NULL: it has none */
    char *stable;        /* a name of the disk's that stays; NULL: there is none, or it has one */
    uint64_t room, free; /* bytes of the file system that a file would be made on; 0: unknown */
    uint64_t memory;     /* bytes that a device of Looking Glass's has; 0: it does not say */
    uint64_t size;       /* bytes of a regular file; of a qcow2 image those that a guest sees */
    bool qcow2;
} FileSeen;

const char *file_kind_to_string(FileKind kind); /* "file", "disk", … */
FileKind file_kind_from_string(const char *name);

/* All of a definition, in the order in which they are opened; of FileWish, owned. firmware NULL: it has none.
 * vhost_net: as Plan has it. */
GPtrArray *file_wishes(const GuestDefinition *definition, const Firmware *firmware, bool vhost_net);
/* The ROM of one device, if it has one. */
GPtrArray *file_wishes_of_pci(const DefinitionPci *pci);

/* For the wire, behind a verb: words owned by the caller; and back. -EBADMSG: they are none. */
char **file_seen_to_words(const char *verb, const FileSeen *seen);
int file_seen_from_words(char *const *words, FileSeen **ret);
/* NULL is fine; returns NULL. */
FileSeen *file_seen_free(FileSeen *seen);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FileSeen, file_seen_free)

/* The error says that there is nothing, or nothing any more. */
bool file_error_absent(int error);
/* Nothing is there, and the guest starts without it. error, seen: as below. */
bool file_wish_absent(const FileWish *wish, int error, const FileSeen *seen);

/* 0, or FAULT_RAISED: it is not what the guest needs. seen NULL: error says why it could not be opened. */
int file_wish_judge(const GuestDefinition *definition, const FileWish *wish, int error, const FileSeen *seen,
                    Fault **ret_fault);
