/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The socket of a guest's display ([Display] Owner=), and viewers that come to it early. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "../../../daemon/base/cleanup.h"
#include "rig-guest.h"

static int connect_viewer(const Rig *rig)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    ck_assert_int_lt(
        g_snprintf(address.sun_path, sizeof(address.sun_path), "%s/display/win10.vnc", rig->run_path),
        sizeof(address.sun_path));
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static bool waits(int viewer)
{
    char byte;

    return recv(viewer, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

START_TEST(a_viewer_that_comes_before_qemu_answers_waits_for_it)
{
    A_RIG(build_gpu);
    A_QEMU(qemu, &rig);
    g_autofree char *more = g_strdup_printf("[Display]\nType=vnc\nOwner=%s\n", g_get_user_name());
    Guest *guest = rig_start(&rig, more);

    fake_qemu_connect(&qemu, guest);
    rig_settle(&rig);
    ck_assert_int_eq(guest_state(guest), GUEST_STARTING);
    _cleanup_close_ int viewer = connect_viewer(&rig);
    rig_settle(&rig);
    ck_assert(waits(viewer));
    ck_assert(fake_qemu_take_over(&qemu));
    fake_qemu_serve(&qemu);
    ck_assert_int_eq(guest_state(guest), GUEST_RUNNING);
    ck_assert_ptr_nonnull(strstr(qemu.commands->str, "add_client"));
    rig_end(&rig, guest);
}
END_TEST

SUITE("guest-viewers", a_viewer_that_comes_before_qemu_answers_waits_for_it)
