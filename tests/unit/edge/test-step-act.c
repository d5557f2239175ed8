/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <unistd.h>

#include "../suite.h"
#include "step-taken.h"

START_TEST(values_are_read_as_steps_write_them)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    assert_live(host, STEP_MODULE, "vfio_pci", "live");
    assert_live(host, STEP_POWER_CONTROL, AUDIO, "auto");
    assert_live(host, STEP_D3COLD, AUDIO, "1");
    assert_live(host, STEP_DRIVER, GPU, "radeon");
    assert_live(host, STEP_OVERRIDE, GPU, "");
    fake_host_set_driver(host, GPU, NULL);
    assert_live(host, STEP_DRIVER, GPU, "");
    fake_host_set_override(host, GPU, "vfio-pci");
    assert_live(host, STEP_OVERRIDE, GPU, "vfio-pci");
    /* Kernels differ in what they show for none. */
    fake_host_set_override(host, GPU, "");
    assert_live(host, STEP_OVERRIDE, GPU, "");
}
END_TEST

START_TEST(what_is_not_there_is_gone_and_no_error)
{
    g_autoptr(FakeHost) host = fake_host_new();
    assert_live(host, STEP_DRIVER, GPU, "(gone)");
    assert_live(host, STEP_OVERRIDE, GPU, "(gone)");
    assert_live(host, STEP_POWER_CONTROL, GPU, "(gone)");
    assert_live(host, STEP_D3COLD, GPU, "(gone)");
    assert_live(host, STEP_NODE_OWNER, "/dev/vfio/12", "(gone)");
}
END_TEST

START_TEST(a_subject_leads_nowhere_else)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    g_autofree char *einval = g_strdup_printf("(error %d)", EINVAL);
    static const char *const addresses[] = {"",
                                            ".",
                                            "../../../bus/pci/devices/0000:01:00.0",
                                            "0000:01:00.0/",
                                            "01:00.0",
                                            "0000:01:00.0/../0000:01:00.1"};
    for (size_t i = 0; i < G_N_ELEMENTS(addresses); i++)
        for (StepKind kind = STEP_POWER_CONTROL; kind <= STEP_OVERRIDE; kind++)
            assert_live(host, kind, addresses[i], einval);

    static const char *const nodes[] = {"/dev/vfio/", "/dev/vfio/vfio", "/dev/vfio/1/../../kvm", "/dev/kvm",
                                        "12",         "/dev/vfio/-1",   "/dev/vfio/12 "};
    for (size_t i = 0; i < G_N_ELEMENTS(nodes); i++)
        assert_live(host, STEP_NODE_OWNER, nodes[i], einval);
    assert_live(host, STEP_MODULE, "nouveau", einval);
    ck_assert_uint_eq(fake_host_writes(host), 0);
}
END_TEST

START_TEST(a_driver_is_unbound)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    assert_done(act(host, STEP_DRIVER, GPU, "radeon", ""), "");
    assert_live(host, STEP_DRIVER, GPU, "");
    ck_assert_uint_eq(fake_host_writes(host), 1);
}
END_TEST

START_TEST(a_device_is_probed_to_the_driver_of_its_override)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    fake_host_set_driver(host, GPU, NULL);
    assert_done(act(host, STEP_OVERRIDE, GPU, "", "vfio-pci"), "vfio-pci");
    assert_done(act(host, STEP_DRIVER, GPU, "", "vfio-pci"), "vfio-pci");
    assert_done(act(host, STEP_DRIVER, GPU, "vfio-pci", ""), "");
    assert_done(act(host, STEP_OVERRIDE, GPU, "vfio-pci", ""), "");
    assert_done(act(host, STEP_DRIVER, GPU, "", "radeon"), "radeon");
    ck_assert_uint_eq(fake_host_writes(host), 5);
}
END_TEST

START_TEST(what_is_done_already_is_not_written_again)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    assert_done(act(host, STEP_DRIVER, GPU, "nouveau", "radeon"), "radeon");
    assert_done(act(host, STEP_POWER_CONTROL, GPU, "auto", "on"), "on");
    assert_done(act(host, STEP_MODULE, "vfio_pci", "absent", "live"), "live");
    ck_assert_uint_eq(fake_host_writes(host), 0);
}
END_TEST

START_TEST(what_somebody_else_changed_is_left_alone)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    assert_drift(act(host, STEP_DRIVER, GPU, "nouveau", ""), "radeon");
    fake_host_set_override(host, GPU, "none");
    assert_drift(act(host, STEP_OVERRIDE, GPU, "", "vfio-pci"), "none");
    assert_drift(act(host, STEP_DRIVER, "0000:09:00.0", "radeon", ""), NULL);
    assert_drift(act(host, STEP_POWER_CONTROL, "0000:09:00.0", "auto", "on"), NULL);
    ck_assert_uint_eq(fake_host_writes(host), 0);
}
END_TEST

START_TEST(a_held_value_is_written_whatever_it_is)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    assert_done(act(host, STEP_POWER_CONTROL, AUDIO, "on", "on"), "on");
    fake_host_set_power_control(host, AUDIO, "auto");
    assert_done(act(host, STEP_POWER_CONTROL, AUDIO, "something", "on"), "on");
    assert_done(act(host, STEP_D3COLD, AUDIO, "0", "0"), "0");
    ck_assert_uint_eq(fake_host_writes(host), 3);
}
END_TEST

START_TEST(a_probe_that_binds_nothing_has_failed)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    fake_host_set_driver(host, GPU, NULL);
    fake_host_fail_probe(host, GPU);
    assert_failed(act(host, STEP_DRIVER, GPU, "", "radeon"), -EIO, "");
    assert_done(act(host, STEP_DRIVER, GPU, "", "radeon"), "radeon");
}
END_TEST

START_TEST(a_probe_that_binds_another_driver_has_failed)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    fake_host_set_driver(host, GPU, NULL);
    assert_failed(act(host, STEP_DRIVER, GPU, "", "vfio-pci"), -EIO, "radeon");
}
END_TEST

START_TEST(a_driver_that_is_not_there_is_not_probed_for)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    fake_host_set_driver(host, GPU, NULL);
    fake_host_unload_driver(host, "radeon");
    assert_failed(act(host, STEP_DRIVER, GPU, "", "radeon"), -ENOPKG, "");
    assert_failed(act(host, STEP_DRIVER, GPU, "", ".."), -ENOPKG, "");
    assert_failed(act(host, STEP_DRIVER, GPU, "", "../devices"), -ENOPKG, "");
    ck_assert_uint_eq(fake_host_writes(host), 0);
}
END_TEST

START_TEST(a_driver_step_goes_from_or_to_none)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    assert_failed(act(host, STEP_DRIVER, GPU, "radeon", "vfio-pci"), -EINVAL, "radeon");
    ck_assert_uint_eq(fake_host_writes(host), 0);
}
END_TEST

START_TEST(the_error_of_a_write_is_told)
{
    static const int errors[] = {EACCES, EBUSY, EINVAL, EIO, ENODEV, ENOMEM, EPERM};
    for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
        g_autoptr(FakeHost) host = fake_host_new_with_gpu();
        fake_host_fail_write(host, 0, errors[i]);
        assert_failed(act(host, STEP_DRIVER, GPU, "radeon", ""), -errors[i], "radeon");
    }
}
END_TEST

START_TEST(a_write_that_complained_and_worked_is_done)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    fake_host_complain_at_write(host, 0, EIO);
    assert_done(act(host, STEP_DRIVER, GPU, "radeon", ""), "");
}
END_TEST

START_TEST(a_module_is_loaded_where_its_driver_is_missing)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    fake_host_unload_vfio_pci(host);
    assert_live(host, STEP_MODULE, "vfio_pci", "absent");
    assert_done(act(host, STEP_MODULE, "vfio_pci", "absent", "live"), "live");
    ck_assert_uint_eq(fake_host_writes(host), 1);
}
END_TEST

START_TEST(a_module_that_is_not_installed_is_told_so)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    fake_host_unload_vfio_pci(host);
    fake_host_lose_vfio_pci(host);
    assert_failed(act(host, STEP_MODULE, "vfio_pci", "absent", "live"), -ENOPKG, "absent");
    fake_host_fail_write(host, 0, ENOENT);
    assert_failed(act(host, STEP_MODULE, "vfio_pci", "absent", "live"), -ENOENT, "absent");
}
END_TEST

START_TEST(a_module_is_never_unloaded)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    assert_failed(act(host, STEP_MODULE, "vfio_pci", "live", "absent"), -EINVAL, "live");
}
END_TEST

START_TEST(virtual_functions_are_made_without_a_driver_and_unmade)
{
    g_autoptr(FakeHost) host = fake_host_new();
    fake_host_add_network_card(host, "0000:02:00.0", NULL, 20, "eth0");
    fake_host_add_sriov(host, "0000:02:00.0", 4, 21, "igbvf");
    assert_done(act(host, STEP_AUTOPROBE, "0000:02:00.0", "1", "0"), "0");
    assert_done(act(host, STEP_FUNCTIONS, "0000:02:00.0", "0", "2"), "2");
    assert_live(host, STEP_DRIVER, "0000:02:00.4", "");
    assert_drift(act(host, STEP_FUNCTIONS, "0000:02:00.0", "0", "3"), "2");
    assert_done(act(host, STEP_FUNCTIONS, "0000:02:00.0", "2", "0"), "0");
    assert_live(host, STEP_DRIVER, "0000:02:00.4", "(gone)");
    assert_failed(act(host, STEP_FUNCTIONS, "0000:02:00.0", "0", "5"), -ERANGE, "0");
    assert_live(host, STEP_FUNCTIONS, "../../x", "(error 22)");
}
END_TEST

START_TEST(a_bar_is_resized_while_no_driver_has_the_device)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    fake_host_add_bar(host, GPU, 1, UINT64_C(256) << 20, 0x7f00);
    assert_failed(act(host, STEP_BAR_SIZE, GPU, "bar 1: 256M", "bar 1: 16384M"), -EBUSY, "bar 1: 256M");
    fake_host_set_driver(host, GPU, NULL);
    assert_done(act(host, STEP_BAR_SIZE, GPU, "bar 1: 256M", "bar 1: 16384M"), "bar 1: 16384M");
    assert_drift(act(host, STEP_BAR_SIZE, GPU, "bar 1: 256M", "bar 1: 512M"), "bar 1: 16384M");
    assert_done(act(host, STEP_BAR_SIZE, GPU, "bar 1: 16384M", "bar 1: 256M"), "bar 1: 256M");
    assert_failed(act(host, STEP_BAR_SIZE, GPU, "bar 1: 256M", "bar 1: 64M"), -EINVAL, "bar 1: 256M");
    assert_failed(act(host, STEP_BAR_SIZE, GPU, "bar 0: 0M", "bar 0: 64M"), -ENOENT, "bar 0: 0M");
    assert_drift(act(host, STEP_BAR_SIZE, "0000:09:00.0", "bar 0: 64M", "bar 0: 128M"), NULL);
    static const char *const wrong[] = {"bar 0: 256M",  "bar 6: 256M", "bar 1: 256",
                                        "bar 1:  256M", "256M",        ""};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        assert_failed(act(host, STEP_BAR_SIZE, GPU, wrong[i], "bar 1: 512M"), -EINVAL, NULL);
    assert_failed(act(host, STEP_BAR_SIZE, "../x", "bar 1: 256M", "bar 1: 512M"), -EINVAL, NULL);
}
END_TEST

#define UUID "4b20d080-1b54-4048-85b3-a6a62d165c01"
#define OTHER "4b20d080-1b54-4048-85b3-a6a62d165c02"
#define MADE "nvidia-63@0000:01:00.0"

START_TEST(a_mediated_device_is_made_and_removed)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    fake_host_add_mediated_type(host, GPU, "nvidia-63", "GRID M60-2Q", 1, 40);
    assert_live(host, STEP_MEDIATED, UUID, "(error 22)");
    assert_done(act(host, STEP_MEDIATED, UUID, "", MADE), MADE);
    /* Somebody else has made it. */
    assert_drift(act(host, STEP_MEDIATED, UUID, "", MADE), MADE);
    assert_drift(act(host, STEP_MEDIATED, UUID, "", "nvidia-64@" GPU), MADE);
    assert_failed(act(host, STEP_MEDIATED, OTHER, "", MADE), -EUSERS, "");
    assert_done(act(host, STEP_MEDIATED, UUID, MADE, ""), "");
    assert_done(act(host, STEP_MEDIATED, UUID, MADE, ""), "");
    assert_failed(act(host, STEP_MEDIATED, UUID, "", "nvidia-65@" GPU), -ENOENT, "");
    assert_failed(act(host, STEP_MEDIATED, UUID, "", "nvidia-63@0000:07:00.0"), -ENOENT, "");
}
END_TEST

START_TEST(a_mediated_device_is_known_wherever_it_is)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    fake_host_add_mediated(host, UUID, AUDIO, "nvidia-63", 40);
    assert_drift(act(host, STEP_MEDIATED, UUID, "", MADE), "nvidia-63@" AUDIO);
    assert_drift(act(host, STEP_MEDIATED, UUID, MADE, ""), "nvidia-63@" AUDIO);
    /* On its way out it has lost its type and its bus (mdev_device_remove_common()). */
    g_autofree char *by_bus = g_strdup_printf("%s/sys/bus/mdev/devices/" UUID, fake_host_path(host)),
                    *type = g_strconcat(by_bus, "/mdev_type", NULL);
    ck_assert_int_eq(unlink(type), 0);
    ck_assert_int_eq(unlink(by_bus), 0);
    assert_drift(act(host, STEP_MEDIATED, UUID, "nvidia-63@" AUDIO, ""), "unknown@" AUDIO);
}
END_TEST

START_TEST(what_is_no_mediated_device_of_a_pci_device_is_refused)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    assert_failed(act(host, STEP_MEDIATED, "../../x", "", MADE), -EINVAL, NULL);
    assert_failed(act(host, STEP_MEDIATED, "4B20D080-1b54-4048-85b3-a6a62d165c01", "", MADE), -EINVAL, NULL);
    assert_failed(act(host, STEP_MEDIATED, UUID, "", "../x@" GPU), -EINVAL, NULL);
    assert_failed(act(host, STEP_MEDIATED, UUID, "", "a/b@" GPU), -EINVAL, NULL);
    assert_failed(act(host, STEP_MEDIATED, UUID, "", "nvidia-63@../x"), -EINVAL, NULL);
    assert_failed(act(host, STEP_MEDIATED, UUID, "", "@" GPU), -EINVAL, NULL);
    assert_failed(act(host, STEP_MEDIATED, UUID, "", ""), -EINVAL, NULL);
    assert_failed(act(host, STEP_MEDIATED, UUID, MADE, MADE), -EINVAL, NULL);
}
END_TEST

SUITE("step-act", a_bar_is_resized_while_no_driver_has_the_device, a_mediated_device_is_made_and_removed,
      a_mediated_device_is_known_wherever_it_is, what_is_no_mediated_device_of_a_pci_device_is_refused,
      virtual_functions_are_made_without_a_driver_and_unmade, values_are_read_as_steps_write_them,
      what_is_not_there_is_gone_and_no_error, a_subject_leads_nowhere_else, a_driver_is_unbound,
      a_device_is_probed_to_the_driver_of_its_override, what_is_done_already_is_not_written_again,
      what_somebody_else_changed_is_left_alone, a_held_value_is_written_whatever_it_is,
      a_probe_that_binds_nothing_has_failed, a_probe_that_binds_another_driver_has_failed,
      a_driver_that_is_not_there_is_not_probed_for, a_driver_step_goes_from_or_to_none,
      the_error_of_a_write_is_told, a_write_that_complained_and_worked_is_done,
      a_module_is_loaded_where_its_driver_is_missing, a_module_that_is_not_installed_is_told_so,
      a_module_is_never_unloaded)
