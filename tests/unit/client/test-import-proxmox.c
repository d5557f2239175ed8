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

static Import *with_map(const char *map, const char *text)
{
    char *maps[] = {(char *)map, NULL};
    ImportOptions options = {maps, "/nonexistent"};
    g_autofree char *why = NULL;
    Import *found = import_read(IMPORT_PROXMOX, "-", text, strlen(text), NULL, &options, &why);

    ck_assert_msg(found, "%s", why);
    return found;
}

START_TEST(a_volume_is_where_its_kind_of_storage_has_it)
{
    static const struct {
        const char *map, *text, *expected;
    } cases[] = {{"z=/dev/zvol/data", "scsi0: z:base-100-disk-0/vm-104-disk-0,size=4G",
                  "\nPath=/dev/zvol/data/vm-104-disk-0\nFormat=raw\n"},
                 {"local=/var/lib/vz", "scsi0: local:104/vm-104-disk-0.qcow2",
                  "\nPath=/var/lib/vz/images/104/vm-104-disk-0.qcow2\nFormat=qcow2\n"},
                 {"local=/var/lib/vz", "scsi0: local:9/base-9-disk-0.qcow2/104/vm-104-disk-0.qcow2",
                  "\nPath=/var/lib/vz/images/104/vm-104-disk-0.qcow2\nFormat=qcow2\n"
                  "Backing=qcow2:/var/lib/vz/images/9/base-9-disk-0.qcow2\n"},
                 {"local=/var/lib/vz", "ide2: local:iso/win.iso,media=cdrom",
                  "\nPath=/var/lib/vz/template/iso/win.iso\n"}};

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Import) found = with_map(cases[i].map, cases[i].text);
        g_autofree char *definition = draft_text(found->draft);
        ck_assert_msg(strstr(definition, cases[i].expected), "%s", definition);
    }
}
END_TEST

START_TEST(a_volume_of_no_known_kind_is_left_out)
{
    static const char *const volumes[] = {"iso/../../etc/shadow", "104/vm-104-disk-0.vmdk", "a/b/c", "../x"};

    for (size_t i = 0; i < G_N_ELEMENTS(volumes); i++) {
        g_autofree char *text = g_strdup_printf("memory: 4096\nscsi0: local:%s", volumes[i]);
        g_autoptr(Import) found = with_map("local=/srv", text);
        g_autofree char *definition = draft_text(found->draft);
        ck_assert_msg(!strstr(definition, "[Disk"), "%s", definition);
        ck_assert(lists(found, DRAFT_LEFT, "scsi0: local:"));
    }
}
END_TEST

START_TEST(a_map_has_a_use_and_a_folder)
{
    g_autoptr(Import) found = with_map("lokal=/srv", "memory: 4096\nscsi0: local:104/a.raw");
    static const char *const bad[] = {"x", "x=", "=/y", "x=relative"};

    ck_assert(lists(found, DRAFT_LEFT, "--map=lokal=/srv: no volume in the file is of that storage"));
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        char *maps[] = {(char *)"a=/b", (char *)bad[i], NULL};
        ck_assert_str_eq(import_bad_map(maps), bad[i]);
    }
    ck_assert_ptr_null(import_bad_map((char *[]){(char *)"a=/b", NULL}));
}
END_TEST

START_TEST(what_is_no_guest_of_ushers_is_refused)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"arch: amd64\ncores: 2\nrootfs: local:101/vm-101.raw,size=4G", "x:3: the file is a container"},
        {"memory: 2048\narch: aarch64", "x:2: the guest has another CPU"},
        {"memory: -5", "x:1: memory: has to be a number"},
        {"memory: 2048\ncores: 0", "x:2: cores: has to be a number"},
        {"sockets: many", "x:1: sockets: has to be a number"}};

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_refused(IMPORT_PROXMOX, cases[i].text, strlen(cases[i].text), cases[i].expected);
    assert_says(IMPORT_PROXMOX, "memory: current=4096\narch: x86_64", "Size=4G");
}
END_TEST

START_TEST(a_guest_without_a_card_of_its_own_keeps_its_screen)
{
    assert_says(IMPORT_PROXMOX, "memory: 4096", "[Display]\nType=vnc");
    assert_silent("memory: 4096\nvga: none", "[Display]");
    assert_silent("hostpci0: 01:00,x-vga=1", "[Display]");
    assert_lists(IMPORT_PROXMOX, "hostpci0: 01:00", DRAFT_LEFT, "Proxmox' defaults: the emulated card");
}
END_TEST

START_TEST(small_words_of_a_guest_are_in_a_list)
{
    assert_lists(IMPORT_PROXMOX, "rng0: source=/dev/urandom,max_bytes=1024", DRAFT_LEFT, "random numbers");
    assert_lists(IMPORT_PROXMOX, "memory: 4096\nacpi: 0", DRAFT_LEFT,
                 "acpi: 0 (line 2): every guest has ACPI");
    assert_says(IMPORT_PROXMOX, "memory: 4096", "Model=kvm64");
    assert_silent("memory: 4096\ncpu: host", "kvm64");
    assert_silent("ide2: /srv/a.qcow2,media=cdrom", "[CDROM");
    assert_lists(IMPORT_PROXMOX, "ide2: /srv/a.qcow2,media=cdrom", DRAFT_LEFT, "a plain image of a disc");
}
END_TEST

SUITE("import-proxmox", a_disk_whose_writes_are_thrown_away_is_left_out,
      limits_and_read_only_disks_are_no_matters_of_proxmox,
      what_a_line_says_of_its_card_is_about_the_first_function,
      a_primary_card_hides_the_hypervisor_and_with_a_bios_has_vga, a_watchdog_does_what_it_did_or_is_left_out,
      a_volume_is_where_its_kind_of_storage_has_it, a_volume_of_no_known_kind_is_left_out,
      a_map_has_a_use_and_a_folder, what_is_no_guest_of_ushers_is_refused,
      a_guest_without_a_card_of_its_own_keeps_its_screen, small_words_of_a_guest_are_in_a_list)
