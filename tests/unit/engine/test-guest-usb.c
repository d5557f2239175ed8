/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest and the host's USB devices, which come and go while it runs. */
#include <string.h>

#include "rig-guest.h"

#define HEADSET "[USB headset]\nID=046d:0a8f\n"
#define GIVEN "add-fd\ndevice_add usb-headset\nremove-fd\n"

static const char *const drivers[] = {"snd-usb-audio", "", "usbhid", NULL};
static const FakeUsb headset = {"1-2", 7, 0x046d, 0x0a8f, NULL, drivers};
static const FakeUsb again = {"1-2", 8, 0x046d, 0x0a8f, NULL, drivers};
static const FakeUsb stranger = {"1-3", 9, 0x0781, 0x5567, "A", drivers};

static const char *look_again(FakeQemu *qemu, Guest *guest)
{
    return rig_look_again(qemu, guest, guest_sync_usbs);
}

static void assert_drivers(const Rig *rig, const FakeUsb *usb, const char *expected)
{
    g_autofree char *found = fake_host_usb_drivers(rig->host, usb);

    ck_assert_str_eq(found, expected);
}

static void assert_words(const Guest *guest, const char *expected)
{
    g_autoptr(GPtrArray) words = guest_usb_words(guest);

    ck_assert_uint_eq(words->len, 1);
    ck_assert_str_eq(g_ptr_array_index(words, 0), expected);
}

/* It is there from the start. */
#define A_GUEST_WITH_ITS_HEADSET                                                                             \
    A_RIG(build_gpu);                                                                                        \
    A_QEMU(qemu, &rig);                                                                                      \
    fake_host_plug_usb(rig.host, &headset);                                                                  \
    Guest *guest = rig_run(&rig, &qemu, HEADSET);                                                            \
    fake_qemu_serve(&qemu)
/* It is nowhere yet. */
#define A_GUEST_WITHOUT_ITS_HEADSET                                                                          \
    A_GUEST(build_gpu, HEADSET);                                                                             \
    fake_qemu_serve(&qemu)

START_TEST(a_device_that_is_there_is_the_guests_until_it_ends)
{
    A_GUEST_WITH_ITS_HEADSET;
    ck_assert(g_str_has_suffix(qemu.commands->str, "cont\n" GIVEN));
    assert_drivers(&rig, &headset, "none none none");
    assert_words(guest, "headset: 046d:0a8f at port 1-2");
    ck_assert_str_eq(disk_claims_other(rig.engine.disks, "/dev/bus/usb/001/007", ""), "win10");
    rig_end(&rig, guest);
    assert_drivers(&rig, &headset, "snd-usb-audio none usbhid");
    ck_assert_ptr_null(disk_claims_other(rig.engine.disks, "/dev/bus/usb/001/007", ""));
}
END_TEST

START_TEST(a_device_that_is_absent_is_told_and_given_when_it_comes)
{
    A_GUEST_WITHOUT_ITS_HEADSET;
    ck_assert(g_str_has_suffix(qemu.commands->str, "cont\n"));
    assert_words(guest, "headset: 046d:0a8f is not plugged in; the guest gets it when it is plugged in");
    fake_host_plug_usb(rig.host, &stranger);
    ck_assert_str_eq(look_again(&qemu, guest), "");
    fake_host_plug_usb(rig.host, &headset);
    ck_assert_str_eq(look_again(&qemu, guest), GIVEN);
    ck_assert_str_eq(look_again(&qemu, guest), "");
    assert_drivers(&rig, &stranger, "snd-usb-audio none usbhid");
    rig_end(&rig, guest);
    assert_drivers(&rig, &headset, "snd-usb-audio none usbhid");
}
END_TEST

START_TEST(a_device_that_was_unplugged_is_the_guests_again_when_it_is_back)
{
    A_GUEST_WITH_ITS_HEADSET;

    fake_host_unplug_usb(rig.host, &headset);
    ck_assert_str_eq(look_again(&qemu, guest), "device_del usb-headset\n");
    assert_words(guest, "headset: 046d:0a8f is not plugged in; the guest gets it when it is plugged in");
    fake_host_plug_usb(rig.host, &again);
    ck_assert_str_eq(look_again(&qemu, guest), GIVEN);
    assert_drivers(&rig, &again, "none none none");
    rig_end(&rig, guest);
    assert_drivers(&rig, &again, "snd-usb-audio none usbhid");
}
END_TEST

START_TEST(a_device_that_is_back_before_anybody_looked_is_another_one)
{
    A_GUEST_WITH_ITS_HEADSET;
    fake_host_unplug_usb(rig.host, &headset);
    fake_host_plug_usb(rig.host, &again);
    ck_assert_str_eq(look_again(&qemu, guest), "device_del usb-headset\n" GIVEN);
    rig_end(&rig, guest);
    assert_drivers(&rig, &again, "snd-usb-audio none usbhid");
}
END_TEST

START_TEST(a_device_that_is_gone_for_good_is_no_leftover)
{
    A_GUEST_WITH_ITS_HEADSET;
    fake_host_unplug_usb(rig.host, &headset);
    rig_end(&rig, guest);
}
END_TEST

/* As the kernel leaves it: what was usbfs's has no driver. */
START_TEST(drivers_are_back_whether_qemu_brought_them_or_was_killed)
{
    for (int killed = 0; killed < 2; killed++) {
        A_GUEST_WITH_ITS_HEADSET;
        fake_host_claim_usb(rig.host, &headset, killed ? NULL : "usbhid");
        rig_end(&rig, guest);
        assert_drivers(&rig, &headset, killed ? "snd-usb-audio none usbhid" : "usbhid usbhid usbhid");
    }
}
END_TEST

START_TEST(a_device_that_cannot_be_given_fails_nobody)
{
    A_GUEST(build_gpu, HEADSET "[USB other]\nSerial=A\n");
    fake_qemu_serve(&qemu);
    fake_host_plug_usb(rig.host, &headset);
    fake_host_plug_usb(rig.host, &stranger);
    fake_host_fail_write(rig.host, 0, EPERM);
    ck_assert_str_eq(look_again(&qemu, guest), "add-fd\ndevice_add usb-other\nremove-fd\n");
    ck_assert_int_eq(guest_state(guest), GUEST_RUNNING);
    assert_drivers(&rig, &headset, "snd-usb-audio none usbhid");
    assert_drivers(&rig, &stranger, "none none none");
    ck_assert_ptr_null(disk_claims_other(rig.engine.disks, "/dev/bus/usb/001/007", ""));
    rig_end(&rig, guest);
    assert_drivers(&rig, &stranger, "snd-usb-audio none usbhid");
}
END_TEST

static void assert_words_end(const Guest *guest, const char *end)
{
    g_autoptr(GPtrArray) words = guest_usb_words(guest);

    ck_assert_uint_eq(words->len, 1);
    ck_assert_msg(g_str_has_suffix(g_ptr_array_index(words, 0), end), "%s",
                  (char *)g_ptr_array_index(words, 0));
}

START_TEST(a_device_that_could_not_be_given_is_tried_again_when_it_is_asked_for)
{
    A_GUEST_WITHOUT_ITS_HEADSET;
    fake_host_plug_usb(rig.host, &headset);
    fake_host_fail_write(rig.host, 0, EPERM);
    look_again(&qemu, guest);
    assert_words_end(guest, "; to try again: usherctl reload");
    ck_assert_str_eq(look_again(&qemu, guest), "");
    guest_retry_usbs(guest);
    fake_qemu_serve(&qemu);
    ck_assert_str_eq(qemu.commands->str, GIVEN);
    assert_words(guest, "headset: 046d:0a8f at port 1-2");
    guest_retry_usbs(guest);
    fake_qemu_serve(&qemu);
    ck_assert_str_eq(qemu.commands->str, GIVEN);
    rig_end(&rig, guest);
    assert_drivers(&rig, &headset, "snd-usb-audio none usbhid");
}
END_TEST

/* Nothing tells that a program has let go of it. */
START_TEST(a_device_that_is_in_use_says_how_to_get_it_then)
{
    A_GUEST_WITHOUT_ITS_HEADSET;
    fake_host_plug_usb(rig.host, &headset);
    fake_host_claim_usb(rig.host, &headset, "usbfs");
    ck_assert_str_eq(look_again(&qemu, guest), "");
    assert_words_end(guest, "fuser -v names it, given the device's node; to try again: usherctl reload");
    fake_host_claim_usb(rig.host, &headset, NULL);
    guest_retry_usbs(guest);
    fake_qemu_serve(&qemu);
    ck_assert_str_eq(qemu.commands->str, GIVEN);
    rig_end(&rig, guest);
}
END_TEST

START_TEST(a_device_of_another_guest_is_left_to_it)
{
    A_RIG(build_gpu);
    A_QEMU(qemu, &rig);
    disk_claims_take(rig.engine.disks, "/dev/bus/usb/001/007", true, "other");
    Guest *guest = rig_run(&rig, &qemu, HEADSET);
    fake_qemu_serve(&qemu);
    fake_host_plug_usb(rig.host, &headset);
    ck_assert_str_eq(look_again(&qemu, guest), "");
    assert_words(
        guest,
        "headset: guest win10: [USB headset] 046d:0a8f at port 1-2 is in use by guest other; stop that guest "
        "first: usherctl stop other");
    disk_claims_give_up(rig.engine.disks, "other");
    ck_assert_str_eq(look_again(&qemu, guest), GIVEN);
    rig_end(&rig, guest);
}
END_TEST

START_TEST(two_sections_that_come_to_mean_the_same_get_it_once)
{
    A_GUEST(build_gpu, HEADSET "[USB front]\nPort=1-2\n");
    fake_qemu_serve(&qemu);
    fake_host_plug_usb(rig.host, &headset);
    ck_assert_str_eq(look_again(&qemu, guest), GIVEN);
    rig_end(&rig, guest);
}
END_TEST

START_TEST(a_guest_that_ends_while_it_is_given_a_device_leaves_it)
{
    A_RIG(build_gpu);
    A_QEMU(qemu, &rig);
    for (unsigned turns = 0; turns < 8; turns++) {
        Guest *guest = rig_run(&rig, &qemu, HEADSET);
        fake_qemu_serve(&qemu);
        fake_host_plug_usb(rig.host, &headset);
        guest_sync_usbs(guest);
        for (unsigned i = 0; i < turns; i++)
            rig_turn(&rig);
        rig_end(&rig, guest);
        assert_drivers(&rig, &headset, "snd-usb-audio none usbhid");
        fake_host_unplug_usb(rig.host, &headset);
        fake_qemu_hang_up(&qemu);
        qemu.status = "prelaunch";
    }
}
END_TEST

START_TEST(a_daemon_that_comes_again_knows_what_qemu_has)
{
    A_GUEST_WITH_ITS_HEADSET;
    rig_restart(&rig, &qemu, guest);
    g_string_truncate(qemu.commands, 0);
    guest = rig_find(&rig, HEADSET);
    rig_settle(&rig);
    fake_qemu_serve(&qemu);
    ck_assert_int_eq(guest_state(guest), GUEST_RUNNING);
    ck_assert_ptr_null(strstr(qemu.commands->str, "device_add"));
    ck_assert_ptr_null(strstr(qemu.commands->str, "device_del"));
    assert_words(guest, "headset: 046d:0a8f at port 1-2");
    ck_assert_str_eq(disk_claims_other(rig.engine.disks, "/dev/bus/usb/001/007", ""), "win10");
    fake_host_unplug_usb(rig.host, &headset);
    ck_assert_str_eq(look_again(&qemu, guest), "device_del usb-headset\n");
    rig_end(&rig, guest);
}
END_TEST

SUITE("guest-usb", a_device_that_is_there_is_the_guests_until_it_ends,
      a_device_that_is_absent_is_told_and_given_when_it_comes,
      a_device_that_was_unplugged_is_the_guests_again_when_it_is_back,
      a_device_that_is_back_before_anybody_looked_is_another_one,
      a_device_that_is_gone_for_good_is_no_leftover, drivers_are_back_whether_qemu_brought_them_or_was_killed,
      a_device_that_cannot_be_given_fails_nobody,
      a_device_that_could_not_be_given_is_tried_again_when_it_is_asked_for,
      a_device_that_is_in_use_says_how_to_get_it_then, a_device_of_another_guest_is_left_to_it,
      two_sections_that_come_to_mean_the_same_get_it_once,
      a_guest_that_ends_while_it_is_given_a_device_leaves_it, a_daemon_that_comes_again_knows_what_qemu_has)
