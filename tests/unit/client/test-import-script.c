/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which words of a script are QEMU's. */
#include "imports.h"

static void assert_script_refused(const char *text, const char *expected)
{
    assert_refused(IMPORT_QEMU, text, strlen(text), expected);
}

static void assert_lacks(const char *text, const char *words)
{
    g_autoptr(Import) found = import(IMPORT_QEMU, text);
    g_autofree char *definition = draft_text(found->draft);

    ck_assert_msg(!strstr(definition, words), "%s is in\n%s", words, definition);
}

START_TEST(a_command_that_only_names_qemu_is_not_qemu)
{
    static const char *const before[] = {"qemu-img create -f qcow2 /srv/d.qcow2 50G",
                                         "qemu-nbd -c /dev/nbd0 /srv/x",
                                         "sudo pkill qemu-system-x86_64",
                                         "echo \"starting qemu-system-x86_64 -m 1G\"",
                                         "chown -R root /usr/bin/qemu-system-x86_64",
                                         "cat <<'END'\nqemu-system-x86_64 -m 1G\nEND",
                                         "QEMU=/usr/bin/qemu-system-x86_64",
                                         "# qemu-system-x86_64 -m 1G"};

    for (size_t i = 0; i < G_N_ELEMENTS(before); i++) {
        g_autofree char *text = g_strconcat(before[i], "\nqemu-system-x86_64 -m 8G\n", NULL);
        assert_says(IMPORT_QEMU, text, "Size=8G");
    }
}
END_TEST

START_TEST(qemu_is_found_behind_what_runs_it)
{
    static const char *const runners[] = {
        "sudo -u root ",       "nice -n 5 taskset -c 0-3 ", "sudo chrt -r 1 numactl -N 0 --membind=0 ",
        "exec env A=b ",       "QEMU_AUDIO_DRV=pa ",        "systemd-run --user --unit vm /usr/bin/",
        "ExecStart=-/usr/bin/"};

    for (size_t i = 0; i < G_N_ELEMENTS(runners); i++) {
        g_autofree char *text = g_strconcat(runners[i], "qemu-system-x86_64 -m 8G\n", NULL);
        assert_says(IMPORT_QEMU, text, "Size=8G");
    }
    assert_says(IMPORT_QEMU, "sudo /usr/libexec/qemu-kvm -m 8G", "Size=8G");
}
END_TEST

START_TEST(a_semicolon_ends_the_command_wherever_it_stands)
{
    static const char one[] = "qemu-system-x86_64 -nodefaults -m 2G -cdrom /srv/a.iso; echo done",
                      within[] = "if true; then qemu-system-x86_64 -m 2G -nodefaults; fi";

    assert_says(IMPORT_QEMU, one, "Path=/srv/a.iso");
    assert_lacks(one, "[Disk");
    assert_lacks(within, "[Network");
    assert_says(IMPORT_QEMU, "qemu-kvm -m 2G -cdrom '/srv/a;b.iso'", "Path=/srv/a;b.iso");
}
END_TEST

START_TEST(a_second_guest_of_a_script_is_named)
{
    static const char two[] = "qemu-system-x86_64 -m 2G -nodefaults\nsudo qemu-system-x86_64 -m 4G -name b\n";

    assert_says(IMPORT_QEMU, two, "Size=2G");
    assert_lists(IMPORT_QEMU, two, DRAFT_LEFT, "sudo qemu-system-x86_64 -m 4G -name b (line 2)");
}
END_TEST

START_TEST(options_below_a_gap_are_named)
{
    static const char *const gaps[] = {"  # -cpu host \\\n", "\n"};

    for (size_t i = 0; i < G_N_ELEMENTS(gaps); i++) {
        g_autofree char *text =
            g_strconcat("qemu-system-x86_64 -nodefaults -m 2G \\\n", gaps[i], "  -snapshot -smp 4\n", NULL);
        assert_lists(IMPORT_QEMU, text, DRAFT_LEFT, "-snapshot -smp 4 (line 3): the command ends above");
        assert_lacks(text, "Cores=4");
    }
}
END_TEST

START_TEST(a_script_is_refused_for_what_keeps_it_from_being_read)
{
    assert_says(IMPORT_QEMU, "#!/bin/sh\r\nqemu-system-x86_64 \\\r\n -m 8G\r\n", "Size=8G");
    assert_says(IMPORT_QEMU, "qemu-kvm\r\n-m\r\n8G\r\n", "Size=8G");
    assert_says(IMPORT_QEMU, "qemu-system-x86_64 -m 8G -cdrom '/srv/$x.iso'", "Path=/srv/$x.iso");
    assert_script_refused("qemu-system-x86_64 -m 8G \\ \n -smp 4\n", "x:1: blanks behind the \\");
    assert_script_refused("#!/bin/sh\nqemu-system-x86_64 $OPTS\n", "x:2: the command has variables");
    assert_script_refused("args=(\n-m 4G\n)\nqemu-system-x86_64 \"${args[@]}\"\n",
                          "x:4: the command has variables");
    assert_script_refused("$QEMU -m 4G\n", "variables");
    assert_script_refused("qemu-system-x86_64 -m 4G -name 'a\n", "x:1: the quote that begins here");
}
END_TEST

START_TEST(a_guest_of_another_cpu_is_refused)
{
    assert_script_refused("qemu-system-aarch64\n-m\n2G\n", "x:1: the guest has another CPU");
    assert_script_refused("#!/bin/sh\nsudo qemu-system-aarch64 -m 2G\n", "x:2: the guest has another CPU");
    assert_says(IMPORT_QEMU, "qemu-system-i386 -m 2G", "Size=2G");
}
END_TEST

START_TEST(a_byte_order_mark_is_no_text)
{
    assert_says(IMPORT_LIBVIRT,
                "\xef\xbb\xbf<domain type='kvm'><name>a</name><memory>2097152</memory></domain>", "Size=2G");
    assert_says(IMPORT_PROXMOX, "\xef\xbb\xbfmemory: 4096", "Size=4G");
    assert_says(IMPORT_QEMU, "\xef\xbb\xbf#!/bin/sh\nqemu-kvm -m 2G", "Size=2G");
}
END_TEST

START_TEST(a_drive_of_the_host_becomes_no_disk)
{
    assert_lists(IMPORT_QEMU, "qemu-kvm -m 2G -cdrom /dev/sr0", DRAFT_LEFT,
                 "add a [CDROM] section with an image");
    assert_lists(IMPORT_PROXMOX, "ide2: cdrom,media=cdrom", DRAFT_LEFT, "the host's CD drive");
}
END_TEST

START_TEST(a_card_by_device_is_seen_beside_vga_none)
{
    static const char *const cards[] = {"virtio-vga", "qxl-vga", "VGA"};

    for (size_t i = 0; i < G_N_ELEMENTS(cards); i++) {
        g_autofree char *text =
            g_strdup_printf("qemu-kvm -m 2G -nodefaults -vga none -device %s -display gtk", cards[i]);
        assert_says(IMPORT_QEMU, text, "[Display]\nType=spice");
        assert_lists(IMPORT_QEMU, text, DRAFT_DIFFERS, "-display gtk: QEMU opens no window");
    }
    assert_lists(IMPORT_QEMU, "qemu-kvm -m 2G -nodefaults -display sdl", DRAFT_LEFT,
                 "-display sdl: the window");
    assert_lacks("qemu-kvm -m 2G -vga none", "[Display]");
}
END_TEST

START_TEST(small_words_of_a_command_line_are_in_a_list)
{
    static const char text[] =
        "qemu-kvm -m 2G -nodefaults -device virtio-rng-pci,max-bytes=1024,period=1000 -netdev user,id=n "
        "-device virtio-net-pci,netdev=n,host_mtu=1400,romfile=/srv/a.rom "
        "-object input-linux,id=k,evdev=/dev/input/by-id/k-event-kbd,repeat=off,grab_all=off "
        "-drive file=/srv/a.qcow2,format=qcow2,media=cdrom";

    assert_lists(IMPORT_QEMU, text, DRAFT_LEFT, "random numbers");
    assert_lists(IMPORT_QEMU, text, DRAFT_LEFT, "host_mtu=1400 of -device");
    assert_lists(IMPORT_QEMU, text, DRAFT_LEFT, "romfile=/srv/a.rom of -device");
    assert_lists(IMPORT_QEMU, text, DRAFT_LEFT, "repeat: a keyboard");
    assert_lists(IMPORT_QEMU, text, DRAFT_LEFT, "grab_all: a keyboard");
    assert_lists(IMPORT_QEMU, text, DRAFT_LEFT, "a plain image of a disc");
    assert_lacks(text, "[CDROM");
}
END_TEST

START_TEST(what_stands_before_qemu_is_named_once)
{
    static const char text[] = "QEMU_AUDIO_DRV=pa nice -n -5 qemu-system-x86_64 -m 2G";
    g_autoptr(Import) found = import(IMPORT_QEMU, text);

    ck_assert(lists(found, DRAFT_LEFT, "QEMU_AUDIO_DRV=pa (line 1): QEMU's environment"));
    ck_assert(lists(found, DRAFT_LEFT, "nice -n -5 (line 1): the rank"));
    ck_assert(!lists(found, DRAFT_LEFT, "QEMU_AUDIO_DRV=pa nice"));
}
END_TEST

SUITE("import-script", a_command_that_only_names_qemu_is_not_qemu, qemu_is_found_behind_what_runs_it,
      a_semicolon_ends_the_command_wherever_it_stands, a_second_guest_of_a_script_is_named,
      options_below_a_gap_are_named, a_script_is_refused_for_what_keeps_it_from_being_read,
      a_guest_of_another_cpu_is_refused, a_byte_order_mark_is_no_text, a_drive_of_the_host_becomes_no_disk,
      a_card_by_device_is_seen_beside_vga_none, small_words_of_a_command_line_are_in_a_list,
      what_stands_before_qemu_is_named_once)
