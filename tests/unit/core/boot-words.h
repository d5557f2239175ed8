/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disks and kernels that say a word when QEMU boots them. */
#pragma once

#include "../suite.h"
#include "a-qemu.h"

#define BOOT_WORDS "booted from the first disk\n"

/* Prints the words at 0x27 on the first serial port, then writes to pvpanic's port 0x505: "panicked". */
static const uint8_t boot_sector[] = {0x31, 0xc0, 0x8e, 0xd8, 0xbe, 0x27, 0x7c, 0xac, 0x84, 0xc0,
                                      0x74, 0x12, 0x88, 0xc4, 0xba, 0xfd, 0x03, 0xec, 0xa8, 0x20,
                                      0x74, 0xfb, 0x88, 0xe0, 0xba, 0xf8, 0x03, 0xee, 0xeb, 0xe9,
                                      0xba, 0x05, 0x05, 0xb0, 0x01, 0xee, 0xf4, 0xeb, 0xfd};

/* The entry of a kernel, at 0x70 after its header: prints the command line, whose address is at 0x228, and a
 * newline. */
static const uint8_t kernel_code[] = {
    0x66, 0xa1, 0x28, 0x02, 0x66, 0x89, 0xc7, 0x83, 0xe7, 0x0f, 0x66, 0xc1, 0xe8, 0x04, 0x8e, 0xc0, 0x26,
    0x8a, 0x25, 0x47, 0x84, 0xe4, 0x74, 0x10, 0xba, 0xfd, 0x03, 0xec, 0xa8, 0x20, 0x74, 0xfb, 0x88, 0xe0,
    0xba, 0xf8, 0x03, 0xee, 0xeb, 0xe8, 0xba, 0xf8, 0x03, 0xb0, 0x0a, 0xee, 0xf4, 0xeb, 0xfd};

static inline void write_file(const char *path, const void *bytes, size_t size)
{
    ck_assert(g_file_set_contents(path, bytes, size, NULL));
}

/* As little of a Linux kernel as QEMU takes for one (Documentation/x86/boot.rst): protocol 2.2, loaded high.
 */
static inline void write_kernel(const char *path)
{
    uint8_t image[8192] = {};

    image[0x1f1] = 4;                     /* sectors of set-up code */
    memcpy(image + 0x200, "\xeb\x6e", 2); /* jump to 0x270 */
    memcpy(image + 0x202, "HdrS\x02\x02", 6);
    image[0x211] = 1;                             /* LOADED_HIGH */
    memcpy(image + 0x22c, "\xff\xff\xff\x37", 4); /* how high an initrd may be */
    memcpy(image + 0x270, kernel_code, sizeof(kernel_code));
    write_file(path, image, sizeof(image));
}

static inline void write_disk(const char *path, const char *words)
{
    uint8_t sector[512] = {};

    memcpy(sector, boot_sector, sizeof(boot_sector));
    strcpy((char *)sector + 0x27, words);
    memcpy(sector + 510, "\x55\xaa", 2);
    write_file(path, sector, sizeof(sector));
    ck_assert_int_eq(truncate(path, 1 << 20), 0);
}

/* Debian's images stand in for those of other distributions. */
static void write_firmware(const QemuFile *file, const char *path)
{
    const char *named = file->template ?: file->path;
    const char *source = access(named, R_OK) == 0 ? named
                         : file->template         ? "/usr/share/OVMF/OVMF_VARS_4M.fd"
                                                  : "/usr/share/OVMF/OVMF_CODE_4M.fd";
    g_autofree char *command =
        g_strdup_printf("qemu-img convert -f raw -O %s %s '%s'",
                        g_str_has_suffix(named, ".qcow2") ? "qcow2" : "raw", source, path);

    ck_assert_int_eq(system(command), 0);
}

/* Disks by the ending of their path, all but the first with other words in their boot sector. */
static inline void fill(const QemuFile *file, const char *path)
{
    if (file->kind == QEMU_FILE_FOLDER) {
        ck_assert_int_eq(mkdir(path, 0755), 0);
    } else if (file->kind == QEMU_FILE_FIRMWARE || file->kind == QEMU_FILE_NVRAM) {
        write_firmware(file, path);
    } else if (file->kind == QEMU_FILE_KERNEL) {
        write_kernel(path);
    } else if (file->kind == QEMU_FILE_INITRD) {
        write_file(path, "initrd", 6);
    } else if (file->kind == QEMU_FILE_ACPI_TABLE) {
        write_file(path, "SSDT\x24\0\0\0\1\0USHER USHERTAB\1\0\0\0USHR\1\0\0\0", 36);
    } else if (g_str_has_suffix(file->path, ".qcow2")) {
        const char *backing = strstr(file->path, "backed") ? "-b /etc/passwd -F raw" : "";
        g_autofree char *command = g_strdup_printf("qemu-img create -q -f qcow2 %s '%s' 1M", backing, path);
        ck_assert_int_eq(system(command), 0);
    } else {
        write_disk(path, strstr(file->path, "first") ? BOOT_WORDS : "another disk\n");
    }
}

/* Overrides in each definition what this machine cannot do. */
static const char here[] =
    "[CPU]\nAccelerator=tcg\nModel=\nHyperV=\nIdle=\nHideHypervisor=\n[Memory]\nSize=64M\nHugePages=\n";

static inline Qemu *boot(const char *text, const char *const *more)
{
    g_autoptr(GuestDefinition) definition = a_definition_with(text, here);
    g_autoptr(QemuCommand) command = a_command_for(definition);
    Qemu *qemu = qemu_start(command, fill, more);
    qemu_negotiate(qemu);
    qemu_do(qemu, "cont");
    return qemu;
}
