/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../../base/cleanup.h"
#include "../definition/definition.h"
#include "file-wish.h"

#include <string.h>
#include <sys/stat.h>

#include "disk-wish.h"
#include "../host/host.h"

static const char *const kinds[] = {
    [FILE_KIND_COPY] = "copy",   [FILE_KIND_FILE] = "file",     [FILE_KIND_DISK] = "disk",
    [FILE_KIND_PLACE] = "place", [FILE_KIND_FOLDER] = "folder", [FILE_KIND_SOCKET] = "socket",
    [FILE_KIND_KVMFR] = "kvmfr", [FILE_KIND_LINK] = "link",     [FILE_KIND_VHOST] = "vhost",
    [FILE_KIND_USB] = "usb",     [FILE_KIND_VFIO] = "vfio",     [FILE_KIND_USER] = "user",
    [FILE_KIND_GROUP] = "group",
};

const char *file_kind_to_string(FileKind kind)
{
    return kinds[kind];
}

FileKind file_kind_from_string(const char *name)
{
    for (int kind = 0; kind < FILE_KIND_MAX; kind++)
        if (g_str_equal(kinds[kind], name))
            return kind;
    return FILE_KIND_INVALID;
}

/* The list. */

DEFINE_ELEMENT_FREE(FileWish, free_element, wish)
{
    g_free(wish->section);
    g_free(wish->path);
}

/* Of flash memory: its sectors, and what a machine has of it (QEMU's max-fw-size). */
#define FLASH_SECTOR 4096u
#define FLASH_MAX (8u << 20)

/* section is taken over; path NULL: adds nothing. */
static void add(GPtrArray *wishes, FileKind kind, char *section, const char *key, const char *path,
                uint64_t size)
{
    FileWish wish = {kind, section, key, g_strdup(path), size};

    if (path)
        g_ptr_array_add(wishes, g_memdup2(&wish, sizeof(wish)));
    else
        g_free(section);
}

static void add_looking_glass(GPtrArray *wishes, const GuestDefinition *definition)
{
    const char *device = definition->looking_glass.device;

    if (device) {
        add(wishes, FILE_KIND_KVMFR, g_strdup("LookingGlass"), "Device", device, 0);
        return;
    }
    if (definition->looking_glass.size > 0)
        add(wishes, FILE_KIND_GROUP, NULL, NULL, "kvm", 0);
    add(wishes, FILE_KIND_USER, g_strdup("LookingGlass"), "Owner", definition->looking_glass.owner, 0);
}

static void add_disks(GPtrArray *wishes, const GuestDefinition *definition)
{
    g_autoptr(GPtrArray) disks = disk_wishes(definition);

    for (unsigned i = 0; i < disks->len; i++) {
        const DiskWish *disk = g_ptr_array_index(disks, i);
        add(wishes, FILE_KIND_DISK, g_strdup(disk->section), disk->key, disk->path, disk->size);
    }
}

static GPtrArray *wishes_new(void)
{
    return g_ptr_array_new_with_free_func(free_element);
}

static void add_pci(GPtrArray *wishes, const DefinitionPci *pci)
{
    add(wishes, FILE_KIND_FILE, g_strconcat("PCI ", pci->name, NULL), "ROM", pci->rom, 0);
}

GPtrArray *file_wishes_of_pci(const DefinitionPci *pci)
{
    GPtrArray *wishes = wishes_new();

    add_pci(wishes, pci);
    return wishes;
}

/* A link that is the host's, opened once for each queue. The steps of the plan make the others. */
static void add_network(GPtrArray *wishes, const DefinitionNetwork *network, bool vhost_net)
{
    bool vhost = network->link && vhost_net && network->model == NETWORK_MODEL_VIRTIO;
    const char *device = network->mode == NETWORK_MODE_TAP ? network->device : NULL;

    for (unsigned i = 0; i < network->queues; i++) {
        add(wishes, FILE_KIND_VHOST, NULL, NULL, vhost ? "/dev/vhost-net" : NULL, 0);
        add(wishes, FILE_KIND_LINK, g_strconcat("Network ", network->name, NULL), "Device", device, 0);
    }
}

static FileImage flash_image(bool qcow2)
{
    return qcow2 ? FILE_IMAGE_QCOW2_FLASH : FILE_IMAGE_RAW_FLASH;
}

/* Only what a definition names has a section and a key. */
static void add_flash(GPtrArray *wishes, bool named, FileWish wish)
{
    if (!wish.path)
        return;
    wish.section = named ? g_strdup("Firmware") : NULL;
    wish.key = named ? wish.key : NULL;
    wish.path = g_strdup(wish.path);
    g_ptr_array_add(wishes, g_memdup2(&wish, sizeof(wish)));
}

static void add_firmware(GPtrArray *wishes, const Firmware *firmware)
{
    if (!firmware)
        return;
    add_flash(wishes, firmware->pinned,
              (FileWish){FILE_KIND_FILE, .key = "Code", .path = firmware->code,
                         .image = flash_image(firmware->code_qcow2)});
    add_flash(wishes, firmware->pinned,
              (FileWish){FILE_KIND_COPY, .key = "Variables", .path = firmware->template,
                         .image = flash_image(firmware->template_qcow2)});
}

GPtrArray *file_wishes(const GuestDefinition *definition, const Firmware *firmware, bool vhost_net)
{
    GPtrArray *wishes = wishes_new();

    add_looking_glass(wishes, definition);
    if (definition->sound.socket)
        add(wishes, FILE_KIND_SOCKET, g_strdup("Sound"), "Socket", definition->sound.socket, 0);
    add_firmware(wishes, firmware);
    add(wishes, FILE_KIND_FILE, g_strdup("Kernel"), "Image", definition->kernel.image, 0);
    add(wishes, FILE_KIND_FILE, g_strdup("Kernel"), "Initrd", definition->kernel.initrd, 0);
    for (unsigned i = 0; definition->machine.acpi_tables && i < definition->machine.acpi_tables->len; i++)
        add(wishes, FILE_KIND_FILE, g_strdup("Guest"), "ACPITable", definition->machine.acpi_tables->pdata[i],
            0);
    for (unsigned i = 0; i < definition->pci->len; i++)
        add_pci(wishes, g_ptr_array_index(definition->pci, i));
    add_disks(wishes, definition);
    for (unsigned i = 0; i < definition->shares->len; i++) {
        const DefinitionShare *share = g_ptr_array_index(definition->shares, i);
        add(wishes, FILE_KIND_FOLDER, g_strconcat("Share ", share->name, NULL), "Path", share->path, 0);
    }
    for (unsigned i = 0; i < definition->networks->len; i++)
        add_network(wishes, g_ptr_array_index(definition->networks, i), vhost_net);
    return wishes;
}

/* The wire. "-" is nothing, "=TEXT" a text. */

static char *maybe_to_word(const char *text)
{
    return text ? g_strconcat("=", text, NULL) : g_strdup("-");
}

static bool maybe_from_word(const char *word, char **ret)
{
    if (word[0] != '=' && !g_str_equal(word, "-"))
        return false;
    *ret = word[0] == '=' ? g_strdup(word + 1) : NULL;
    return true;
}

static bool read_number(const char *word, uint64_t *ret)
{
    return g_ascii_string_to_unsigned(word, 10, 0, G_MAXUINT64, ret, NULL);
}

char **file_seen_to_words(const char *verb, const FileSeen *seen)
{
    char *words[] = {g_strdup(verb),
                     g_strdup_printf("%u", seen->mode),
                     maybe_to_word(seen->group),
                     maybe_to_word(seen->stable),
                     g_strdup_printf("%" G_GUINT64_FORMAT, seen->room),
                     g_strdup_printf("%" G_GUINT64_FORMAT, seen->free),
                     g_strdup_printf("%" G_GUINT64_FORMAT, seen->memory),
                     g_strdup_printf("%" G_GUINT64_FORMAT, seen->size),
                     g_strdup(seen->qcow2 ? "qcow2" : "-"),
                     NULL};

    return g_memdup2(words, sizeof(words));
}

int file_seen_from_words(char *const *words, FileSeen **ret)
{
    g_autoptr(FileSeen) seen = g_new0(FileSeen, 1);
    uint64_t mode;

    if (g_strv_length((char **)words) != 8 || !read_number(words[0], &mode) || mode > G_MAXUINT ||
        !maybe_from_word(words[1], &seen->group) || !maybe_from_word(words[2], &seen->stable) ||
        !read_number(words[3], &seen->room) || !read_number(words[4], &seen->free) ||
        !read_number(words[5], &seen->memory) || !read_number(words[6], &seen->size))
        return -EBADMSG;
    seen->qcow2 = g_str_equal(words[7], "qcow2");
    seen->mode = mode;
    *ret = g_steal_pointer(&seen);
    return 0;
}

DEFINE_FREE(FileSeen, file_seen_free, seen)
{
    g_free(seen->group);
    g_free(seen->stable);
}

/* The judgement. */

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
    return fault_raise(ret_fault, FAULT_REFUSED, "correct Owner= in [LookingGlass]",
                       "guest %s: there is no user %s on this host", definition->name, wish->path);
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
