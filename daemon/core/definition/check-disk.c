/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "definition.h"
#include "check.h"

/* The ports of q35's own controller (ICH9). */
#define SATA_PORTS 6

static bool on_sata(const ReadSection *section)
{
    if (section->id == SECTION_DISK)
        return ((const DefinitionDisk *)section->structure)->bus == DISK_BUS_SATA;
    return section->id == SECTION_CDROM &&
           ((const DefinitionCdrom *)section->structure)->bus == CDROM_BUS_SATA;
}

static int check_sata_ports(const DefinitionReader *reader, const ReadSection *section, Fault **ret_fault)
{
    g_autofree char *title = section_title(section->id, section->name);
    const ReadSection *other = NULL;
    unsigned n = 0;

    for (unsigned i = 0; other != section; i++) {
        other = g_ptr_array_index(reader->sections, i);
        n += on_sata(other);
    }
    if (!on_sata(section) || n <= SATA_PORTS)
        return 0;
    return definition_raise(section->place, ret_fault, "choose another Bus=, such as virtio-scsi",
                            "[%s] finds no free port on Bus=sata, which has %d ports", title, SATA_PORTS);
}

/* Whether a disk reads from or writes to that path; *ret_written: it writes. */
static bool uses(const DefinitionDisk *disk, const char *path, bool *ret_written)
{
    *ret_written = !disk->read_only && g_str_equal(disk->path, path);
    if (g_str_equal(disk->path, path))
        return true;
    for (unsigned i = 0; disk->backing && i < disk->backing->len; i++)
        if (g_str_equal(((DefinitionImage *)g_ptr_array_index(disk->backing, i))->path, path))
            return true;
    return false;
}

static int check_path(const DefinitionDisk *disk, const DefinitionDisk *other, const char *path, bool write,
                      DefinitionPlace place, Fault **ret_fault)
{
    bool written;

    if (!uses(other, path, &written) || (!written && !write))
        return 0;
    return definition_raise(place, ret_fault, "remove one, or set ReadOnly=yes in both",
                            "[Disk %s] and [Disk %s] both use %s: each would destroy what the other writes",
                            disk->name, other->name, path);
}

static int check_writers(const DefinitionReader *reader, const ReadSection *section, Fault **ret_fault)
{
    const DefinitionDisk *disk = section->structure;
    int r = 0;

    for (unsigned i = 0; r == 0 && i < reader->definition->disks->len; i++) {
        const DefinitionDisk *other = g_ptr_array_index(reader->definition->disks, i);

        if (other == disk)
            break;
        r = check_path(disk, other, disk->path, !disk->read_only, section_place(section, "Path"), ret_fault);
        for (unsigned j = 0; r == 0 && disk->backing && j < disk->backing->len; j++)
            r = check_path(disk, other, ((DefinitionImage *)g_ptr_array_index(disk->backing, j))->path, false,
                           section_place(section, "Backing"), ret_fault);
    }
    return r;
}

/* Each image of a chain but the last names the next, which raw images cannot. */
static int check_backing(const ReadSection *section, Fault **ret_fault)
{
    const DefinitionDisk *disk = section->structure;
    DefinitionPlace place = section_place(section, "Backing");

    if (!disk->backing)
        return 0;
    if (disk->format != DISK_FORMAT_QCOW2)
        return definition_raise(place, ret_fault, "remove it, or write Format=qcow2",
                                "[Disk %s] Backing= means nothing with Format=raw", disk->name);
    for (unsigned i = 0; i < disk->backing->len; i++) {
        const DefinitionImage *image = g_ptr_array_index(disk->backing, i);

        if (image->format == DISK_FORMAT_RAW && i + 1 < disk->backing->len)
            return definition_raise(
                place, ret_fault, "write the chain from the image downwards",
                "[Disk %s] Backing=raw:%s is not the last Backing=, but a raw image has nothing below it",
                disk->name, image->path);
    }
    return 0;
}

static bool is_virtio(const DefinitionDisk *disk)
{
    return disk->bus == DISK_BUS_VIRTIO_BLK || disk->bus == DISK_BUS_VIRTIO_SCSI;
}

static int check_zeroes(const ReadSection *section, Fault **ret_fault)
{
    const DefinitionDisk *disk = section->structure;

    if (disk->zeroes == DISK_ZEROES_OFF)
        return 0;
    if (disk->read_only)
        return definition_raise(section_place(section, "DetectZeroes"), ret_fault, "remove one of them",
                                "[Disk %s] DetectZeroes= is about what the guest writes, which ReadOnly=yes "
                                "forbids",
                                disk->name);
    /* QEMU refuses it (block.c, bdrv_open_common()). */
    if (disk->zeroes == DISK_ZEROES_UNMAP && !disk->discard)
        return definition_raise(section_place(section, "DetectZeroes"), ret_fault,
                                "add Discard=unmap, or write DetectZeroes=on",
                                "[Disk %s] DetectZeroes=unmap needs Discard=unmap", disk->name);
    return 0;
}

/* How the disk is served. */
static int check_service(const ReadSection *section, Fault **ret_fault)
{
    const DefinitionDisk *disk = section->structure;

    if (disk->iothread && !is_virtio(disk))
        return definition_raise(section_place(section, "IOThread"), ret_fault,
                                "choose Bus=virtio-blk or virtio-scsi, or remove it",
                                "[Disk %s] IOThread=yes: only virtio disks can have a thread of their own",
                                disk->name);
    if (disk->queues > 0 && !is_virtio(disk))
        return definition_raise(
            section_place(section, "Queues"), ret_fault, "choose Bus=virtio-blk or virtio-scsi, or remove it",
            "[Disk %s] Queues=: only virtio disks have a number of queues to choose", disk->name);
    if (disk->io == DISK_IO_NATIVE && !disk_cache_direct(disk->cache))
        return definition_raise(
            section_place(section, "IO"), ret_fault, "add Cache=none, or write IO=io_uring",
            "[Disk %s] IO=native works past the host's memory alone, and Cache= does not", disk->name);
    return 0;
}

/* What the guest is told of sectors and rotation. */
static int check_geometry(const ReadSection *section, Fault **ret_fault)
{
    const DefinitionDisk *disk = section->structure;

    if (disk->bus == DISK_BUS_SATA && disk->sector == DISK_SECTOR_4096)
        return definition_raise(section_place(section, "SectorSize"), ret_fault,
                                "choose another Bus=, such as virtio-scsi, or write SectorSize=512e",
                                "[Disk %s] SectorSize=4096: a SATA disk has sectors of 512 bytes",
                                disk->name);
    if (disk->rotation > 0 && disk->bus != DISK_BUS_SATA && disk->bus != DISK_BUS_VIRTIO_SCSI)
        return definition_raise(section_place(section, "RotationRate"), ret_fault,
                                "choose Bus=sata or virtio-scsi, or remove it",
                                "[Disk %s] RotationRate=: only SATA and SCSI disks tell a guest", disk->name);
    if (disk->rotation > ROTATION_SOLID && disk->rotation < ROTATION_MIN)
        return definition_raise(section_place(section, "RotationRate"), ret_fault,
                                "write 1 for an SSD, or the real rate, such as 5400 or 7200",
                                "[Disk %s] RotationRate=%u: a rate is at least %d", disk->name,
                                disk->rotation, ROTATION_MIN);
    return 0;
}

int definition_check_disk(const DefinitionReader *reader, const ReadSection *section, Fault **ret_fault)
{
    const DefinitionDisk *disk = section->structure;

    if (disk->bus == DISK_BUS_SATA && disk->read_only)
        return definition_raise(section_place(section, "ReadOnly"), ret_fault,
                                "choose another Bus=, such as virtio-scsi",
                                "[Disk %s] ReadOnly=yes: a SATA disk cannot be write-protected", disk->name);
    if (disk->size > 0 && disk->read_only)
        return definition_raise(section_place(section, "Size"), ret_fault, "remove one of them",
                                "[Disk %s] Size= makes an empty disk, which is of no use with ReadOnly=yes",
                                disk->name);
    if (disk->size > 0 && disk->optional)
        return definition_raise(section_place(section, "Optional"), ret_fault, "remove one of them",
                                "[Disk %s] Size= makes the image if there is none, which leaves Optional=yes "
                                "nothing to do",
                                disk->name);
    int r = check_service(section, ret_fault);
    if (r == 0)
        r = check_zeroes(section, ret_fault);
    if (r == 0)
        r = check_geometry(section, ret_fault);
    if (r == 0)
        r = check_backing(section, ret_fault);
    if (r == 0)
        r = check_writers(reader, section, ret_fault);
    return r == 0 ? check_sata_ports(reader, section, ret_fault) : r;
}

int definition_check_cdrom(const DefinitionReader *reader, const ReadSection *section, Fault **ret_fault)
{
    const DefinitionCdrom *cdrom = section->structure;

    for (unsigned i = 0; cdrom->path && i < reader->definition->disks->len; i++) {
        const DefinitionDisk *disk = g_ptr_array_index(reader->definition->disks, i);

        if (g_str_equal(disk->path, cdrom->path) && !disk->read_only)
            return definition_raise(
                section_place(section, "Path"), ret_fault, "remove one, or set ReadOnly=yes in the disk",
                "[CDROM %s] has the same Path= as [Disk %s], which the guest may write to", cdrom->name,
                disk->name);
    }
    return check_sata_ports(reader, section, ret_fault);
}
