/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "brought-word.h"

#include <string.h>

#include "../host/host.h"

#define OTHER_FORMAT "another format cannot be given; convert the image: qemu-img convert -O qcow2"
#define WINDOW                                                                                               \
    "a window cannot be opened, because QEMU runs outside your session; write spice, and see it with "       \
    "usherctl view"

/* Each section's and key's words of others; an answer without a blank is usher's word for it. */
static const struct {
    SectionId section;
    const char *key, *word, *answer;
} rows[] = {
    {SECTION_FIRMWARE, "Type", "ovmf", "uefi"},
    {SECTION_FIRMWARE, "Type", "efi", "uefi"},
    {SECTION_FIRMWARE, "Type", "edk2", "uefi"},
    {SECTION_FIRMWARE, "Type", "pflash", "uefi"},
    {SECTION_FIRMWARE, "Type", "seabios", "bios"},
    {SECTION_TPM, "Version", "2", "2.0"},
    {SECTION_TPM, "Version", "v2.0", "2.0"},
    {SECTION_TPM, "Version", "1.2",
     "a TPM 1.2 cannot be given, because no system of today asks for one; write 2.0"},
    {SECTION_TPM, "Version", "passthrough",
     "the host's own TPM cannot be given, because the host needs it; write 2.0 for an emulated one"},
    {SECTION_CPU, "Model", "host-passthrough", "host"},
    {SECTION_CPU, "Model", "host-model", "host"},
    {SECTION_CPU, "Model", "maximum", "max"},
    {SECTION_MEMORY, "HugePages", "yes", "2M"},
    {SECTION_MEMORY, "HugePages", "on", "2M"},
    {SECTION_MEMORY, "HugePages", "2", "2M"},
    {SECTION_MEMORY, "HugePages", "2048", "2M"},
    {SECTION_MEMORY, "HugePages", "1024", "1G"},
    {SECTION_MEMORY, "HugePages", "1048576", "1G"},
    {SECTION_CLOCK, "Base", "localtime", "local"},
    {SECTION_PCI, "Driver", "vfio", "vfio-pci"},
    {SECTION_PCI, "Driver", "kvm", "vfio-pci"},
    {SECTION_DISK, "Bus", "ide", "sata"},
    {SECTION_DISK, "Bus", "scsi", "virtio-scsi"},
    {SECTION_CDROM, "Bus", "ide", "sata"},
    {SECTION_CDROM, "Bus", "scsi", "virtio-scsi"},
    {SECTION_DISK, "Cache", "default", "writeback"},
    {SECTION_DISK, "Discard", "on", "unmap"},
    {SECTION_DISK, "Discard", "off", "ignore"},
    {SECTION_DISK, "IO", "io-uring", "io_uring"},
    {SECTION_DISK, "IO", "aio", "native"},
    {SECTION_DISK, "Format", "vmdk", OTHER_FORMAT},
    {SECTION_DISK, "Format", "vdi", OTHER_FORMAT},
    {SECTION_DISK, "Format", "vhdx", OTHER_FORMAT},
    {SECTION_NETWORK, "Mode", "network", "nat"},
    {SECTION_NETWORK, "Mode", "slirp", "user"},
    {SECTION_NETWORK, "Mode", "direct", "macvtap"},
    {SECTION_NETWORK, "Mode", "ethernet", "tap"},
    {SECTION_NETWORK, "Mode", "hostdev", "a function of a card is lent by a [PCI NAME] section"},
    {SECTION_NETWORK, "Model", "virtio-net", "virtio"},
    {SECTION_NETWORK, "Model", "virtio-net-pci", "virtio"},
    {SECTION_DISPLAY, "Type", "gtk", WINDOW},
    {SECTION_DISPLAY, "Type", "sdl", WINDOW},
    {SECTION_DISPLAY, "Type", "qxl", "spice"},
    {SECTION_SOUND, "Type", "pa", "pulseaudio"},
    {SECTION_SOUND, "Type", "alsa",
     "ALSA cannot be given, because one program has the card then; write pipewire"},
    {SECTION_WATCHDOG, "Action", "poweroff", "fail"},
    {SECTION_WATCHDOG, "Action", "none", "ignore"},
};

static char *of_table(const DefinitionKey *key, const char *text)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (rows[i].section == key->section && g_str_equal(rows[i].key, key->name) &&
            g_ascii_strcasecmp(rows[i].word, text) == 0)
            return strchr(rows[i].answer, ' ') ? g_strdup(rows[i].answer)
                                               : g_strdup_printf("that is called %s here", rows[i].answer);
    return NULL;
}

/* Whether text is of that form: x stands for a hexadecimal digit. */
static bool has_form(const char *text, const char *form)
{
    for (; *text && *form; text++, form++)
        if (*form == 'x' ? !g_ascii_isxdigit(*text) : *text != *form)
            return false;
    return *text == *form;
}

static char *of_address(const char *text)
{
    if (has_form(text, "pci_xxxx_xx_xx_x"))
        return g_strdup_printf("that is written %.4s:%.2s:%.2s.%c here", text + 4, text + 9, text + 12,
                               text[15]);
    if (has_form(text, "xx:xx") || has_form(text, "xxxx:xx:xx"))
        return g_strdup_printf("name a function: %s.0; Functions=all, the default, lends the whole slot",
                               text);
    if (has_form(text, "xxxx:xxxx"))
        return g_strdup(
            "this is the ID of a kind of device; which one it is says its address: usherctl devices");
    return NULL;
}

/* A number alone: bytes, libvirt's KiB, or the megabytes of QEMU and Proxmox. */
static char *of_size(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    guint64 number = digits < 16 ? g_ascii_strtoull(text, NULL, 10) : 0;

    if (text[digits] || number == 0)
        return NULL;
    g_autofree char *bytes = host_size_as_key(number >> MIB_BITS), *kib = host_size_as_key(number >> 10);
    if (number >> MIB_BITS)
        return g_strdup_printf(
            "write %s if the number counts bytes, or %s if it counts KiB, as libvirt's does", bytes, kib);
    return g_strdup_printf(
        "write %" G_GUINT64_FORMAT "M if the number counts megabytes, as QEMU's and Proxmox' do", number);
}

char *brought_word_hint(const DefinitionKey *key, const char *text)
{
    if (key->words && g_strv_contains(key->words, text))
        return NULL;
    if (key->type == VALUE_ADDRESS)
        return of_address(text);
    return key->type == VALUE_SIZE ? of_size(text) : of_table(key, text);
}
