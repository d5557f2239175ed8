/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disks and CD drives of a guest definition. */
#include "../../../daemon/core/definition/definition.h"
#include "../suite.h"
#include "a-definition.h"

START_TEST(two_disks_share_a_path_only_for_reading)
{
    assert_refused("[Disk a]\nPath=/x\nFormat=raw\n[Disk b]\nPath=/x\nFormat=raw\nReadOnly=yes\n",
                   AT "5: [Disk b] and [Disk a] both use /x: each would destroy what the other writes",
                   "remove one, or set ReadOnly=yes in both");
    g_autoptr(GuestDefinition) definition = a_definition(
        "[Disk a]\nPath=/x\nFormat=raw\nReadOnly=yes\n[Disk b]\nPath=/x\nFormat=raw\nReadOnly=yes\n");
    ck_assert_uint_eq(definition->disks->len, 2);
}
END_TEST

START_TEST(what_others_are_built_upon_is_not_written_to)
{
    assert_refused("[Disk a]\nPath=/x\nFormat=raw\n[Disk b]\nPath=/b\nFormat=qcow2\nBacking=raw:/x\n",
                   AT "7: [Disk b] and [Disk a] both use /x: each would destroy what the other writes",
                   "remove one, or set ReadOnly=yes in both");
    assert_refused("[Disk b]\nPath=/b\nFormat=qcow2\nBacking=raw:/x\n[Disk a]\nPath=/x\nFormat=raw\n",
                   AT "6: [Disk a] and [Disk b] both use /x: each would destroy what the other writes",
                   "remove one, or set ReadOnly=yes in both");
    g_autoptr(GuestDefinition) definition =
        a_definition("[Disk a]\nPath=/a\nFormat=qcow2\nBacking=qcow2:/x\nBacking=raw:/y\n"
                     "[Disk b]\nPath=/b\nFormat=qcow2\nBacking=qcow2:/x\nBacking=raw:/y\n");
    const DefinitionDisk *disk = g_ptr_array_index(definition->disks, 0);
    const DefinitionImage *last = g_ptr_array_index(disk->backing, 1);
    ck_assert_uint_eq(disk->backing->len, 2);
    ck_assert_str_eq(last->path, "/y");
    ck_assert_int_eq(last->format, DISK_FORMAT_RAW);
}
END_TEST

START_TEST(backing_is_a_chain_from_the_image_downwards)
{
    assert_refused("[Disk a]\nPath=/a\nFormat=raw\nBacking=raw:/x\n",
                   AT "4: [Disk a] Backing= means nothing with Format=raw",
                   "remove it, or write Format=qcow2");
    assert_refused(
        "[Disk a]\nPath=/a\nFormat=qcow2\nBacking=raw:/x\nBacking=qcow2:/y\n",
        AT "5: [Disk a] Backing=raw:/x is not the last Backing=, but a raw image has nothing below it",
        "write the chain from the image downwards");
    assert_refused("[Disk a]\nPath=/a\nFormat=qcow2\nBacking=/x\n",
                   AT "4: [Disk a] Backing=/x is not a format and an absolute path without \"..\" such as "
                      "qcow2:/srv/base.qcow2",
                   "write raw: or qcow2: before the path; usher never guesses the format");
    g_autoptr(GuestDefinition) none =
        a_definition_with("[Disk a]\nPath=/a\nFormat=qcow2\nBacking=raw:/x\n", "[Disk a]\nBacking=\n");
    ck_assert_ptr_null(((DefinitionDisk *)g_ptr_array_index(none->disks, 0))->backing);
}
END_TEST

START_TEST(an_empty_disk_is_made_to_be_written_to)
{
    assert_refused("[Disk a]\nPath=/a\nFormat=raw\nSize=1G\nReadOnly=yes\n",
                   AT "4: [Disk a] Size= makes an empty disk, which is of no use with ReadOnly=yes",
                   "remove one of them");
}
END_TEST

START_TEST(sata_has_six_ports_and_no_write_protection)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (int i = 0; i < 7; i++) {
        g_string_append_printf(text, "[Disk d%d]\nPath=/d%d\nFormat=raw\nBus=%s\n", i, i,
                               i == 3 ? "nvme" : "sata");
    }
    g_autoptr(GuestDefinition) definition = a_definition(text->str);
    ck_assert_uint_eq(definition->disks->len, 7);
    g_string_append(text, "[Disk d7]\nPath=/d7\nFormat=raw\nBus=sata\n");
    assert_refused(text->str, AT "29: [Disk d7] finds no free port on Bus=sata, which has 6 ports",
                   "choose another Bus=, such as virtio-scsi");
    assert_refused("[Disk a]\nPath=/x\nFormat=raw\nBus=sata\nReadOnly=yes\n",
                   AT "5: [Disk a] ReadOnly=yes: a SATA disk cannot be write-protected",
                   "choose another Bus=, such as virtio-scsi");
}
END_TEST

START_TEST(cd_drives_take_ports_too_and_what_is_in_them_is_not_written_to)
{
    g_autoptr(GString) text = g_string_new("[CDROM empty]\n[CDROM second]\nPath=/x\n");
    for (int i = 0; i < 5; i++)
        g_string_append_printf(text, "[Disk d%d]\nPath=/d%d\nFormat=raw\nBus=sata\n", i, i);
    assert_refused(text->str, AT "20: [Disk d4] finds no free port on Bus=sata, which has 6 ports",
                   "choose another Bus=, such as virtio-scsi");
    assert_refused("[Disk a]\nPath=/x\nFormat=raw\n[CDROM b]\nPath=/x\n",
                   AT "5: [CDROM b] has the same Path= as [Disk a], which the guest may write to",
                   "remove one, or set ReadOnly=yes in the disk");
}
END_TEST

START_TEST(only_virtio_disks_have_threads)
{
    assert_refused("[Disk a]\nPath=/x\nFormat=raw\nBus=nvme\nIOThread=yes\n",
                   AT "5: [Disk a] IOThread=yes: only virtio disks can have a thread of their own",
                   "choose Bus=virtio-blk or virtio-scsi, or remove it");
}
END_TEST

START_TEST(zeroes_are_freed_only_where_space_is)
{
    assert_refused("[Disk a]\nPath=/x\nFormat=raw\nDetectZeroes=unmap\n",
                   AT "4: [Disk a] DetectZeroes=unmap needs Discard=unmap",
                   "add Discard=unmap, or write DetectZeroes=on");
    assert_refused("[Disk a]\nPath=/x\nFormat=raw\nReadOnly=yes\nDetectZeroes=on\n",
                   AT "5: [Disk a] DetectZeroes= is about what the guest writes, which ReadOnly=yes forbids",
                   "remove one of them");
}
END_TEST

START_TEST(an_image_that_is_made_is_never_missing)
{
    assert_refused(
        "[Disk a]\nPath=/x\nFormat=raw\nSize=1M\nOptional=yes\n",
        AT "5: [Disk a] Size= makes the image if there is none, which leaves Optional=yes nothing to do",
        "remove one of them");
}
END_TEST

START_TEST(only_virtio_disks_have_queues)
{
    assert_refused("[Disk a]\nPath=/x\nFormat=raw\nBus=sata\nQueues=4\n",
                   AT "5: [Disk a] Queues=: only virtio disks have a number of queues to choose",
                   "choose Bus=virtio-blk or virtio-scsi, or remove it");
}
END_TEST

START_TEST(a_bus_says_what_it_can_of_sectors_and_rotation)
{
    assert_refused("[Disk a]\nPath=/x\nFormat=raw\nBus=sata\nSectorSize=4096\n",
                   AT "5: [Disk a] SectorSize=4096: a SATA disk has sectors of 512 bytes",
                   "choose another Bus=, such as virtio-scsi, or write SectorSize=512e");
    assert_refused("[Disk a]\nPath=/x\nFormat=raw\nRotationRate=1\n",
                   AT "4: [Disk a] RotationRate=: only SATA and SCSI disks tell a guest",
                   "choose Bus=sata or virtio-scsi, or remove it");
    assert_refused("[Disk a]\nPath=/x\nFormat=raw\nBus=sata\nRotationRate=540\n",
                   AT "5: [Disk a] RotationRate=540: a rate is at least 1025",
                   "write 1 for an SSD, or the real rate, such as 5400 or 7200");
}
END_TEST

START_TEST(native_io_goes_past_the_hosts_memory)
{
    assert_refused("[Disk a]\nPath=/x\nFormat=raw\nIO=native\n",
                   AT "4: [Disk a] IO=native works past the host's memory alone, and Cache= does not",
                   "add Cache=none, or write IO=io_uring");
    g_autoptr(GuestDefinition) definition =
        a_definition("[Disk a]\nPath=/x\nFormat=raw\nIO=native\nCache=directsync\n");
    const DefinitionDisk *disk = g_ptr_array_index(definition->disks, 0);
    ck_assert_int_eq(disk->io, DISK_IO_NATIVE);
}
END_TEST

SUITE("definition-disk", two_disks_share_a_path_only_for_reading,
      what_others_are_built_upon_is_not_written_to, backing_is_a_chain_from_the_image_downwards,
      an_empty_disk_is_made_to_be_written_to, sata_has_six_ports_and_no_write_protection,
      cd_drives_take_ports_too_and_what_is_in_them_is_not_written_to, only_virtio_disks_have_threads,
      only_virtio_disks_have_queues, zeroes_are_freed_only_where_space_is,
      an_image_that_is_made_is_never_missing, a_bus_says_what_it_can_of_sectors_and_rotation,
      native_io_goes_past_the_hosts_memory)
