/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Resets, of a device that answers, is in use or has gone. */
#include <errno.h>

#include "../suite.h"
#include "step-taken.h"

START_TEST(a_reset_is_written_once_and_proven_by_an_answer)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    assert_done(act(host, STEP_RESET, GPU, STEP_VALUE_AS_IS, STEP_VALUE_RESET), STEP_LIVE_ANSWERS);
    ck_assert_uint_eq(fake_host_resets(host, GPU), 1);
    ck_assert_uint_eq(fake_host_resets(host, AUDIO), 0);
}
END_TEST

START_TEST(a_device_that_shall_stay_as_it_is_is_not_reset)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    assert_done(act(host, STEP_RESET, GPU, STEP_VALUE_RESET, STEP_VALUE_AS_IS), STEP_LIVE_ANSWERS);
    ck_assert_uint_eq(fake_host_resets(host, GPU), 0);
}
END_TEST

START_TEST(a_device_that_is_silent_after_its_reset_has_failed)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    fake_host_silence(host, GPU);
    assert_failed(act(host, STEP_RESET, GPU, STEP_VALUE_AS_IS, STEP_VALUE_RESET), -EIO, STEP_LIVE_SILENT);
}
END_TEST

START_TEST(a_reset_that_the_kernel_refuses_has_failed_though_the_device_answers)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    fake_host_fail_write(host, 0, ENOTTY);
    assert_failed(act(host, STEP_RESET, GPU, STEP_VALUE_AS_IS, STEP_VALUE_RESET), -ENOTTY, STEP_LIVE_ANSWERS);
}
END_TEST

START_TEST(a_group_that_somebody_has_open_is_not_reset_under_him)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    fake_host_set_driver(host, GPU, NULL);
    fake_host_set_driver(host, AUDIO, "vfio-pci");
    fake_host_open_group(host, 12);
    assert_failed(act(host, STEP_RESET, GPU, STEP_VALUE_AS_IS, STEP_VALUE_RESET), -EBUSY, STEP_LIVE_ANSWERS);
    ck_assert_uint_eq(fake_host_resets(host, GPU), 0);
    ck_assert_str_eq(fake_host_mishaps(host), "");
}
END_TEST

/* As by vhost, which keeps the descriptor a little longer than QEMU lives. */
START_TEST(a_group_that_is_let_go_of_late_is_waited_for_and_reset)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    fake_host_set_driver(host, GPU, NULL);
    fake_host_set_driver(host, AUDIO, "vfio-pci");
    fake_host_close_group_after(host, 12, 3);
    assert_done(act(host, STEP_RESET, GPU, STEP_VALUE_AS_IS, STEP_VALUE_RESET), STEP_LIVE_ANSWERS);
    ck_assert_uint_eq(fake_host_resets(host, GPU), 1);
    ck_assert_str_eq(fake_host_mishaps(host), "");
}
END_TEST

START_TEST(a_device_that_was_pulled_out_is_not_reset)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    fake_host_remove_device(host, GPU);
    assert_drift(act(host, STEP_RESET, GPU, STEP_VALUE_AS_IS, STEP_VALUE_RESET), NULL);
}
END_TEST

SUITE("step-act-reset", a_reset_is_written_once_and_proven_by_an_answer,
      a_device_that_shall_stay_as_it_is_is_not_reset, a_device_that_is_silent_after_its_reset_has_failed,
      a_reset_that_the_kernel_refuses_has_failed_though_the_device_answers,
      a_group_that_somebody_has_open_is_not_reset_under_him,
      a_group_that_is_let_go_of_late_is_waited_for_and_reset, a_device_that_was_pulled_out_is_not_reset)
