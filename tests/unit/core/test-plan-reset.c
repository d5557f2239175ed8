/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../../daemon/core/plan/plan.h"
#include "../suite.h"
#include "a-definition.h"
#include "a-host.h"

/* A GPU of which the first function resets by itself, behind a port. */
static Host *a_host_that_resets(void)
{
    Host *host = a_host_with_a_gpu();
    const char *const addresses[] = {"0000:01:00.0", "0000:01:00.1"};

    for (unsigned i = 0; i < 2; i++) {
        HostDevice *device = device_of(host, addresses[i]);
        device->has_upstream = true;
        device->upstream = address_of("0000:00:01.0");
        device->reset_methods = g_strdup(i == 0 ? "flr bus" : "bus");
    }
    return host;
}

/* Kinds and addresses, and of resets the values, one after the other. */
static char *steps_of(const Plan *plan)
{
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < plan->steps->len; i++) {
        const Step *step = g_ptr_array_index(plan->steps, i);
        if (step->kind == STEP_RESET)
            g_string_append_printf(text, "reset %s %s→%s; ", step->subject, step->before, step->after);
        else if (step->kind == STEP_DRIVER || step->kind == STEP_OVERRIDE)
            g_string_append_printf(text, "%s→%s; ", step_kind_to_string(step->kind), step->after);
    }
    return g_string_free(text, FALSE);
}

static char *started(const Host *host, const char *keys)
{
    g_autofree char *file = g_strdup_printf("[PCI gpu]\nAddress=0000:01:00.0\n%s", keys);
    g_autoptr(GuestDefinition) guest = a_definition(file);
    g_autoptr(Plan) plan = NULL;

    ck_assert_int_eq(plan_start(host, NULL, guest, &plan, NULL), 0);
    return steps_of(plan);
}

START_TEST(resets_stand_where_no_driver_has_the_device_there_and_back)
{
    g_autoptr(Host) host = a_host_that_resets();
    g_autofree char *text = started(host, "ResetBefore=yes\nResetAfter=yes\n");
    ck_assert_str_eq(
        text, "driver→; driver→; reset 0000:01:00.0 reset→reset; override→vfio-pci; override→vfio-pci; "
              "driver→vfio-pci; driver→vfio-pci; ");
}
END_TEST

START_TEST(one_way_alone_leaves_the_other_as_it_is)
{
    g_autoptr(Host) host = a_host_that_resets();
    g_autofree char *before = started(host, "ResetBefore=yes\n"), *after = started(host, "ResetAfter=yes\n");
    ck_assert_ptr_nonnull(strstr(before, "reset 0000:01:00.0 as-is→reset"));
    ck_assert_ptr_nonnull(strstr(after, "reset 0000:01:00.0 reset→as-is"));
}
END_TEST

START_TEST(nothing_is_reset_that_was_not_asked_for)
{
    g_autoptr(Host) host = a_host_that_resets();
    g_autofree char *text = started(host, "ResetBefore=no\n");
    ck_assert_ptr_null(strstr(text, "reset"));
}
END_TEST

START_TEST(a_card_that_only_its_slot_resets_is_refused)
{
    g_autoptr(Host) host = a_host_that_resets();
    g_autoptr(GuestDefinition) guest = a_definition("[PCI gpu]\nAddress=0000:01:00.0\nResetAfter=yes\n");
    g_autoptr(Plan) plan = NULL;
    _cleanup_fault_ Fault *fault = NULL;
    HostDevice *gpu = device_of(host, "0000:01:00.0");

    g_free(gpu->reset_methods);
    gpu->reset_methods = g_strdup("bus");
    ck_assert_int_eq(plan_start(host, NULL, guest, &plan, &fault), FAULT_RAISED);
    ck_assert_int_eq(fault->kind, FAULT_REFUSED);
    ck_assert_str_eq(fault->message,
                     "[PCI gpu] asks for a reset, but none of its functions can be reset by itself: "
                     "0000:01:00.0 (radeon), 0000:01:00.1 (snd_hda_intel)");
}
END_TEST

/* The first function can have its BAR 2 resized. */
static HostDevice *with_bar(Host *host)
{
    HostDevice *gpu = device_of(host, "0000:01:00.0");

    gpu->bars[0] = (HostBar){.size = 2u << 20, .sizes = 0xff, .resizable = true};
    gpu->bars[2] = (HostBar){.size = 256u << 20, .sizes = 0x6100, .resizable = true};
    return gpu;
}

static Fault *refused(const Host *host, const char *size)
{
    g_autofree char *file = g_strdup_printf("[PCI gpu]\nAddress=0000:01:00.0\nBarSize=%s\n", size);
    g_autoptr(GuestDefinition) guest = a_definition(file);
    Plan *plan = NULL;
    Fault *fault = NULL;

    ck_assert_int_eq(plan_start(host, NULL, guest, &plan, &fault), FAULT_RAISED);
    ck_assert_int_eq(fault->kind, FAULT_REFUSED);
    return fault;
}

START_TEST(the_largest_bar_is_resized_while_no_driver_has_the_device)
{
    g_autoptr(Host) host = a_host_that_resets();
    g_autoptr(GuestDefinition) guest = a_definition("[PCI gpu]\nAddress=0000:01:00.0\nBarSize=16G\n");
    g_autoptr(Plan) plan = NULL;
    with_bar(host);
    ck_assert_int_eq(plan_start(host, NULL, guest, &plan, NULL), 0);
    unsigned at = 0;
    while (at < plan->steps->len && ((Step *)g_ptr_array_index(plan->steps, at))->kind != STEP_BAR_SIZE)
        at++;
    ck_assert_uint_lt(at, plan->steps->len);
    const Step *step = g_ptr_array_index(plan->steps, at), *next = g_ptr_array_index(plan->steps, at + 1);
    ck_assert_str_eq(step->before, "bar 2: 256M");
    ck_assert_str_eq(step->after, "bar 2: 16384M");
    ck_assert_int_eq(next->kind, STEP_OVERRIDE);
}
END_TEST

START_TEST(a_bar_that_has_its_size_needs_no_step_whatever_has_the_device)
{
    g_autoptr(Host) host = a_host_that_resets();
    HostDevice *gpu = with_bar(host);
    g_autofree char *text = started(host, "BarSize=256M\n");
    ck_assert_ptr_null(strstr(text, "bar-size"));
    g_free(gpu->driver);
    gpu->driver = g_strdup("vfio-pci");
    g_autofree char *held = started(host, "BarSize=256M\n");
    ck_assert_ptr_null(strstr(held, "bar-size"));
}
END_TEST

START_TEST(a_size_that_cannot_be_had_is_refused_before_anything_is_touched)
{
    g_autoptr(Host) host = a_host_that_resets();
    _cleanup_fault_ Fault *none = refused(host, "16G");
    ck_assert_str_eq(none->message, "[PCI gpu] BarSize=: no BAR of 0000:01:00.0 can be resized");
    HostDevice *gpu = with_bar(host);
    gpu->bars[0].size = gpu->bars[2].size = 0;
    _cleanup_fault_ Fault *nowhere = refused(host, "16G");
    ck_assert_str_eq(nowhere->message, none->message);
    with_bar(host);
    _cleanup_fault_ Fault *other = refused(host, "32G");
    ck_assert_str_eq(other->message, "[PCI gpu] BarSize=: 0000:01:00.0 cannot have that size");
    ck_assert_str_eq(other->remedy, "choose one that 0000:01:00.0 can have: 256M, 8G, 16G");
    g_free(gpu->driver);
    gpu->driver = g_strdup("vfio-pci");
    _cleanup_fault_ Fault *held = refused(host, "16G");
    ck_assert_str_eq(held->message, "[PCI gpu] BarSize=: 0000:01:00.0 is on vfio-pci already, and the kernel "
                                    "resizes only what has no driver");
    ck_assert_str_eq(held->remedy, "give it back first: usherctl restore 0000:01:00.0");
}
END_TEST

START_TEST(the_kernel_tells_of_a_device_that_sleeps)
{
    g_autoptr(Host) host = a_host_that_resets();
    with_bar(host)->bars[2].sizes = 0;
    g_autoptr(GuestDefinition) guest = a_definition("[PCI gpu]\nAddress=0000:01:00.0\nBarSize=32G\n");
    g_autoptr(Plan) plan = NULL;
    ck_assert_int_eq(plan_start(host, NULL, guest, &plan, NULL), 0);
}
END_TEST

SUITE("plan-reset", the_largest_bar_is_resized_while_no_driver_has_the_device,
      a_bar_that_has_its_size_needs_no_step_whatever_has_the_device,
      a_size_that_cannot_be_had_is_refused_before_anything_is_touched,
      the_kernel_tells_of_a_device_that_sleeps, resets_stand_where_no_driver_has_the_device_there_and_back,
      one_way_alone_leaves_the_other_as_it_is, nothing_is_reset_that_was_not_asked_for,
      a_card_that_only_its_slot_resets_is_refused)
