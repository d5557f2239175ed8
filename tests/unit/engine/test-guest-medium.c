/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is in a guest's CD drive, with a QEMU that locks the tray, says nothing or goes at a chosen moment. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "../../../daemon/base/cleanup.h"
#include "rig-guest.h"

static Guest *guest;
static unsigned n_ended;
static char *words; /* "done", or why not */

static void on_ended(const Fault *fault, void *userdata)
{
    n_ended++;
    g_free(words);
    words = fault ? fault_to_line(fault) : g_strdup("done");
}

#define A_RUN(drives)                                                                                        \
    A_RIG(build_gpu);                                                                                        \
    A_QEMU(qemu, &rig);                                                                                      \
    guest = rig_run(&rig, &qemu, drives);                                                                    \
    n_ended = 0;                                                                                             \
    g_string_truncate(qemu.commands, 0)

static void end(void)
{
    guest = guest_free(guest);
    g_clear_pointer(&words, g_free);
}

static int an_image(void)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static void change(FakeQemu *qemu, const char *drive, int fd, bool force)
{
    _cleanup_fault_ Fault *fault = NULL;
    int r = guest_change_medium(guest, drive, fd, force, on_ended, NULL, &fault);
    ck_assert_msg(r == 0, "%s", fault ? fault->message : g_strerror(-r));
    fake_qemu_serve(qemu);
}

static void assert_refused(const char *drive, int fd, FaultKind kind, const char *line)
{
    _cleanup_fault_ Fault *fault = NULL;
    ck_assert_int_eq(guest_change_medium(guest, drive, fd, false, on_ended, NULL, &fault), FAULT_RAISED);
    g_autofree char *said = fault_to_line(fault);
    ck_assert_str_eq(said, line);
    ck_assert_int_eq(fault->kind, kind);
}

START_TEST(an_image_is_handed_over_and_put_in)
{
    A_RUN("[CDROM install]\n");
    change(&qemu, "", an_image(), false);
    ck_assert_str_eq(words, "done");
    ck_assert_str_eq(qemu.commands->str,
                     "query-named-block-nodes\nadd-fd\nblockdev-change-medium\nremove-fd\n"
                     "blockdev-del\nblockdev-del\nremove-fd\n");
    change(&qemu, "install", -1, false);
    ck_assert_str_eq(words, "done");
    ck_assert_ptr_nonnull(strstr(qemu.commands->str, "\nquery-named-block-nodes\neject\nblockdev-del\n"));
    ck_assert_uint_eq(n_ended, 2);
    end();
}
END_TEST

START_TEST(a_tray_that_the_guest_opens_is_waited_for)
{
    A_RUN("[CDROM a]\n[CDROM b]\n");
    qemu.tray_locked = true;
    change(&qemu, "b", an_image(), false);
    ck_assert_uint_eq(n_ended, 0);
    assert_refused("a", an_image(), FAULT_BUSY,
                   "another change of a CD of guest win10 is under way; wait until that has ended");
    fake_qemu_open_tray(&qemu, "cdrom-a");
    qemu.tray_locked = true;
    ck_assert_uint_eq(n_ended, 0);
    fake_qemu_open_tray(&qemu, "cdrom-b");
    ck_assert_str_eq(words, "done");
    end();
}
END_TEST

START_TEST(a_tray_that_stays_locked_is_told)
{
    A_RUN("[CDROM a]\n");
    qemu.tray_locked = true;
    change(&qemu, "", -1, false);
    rig_until(&rig, &n_ended, 1);
    ck_assert_str_eq(words, "guest win10 has locked the tray of its drive a, and does not open the tray; "
                            "unmount and eject the medium in the guest, or use --force");
    end();
}
END_TEST

START_TEST(who_waits_for_a_tray_is_told_that_the_guest_ended)
{
    A_RUN("[CDROM a]\n");
    qemu.tray_locked = true;
    change(&qemu, "", an_image(), false);
    fake_qemu_hang_up(&qemu);
    qemu.qmp_fd = close_fd(qemu.qmp_fd);
    rig_until(&rig, &n_ended, 1);
    ck_assert_str_eq(words, "guest win10 ended, or QEMU hung up");
    end();
}
END_TEST

/* Whether another guest may not write to an_image(). */
static bool is_claimed(const Rig *rig)
{
    _cleanup_close_ int fd = an_image();
    struct statx st;

    ck_assert_int_eq(statx(fd, "", AT_EMPTY_PATH, STATX_INO, &st), 0);
    g_autofree char *id = g_strdup_printf("f%u:%u:%" G_GUINT64_FORMAT, st.stx_dev_major, st.stx_dev_minor,
                                          (uint64_t)st.stx_ino);
    return disk_claims_against(rig->engine.disks, id, true, "other") != NULL;
}

START_TEST(an_image_is_claimed_as_long_as_it_is_in_a_drive)
{
    A_RUN("[CDROM a]\n[CDROM b]\n");
    for (unsigned round = 0; round < 2; round++) {
        change(&qemu, "a", an_image(), false);
        change(&qemu, "b", an_image(), false);
        change(&qemu, "a", -1, false);
        ck_assert(is_claimed(&rig));
        change(&qemu, "b", -1, false);
        ck_assert(!is_claimed(&rig));
    }
    end();
}
END_TEST

START_TEST(an_image_that_was_not_put_in_is_not_claimed)
{
    A_RUN("[CDROM a]\n");
    qemu.tray_locked = true;
    change(&qemu, "a", an_image(), true);
    ck_assert_str_ne(words, "done");
    ck_assert(!is_claimed(&rig));
    change(&qemu, "a", an_image(), false);
    ck_assert(is_claimed(&rig));
    rig_until(&rig, &n_ended, 2);
    ck_assert(!is_claimed(&rig));
    end();
}
END_TEST

START_TEST(an_image_that_the_guest_was_started_with_stays_claimed)
{
    g_autofree char *path = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *drives = g_strdup_printf("[CDROM a]\nPath=%s\n[CDROM b]\n", path);
    A_RUN(drives);
    ck_assert(is_claimed(&rig));
    change(&qemu, "b", an_image(), false);
    change(&qemu, "b", -1, false);
    ck_assert(is_claimed(&rig));
    end();
}
END_TEST

START_TEST(an_image_that_qemu_may_have_put_in_unheard_stays_claimed)
{
    A_RUN("[CDROM a]\n");
    qemu.tray_locked = true;
    change(&qemu, "a", an_image(), false);
    fake_qemu_break(&qemu);
    ck_assert_uint_eq(n_ended, 1);
    ck_assert(is_claimed(&rig));
    fake_qemu_serve(&qemu);
    end();
}
END_TEST

START_TEST(what_cannot_be_is_refused)
{
    A_RUN("[CDROM a]\n[CDROM b]\n");
    assert_refused("", an_image(), FAULT_NO_SUCH_DEVICE,
                   "guest win10 has several CD drives, and none was named; its drives are a, b");
    assert_refused("c", -1, FAULT_NO_SUCH_DEVICE, "guest win10 has no CD drive of that name; its drives are a, b");
    assert_refused("a", open("/dev/null", O_RDONLY | O_CLOEXEC), FAULT_BAD_OPTION,
                   "the image is not a regular file, or is open for writing; pass a regular file that "
                   "is open for reading only");
    assert_refused("a", open("/proc/self/exe", O_PATH | O_CLOEXEC), FAULT_BAD_OPTION,
                   "the image is not a regular file, or is open for writing; pass a regular file that "
                   "is open for reading only");
    assert_refused("a", memfd_create("writable", MFD_CLOEXEC), FAULT_BAD_OPTION,
                   "the image is not a regular file, or is open for writing; pass a regular file that "
                   "is open for reading only");
    end();
}
END_TEST

START_TEST(a_guest_without_a_drive_has_none)
{
    A_RUN("");
    assert_refused(
        "", an_image(), FAULT_NO_SUCH_DEVICE,
        "guest win10 has no CD drive; add [CDROM NAME] to the guest's definition, and start the guest again");
    end();
}
END_TEST

SUITE("guest-medium", an_image_is_handed_over_and_put_in, a_tray_that_the_guest_opens_is_waited_for,
      a_tray_that_stays_locked_is_told, who_waits_for_a_tray_is_told_that_the_guest_ended,
      an_image_is_claimed_as_long_as_it_is_in_a_drive, an_image_that_was_not_put_in_is_not_claimed,
      an_image_that_the_guest_was_started_with_stays_claimed,
      an_image_that_qemu_may_have_put_in_unheard_stays_claimed, what_cannot_be_is_refused,
      a_guest_without_a_drive_has_none)
