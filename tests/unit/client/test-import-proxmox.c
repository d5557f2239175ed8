/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of Proxmox' that ask for more, or for less, than they seem to. */
#include "imports.h"

static void assert_silent(const char *text, const char *words)
{
    g_autoptr(Import) found = import(IMPORT_PROXMOX, text);
    g_autofree char *definition = draft_text(found->draft);

    ck_assert_msg(!strstr(definition, words), "%s is in\n%s", words, definition);
}

START_TEST(a_disk_whose_writes_are_thrown_away_is_left_out)
{
    static const char on[] = "memory: 4096\nscsi0: /dev/vg/a,snapshot=1",
                      off[] = "scsi0: /dev/vg/a,snapshot=0";

    assert_silent(on, "[Disk");
    assert_lists(IMPORT_PROXMOX, on, DRAFT_LEFT, "a [Disk] would keep it");
    assert_says(IMPORT_PROXMOX, off, "Path=/dev/vg/a");
}
END_TEST

START_TEST(limits_and_read_only_disks_are_no_matters_of_proxmox)
{
    static const char limited[] = "scsi0: /dev/vg/a,iops=100,mbps=5,bps=7,ro=on";

    assert_lists(IMPORT_PROXMOX, limited, DRAFT_LEFT, "iops=100 of scsi0");
    assert_lists(IMPORT_PROXMOX, limited, DRAFT_LEFT, "mbps=5 of scsi0");
    assert_lists(IMPORT_PROXMOX, limited, DRAFT_LEFT, "bps=7 of scsi0");
    assert_says(IMPORT_PROXMOX, limited, "ReadOnly=yes");
}
END_TEST

START_TEST(what_a_line_says_of_its_card_is_about_the_first_function)
{
    static const char two[] =
        "hostpci0: 01:00.0;01:00.1,device-id=0x1234,vendor-id=0x5678,sub-device-id=0x9abc,rombar=0";
    g_autoptr(Import) found = import(IMPORT_PROXMOX, two);
    g_autofree char *text = draft_text(found->draft);

    ck_assert_msg(strstr(text, "Address=0000:01:00.0\nFunctions=0,1\n"), "%s", text);
    ck_assert_msg(strstr(text, "DeviceID=1234"), "%s", text);
    ck_assert_msg(!strstr(text, "Address=0000:01:00.1"), "%s", text);
}
END_TEST

START_TEST(a_primary_card_hides_the_hypervisor_and_with_a_bios_has_vga)
{
    static const char bios[] = "hostpci0: 01:00,x-vga=1", off[] = "hostpci0: 01:00,x-vga=0",
                      uefi[] = "bios: ovmf\nhostpci0: 01:00,x-vga=1";

    assert_says(IMPORT_PROXMOX, bios, "HideHypervisor=yes");
    assert_says(IMPORT_PROXMOX, bios, "PrimaryVGA=yes");
    assert_says(IMPORT_PROXMOX, uefi, "HideHypervisor=yes");
    assert_silent(uefi, "PrimaryVGA");
    assert_silent(off, "HideHypervisor");
    assert_silent(off, "PrimaryVGA");
}
END_TEST

START_TEST(a_watchdog_does_what_it_did_or_is_left_out)
{
    static const char nmi[] = "memory: 4096\nwatchdog: i6300esb,action=inject-nmi";

    assert_says(IMPORT_PROXMOX, "watchdog: i6300esb,action=debug", "Action=ignore");
    assert_says(IMPORT_PROXMOX, "watchdog: i6300esb,action=none", "Action=ignore");
    assert_says(IMPORT_PROXMOX, "watchdog: i6300esb,action=shutdown", "Action=fail");
    assert_silent(nmi, "[Watchdog]");
    assert_lists(IMPORT_PROXMOX, nmi, DRAFT_LEFT, "does not do inject-nmi");
}
END_TEST

SUITE("import-proxmox", a_disk_whose_writes_are_thrown_away_is_left_out,
      limits_and_read_only_disks_are_no_matters_of_proxmox,
      what_a_line_says_of_its_card_is_about_the_first_function,
      a_primary_card_hides_the_hypervisor_and_with_a_bios_has_vga, a_watchdog_does_what_it_did_or_is_left_out)
