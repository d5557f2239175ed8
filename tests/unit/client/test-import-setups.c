/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What people have in their setups, and what becomes of it. */
#include <stdlib.h>

#include "imports.h"

static void assert_needs_no_qemu_section(const char *text)
{
    g_autoptr(Import) found = import(IMPORT_QEMU, text);
    g_autofree char *definition = draft_text(found->draft);

    ck_assert_msg(!strstr(definition, "[QEMU]"), "%s", definition);
}

START_TEST(what_a_key_says_is_no_line_of_qemus)
{
    static const char igd[] = "qemu-kvm\n-device\nvfio-pci,host=00:02.0,x-igd-opregion=on,x-igd-gms=2";
    static const char others[] = "qemu-kvm\n-acpitable\nfile=/srv/a.aml\n-acpitable\nfile=/srv/slic.bin\n"
                                 "-device\nisa-applesmc,osk=the key\n-global\nICH9-LPC.acpi-pci-hotplug-"
                                 "with-bridge-support=off\n-global\npcie-root-port.x-speed=8\n-smbios\n"
                                 "type=3,manufacturer=A";

    assert_says(IMPORT_QEMU, igd, "GraphicsMemory=64M");
    assert_lists(IMPORT_QEMU, igd, DRAFT_DIFFERS, "OpRegion by itself");
    assert_needs_no_qemu_section(igd);
    assert_says(IMPORT_QEMU, others, "HotPlug=native");
    assert_says(IMPORT_QEMU, others, "ACPITable=/srv/a.aml\nACPITable=/srv/slic.bin");
    assert_says(IMPORT_QEMU, others, "AppleSMC=the key");
    assert_lists(IMPORT_QEMU, others, DRAFT_LEFT, "-smbios type=3");
    assert_needs_no_qemu_section(others);
}
END_TEST

START_TEST(a_sound_card_stays_where_its_server_is_not_said)
{
    assert_says(IMPORT_QEMU,
                "qemu-kvm\n-audiodev\nalsa,id=a\n-device\nich9-intel-hda\n-device\nhda-duplex,audiodev=a",
                "[Sound]\nType=silent");
    assert_lists(IMPORT_LIBVIRT, DEVICES("<sound model='ich9'/><audio id='1' type='none'/>"), DRAFT_DIFFERS,
                 "nobody hears");
}
END_TEST

START_TEST(an_image_whose_key_only_libvirt_has_is_left_out)
{
    static const char luks[] = DEVICES(
        "<disk type='file'><driver type='raw'/><source file='/srv/a.img'><encryption format='luks'/></source>"
        "<target dev='vda' bus='virtio'/></disk><interface type='user'/>");
    g_autoptr(Import) found = import(IMPORT_LIBVIRT, luks);
    g_autofree char *text = draft_text(found->draft);

    ck_assert_ptr_null(strstr(text, "a.img"));
    ck_assert(lists(found, DRAFT_LEFT, "encrypted (LUKS)"));
}
END_TEST

START_TEST(a_session_of_pipewire_becomes_the_socket_below)
{
    assert_says(IMPORT_LIBVIRT,
                DEVICES("<sound model='ich9'/><audio id='1' type='pipewire' runtimeDir='/run/user/1000'/>"),
                "Type=pipewire\nSocket=/run/user/1000/pulse/native");
}
END_TEST

START_TEST(a_clock_of_another_place_goes_by_its_zone)
{
    static const char zone[] = DOMAIN("<clock offset='timezone' timezone='Europe/Berlin'/>"),
                      absolute[] = DOMAIN("<memory>2097152</memory><clock offset='absolute' start='1'/>");

    static const char strange[] = DOMAIN("<clock offset='timezone' timezone='Europe/../etc'/>");

    assert_says(IMPORT_LIBVIRT, zone, "Base=Europe/Berlin");
    assert_lists(IMPORT_LIBVIRT, strange, DRAFT_LEFT, "Europe/../etc");
    assert_lists(IMPORT_LIBVIRT, absolute, DRAFT_LEFT, "always starts at the host's time");
}
END_TEST

START_TEST(a_network_of_passt_keeps_its_ports)
{
    static const char passt[] = DEVICES(
        "<interface type='user'><backend type='passt'/><source dev='enp5s0'/><portForward proto='tcp' "
        "address='127.0.0.1'><range start='2222' to='22'/></portForward></interface>");

    assert_says(IMPORT_LIBVIRT, passt, "Mode=user\nForward=tcp:127.0.0.1:2222:22\nModel=rtl8139");
    assert_lists(IMPORT_LIBVIRT, passt, DRAFT_DIFFERS, "passt");
    assert_says(IMPORT_QEMU, "qemu-kvm\n-nic\npasst,model=virtio", "Mode=user");
}
END_TEST

START_TEST(disks_with_a_number_come_before_the_order_by_kinds)
{
    static const char two[] =
        "qemu-kvm\n-device\nnvme,drive=a,bootindex=1\n-drive\nif=none,id=a,format=raw,file=/a.img\n"
        "-drive\nif=virtio,format=raw,file=/b.img\n-boot\nc";

    assert_says(IMPORT_QEMU, two, "Bus=nvme\nBootIndex=1");
    assert_says(IMPORT_QEMU, two, "Bus=virtio-blk\nBootIndex=2");
}
END_TEST

START_TEST(what_the_shell_does_behind_qemu_is_not_qemus)
{
    g_autoptr(Import) found = import(
        IMPORT_QEMU,
        "#!/bin/sh\nsudo taskset -c 4-15 qemu-system-x86_64 -m 8G \\\n -name 'my vm' > /tmp/log 2>&1 &\n");
    g_autofree char *text = draft_text(found->draft);

    ck_assert_ptr_nonnull(strstr(text, "Size=8G"));
    ck_assert(!lists(found, DRAFT_LEFT, "/tmp/log"));
    ck_assert(!lists(found, DRAFT_LEFT, "relative path"));
}
END_TEST

START_TEST(room_for_large_devices_is_said_by_its_key)
{
    static const char room[] = "qemu-kvm\n-bios\nOVMF.fd\n-fw_cfg\nopt/ovmf/X-PciMmio64Mb,string=65536";

    assert_says(IMPORT_QEMU, room, "MMIO64=64G");
    assert_needs_no_qemu_section(room);
}
END_TEST

START_TEST(a_disk_of_a_network_is_no_path)
{
    assert_lists(IMPORT_QEMU, "qemu-kvm\n-drive\nfile=nvme://0000:03:00.0/1,if=virtio,format=raw", DRAFT_LEFT,
                 "image files and block devices");
}
END_TEST

START_TEST(what_would_keep_a_guest_from_starting_is_no_line_of_qemus)
{
    assert_needs_no_qemu_section(
        "qemu-kvm\n-device\nintel-iommu,intremap=on\n-device\nvhost-vsock-pci,guest-cid=3\n"
        "-device\nvfio-pci,sysfsdev=/sys/bus/mdev/devices/"
        "c2177883-f1bb-47f0-914d-32a22e3a8804,display=on,ramfb=on");
}
END_TEST

START_TEST(a_known_loss_has_its_reason)
{
    static const char tuned[] =
        DOMAIN("<vcpu>2</vcpu><cputune><vcpusched vcpus='0' scheduler='rr'/></cputune>"
               "<on_reboot>preserve</on_reboot>");
    static const char proxmox[] =
        "memory: 1024\nunused0: a:b\nciuser: me\nusb0: mapping=stick\n\n[PENDING]\nmemory: 2";

    assert_lists(IMPORT_LIBVIRT, tuned, DRAFT_LEFT, "real-time scheduler");
    assert_lists(IMPORT_LIBVIRT, tuned, DRAFT_LEFT, "a guest that has ended keeps no QEMU");
    assert_says(IMPORT_LIBVIRT, DOMAIN("<os><smbios mode='host'/></os>"), "[SMBIOS]\nHost=yes");
    assert_lists(IMPORT_PROXMOX, proxmox, DRAFT_LEFT, "does not use");
    assert_lists(IMPORT_PROXMOX, proxmox, DRAFT_LEFT, "cloud-init");
    assert_lists(IMPORT_PROXMOX, proxmox, DRAFT_LEFT, "add a [USB] section");
    assert_lists(IMPORT_PROXMOX, proxmox, DRAFT_LEFT, "next start");
}
END_TEST

START_TEST(numbers_of_the_boot_order_fit_their_key)
{
    static const char pve[] =
        "kvm\n-machine\ntype=pc-q35-9.0+pve0\n-drive\nif=none,id=a,format=raw,file=/a.img\n-device\n"
        "scsi-hd,drive=a,bootindex=101\n-drive\nif=none,id=b,format=raw,file=/b.img\n-device\n"
        "scsi-block,drive=b,bootindex=100";

    assert_says(IMPORT_QEMU, pve, "Path=/a.img\nFormat=raw\nBus=virtio-scsi\nBootIndex=2");
    assert_says(IMPORT_QEMU, pve, "Path=/b.img\nFormat=raw\nBus=virtio-scsi\nBootIndex=1");
    assert_says(IMPORT_QEMU, pve, "Machine=pc-q35-9.0");
    assert_lists(IMPORT_QEMU, pve, DRAFT_LEFT, "SCSI commands do not reach");
    assert_says(IMPORT_LIBVIRT, DEVICES(HOSTDEV("01", "0", "<boot order='0'/>")), "BootIndex=1");
}
END_TEST

START_TEST(uefi_in_place_of_a_bios_stays_uefi)
{
    static const char rom[] =
        DOMAIN("<memory>2097152</memory><os><loader type='rom'>/usr/share/ovmf/OVMF.fd</loader></os>");

    assert_says(IMPORT_LIBVIRT, rom, "Type=uefi");
    assert_lists(IMPORT_LIBVIRT, rom, DRAFT_DIFFERS, "remembers nothing");
    assert_says(IMPORT_QEMU, "qemu-kvm\n-bios\n/usr/share/seabios/bios.bin", "Type=bios");
}
END_TEST

START_TEST(an_image_of_another_format_is_left_out_once)
{
    static const char vmdk[] = "qemu-kvm\n-drive\nif=virtio,format=vmdk,file=/srv/a.vmdk\n-boot\nc";
    g_autoptr(Import) found = import(IMPORT_QEMU, vmdk);
    const GPtrArray *items = draft_list(found->draft, DRAFT_LEFT);
    unsigned n = 0;

    for (unsigned i = 0; i < items->len; i++)
        n += strstr(items->pdata[i], "vmdk") != NULL;
    ck_assert_uint_eq(n, 1);
    assert_lists(IMPORT_QEMU, vmdk, DRAFT_LEFT, "qemu-img convert -O qcow2 /srv/a.vmdk");
}
END_TEST

START_TEST(small_words_of_a_domain_are_in_a_list)
{
    static const char text[] =
        "<domain xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0' type='kvm'><name>a</name><devices>"
        "<interface type='bridge'><source bridge='br0' portgroup='dmz'/></interface>"
        "<graphics type='vnc' keymap='de'/><video><model type='vga'/></video>"
        "<input type='evdev'><source dev='/dev/input/by-id/k-event-kbd' grab='all' repeat='off'/></input>"
        "<rng model='virtio'><rate bytes='1024'/><backend model='random'>/dev/urandom</backend></rng>"
        "<sound model='ich9'/></devices><q:commandline><q:env name='PULSE_SERVER' value='/run/p'/>"
        "</q:commandline></domain>";

    assert_lists(IMPORT_LIBVIRT, text, DRAFT_LEFT, "portgroup='dmz'");
    assert_lists(IMPORT_LIBVIRT, text, DRAFT_LEFT, "keymap: the keys' layout");
    assert_lists(IMPORT_LIBVIRT, text, DRAFT_LEFT, "repeat: a keyboard");
    assert_lists(IMPORT_LIBVIRT, text, DRAFT_LEFT, "random numbers");
    assert_lists(IMPORT_LIBVIRT, text, DRAFT_LEFT, "the sound server /run/p");
}
END_TEST

START_TEST(a_disk_that_may_be_missing_stays_one)
{
    static const char cd[] =
        DEVICES("<disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source "
                "file='/a.iso' startupPolicy='%s'/><target dev='sda' bus='sata'/></disk>");
    static const char *const policies[][2] = {
        {"optional", "Optional=yes"}, {"requisite", "Optional=no"}, {"mandatory", "Optional=no"}};

    for (size_t i = 0; i < G_N_ELEMENTS(policies); i++) {
        g_auto(GStrv) parts = g_strsplit(cd, "%s", 2);
        g_autofree char *text = g_strjoin(policies[i][0], parts[0], parts[1], NULL);
        assert_says(IMPORT_LIBVIRT, text, policies[i][1]);
    }
}
END_TEST

START_TEST(zeroes_are_looked_for_as_before)
{
    static const char thin[] =
        "qemu-kvm\n-drive\nif=virtio,format=raw,file=/a.img,discard=unmap,detect-zeroes=unmap";
    static const char fat[] = DEVICES("<disk type='file'><driver type='raw' detect_zeroes='unmap'/><source "
                                      "file='/a.img'/><target dev='vda' bus='virtio'/></disk>");

    assert_says(IMPORT_QEMU, thin, "DetectZeroes=unmap");
    assert_says(IMPORT_LIBVIRT, fat, "DetectZeroes=on");
    assert_says(IMPORT_PROXMOX, "scsi0: /a.raw,size=1G\n", "DetectZeroes=on");
}
END_TEST

/* A host with a headset at port 1-2.3, as bus 1 has it now. */
START_TEST(a_usb_device_by_its_numbers_gets_a_name_that_stays)
{
    g_autofree char *root = g_dir_make_tmp("usher-import-XXXXXX", NULL), *why = NULL;
    g_autofree char *command = g_strdup_printf(
        "cd %s && d=sys/devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2.3 && mkdir -p $d sys/bus/usb/devices && "
        "echo 1 >$d/busnum && echo 7 >$d/devnum && echo 046d >$d/idVendor && echo 0a8f >$d/idProduct && "
        "ln -s ../../../devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2.3 sys/bus/usb/devices/1-2.3",
        root);
    static const char text[] = "qemu-kvm\n-device\nusb-host,hostbus=1,hostaddr=7";

    ck_assert_int_eq(system(command), 0);
    const ImportOptions here = {NULL, root};
    g_autoptr(Import) found = import_read(IMPORT_QEMU, "-", text, strlen(text), NULL, &here, &why);
    g_autofree char *definition = draft_text(found->draft);
    ck_assert_msg(strstr(definition, "ID=046d:0a8f\nPort=pci-0000:00:14.0-usb-0:2.3\n"), "%s", definition);
    ck_assert(lists(found, DRAFT_DIFFERS, "change with each plugging"));
    g_autofree char *clean = g_strconcat("rm -r ", root, NULL);
    ck_assert_int_eq(system(clean), 0);
}
END_TEST

START_TEST(a_usb_device_by_numbers_that_mean_nothing_here_is_left_out)
{
    assert_lists(IMPORT_QEMU, "qemu-kvm\n-device\nusb-host,hostbus=1,hostaddr=7", DRAFT_LEFT, "lsusb");
    assert_lists(IMPORT_LIBVIRT,
                 DEVICES("<hostdev mode='subsystem' type='usb'><source><address bus='1' device='7'/></source>"
                         "</hostdev>"),
                 DRAFT_LEFT, "lsusb");
}
END_TEST

START_TEST(the_watchdog_of_the_chipset_stays_that)
{
    assert_says(IMPORT_LIBVIRT, DEVICES("<watchdog model='itco' action='pause'/>"),
                "Action=pause\nModel=itco");
    assert_says(IMPORT_QEMU, "qemu-kvm\n-watchdog-action\nreset\n-global\nICH9-LPC.noreboot=off",
                "Action=reset\nModel=itco");
}
END_TEST

SUITE("import-setups", a_disk_that_may_be_missing_stays_one, zeroes_are_looked_for_as_before,
      a_usb_device_by_its_numbers_gets_a_name_that_stays,
      a_usb_device_by_numbers_that_mean_nothing_here_is_left_out, the_watchdog_of_the_chipset_stays_that,
      room_for_large_devices_is_said_by_its_key, what_a_key_says_is_no_line_of_qemus,
      a_sound_card_stays_where_its_server_is_not_said, an_image_whose_key_only_libvirt_has_is_left_out,
      a_session_of_pipewire_becomes_the_socket_below, a_clock_of_another_place_goes_by_its_zone,
      a_network_of_passt_keeps_its_ports, disks_with_a_number_come_before_the_order_by_kinds,
      what_the_shell_does_behind_qemu_is_not_qemus, a_disk_of_a_network_is_no_path,
      what_would_keep_a_guest_from_starting_is_no_line_of_qemus, a_known_loss_has_its_reason,
      numbers_of_the_boot_order_fit_their_key, uefi_in_place_of_a_bios_stays_uefi,
      an_image_of_another_format_is_left_out_once, small_words_of_a_domain_are_in_a_list)
