/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../../base/cleanup.h"
#include "../definition/definition.h"
#include "disk-wish.h"

#include <stdio.h>
#include <string.h>

#include "qcow2.h"

static const char *const looks[] = {
    [DISK_LOOK_PLAIN] = "plain",   [DISK_LOOK_QCOW2] = "qcow2",       [DISK_LOOK_NO_QCOW2] = "no-qcow2",
    [DISK_LOOK_BROKEN] = "broken", [DISK_LOOK_EXTERNAL] = "external", [DISK_LOOK_UNSEEN] = "unseen",
};

DiskLook disk_look_from_string(const char *name)
{
    for (int look = 0; look < DISK_LOOK_MAX; look++)
        if (g_str_equal(looks[look], name))
            return look;
    return DISK_LOOK_INVALID;
}

DEFINE_ELEMENT_FREE(DiskWish, wish_free, wish)
{
    g_free(wish->section);
}

static void add_disk(GPtrArray *wishes, const DefinitionDisk *disk)
{
    unsigned n_backing = disk->backing ? disk->backing->len : 0;
    bool direct = disk_cache_direct(disk->cache);

    /* The lowest image comes first: an image that is made holds the name of the one below. */
    for (unsigned i = n_backing + 1; i > 0; i--) {
        const DefinitionImage *image = i > 1 ? g_ptr_array_index(disk->backing, i - 2) : NULL,
                              *below = i <= n_backing ? g_ptr_array_index(disk->backing, i - 1) : NULL;
        DiskWish *wish = g_new(DiskWish, 1);
        *wish = (DiskWish){
            .section = g_strconcat("Disk ", disk->name, NULL),
            .key = image ? "Backing" : "Path",
            .path = image ? image->path : disk->path,
            .format = image ? image->format : disk->format,
            .writable = !image && !disk->read_only,
            .small_sectors = !image && disk->bus == DISK_BUS_SATA && disk->sector == DISK_SECTOR_AUTO &&
                             disk->format == DISK_FORMAT_RAW,
            .optional = disk->optional,
            .direct = direct,
            .size = image ? 0 : disk->size,
            .backing = below ? below->path : NULL,
            .backing_format = below ? below->format : DISK_FORMAT_RAW,
        };
        g_ptr_array_add(wishes, wish);
    }
}

GPtrArray *disk_wishes(const GuestDefinition *definition)
{
    GPtrArray *wishes = g_ptr_array_new_with_free_func(wish_free);

    for (unsigned i = 0; i < definition->disks->len; i++)
        add_disk(wishes, g_ptr_array_index(definition->disks, i));
    for (unsigned i = 0; i < definition->cdroms->len; i++) {
        const DefinitionCdrom *cdrom = g_ptr_array_index(definition->cdroms, i);
        DiskWish *wish = cdrom->path ? g_new(DiskWish, 1) : NULL;
        if (!wish)
            continue;
        *wish = (DiskWish){
            .section = g_strconcat("CDROM ", cdrom->name, NULL),
            .key = "Path",
            .path = cdrom->path,
            .optional = cdrom->optional,
            .format = DISK_FORMAT_RAW,
        };
        g_ptr_array_add(wishes, wish);
    }
    return wishes;
}

/* Words on the wire. "-" is nothing, "=TEXT" a text. */

static char *maybe_to_word(const char *text)
{
    return text ? g_strconcat("=", text, NULL) : g_strdup("-");
}

/* "w", "w?" to look, "w??" to ask; the same with "r". "wd", "rd?": with O_DIRECT. */
static char *how_to_word(const DiskWish *wish)
{
    return g_strdup_printf("%s%s%.*s", wish->writable ? "w" : "r", wish->direct ? "d" : "", (int)wish->how,
                           "??");
}

static bool how_from_word(const char *word, DiskWish *ret)
{
    if (word[0] != 'r' && word[0] != 'w')
        return false;
    ret->writable = word[0] == 'w';
    ret->direct = word[1] == 'd';
    const char *how = word + (ret->direct ? 2 : 1);
    size_t marks = strlen(how);
    ret->how = marks;
    return marks < DISK_HOW_MAX && strspn(how, "?") == marks;
}

static bool maybe_from_word(const char *word, const char **ret)
{
    *ret = word[0] == '=' ? word + 1 : NULL;
    return word[0] == '=' || g_str_equal(word, "-");
}

static const char *format_name(DiskFormat format)
{
    return format == DISK_FORMAT_QCOW2 ? "qcow2" : "raw";
}

static bool format_from_word(const char *word, DiskFormat *ret)
{
    *ret = g_str_equal(word, "qcow2") ? DISK_FORMAT_QCOW2 : DISK_FORMAT_RAW;
    return g_str_equal(word, format_name(*ret));
}

char **disk_wish_to_words(const char *verb, const DiskWish *wish)
{
    char *words[] = {g_strdup(verb),
                     g_strdup(wish->path),
                     how_to_word(wish),
                     g_strdup(format_name(wish->format)),
                     g_strdup_printf("%" G_GUINT64_FORMAT, wish->size),
                     maybe_to_word(wish->backing),
                     g_strdup(format_name(wish->backing_format)),
                     NULL};

    return g_memdup2(words, sizeof(words));
}

int disk_wish_from_words(char *const *words, DiskWish *ret)
{
    guint64 size;

    *ret = (DiskWish){0};
    if (g_strv_length((char **)words) != 6 || words[0][0] != '/' || !how_from_word(words[1], ret) ||
        !format_from_word(words[2], &ret->format) ||
        !g_ascii_string_to_unsigned(words[3], 10, 0, G_MAXINT64, &size, NULL) ||
        !maybe_from_word(words[4], &ret->backing) || !format_from_word(words[5], &ret->backing_format))
        return -EBADMSG;
    ret->path = words[0];
    ret->size = size;
    return 0;
}

/* "512/4096/s": sectors, what is written at once, and whether it is solid. */
static char *geometry_to_word(const DiskGeometry *geometry)
{
    return g_strdup_printf("%u/%u/%c", geometry->logical, geometry->physical, geometry->solid ? 's' : '-');
}

static bool geometry_from_word(const char *word, DiskGeometry *ret)
{
    char solid;
    int end = 0;

    if (sscanf(word, "%u/%u/%c%n", &ret->logical, &ret->physical, &solid, &end) != 3 || word[end])
        return false;
    ret->solid = solid == 's';
    return ret->solid || solid == '-';
}

char **disk_seen_to_words(const char *verb, const DiskSeen *seen)
{
    char *words[] = {g_strdup(verb),
                     g_strdup(seen->id),
                     geometry_to_word(&seen->geometry),
                     g_strdup(seen->made ? "made" : "there"),
                     g_strdup(looks[seen->look]),
                     maybe_to_word(seen->backing),
                     NULL};

    return g_memdup2(words, sizeof(words));
}

int disk_seen_from_words(char *const *words, DiskSeen **ret)
{
    const char *backing;
    DiskGeometry geometry;
    DiskLook look;

    if (g_strv_length((char **)words) != 5 || !geometry_from_word(words[1], &geometry) ||
        (look = disk_look_from_string(words[3])) < 0 || !maybe_from_word(words[4], &backing))
        return -EBADMSG;
    DiskSeen *seen = g_new(DiskSeen, 1);
    *seen = (DiskSeen){g_strdup(words[0]), g_str_equal(words[2], "made"), look, geometry, g_strdup(backing)};
    *ret = seen;
    return 0;
}

DEFINE_FREE(DiskSeen, disk_seen_free, seen)
{
    g_free(seen->id);
    g_free(seen->backing);
}

/* The judgement. */

/* "guest win10: [Disk system] Path=/srv/a.img" */
static char *title(const char *guest, const DiskWish *wish)
{
    return g_strdup_printf("guest %s: [%s] %s=%s", guest, wish->section, wish->key, wish->path);
}

static int judge_look(const char *guest, const DiskWish *wish, DiskLook look, Fault **ret_fault)
{
    g_autofree char *name = title(guest, wish);

    switch (look) {
    case DISK_LOOK_NO_QCOW2:
        return fault_raise(ret_fault, FAULT_REFUSED, "correct the format; qemu-img info shows it",
                           "%s is not a qcow2 image", name);
    case DISK_LOOK_BROKEN:
        return fault_raise(ret_fault, FAULT_REFUSED, "see what can be saved: qemu-img check",
                           "%s has a damaged qcow2 header", name);
    case DISK_LOOK_EXTERNAL:
        return fault_raise(ret_fault, FAULT_REFUSED, "make one file of the image: qemu-img convert -O qcow2",
                           "%s keeps its data in another file", name);
    default:
        return 0;
    }
}

/* The guest would see no partitions, take the disk for an empty one, and offer to make it that. */
static int judge_sectors(const char *guest, const DiskWish *wish, const DiskGeometry *geometry,
                         Fault **ret_fault)
{
    g_autofree char *name = title(guest, wish);

    if (!wish->small_sectors || geometry->logical <= 512)
        return 0;
    return fault_raise(
        ret_fault, FAULT_REFUSED,
        "choose Bus=virtio-scsi, virtio-blk or nvme; or write SectorSize=512 if the guest made "
        "the partitions so",
        "%s is a disk with sectors of %u bytes, and Bus=sata has sectors of 512 bytes alone", name,
        geometry->logical);
}

int disk_wish_judge(const char *guest, const DiskWish *wish, const DiskSeen *seen, Fault **ret_fault)
{
    g_autofree char *name = title(guest, wish);
    g_autofree char *leads_to = seen->backing ? qcow2_backing_path(wish->path, seen->backing) : NULL;

    int r = judge_look(guest, wish, seen->look, ret_fault);
    if (r == 0)
        r = judge_sectors(guest, wish, &seen->geometry, ret_fault);
    if (r != 0 || seen->look == DISK_LOOK_UNSEEN || (!seen->backing && !wish->backing))
        return r;
    if (!seen->backing) {
        return fault_raise(ret_fault, FAULT_REFUSED,
                           "remove Backing=", "%s has no backing file, but Backing= names %s", name,
                           wish->backing);
    }
    g_autofree char *named = wish->backing ? g_canonicalize_filename(wish->backing, "/") : NULL;
    if (g_strcmp0(leads_to, named) == 0 && leads_to)
        return 0;
    /* The guest would read from a file that the definition does not allow. */
    g_autofree char *remedy =
        leads_to ? g_strdup_printf(
                       "if the guest may read that file, say so in [%s]: Backing=raw:%s, or Backing=qcow2:%s",
                       wish->section, leads_to, leads_to)
                 : g_strdup("make one file of the image: qemu-img convert -O qcow2");
    if (!wish->backing)
        return fault_raise(ret_fault, FAULT_REFUSED, remedy,
                           "%s has the backing file %s, which Backing= does not name", name, seen->backing);
    return fault_raise(ret_fault, FAULT_REFUSED, remedy, "%s has the backing file %s, but Backing= names %s",
                       name, seen->backing, wish->backing);
}

Fault *disk_wish_fault(const char *guest, const DiskWish *wish, int error)
{
    g_autofree char *name = title(guest, wish);

    /* A file server may say so of what it is asked to open, too. */
    if (error == -EOPNOTSUPP && wish->direct)
        return fault_new(FAULT_REFUSED, "choose Cache=writeback, or keep the image on another file system",
                         "%s lies on a file system that has no direct I/O, which its Cache= asks for", name);
    switch (-error) {
    case ELOOP:
        return fault_new(
            FAULT_REFUSED,
            "write the path to which the link leads (realpath shows it): usher follows links only below /dev",
            "%s contains a symbolic link", name);
    case ESTALE:
        return fault_new(FAULT_REFUSED, "try again; udevadm monitor shows what changes",
                         "%s became the name of another disk while it was opened", name);
    case EBUSY:
        return fault_new(FAULT_IN_USE,
                         "unmount it, remove it from swap, RAID or LVM, or end the program that uses it",
                         "%s is in use on the host", name);
    case ENOTBLK:
        return fault_new(FAULT_MISSING_FILE, "name a regular file or a block device",
                         "%s is neither a file nor a disk", name);
    case ENOENT:
        return fault_new(FAULT_MISSING_FILE,
                         wish->size ? "does its folder exist?"
                                    : "correct the path, or add Size= to have the image made",
                         "%s does not exist", name);
    default:
        return fault_new(FAULT_MISSING_FILE, "is the path right, and is it a file or a disk?",
                         "%s cannot be opened: %s", name, g_strerror(-error));
    }
}

Fault *disk_wish_held(const char *guest, const DiskWish *wish, const GPtrArray *holders)
{
    _cleanup_fault_ Fault *held = NULL;
    g_autoptr(GPtrArray) stop = NULL;
    g_autofree char *name = title(guest, wish);

    /* Nothing is ever stopped for a disk. */
    if (holders->len == 0 || holders_judge(holders, NULL, &stop, &held) == 0)
        return disk_wish_fault(guest, wish, -EBUSY);
    return fault_new(FAULT_IN_USE, "end that use first, or choose another disk", "%s is in use: %s", name,
                     held->message);
}

bool disk_path_device(const char *path)
{
    return g_str_has_prefix(path, "/dev/") && !g_str_has_prefix(path, "/dev/shm/");
}

bool disk_path_fleeting(const char *path)
{
    static const char *const kinds[] = {"sd", "vd", "xvd", "hd", "nvme", "mmcblk", "dm-"};
    const char *name = g_str_has_prefix(path, "/dev/") ? path + strlen("/dev/") : "";

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (g_str_has_prefix(name, kinds[i]) && !strchr(name, '/'))
            return true;
    return false;
}
