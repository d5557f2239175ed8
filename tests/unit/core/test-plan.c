/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../suite.h"
#include "a-plan.h"

#define GPU "[PCI gpu]\nAddress=01:00.0\n"

static void assert_bind_refused(const Host *host, const Claims *claims, BindWish wish, FaultKind kind,
                                const char *message, const char *remedy)
{
    Plan *plan = NULL;
    _cleanup_fault_ Fault *fault = NULL;
    ck_assert_int_eq(plan_bind(host, claims, &wish, &plan, &fault), FAULT_RAISED);
    ck_assert_ptr_null(plan);
    assert_fault(fault, kind, message, remedy);
}

static BindWish wish_for(const char *address)
{
    return (BindWish){.address = address_of(address)};
}

static BindWish wish_for_one_function(const char *address)
{
    return (BindWish){.address = address_of(address), .functions = 1 << address_of(address).function};
}

static BindWish wish_for_the_whole_group(const char *address)
{
    return (BindWish){.address = address_of(address), .whole_group = true};
}

/* A network card with this driver (NULL: none), whose power nobody may change. */
static HostDevice *a_plain_card(Host *host, const char *driver)
{
    HostDevice *device = a_device(host, "0000:02:00.0", 14, driver);
    g_clear_pointer(&device->power.control, g_free);
    g_clear_pointer(&device->power.d3cold_allowed, g_free);
    return device;
}

START_TEST(a_gpu_is_bound_phase_by_phase_with_its_audio_first)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    g_autoptr(Plan) plan = bound(host, "0000:01:00.0", 0, false);
    assert_steps(plan, "power-control 0000:01:00.1 auto→on\n"
                       "d3cold 0000:01:00.1 1→0\n"
                       "power-control 0000:01:00.0 auto→on\n"
                       "d3cold 0000:01:00.0 1→0\n"
                       "driver 0000:01:00.1 snd_hda_intel→\n"
                       "driver 0000:01:00.0 radeon→\n"
                       "override 0000:01:00.1 →vfio-pci\n"
                       "override 0000:01:00.0 →vfio-pci\n"
                       "driver 0000:01:00.1 →vfio-pci\n"
                       "driver 0000:01:00.0 →vfio-pci\n");
    ck_assert_str_eq(plan->owner, "bind/0000:01:00.0");
    ck_assert_uint_eq(plan->groups->len, 1);
    ck_assert_int_eq(g_array_index(plan->groups, int, 0), 12);
}
END_TEST

START_TEST(the_module_is_loaded_first_where_it_is_missing)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    host->vfio_pci = false;
    g_autoptr(Plan) plan = bound(host, "0000:01:00.0", 0, false);
    const Step *first = g_ptr_array_index(plan->steps, 0);
    ck_assert_int_eq(first->kind, STEP_MODULE);
    ck_assert_str_eq(first->subject, "vfio_pci");
    ck_assert_str_eq(first->before, "absent");
    ck_assert_str_eq(first->after, "live");
    ck_assert_uint_eq(plan->steps->len, 11);
}
END_TEST

START_TEST(power_is_held_even_where_it_is_on_and_d3cold_only_where_it_is_allowed)
{
    g_autoptr(Host) host = a_host();
    HostDevice *device = a_device(host, "0000:02:00.0", 14, NULL);
    g_free(device->power.control);
    device->power.control = g_strdup("on");
    g_free(device->power.d3cold_allowed);
    device->power.d3cold_allowed = g_strdup("0");
    g_autoptr(Plan) plan = bound(host, "0000:02:00.0", 0, false);
    assert_steps(plan, "power-control 0000:02:00.0 on→on\n"
                       "override 0000:02:00.0 →vfio-pci\n"
                       "driver 0000:02:00.0 →vfio-pci\n");
}
END_TEST

START_TEST(attributes_that_are_not_there_are_no_steps)
{
    g_autoptr(Host) host = a_host();
    a_plain_card(host, "e1000e");
    g_autoptr(Plan) plan = bound(host, "0000:02:00.0", 0, false);
    assert_steps(plan, "driver 0000:02:00.0 e1000e→\n"
                       "override 0000:02:00.0 →vfio-pci\n"
                       "driver 0000:02:00.0 →vfio-pci\n");
}
END_TEST

START_TEST(an_override_is_put_back_to_what_it_was)
{
    g_autoptr(Host) host = a_host();
    a_plain_card(host, "e1000e")->override = g_strdup("e1000e");
    g_autoptr(Plan) plan = bound(host, "0000:02:00.0", 0, false);
    assert_steps(plan, "driver 0000:02:00.0 e1000e→\n"
                       "override 0000:02:00.0 e1000e→vfio-pci\n"
                       "driver 0000:02:00.0 →vfio-pci\n");
}
END_TEST

/* Somebody wrote vfio-pci into driver_override and left the host's driver in place. On the way back the probe
 * must find the driver by itself, so the override comes last. */
START_TEST(an_override_that_names_another_driver_is_out_of_the_way_while_drivers_change)
{
    g_autoptr(Host) host = a_host();
    a_plain_card(host, "e1000e")->override = g_strdup("vfio-pci");
    g_autoptr(Plan) plan = bound(host, "0000:02:00.0", 0, false);
    assert_steps(plan, "override 0000:02:00.0 vfio-pci→\n"
                       "driver 0000:02:00.0 e1000e→\n"
                       "override 0000:02:00.0 →vfio-pci\n"
                       "driver 0000:02:00.0 →vfio-pci\n");
}
END_TEST

START_TEST(an_unbound_device_with_the_right_override_is_only_probed)
{
    g_autoptr(Host) host = a_host();
    a_plain_card(host, NULL)->override = g_strdup("vfio-pci");
    g_autoptr(Plan) plan = bound(host, "0000:02:00.0", 0, false);
    assert_steps(plan, "driver 0000:02:00.0 →vfio-pci\n");
}
END_TEST

START_TEST(a_member_on_vfio_pci_already_is_left_as_it_is)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    HostDevice *audio = device_of(host, "0000:01:00.1");
    g_free(audio->driver);
    audio->driver = g_strdup("vfio-pci");
    audio->override = g_strdup("vfio-pci");
    g_autoptr(Plan) plan = bound(host, "0000:01:00.0", 0, false);
    for (unsigned i = 0; i < plan->steps->len; i++)
        ck_assert_str_eq(((Step *)g_ptr_array_index(plan->steps, i))->subject, "0000:01:00.0");
    const PlanDevice *device = g_ptr_array_index(plan->devices, 0);
    ck_assert_uint_eq(device->functions->len, 2);
}
END_TEST

START_TEST(a_device_that_is_on_vfio_pci_already_needs_nothing)
{
    g_autoptr(Host) host = a_host();
    a_device(host, "0000:02:00.0", 14, "vfio-pci");
    assert_bind_refused(host, NULL, wish_for("0000:02:00.0"), FAULT_REFUSED,
                        "nothing to do: all of 0000:02:00.0 is on vfio-pci already", NULL);
    g_free(device_of(host, "0000:02:00.0")->driver);
    device_of(host, "0000:02:00.0")->driver = g_strdup("mlx5_vfio_pci");
    assert_bind_refused(host, NULL, wish_for("0000:02:00.0"), FAULT_REFUSED,
                        "nothing to do: all of 0000:02:00.0 is on vfio-pci already", NULL);
}
END_TEST

START_TEST(an_unbound_sibling_is_named_in_the_refusal)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    a_device(host, "0000:01:00.2", 12, NULL);
    assert_bind_refused(
        host, NULL, wish_for_one_function("0000:01:00.0"), FAULT_NOT_VIABLE,
        "group 12 of 0000:01:00.0 also holds 0000:01:00.1 (snd_hda_intel), 0000:01:00.2 (no driver)",
        "usherctl bind --group=all 0000:01:00.0");
}
END_TEST

START_TEST(siblings_that_do_no_dma_of_their_own_are_no_hindrance)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    a_device(host, "0000:02:00.0", 12, "vfio-pci");
    a_device(host, "0000:02:00.1", 12, "pci-stub");
    g_autoptr(Plan) plan = bound(host, "0000:01:00.0", 0, false);
    ck_assert_uint_eq(plan->steps->len, 10);
    g_autoptr(Plan) whole = bound(host, "0000:01:00.0", 0, true);
    ck_assert_uint_eq(whole->steps->len, 10);
}
END_TEST

START_TEST(a_whole_group_is_bound_with_the_strangers_before_the_slot)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    a_device(host, "0000:02:00.0", 12, "e1000e");
    a_device(host, "0000:02:00.1", 12, NULL);
    g_autoptr(Plan) plan = bound(host, "0000:01:00.0", 0, true);
    g_autoptr(GString) probed = g_string_new(NULL);
    for (unsigned i = 0; i < plan->steps->len; i++) {
        const Step *step = g_ptr_array_index(plan->steps, i);
        if (step->kind == STEP_DRIVER && strcmp(step->after, "vfio-pci") == 0)
            g_string_append_printf(probed, "%s ", step->subject);
        ck_assert_str_ne(step->subject, "0000:00:01.0");
    }
    ck_assert_str_eq(probed->str, "0000:01:00.1 0000:02:00.1 0000:02:00.0 0000:01:00.0 ");
    const PlanDevice *device = g_ptr_array_index(plan->devices, 0);
    ck_assert_uint_eq(device->functions->len, 2);
}
END_TEST

START_TEST(what_the_host_needs_is_not_lent)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    HostDevice *card = a_device(host, "0000:02:00.0", 12, "nvme");
    card->needed_for = g_strdup("/ on nvme0n1p2");
    assert_bind_refused(host, NULL, wish_for_the_whole_group("0000:01:00.0"), FAULT_IN_USE,
                        "0000:02:00.0 (nvme) is needed by the host: / on nvme0n1p2", "another device");
    assert_bind_refused(host, NULL, wish_for("0000:02:00.0"), FAULT_IN_USE,
                        "0000:02:00.0 (nvme) is needed by the host: / on nvme0n1p2", "another device");
    /* If it was not asked for, it stands in the way like any other device. */
    assert_bind_refused(host, NULL, wish_for("0000:01:00.0"), FAULT_NOT_VIABLE,
                        "group 12 of 0000:01:00.0 also holds 0000:02:00.0 (nvme)", "--group=all");
}
END_TEST

START_TEST(a_stuck_member_stops_the_group)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    HostDevice *audio = device_of(host, "0000:01:00.1");
    audio->stuck = true;
    g_clear_pointer(&audio->driver, g_free);
    assert_bind_refused(host, NULL, wish_for_one_function("0000:01:00.0"), FAULT_STUCK,
                        "0000:01:00.1 is stuck: a write to it hangs in the kernel", "restart");
}
END_TEST

START_TEST(a_physical_function_keeps_its_virtual_ones)
{
    g_autoptr(Host) host = a_host();
    a_device(host, "0000:03:00.0", 20, "nvme");
    a_virtual_function(host, "0000:03:00.1", 21, "nvme", "0000:03:00.0");
    assert_bind_refused(host, NULL, wish_for("0000:03:00.0"), FAULT_REFUSED,
                        "0000:03:00.0 has virtual functions, which would disappear with its driver",
                        "/sys/bus/pci/devices/0000:03:00.0/sriov_numvfs");
    g_autoptr(Plan) plan = bound(host, "0000:03:00.1", 0, false);
    ck_assert_int_eq(g_array_index(plan->groups, int, 0), 21);
}
END_TEST

START_TEST(a_claim_of_another_guest_is_told_with_the_way_out)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    g_autoptr(Claims) claims = claims_new();
    ck_assert(claims_take(claims, 12, "guest/other"));
    assert_bind_refused(host, claims, wish_for("0000:01:00.1"), FAULT_IN_USE,
                        "0000:01:00.0 (group 12) is claimed by guest other",
                        "stop it first: usherctl stop other");

    assert_start_refused(host, claims, GPU, FAULT_IN_USE, "0000:01:00.0 (group 12) is claimed by guest other",
                         "stop it first: usherctl stop other");
}
END_TEST

START_TEST(a_binding_under_way_is_waited_for)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    g_autoptr(Claims) claims = claims_new();
    ck_assert(claims_take(claims, 12, "bind/0000:01:00.1"));
    assert_bind_refused(host, claims, wish_for("0000:01:00.0"), FAULT_IN_USE,
                        "0000:01:00.0 (group 12) is being bound or restored together with 0000:01:00.1",
                        "wait");
}
END_TEST

START_TEST(a_guests_own_claim_is_no_hindrance)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    g_autoptr(Claims) claims = claims_new();
    ck_assert(claims_take(claims, 12, "guest/win10"));
    g_autoptr(Plan) plan = planned(host, claims, GPU, false);
}
END_TEST

START_TEST(an_isa_bridge_with_a_driver_keeps_its_group_from_being_lent_and_one_without_does_not)
{
    g_autoptr(Host) host = a_host();
    a_device(host, "0000:00:1f.0", 9, "lpc_ich")->class = 0x060100;
    a_device(host, "0000:00:1f.3", 9, "i801_smbus")->class = 0x0c0500;
    BindWish wish = wish_for_the_whole_group("0000:00:1f.3");
    assert_bind_refused(host, NULL, wish, FAULT_NOT_VIABLE,
                        "group 9 of 0000:00:1f.3 also holds 0000:00:1f.0 (lpc_ich)", "");
    g_clear_pointer(&device_of(host, "0000:00:1f.0")->driver, g_free);
    Plan *plan;
    ck_assert_int_eq(plan_bind(host, NULL, &wish, &plan, NULL), 0);
    for (unsigned i = 0; i < plan->steps->len; i++)
        ck_assert_str_eq(((Step *)g_ptr_array_index(plan->steps, i))->subject, "0000:00:1f.3");
    plan_free(plan);
}
END_TEST

START_TEST(what_a_wish_is_refused_for_refuses_the_plan)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    assert_bind_refused(host, NULL, wish_for("0000:09:00.0"), FAULT_NO_SUCH_DEVICE,
                        "there is no device 0000:09:00.0", "usherctl devices");
    assert_start_refused(host, NULL, "[PCI gpu]\nAddress=00:01.0\n", FAULT_REFUSED,
                         "0000:00:01.0 is a bridge, and bridges stay with the host", "");
    ck_assert_ptr_null(plan_free(NULL));
}
END_TEST

SUITE("plan", a_gpu_is_bound_phase_by_phase_with_its_audio_first,
      the_module_is_loaded_first_where_it_is_missing,
      power_is_held_even_where_it_is_on_and_d3cold_only_where_it_is_allowed,
      attributes_that_are_not_there_are_no_steps, an_override_is_put_back_to_what_it_was,
      an_override_that_names_another_driver_is_out_of_the_way_while_drivers_change,
      an_unbound_device_with_the_right_override_is_only_probed, a_member_on_vfio_pci_already_is_left_as_it_is,
      a_device_that_is_on_vfio_pci_already_needs_nothing, an_unbound_sibling_is_named_in_the_refusal,
      siblings_that_do_no_dma_of_their_own_are_no_hindrance,
      a_whole_group_is_bound_with_the_strangers_before_the_slot, what_the_host_needs_is_not_lent,
      a_stuck_member_stops_the_group, a_physical_function_keeps_its_virtual_ones,
      a_claim_of_another_guest_is_told_with_the_way_out, a_binding_under_way_is_waited_for,
      a_guests_own_claim_is_no_hindrance, what_a_wish_is_refused_for_refuses_the_plan,
      an_isa_bridge_with_a_driver_keeps_its_group_from_being_lent_and_one_without_does_not)
