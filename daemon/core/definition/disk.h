/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disks, drives and images of a definition. */
#pragma once

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "disk-format.h"
#include "handle.h"

typedef enum DiskBus {
    DISK_BUS_VIRTIO_BLK,
    DISK_BUS_VIRTIO_SCSI,
    DISK_BUS_NVME,
    DISK_BUS_SATA,
    DISK_BUS_MAX,
    DISK_BUS_INVALID = -EINVAL,
} DiskBus;

typedef enum DiskCache {
    DISK_CACHE_WRITEBACK,
    DISK_CACHE_NONE,
    DISK_CACHE_WRITETHROUGH,
    DISK_CACHE_DIRECTSYNC,
    DISK_CACHE_UNSAFE,
    DISK_CACHE_MAX,
    DISK_CACHE_INVALID = -EINVAL,
} DiskCache;

/* How QEMU reads and writes (qemu(1), -blockdev, "aio"). */
typedef enum DiskIo {
    DISK_IO_THREADS,
    DISK_IO_NATIVE, /* the kernel's own asynchronous I/O, which takes O_DIRECT */
    DISK_IO_URING,
    DISK_IO_MAX,
    DISK_IO_INVALID = -EINVAL,
} DiskIo;

/* What becomes of zeroes that the guest writes (qemu(1), -blockdev, "detect-zeroes"). */
typedef enum DiskZeroes {
    DISK_ZEROES_OFF,
    DISK_ZEROES_ON,
    DISK_ZEROES_UNMAP,
    DISK_ZEROES_MAX,
    DISK_ZEROES_INVALID = -EINVAL,
} DiskZeroes;

/* The sectors that the guest sees. */
typedef enum DiskSector {
    DISK_SECTOR_AUTO, /* those of the host's disk where it is given as it is; else 512 */
    DISK_SECTOR_512,
    DISK_SECTOR_512E, /* 512 bytes, and the disk writes 4096 at once */
    DISK_SECTOR_4096,
    DISK_SECTOR_MAX,
    DISK_SECTOR_INVALID = -EINVAL,
} DiskSector;

/* The nominal media rotation rate of ATA and SCSI (ACS-4, word 217). */
#define ROTATION_SOLID 1
#define ROTATION_MIN 1025
#define ROTATION_MAX 65534

/* Whether it goes past the host's page cache (qemu-block-drivers(7), "cache.direct"). */
static inline bool disk_cache_direct(DiskCache cache)
{
    return cache == DISK_CACHE_NONE || cache == DISK_CACHE_DIRECTSYNC;
}

/* An image with what is in it: "qcow2:/srv/base.qcow2". */
typedef struct DefinitionImage {
    DiskFormat format;
    char *path; /* absolute */
} DefinitionImage;

/* [Disk name] */
struct DefinitionDisk {
    char *name;
    char *path;        /* absolute */
    DiskFormat format; /* always said; never probed */
    DiskBus bus;       /* default virtio-blk */
    DiskCache cache;   /* default writeback */
    bool discard;      /* Discard=unmap; default ignore */
    DiskZeroes zeroes; /* DetectZeroes=, default off */
    bool iothread;
    DiskIo io;       /* default threads */
    unsigned queues; /* of a virtio disk; 0: as many as QEMU gives it */
    bool read_only;
    bool optional;       /* the guest starts without it, too */
    bool absent;         /* and does so now: definition_set_absent() */
    DiskSector sector;   /* default auto */
    unsigned rotation;   /* RotationRate=; 0: as the host's disk */
    char *serial;        /* NULL: made from the section's name */
    unsigned boot_index; /* BootIndex=, 1 to 99; 0: after those that have one */
    uint64_t size;       /* bytes of an image that is made; 0: it must be there */
    GPtrArray
        *backing; /* of DefinitionImage, owned: what it is built upon, the next one first; NULL: nothing */
};

typedef enum CdromBus {
    CDROM_BUS_SATA,
    CDROM_BUS_VIRTIO_SCSI,
    CDROM_BUS_MAX,
    CDROM_BUS_INVALID = -EINVAL,
} CdromBus;

/* [CDROM name] */
struct DefinitionCdrom {
    char *name;
    char *path;    /* absolute; NULL: nothing is in it */
    CdromBus bus;  /* default sata */
    bool optional; /* default yes: the drive is empty if there is no such medium */
    bool absent;   /* there is none now: definition_set_absent() */
    unsigned boot_index;
};
