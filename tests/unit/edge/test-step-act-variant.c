/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Steps to a variant of vfio-pci. */
#include "../suite.h"
#include "step-taken.h"

START_TEST(a_variant_is_asked_for_by_the_name_that_it_is_registered_by)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    fake_host_load_driver(host, "xe-vfio-pci");
    fake_host_set_driver(host, GPU, NULL);
    assert_done(act(host, STEP_MODULE, "xe_vfio_pci", "absent", "live"), "live");
    assert_done(act(host, STEP_OVERRIDE, GPU, "", "xe_vfio_pci"), "xe-vfio-pci");
    assert_done(act(host, STEP_DRIVER, GPU, "", "xe_vfio_pci"), "xe-vfio-pci");
    assert_done(act(host, STEP_OVERRIDE, GPU, "", "xe_vfio_pci"), "xe-vfio-pci");
    assert_done(act(host, STEP_DRIVER, GPU, "xe_vfio_pci", ""), "");
    assert_done(act(host, STEP_OVERRIDE, GPU, "xe_vfio_pci", ""), "");
    ck_assert_uint_eq(fake_host_writes(host), 4);
}
END_TEST

START_TEST(a_variant_takes_a_member_of_a_group_that_is_in_use)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    fake_host_load_driver(host, "xe_vfio_pci");
    fake_host_set_driver(host, GPU, NULL);
    fake_host_set_driver(host, AUDIO, NULL);
    assert_done(act(host, STEP_OVERRIDE, AUDIO, "", "vfio-pci"), "vfio-pci");
    assert_done(act(host, STEP_DRIVER, AUDIO, "", "vfio-pci"), "vfio-pci");
    fake_host_open_group(host, 12);
    assert_done(act(host, STEP_OVERRIDE, GPU, "", "xe_vfio_pci"), "xe_vfio_pci");
    assert_done(act(host, STEP_DRIVER, GPU, "", "xe_vfio_pci"), "xe_vfio_pci");
    fake_host_close_group(host, 12);
}
END_TEST

SUITE("step-act-variant", a_variant_is_asked_for_by_the_name_that_it_is_registered_by,
      a_variant_takes_a_member_of_a_group_that_is_in_use)
