/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which card the host shows something on. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "../../../daemon/edge/scan/host-scan.h"
#include "../fake-host.h"
#include "../suite.h"

#define FIRST "0000:00:02.0"
#define SECOND "0000:01:00.0"
#define FBCON "(M) frame buffer device\n"
#define VGA_TEXT "(S) VGA+\n"
#define DUMMY "(S) dummy device\n"

/* needed: NULL if the host can spare it. */
static void assert_needed(const FakeHost *fake, const char *address, const char *needed)
{
    HostPlace place = {.sys_fd = fake_host_sys_fd(fake), .proc_fd = fake_host_proc_fd(fake)};
    g_autoptr(Host) host = NULL;
    PciAddress parsed;
    ck_assert_int_eq(host_scan(&place, NULL, &host), 0);
    ck_assert_int_eq(pci_address_from_string(address, &parsed), 0);
    ck_assert_pstr_eq(host_find(host, parsed)->needed_for, needed);
}

static void add_display(FakeHost *host, const char *address, int group, bool boot_vga)
{
    fake_host_add_function(host, &(FakeFunction){
                                     .address = address,
                                     .group = group,
                                     .class = 0x030000,
                                     .driver = "i915",
                                     .boot_vga = boot_vga,
                                 });
}

/* Two cards with drivers of their own; the firmware used the first. */
static FakeHost *two_cards(void)
{
    FakeHost *host = fake_host_new();
    add_display(host, FIRST, 1, true);
    add_display(host, SECOND, 2, false);
    return host;
}

static FakeHost *two_lit_cards(void)
{
    FakeHost *host = two_cards();
    fake_host_light_display(host, FIRST, 0);
    fake_host_light_display(host, SECOND, 1);
    return host;
}

START_TEST(the_card_with_the_console_is_needed_though_another_is_driven)
{
    g_autoptr(FakeHost) host = two_lit_cards();
    fake_host_set_console_driver(host, 0, DUMMY, false);
    fake_host_set_console_driver(host, 1, FBCON, true);
    assert_needed(host, FIRST, "console on fb0");
    assert_needed(host, SECOND, NULL);
}
END_TEST

START_TEST(a_driver_that_has_no_terminal_shows_nothing)
{
    g_autoptr(FakeHost) host = two_lit_cards();
    fake_host_set_console_driver(host, 0, DUMMY, true);
    fake_host_set_console_driver(host, 1, FBCON, false);
    assert_needed(host, FIRST, NULL);
    assert_needed(host, SECOND, NULL);
}
END_TEST

START_TEST(the_console_moves_to_the_firmwares_card_when_that_gets_its_driver_last)
{
    g_autoptr(FakeHost) host = two_cards();
    fake_host_light_display(host, SECOND, 0);
    fake_host_set_console_driver(host, 1, FBCON, true);
    assert_needed(host, FIRST, NULL);
    assert_needed(host, SECOND, "console on fb0");
    fake_host_light_display(host, FIRST, 1);
    assert_needed(host, FIRST, "console on fb1");
    assert_needed(host, SECOND, NULL);
}
END_TEST

static void boot_with(FakeHost *host, const char *line)
{
    int fd = openat(fake_host_proc_fd(host), "cmdline", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_gt(dprintf(fd, "%s\n", line), 0);
    close(fd);
}

START_TEST(the_console_is_where_the_command_line_says)
{
    g_autoptr(FakeHost) host = two_lit_cards();
    fake_host_set_console_driver(host, 1, FBCON, true);
    boot_with(host, "root=/dev/vda quiet fbcon=font:VGA8x16,map:1");
    assert_needed(host, FIRST, NULL);
    assert_needed(host, SECOND, "console on fb1");
    boot_with(host, "fbcon=map:01");
    assert_needed(host, FIRST, "console on fb0");
    assert_needed(host, SECOND, "console on fb1");
    boot_with(host, "fbcon=map:x/../. quiet");
    assert_needed(host, FIRST, NULL);
}
END_TEST

START_TEST(a_card_that_only_the_firmware_set_up_is_needed)
{
    static const char *const names[] = {"efi-framebuffer.0", "simple-framebuffer.0", "vesa-framebuffer.0"};
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(FakeHost) host = fake_host_new();
        fake_host_add_function(
            host, &(FakeFunction){.address = FIRST, .group = 1, .class = 0x030000, .boot_vga = true});
        add_display(host, SECOND, 2, false);
        fake_host_light_display(host, SECOND, 1);
        fake_host_add_firmware_display(host, names[i], NULL, (const char *const[]){"fb0", "card0", NULL});
        g_autofree char *needed = g_strdup_printf("console on %s", names[i]);
        assert_needed(host, FIRST, needed);
        assert_needed(host, SECOND, NULL);
        fake_host_set_console_driver(host, 1, FBCON, true);
        assert_needed(host, FIRST, "console on fb0");
        assert_needed(host, SECOND, NULL);
    }
}
END_TEST

START_TEST(a_framebuffer_of_the_firmware_that_nobody_draws_into_is_no_need)
{
    g_autoptr(FakeHost) host = two_lit_cards();
    fake_host_add_firmware_display(host, "efi-framebuffer.0", FIRST, (const char *const[]){NULL});
    assert_needed(host, FIRST, NULL);
}
END_TEST

START_TEST(the_firmwares_framebuffer_is_the_cards_whose_child_it_is)
{
    g_autoptr(FakeHost) host = two_cards();
    fake_host_add_firmware_display(host, "efi-framebuffer.0", SECOND, (const char *const[]){"fb0", NULL});
    assert_needed(host, FIRST, NULL);
    assert_needed(host, SECOND, "console on efi-framebuffer.0");
}
END_TEST

START_TEST(the_firmwares_framebuffer_is_the_cards_whose_memory_it_is_in)
{
    g_autoptr(FakeHost) host = two_cards();
    fake_host_set_memory(host, FIRST, 0xd0000000, 0xdfffffff);
    fake_host_set_memory(host, SECOND, 0x6000000000, 0x60ffffffff);
    fake_host_add_firmware_display(host, "simple-framebuffer.0", NULL, (const char *const[]){"card0", NULL});
    fake_host_set_firmware_memory(host, 0x6000010000);
    assert_needed(host, FIRST, NULL);
    assert_needed(host, SECOND, "console on simple-framebuffer.0");
    fake_host_set_firmware_memory(host, 0xd0000000);
    assert_needed(host, FIRST, "console on simple-framebuffer.0");
    assert_needed(host, SECOND, NULL);
    fake_host_set_firmware_memory(host, 0xe0000000);
    assert_needed(host, FIRST, "console on simple-framebuffer.0");
}
END_TEST

START_TEST(a_card_that_shows_the_kernels_console_as_text_is_needed)
{
    g_autoptr(FakeHost) host = fake_host_new();
    fake_host_add_function(
        host, &(FakeFunction){.address = FIRST, .group = 1, .class = 0x030000, .boot_vga = true});
    fake_host_set_console_driver(host, 0, VGA_TEXT, true);
    int fd = openat(fake_host_proc_fd(host), "consoles", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_gt(dprintf(fd, "ttyS0                -W- (EC  p a)    4:64\n"), 0);
    assert_needed(host, FIRST, NULL);
    ck_assert_int_gt(dprintf(fd, "tty0                 -WU (E   p  )    4:1\n"), 0);
    close(fd);
    assert_needed(host, FIRST, "console on VGA text");
    fake_host_set_console_driver(host, 0, VGA_TEXT, false);
    assert_needed(host, FIRST, NULL);
}
END_TEST

START_TEST(a_card_whose_serial_port_is_the_kernels_console_is_needed)
{
    g_autoptr(FakeHost) host = fake_host_new();
    fake_host_add_function(
        host, &(FakeFunction){.address = "0000:00:16.3", .group = 1, .class = 0x070002, .driver = "serial"});
    fake_host_add_function(
        host, &(FakeFunction){.address = "0000:03:00.0", .group = 2, .class = 0x070002, .driver = "serial"});
    fake_host_add_terminal(host, "0000:00:16.3", "ttyS4", 68);
    fake_host_add_terminal(host, "0000:03:00.0", "ttyS5", 69);
    assert_needed(host, "0000:00:16.3", NULL);
    int fd = openat(fake_host_proc_fd(host), "consoles", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_gt(dprintf(fd, "netcon0              -W- (E   p  )\n"
                                 "ttyS4                -W- (EC  p a)    4:68\n"
                                 "tty0                 -WU (E   p  )    4:1\n"),
                     0);
    close(fd);
    assert_needed(host, "0000:00:16.3", "console on ttyS4");
    assert_needed(host, "0000:03:00.0", NULL);
}
END_TEST

START_TEST(the_card_with_the_only_screen_that_is_on_is_needed)
{
    g_autoptr(FakeHost) host = two_lit_cards();
    fake_host_set_connector(host, "card0-HDMI-A-1", "disconnected\n", "disabled\n");
    fake_host_set_connector(host, "card1-HDMI-A-1", "connected\n", "enabled\n");
    assert_needed(host, FIRST, NULL);
    assert_needed(host, SECOND, "console on card1-HDMI-A-1");
    fake_host_set_connector(host, "card0-HDMI-A-1", "connected\n", "disabled\n");
    assert_needed(host, SECOND, "console on card1-HDMI-A-1");
    fake_host_set_connector(host, "card0-HDMI-A-1", "connected\n", "enabled\n");
    assert_needed(host, FIRST, NULL);
    assert_needed(host, SECOND, NULL);
}
END_TEST

START_TEST(the_only_driven_display_of_the_firmware_is_needed)
{
    g_autoptr(FakeHost) host = fake_host_new();
    add_display(host, "0000:00:02.0", 1, true);
    assert_needed(host, "0000:00:02.0", NULL);
    fake_host_light_display(host, "0000:00:02.0", 0);
    assert_needed(host, "0000:00:02.0", "boot display");
}
END_TEST

START_TEST(a_second_driven_display_sets_the_first_free)
{
    g_autoptr(FakeHost) host = fake_host_new();
    add_display(host, "0000:00:02.0", 1, true);
    add_display(host, "0000:01:00.0", 2, false);
    fake_host_light_display(host, "0000:00:02.0", 0);
    assert_needed(host, "0000:00:02.0", "boot display");
    assert_needed(host, "0000:01:00.0", NULL);
    fake_host_light_display(host, "0000:01:00.0", 1);
    assert_needed(host, "0000:00:02.0", NULL);
    assert_needed(host, "0000:01:00.0", NULL);
}
END_TEST

START_TEST(a_display_that_the_firmware_did_not_use_can_go)
{
    g_autoptr(FakeHost) host = fake_host_new();
    add_display(host, "0000:01:00.0", 2, false);
    fake_host_light_display(host, "0000:01:00.0", 0);
    assert_needed(host, "0000:01:00.0", NULL);
}
END_TEST

SUITE("host-needs-display", the_card_with_the_console_is_needed_though_another_is_driven,
      a_driver_that_has_no_terminal_shows_nothing,
      the_console_moves_to_the_firmwares_card_when_that_gets_its_driver_last,
      the_console_is_where_the_command_line_says, a_card_that_only_the_firmware_set_up_is_needed,
      a_framebuffer_of_the_firmware_that_nobody_draws_into_is_no_need,
      the_firmwares_framebuffer_is_the_cards_whose_child_it_is,
      the_firmwares_framebuffer_is_the_cards_whose_memory_it_is_in,
      a_card_that_shows_the_kernels_console_as_text_is_needed,
      a_card_whose_serial_port_is_the_kernels_console_is_needed,
      the_card_with_the_only_screen_that_is_on_is_needed, the_only_driven_display_of_the_firmware_is_needed,
      a_second_driven_display_sets_the_first_free, a_display_that_the_firmware_did_not_use_can_go)
