/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sys/stat.h>

#include "../../../daemon/core/definition/definition.h"
#include "../../../daemon/core/plan/file-wish.h"
#include "../suite.h"
#include "a-definition.h"

START_TEST(everything_that_a_definition_names_is_opened)
{
    static const char *const expected[] = {"group - kvm",
                                           "user LookingGlass bob",
                                           "socket Sound /s/native",
                                           "file - /code",
                                           "copy - /vars",
                                           "file Kernel /k",
                                           "file Kernel /i",
                                           "file PCI gpu /rom",
                                           "disk Disk a /b",
                                           "disk Disk a /a",
                                           "disk CDROM c /c",
                                           "folder Share d /d",
                                           "vhost - /dev/vhost-net",
                                           "link Network n tap7",
                                           "vhost - /dev/vhost-net",
                                           "link Network n tap7",
                                           "vhost - /dev/vhost-net"};
    g_autoptr(GuestDefinition) definition = a_definition(
        "[PCI gpu]\nAddress=0000:01:00.0\nROM=/rom\n[Kernel]\nImage=/k\nInitrd=/i\n[Sound]\nType=pipewire\n"
        "Socket=/s/native\n[LookingGlass]\nSize=64M\nOwner=bob\n[Disk a]\nPath=/a\nFormat=qcow2\n"
        "Backing=raw:/b\n[CDROM c]\nPath=/c\n[CDROM empty]\n[Share d]\nPath=/d\n[Network "
        "n]\nMode=tap\nDevice=tap7\nQueues=2\n"
        "[Network m]\nMode=bridge\nBridge=br0\n[Network u]\nMode=user\n");
    const Firmware firmware = {.code = (char *)"/code", .template = (char *)"/vars"},
                   pinned = {.code = (char *)"/mine", .pinned = true};
    g_autoptr(GPtrArray) wishes = file_wishes(definition, &firmware, true);

    for (unsigned i = 0; i < wishes->len; i++) {
        const FileWish *wish = g_ptr_array_index(wishes, i);
        g_autofree char *text =
            g_strdup_printf("%s %s %s", file_kind_to_string(wish->kind), wish->section ?: "-", wish->path);
        ck_assert_str_eq(text, expected[i]);
    }
    ck_assert_uint_eq(wishes->len, G_N_ELEMENTS(expected));
    g_autoptr(GPtrArray) rom = file_wishes_of_pci(g_ptr_array_index(definition->pci, 0)),
                         less = file_wishes(definition, NULL, false);
    ck_assert_uint_eq(rom->len, 1);
    ck_assert_uint_eq(less->len, G_N_ELEMENTS(expected) - 5);
    g_autoptr(GPtrArray) named = file_wishes(definition, &pinned, false);
    ck_assert_uint_eq(named->len, less->len + 1);
    ck_assert_str_eq(((const FileWish *)g_ptr_array_index(named, 3))->key, "Code");
}
END_TEST

START_TEST(what_was_seen_crosses_the_wire)
{
    FileSeen seen = {S_IFBLK | 0660, (char *)"kvm", (char *)"/dev/disk/by-id/=-", G_MAXUINT64, 5, 1 << 20,
                     4096,           true};
    g_auto(GStrv) words = file_seen_to_words("opened", &seen);
    g_autoptr(FileSeen) back = NULL;

    ck_assert_int_eq(file_seen_from_words(words + 1, &back), 0);
    ck_assert_uint_eq(back->mode, S_IFBLK | 0660);
    ck_assert_str_eq(back->group, "kvm");
    ck_assert_str_eq(back->stable, "/dev/disk/by-id/=-");
    ck_assert(back->room == G_MAXUINT64 && back->free == 5 && back->memory == 1 << 20);
    ck_assert(back->size == 4096 && back->qcow2);
}
END_TEST

START_TEST(what_was_not_seen_is_no_answer)
{
    static const char *const wrong[] = {"",
                                        "1 - - 0 0 0 0",
                                        "1 - - 0 0 0 0 - -",
                                        "x - - 0 0 0 0 -",
                                        "-1 - - 0 0 0 0 -",
                                        "4294967296 - - 0 0 0 0 -",
                                        "1 kvm - 0 0 0 0 -",
                                        "1 - a 0 0 0 0 -",
                                        "1 - - 18446744073709551616 0 0 0 -",
                                        "1 - - 0 0 -1 0 -",
                                        "1 - - 0 0 0 -1 -"};
    FileSeen *back = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_auto(GStrv) words = g_strsplit(wrong[i], " ", -1);
        ck_assert_int_eq(file_seen_from_words(words, &back), -EBADMSG);
    }
    ck_assert_int_eq(file_kind_from_string("smell"), FILE_KIND_INVALID);
}
END_TEST

static void assert_judged(const FileWish *wish, int error, const FileSeen *seen, const char *message)
{
    g_autoptr(GuestDefinition) definition = a_definition(
        "[Sound]\nType=pipewire\nSocket=/run/native\n[LookingGlass]\nDevice=/dev/kvmfr0\nSize=64M\n");
    _cleanup_fault_ Fault *fault = NULL;
    int r = file_wish_judge(definition, wish, error, seen, &fault);

    ck_assert_int_eq(r, message ? FAULT_RAISED : 0);
    if (message)
        ck_assert_str_eq(strchr(fault->message, ':') + 2, message);
}

#define SIZE_WORDS " bytes, and firmware a multiple of 4096, 8388608 at most"

START_TEST(what_is_no_image_of_flash_memory_is_refused)
{
    const FileWish raw = {FILE_KIND_FILE,      (char *)"Firmware", "Code", (char *)"/c.fd", 0,
                          FILE_IMAGE_RAW_FLASH},
                   qcow2 = {FILE_KIND_COPY,        (char *)"Firmware", "Variables", (char *)"/v.qcow2", 0,
                            FILE_IMAGE_QCOW2_FLASH},
                   described = {FILE_KIND_FILE, NULL, NULL, (char *)"/code", 0, FILE_IMAGE_RAW_FLASH};
    FileSeen seen = {.mode = S_IFREG | 0600, .size = 4096};

    assert_judged(&raw, 0, &seen, NULL);
    assert_judged(&qcow2, 0, &seen, "[Firmware] Variables=/v.qcow2: it is no qcow2 image");
    seen.qcow2 = true;
    assert_judged(&qcow2, 0, &seen, NULL);
    assert_judged(&raw, 0, &seen, "[Firmware] Code=/c.fd: it is a qcow2 image");
    seen = (FileSeen){.mode = S_IFREG | 0600, .size = 0};
    assert_judged(&raw, 0, &seen, "[Firmware] Code=/c.fd: it has 0" SIZE_WORDS);
    seen.size = 4097;
    assert_judged(&described, 0, &seen, "its firmware /code: it has 4097" SIZE_WORDS);
    seen.size = 8 << 20;
    assert_judged(&raw, 0, &seen, NULL);
    seen.size += 4096;
    assert_judged(&raw, 0, &seen, "[Firmware] Code=/c.fd: it has 8392704" SIZE_WORDS);
}
END_TEST

START_TEST(what_is_not_what_it_should_be_is_refused)
{
    const FileWish file = {FILE_KIND_FILE, (char *)"Kernel", "Image", (char *)"/k", 0},
                   firmware = {FILE_KIND_FILE, NULL, NULL, (char *)"/code", 0},
                   link = {FILE_KIND_LINK, (char *)"Network n", "Device", (char *)"tap7", 0},
                   disk = {FILE_KIND_DISK, (char *)"Disk a", "Path", (char *)"/srv/a", 1 << 20},
                   folder = {FILE_KIND_FOLDER, (char *)"Share d", "Path", (char *)"/d", 0},
                   sound = {FILE_KIND_SOCKET, (char *)"Sound", "Socket", (char *)"/run/native", 0},
                   device = {FILE_KIND_KVMFR, (char *)"LookingGlass", "Device", (char *)"/dev/kvmfr0", 0},
                   user = {FILE_KIND_USER, (char *)"LookingGlass", "Owner", (char *)"bob", 0};
    const FileSeen regular = {.mode = S_IFREG | 0600}, directory = {.mode = S_IFDIR | 0700}, nothing = {0};

    assert_judged(&file, 0, &regular, NULL);
    assert_judged(&file, 0, &directory, "[Kernel] Image=/k: it is not a file");
    assert_judged(&file, 0, &(FileSeen){.mode = S_IFBLK}, "[Kernel] Image=/k: it is not a file");
    assert_judged(&firmware, -ENOENT, NULL, "its firmware /code: No such file or directory");
    assert_judged(&firmware, 0, &directory, "its firmware /code: Invalid argument");
    assert_judged(&firmware, -EMLINK, NULL, "/code keeps its contents in another file");
    assert_judged(&disk, 0, &directory, "[Disk a] Path=/srv/a: neither a file nor a disk");
    assert_judged(&file, -EACCES, NULL, "[Kernel] Image=/k: Permission denied");
    assert_judged(&disk, 0, &nothing, NULL);
    assert_judged(&disk, 0, &(FileSeen){.room = 1 << 20}, NULL);
    assert_judged(&disk, 0, &(FileSeen){.room = 1 << 19, .free = 1 << 18},
                  "[Disk a] Size= is 1.0 MiB, and the file system of /srv has 512.0 KiB (256.0 KiB free)");
    assert_judged(&disk, 0, &(FileSeen){.mode = S_IFBLK, .stable = (char *)"/dev/disk/by-id/x"},
                  "[Disk a] Path=/srv/a may be another disk after the next boot");
    assert_judged(&folder, 0, &directory, NULL);
    assert_judged(&folder, 0, &regular, "[Share d] Path=/d: Not a directory");
    assert_judged(&folder, -ENOENT, NULL, "[Share d] Path=/d: No such file or directory");
    assert_judged(&sound, 0, &(FileSeen){.mode = S_IFSOCK | 0666}, NULL);
    assert_judged(&sound, 0, &(FileSeen){.mode = S_IFSOCK | 0660},
                  "[Sound] Socket=/run/native: Permission denied");
    assert_judged(&sound, 0, &regular, "[Sound] Socket=/run/native: it is not a socket");
    assert_judged(&device, 0, &(FileSeen){S_IFCHR | 0660, (char *)"kvm", NULL, 0, 0, 64 << 20}, NULL);
    assert_judged(&device, 0, &(FileSeen){S_IFCHR | 0660, (char *)"kvm", NULL, 0, 0, 0},
                  "[LookingGlass] Device=/dev/kvmfr0: the device does not say how much memory it has");
    assert_judged(&device, 0, &(FileSeen){S_IFCHR | 0660, (char *)"kvm", NULL, 0, 0, 32 << 20},
                  "[LookingGlass] Device=/dev/kvmfr0: the device has 32 MiB, and Size= is 64 MiB");
    assert_judged(&device, -EPERM, NULL, "[LookingGlass] Device=/dev/kvmfr0: Operation not permitted");
    assert_judged(&link, 0, &nothing, NULL);
    assert_judged(&link, -EBUSY, NULL, "network link tap7 is in use on the host");
    assert_judged(&link, -ENODEV, NULL, "cannot open tap7: No such device");
    assert_judged(&device, 0, &(FileSeen){S_IFCHR | 0660, (char *)"root", NULL, 0, 0, 0},
                  "[LookingGlass] Device=/dev/kvmfr0: the group kvm of the guests may not read and write it");
    assert_judged(&device, -ENOENT, NULL, "[LookingGlass] Device=/dev/kvmfr0: this host has no such device");
    assert_judged(&user, 0, &nothing, NULL);
    assert_judged(&user, -ENOENT, NULL, "there is no user bob on this host");
}
END_TEST

SUITE("file-wish", everything_that_a_definition_names_is_opened, what_was_seen_crosses_the_wire,
      what_was_not_seen_is_no_answer, what_is_no_image_of_flash_memory_is_refused,
      what_is_not_what_it_should_be_is_refused)
