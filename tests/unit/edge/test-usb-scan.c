/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* USB devices: what is seen of them, and their drivers as a step. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "../../../daemon/edge/scan/host-scan.h"
#include "../../../daemon/edge/hand/step-act.h"
#include "../../../daemon/edge/hand/usb-drivers.h"
#include "../../../daemon/edge/sight/usb-interfaces.h"
#include "../fake-host.h"
#include "../suite.h"

#define NODE "/dev/bus/usb/001/007"

static const char *const drivers[] = {"snd-usb-audio", "", "usbhid", NULL};
static const FakeUsb headset = {"1-2.3", 7, 0x046d, 0x0a8f, "S1", drivers};
static const FakeUsb stick = {"1-4", 8, 0x0781, 0x5567, NULL, drivers};

static Host *scan(const FakeHost *fake)
{
    HostPlace place = {fake_host_sys_fd(fake), fake_host_proc_fd(fake), fake_host_dev_fd(fake)};
    Host *host = NULL;

    ck_assert_int_eq(host_scan(&place, NULL, &host), 0);
    return host;
}

static void link_input(const FakeHost *fake, const char *name, const char *below, uid_t owner)
{
    g_autofree char *folder = g_strdup_printf("%s/sys/class/input", fake_host_path(fake)),
                    *link = g_strdup_printf("%s/%s", folder, name),
                    *target = g_strdup_printf("../../%s/input/input1/%s", below, name),
                    *nodes = g_strdup_printf("%s/dev/input", fake_host_path(fake)),
                    *node = g_strdup_printf("%s/%s", nodes, name);

    ck_assert_int_eq(g_mkdir_with_parents(folder, 0755), 0);
    ck_assert_int_eq(g_mkdir_with_parents(nodes, 0755), 0);
    ck_assert_int_eq(symlink(target, link), 0);
    ck_assert(g_file_set_contents(node, "", 0, NULL));
    ck_assert_int_eq(fchownat(AT_FDCWD, node, owner, 0, 0), 0);
}

START_TEST(a_device_is_seen_with_its_numbers_and_drivers)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    fake_host_plug_usb(fake, &headset);
    g_autoptr(Host) host = scan(fake);
    const HostUsb *usb = host_find_usb(host, "1-2.3");

    ck_assert_uint_eq(host->usbs->len, 1);
    ck_assert_str_eq(usb->place, "pci-0000:00:14.0-usb-0:2.3");
    ck_assert_uint_eq(usb->bus, 1);
    ck_assert_uint_eq(usb->number, 7);
    ck_assert_uint_eq(usb->vendor, 0x046d);
    ck_assert_uint_eq(usb->product, 0x0a8f);
    ck_assert_str_eq(usb->serial, "S1");
    ck_assert_str_eq(usb->drivers, "1.0:snd-usb-audio 1.2:usbhid");
    ck_assert_ptr_null(usb->needed_for);
    ck_assert(!usb->hub);
}
END_TEST

START_TEST(a_device_whose_disk_is_mounted_is_needed_and_others_are_not)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    fake_host_plug_usb(fake, &headset);
    fake_host_plug_usb(fake, &stick);
    fake_host_add_usb_disk(fake, &stick, "sda");
    fake_host_mount(fake, "sdap1", "/mnt");
    g_autoptr(Host) host = scan(fake);

    ck_assert_str_eq(host_find_usb(host, "1-4")->needed_for, "/mnt on sdap1");
    ck_assert_ptr_null(host_find_usb(host, "1-2.3")->needed_for);
}
END_TEST

START_TEST(so_is_one_that_others_are_built_upon)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    fake_host_plug_usb(fake, &stick);
    fake_host_add_usb_disk(fake, &stick, "sda");
    fake_host_stack_disk(fake, "dm-0", "sdap2");
    g_autoptr(Host) opened = scan(fake);
    fake_host_mount(fake, "dm-0", "/secret");
    g_autoptr(Host) mounted = scan(fake);

    ck_assert_str_eq(host_find_usb(opened, "1-4")->needed_for, "dm-0 on sdap2");
    ck_assert_str_eq(host_find_usb(mounted, "1-4")->needed_for, "dm-0 on sdap2, /secret on sdap2");
}
END_TEST

START_TEST(an_input_device_that_a_guest_has_is_needed_with_its_device)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    fake_host_plug_usb(fake, &headset);
    fake_host_plug_usb(fake, &stick);
    link_input(fake, "event4", "devices/pci0000:00/0000:00:14.0/usb1/1-4/1-4:1.2", 0);
    link_input(fake, "event5", "devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2.3/1-2.3:1.2", 64001);
    g_autoptr(Host) host = scan(fake);

    ck_assert_str_eq(host_find_usb(host, "1-2.3")->needed_for, "a guest has event5, by an [Input] section");
    ck_assert_str_eq(host_find_usb(host, "1-2.3")->inputs[0], "event5");
    ck_assert_ptr_null(host_find_usb(host, "1-4")->needed_for);
    ck_assert_str_eq(host_find_usb(host, "1-4")->inputs[0], "event4");
}
END_TEST

static WorkerVerdict act(const FakeHost *fake, const char *before, const char *after, char **ret_live)
{
    StepPlace place = {fake_host_sys_fd(fake), fake_host_dev_fd(fake), fake_host_proc_fd(fake)};
    g_autoptr(Step) step = step_new(STEP_USB_DRIVERS, NODE, before, after);
    g_autoptr(GPtrArray) holders = NULL;
    int error = 0;

    return step_act(&place, step, ret_live, &error, &holders);
}

START_TEST(drivers_leave_and_come_back)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autofree char *live = NULL, *again = NULL;
    fake_host_plug_usb(fake, &headset);

    ck_assert_int_eq(act(fake, "1.0:snd-usb-audio 1.2:usbhid", "", &live), WORKER_DONE);
    ck_assert_str_eq(live, "");
    ck_assert_int_eq(act(fake, "", "1.0:snd-usb-audio 1.2:usbhid", &again), WORKER_DONE);
    ck_assert_str_eq(again, "1.0:snd-usb-audio 1.2:usbhid");
    ck_assert_str_eq(fake_host_mishaps(fake), "");
}
END_TEST

START_TEST(drivers_that_are_others_by_now_are_not_taken_away)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autofree char *live = NULL, *gone = NULL;
    fake_host_plug_usb(fake, &headset);
    fake_host_claim_usb(fake, &headset, "usbfs");

    ck_assert_int_eq(act(fake, "1.0:snd-usb-audio 1.2:usbhid", "", &live), WORKER_DRIFT);
    ck_assert_str_eq(live, "1.0:usbfs 1.1:usbfs 1.2:usbfs");
    fake_host_unplug_usb(fake, &headset);
    ck_assert_int_eq(act(fake, "1.0:snd-usb-audio 1.2:usbhid", "", &gone), WORKER_DRIFT);
    ck_assert_ptr_null(gone);
}
END_TEST

START_TEST(a_device_that_was_unplugged_is_given_back)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autofree char *live = NULL;

    ck_assert_int_eq(act(fake, "", "1.0:usbhid", &live), WORKER_DONE);
    ck_assert_ptr_null(live);
}
END_TEST

START_TEST(a_subject_leads_to_no_other_file)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autofree char *live = NULL;

    ck_assert_int_eq(usb_drivers_read(fake_host_sys_fd(fake), "/dev/bus/usb/../../x", &live), -EINVAL);
    ck_assert_int_eq(usb_node_open(fake_host_dev_fd(fake), "/dev/bus/usb/001/../../../sda"), -EINVAL);
    ck_assert_int_eq(usb_node_open(fake_host_dev_fd(fake), NODE), -ENOENT);
}
END_TEST

SUITE("usb-scan", a_device_is_seen_with_its_numbers_and_drivers,
      a_device_whose_disk_is_mounted_is_needed_and_others_are_not, so_is_one_that_others_are_built_upon,
      an_input_device_that_a_guest_has_is_needed_with_its_device, drivers_leave_and_come_back,
      drivers_that_are_others_by_now_are_not_taken_away, a_device_that_was_unplugged_is_given_back,
      a_subject_leads_to_no_other_file)
