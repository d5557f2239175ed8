/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The fake host behaves as the kernel was seen to, so that tests over it mean something. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../../../daemon/base/file.h"
#include "../fake-host.h"
#include "../suite.h"

static int write_to(const FakeHost *host, const char *path, const char *value)
{
    return file_write_value_at(fake_host_sys_fd(host), path, value);
}

static void assert_driver(const FakeHost *host, const char *address, const char *expected)
{
    g_autofree char *driver = fake_host_driver(host, address);
    ck_assert_str_eq(driver, expected);
}

static bool node_there(const FakeHost *host, const char *node)
{
    return faccessat(fake_host_dev_fd(host), node, F_OK, 0) == 0;
}

START_TEST(devices_come_with_their_drivers)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    assert_driver(host, "0000:00:01.0", "pcieport");
    assert_driver(host, "0000:01:00.0", "radeon");
    assert_driver(host, "0000:01:00.1", "snd_hda_intel");
    g_autofree char *text = fake_host_snapshot_text(host);
    ck_assert_str_eq(text, "0000:00:01.0 driver=pcieport override=(null) power=auto d3cold=1\n"
                           "0000:01:00.0 driver=radeon override=(null) power=on d3cold=1\n"
                           "0000:01:00.1 driver=snd_hda_intel override=(null) power=auto d3cold=1\n"
                           "vfio/vfio 0:0 644\n");
}
END_TEST

START_TEST(an_override_decides_what_a_probe_binds)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    ck_assert_int_eq(write_to(host, "bus/pci/devices/0000:01:00.0/driver/unbind", "0000:01:00.0"), 0);
    assert_driver(host, "0000:01:00.0", "");
    ck_assert_int_eq(write_to(host, "bus/pci/devices/0000:01:00.0/driver_override", "vfio-pci"), 0);
    assert_driver(host, "0000:01:00.0", "");
    ck_assert_int_eq(write_to(host, "bus/pci/drivers_probe", "0000:01:00.0"), 0);
    assert_driver(host, "0000:01:00.0", "vfio-pci");
    ck_assert(node_there(host, "vfio/12"));

    ck_assert_int_eq(write_to(host, "bus/pci/devices/0000:01:00.0/driver/unbind", "0000:01:00.0"), 0);
    ck_assert(!node_there(host, "vfio/12"));
    ck_assert_int_eq(write_to(host, "bus/pci/devices/0000:01:00.0/driver_override", "\n"), 0);
    ck_assert_int_eq(write_to(host, "bus/pci/drivers_probe", "0000:01:00.0"), 0);
    assert_driver(host, "0000:01:00.0", "radeon");
    ck_assert_str_eq(fake_host_mishaps(host), "");
}
END_TEST

START_TEST(a_write_of_nothing_does_not_clear_an_override)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    fake_host_set_override(host, "0000:01:00.0", "vfio-pci");
    ck_assert_int_eq(write_to(host, "bus/pci/devices/0000:01:00.0/driver_override", ""), 0);
    g_autofree char *text = fake_host_snapshot_text(host);
    ck_assert_ptr_nonnull(strstr(text, "override=vfio-pci"));
}
END_TEST

START_TEST(vfio_pci_changes_power_control)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    fake_host_set_driver(host, "0000:01:00.0", "vfio-pci");
    g_autofree char *bound = fake_host_snapshot_text(host);
    ck_assert_ptr_nonnull(strstr(bound, "0000:01:00.0 driver=vfio-pci override=(null) power=auto"));
    fake_host_set_driver(host, "0000:01:00.0", NULL);
    g_autofree char *unbound = fake_host_snapshot_text(host);
    ck_assert_ptr_nonnull(strstr(unbound, "0000:01:00.0 driver= override=(null) power=on"));
}
END_TEST

START_TEST(a_probe_without_a_driver_succeeds_and_binds_nothing)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    fake_host_set_driver(host, "0000:01:00.0", NULL);
    fake_host_set_override(host, "0000:01:00.0", "no-such-driver");
    ck_assert_int_eq(write_to(host, "bus/pci/drivers_probe", "0000:01:00.0"), 0);
    assert_driver(host, "0000:01:00.0", "");
    ck_assert_int_eq(write_to(host, "bus/pci/drivers_probe", "0000:09:00.0"), -ENODEV);
}
END_TEST

START_TEST(no_host_driver_takes_a_member_of_a_group_in_use)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    fake_host_set_driver(host, "0000:01:00.0", "vfio-pci");
    fake_host_set_driver(host, "0000:01:00.1", NULL);
    fake_host_open_group(host, 12);
    ck_assert_int_eq(write_to(host, "bus/pci/drivers_probe", "0000:01:00.1"), -EINVAL);
    assert_driver(host, "0000:01:00.1", "");
    ck_assert_str_ne(fake_host_mishaps(host), "");
    fake_host_close_group(host, 12);
    ck_assert_int_eq(write_to(host, "bus/pci/drivers_probe", "0000:01:00.1"), 0);
    assert_driver(host, "0000:01:00.1", "snd_hda_intel");
}
END_TEST

START_TEST(the_node_of_a_group_goes_with_its_last_member)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    fake_host_set_driver(host, "0000:01:00.0", "vfio-pci");
    fake_host_set_driver(host, "0000:01:00.1", "vfio-pci");
    fake_host_set_driver(host, "0000:01:00.0", "radeon");
    ck_assert(node_there(host, "vfio/12"));
    fake_host_set_driver(host, "0000:01:00.1", "snd_hda_intel");
    ck_assert(!node_there(host, "vfio/12"));
}
END_TEST

START_TEST(what_must_not_be_written_is_a_mishap)
{
    static const char *const paths[] = {
        "bus/pci/drivers/vfio-pci/new_id",
        "bus/pci/drivers/vfio-pci/bind",
        "bus/pci/rescan",
        "bus/pci/devices/0000:01:00.0/remove",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autoptr(FakeHost) host = fake_host_new_with_gpu();
        ck_assert_int_lt(write_to(host, paths[i], "1"), 0);
        ck_assert_msg(strstr(fake_host_mishaps(host), paths[i]), "%s", paths[i]);
    }
}
END_TEST

START_TEST(writes_fail_when_they_are_told_to)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    const char *control = "bus/pci/devices/0000:01:00.0/power/control";
    fake_host_fail_write(host, 1, EBUSY);
    ck_assert_int_eq(write_to(host, control, "auto"), 0);
    ck_assert_int_eq(write_to(host, control, "on"), -EBUSY);
    ck_assert_int_eq(write_to(host, control, "auto"), 0);
    ck_assert_int_eq(write_to(host, control, "loud"), -EINVAL);

    fake_host_complain_at_write(host, 0, EIO);
    ck_assert_int_eq(write_to(host, control, "on"), -EIO);
    g_autofree char *text = fake_host_snapshot_text(host);
    ck_assert_ptr_nonnull(strstr(text, "0000:01:00.0 driver=radeon override=(null) power=on"));
    ck_assert_uint_eq(fake_host_writes(host), 5);
}
END_TEST

START_TEST(a_card_that_was_pulled_out_is_gone)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    fake_host_set_driver(host, "0000:01:00.0", "vfio-pci");
    fake_host_remove_device(host, "0000:01:00.0");
    ck_assert(!node_there(host, "vfio/12"));
    ck_assert_int_eq(write_to(host, "bus/pci/drivers_probe", "0000:01:00.0"), -ENODEV);
    ck_assert_int_eq(write_to(host, "bus/pci/devices/0000:01:00.0/driver_override", "x"), -ENOENT);
}
END_TEST

START_TEST(writes_elsewhere_are_real)
{
    g_autoptr(FakeHost) host = fake_host_new();
    g_autofree char *path = g_build_filename(fake_host_path(host), "a-file", NULL);
    ck_assert(g_file_set_contents(path, "", 0, NULL));
    ck_assert_int_eq(file_write_value_at(-1, path, "text"), 0);
    g_autofree char *text = NULL;
    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    ck_assert_str_eq(text, "text");
    ck_assert_uint_eq(fake_host_writes(host), 0);
}
END_TEST

SUITE("fake-host", devices_come_with_their_drivers, an_override_decides_what_a_probe_binds,
      a_write_of_nothing_does_not_clear_an_override, vfio_pci_changes_power_control,
      a_probe_without_a_driver_succeeds_and_binds_nothing, no_host_driver_takes_a_member_of_a_group_in_use,
      the_node_of_a_group_goes_with_its_last_member, what_must_not_be_written_is_a_mishap,
      writes_fail_when_they_are_told_to, a_card_that_was_pulled_out_is_gone, writes_elsewhere_are_real)
