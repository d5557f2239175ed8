/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "imports.h"

START_TEST(memory_of_a_domain_is_in_kibibytes_unless_it_says_otherwise)
{
    assert_says(IMPORT_LIBVIRT, DOMAIN("<memory>16777216</memory>"), "Size=16G");
    assert_says(IMPORT_LIBVIRT, DOMAIN("<memory unit='MiB'>8000</memory>"), "Size=8000M");
    assert_says(IMPORT_LIBVIRT, DOMAIN("<memory unit='GB'>1</memory>"), "Size=954M");
}
END_TEST

START_TEST(a_bare_number_of_a_command_line_or_of_proxmox_is_megabytes)
{
    assert_says(IMPORT_QEMU, "qemu-kvm\n-m\n8096", "Size=8096M");
    assert_says(IMPORT_QEMU, "qemu-kvm\n-m\nsize=12582912k", "Size=12G");
    assert_says(IMPORT_PROXMOX, "memory: 4096", "Size=4G");
}
END_TEST

START_TEST(functions_of_a_slot_become_one_section)
{
    assert_says(IMPORT_LIBVIRT, DEVICES(HOSTDEV("0b", "1", "") HOSTDEV("0c", "0", "") HOSTDEV("0b", "0", "")),
                "Address=0000:0b:00.0\nFunctions=0,1");
}
END_TEST

START_TEST(a_function_with_a_rom_of_its_own_has_a_section_of_its_own)
{
    g_autoptr(Import) found =
        import(IMPORT_LIBVIRT, DEVICES(HOSTDEV("07", "0", "<rom file='/srv/a.rom'/>") HOSTDEV(
                                   "07", "1", "<rom file='/srv/b.rom'/>") HOSTDEV("07", "2", "")));
    g_autofree char *text = draft_text(found->draft);

    ck_assert_msg(strstr(text, "Address=0000:07:00.0\nFunctions=0,2\nROM=/srv/a.rom\n"), "%s", text);
    ck_assert_msg(strstr(text, "Address=0000:07:00.1\nFunctions=1\nROM=/srv/b.rom\n"), "%s", text);
}
END_TEST

START_TEST(pins_are_in_the_order_of_the_vcpus)
{
    assert_says(
        IMPORT_LIBVIRT,
        DOMAIN(
            "<vcpu>2</vcpu><cputune><vcpupin vcpu='1' cpuset='9'/><vcpupin vcpu='0' cpuset='3'/></cputune>"),
        "Pin=3,9");
}
END_TEST

START_TEST(what_no_reader_knows_is_listed_with_its_line)
{
    g_autoptr(Import) found =
        import(IMPORT_LIBVIRT,
               "<domain type='kvm'>\n<name>a</name>\n<memory>2097152</memory>\n<launchSecurity type='sev'>\n"
               "<policy>3</policy></launchSecurity>\n<devices><emulator gpu='new'>/usr/bin/qemu</emulator>"
               "<input type='mouse' bus='usb' colour='red'/></devices></domain>");

    ck_assert(lists(found, DRAFT_LEFT, "<launchSecurity type='sev'> (line 4)"));
    ck_assert(lists(found, DRAFT_LEFT, "colour='red' of <input>"));
    assert_lists(IMPORT_QEMU, "qemu-kvm\n-m\n4G\n-frobnicate\nhard", DRAFT_LEFT, "-frobnicate hard (line 4)");
    assert_lists(IMPORT_QEMU, "qemu-kvm\n-machine\nq35,frob=on", DRAFT_LEFT, "frob=on of -machine");
    assert_lists(IMPORT_PROXMOX, "memory: 4096\nfrob: 1", DRAFT_LEFT, "frob: 1 (line 2)");
}
END_TEST

START_TEST(a_text_about_the_guest_that_is_not_its_description_is_listed)
{
    static const char both[] = DOMAIN("<title>short</title><description>long</description>"),
                      turned[] = DOMAIN("<description>long</description><title>short</title>"),
                      lines[] = DOMAIN("<description>first\nsecond</description>"),
                      notes[] = "#one\n#two\nmemory: 4096", hook[] = "#cpu_taskset 2-3%0Aone\ncores: 2";

    assert_says(IMPORT_LIBVIRT, both, "Description=short");
    assert_lists(IMPORT_LIBVIRT, both, DRAFT_LEFT, "<description>long");
    assert_says(IMPORT_LIBVIRT, turned, "Description=short");
    assert_lists(IMPORT_LIBVIRT, turned, DRAFT_LEFT, "<description>long");
    assert_says(IMPORT_LIBVIRT, lines, "Description=first");
    assert_lists(IMPORT_LIBVIRT, lines, DRAFT_LEFT, "has the first one");
    assert_says(IMPORT_PROXMOX, notes, "Description=one");
    assert_lists(IMPORT_PROXMOX, notes, DRAFT_LEFT, "#two");
    assert_says(IMPORT_PROXMOX, hook, "Description=one");
    assert_says(IMPORT_PROXMOX, hook, "Pin=2-3");
}
END_TEST

START_TEST(limits_of_a_device_are_listed_once)
{
    g_autoptr(Import) found = import(IMPORT_QEMU, "qemu-kvm\n-device\nvirtio-rng-pci,max-bytes=5,rate=3");

    ck_assert_uint_eq(count(found, DRAFT_LEFT, "random numbers"), 1);
}
END_TEST

START_TEST(what_the_parser_refuses_is_left_out_with_its_words)
{
    assert_lists(
        IMPORT_LIBVIRT,
        DEVICES("<disk type='file' device='disk'><driver type='qcow2'/><source file='/a.qcow2'/><target "
                "dev='sda' bus='sata'/><serial>has a blank</serial></disk>"),
        DRAFT_LEFT, "Serial=has a blank");
}
END_TEST

START_TEST(a_value_cannot_begin_another_line)
{
    g_autoptr(Import) found =
        import(IMPORT_LIBVIRT,
               DEVICES("<disk type='file'><driver type='raw'/><source file='/a&#10;[QEMU]&#10;Arguments=-x'/>"
                       "<target dev='vda' bus='virtio'/></disk><memballoon model='none'/>"
                       "<interface type='user'/>"));
    g_autofree char *text = draft_text(found->draft);

    ck_assert_ptr_null(strstr(text, "[QEMU]"));
    ck_assert(lists(found, DRAFT_LEFT, "no line of a definition can hold this value"));
}
END_TEST

START_TEST(a_disk_by_a_name_that_changes_is_left_out)
{
    assert_lists(IMPORT_LIBVIRT,
                 DEVICES("<disk type='block'><source dev='/dev/sdb'/><target dev='vda'/></disk><interface "
                         "type='user'/>"),
                 DRAFT_LEFT, "/dev/disk/by-id");
}
END_TEST

START_TEST(properties_that_libvirt_passes_on_find_their_device)
{
    assert_says(
        IMPORT_LIBVIRT,
        "<domain xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0' "
        "type='kvm'><name>a</name><devices>" HOSTDEV(
            "01", "0", "<alias name='hostdev0'/>") "</devices><q:commandline><q:arg value='-set'/><q:arg "
                                                   "value='device.hostdev0.x-pci-sub-vendor-id=4163'/>"
                                                   "</q:commandline></domain>",
        "SubVendorID=1043");
}
END_TEST

START_TEST(a_later_cpu_of_the_command_line_has_the_last_word)
{
    g_autoptr(Import) found =
        import(IMPORT_PROXMOX, "args: -cpu host,kvm=off\ncpu: host,flags=+aes\nostype: win11\nmemory: 4096");
    g_autofree char *text = draft_text(found->draft);

    ck_assert_ptr_nonnull(strstr(text, "HideHypervisor=yes"));
    ck_assert_ptr_null(strstr(text, "aes"));
    ck_assert(lists(found, DRAFT_DIFFERS, "-cpu"));
}
END_TEST

START_TEST(a_comma_that_is_doubled_is_one)
{
    assert_says(IMPORT_QEMU, "qemu-kvm\n-drive\nfile=/srv/a,,b.img,format=raw,if=virtio",
                "Path=/srv/a,b.img");
}
END_TEST

START_TEST(json_and_words_say_the_same)
{
    static const char words[] = "qemu-kvm\n-device\nvfio-pci,host=01:00.0,romfile=/r.rom";
    static const char json[] =
        "qemu-kvm\n-device\n{\"driver\":\"vfio-pci\",\"host\":\"0000:01:00.0\",\"romfile\":\"/r.rom\"}";
    g_autoptr(Import) a = import(IMPORT_QEMU, words), b = import(IMPORT_QEMU, json);
    g_autofree char *first = draft_text(a->draft), *second = draft_text(b->draft);

    ck_assert_str_eq(first, second);
}
END_TEST

START_TEST(a_command_line_may_be_a_scripts_or_that_of_a_process)
{
    static const char process[] = "qemu-kvm\0-m\0"
                                  "4G\0";
    g_autofree char *why = NULL;
    g_autoptr(Import) found =
        import_read(IMPORT_QEMU, "-", process, sizeof(process) - 1, NULL, &nowhere, &why);

    ck_assert_msg(found, "%s", why);
    assert_says(
        IMPORT_QEMU,
        "#!/bin/sh\nmodprobe vfio-pci\nsudo qemu-system-x86_64 -m 4G \\\n  -name 'My Box' \\\n -cpu host\n",
        "Size=4G");
    assert_refused(IMPORT_QEMU, "#!/bin/sh\nqemu-system-x86_64 -m $RAM\n", 37, "variables");
}
END_TEST

START_TEST(a_snapshot_of_proxmox_is_not_the_guest)
{
    g_autoptr(Import) found = import(IMPORT_PROXMOX, "memory: 4096\n\n[before]\nmemory: 2048\n");
    g_autofree char *text = draft_text(found->draft);

    ck_assert_ptr_nonnull(strstr(text, "Size=4G"));
    ck_assert(lists(found, DRAFT_LEFT, "[before]"));
}
END_TEST

START_TEST(a_volume_is_where_the_map_says)
{
    char *maps[] = {(char *)"tank=/dev/zvol/tank", NULL};
    ImportOptions options = {maps, "/nonexistent"};
    static const char text[] = "memory: 4096\nscsi0: tank:vm-1-disk-0,size=4G\n";
    g_autofree char *why = NULL;
    g_autoptr(Import) found = import_read(IMPORT_PROXMOX, "-", text, strlen(text), NULL, &options, &why);
    g_autofree char *definition = draft_text(found->draft);

    ck_assert_ptr_nonnull(strstr(definition, "\nPath=/dev/zvol/tank/vm-1-disk-0\n"));
    assert_lists(IMPORT_PROXMOX, text, DRAFT_LEFT, "pvesm path tank:vm-1-disk-0");
}
END_TEST

START_TEST(what_is_no_guest_is_refused_with_its_place)
{
    static const char doctype[] =
        "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>\n<domain>&x;</domain>";
    static const char unclosed[] = "<domain>\n<a>\n</domain>", network[] = "<network/>",
                      nul[] = "<domain>\n\0</domain>";
    g_autofree char *deep = g_strnfill(300000, 'x');

    for (size_t i = 0; i + 3 <= 300000; i += 3)
        memcpy(deep + i, "<a>", 3);
    assert_refused(IMPORT_LIBVIRT, doctype, strlen(doctype), "DOCTYPE");
    assert_refused(IMPORT_LIBVIRT, unclosed, strlen(unclosed), "x:3: ");
    assert_refused(IMPORT_LIBVIRT, network, strlen(network), "no domain");
    assert_refused(IMPORT_LIBVIRT, nul, sizeof(nul) - 1, "x:2: byte 0x00");
    assert_refused(IMPORT_LIBVIRT, deep, 300000, "levels");
    assert_refused(IMPORT_PROXMOX, "memory 4096", 11, "x:1: ");
    assert_refused(IMPORT_QEMU, "ls\n-l", 5, "starts QEMU; import reads domains of libvirt");
    assert_refused(IMPORT_LIBVIRT, "", 0, "empty");
    assert_refused(IMPORT_LIBVIRT, "<domain/>", 9, "nothing");
}
END_TEST

START_TEST(the_text_tells_its_format)
{
    ck_assert_int_eq(import_format_guess("\n<?xml version='1.0'?><domain/>", 30), IMPORT_LIBVIRT);
    ck_assert_int_eq(import_format_guess("#note\ncores: 4\n", 15), IMPORT_PROXMOX);
    ck_assert_int_eq(import_format_guess("qemu-kvm\n-m\n4G\n", 15), IMPORT_QEMU);
    ck_assert_int_eq(import_format_guess("/usr/bin/kvm\0-m\0", 16), IMPORT_QEMU);
    ck_assert_int_eq(import_format_guess("#!/bin/bash\nqemu-kvm -m 4G", 26), IMPORT_QEMU);
}
END_TEST

START_TEST(a_guest_has_a_valid_name)
{
    g_autofree char *plain = import_guest_name("Windows 11 (Büro)"), *none = import_guest_name("---");

    ck_assert_str_eq(plain, "windows-11--b--ro");
    ck_assert_str_eq(none, "imported");
}
END_TEST

SUITE("import", memory_of_a_domain_is_in_kibibytes_unless_it_says_otherwise,
      a_bare_number_of_a_command_line_or_of_proxmox_is_megabytes, functions_of_a_slot_become_one_section,
      a_function_with_a_rom_of_its_own_has_a_section_of_its_own, pins_are_in_the_order_of_the_vcpus,
      what_no_reader_knows_is_listed_with_its_line,
      a_text_about_the_guest_that_is_not_its_description_is_listed, limits_of_a_device_are_listed_once,
      what_the_parser_refuses_is_left_out_with_its_words, a_value_cannot_begin_another_line,
      a_disk_by_a_name_that_changes_is_left_out, properties_that_libvirt_passes_on_find_their_device,
      a_later_cpu_of_the_command_line_has_the_last_word, a_comma_that_is_doubled_is_one,
      json_and_words_say_the_same, a_command_line_may_be_a_scripts_or_that_of_a_process,
      a_snapshot_of_proxmox_is_not_the_guest, a_volume_is_where_the_map_says,
      what_is_no_guest_is_refused_with_its_place, the_text_tells_its_format, a_guest_has_a_valid_name)
