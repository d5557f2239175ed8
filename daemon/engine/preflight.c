/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "../base/file.h"
#include "../core/disk-wish.h"
#include "../core/qemu-check.h"
#include "../core/usb.h"
#include "../edge/host-ports.h"
#include "preflight.h"

static int check_file(const GuestDefinition *definition, const char *section, const char *key,
                      const char *path, Fault **ret_fault)
{
    struct stat st;

    if (!path)
        return 0;
    /* In a folder that usherd may not search: usher-bind will see. */
    if (stat(path, &st) < 0 && errno == EACCES)
        return 0;
    if (stat(path, &st) < 0) {
        g_autofree char *remedy =
            g_strdup_printf("put it there, or correct %s= in %s", key, definition->source);
        return fault_raise(ret_fault, FAULT_MISSING_FILE, remedy, "guest %s: [%s] %s=%s: %s",
                           definition->name, section, key, path, g_strerror(errno));
    }
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
        return fault_raise(ret_fault, FAULT_MISSING_FILE, "name a regular file or a block device",
                           "guest %s: [%s] %s=%s: neither a file nor a disk", definition->name, section, key,
                           path);
    return 0;
}

/* A name in a folder of udev's that leads to the device, of several the one that says most; NULL: there is
 * none. */
static char *find_stable_name(const char *folder, dev_t device)
{
    g_autofree char *best = NULL;
    g_auto(GStrv) names = NULL;
    struct stat st;

    if (file_list_at(AT_FDCWD, folder, &names) < 0)
        return NULL;
    for (char **name = names; *name; name++) {
        g_autofree char *path = g_build_filename(folder, *name, NULL);
        bool number = g_str_has_prefix(*name, "wwn-") || g_str_has_prefix(*name, "nvme-eui.");
        if (stat(path, &st) == 0 && S_ISBLK(st.st_mode) && st.st_rdev == device && (!best || !number)) {
            g_free(best);
            best = g_steal_pointer(&path);
        }
    }
    return g_steal_pointer(&best);
}

/* The kernel gives sda, nvme0n1 and their like in the order in which it finds them: after the next boot
 * another disk may have the name, and the guest would write to that. */
static int check_name_stays(const GuestDefinition *definition, const DiskWish *wish, Fault **ret_fault)
{
    struct stat st;

    if (!disk_path_fleeting(wish->path) || stat(wish->path, &st) < 0)
        return 0;
    g_autofree char *stable = find_stable_name("/dev/disk/by-id", st.st_rdev);
    if (!stable)
        stable = find_stable_name("/dev/disk/by-path", st.st_rdev);
    /* Where it has no other name, there is nothing better to be had. */
    if (!stable)
        return 0;
    g_autofree char *remedy = g_strdup_printf("write a name that stays: %s=%s", wish->key, stable);
    return fault_raise(ret_fault, FAULT_REFUSED, remedy,
                       "guest %s: [%s] %s=%s may be another disk after the next boot", definition->name,
                       wish->section, wish->key, wish->path);
}

/* An image grows as it is written to, so it may be made larger than what is free; but not than what could
 * ever be. */
static int check_room(const GuestDefinition *definition, const DiskWish *wish, Fault **ret_fault)
{
    g_autofree char *folder = g_path_get_dirname(wish->path);
    struct statvfs fs;

    /* usher-bind says what is wrong with the folder. */
    if (statvfs(folder, &fs) < 0 || wish->size / fs.f_frsize <= fs.f_blocks)
        return 0;
    g_autofree char *wanted = host_size_words(wish->size),
                    *has = host_size_words((uint64_t)fs.f_blocks * fs.f_frsize),
                    *free = host_size_words((uint64_t)fs.f_bavail * fs.f_frsize);
    return fault_raise(ret_fault, FAULT_REFUSED, "lower it, or put the image onto a larger file system",
                       "guest %s: [%s] Size= is %s, and the file system of %s has %s (%s free)",
                       definition->name, wish->section, wanted, folder, has, free);
}

static int check_disk(const GuestDefinition *definition, const DiskWish *wish, Fault **ret_fault)
{
    struct stat st;

    if (wish->size > 0 && !disk_path_device(wish->path) && lstat(wish->path, &st) < 0 && errno == ENOENT)
        return check_room(definition, wish, ret_fault);
    int r = check_file(definition, wish->section, wish->key, wish->path, ret_fault);
    return r == 0 ? check_name_stays(definition, wish, ret_fault) : r;
}

static int check_programs(const GuestDefinition *definition, const char *qemu_path, Fault **ret_fault)
{
    struct stat st;

    if (access(qemu_path, X_OK) < 0)
        return fault_raise(ret_fault, FAULT_MISSING_FILE, "install it: apt install qemu-system-x86",
                           "guest %s: %s: %s", definition->name, qemu_path, g_strerror(errno));
    /* Not access(2), which asks the device cgroup too: usherd may open no device. */
    if (definition->cpu.accelerator == ACCELERATOR_KVM && stat("/dev/kvm", &st) < 0)
        return fault_raise(
            ret_fault, FAULT_REFUSED,
            "switch virtualisation (AMD-V, VT-x) on in the firmware and load kvm_amd or kvm_intel; or, "
            "slowly, [CPU] Accelerator=tcg",
            "guest %s: there is no /dev/kvm on this host", definition->name);
    return 0;
}

/* QEMU opens it by its path, and its user is in the group kvm. */
static int check_kvmfr(const GuestDefinition *definition, const char *device, Fault **ret_fault)
{
    const struct group *kvm = getgrnam("kvm");
    struct stat st;

    if (!device)
        return 0;
    if (stat(device, &st) < 0 || !S_ISCHR(st.st_mode))
        return fault_raise(ret_fault, FAULT_MISSING_FILE,
                           "load the module (modprobe kvmfr static_size_mb=64), or remove Device= to have a file",
                           "guest %s: [LookingGlass] Device=%s: there is no such device", definition->name, device);
    if (kvm && st.st_gid == kvm->gr_gid && (st.st_mode & 0060) == 0060)
        return 0;
    return fault_raise(ret_fault, FAULT_REFUSED,
                       "write SUBSYSTEM==\"kvmfr\", OWNER=\"WHO-LOOKS\", GROUP=\"kvm\", MODE=\"0660\" into "
                       "/etc/udev/rules.d/99-kvmfr.rules, then: udevadm control --reload; udevadm trigger",
                       "guest %s: [LookingGlass] Device=%s: the group kvm, which guests are in, may not read and write it",
                       definition->name, device);
}

static int check_looking_glass(const GuestDefinition *definition, Fault **ret_fault)
{
    const char *owner = definition->looking_glass.owner;

    if (definition->looking_glass.device)
        return check_kvmfr(definition, definition->looking_glass.device, ret_fault);
    if (definition->looking_glass.size > 0 && !getgrnam("kvm"))
        return fault_raise(ret_fault, FAULT_REFUSED, "make it: groupadd --system kvm",
                           "guest %s: [LookingGlass] needs the group kvm, which this host has not", definition->name);
    if (owner && !getpwnam(owner))
        return fault_raise(ret_fault, FAULT_REFUSED, "correct Owner= in [LookingGlass]",
                           "guest %s: there is no user %s on this host", definition->name, owner);
    return 0;
}

/* Variables that another build of the firmware made may be of another size, and QEMU maps both as one. */
static int check_nvram(const GuestDefinition *definition, const Firmware *firmware, const char *path,
                       Fault **ret_fault)
{
    struct stat template, st;

    if (stat(firmware->template, &template) < 0 || stat(path, &st) < 0 || st.st_size == template.st_size)
        return 0;
    return fault_raise(
        ret_fault, FAULT_REFUSED, "move it away to have a new one made; the guest then finds its system anew",
        "guest %s: %s was made for other firmware: it has %" G_GINT64_FORMAT
        " bytes, %s has %" G_GINT64_FORMAT,
        definition->name, path, (gint64)st.st_size, firmware->template, (gint64) template.st_size);
}

static int check_firmware(const GuestDefinition *definition, const HostKit *kit, Fault **ret_fault)
{
    int r = host_kit_check(kit, definition, ret_fault);
    const Firmware *firmware = r == 0 ? host_kit_firmware(kit, definition) : NULL;
    const char *images[] = {firmware ? firmware->code : NULL, firmware ? firmware->template : NULL};

    if (!firmware)
        return r;
    for (unsigned i = 0; i < G_N_ELEMENTS(images); i++)
        if (access(images[i], R_OK) < 0)
            return fault_raise(ret_fault, FAULT_MISSING_FILE, "install its package again, such as ovmf",
                               "guest %s: %s, which %s names: %s", definition->name, images[i],
                               firmware->source, g_strerror(errno));
    g_autofree char *nvram = host_kit_nvram_path(kit, definition);
    return check_nvram(definition, firmware, nvram, ret_fault);
}

static int check_share(const GuestDefinition *definition, const DefinitionShare *share, Fault **ret_fault)
{
    struct stat st;
    int error = stat(share->path, &st) < 0 ? errno : S_ISDIR(st.st_mode) ? 0 : ENOTDIR;

    /* In a folder that usherd may not search: usher-bind will see. */
    if (error == 0 || error == EACCES)
        return 0;
    g_autofree char *remedy = g_strdup_printf("make the folder, or correct Path= in %s", definition->source);
    return fault_raise(ret_fault, FAULT_MISSING_FILE, remedy, "guest %s: [Share %s] Path=%s: %s",
                       definition->name, share->name, share->path, g_strerror(error));
}

int preflight_check_disks(const GuestDefinition *definition, Fault **ret_fault)
{
    g_autoptr(GPtrArray) wishes = disk_wishes(definition);
    int r = 0;

    for (unsigned i = 0; r == 0 && i < wishes->len; i++)
        r = check_disk(definition, g_ptr_array_index(wishes, i), ret_fault);
    return r;
}

Fault *preflight_sound_fault(const GuestDefinition *definition, int error)
{
    const char *remedy =
        error == -ENOENT || error == -ENOTDIR
            ? "is its user logged in, and does pipewire-pulse or PulseAudio run? Or correct Socket="
        : error == -ENOTSOCK ? "name the sound server's socket, which is mostly called native"
        : error == -EACCES   ? "let others connect, or have the sound server make another: pactl load-module "
                               "module-native-protocol-unix auth-anonymous=1 socket=PATH"
                             : "see journalctl -u 'usher-bind@*'";

    return fault_new(error == -EACCES ? FAULT_REFUSED : FAULT_MISSING_FILE, remedy, "guest %s: [Sound] Socket=%s: %s",
                     definition->name, definition->sound.socket,
                     error == -ENOTSOCK ? "it is no socket" : g_strerror(-error));
}

static int check_sound(const GuestDefinition *definition, Fault **ret_fault)
{
    struct stat st;
    int error = definition->sound.type == SOUND_NONE             ? 0
                : stat(definition->sound.socket, &st) < 0        ? -errno
                : !S_ISSOCK(st.st_mode)                          ? -ENOTSOCK
                                                                 : 0;

    /* Mostly it is in a folder that usherd may not search: usher-bind will see. */
    if (error == 0 || error == -EACCES)
        return 0;
    *ret_fault = preflight_sound_fault(definition, error);
    return FAULT_RAISED;
}

int preflight_check(const GuestDefinition *definition, const char *qemu_path, const HostKit *kit,
                    Fault **ret_fault)
{
    int r = check_programs(definition, qemu_path, ret_fault);
    if (r == 0)
        r = check_looking_glass(definition, ret_fault);
    if (r == 0)
        r = check_sound(definition, ret_fault);
    if (r == 0)
        r = check_firmware(definition, kit, ret_fault);
    if (r == 0)
        r = check_file(definition, "Kernel", "Image", definition->kernel.image, ret_fault);
    if (r == 0)
        r = check_file(definition, "Kernel", "Initrd", definition->kernel.initrd, ret_fault);
    for (unsigned i = 0; r == 0 && i < definition->pci->len; i++) {
        const DefinitionPci *pci = g_ptr_array_index(definition->pci, i);
        g_autofree char *section = g_strconcat("PCI ", pci->name, NULL);
        r = check_file(definition, section, "ROM", pci->rom, ret_fault);
    }
    if (r == 0)
        r = preflight_check_disks(definition, ret_fault);
    for (unsigned i = 0; r == 0 && i < definition->shares->len; i++)
        r = check_share(definition, g_ptr_array_index(definition->shares, i), ret_fault);
    return r;
}

/* The section whose input device is one of these ("event5"), or NULL. */
static const DefinitionInput *find_input(const GuestDefinition *definition, int dev_fd, char *const *names)
{
    for (unsigned i = 0; i < definition->inputs->len; i++) {
        const DefinitionInput *input = g_ptr_array_index(definition->inputs, i);
        g_autofree char *name = NULL;

        if (file_link_name_at(dev_fd, input->device + strlen("/dev/"), &name) < 0)
            name = g_path_get_basename(input->device);
        if (g_strv_contains((const char *const *)names, name))
            return input;
    }
    return NULL;
}

int preflight_check_inputs(const GuestDefinition *definition, const Host *host, int dev_fd, Fault **ret_fault)
{
    for (unsigned i = 0; i < definition->usbs->len; i++) {
        const DefinitionUsb *wish = g_ptr_array_index(definition->usbs, i);
        const HostUsb *usb = NULL;
        int r = usb_find(host, definition->name, wish, &usb, ret_fault);
        const DefinitionInput *input =
            r == 0 && usb ? find_input(definition, dev_fd, usb->inputs) : NULL;

        if (r != 0)
            return r;
        if (input)
            return fault_raise(ret_fault, FAULT_REFUSED, "remove one of them: the device goes as a whole, or its keys do",
                               "guest %s: [USB %s] and [Input %s] ask for the same device", definition->name,
                               wish->name, input->name);
    }
    return 0;
}

int preflight_check_ports(const GuestDefinition *definition, int proc_fd, Fault **ret_fault)
{
    for (unsigned i = 0; i < definition->networks->len; i++) {
        const DefinitionNetwork *network = g_ptr_array_index(definition->networks, i);

        for (unsigned j = 0; network->forwards && j < network->forwards->len; j++) {
            const DefinitionForward *forward = g_ptr_array_index(network->forwards, j);
            const char *protocol = forward->udp ? "UDP" : "TCP";

            if (!host_port_taken(proc_fd, forward->udp, forward->address, forward->host_port))
                continue;
            g_autofree char *remedy =
                g_strdup_printf("choose another port, or stop what listens there: ss -lnp%s 'sport = :%u'",
                                forward->udp ? "u" : "t", forward->host_port);
            return fault_raise(ret_fault, FAULT_IN_USE, remedy,
                               "guest %s: [Network %s] Forward=: %s port %u of %s is taken", definition->name,
                               network->name, protocol, forward->host_port, forward->address);
        }
    }
    return 0;
}

int preflight_check_qemu(const GuestDefinition *definition, const Plan *plan, const QemuFacts *facts,
                         const HostKit *kit, Fault **ret_fault)
{
    int r = host_kit_check(kit, definition, ret_fault);

    if (r != 0 || !facts)
        return r;
    /* It is on no command line. */
    if (definition->usbs->len > 0 && !qemu_facts_have_type(facts, "usb-host"))
        return fault_raise(ret_fault, FAULT_REFUSED, "install a QEMU that has it, or the package of its module",
                           "%s (%s) has no device usb-host, which [USB] needs", facts->path, facts->version);
    g_autoptr(QemuCommand) command = qemu_command_build(definition, plan, facts, kit);
    return qemu_command_check(command, facts, ret_fault);
}
