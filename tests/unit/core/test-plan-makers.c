/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Functions that are there by grace of another one's driver: behind Intel's VMD, and virtual ones. */
#include <string.h>

#include "../suite.h"
#include "a-plan.h"

#define VMD "0000:00:0e.0"
#define DISK "10000:e1:00.0"
#define OTHER_DISK "10000:e2:00.0"

static HostDevice *behind(Host *host, const char *address, const char *upstream, HostDevice *device)
{
    device->has_upstream = true;
    device->upstream = address_of(upstream);
    ck_assert_str_eq(PCI_ADDRESS_STR(device->address), address);
    return device_of(host, address);
}

/* As the vmd driver makes them: a domain of its own behind one function, all in that function's group. */
static Host *a_host_with_vmd(int disk_group)
{
    Host *host = a_host();
    a_device(host, VMD, 12, "vmd");
    behind(host, "10000:e0:06.0", VMD, a_bridge(host, "10000:e0:06.0", 12));
    behind(host, DISK, "10000:e0:06.0", a_device(host, DISK, disk_group, "nvme"));
    behind(host, "10000:e0:06.1", VMD, a_bridge(host, "10000:e0:06.1", 12));
    behind(host, OTHER_DISK, "10000:e0:06.1", a_device(host, OTHER_DISK, disk_group, "nvme"));
    return host;
}

static void assert_bind_refused(const Host *host, const Claims *claims, const char *address, bool whole_group,
                                FaultKind kind, const char *line)
{
    BindWish wish = {.address = address_of(address), .whole_group = whole_group};
    _cleanup_fault_ Fault *fault = NULL;
    Plan *plan = NULL;
    ck_assert_int_eq(plan_bind(host, claims, &wish, &plan, &fault), FAULT_RAISED);
    g_autofree char *said = fault_to_line(fault);
    ck_assert_str_eq(said, line);
    ck_assert_int_eq(fault->kind, kind);
}

static void assert_steps_of(const Plan *plan, const char *address)
{
    ck_assert_uint_gt(plan->steps->len, 0);
    for (unsigned i = 0; i < plan->steps->len; i++) {
        const Step *step = g_ptr_array_index(plan->steps, i);
        ck_assert_str_eq(step->subject, address);
    }
}

#define VMD_OFF                                                                                              \
    "switch VMD (Intel RST, \"RAID\") off in the firmware's setup, or lend " VMD                             \
    " as a whole, with all devices behind it"
#define WOULD_BE_GONE                                                                                        \
    DISK " exists only as long as " VMD                                                                    \
         " has its driver (vmd), so the two can be lent only together; " VMD_OFF

START_TEST(a_disk_behind_vmd_is_refused_with_what_helps)
{
    g_autoptr(Host) host = a_host_with_vmd(12);
    assert_bind_refused(host, NULL, DISK, false, FAULT_NOT_VIABLE, WOULD_BE_GONE);
    assert_bind_refused(host, NULL, DISK, true, FAULT_NOT_VIABLE, WOULD_BE_GONE);
}
END_TEST

START_TEST(a_guest_cannot_have_both_vmd_and_what_is_behind_it)
{
    static const int groups[] = {12, 13};
    for (unsigned i = 0; i < G_N_ELEMENTS(groups); i++) {
        g_autoptr(Host) host = a_host_with_vmd(groups[i]);
        _cleanup_fault_ Fault *fault =
            refusal(host, NULL, "[PCI raid]\nAddress=" VMD "\n[PCI disk]\nAddress=" DISK "\n", false);
        g_autofree char *said = fault_to_line(fault);
        ck_assert_str_eq(said, WOULD_BE_GONE);
    }
}
END_TEST

START_TEST(vmd_is_lent_as_a_whole_and_what_is_behind_it_goes_with_its_driver)
{
    static const int groups[] = {12, 13, HOST_NO_GROUP};
    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(groups); i++) {
        g_autoptr(Host) host = a_host_with_vmd(groups[i / 2]);
        g_autoptr(Plan) plan = bound(host, VMD, 0, i % 2 == 1);
        assert_steps_of(plan, VMD);
        g_autoptr(GPtrArray) leaving = plan_leaving(plan);
        ck_assert_uint_eq(leaving->len, 1);
    }
}
END_TEST

START_TEST(vmd_without_a_reset_of_its_own_hits_nothing_that_is_left)
{
    g_autoptr(Host) host = a_host_with_vmd(12);
    a_bridge(host, "0000:00:01.0", 11);
    HostDevice *vmd = behind(host, VMD, "0000:00:01.0", device_of(host, VMD));
    vmd->reset_methods = g_strdup("bus");
    g_autoptr(Plan) plan = bound(host, VMD, 0, false);
    assert_steps_of(plan, VMD);
}
END_TEST

START_TEST(vmd_stays_while_the_host_needs_what_is_behind_it)
{
    g_autoptr(Host) host = a_host_with_vmd(12);
    device_of(host, OTHER_DISK)->needed_for = g_strdup("/home on nvme1n1p1");
    assert_bind_refused(
        host, NULL, VMD, false, FAULT_IN_USE,
        OTHER_DISK
        " (nvme) is needed by the host: /home on nvme1n1p1; end that use first, or choose another device");
    device_of(host, OTHER_DISK)->stuck = true;
    device_of(host, OTHER_DISK)->group = 13;
    assert_bind_refused(host, NULL, VMD, false, FAULT_STUCK,
                        OTHER_DISK
                        " is stuck: a write to it hangs in the kernel; close what still uses it; if that "
                        "does not help, only a restart of the host does");
}
END_TEST

START_TEST(vmd_stays_while_a_guest_has_what_is_behind_it)
{
    g_autoptr(Host) host = a_host_with_vmd(13);
    g_autoptr(Claims) claims = claims_new();
    ck_assert(claims_take(claims, 13, "guest/other"));
    assert_bind_refused(host, claims, VMD, false, FAULT_IN_USE,
                        DISK " would disappear with the driver of " VMD
                             ", and is claimed by guest/other; stop that one first");
}
END_TEST

START_TEST(who_has_a_disk_behind_vmd_open_by_vfio_is_asked_for)
{
    g_autoptr(Host) host = a_host_with_vmd(13);
    HostDevice *disk = device_of(host, DISK);
    g_free(disk->driver);
    disk->driver = g_strdup("vfio-pci");
    g_autoptr(Plan) plan = bound(host, VMD, 0, false);
    g_autoptr(GPtrArray) leaving = plan_leaving(plan);
    ck_assert_uint_eq(leaving->len, 2);
    ck_assert_str_eq(g_ptr_array_index(leaving, 1), DISK);
}
END_TEST

START_TEST(a_disk_in_a_group_of_its_own_is_lent_while_vmd_stays)
{
    g_autoptr(Host) host = a_host_with_vmd(13);
    g_ptr_array_remove(host->devices, device_of(host, OTHER_DISK));
    g_autoptr(Plan) plan = bound(host, DISK, 0, false);
    assert_steps_of(plan, DISK);
}
END_TEST

START_TEST(a_disk_behind_vmd_that_is_in_no_group_is_told_so)
{
    g_autoptr(Host) host = a_host_with_vmd(HOST_NO_GROUP);
    assert_bind_refused(host, NULL, DISK, false, FAULT_NO_IOMMU,
                        DISK " cannot be lent: it is in no IOMMU group, though other devices are; " VMD_OFF);
    g_autoptr(Host) orphan = a_host();
    a_device(orphan, DISK, HOST_NO_GROUP, "nvme");
    assert_bind_refused(orphan, NULL, DISK, false, FAULT_NO_IOMMU,
                        DISK " cannot be lent: it is in no IOMMU group, though other devices are; "
                             "switch VMD (Intel RST, \"RAID\") off in the firmware's setup");
    g_autoptr(Host) other = a_host();
    a_device(other, "0000:02:00.0", HOST_NO_GROUP, "nvme");
    assert_bind_refused(
        other, NULL, "0000:02:00.0", false, FAULT_NO_IOMMU,
        "0000:02:00.0 cannot be lent: it is in no IOMMU group, though other devices are; the firmware keeps "
        "the device out of the IOMMU's reach: try another slot, or a firmware update");
}
END_TEST

START_TEST(a_virtual_function_beside_its_physical_one_is_refused_with_what_helps)
{
    g_autoptr(Host) host = a_host();
    a_device(host, "0000:03:00.0", 20, "nvme");
    a_virtual_function(host, "0000:03:00.1", 20, "nvme", "0000:03:00.0");
    assert_bind_refused(
        host, NULL, "0000:03:00.1", false, FAULT_NOT_VIABLE,
        "group 20 of the virtual function 0000:03:00.1 also holds its physical function 0000:03:00.0 (nvme); "
        "put the card into a slot where the board keeps its functions apart (ACS), or remove the virtual "
        "functions and lend 0000:03:00.0 as a whole: echo 0 > "
        "/sys/bus/pci/devices/0000:03:00.0/sriov_numvfs");
    assert_bind_refused(
        host, NULL, "0000:03:00.0", false, FAULT_REFUSED,
        "0000:03:00.0 has virtual functions, which would disappear with its driver; remove them first: "
        "echo 0 > /sys/bus/pci/devices/0000:03:00.0/sriov_numvfs");
}
END_TEST

START_TEST(makers_that_go_in_circles_end)
{
    g_autoptr(Host) host = a_host();
    HostDevice *one = a_device(host, "0000:03:00.0", 20, "nvme"),
               *two = a_device(host, "0000:03:00.1", 21, "nvme");
    one->virtual_function = two->virtual_function = true;
    one->physical = two->address;
    two->physical = one->address;
    ck_assert_ptr_eq(host_maker(host, one), two);
    BindWish wish = {.address = one->address, .functions = 1 << 0};
    _cleanup_fault_ Fault *fault = NULL;
    Plan *plan = NULL;
    ck_assert_int_eq(plan_bind(host, NULL, &wish, &plan, &fault), FAULT_RAISED);
}
END_TEST

SUITE("plan-makers", a_disk_behind_vmd_is_refused_with_what_helps,
      a_guest_cannot_have_both_vmd_and_what_is_behind_it,
      vmd_is_lent_as_a_whole_and_what_is_behind_it_goes_with_its_driver,
      vmd_without_a_reset_of_its_own_hits_nothing_that_is_left,
      vmd_stays_while_the_host_needs_what_is_behind_it, vmd_stays_while_a_guest_has_what_is_behind_it,
      who_has_a_disk_behind_vmd_open_by_vfio_is_asked_for,
      a_disk_in_a_group_of_its_own_is_lent_while_vmd_stays, a_disk_behind_vmd_that_is_in_no_group_is_told_so,
      a_virtual_function_beside_its_physical_one_is_refused_with_what_helps, makers_that_go_in_circles_end)
