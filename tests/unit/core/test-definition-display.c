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
    static const char *const words[] = {"-spice port=5900", "--spice port=5900,addr=0.0.0.0"};

    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
        g_autofree char *text = g_strdup_printf("[Display]\nType=spice\n[QEMU]\nArguments=%s\n", words[i]);
        assert_refused(text,
                       AT "4: [QEMU] Arguments= has -spice, which would change the server of [Display] "
                          "Type=spice",
                       "remove -spice from it: usherctl view and [Display] do without a port");
    }
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

SUITE("definition-display", a_server_without_a_card_is_spices, a_tablet_comes_with_an_emulated_card_alone,
      usb_devices_have_fifteen_ports, nobody_opens_a_port_beside_the_viewers_way,
      a_viewer_plays_where_spice_is)
