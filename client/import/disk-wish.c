/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk-wish.h"

#include <stdlib.h>
#include <string.h>

#include "../../daemon/base/file.h"
#include <fcntl.h>

#define BY_ID "/dev/disk/by-id"

const char *disk_cache_of(int direct, int no_flush, int writeback)
{
    if (direct < 0 && no_flush < 0 && writeback < 0)
        return NULL;
    if (no_flush == 1)
        return "unsafe";
    if (direct == 1)
        return writeback == 0 ? "directsync" : "none";
    return writeback == 0 ? "writethrough" : "writeback";
}

/* "/dev/sdb1", "/dev/nvme0n1": a name that may be another disk's after the next boot. */
static bool unstable(const char *path)
{
    return g_str_has_prefix(path, "/dev/") && !strchr(path + strlen("/dev/"), '/');
}

/* Names that say what the disk is are better than those of numbers alone. */
static unsigned rank_of(const char *name)
{
    static const char *const prefixes[] = {"nvme-eui.", "wwn-", "dm-uuid-", "md-uuid-", "lvm-pv-"};

    for (unsigned i = 0; i < G_N_ELEMENTS(prefixes); i++)
        if (g_str_has_prefix(name, prefixes[i]))
            return 1;
    return 0;
}

/* The stable name of a disk of this host; NULL: it has none, or the disk is not there. */
static char *by_id(const char *root, const char *path)
{
    g_autofree char *folder = g_strconcat(root, BY_ID, NULL), *whole = g_strconcat(root, path, NULL);
    g_autofree char *disk = realpath(whole, NULL), *best = NULL;
    g_auto(GStrv) names = NULL;

    if (!disk || file_list_at(AT_FDCWD, folder, &names) < 0)
        return NULL;
    for (char **name = names; *name; name++) {
        g_autofree char *link = g_build_filename(folder, *name, NULL), *target = realpath(link, NULL);
        if (g_strcmp0(target, disk) != 0 || (best && rank_of(*name) >= rank_of(best)))
            continue;
        g_free(best);
        best = g_strdup(*name);
    }
    return best ? g_build_filename(BY_ID, best, NULL) : NULL;
}

/* The path as a definition has it; NULL: it cannot have it. */
static char *path_of(Wishes *wishes, const DiskWish *disk)
{
    if (strstr(disk->path, ":/") || g_str_has_prefix(disk->path, "rbd:") ||
        g_str_has_prefix(disk->path, "nbd:")) {
        draft_left(wishes->draft, disk->from,
                   "usher's disks are image files and block devices, not %s; an NVMe disk can be lent as a "
                   "whole by a "
                   "[PCI] section, and the host can attach one of a network",
                   disk->path);
        return NULL;
    }
    if (disk->path[0] != '/') {
        draft_left(wishes->draft, disk->from,
                   "%s is a relative path, and only you know of which folder; add a [%s] section with the "
                   "whole path%s",
                   disk->path, disk->cd ? "CDROM" : "Disk",
                   disk->format || disk->cd ? "" : " and its Format=");
        return NULL;
    }
    if (!unstable(disk->path))
        return g_strdup(disk->path);
    g_autofree char *stable = by_id(wishes->options->host, disk->path);
    if (stable) {
        draft_differs(wishes->draft, disk->from,
                      "%s is %s now; the other name may be another disk's after the next boot", stable,
                      disk->path);
        return g_steal_pointer(&stable);
    }
    if (disk->cd)
        draft_left(wishes->draft, disk->from,
                   "%s may be another drive of the host's after the next boot; add a [CDROM] section with an "
                   "image of the disc (dd if=%s of=FILE), or with the drive's name in " BY_ID,
                   disk->path, disk->path);
    else
        draft_left(wishes->draft, disk->from,
                   "%s may be another disk after the next boot; add a [Disk] section with its name in " BY_ID
                   " (ls -l " BY_ID ")",
                   disk->path);
    return NULL;
}

/* Without a format QEMU looks at the contents, which a guest can change. */
static const char *format_of(Wishes *wishes, const DiskWish *disk, const char *path)
{
    const char *format = disk->format;

    if (!format && g_str_has_prefix(path, "/dev/"))
        format = "raw";
    else if (!format && g_str_has_suffix(path, ".qcow2"))
        format = "qcow2";
    else if (!format && (g_str_has_suffix(path, ".img") || g_str_has_suffix(path, ".raw")))
        format = "raw";
    if (format && !disk->format)
        draft_differs(
            wishes->draft, disk->from,
            "no format is said, so QEMU guessed it; Format=%s is by the file's name: see qemu-img info %s",
            format, path);
    if (!format)
        draft_left(
            wishes->draft, disk->from,
            "no format is said, and usher never guesses it; add a [Disk] section with Path=%s and Format= "
            "(qemu-img info %s)",
            path, path);
    return format;
}

static void set(DraftSection *section, const char *key, const DiskWish *disk, const char *value)
{
    if (value)
        draft_set(section, key, disk->from, "%s", value);
}

static void write_sectors(Wishes *wishes, DraftSection *section, const DiskWish *disk)
{
    const char *logical = disk->logical ?: "512", *physical = disk->physical ?: logical;
    bool equal = g_str_equal(logical, physical);

    if (!disk->logical && !disk->physical)
        return;
    if (g_str_equal(logical, "512") && g_str_equal(physical, "4096"))
        draft_set(section, "SectorSize", disk->from, "512e");
    else
        draft_set(section, "SectorSize", disk->from, "%s", logical);
    if (!equal && !g_str_equal(logical, "512"))
        draft_differs(wishes->draft, disk->from, "sectors of %s bytes, and no larger ones below", logical);
}

static bool has_thread(const DiskWish *disk)
{
    return disk->bus && g_str_has_prefix(disk->bus, "virtio-");
}

/* Without discards, unmap does what on does (libvirt's formatdomain, "detect_zeroes"). */
static void write_zeroes(Wishes *wishes, DraftSection *section, const DiskWish *disk)
{
    bool unmap = g_strcmp0(disk->zeroes, "unmap") == 0, on = unmap || g_strcmp0(disk->zeroes, "on") == 0;

    if (on && !disk->read_only)
        draft_set(section, "DetectZeroes", disk->from,
                  unmap && g_strcmp0(disk->discard, "unmap") == 0 ? "unmap" : "on");
}

static void write_tuning(Wishes *wishes, DraftSection *section, const DiskWish *disk)
{
    write_sectors(wishes, section, disk);
    set(section, "Cache", disk, disk->cache);
    set(section, "Discard", disk, disk->discard);
    write_zeroes(wishes, section, disk);
    if (disk->iothread && has_thread(disk))
        set(section, "IOThread", disk, "yes");
    set(section, "IO", disk, disk->io);
    set(section, "Queues", disk, disk->queues);
    set(section, "RotationRate", disk, disk->rotation);
    if (disk->serial)
        set(section, "Serial", disk, disk->serial);
    else
        draft_differs(
            wishes->draft, disk->from,
            "the guest sees the section's name as the disk's serial number, as usher gives each one");
}

/* usher has no USB disks, and a SATA disk cannot be write-protected. */
static const char *bus_of(Wishes *wishes, const DiskWish *disk)
{
    bool usb = g_strcmp0(disk->bus, "usb") == 0, sata = usb || g_strcmp0(disk->bus, "sata") == 0;

    if (sata && disk->read_only && !disk->cd) {
        draft_differs(wishes->draft, disk->from,
                      "the disk is write-protected, which one of usher's with Bus=%s cannot be; "
                      "Bus=virtio-scsi can, and the guest needs its driver",
                      usb ? "usb or sata" : "sata");
        return "virtio-scsi";
    }
    if (usb)
        draft_differs(wishes->draft, disk->from,
                      "usher has no USB disks; Bus=sata is one that every system knows");
    return usb ? "sata" : disk->bus;
}

/* Whether the bytes of a disc's image are those of the disc. */
static bool plain_disc(const DiskWish *disk)
{
    static const char *const plain[] = {"raw", "file", "host_device", "host_cdrom", NULL};

    return disk->format ? g_strv_contains(plain, disk->format) : !g_str_has_suffix(disk->path, ".qcow2");
}

DraftSection *disk_wish_write(Wishes *wishes, const DiskWish *disk)
{
    if (disk->left) {
        draft_left(wishes->draft, disk->from, "%s", disk->left);
        return NULL;
    }
    if (disk->cd && disk->path && !plain_disc(disk)) {
        draft_left(
            wishes->draft, disk->from,
            "a [CDROM] takes a plain image of a disc: qemu-img convert -O raw %s FILE, and add a section "
            "with that",
            disk->path);
        return NULL;
    }
    g_autofree char *path = disk->path ? path_of(wishes, disk) : NULL;
    const char *format = path && !disk->cd ? format_of(wishes, disk, path) : NULL;

    if ((disk->path && !path) || (!disk->cd && !format))
        return NULL;
    if (format && !draft_has_word("Disk", "Format", format)) {
        draft_left(
            wishes->draft, disk->from,
            "usher takes images in the formats raw and qcow2, not %s: qemu-img convert -O qcow2 %s, and "
            "add a [Disk] section",
            format, path);
        return NULL;
    }
    DraftSection *section = draft_add(wishes->draft, disk->cd ? "CDROM" : "Disk", disk->name);
    set(section, "Path", disk, path);
    set(section, "Format", disk, format);
    set(section, "Bus", disk, bus_of(wishes, disk));
    if (disk->boot_index)
        set(section, "BootIndex", disk, disk->boot_index);
    if (disk->whole_scsi)
        draft_left(wishes->draft, disk->from,
                   "the guest's SCSI commands do not reach the disk itself: it sees a disk of QEMU's on it");
    if (!disk->cd) {
        if (disk->read_only)
            set(section, "ReadOnly", disk, "yes");
        write_tuning(wishes, section, disk);
    }
    if (disk->cd && !path && !disk->bus)
        set(section, "Bus", disk, "sata");
    if (disk->id)
        g_hash_table_insert(wishes->ids, g_strdup(disk->id),
                            g_strdup_printf("%s-%s", disk->cd ? "cdrom" : "disk", draft_name(section)));
    return section;
}
