/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether what was found is what a guest needs. */
#include "../definition/definition.h"
#include "file-wish.h"

#include <sys/stat.h>

#include "../host/host.h"

/* Of flash memory: its sectors, and what a machine has of it (QEMU's max-fw-size). */
#define FLASH_SECTOR 4096u
#define FLASH_MAX (8u << 20)

static int raise_missing(const GuestDefinition *definition, const FileWish *wish, int error,
                         Fault **ret_fault)
{
    if (error == -EMLINK)
        return fault_raise(ret_fault, FAULT_REFUSED, "make one file of the image: qemu-img convert -O qcow2",
                           "guest %s: %s keeps its contents in another file", definition->name, wish->path);
    if (!wish->section)
        return fault_raise(ret_fault, FAULT_MISSING_FILE, "install its package again",
                           "guest %s: its firmware %s: %s", definition->name, wish->path, g_strerror(-error));
    g_autofree char *remedy =
        wish->kind == FILE_KIND_FOLDER
            ? g_strdup_printf("create the folder, or correct %s= in %s", wish->key, definition->source)
            : g_strdup_printf("put the file there, or correct %s= in %s", wish->key, definition->source);

    return fault_raise(ret_fault, FAULT_MISSING_FILE, remedy, "guest %s: [%s] %s=%s: %s", definition->name,
                       wish->section, wish->key, wish->path, g_strerror(-error));
}

/* An image grows as it is written to: it may be larger than the free space now, not than the file system. */
static int judge_room(const GuestDefinition *definition, const FileWish *wish, const FileSeen *seen,
                      Fault **ret_fault)
{
    g_autofree char *folder = g_path_get_dirname(wish->path), *wanted = host_size_words(wish->size),
                    *has = host_size_words(seen->room), *free = host_size_words(seen->free);

    /* If the folder is wrong, opening it says so. */
    if (seen->room == 0 || wish->size <= seen->room)
        return 0;
    return fault_raise(ret_fault, FAULT_REFUSED, "lower Size=, or put the image onto a larger file system",
                       "guest %s: [%s] Size= is %s, and the file system of %s has %s (%s free)",
                       definition->name, wish->section, wanted, folder, has, free);
}

static int raise_flash(const GuestDefinition *definition, const FileWish *wish, const char *remedy,
                       const char *wrong, Fault **ret_fault)
{
    if (!wish->section)
        return fault_raise(ret_fault, FAULT_REFUSED, "install its package again",
                           "guest %s: its firmware %s: %s", definition->name, wish->path, wrong);
    return fault_raise(ret_fault, FAULT_REFUSED, remedy, "guest %s: [%s] %s=%s: %s", definition->name,
                       wish->section, wish->key, wish->path, wrong);
}

/* QEMU would end after the steps (hw/i386/pc_sysfw.c, pc_system_flash_map()); a qcow2 image that is taken for
 * a raw one would leave a guest that does nothing. */
static int judge_flash(const GuestDefinition *definition, const FileWish *wish, const FileSeen *seen,
                       Fault **ret_fault)
{
    bool qcow2 = wish->image == FILE_IMAGE_QCOW2_FLASH;

    if (seen->qcow2 && !qcow2)
        return raise_flash(definition, wish, "give it a name that ends in .qcow2", "it is a qcow2 image",
                           ret_fault);
    if (!seen->qcow2 && qcow2)
        return raise_flash(definition, wish, "give it a name that does not end in .qcow2",
                           "it is no qcow2 image", ret_fault);
    if (seen->size > 0 && seen->size % FLASH_SECTOR == 0 && seen->size <= FLASH_MAX)
        return 0;
    g_autofree char *wrong =
        g_strdup_printf("it has %" G_GUINT64_FORMAT " bytes, and firmware a multiple of %u, %u at most",
                        seen->size, FLASH_SECTOR, FLASH_MAX);
    return raise_flash(definition, wish, "name an image of UEFI firmware, such as OVMF_CODE_4M.fd", wrong,
                       ret_fault);
}

static int judge_file(const GuestDefinition *definition, const FileWish *wish, const FileSeen *seen,
                      Fault **ret_fault)
{
    if (S_ISREG(seen->mode))
        return wish->image == FILE_IMAGE_NONE ? 0 : judge_flash(definition, wish, seen, ret_fault);
    if (!wish->section)
        return raise_missing(definition, wish, -EINVAL, ret_fault);
    return fault_raise(ret_fault, FAULT_MISSING_FILE, "name a regular file",
                       "guest %s: [%s] %s=%s: it is not a file", definition->name, wish->section, wish->key,
                       wish->path);
}

static int judge_disk(const GuestDefinition *definition, const FileWish *wish, const FileSeen *seen,
                      Fault **ret_fault)
{
    if (seen->mode == 0)
        return wish->size > 0 ? judge_room(definition, wish, seen, ret_fault)
                              : raise_missing(definition, wish, -ENOENT, ret_fault);
    if (!S_ISREG(seen->mode) && !S_ISBLK(seen->mode))
        return fault_raise(ret_fault, FAULT_MISSING_FILE, "name a regular file or a block device",
                           "guest %s: [%s] %s=%s: neither a file nor a disk", definition->name, wish->section,
                           wish->key, wish->path);
    if (!seen->stable)
        return 0;
    g_autofree char *remedy =
        g_strdup_printf("write a name that stays the same: %s=%s", wish->key, seen->stable);
    return fault_raise(ret_fault, FAULT_REFUSED, remedy,
                       "guest %s: [%s] %s=%s may be another disk after the next boot", definition->name,
                       wish->section, wish->key, wish->path);
}

static int refuse_kvmfr(const GuestDefinition *definition, const char *remedy, Fault **ret_fault,
                        const char *format, ...) G_GNUC_PRINTF(4, 5);

static int refuse_kvmfr(const GuestDefinition *definition, const char *remedy, Fault **ret_fault,
                        const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *why = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    return fault_raise(ret_fault, FAULT_REFUSED, remedy, "guest %s: [LookingGlass] Device=%s: %s",
                       definition->name, definition->looking_glass.device, why);
}

/* QEMU would fail over a wrong size, after the devices have changed hands. */
static int judge_memory(const GuestDefinition *definition, uint64_t memory, Fault **ret_fault)
{
    uint64_t wanted = definition->looking_glass.size;

    if (memory == 0)
        return refuse_kvmfr(definition, "load the module with a size: modprobe kvmfr static_size_mb=64",
                            ret_fault, "the device does not say how much memory it has");
    if (wanted > 0 && wanted != memory)
        return refuse_kvmfr(
            definition, "remove Size=, or load the module with another static_size_mb=", ret_fault,
            "the device has %" G_GUINT64_FORMAT " MiB, and Size= is %" G_GUINT64_FORMAT " MiB", memory >> 20,
            wanted >> 20);
    if (memory & (memory - 1))
        return refuse_kvmfr(definition, "load the module with a static_size_mb= that is a power of two",
                            ret_fault, "the size of the device is not a power of two");
    return 0;
}

/* QEMU opens it by its path, and QEMU's user is in the group kvm. */
static int judge_kvmfr(const GuestDefinition *definition, const FileWish *wish, int error,
                       const FileSeen *seen, Fault **ret_fault)
{
    if (!seen && error != -ENOENT && error != -ENOTDIR)
        return refuse_kvmfr(definition, "is the module loaded? modprobe kvmfr static_size_mb=64", ret_fault,
                            "%s", g_strerror(-error));
    if (!seen || !S_ISCHR(seen->mode))
        return fault_raise(
            ret_fault, FAULT_MISSING_FILE,
            "load the module (modprobe kvmfr static_size_mb=64), or remove Device= to have a file",
            "guest %s: [LookingGlass] Device=%s: this host has no such device", definition->name, wish->path);
    if (g_strcmp0(seen->group, "kvm") != 0 || (seen->mode & 0060) != 0060)
        return refuse_kvmfr(
            definition,
            "write SUBSYSTEM==\"kvmfr\", OWNER=\"USER\", GROUP=\"kvm\", MODE=\"0660\" into "
            "/etc/udev/rules.d/99-kvmfr.rules, then: udevadm control --reload; udevadm trigger",
            ret_fault, "the group kvm of the guests may not read and write it");
    return judge_memory(definition, seen->memory, ret_fault);
}

static int raise_nobody(const GuestDefinition *definition, const FileWish *wish, Fault **ret_fault)
{
    if (wish->kind == FILE_KIND_GROUP)
        return fault_raise(ret_fault, FAULT_REFUSED, "make it: groupadd --system kvm",
                           "guest %s: [LookingGlass] needs the group kvm, which this host does not have",
                           definition->name);
    g_autofree char *remedy = g_strdup_printf("correct %s= in [%s]", wish->key, wish->section);
    return fault_raise(ret_fault, FAULT_REFUSED, remedy, "guest %s: there is no user %s on this host",
                       definition->name, wish->path);
}

static Fault *sound_fault(const GuestDefinition *definition, int error)
{
    const char *remedy =
        error == -ENOENT || error == -ENOTDIR
            ? "is its user logged in, and does pipewire-pulse or PulseAudio run? Or correct Socket="
        : error == -ENOTSOCK ? "name the sound server's socket; its usual name is native"
        : error == -EACCES ? "let others connect to the socket, or have the sound server make another: pactl "
                             "load-module module-native-protocol-unix auth-anonymous=1 socket=PATH"
                           : "see journalctl -u 'usher-bind@*'";

    return fault_new(error == -EACCES ? FAULT_REFUSED : FAULT_MISSING_FILE, remedy,
                     "guest %s: [Sound] Socket=%s: %s", definition->name, definition->sound.socket,
                     error == -ENOTSOCK ? "it is not a socket" : g_strerror(-error));
}

static int judge_socket(const GuestDefinition *definition, int error, const FileSeen *seen, Fault **ret_fault)
{
    if (seen)
        error = seen->mode == 0               ? -ENOENT
                : !S_ISSOCK(seen->mode)       ? -ENOTSOCK
                : (seen->mode & 0006) != 0006 ? -EACCES
                                              : 0;
    if (error == 0)
        return 0;
    *ret_fault = sound_fault(definition, error);
    return FAULT_RAISED;
}

static int raise_link(const GuestDefinition *definition, const FileWish *wish, int error, Fault **ret_fault)
{
    if (wish->kind == FILE_KIND_LINK && error == -EBUSY)
        return fault_raise(ret_fault, FAULT_IN_USE, "stop whoever has it open, or name another one",
                           "guest %s: network link %s is in use on the host", definition->name, wish->path);
    if (wish->kind == FILE_KIND_VFIO)
        return fault_raise(ret_fault, FAULT_FAILED, "see journalctl -k; or write Backend=group",
                           "guest %s: cannot open %s for iommufd: %s", definition->name, wish->path,
                           g_strerror(-error));
    return fault_raise(ret_fault, FAULT_FAILED, "see journalctl -k, and journalctl -u 'usher-bind@*'",
                       "guest %s: cannot open %s: %s", definition->name, wish->path, g_strerror(-error));
}

/* What open(2) says of a name that leads nowhere, of a device that was pulled out, and of an empty drive. */
bool file_error_absent(int error)
{
    return error == -ENOENT || error == -ENOTDIR || error == -ENXIO || error == -ENODEV ||
           error == -ENOMEDIUM;
}

bool file_wish_absent(const FileWish *wish, int error, const FileSeen *seen)
{
    return wish->optional && (seen ? seen->mode == 0 : file_error_absent(error));
}

int file_wish_judge(const GuestDefinition *definition, const FileWish *wish, int error, const FileSeen *seen,
                    Fault **ret_fault)
{
    switch (wish->kind) {
    case FILE_KIND_SOCKET:
        return judge_socket(definition, error, seen, ret_fault);
    case FILE_KIND_USER:
    case FILE_KIND_GROUP:
        return seen ? 0 : raise_nobody(definition, wish, ret_fault);
    case FILE_KIND_KVMFR:
        return judge_kvmfr(definition, wish, error, seen, ret_fault);
    case FILE_KIND_LINK:
    case FILE_KIND_VFIO:
    case FILE_KIND_VHOST:
        return seen ? 0 : raise_link(definition, wish, error, ret_fault);
    default:
        break;
    }
    if (!seen)
        return raise_missing(definition, wish, error, ret_fault);
    if (wish->kind == FILE_KIND_FOLDER)
        return S_ISDIR(seen->mode) ? 0 : raise_missing(definition, wish, -ENOTDIR, ret_fault);
    return wish->kind == FILE_KIND_DISK ? judge_disk(definition, wish, seen, ret_fault)
                                        : judge_file(definition, wish, seen, ret_fault);
}
