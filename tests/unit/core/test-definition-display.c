/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Screen, keyboard and mouse of a guest definition. */
#include "../../../daemon/core/definition/definition.h"
#include "../suite.h"
#include "a-definition.h"

START_TEST(a_server_without_a_card_is_spices)
{
    assert_refused("[Display]\nType=vnc\nCard=none\n", AT "3: [Display] Card= works with Type=spice only",
                   "remove it, or set Type=spice");
    assert_refused("[Display]\nUSBRedirect=1\n", AT "2: [Display] USBRedirect= works with Type=spice only",
                   "remove it, or set Type=spice");
    g_autoptr(GuestDefinition) definition =
        a_definition("[Display]\nType=spice\nCard=none\n[PCI gpu]\nAddress=01:00.0\nPrimaryVGA=yes\n");
    ck_assert(!display_has_card(&definition->display));
    ck_assert(definition->display.clipboard);
}
END_TEST

START_TEST(a_socket_is_of_a_display)
{
    assert_refused("[Display]\nOwner=alice\n",
                   AT "2: [Display] Owner= means nothing without Type=", "add Type=, or remove it");
    g_autoptr(GuestDefinition) definition = a_definition("[Display]\nType=vnc\nOwner=alice\n");
    ck_assert_str_eq(definition->display.owner, "alice");
}
END_TEST

START_TEST(a_tablet_comes_with_an_emulated_card_alone)
{
    g_autoptr(GuestDefinition) none = a_definition(""), card = a_definition("[Display]\nType=vnc\n"),
                               server = a_definition("[Display]\nType=spice\nCard=none\n"),
                               chosen = a_definition("[Display]\nType=spice\nMouse=virtio\n");

    ck_assert_int_eq(display_mouse(&none->display), MOUSE_PS2);
    ck_assert_int_eq(display_mouse(&card->display), MOUSE_USB_TABLET);
    ck_assert_int_eq(display_mouse(&server->display), MOUSE_PS2);
    ck_assert_int_eq(display_mouse(&chosen->display), MOUSE_VIRTIO);
}
END_TEST

START_TEST(usb_devices_have_fifteen_ports)
{
    g_autoptr(GString) text = g_string_new("[Display]\nType=spice\nUSBRedirect=8\nKeyboard=usb\n");

    for (int i = 0; i < 6; i++)
        g_string_append_printf(text, "[USB d%d]\nPort=1-%d\n", i, i + 1);
    assert_refused(text->str, AT "3: [Display] and the [USB] sections need 16 USB ports, but a guest has 15",
                   "lower USBRedirect=, or remove a [USB] section");
}
END_TEST

START_TEST(nobody_opens_a_port_beside_the_viewers_way)
{
    static const char *const words[] = {"-spice port=5900",
                                        "--spice port=5900,addr=0.0.0.0",
                                        "-m 4G -spice tls-port=5901",
                                        "-spice unix=on,addr=/tmp/socket",
                                        "-vnc :0",
                                        "--vnc 0.0.0.0:1",
                                        "-display vnc=:0",
                                        "-display spice-app"};

    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(words); i++) {
        const char *type = i % 2 ? "spice" : "vnc", *word = words[i / 2];
        g_autofree char *text = g_strdup_printf("[Display]\nType=%s\n[QEMU]\nArguments=%s\n", type, word);
        g_auto(GStrv) parts = g_strsplit(word, " ", -1);
        const char *option = g_str_equal(parts[0], "-m") ? parts[2] : parts[0];
        g_autofree char *why =
            g_strdup_printf(AT "4: [QEMU] Arguments= has %s, which could open the screen of "
                               "[Display] Type=%s to others",
                            option, type);
        g_autofree char *remedy = g_strdup_printf("remove %s from it: usherctl view and [Display] do without "
                                                  "a port; or remove [Display] Type=",
                                                  option);
        assert_refused(text, why, remedy);
    }
    assert_refused("[Display]\nType=spice\n[QEMU]\nArguments=--readconfig /etc/port.conf\n",
                   AT
                   "4: [QEMU] Arguments=--readconfig /etc/port.conf is not words as a shell reads them, such "
                   "as -device pvpanic, without options that usher alone gives",
                   "usher alone gives QEMU the option --readconfig");
    g_autoptr(GuestDefinition) own = a_definition("[QEMU]\nArguments=-vnc :0\n");
    ck_assert_int_eq(own->qemu.arguments->len, 2);
}
END_TEST

START_TEST(a_viewer_plays_where_spice_is)
{
    assert_refused("[Sound]\nType=spice\n", AT "2: [Sound] Type=spice needs a SPICE server",
                   "add [Display] Type=spice, with Card=none if the guest has a card");
    assert_refused("[Sound]\nType=spice\nSocket=/x\n[Display]\nType=spice\n",
                   AT "3: [Sound] Socket= means nothing with Type=spice: the viewer plays", "remove it");
}
END_TEST

SUITE("definition-display", a_server_without_a_card_is_spices, a_socket_is_of_a_display,
      a_tablet_comes_with_an_emulated_card_alone, usb_devices_have_fifteen_ports,
      nobody_opens_a_port_beside_the_viewers_way, a_viewer_plays_where_spice_is)
