/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher-bind as a process, spoken to over its socket; USHER_BIND says where it is. Of this host it touches
 * nothing. */
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bind-helper.h"

START_TEST(the_mark_of_a_step_is_let_go_of_when_it_is_over)
{
    A_HELPER;
    const char *const words[] = {"step", "driver", "ffff:ff:1f.7", "radeon", "", NULL};
    int ends[2];
    char byte;
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    ck_assert_int_eq(channel_send_blocking(helper.fd, words, &ends[1], 1), 0);
    close(ends[1]);
    /* The end of the stream comes when the last descriptor of the other end is closed. */
    ck_assert_int_eq(read(ends[0], &byte, 1), 0);
    close(ends[0]);

    g_auto(GStrv) answer = NULL;
    unsigned n_fds;
    ck_assert_int_eq(channel_receive_blocking(helper.fd, &answer, NULL, 0, &n_fds), 0);
    ck_assert_str_eq(answer[0], "drift");
}
END_TEST

START_TEST(a_step_on_a_device_that_is_not_there_is_drift)
{
    A_HELPER;
    assert_answer(&helper, (const char *[]){"step", "driver", "ffff:ff:1f.7", "radeon", "", NULL}, "drift -");
    assert_answer(&helper, (const char *[]){"step", "power-control", "ffff:ff:1f.7", "auto", "on", NULL},
                  "drift -");
    assert_answer(&helper, (const char *[]){"step", "node-owner", "/dev/vfio/999999", "1:1", "0:0", NULL},
                  "done -");
}
END_TEST

START_TEST(a_step_that_makes_no_sense_fails)
{
    A_HELPER;
    g_autofree char *einval = g_strdup_printf("failed %d -", EINVAL);
    assert_answer(&helper, (const char *[]){"step", "erase", "ffff:ff:1f.7", "", "", NULL}, einval);
    assert_answer(&helper, (const char *[]){"step", "driver", "../../x", "radeon", "", NULL}, einval);
    assert_answer(&helper, (const char *[]){"step", "node-owner", "/dev/null", "0:0", "1:1", NULL}, einval);
}
END_TEST

START_TEST(it_goes_when_the_daemon_goes)
{
    A_HELPER;
    assert_open_fails(&helper, "", "r", EBADMSG);
    ck_assert_int_eq(helper_end(&helper), 0);
}
END_TEST

START_TEST(it_goes_when_it_hears_what_it_does_not_know)
{
    static const char *const messages[][7] = {{"reboot"},
                                              {"step", "driver", "x", "y"},
                                              {"step", "driver", "x", "y", "z", "!"},
                                              {"open", "/"},
                                              {""}};
    for (size_t i = 0; i < G_N_ELEMENTS(messages); i++) {
        A_HELPER;
        ck_assert_int_eq(channel_send_blocking(helper.fd, messages[i], NULL, 0), 0);
        char **words = NULL;
        unsigned n_fds;
        ck_assert_int_eq(channel_receive_blocking(helper.fd, &words, NULL, 0, &n_fds), -ECONNRESET);
        int status = helper_end(&helper);
        ck_assert(WIFEXITED(status));
        ck_assert_int_ne(WEXITSTATUS(status), 0);
    }
}
END_TEST

START_TEST(it_takes_no_descriptor_but_the_mark_of_a_step)
{
    A_HELPER;
    ck_assert_int_eq(
        channel_send_blocking(helper.fd, (const char *[]){"open", "/", "r", NULL}, (int[]){0}, 1), 0);
    int status = helper_end(&helper);
    ck_assert(WIFEXITED(status));
    ck_assert_int_ne(WEXITSTATUS(status), 0);
}
END_TEST

START_TEST(without_a_daemon_it_fails_at_once)
{
    g_autofree char *folder = scratch_new("bind");
    g_autofree char *path = g_build_filename(folder, "helper.sock", NULL);
    int status;
    pid_t pid = spawn(path);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    ck_assert_int_ne(WEXITSTATUS(status), 0);
    scratch_remove(folder);
}
END_TEST

START_TEST(it_finds_no_holders_of_a_device_that_is_not_there)
{
    A_HELPER;
    assert_answer(&helper, (const char *[]){"holders", "ffff:ff:1f.7", NULL}, "holders");
    assert_answer(&helper, (const char *[]){"holders", "../..", NULL}, "failed 22 -");
}
END_TEST

/* Stands for the descriptor of a VFIO group that somebody forgot to close on exec. */
START_TEST(it_keeps_nothing_that_it_inherited)
{
    int leaked[2];
    ck_assert_int_eq(pipe(leaked), 0);
    A_HELPER;
    close(leaked[1]);
    /* The end of the stream shows that nobody else has the other end any more. */
    char byte;
    ck_assert_int_eq(read(leaked[0], &byte, 1), 0);
    close(leaked[0]);
}
END_TEST

SUITE("bind-main", the_mark_of_a_step_is_let_go_of_when_it_is_over,
      a_step_on_a_device_that_is_not_there_is_drift, a_step_that_makes_no_sense_fails,
      it_goes_when_the_daemon_goes, it_goes_when_it_hears_what_it_does_not_know,
      it_takes_no_descriptor_but_the_mark_of_a_step, without_a_daemon_it_fails_at_once,
      it_finds_no_holders_of_a_device_that_is_not_there, it_keeps_nothing_that_it_inherited)
