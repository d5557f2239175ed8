/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "definition-check.h"

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
                            "[%s] is one too many on Bus=sata: there are %d ports", title, SATA_PORTS);
}

static int check_writers(const DefinitionReader *reader, const ReadSection *section, Fault **ret_fault)
{
    const DefinitionDisk *disk = section->structure;

    for (unsigned i = 0; i < reader->definition->disks->len; i++) {
        const DefinitionDisk *other = g_ptr_array_index(reader->definition->disks, i);

        if (other == disk)
            break;
        if (g_str_equal(other->path, disk->path) && !(other->read_only && disk->read_only))
            return definition_raise(section_place(section, "Path"), ret_fault,
                                    "remove one, or set ReadOnly=yes in both",
                                    "[Disk %s] has the Path= of [Disk %s]: two writers would destroy it",
                                    disk->name, other->name);
    }
    return 0;
}

int definition_check_disk(const DefinitionReader *reader, const ReadSection *section, Fault **ret_fault)
{
    const DefinitionDisk *disk = section->structure;

    if (disk->bus == DISK_BUS_SATA && disk->read_only)
        return definition_raise(section_place(section, "ReadOnly"), ret_fault,
                                "choose another Bus=, such as virtio-scsi",
                                "[Disk %s] ReadOnly=yes: a SATA disk cannot be write-protected", disk->name);
    if (disk->iothread && disk->bus != DISK_BUS_VIRTIO_BLK && disk->bus != DISK_BUS_VIRTIO_SCSI)
        return definition_raise(section_place(section, "IOThread"), ret_fault,
                                "choose Bus=virtio-blk or virtio-scsi, or remove it",
                                "[Disk %s] IOThread=yes: only virtio disks can have a thread of their own",
                                disk->name);
    int r = check_writers(reader, section, ret_fault);
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
                "[CDROM %s] has the Path= of [Disk %s], which is written to", cdrom->name, disk->name);
    }
    return check_sata_ports(reader, section, ret_fault);
}
