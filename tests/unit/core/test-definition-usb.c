/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* [USB], and what QEMU is told of it. */
#include "../../../daemon/core/definition/definition.h"
#include "../../../daemon/core/qemu/usb.h"
#include "../suite.h"
#include "a-qemu.h"

START_TEST(a_usb_device_is_said_by_id_serial_number_or_port)
{
    g_autoptr(GuestDefinition) definition =
        a_definition("[USB a]\nID=046D:0A8F\n[USB b]\nSerial=4C53 0001/x\n[USB c]\nPort=1-2.3\n");
    const DefinitionUsb *const *usbs = (const DefinitionUsb *const *)definition->usbs->pdata;

    ck_assert_uint_eq(definition->usbs->len, 3);
    ck_assert_str_eq(usbs[0]->id, "046d:0a8f");
    ck_assert_str_eq(usbs[1]->serial, "4C53 0001/x");
    ck_assert_str_eq(usbs[2]->port, "1-2.3");
}
END_TEST

START_TEST(what_is_no_usb_device_is_refused)
{
    assert_refused("[USB a]\n", FILE_PATH ":1: [USB a] does not say which device it means",
                   "add ID= as lsusb shows it, Serial= or Port=");
    assert_refused("[USB a]\nID=46d:a8f\n",
                   FILE_PATH
                   ":2: [USB a] ID=46d:a8f is not a vendor and a product, four hexadecimal digits each, such "
                   "as 046d:0a8f",
                   NULL);
    assert_refused("[USB a]\nPort=usb1\n",
                   FILE_PATH ":2: [USB a] Port=usb1 is not a bus and ports such as 1-2.3", NULL);
    assert_refused("[USB a]\nID=046d:0a8f\n[USB b]\nID=046d:0a8f\n",
                   FILE_PATH ":3: [USB b] asks for the same device as [USB a]",
                   "remove one, or add Serial= or Port= to both");
}
END_TEST

static void fill(const QemuFile *file, const char *path)
{
}

/* Each of the places takes a device. There is none here: QEMU complains of the descriptor's contents, after
 * it has found the port and understood all the rest. */
static void assert_takes(const GuestDefinition *definition, const unsigned *places, size_t n)
{
    g_autoptr(QemuCommand) command = a_command_for(definition);
    Qemu *qemu = qemu_start(command, fill, NULL);

    qemu_negotiate(qemu);
    for (size_t i = 0; i < n; i++) {
        struct json_object *device = qemu_usb_device(g_ptr_array_index(definition->usbs, 0), places[i], 4000);
        ck_assert_str_eq(json_object_get_string(json_object_object_get(device, "id")), "usb-headset");
        g_autofree char *words = qemu_refusal(qemu, "device_add", device);
        /* Before QEMU 9.1, and since. */
        ck_assert_msg(g_str_equal(words, "failed to open /dev/fdset/4000: No such file or directory") ||
                          g_str_equal(words, "Failed to find fdset /dev/fdset/4000"),
                      "%s", words);
    }
    qemu_do(qemu, "quit");
    ck_assert_int_eq(qemu_end(qemu, NULL), 0);
}

/* The controller has the last port. */
START_TEST(qemu_understands_what_it_is_told_of_a_usb_device)
{
    g_autoptr(GuestDefinition) definition = a_definition(
        "[CPU]\nAccelerator=tcg\n[Memory]\nSize=64M\n[Console]\nLog=no\n[USB headset]\nID=046d:0a8f\n"
        "[Display]\nType=vnc\n");
    static const unsigned places[] = {0, 13};

    assert_takes(definition, places, G_N_ELEMENTS(places));
}
END_TEST

START_TEST(emulated_usb_devices_are_in_the_way_of_no_other)
{
    g_autoptr(GuestDefinition) definition = a_definition(
        "[CPU]\nAccelerator=tcg\n[Memory]\nSize=64M\n[Console]\nLog=no\n[USB headset]\nID=046d:0a8f\n"
        "[Display]\nType=spice\nKeyboard=usb\nUSBRedirect=8\n");
    static const unsigned places[] = {0, 1, 2, 3, 4};

    assert_takes(definition, places, G_N_ELEMENTS(places));
}
END_TEST

SUITE("definition-usb", a_usb_device_is_said_by_id_serial_number_or_port, what_is_no_usb_device_is_refused,
      qemu_understands_what_it_is_told_of_a_usb_device, emulated_usb_devices_are_in_the_way_of_no_other)
