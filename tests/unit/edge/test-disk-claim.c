/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel says of a disk that is about to lose its driver, and of a USB device's network link. Block
 * devices cannot be had in a test that may run anywhere: the fake host refuses O_EXCL as the kernel does;
 * kernel-disks.sh of the lab has real ones. */
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "../../../daemon/edge/hand/holder-scan.h"
#include "../../../daemon/edge/hand/step-act.h"
#include "../fake-host-private.h"
#include "../suite.h"

#define NVME "0000:02:00.0"
#define TWIN "0000:03:00.0"

static FakeHost *a_host(void)
{
    FakeHost *host = fake_host_new();

    fake_host_add_disk(host, NVME, NULL, 1, "nvme0n1");
    fake_host_add_disk(host, TWIN, NULL, 2, "nvme1n1");
    return host;
}

static char *describe(const GPtrArray *holders)
{
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; holders && i < holders->len; i++) {
        g_autofree char *words = holder_describe(g_ptr_array_index(holders, i));
        g_string_append_printf(text, "%s\n", words);
    }
    return g_string_free(text, FALSE);
}

/* A look at one function. */
static void assert_found(const FakeHost *host, const char *address, bool claim, const char *expected)
{
    HolderPlace place = {fake_host_sys_fd(host), fake_host_proc_fd(host), fake_host_dev_fd(host)};
    g_autoptr(GPtrArray) holders = NULL;

    ck_assert_int_eq(holder_scan(&place, (char *[]){(char *)address, NULL}, claim, &holders), 0);
    g_autofree char *text = describe(holders);
    ck_assert_str_eq(text, expected);
}

/* The step fails, names these holders, and has written nothing. */
static void assert_kept(const FakeHost *host, StepKind kind, const char *subject, const char *before,
                        const char *after, const char *expected)
{
    StepPlace place = {fake_host_sys_fd(host), fake_host_dev_fd(host), fake_host_proc_fd(host)};
    g_autoptr(Step) step = step_new(kind, subject, before, after);
    g_autoptr(GPtrArray) holders = NULL;
    g_autofree char *live = NULL;
    unsigned writes = fake_host_writes(host);
    int error = 0;

    ck_assert_int_eq(step_act(&place, step, &live, &error, &holders), WORKER_FAILED);
    ck_assert_int_eq(error, -EBUSY);
    ck_assert_str_eq(live, before);
    g_autofree char *text = describe(holders);
    ck_assert_str_eq(text, expected);
    ck_assert_uint_eq(fake_host_writes(host), writes);
}

static void assert_taken(const FakeHost *host, StepKind kind, const char *subject, const char *before)
{
    StepPlace place = {fake_host_sys_fd(host), fake_host_dev_fd(host), fake_host_proc_fd(host)};
    g_autoptr(Step) step = step_new(kind, subject, before, "");
    g_autoptr(GPtrArray) holders = NULL;
    g_autofree char *live = NULL;
    int error = 0;

    ck_assert_int_eq(step_act(&place, step, &live, &error, &holders), WORKER_DONE);
    ck_assert_ptr_null(holders);
}

static void assert_unbound(const FakeHost *host, const char *address)
{
    assert_taken(host, STEP_DRIVER, address, "nvme");
}

START_TEST(a_disk_that_only_the_kernel_uses_keeps_its_driver)
{
    g_autoptr(FakeHost) host = a_host();
    fake_host_claim_disk(host, "nvme0n1");
    assert_kept(host, STEP_DRIVER, NVME, "nvme", "", "nvme0n1 of " NVME " is in use by the kernel\n");
    assert_unbound(host, TWIN);
    fake_host_release_disk(host, "nvme0n1");
    assert_unbound(host, NVME);
}
END_TEST

START_TEST(the_partition_that_is_used_is_named)
{
    g_autoptr(FakeHost) host = a_host();
    fake_host_claim_disk(host, "nvme0n1p2");
    assert_kept(host, STEP_DRIVER, NVME, "nvme", "", "nvme0n1p2 of " NVME " is in use by the kernel\n");
}
END_TEST

START_TEST(where_user_space_knows_it_has_the_words)
{
    g_autoptr(FakeHost) host = a_host();
    fake_host_claim_disk(host, "nvme0n1p2");
    fake_host_mount(host, "nvme0n1p2", "/srv");
    assert_kept(host, STEP_DRIVER, NVME, "nvme", "", "nvme0n1p2 is needed by the host: mounted at /srv\n");
    fake_host_claim_disk(host, "nvme1n1p1");
    fake_host_stack_disk(host, "dm-0", "nvme1n1p1");
    assert_kept(host, STEP_DRIVER, TWIN, "nvme", "", "dm-0 on nvme1n1p1 of nvme1n1p1 is in use\n");
}
END_TEST

/* A loop device does not claim the device below it (loop_configure() in drivers/block/loop.c). */
START_TEST(what_claims_nothing_keeps_the_driver_too)
{
    g_autoptr(FakeHost) host = a_host();
    fake_host_add_loop(host, "loop7", "/dev/nvme0n1");
    assert_kept(host, STEP_DRIVER, NVME, "nvme", "", "loop7 on nvme0n1 of " NVME " is in use\n");
    assert_unbound(host, TWIN);
}
END_TEST

START_TEST(a_disk_of_several_controllers_is_looked_at_below_their_subsystem)
{
    g_autoptr(FakeHost) host = a_host();
    fake_host_add_shared_disk(host, "nvme5n1", (const char *const[]){NVME, TWIN, NULL});
    fake_host_claim_disk(host, "nvme5n1p1");
    assert_kept(host, STEP_DRIVER, NVME, "nvme", "", "nvme5n1p1 of " NVME " is in use by the kernel\n");
    assert_kept(host, STEP_DRIVER, TWIN, "nvme", "", "nvme5n1p1 of " TWIN " is in use by the kernel\n");
}
END_TEST

static void run(const char *command)
{
    ck_assert_msg(system(command) == 0, "%s", command);
}

/* A real link, in a network of the test's own; sysfs says that it is the adapter's. */
START_TEST(a_usb_device_keeps_the_driver_of_a_network_link_in_use)
{
    static const char *const drivers[] = {"cdc_ether", NULL};
    const FakeUsb adapter = {"1-3", 6, 0x0bda, 0x8153, "N3", drivers};
    static const char path[] = "devices/pci0000:00/0000:00:14.0/usb1/1-3/1-3:1.0/net/eth7";
    g_autoptr(FakeHost) host = a_host();
    ck_assert_msg(unshare(CLONE_NEWNET) == 0, "this test needs root: %m");
    run("ip link add eth7 type veth peer name far && ip link set far up && ip link set eth7 up");
    run("ip link add link eth7 name mv7 type macvlan");
    fake_host_plug_usb(host, &adapter);
    g_autofree char *index = g_strdup_printf("%u", if_nametoindex("eth7"));
    g_autofree char *file = g_strconcat(path, "/ifindex", NULL);
    fake_tree_put(fake_host_sys_fd(host), file, index);
    fake_tree_link(fake_host_sys_fd(host), "class/net/eth7", path);
    run("ip link set mv7 up && ip address add 192.0.2.1/24 dev mv7");
    assert_kept(host, STEP_USB_DRIVERS, "/dev/bus/usb/001/006", "1.0:cdc_ether", "",
                "the network link mv7 on eth7 of 1-3 is in use\n");
    run("ip link set mv7 down");
    assert_taken(host, STEP_USB_DRIVERS, "/dev/bus/usb/001/006", "1.0:cdc_ether");
}
END_TEST

START_TEST(a_usb_device_keeps_the_drivers_of_a_disk_in_use)
{
    static const char *const drivers[] = {"usb-storage", NULL};
    const FakeUsb stick = {"1-3", 6, 0x0781, 0x5583, "S3", drivers};
    g_autoptr(FakeHost) host = a_host();
    fake_host_plug_usb(host, &stick);
    fake_host_add_usb_disk(host, &stick, "sda");
    fake_host_claim_disk(host, "sdap1");
    assert_kept(host, STEP_USB_DRIVERS, "/dev/bus/usb/001/006", "1.0:usb-storage", "",
                "sdap1 of /dev/bus/usb/001/006 is in use by the kernel\n");
}
END_TEST

START_TEST(virtual_functions_stay_while_a_disk_of_one_is_in_use)
{
    g_autoptr(FakeHost) host = a_host();
    StepPlace place = {fake_host_sys_fd(host), fake_host_dev_fd(host), fake_host_proc_fd(host)};
    g_autoptr(Step) step = step_new(STEP_FUNCTIONS, NVME, "0", "2");
    g_autoptr(GPtrArray) holders = NULL;
    g_autofree char *live = NULL, *link = NULL, *address = NULL;
    int error = 0;
    fake_host_add_sriov(host, NVME, 4, 30, "nvme");
    ck_assert_int_eq(step_act(&place, step, &live, &error, &holders), WORKER_DONE);

    const FakeDevice *function = fake_device_of(host, "0000:02:00.2");
    g_autofree char *disk = fake_text("%s/nvme/nvme3/nvme3n1/dev", function->path);
    g_autofree char *class = fake_text("%s/nvme/nvme3/nvme3n1/subsystem", function->path);
    fake_tree_put(host->sys_fd, disk, "259:77");
    fake_tree_link(host->sys_fd, class, "class/block");
    fake_host_claim_disk(host, "nvme3n1");
    assert_kept(host, STEP_FUNCTIONS, NVME, "2", "0", "nvme3n1 of 0000:02:00.2 is in use by the kernel\n");
}
END_TEST

START_TEST(a_look_asks_the_kernel_only_where_it_may_claim)
{
    g_autoptr(FakeHost) host = a_host();
    fake_host_claim_disk(host, "nvme0n1p2");
    assert_found(host, NVME, false, "");
    assert_found(host, NVME, true, "nvme0n1p2 of " NVME " is in use by the kernel\n");
    assert_found(host, TWIN, true, "");
}
END_TEST

START_TEST(a_look_does_not_tell_twice_what_is_told)
{
    g_autoptr(FakeHost) host = a_host();
    /* HostDevice.needed_for has it. */
    fake_host_claim_disk(host, "nvme0n1p2");
    fake_host_mount(host, "nvme0n1p2", "/srv");
    assert_found(host, NVME, true, "");
    fake_host_claim_disk(host, "nvme1n1p1");
    fake_host_stack_disk(host, "dm-0", "nvme1n1p1");
    assert_found(host, TWIN, true, "dm-0 on nvme1n1p1 of " TWIN " is in use\n");
}
END_TEST

SUITE("disk-claim", a_disk_that_only_the_kernel_uses_keeps_its_driver, the_partition_that_is_used_is_named,
      where_user_space_knows_it_has_the_words, what_claims_nothing_keeps_the_driver_too,
      a_disk_of_several_controllers_is_looked_at_below_their_subsystem,
      a_usb_device_keeps_the_drivers_of_a_disk_in_use, a_usb_device_keeps_the_driver_of_a_network_link_in_use,
      virtual_functions_stay_while_a_disk_of_one_is_in_use, a_look_asks_the_kernel_only_where_it_may_claim,
      a_look_does_not_tell_twice_what_is_told)
