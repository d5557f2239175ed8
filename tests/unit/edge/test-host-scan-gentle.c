/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the scan of a host leaves alone: devices that would hang, wake or answer nonsense, and those that it
 * need not read again. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../suite.h"
#include "scanned.h"

/* A FIFO in the attribute's place makes whoever opens it hang, as the kernel makes whoever reads it hang. */
static void forbid_config(const FakeHost *fake)
{
    static const char path[] = "bus/pci/devices/0000:01:00.0/config";

    ck_assert_int_eq(unlinkat(fake_host_sys_fd(fake), path, 0), 0);
    ck_assert_int_eq(mkfifoat(fake_host_sys_fd(fake), path, 0600), 0);
}

START_TEST(a_stuck_device_is_not_asked_what_would_hang)
{
    g_autoptr(FakeHost) fake = fake_host_new_with_gpu();
    static const char *const hanging[] = {"bus/pci/devices/0000:01:00.0/driver_override",
                                          "bus/pci/devices/0000:01:00.0/uevent"};
    for (size_t i = 0; i < G_N_ELEMENTS(hanging); i++) {
        unlinkat(fake_host_sys_fd(fake), hanging[i], 0);
        ck_assert_int_eq(mkfifoat(fake_host_sys_fd(fake), hanging[i], 0600), 0);
    }
    g_autoptr(GHashTable) skip = g_hash_table_new(g_str_hash, g_str_equal);
    g_hash_table_add(skip, (gpointer) "0000:01:00.0");
    g_autoptr(Host) host = scan(fake, skip);

    const HostDevice *gpu = device_of(host, "0000:01:00.0");
    ck_assert(gpu->stuck);
    ck_assert_ptr_null(gpu->driver);
    ck_assert_ptr_null(gpu->override);
    ck_assert_int_eq(gpu->group, 12);
    ck_assert_uint_eq(gpu->vendor, 0x1002);
    ck_assert(!device_of(host, "0000:01:00.1")->stuck);
    ck_assert_str_eq(device_of(host, "0000:01:00.1")->driver, "snd_hda_intel");
}
END_TEST

static void put(const FakeHost *fake, const char *path, const void *data, size_t size)
{
    g_autofree char *whole = g_strdup_printf("bus/pci/devices/0000:01:00.0/%s", path);
    int fd = openat(fake_host_sys_fd(fake), whole, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    ck_assert_msg(fd >= 0, "%s", whole);
    ck_assert_int_eq(write(fd, data, size), size);
    close(fd);
}

START_TEST(uevent_and_the_config_space_of_sleepers_are_never_read)
{
    g_autoptr(FakeHost) fake = fake_host_new_with_gpu();
    ck_assert_int_eq(mkfifoat(fake_host_sys_fd(fake), "bus/pci/devices/0000:01:00.0/uevent", 0600), 0);
    forbid_config(fake);
    put(fake, "power/runtime_status", "suspended\n", 10);
    g_autoptr(Host) host = scan(fake, NULL);
    ck_assert_uint_eq(host->devices->len, 3);
}
END_TEST

/* The device's user resets it at will, and a read would wait for the end of the reset. */
START_TEST(the_config_space_of_a_device_on_vfio_pci_is_not_read)
{
    g_autoptr(FakeHost) fake = fake_host_new_with_gpu();
    fake_host_load_vfio_pci(fake);
    fake_host_set_driver(fake, "0000:01:00.0", "vfio-pci");
    forbid_config(fake);
    g_autoptr(Host) host = scan(fake, NULL);
    ck_assert(!device_of(host, "0000:01:00.0")->dead);
}
END_TEST

START_TEST(a_device_that_answers_with_ones_is_dead)
{
    g_autoptr(FakeHost) fake = fake_host_new_with_gpu();
    g_autoptr(Host) well = scan(fake, NULL);
    ck_assert(!device_of(well, "0000:01:00.0")->dead);

    fake_host_silence(fake, "0000:01:00.0");
    put(fake, "power/runtime_status", "error\n", 6);
    g_autoptr(Host) host = scan(fake, NULL);
    ck_assert(device_of(host, "0000:01:00.0")->dead);
    ck_assert(!device_of(host, "0000:01:00.1")->dead);
}
END_TEST

static int scan_again(const FakeHost *fake, GHashTable *skip, Host *host, const char *address)
{
    HostPlace place = {.sys_fd = fake_host_sys_fd(fake), .proc_fd = fake_host_proc_fd(fake)};
    PciAddress parsed;
    ck_assert_int_eq(pci_address_from_string(address, &parsed), 0);
    return host_scan_again(&place, skip, host, parsed);
}

START_TEST(one_function_is_read_again_and_the_others_are_left_as_they_were)
{
    g_autoptr(FakeHost) fake = fake_host_new_with_gpu();
    g_autoptr(Host) host = scan(fake, NULL);
    fake_host_set_driver(fake, "0000:01:00.0", NULL);
    fake_host_set_override(fake, "0000:01:00.0", "vfio-pci");
    fake_host_set_driver(fake, "0000:01:00.1", NULL);

    ck_assert_int_eq(scan_again(fake, NULL, host, "0000:01:00.0"), 0);
    ck_assert_ptr_null(device_of(host, "0000:01:00.0")->driver);
    ck_assert_str_eq(device_of(host, "0000:01:00.0")->override, "vfio-pci");
    ck_assert_str_eq(device_of(host, "0000:01:00.1")->driver, "snd_hda_intel");
}
END_TEST

START_TEST(a_function_read_again_keeps_what_only_a_look_at_all_can_tell)
{
    g_autoptr(FakeHost) fake = fake_host_new_with_gpu();
    fake_host_add_network_card(fake, "0000:02:00.0", "0000:00:01.0", 13, "eth0");
    fake_host_route_over(fake, "eth0", false);
    g_autoptr(Host) host = scan(fake, NULL);

    ck_assert_int_eq(scan_again(fake, NULL, host, "0000:02:00.0"), 0);
    ck_assert_str_eq(device_of(host, "0000:02:00.0")->needed_for, "default route over eth0");
}
END_TEST

START_TEST(a_stuck_function_is_not_asked_what_would_hang_when_read_again)
{
    g_autoptr(FakeHost) fake = fake_host_new_with_gpu();
    g_autoptr(GHashTable) skip = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(Host) host = scan(fake, NULL);
    g_hash_table_add(skip, (char *)"0000:01:00.0");

    ck_assert_int_eq(scan_again(fake, skip, host, "0000:01:00.0"), 0);
    ck_assert(device_of(host, "0000:01:00.0")->stuck);
    ck_assert_ptr_null(device_of(host, "0000:01:00.0")->driver);
}
END_TEST

START_TEST(a_function_that_has_gone_is_said_so_and_stays_in_the_snapshot)
{
    g_autoptr(FakeHost) fake = fake_host_new_with_gpu();
    g_autoptr(Host) host = scan(fake, NULL);
    fake_host_remove_device(fake, "0000:01:00.1");

    ck_assert_int_eq(scan_again(fake, NULL, host, "0000:01:00.1"), -ENOENT);
    ck_assert_str_eq(device_of(host, "0000:01:00.1")->driver, "snd_hda_intel");
    ck_assert_int_eq(scan_again(fake, NULL, host, "0000:05:00.0"), -ENOENT);
}
END_TEST

START_TEST(a_device_with_a_step_under_way_is_asked_for_its_driver_alone)
{
    g_autoptr(FakeHost) fake = fake_host_new_with_gpu();
    g_autoptr(GHashTable) skip = g_hash_table_new(g_str_hash, g_str_equal);

    fake_host_set_override(fake, "0000:01:00.0", "vfio-pci");
    forbid_config(fake);
    g_hash_table_insert(skip, (gpointer) "0000:01:00.0", NULL);
    g_autoptr(Host) host = scan(fake, skip);
    const HostDevice *gpu = device_of(host, "0000:01:00.0");
    ck_assert(!gpu->stuck);
    ck_assert_str_eq(gpu->driver, "radeon");
    ck_assert_ptr_null(gpu->override);
}
END_TEST

START_TEST(a_device_that_somebody_unbinds_while_it_is_in_use_is_stuck)
{
    g_autoptr(FakeHost) fake = fake_host_new_with_gpu();
    g_autofree char *left =
        g_build_filename(fake_host_path(fake), "sys/bus/pci/devices/0000:01:00.1/vfio-dev", NULL);

    /* The link goes first, what vfio made of the device last (vfio_unregister_group_dev()). */
    fake_host_set_override(fake, "0000:01:00.1", "vfio-pci");
    fake_host_set_driver(fake, "0000:01:00.1", NULL);
    ck_assert_int_eq(mkdir(left, 0755), 0);
    g_autoptr(Host) host = scan(fake, NULL);
    const HostDevice *audio = device_of(host, "0000:01:00.1");
    ck_assert(audio->stuck);
    ck_assert_ptr_null(audio->override);
    ck_assert_int_eq(rmdir(left), 0);
    g_autoptr(Host) later = scan(fake, NULL);
    ck_assert(!device_of(later, "0000:01:00.1")->stuck);
}
END_TEST

SUITE("host-scan-gentle", a_device_with_a_step_under_way_is_asked_for_its_driver_alone,
      a_device_that_somebody_unbinds_while_it_is_in_use_is_stuck, a_stuck_device_is_not_asked_what_would_hang,
      uevent_and_the_config_space_of_sleepers_are_never_read,
      the_config_space_of_a_device_on_vfio_pci_is_not_read, a_device_that_answers_with_ones_is_dead,
      one_function_is_read_again_and_the_others_are_left_as_they_were,
      a_function_read_again_keeps_what_only_a_look_at_all_can_tell,
      a_stuck_function_is_not_asked_what_would_hang_when_read_again,
      a_function_that_has_gone_is_said_so_and_stays_in_the_snapshot)
