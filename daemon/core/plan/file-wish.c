/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../../base/cleanup.h"
#include "../definition/definition.h"
#include "file-wish.h"

#include "disk-wish.h"

static const char *const kinds[] = {
    [FILE_KIND_COPY] = "copy",   [FILE_KIND_FILE] = "file",       [FILE_KIND_DISK] = "disk",
    [FILE_KIND_PLACE] = "place", [FILE_KIND_FOLDER] = "folder",   [FILE_KIND_SOCKET] = "socket",
    [FILE_KIND_KVMFR] = "kvmfr", [FILE_KIND_LINK] = "link",       [FILE_KIND_VHOST] = "vhost",
    [FILE_KIND_USB] = "usb",     [FILE_KIND_VFIO] = "vfio",       [FILE_KIND_USER] = "user",
    [FILE_KIND_GROUP] = "group", [FILE_KIND_DISPLAY] = "display",
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

/* Likewise; the guest may start without it. */
static void add_optional(GPtrArray *wishes, FileKind kind, char *section, const char *key, const char *path,
                         bool optional)
{
    add(wishes, kind, section, key, path, 0);
    ((FileWish *)g_ptr_array_index(wishes, wishes->len - 1))->optional = optional;
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
        ((FileWish *)g_ptr_array_index(wishes, wishes->len - 1))->optional = disk->optional;
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
    add(wishes, FILE_KIND_USER, g_strdup("Display"), "Owner", definition->display.owner, 0);
    if (definition->sound.socket)
        add_optional(wishes, FILE_KIND_SOCKET, g_strdup("Sound"), "Socket", definition->sound.socket,
                     definition->sound.optional);
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
        add_optional(wishes, FILE_KIND_FOLDER, g_strconcat("Share ", share->name, NULL), "Path", share->path,
                     share->optional);
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
