/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../../../daemon/core/plan/disk-wish.h"
#include "../suite.h"
#include "a-definition.h"

START_TEST(disks_are_opened_from_the_bottom_of_their_chains)
{
    static const char *const expected[] = {"Disk a|Path|/a|w|1048576|-", "Disk b|Backing|/d|r|0|-",
                                           "Disk b|Backing|/c|r|0|/d",   "Disk b|Path|/b|w|0|/c",
                                           "Disk e|Path|/e|r|0|-",       "CDROM f|Path|/f|r|0|-"};
    g_autoptr(GuestDefinition) definition = a_definition(
        "[Disk a]\nPath=/a\nFormat=raw\nSize=1M\n[Disk b]\nPath=/b\nFormat=qcow2\nBacking=qcow2:/c\n"
        "Backing=raw:/d\n[Disk e]\nPath=/e\nFormat=raw\nReadOnly=yes\n[CDROM empty]\n[CDROM f]\nPath=/f\n");
    g_autoptr(GPtrArray) wishes = disk_wishes(definition);
    ck_assert_uint_eq(wishes->len, G_N_ELEMENTS(expected));
    for (unsigned i = 0; i < wishes->len; i++) {
        const DiskWish *wish = g_ptr_array_index(wishes, i);
        g_autofree char *text =
            g_strdup_printf("%s|%s|%s|%c|%" G_GUINT64_FORMAT "|%s", wish->section, wish->key, wish->path,
                            wish->writable ? 'w' : 'r', wish->size, wish->backing ?: "-");
        ck_assert_str_eq(text, expected[i]);
    }
}
END_TEST

START_TEST(a_wish_and_its_answer_cross_the_wire)
{
    DiskWish wish = {"Disk a",      "Path", "/a b",  DISK_FORMAT_QCOW2, true,
                     DISK_HOW_LOOK, 5,      "/base", DISK_FORMAT_QCOW2},
             direct = {.path = "/a", .how = DISK_HOW_ASK, .direct = true}, read;
    DiskSeen seen = {(char *)"f8:1:7", true, DISK_LOOK_QCOW2, {4096, 8192, true}, (char *)"b=-"};
    g_auto(GStrv) asked = disk_wish_to_words("disk", &wish), past = disk_wish_to_words("disk", &direct);
    g_auto(GStrv) answered = disk_seen_to_words("opened", &seen);
    g_autoptr(DiskSeen) back = NULL;

    ck_assert_int_eq(disk_wish_from_words(asked + 1, &read), 0);
    ck_assert_str_eq(read.path, "/a b");
    ck_assert(read.writable && !read.direct && read.size == 5 && read.how == DISK_HOW_LOOK);
    ck_assert_int_eq(read.format, DISK_FORMAT_QCOW2);
    ck_assert_str_eq(read.backing, "/base");
    ck_assert_int_eq(read.backing_format, DISK_FORMAT_QCOW2);
    ck_assert_int_eq(disk_wish_from_words(past + 1, &read), 0);
    ck_assert(!read.writable && read.direct && read.how == DISK_HOW_ASK);
    ck_assert_int_eq(disk_seen_from_words(answered + 1, &back), 0);
    ck_assert_str_eq(back->id, "f8:1:7");
    ck_assert(back->made && back->look == DISK_LOOK_QCOW2);
    ck_assert_str_eq(back->backing, "b=-");
    ck_assert(back->geometry.logical == 4096 && back->geometry.physical == 8192 && back->geometry.solid);
    ck_assert_int_eq(disk_seen_from_words((char *[]){(char *)"x", (char *)"0/0/-", (char *)"made",
                                                     (char *)"odd", (char *)"-", NULL},
                                          &back),
                     -EBADMSG);
}
END_TEST

START_TEST(a_whole_chain_is_opened_past_the_page_cache_if_its_disk_is)
{
    g_autoptr(GuestDefinition) definition =
        a_definition("[Disk a]\nPath=/a\nFormat=qcow2\nBacking=raw:/b\nCache=none\n"
                     "[Disk c]\nPath=/c\nFormat=raw\nCache=directsync\n[Disk d]\nPath=/d\nFormat=raw\n");
    g_autoptr(GPtrArray) wishes = disk_wishes(definition);
    const bool expected[] = {true, true, true, false};

    ck_assert_uint_eq(wishes->len, G_N_ELEMENTS(expected));
    for (unsigned i = 0; i < wishes->len; i++)
        ck_assert(((const DiskWish *)g_ptr_array_index(wishes, i))->direct == expected[i]);
}
END_TEST

static void assert_judged(const char *backing, DiskLook look, const char *seen_backing, const char *message,
                          const char *remedy)
{
    DiskWish wish = {(char *)"Disk a", "Path", "/srv/a.qcow2", DISK_FORMAT_QCOW2, .backing = backing};
    DiskSeen seen = {(char *)"f8:1:7", false, look, {0}, (char *)seen_backing};
    _cleanup_fault_ Fault *fault = NULL;

    int r = disk_wish_judge("win10", &wish, &seen, &fault);
    ck_assert_int_eq(r, message ? FAULT_RAISED : 0);
    if (!message)
        return;
    ck_assert_int_eq(fault->kind, FAULT_REFUSED);
    ck_assert_str_eq(fault->message, message);
    ck_assert_str_eq(fault->remedy, remedy);
}

#define A "guest win10: [Disk a] Path=/srv/a.qcow2 "

START_TEST(an_image_may_lead_to_what_is_written_alone)
{
    assert_judged(NULL, DISK_LOOK_QCOW2, NULL, NULL, NULL);
    assert_judged("/srv/base", DISK_LOOK_QCOW2, "/srv/base", NULL, NULL);
    assert_judged("/srv/./base", DISK_LOOK_QCOW2, "../srv/base", NULL, NULL);
    assert_judged(NULL, DISK_LOOK_QCOW2, "/etc/shadow",
                  A "has the backing file /etc/shadow, which Backing= does not name",
                  "if the guest may read that file, say so in [Disk a]: Backing=raw:/etc/shadow, or "
                  "Backing=qcow2:/etc/shadow");
    assert_judged("/srv/base", DISK_LOOK_QCOW2, "other",
                  A "has the backing file other, but Backing= names /srv/base",
                  "if the guest may read that file, say so in [Disk a]: Backing=raw:/srv/other, or "
                  "Backing=qcow2:/srv/other");
    assert_judged("/srv/base", DISK_LOOK_QCOW2, NULL, A "has no backing file, but Backing= names /srv/base",
                  "remove Backing=");
    assert_judged("/srv/base", DISK_LOOK_QCOW2, "json:{}",
                  A "has the backing file json:{}, but Backing= names /srv/base",
                  "make one file of the image: qemu-img convert -O qcow2");
}
END_TEST

START_TEST(what_is_no_image_is_said)
{
    assert_judged(NULL, DISK_LOOK_NO_QCOW2, NULL, A "is not a qcow2 image",
                  "correct the format; qemu-img info shows it");
    assert_judged(NULL, DISK_LOOK_BROKEN, NULL, A "has a damaged qcow2 header",
                  "see what can be saved: qemu-img check");
    assert_judged(NULL, DISK_LOOK_EXTERNAL, NULL, A "keeps its data in another file",
                  "make one file of the image: qemu-img convert -O qcow2");
}
END_TEST

START_TEST(who_uses_a_disk_is_named)
{
    DiskWish wish = {(char *)"Disk a", "Path", "/dev/disk/by-id/x", DISK_FORMAT_RAW, true};
    g_autoptr(GPtrArray) holders = holders_new();
    _cleanup_fault_ Fault *unseen = disk_wish_held("win10", &wish, holders);
    g_ptr_array_add(holders, holder_new(HOLDER_HOST, "sdb1", "mounted at /srv", 0, NULL, NULL, NULL));
    _cleanup_fault_ Fault *mounted = disk_wish_held("win10", &wish, holders);

    ck_assert_int_eq(unseen->kind, FAULT_IN_USE);
    ck_assert_str_eq(unseen->message, "guest win10: [Disk a] Path=/dev/disk/by-id/x is in use on the host");
    ck_assert_int_eq(mounted->kind, FAULT_IN_USE);
    ck_assert_str_eq(mounted->message,
                     "guest win10: [Disk a] Path=/dev/disk/by-id/x is in use: sdb1 is needed by "
                     "the host: mounted at /srv");
}
END_TEST

START_TEST(who_asks_for_direct_io_is_told_where_there_is_none)
{
    DiskWish direct = {(char *)"Disk a", "Path", "/srv/a.qcow2", .direct = true};
    DiskWish plain = {(char *)"Disk a", "Path", "/srv/a.qcow2"};
    _cleanup_fault_ Fault *refused = disk_wish_fault("win10", &direct, -EOPNOTSUPP);
    _cleanup_fault_ Fault *other = disk_wish_fault("win10", &plain, -EOPNOTSUPP);

    ck_assert_int_eq(refused->kind, FAULT_REFUSED);
    ck_assert_str_eq(refused->message,
                     A "lies on a file system that has no direct I/O, which its Cache= asks for");
    ck_assert_str_eq(refused->remedy, "choose Cache=writeback, or keep the image on another file system");
    ck_assert_int_eq(other->kind, FAULT_MISSING_FILE);
}
END_TEST

START_TEST(names_of_the_kernel_do_not_stay)
{
    static const char *const fleeting[] = {"/dev/sda", "/dev/sdb1", "/dev/nvme0n1p2", "/dev/vdc",
                                           "/dev/dm-3"};
    static const char *const stay[] = {"/dev/disk/by-id/ata-x",
                                       "/dev/mapper/vg-lv",
                                       "/dev/vg/lv",
                                       "/srv/sda",
                                       "/dev/sdd/x",
                                       "/dev/md0",
                                       "/dev/loop0"};
    for (size_t i = 0; i < G_N_ELEMENTS(fleeting); i++)
        ck_assert_msg(disk_path_fleeting(fleeting[i]), "%s", fleeting[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(stay); i++)
        ck_assert_msg(!disk_path_fleeting(stay[i]), "%s", stay[i]);
    ck_assert(disk_path_device("/dev/sda") && !disk_path_device("/dev/shm/sda"));
}
END_TEST

/* A guest with sectors of another size sees no partitions, and "initialises" the disk. */
START_TEST(a_bus_of_small_sectors_gets_no_disk_of_large_ones)
{
    g_autoptr(GuestDefinition) definition =
        a_definition("[Disk a]\nPath=/dev/disk/by-id/a\nFormat=raw\nBus=sata\n"
                     "[Disk b]\nPath=/dev/disk/by-id/b\nFormat=raw\nBus=sata\nSectorSize=512\n"
                     "[Disk c]\nPath=/dev/disk/by-id/c\nFormat=raw\nBus=virtio-scsi\n");
    g_autoptr(GPtrArray) wishes = disk_wishes(definition);
    DiskSeen large = {(char *)"b8:16", false, DISK_LOOK_PLAIN, {4096, 4096, true}, NULL},
             small = {(char *)"b8:16", false, DISK_LOOK_PLAIN, {512, 4096, true}, NULL};
    _cleanup_fault_ Fault *fault = NULL;

    ck_assert_int_eq(disk_wish_judge("win10", g_ptr_array_index(wishes, 0), &small, &fault), 0);
    ck_assert_int_eq(disk_wish_judge("win10", g_ptr_array_index(wishes, 1), &large, &fault), 0);
    ck_assert_int_eq(disk_wish_judge("win10", g_ptr_array_index(wishes, 2), &large, &fault), 0);
    ck_assert_int_eq(disk_wish_judge("win10", g_ptr_array_index(wishes, 0), &large, &fault), FAULT_RAISED);
    ck_assert_str_eq(fault->message, "guest win10: [Disk a] Path=/dev/disk/by-id/a is a disk with sectors of "
                                     "4096 bytes, and Bus=sata has sectors of 512 bytes alone");
}
END_TEST

SUITE("disk-wish", a_bus_of_small_sectors_gets_no_disk_of_large_ones,
      disks_are_opened_from_the_bottom_of_their_chains,
      a_whole_chain_is_opened_past_the_page_cache_if_its_disk_is, a_wish_and_its_answer_cross_the_wire,
      an_image_may_lead_to_what_is_written_alone, what_is_no_image_is_said, who_uses_a_disk_is_named,
      who_asks_for_direct_io_is_told_where_there_is_none, names_of_the_kernel_do_not_stay)
