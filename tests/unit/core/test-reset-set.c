/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../../daemon/core/plan/plan.h"
#include "../../../daemon/core/plan/reset-set.h"
#include "../suite.h"
#include "a-host.h"

static HostDevice *behind(Host *host, const char *address, const char *bridge, int group, const char *driver)
{
    HostDevice *device = a_device(host, address, group, driver);
    device->has_upstream = true;
    device->upstream = address_of(bridge);
    return device;
}

static void resets_by(Host *host, const char *address, const char *methods)
{
    HostDevice *device = device_of(host, address);
    g_free(device->reset_methods);
    device->reset_methods = g_strdup(methods);
}

/* Two cards on a bus of the old kind behind a bridge, a third below another bridge on it, a card elsewhere;
 * each function a group of its own, as isolation would have it. */
static Host *a_host_with_a_bus(void)
{
    Host *host = a_host();
    a_bridge(host, "0000:00:01.0", 1);
    behind(host, "0000:02:01.0", "0000:00:01.0", 2, "e1000");
    behind(host, "0000:02:02.0", "0000:00:01.0", 3, "snd_ens1370");
    behind(host, "0000:02:03.0", "0000:00:01.0", 4, "pcieport")->bridge = true;
    behind(host, "0000:03:00.0", "0000:02:03.0", 5, "nvme");
    a_bridge(host, "0000:00:02.0", 6);
    behind(host, "0000:04:00.0", "0000:00:02.0", 7, "radeon");
    behind(host, "0000:04:00.1", "0000:00:02.0", 8, "snd_hda_intel");
    return host;
}

static void assert_set(const Host *host, const char *address, ResetScope scope, const char *addresses)
{
    g_autoptr(GPtrArray) set = NULL;
    g_autoptr(GString) text = g_string_new(NULL);

    ck_assert_int_eq(reset_set(host, host_find(host, address_of(address)), &set), scope);
    for (unsigned i = 0; i < set->len; i++) {
        const HostDevice *device = g_ptr_array_index(set, i);
        g_string_append_printf(text, "%s%s", i > 0 ? " " : "", PCI_ADDRESS_STR(device->address));
    }
    ck_assert_str_eq(text->str, addresses);
}

START_TEST(a_function_with_a_reset_of_its_own_goes_alone)
{
    static const char *const methods[] = {"flr", "af_flr bus", "pm bus", "acpi", "device_specific bus"};
    for (unsigned i = 0; i < G_N_ELEMENTS(methods); i++) {
        g_autoptr(Host) host = a_host_with_a_bus();
        resets_by(host, "0000:02:01.0", methods[i]);
        assert_set(host, "0000:02:01.0", RESET_SCOPE_FUNCTION, "0000:02:01.0");
    }
}
END_TEST

START_TEST(a_bus_reset_takes_all_that_is_below_the_bridge)
{
    static const char *const methods[] = {"bus", "", NULL};
    for (unsigned i = 0; i < G_N_ELEMENTS(methods); i++) {
        g_autoptr(Host) host = a_host_with_a_bus();
        resets_by(host, "0000:02:01.0", methods[i]);
        assert_set(host, "0000:02:01.0", RESET_SCOPE_BUS,
                   "0000:02:01.0 0000:02:02.0 0000:02:03.0 0000:03:00.0");
    }
}
END_TEST

START_TEST(on_a_bus_with_one_card_it_is_the_slot)
{
    g_autoptr(Host) host = a_host_with_a_bus();
    assert_set(host, "0000:04:00.1", RESET_SCOPE_SLOT, "0000:04:00.0 0000:04:00.1");
    assert_set(host, "0000:03:00.0", RESET_SCOPE_SLOT, "0000:03:00.0");
}
END_TEST

START_TEST(on_the_root_bus_nothing_can_be_reset_from_above)
{
    g_autoptr(Host) host = a_host();
    a_device(host, "0000:00:1f.3", 9, "snd_hda_intel");
    assert_set(host, "0000:00:1f.3", RESET_SCOPE_NONE, "");
}
END_TEST

START_TEST(bridges_that_lead_round_in_circles_end_the_walk)
{
    g_autoptr(Host) host = a_host();
    behind(host, "0000:01:00.0", "0000:02:00.0", 1, NULL)->bridge = true;
    behind(host, "0000:02:00.0", "0000:01:00.0", 2, NULL)->bridge = true;
    behind(host, "0000:05:00.0", "0000:09:00.0", 3, NULL);
    assert_set(host, "0000:05:00.0", RESET_SCOPE_SLOT, "0000:05:00.0");
}
END_TEST

static int bind(const Host *host, const char *address, uint8_t functions, Plan **ret, Fault **ret_fault)
{
    BindWish wish = {.address = address_of(address), .functions = functions};
    return plan_bind(host, NULL, &wish, ret, ret_fault);
}

START_TEST(a_plan_whose_reset_would_hit_the_host_is_refused_with_the_names)
{
    g_autoptr(Host) host = a_host_with_a_bus();
    g_autoptr(Plan) plan = NULL;
    _cleanup_fault_ Fault *fault = NULL;

    ck_assert_int_eq(bind(host, "0000:02:01.0", 0, &plan, &fault), FAULT_RAISED);
    ck_assert_int_eq(fault->kind, FAULT_NOT_VIABLE);
    ck_assert_str_eq(fault->message,
                     "0000:02:01.0 has no reset of its own, and one of its bus would reset what the "
                     "host uses: 0000:02:02.0 (snd_ens1370), 0000:03:00.0 (nvme)");
    ck_assert_ptr_nonnull(strstr(fault->remedy, "lend them together with it"));
}
END_TEST

START_TEST(one_function_of_a_card_that_is_reset_as_a_whole_is_refused)
{
    g_autoptr(Host) host = a_host_with_a_bus();
    g_autoptr(Plan) plan = NULL;
    _cleanup_fault_ Fault *fault = NULL;

    ck_assert_int_eq(bind(host, "0000:04:00.0", 1, &plan, &fault), FAULT_RAISED);
    ck_assert_ptr_nonnull(
        strstr(fault->message, "one of its slot would reset what the host uses: 0000:04:00.1"));
}
END_TEST

START_TEST(what_goes_along_and_what_no_driver_of_the_host_has_is_no_hindrance)
{
    g_autoptr(Host) host = a_host_with_a_bus();
    g_autoptr(Plan) whole = NULL, one = NULL;

    ck_assert_int_eq(bind(host, "0000:04:00.0", 0, &whole, NULL), 0);
    g_clear_pointer(&device_of(host, "0000:04:00.1")->driver, g_free);
    ck_assert_int_eq(bind(host, "0000:04:00.0", 1, &one, NULL), 0);
}
END_TEST

SUITE("reset-set", a_function_with_a_reset_of_its_own_goes_alone,
      a_bus_reset_takes_all_that_is_below_the_bridge, on_a_bus_with_one_card_it_is_the_slot,
      on_the_root_bus_nothing_can_be_reset_from_above, bridges_that_lead_round_in_circles_end_the_walk,
      a_plan_whose_reset_would_hit_the_host_is_refused_with_the_names,
      one_function_of_a_card_that_is_reset_as_a_whole_is_refused,
      what_goes_along_and_what_no_driver_of_the_host_has_is_no_hindrance)
