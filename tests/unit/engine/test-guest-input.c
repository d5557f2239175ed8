/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest and the host's input devices, which come and go while it runs. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rig-guest.h"

#define KEYBOARD "[Input keyboard]\nDevice=/dev/input/by-id/usb-X-event-kbd\n"
#define INPUT_GID 104

static char *dev_path(const Rig *rig, const char *name)
{
    return g_strdup_printf("%s/dev/%s", fake_host_path(rig->host), name);
}

/* A node, and the stable name that udev gives it. */
static void plug(const Rig *rig, const char *node, const char *name)
{
    g_autofree char *folder = dev_path(rig, "input/by-id"), *in = g_strconcat("input/", node, NULL),
                    *by = g_strconcat("input/by-id/", name, NULL);
    g_autofree char *path = dev_path(rig, in), *link = dev_path(rig, by),
                    *target = g_strconcat("../", node, NULL);

    ck_assert_int_eq(g_mkdir_with_parents(folder, 0755), 0);
    ck_assert(g_file_set_contents(path, "", 0, NULL));
    ck_assert_int_eq(fchownat(AT_FDCWD, path, 0, INPUT_GID, 0), 0);
    ck_assert_int_eq(symlink(target, link), 0);
}

static void unplug(const Rig *rig, const char *node, const char *name)
{
    g_autofree char *in = g_strconcat("input/", node, NULL), *by = g_strconcat("input/by-id/", name, NULL);
    g_autofree char *path = dev_path(rig, in), *link = dev_path(rig, by);

    ck_assert_int_eq(unlink(link), 0);
    ck_assert_int_eq(unlink(path), 0);
}

static void assert_owner(const Rig *rig, const char *node, uid_t uid, gid_t gid)
{
    g_autofree char *in = g_strconcat("input/", node, NULL), *path = dev_path(rig, in);
    struct stat st;

    ck_assert_int_eq(fstatat(AT_FDCWD, path, &st, 0), 0);
    ck_assert_uint_eq(st.st_uid, uid);
    ck_assert_uint_eq(st.st_gid, gid);
}

static const char *look_again(FakeQemu *qemu, Guest *guest)
{
    return rig_look_again(qemu, guest, guest_sync_inputs);
}

static void assert_given_until_the_end(const Rig *rig, Guest *guest, const char *node)
{
    assert_owner(rig, node, GUEST_UID, GUEST_UID);
    rig_end(rig, guest);
    assert_owner(rig, node, 0, INPUT_GID);
}

/* It is there from the start, event5. */
#define A_GUEST_WITH_ITS_KEYBOARD                                                                            \
    A_RIG(build_gpu);                                                                                        \
    A_QEMU(qemu, &rig);                                                                                      \
    plug(&rig, "event5", "usb-X-event-kbd");                                                                 \
    Guest *guest = rig_run(&rig, &qemu, KEYBOARD);                                                           \
    fake_qemu_serve(&qemu)
/* It is nowhere yet. */
#define A_GUEST_WITHOUT_ITS_KEYBOARD                                                                         \
    A_GUEST(build_gpu, KEYBOARD);                                                                            \
    fake_qemu_serve(&qemu)

START_TEST(a_keyboard_that_is_there_is_the_guests_until_it_ends)
{
    A_GUEST_WITH_ITS_KEYBOARD;
    ck_assert(g_str_has_suffix(qemu.commands->str, "cont\nobject-del\nobject-add\n"));
    assert_given_until_the_end(&rig, guest, "event5");
}
END_TEST

START_TEST(a_keyboard_that_comes_later_is_given_then)
{
    A_GUEST_WITHOUT_ITS_KEYBOARD;
    ck_assert(g_str_has_suffix(qemu.commands->str, "cont\n"));
    plug(&rig, "event7", "usb-X-event-kbd");
    ck_assert_str_eq(look_again(&qemu, guest), "object-del\nobject-add\n");
    assert_given_until_the_end(&rig, guest, "event7");
}
END_TEST

START_TEST(a_keyboard_that_was_unplugged_is_the_guests_again_when_it_is_back)
{
    A_GUEST_WITH_ITS_KEYBOARD;

    unplug(&rig, "event5", "usb-X-event-kbd");
    ck_assert_str_eq(look_again(&qemu, guest), "object-del\n");
    ck_assert_str_eq(look_again(&qemu, guest), "");
    plug(&rig, "event9", "usb-X-event-kbd");
    ck_assert_str_eq(look_again(&qemu, guest), "object-del\nobject-add\n");
    assert_given_until_the_end(&rig, guest, "event9");
}
END_TEST

START_TEST(a_keyboard_that_is_back_under_the_same_name_is_another_device)
{
    A_GUEST_WITH_ITS_KEYBOARD;

    unplug(&rig, "event5", "usb-X-event-kbd");
    plug(&rig, "event6", "somebody-elses");
    plug(&rig, "event5", "usb-X-event-kbd");
    ck_assert_str_eq(look_again(&qemu, guest), "object-del\nobject-add\n");
    assert_owner(&rig, "event6", 0, INPUT_GID);
    assert_given_until_the_end(&rig, guest, "event5");
}
END_TEST

START_TEST(others_that_come_are_nothing_to_the_guest)
{
    A_GUEST_WITH_ITS_KEYBOARD;
    plug(&rig, "event6", "somebody-elses");
    ck_assert_str_eq(look_again(&qemu, guest), "");
    assert_owner(&rig, "event6", 0, INPUT_GID);
    rig_end(&rig, guest);
}
END_TEST

START_TEST(a_keyboard_that_cannot_be_given_fails_nobody)
{
    A_GUEST(build_gpu, KEYBOARD "[Input mouse]\nDevice=/dev/input/by-id/usb-X-event-mouse\n");
    fake_qemu_serve(&qemu);
    plug(&rig, "event5", "usb-X-event-kbd");
    plug(&rig, "event6", "usb-X-event-mouse");
    fake_host_fail_write(rig.host, 0, EPERM);
    /* The mouse. */
    ck_assert_str_eq(look_again(&qemu, guest), "object-del\nobject-add\n");
    ck_assert_int_eq(guest_state(guest), GUEST_RUNNING);
    assert_owner(&rig, "event5", 0, INPUT_GID);
    assert_given_until_the_end(&rig, guest, "event6");
}
END_TEST

START_TEST(a_guest_that_ends_while_it_is_given_a_keyboard_leaves_it)
{
    A_GUEST_WITHOUT_ITS_KEYBOARD;
    plug(&rig, "event5", "usb-X-event-kbd");
    guest_sync_inputs(guest);
    rig_end(&rig, guest);
    assert_owner(&rig, "event5", 0, INPUT_GID);
}
END_TEST

START_TEST(only_nodes_of_input_devices_are_given)
{
    A_GUEST(build_gpu, KEYBOARD);
    g_autofree char *folder = dev_path(&rig, "input/by-id"),
                    *link = g_strconcat(folder, "/usb-X-event-kbd", NULL);

    fake_qemu_serve(&qemu);
    ck_assert_int_eq(g_mkdir_with_parents(folder, 0755), 0);
    ck_assert_int_eq(symlink("../../vfio/12", link), 0);
    ck_assert_str_eq(look_again(&qemu, guest), "");
    rig_end(&rig, guest);
}
END_TEST

SUITE("guest-input", a_keyboard_that_is_there_is_the_guests_until_it_ends,
      a_keyboard_that_comes_later_is_given_then,
      a_keyboard_that_was_unplugged_is_the_guests_again_when_it_is_back,
      a_keyboard_that_is_back_under_the_same_name_is_another_device,
      others_that_come_are_nothing_to_the_guest, a_keyboard_that_cannot_be_given_fails_nobody,
      a_guest_that_ends_while_it_is_given_a_keyboard_leaves_it, only_nodes_of_input_devices_are_given)
