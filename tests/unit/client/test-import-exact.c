/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What cannot be said exactly is left out: an import lends and opens nothing that its source did not. */
#include "imports.h"

static void assert_lacks(ImportFormat format, const char *text, const char *words)
{
    g_autoptr(Import) found = import(format, text);
    g_autofree char *definition = draft_text(found->draft);

    ck_assert_msg(!strstr(definition, words), "%s\nis in\n%s", words, definition);
}

#define ADDRESS(domain, bus, slot, function)                                                                 \
    "<address domain='" domain "' bus='" bus "' slot='" slot "' function='" function "'/>"
#define LENT(address)                                                                                        \
    DOMAIN("<memory>2097152</memory><devices><hostdev mode='subsystem' type='pci'><source>" address          \
           "</source></hostdev></devices>")

START_TEST(an_address_that_fits_no_device_is_cut_to_none)
{
    static const char *const wrong[] = {ADDRESS("0x10000", "0x01", "0x00", "0x0"),
                                        ADDRESS("0x0", "0x1ff", "0x00", "0x0"),
                                        ADDRESS("0x0", "0x01", "0x20", "0x0"),
                                        ADDRESS("0x0", "0x01", "0x00", "0x8"),
                                        ADDRESS("0x0", "-255", "0x00", "0x0"),
                                        ADDRESS("0x0", "0x01", "0x00", "0x1z"),
                                        "<address domain='0x0000'/>"};

    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autofree char *text =
            g_strconcat("<domain type='kvm'><memory>2097152</memory><devices><hostdev "
                        "mode='subsystem' type='pci'><source>",
                        wrong[i], "</source><rom bar='off'/></hostdev></devices></domain>", NULL);
        assert_lacks(IMPORT_LIBVIRT, text, "[PCI");
        assert_lists(IMPORT_LIBVIRT, text, DRAFT_LEFT, "no address of a device");
    }
    assert_says(IMPORT_LIBVIRT, LENT(ADDRESS("0xffff", "0xff", "0x1f", "0x7")), "Address=ffff:ff:1f.7");
}
END_TEST

START_TEST(a_disk_or_card_by_its_controller_has_an_exact_address_too)
{
    assert_lacks(IMPORT_LIBVIRT,
                 DOMAIN("<memory>2097152</memory><devices><disk type='nvme' device='disk'><source type='pci' "
                        "namespace='1'>" ADDRESS("0x10000", "0x01", "0x00",
                                                 "0x0") "</source><target dev='vda'/></disk><interface "
                                                        "type='hostdev'><source>" ADDRESS(
                                                            "0x0", "0x101", "0x00",
                                                            "0x0") "</source></interface></devices>"),
                 "[PCI");
}
END_TEST

START_TEST(a_disk_that_was_read_only_stays_so)
{
    static const char usb[] = DEVICES("<disk type='file' device='disk'><driver type='raw'/><source "
                                      "file='/srv/a.img'/><target dev='sda' bus='usb'/><readonly/></disk>");
    static const char stays[] = "Format=raw\nBus=virtio-scsi\nReadOnly=yes";

    assert_says(IMPORT_LIBVIRT, usb, stays);
    assert_lists(IMPORT_LIBVIRT, usb, DRAFT_DIFFERS, "the guest needs its driver");
    assert_says(IMPORT_QEMU,
                "qemu-kvm\n-drive\nfile=/srv/a.img,format=raw,if=none,id=a,readonly=on\n-device\n"
                "usb-storage,drive=a",
                stays);
    assert_says(IMPORT_QEMU, "qemu-kvm\n-drive\nfile=/srv/a.img,format=raw,if=ide,readonly", stays);
    assert_says(IMPORT_QEMU,
                "qemu-kvm\n-blockdev\n{\"driver\":\"file\",\"filename\":\"/srv/a.img\",\"node-name\":"
                "\"s\",\"read-only\":true}\n-blockdev\n{\"node-name\":\"f\",\"driver\":\"raw\","
                "\"file\":\"s\"}\n-device\n{\"driver\":\"usb-storage\",\"drive\":\"f\"}",
                stays);
    assert_says(IMPORT_LIBVIRT,
                DEVICES("<disk type='file' device='cdrom'><source file='/srv/a.iso'/><target dev='sda' "
                        "bus='usb'/><readonly/></disk>"),
                "Path=/srv/a.iso\nBus=sata");
}
END_TEST

#define DISK(more)                                                                                           \
    DOMAIN("<memory>2097152</memory><devices><disk type='file' device='disk'><driver type='raw'/>" more      \
           "<target dev='vda' bus='virtio'/></disk></devices>")

static void assert_leaves_disk(ImportFormat format, const char *text, const char *why)
{
    assert_lacks(format, text, "[Disk");
    assert_lists(format, text, DRAFT_LEFT, why);
}

START_TEST(a_part_of_a_disk_does_not_become_the_whole)
{
    assert_leaves_disk(IMPORT_LIBVIRT,
                       DISK("<source file='/srv/a.img'><slices><slice type='storage' offset='512' "
                            "size='1024'/></slices></source>"),
                       "is a part of the file");
    assert_leaves_disk(IMPORT_QEMU, "qemu-kvm\n-m\n4G\n-drive\nfile=/srv/a.img,format=raw,offset=512",
                       "is a part of the file");
    assert_leaves_disk(IMPORT_QEMU,
                       "qemu-kvm\n-m\n4G\n-blockdev\ndriver=qcow2,node-name=d,file.driver=raw,file.size=1M,"
                       "file.file.driver=file,file.file.filename=/srv/a\n-device\nvirtio-blk-pci,drive=d",
                       "is a part of the file");
    assert_leaves_disk(
        IMPORT_QEMU,
        "qemu-kvm\n-m\n4G\n-blockdev\n{\"driver\":\"host_device\",\"filename\":\"/dev/pve/a\","
        "\"node-name\":\"s\"}\n-blockdev\n{\"driver\":\"raw\",\"file\":\"s\",\"offset\":1048576,"
        "\"node-name\":\"d\"}\n-device\nscsi-hd,drive=d",
        "is a part of the file");
}
END_TEST

START_TEST(a_disk_without_a_file_is_left_out_by_name)
{
    static const char *const kinds[] = {
        "<disk type='block' device='lun'><target dev='sda' bus='scsi'/></disk>",
        "<disk type='file' device='disk'><target dev='sda' bus='sata'/></disk>",
        "<disk type='volume' device='disk'><target dev='sda'/></disk>"};

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *text = g_strconcat("<domain type='kvm'><memory>2097152</memory><devices>", kinds[i],
                                            "</devices></domain>", NULL);
        assert_leaves_disk(IMPORT_LIBVIRT, text, "has no file and no device");
    }
}
END_TEST

START_TEST(a_disk_that_forgets_does_not_become_one_that_keeps)
{
    assert_leaves_disk(IMPORT_LIBVIRT, DISK("<source file='/srv/a.img'/><transient/>"), "is forgotten");
    assert_leaves_disk(IMPORT_QEMU, "qemu-kvm\n-m\n4G\n-drive\nfile=/srv/a.img,format=raw,snapshot=on",
                       "is forgotten");
    assert_leaves_disk(IMPORT_QEMU, "qemu-kvm\n-m\n4G\n-snapshot\n-hda\n/srv/a.img", "is forgotten");
    assert_says(IMPORT_QEMU, "qemu-kvm\n-m\n4G\n-drive\nfile=/srv/a.img,format=raw,snapshot=off",
                "Path=/srv/a.img");
}
END_TEST

static void assert_first_is(const char *text, const char *first, const char *second)
{
    g_autoptr(Import) found = import(IMPORT_QEMU, text);
    g_autofree char *definition = draft_text(found->draft);
    const char *a = strstr(definition, first), *b = strstr(definition, second);

    ck_assert_msg(a && b && a < b, "%s", definition);
}

START_TEST(disks_are_in_the_order_of_their_places)
{
    assert_first_is("qemu-kvm\n-m\n4G\n-drive\nfile=/srv/b.img,format=raw,index=1\n-drive\n"
                    "file=/srv/a.img,format=raw,index=0",
                    "/srv/a.img", "/srv/b.img");
    assert_first_is("qemu-kvm\n-m\n4G\n-hdb\n/srv/b.img\n-drive\nfile=/srv/a.img,format=raw", "/srv/a.img",
                    "/srv/b.img");
    assert_first_is("qemu-kvm\n-m\n4G\n-drive\nfile=/srv/b.img,format=raw,if=virtio\n-drive\n"
                    "file=/srv/a.img,format=raw,if=virtio",
                    "/srv/b.img", "/srv/a.img");
    assert_first_is("qemu-kvm\n-m\n4G\n-drive\nfile=/srv/b.img,format=raw,if=none,id=b\n-drive\n"
                    "file=/srv/a.img,format=raw,if=none,id=a\n-device\nide-hd,bus=ide.1,drive=b\n-device\n"
                    "ide-hd,bus=ide.0,drive=a",
                    "/srv/a.img", "/srv/b.img");
    assert_first_is("qemu-kvm\n-m\n4G\n-drive\nif=pflash,unit=1,format=raw,file=/srv/v.fd\n-drive\n"
                    "if=pflash,unit=0,format=raw,file=/srv/code.fd",
                    "/srv/code.fd", "/srv/v.fd");
}
END_TEST

START_TEST(only_the_default_network_is_known_to_be_nat)
{
    static const char isolated[] =
        DOMAIN("<memory>2097152</memory><devices><interface type='network'><source network='isolated' "
               "bridge='virbr2'/></interface></devices>");
    static const char unknown[] = DOMAIN("<memory>2097152</memory><devices><interface type='network'><mac "
                                         "address='52:54:00:00:00:01'/><source network='isolated'/>"
                                         "</interface></devices>");

    assert_says(IMPORT_LIBVIRT, isolated, "Mode=bridge\nBridge=virbr2");
    assert_lists(IMPORT_LIBVIRT, isolated, DRAFT_DIFFERS, "libvirt must have started it");
    assert_lacks(IMPORT_LIBVIRT, unknown, "[Network");
    assert_lists(IMPORT_LIBVIRT, unknown, DRAFT_LEFT, "virsh net-dumpxml isolated");
    assert_says(IMPORT_LIBVIRT, DEVICES("<interface type='network'><source network='default'/></interface>"),
                "Mode=nat");
}
END_TEST

static void assert_refuses(ImportFormat format, const char *text, const char *why)
{
    assert_refused(format, text, strlen(text), why);
}

START_TEST(a_guest_of_another_kind_is_refused)
{
    static const char error[] = "error: failed to get domain 'win'\n";

    assert_refuses(IMPORT_LIBVIRT, "<domain type='xen'><memory>2097152</memory></domain>",
                   "x:1: usher's guests");
    assert_refuses(IMPORT_LIBVIRT, "<domain type='lxc'><memory>2097152</memory></domain>", "not lxc");
    assert_refuses(
        IMPORT_LIBVIRT,
        "<domain type='kvm'><memory>2097152</memory><os><type arch='aarch64'>hvm</type></os></domain>",
        "not aarch64");
    assert_refuses(IMPORT_LIBVIRT, DOMAIN("<memory>2097152</memory>") "\n" DOMAIN(""),
                   "x:2: the file has another <domain>");
    ck_assert_int_eq(import_format_guess(error, strlen(error)), IMPORT_LIBVIRT);
    assert_refuses(IMPORT_LIBVIRT, error, "x:1: the file has virsh's words");
}
END_TEST

START_TEST(what_follows_a_panic_stays)
{
    static const char panic[] = "<devices><panic model='isa'/></devices>";
    g_autofree char *restart = g_strconcat("<domain type='kvm'><on_crash>restart</on_crash>", panic,
                                           "</domain>", NULL),
                    *preserve = g_strconcat("<domain type='kvm'><on_crash>preserve</on_crash>", panic,
                                            "</domain>", NULL),
                    *destroy = g_strconcat("<domain type='kvm'><on_crash>destroy</on_crash>", panic,
                                           "</domain>", NULL);

    assert_says(IMPORT_LIBVIRT, restart, "OnPanic=reset");
    assert_says(IMPORT_LIBVIRT, preserve, "OnPanic=pause");
    assert_says(IMPORT_LIBVIRT, destroy, "OnPanic=fail");
    assert_says(IMPORT_QEMU, "qemu-kvm\n-action\npanic=pause\n-device\npvpanic", "OnPanic=pause");
    assert_says(IMPORT_QEMU, "qemu-kvm\n-device\npvpanic\n-action\npanic=none", "OnPanic=ignore");
    assert_says(IMPORT_QEMU, "qemu-kvm\n-device\npvpanic", "OnPanic=fail");
}
END_TEST

START_TEST(what_follows_an_end_stays)
{
    assert_says(IMPORT_LIBVIRT, DOMAIN("<memory>2097152</memory><on_poweroff>restart</on_poweroff>"),
                "OnPowerOff=restart");
    assert_says(IMPORT_LIBVIRT, DOMAIN("<memory>2097152</memory><on_reboot>destroy</on_reboot>"),
                "OnReboot=stop");
    assert_says(IMPORT_QEMU, "qemu-kvm\n-no-reboot", "OnReboot=stop");
    assert_says(IMPORT_QEMU, "qemu-kvm\n-action\nreboot=shutdown,panic=pause", "OnReboot=stop");
}
END_TEST

#define WATCHDOG(action)                                                                                     \
    DOMAIN("<memory>2097152</memory><devices><watchdog model='i6300esb' action='" action "'/></devices>")

START_TEST(a_watchdog_does_no_more_than_it_did)
{
    assert_lacks(IMPORT_LIBVIRT, WATCHDOG("inject-nmi"), "[Watchdog]");
    assert_lists(IMPORT_LIBVIRT, WATCHDOG("inject-nmi"), DRAFT_LEFT, "does not do inject-nmi");
    assert_lists(IMPORT_LIBVIRT, WATCHDOG("dump"), DRAFT_LEFT, "does not do dump");
    assert_says(IMPORT_LIBVIRT, WATCHDOG("none"), "Action=ignore");
    assert_says(IMPORT_QEMU, "qemu-kvm\n-action\nwatchdog=pause\n-device\ni6300esb", "Action=pause");
    assert_says(IMPORT_QEMU, "qemu-kvm\n-device\ni6300esb\n-action\nwatchdog=none", "Action=ignore");
    assert_says(IMPORT_QEMU, "qemu-kvm\n-watchdog-action\npause\n-watchdog\ni6300esb", "Action=pause");
    assert_lists(IMPORT_QEMU, "qemu-kvm\n-m\n4G\n-device\ni6300esb\n-watchdog-action\ninject-nmi", DRAFT_LEFT,
                 "does not do inject-nmi");
    assert_lacks(IMPORT_QEMU, "qemu-kvm\n-m\n4G\n-watchdog-action\npause", "[Watchdog]");
}
END_TEST

#define PINS(vcpus, set, more)                                                                               \
    DOMAIN("<memory>2097152</memory><vcpu" set ">" vcpus "</vcpu><cputune>" more "</cputune>")
#define PIN(vcpu, set) "<vcpupin vcpu='" vcpu "' cpuset='" set "'/>"

START_TEST(host_cpus_that_vcpus_share_are_said_as_pin_takes_them)
{
    static const char more[] = PINS("2", " cpuset='0-3'", ""), equal[] = PINS("4", " cpuset='0-3'", ""),
                      fewer[] = PINS("4", " cpuset='0-1'", "<emulatorpin cpuset='7'/>");

    assert_says(IMPORT_LIBVIRT, more, "Pin=0-3");
    assert_says(IMPORT_LIBVIRT, equal, "Pin=0-3");
    assert_lists(IMPORT_LIBVIRT, equal, DRAFT_DIFFERS, "each vCPU gets one host CPU");
    assert_lacks(IMPORT_LIBVIRT, fewer, "Pin=");
    assert_lists(IMPORT_LIBVIRT, fewer, DRAFT_LEFT, "AllowedCPUs=0-1");
    assert_lists(IMPORT_LIBVIRT, fewer, DRAFT_LEFT, "EmulatorPin= means nothing without Pin=");
    assert_lists(IMPORT_PROXMOX, "cores: 4\naffinity: 0-3", DRAFT_DIFFERS, "each vCPU gets one host CPU");
    assert_lists(IMPORT_PROXMOX, "cores: 2\nsockets: 2\naffinity: 0,1", DRAFT_LEFT, "AllowedCPUs=0,1");
}
END_TEST

START_TEST(vcpus_with_several_host_cpus_stay_within_theirs)
{
    static const char fits[] = PINS("2", "", PIN("0", "0-1") PIN("1", "0-1")),
                      crossed[] =
                          PINS("4", "", PIN("0", "0-1") PIN("1", "2-3") PIN("2", "0-1") PIN("3", "2-3")),
                      few[] = PINS("4", "", PIN("0", "0-1") PIN("1", "0-1") PIN("2", "0-1") PIN("3", "0-1")),
                      some[] = PINS("4", "", PIN("0", "0-3"));

    assert_says(IMPORT_LIBVIRT, fits, "Pin=0-1");
    assert_lists(IMPORT_LIBVIRT, fits, DRAFT_DIFFERS, "gets one host CPU of Pin=0-1");
    assert_lacks(IMPORT_LIBVIRT, crossed, "Pin=");
    assert_lists(IMPORT_LIBVIRT, crossed, DRAFT_LEFT, "0-1,2-3");
    assert_lacks(IMPORT_LIBVIRT, few, "Pin=");
    assert_lacks(IMPORT_LIBVIRT, some, "Pin=");
}
END_TEST

START_TEST(a_vendor_of_the_hypervisor_needs_it_hidden)
{
    static const char alone[] = "qemu-kvm\n-cpu\nhost,hv_vendor_id=whatever",
                      hidden[] = "qemu-kvm\n-cpu\nhost,hv_vendor_id=whatever,kvm=off";
    static const char features[] = DOMAIN("<features><hyperv><vendor_id state='on' value='a'/></hyperv>"
                                          "</features>");

    assert_lists(IMPORT_QEMU, alone, DRAFT_LEFT, "only where KVM is hidden");
    assert_lists(IMPORT_LIBVIRT, features, DRAFT_LEFT, "only where KVM is hidden");
    assert_says(IMPORT_QEMU, hidden, "HideHypervisor=yes");
    assert_lists(IMPORT_QEMU, hidden, DRAFT_DIFFERS, "with HideHypervisor=yes");
}
END_TEST

START_TEST(what_stands_before_qemu_is_not_lost)
{
    static const char pinned[] = "#!/bin/sh\nsudo taskset -c 2-7 numactl --membind=1 chrt -f 1 "
                                 "qemu-system-x86_64 -m 4G -smp 4\n",
                      mask[] = "#!/bin/sh\ntaskset 0xf0 nice -n -5 qemu-system-x86_64 -m 4G\n",
                      nodes[] = "#!/bin/sh\nnumactl -N 1 -m 0 qemu-system-x86_64 -m 4G\n";

    assert_says(IMPORT_QEMU, pinned, "Pin=2-7\nEmulatorPin=2-7");
    assert_says(IMPORT_QEMU, pinned, "Node=1");
    assert_lists(IMPORT_QEMU, pinned, DRAFT_LEFT, "chrt -f 1 (line 2): no vCPU or thread");
    assert_lacks(IMPORT_QEMU, mask, "Pin=");
    assert_lists(IMPORT_QEMU, mask, DRAFT_LEFT, "taskset 0xf0 (line 2): a mask");
    assert_lists(IMPORT_QEMU, mask, DRAFT_LEFT, "nice -n -5 (line 2)");
    assert_says(IMPORT_QEMU, nodes, "Node=0");
    assert_lists(IMPORT_QEMU, nodes, DRAFT_LEFT, "numactl -N 1 -m 0 (line 2): no key");
}
END_TEST

#define NODE "qemu-kvm\n-m\n4G\n-nodefaults\n-blockdev\n"
#define FILE_NODE "{\"driver\":\"host_device\",\"filename\":\"/dev/pve/disk\"}"

START_TEST(a_disk_is_found_below_its_filters)
{
    assert_says(IMPORT_QEMU,
                NODE
                "{\"driver\":\"throttle\",\"throttle-group\":\"t\",\"node-name\":\"d\",\"file\":{\"driver\":"
                "\"raw\",\"read-only\":true,\"file\":" FILE_NODE "}}\n-device\nscsi-hd,drive=d",
                "Path=/dev/pve/disk\nFormat=raw\nBus=virtio-scsi\nReadOnly=yes");
    assert_says(IMPORT_QEMU,
                "qemu-kvm\n-drive\ndriver=qcow2,file.driver=file,file.filename=/srv/c.qcow2,if=none,id=c\n"
                "-device\nvirtio-blk-pci,drive=c",
                "Path=/srv/c.qcow2\nFormat=qcow2");
    assert_lists(IMPORT_QEMU,
                 "qemu-kvm\n-m\n4G\n-object\n{\"qom-type\":\"throttle-group\",\"id\":\"t\",\"limits\":"
                 "{\"iops-total\":500}}",
                 DRAFT_LEFT, "usher limits no disk");
}
END_TEST

START_TEST(a_disk_of_nodes_that_no_section_can_be_is_left_out_by_name)
{
    assert_leaves_disk(IMPORT_QEMU,
                       NODE
                       "{\"driver\":\"raw\",\"node-name\":\"d\",\"file\":{\"driver\":\"luks\",\"key-secret\":"
                       "\"k\",\"file\":" FILE_NODE "}}\n-device\nscsi-hd,drive=d",
                       "import finds no image file");
    assert_leaves_disk(
        IMPORT_QEMU, NODE "driver=nvme,node-name=d,device=0000:01:00.0,namespace=1\n-device\nscsi-hd,drive=d",
        "import finds no image file");
    assert_leaves_disk(IMPORT_QEMU, NODE "driver=null-co,node-name=x\n-device\nscsi-hd,drive=d",
                       "import finds no image file");
}
END_TEST

START_TEST(images_below_an_overlay_are_named)
{
    assert_says(IMPORT_QEMU,
                NODE
                "{\"driver\":\"qcow2\",\"node-name\":\"b\",\"read-only\":true,\"file\":{\"driver\":\"file\","
                "\"filename\":\"/srv/base.qcow2\"},\"backing\":null}\n-blockdev\n{\"driver\":\"qcow2\","
                "\"node-name\":\"d\",\"file\":{\"driver\":\"file\",\"filename\":\"/srv/top.qcow2\","
                "\"cache\":{\"direct\":true}},\"backing\":\"b\"}\n-device\nvirtio-blk-pci,drive=d",
                "Backing=qcow2:/srv/base.qcow2");
    assert_says(IMPORT_QEMU,
                NODE
                "{\"driver\":\"qcow2\",\"node-name\":\"d\",\"file\":{\"driver\":\"file\",\"filename\":"
                "\"/srv/top.qcow2\",\"cache\":{\"direct\":true}},\"backing\":{\"driver\":\"raw\",\"file\":{"
                "\"driver\":\"file\",\"filename\":\"/srv/base.img\"}}}\n-device\nvirtio-blk-pci,drive=d",
                "Cache=none");
    assert_says(IMPORT_QEMU,
                NODE "{\"driver\":\"qcow2\",\"node-name\":\"d\",\"file\":{\"driver\":\"file\",\"filename\":"
                     "\"/srv/top.qcow2\"},\"backing\":{\"driver\":\"raw\",\"file\":{"
                     "\"driver\":\"file\",\"filename\":\"/srv/base.img\"}}}\n-device\nvirtio-blk-pci,drive=d",
                "Backing=raw:/srv/base.img");
    assert_lists(IMPORT_QEMU,
                 NODE "driver=qcow2,node-name=d,file.driver=file,file.filename=/srv/top.qcow2,backing=gone\n"
                      "-device\nvirtio-blk-pci,drive=d",
                 DRAFT_LEFT, "no -blockdev is called gone");
}
END_TEST

#define SHMEM(name, size)                                                                                    \
    "<shmem name='" name "'><model type='ivshmem-plain'/><size unit='M'>" size "</size></shmem>"

START_TEST(memory_that_is_not_looking_glass_does_not_become_its)
{
    static const char *const both[] = {DEVICES(SHMEM("looking-glass", "64") SHMEM("scream-ivshmem", "2")),
                                       DEVICES(SHMEM("scream-ivshmem", "2") SHMEM("looking-glass", "64"))};

    for (size_t i = 0; i < G_N_ELEMENTS(both); i++) {
        assert_says(IMPORT_LIBVIRT, both[i], "[LookingGlass]\nSize=64M");
        assert_lists(IMPORT_LIBVIRT, both[i], DRAFT_LEFT, "not /dev/shm/scream-ivshmem");
    }
    assert_lacks(IMPORT_LIBVIRT, DEVICES(SHMEM("scream-ivshmem", "2")), "[LookingGlass");
}
END_TEST

START_TEST(numa_nodes_come_along_from_every_tool)
{
    static const char domain[] =
        DOMAIN("<vcpu>4</vcpu><memory unit='GiB'>4</memory><cpu mode='host-passthrough'><numa>"
               "<cell id='1' cpus='2-3' memory='1' unit='GiB'/><cell id='0' cpus='0-1' memory='3' "
               "unit='GiB'/></numa>"
               "</cpu><numatune><memnode cellid='1' mode='strict' nodeset='1'/></numatune>");
    static const char one[] =
        DOMAIN("<vcpu>2</vcpu><cpu mode='host-passthrough'><numa><cell id='0' cpus='0-1' memory='1048576' "
               "unit='KiB' memAccess='shared'/></numa></cpu>");
    static const char proxmox[] = "memory: 4096\ncores: 4\nnuma: 1\n"
                                  "numa0: cpus=0;2,hostnodes=0,memory=2048,policy=bind\n"
                                  "numa1: cpus=1;3,hostnodes=0-1,memory=2048,policy=interleave\n";
    static const char qemu[] =
        "qemu-system-x86_64\n-m\n4G\n-smp\n4\n-object\nmemory-backend-ram,id=a,size=3G,host-nodes=1,policy="
        "bind\n"
        "-object\nmemory-backend-ram,id=b,size=1G\n-numa\nnode,nodeid=0,cpus=0-1,cpus=3,memdev=a\n"
        "-numa\nnode,nodeid=1,cpus=2,memdev=b\n";

    assert_says(IMPORT_LIBVIRT, domain, "Memory=3G\nCPUs=0-1");
    assert_says(IMPORT_LIBVIRT, domain, "Memory=1G\nCPUs=2-3\nNode=1");
    g_autoptr(Import) single = import(IMPORT_LIBVIRT, one);
    ck_assert_ptr_null(draft_nth(single->draft, "NUMA", 0));
    assert_says(IMPORT_PROXMOX, proxmox, "Memory=2G\nCPUs=0,2\nNode=0");
    assert_says(IMPORT_PROXMOX, proxmox, "Memory=2G\nCPUs=1,3");
    assert_lists(IMPORT_PROXMOX, proxmox, DRAFT_LEFT, "0-1 is several");
    assert_says(IMPORT_QEMU, qemu, "Memory=3G\nCPUs=0-1,3\nNode=1");
    assert_says(IMPORT_QEMU, qemu, "Memory=1G\nCPUs=2");
}
END_TEST

SUITE("import-exact", numa_nodes_come_along_from_every_tool, an_address_that_fits_no_device_is_cut_to_none,
      a_disk_or_card_by_its_controller_has_an_exact_address_too, a_disk_that_was_read_only_stays_so,
      a_part_of_a_disk_does_not_become_the_whole, a_disk_without_a_file_is_left_out_by_name,
      a_disk_that_forgets_does_not_become_one_that_keeps, disks_are_in_the_order_of_their_places,
      only_the_default_network_is_known_to_be_nat, a_guest_of_another_kind_is_refused,
      what_follows_a_panic_stays, what_follows_an_end_stays, a_watchdog_does_no_more_than_it_did,
      host_cpus_that_vcpus_share_are_said_as_pin_takes_them, vcpus_with_several_host_cpus_stay_within_theirs,
      a_vendor_of_the_hypervisor_needs_it_hidden, what_stands_before_qemu_is_not_lost,
      a_disk_is_found_below_its_filters, a_disk_of_nodes_that_no_section_can_be_is_left_out_by_name,
      images_below_an_overlay_are_named, memory_that_is_not_looking_glass_does_not_become_its)
