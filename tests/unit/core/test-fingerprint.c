/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../../daemon/core/host/fingerprint.h"
#include "../../../daemon/core/plan/plan.h"
#include "../suite.h"
#include "a-definition.h"
#include "a-host.h"

#define GPU "1002:5046 1af4:1100 030000 0000:00:03.0/00.0"
#define TWIN "1002:5046 1af4:1100 030000 0000:00:04.0/00.0"

static HostDevice *a_radeon(Host *host, const char *address, const char *port, int group)
{
    HostDevice *device = a_device(host, address, group, NULL);
    device->vendor = 0x1002;
    device->device = 0x5046;
    device->subvendor = 0x1af4;
    device->subdevice = 0x1100;
    device->class = 0x030000;
    device->has_upstream = true;
    device->upstream = address_of(port);
    return device;
}

/* The same card twice, each behind a port of its own. */
static Host *a_host_with_twins(void)
{
    Host *host = a_host();
    a_bridge(host, "0000:00:03.0", 1);
    a_bridge(host, "0000:00:04.0", 2);
    a_radeon(host, "0000:02:00.0", "0000:00:03.0", 3);
    a_radeon(host, "0000:03:00.0", "0000:00:04.0", 4);
    return host;
}

static void assert_fingerprint(const Host *host, const char *address, const char *expected)
{
    g_autofree char *text = fingerprint_of(host, host_find(host, address_of(address)));
    g_autofree char *normal = fingerprint_normalize(text);

    ck_assert_str_eq(text, expected);
    ck_assert_str_eq(normal, expected);
}

static void assert_other(const Host *host, const char *address, const char *fingerprint, const char *remedy)
{
    _cleanup_fault_ Fault *fault = NULL;

    ck_assert_int_eq(fingerprint_check(host, address_of(address), fingerprint, "win10.guest", &fault),
                     FAULT_RAISED);
    ck_assert_int_eq(fault->kind, FAULT_REFUSED);
    ck_assert_msg(strstr(fault->message, address) && strstr(fault->message, fingerprint), "%s",
                  fault->message);
    ck_assert_msg(strstr(fault->remedy, remedy), "%s", fault->remedy);
}

START_TEST(it_tells_ids_class_and_place)
{
    g_autoptr(Host) host = a_host_with_twins();
    assert_fingerprint(host, "0000:02:00.0", GPU);
    assert_fingerprint(host, "0000:03:00.0", TWIN);
    assert_fingerprint(host, "0000:00:03.0", "0000:0000 0000:0000 000000 0000:00:03.0");
}
END_TEST

START_TEST(a_bus_that_is_renumbered_does_not_change_it)
{
    g_autoptr(Host) host = a_host();
    a_bridge(host, "0000:00:03.0", 1);
    a_radeon(host, "0000:41:00.0", "0000:00:03.0", 3);
    assert_fingerprint(host, "0000:41:00.0", GPU);
}
END_TEST

START_TEST(each_bridge_on_the_way_is_in_it)
{
    g_autoptr(Host) host = a_host();
    a_bridge(host, "0000:00:03.0", 1);
    HostDevice *bridge = a_bridge(host, "0000:02:00.0", 1);
    bridge->has_upstream = true;
    bridge->upstream = address_of("0000:00:03.0");
    a_radeon(host, "0000:03:1f.7", "0000:02:00.0", 3);
    assert_fingerprint(host, "0000:03:1f.7", "1002:5046 1af4:1100 030000 0000:00:03.0/00.0/1f.7");
}
END_TEST

START_TEST(virtual_functions_on_other_buses_do_not_look_alike)
{
    g_autoptr(Host) host = a_host();
    a_bridge(host, "0000:00:03.0", 1);
    for (unsigned i = 0; i < 2; i++) {
        HostDevice *device = a_radeon(host, i == 0 ? "0000:02:00.1" : "0000:03:00.1", "0000:00:03.0", 3 + i);
        device->virtual_function = true;
        device->physical = address_of("0000:02:00.0");
    }
    assert_fingerprint(host, "0000:02:00.1", "1002:5046 1af4:1100 030000 0000:00:03.0/00.1");
    assert_fingerprint(host, "0000:03:00.1", "1002:5046 1af4:1100 030000 0000:00:03.0/00.1+1");
}
END_TEST

START_TEST(blanks_and_capitals_do_not_matter)
{
    g_autofree char *text = fingerprint_normalize("  1002:5046\t1AF4:1100  030000 0000:00:03.0/00.0 ");
    ck_assert_str_eq(text, GPU);
}
END_TEST

START_TEST(what_is_none_is_told_from_one)
{
    static const char *const texts[] = {
        "",
        "1002:5046",
        "1002:5046 1af4:1100 030000",
        "1002:5046 1af4:1100 030000 00:03.0/00.0",
        "1002:5046 1af4:1100 030000 0000:00:03.0/00",
        "1002:5046 1af4:1100 030000 0000:00:03.0/00.0/",
        "1002:5046 1af4:1100 0300 0000:00:03.0",
        "1002:5046 1af4:110 030000 0000:00:03.0",
        "10025046 1af4:1100 030000 0000:00:03.0",
        "1002:5046 1af4:1100 030000 0000:00:03.0 more",
        "1002:504g 1af4:1100 030000 0000:00:03.0",
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *normal = fingerprint_normalize(texts[i]);
        ck_assert_msg(!normal, "%s", texts[i]);
    }
}
END_TEST

START_TEST(the_right_device_and_one_that_is_not_there_pass)
{
    g_autoptr(Host) host = a_host_with_twins();
    ck_assert_int_eq(fingerprint_check(host, address_of("0000:02:00.0"), GPU, "", NULL), 0);
    ck_assert_int_eq(fingerprint_check(host, address_of("0000:77:00.0"), GPU, "", NULL), 0);
}
END_TEST

START_TEST(a_twin_in_its_address_is_refused_and_its_own_one_named)
{
    g_autoptr(Host) host = a_host_with_twins();
    assert_other(host, "0000:03:00.0", GPU, "the device is at 0000:02:00.0 now: correct Address=");
}
END_TEST

START_TEST(one_of_its_make_elsewhere_is_named_as_a_guess)
{
    g_autoptr(Host) host = a_host_with_twins();
    assert_other(host, "0000:02:00.0", "1002:5046 1af4:1100 030000 0000:00:05.0/00.0",
                 "a device of the same make is at 0000:02:00.0, 0000:03:00.0");
    assert_other(host, "0000:02:00.0", "10de:5046 1af4:1100 030000 0000:00:03.0/00.0", "not in this host");
}
END_TEST

START_TEST(a_start_with_the_wrong_device_is_refused_by_section)
{
    g_autoptr(Host) host = a_host_with_twins();
    g_autoptr(GuestDefinition) guest = a_definition(
        "[PCI gpu]\nAddress=0000:03:00.0\nFingerprint=1002:5046 1AF4:1100 030000 0000:00:03.0/00.0\n");
    g_autoptr(Plan) plan = NULL;
    _cleanup_fault_ Fault *fault = NULL;

    ck_assert_int_eq(plan_start(host, NULL, guest, &plan, &fault), FAULT_RAISED);
    ck_assert_int_eq(fault->kind, FAULT_REFUSED);
    ck_assert_str_eq(fault->message,
                     FILE_PATH ": [PCI gpu] Fingerprint=: 0000:03:00.0 is another device: it is \"" TWIN
                               "\", not \"" GPU "\"");
}
END_TEST

START_TEST(a_start_with_the_right_device_goes_on)
{
    g_autoptr(Host) host = a_host_with_twins();
    g_autoptr(GuestDefinition) guest = a_definition("[PCI gpu]\nAddress=02:00.0\nFingerprint=" GPU "\n");
    g_autoptr(Plan) plan = NULL;

    ck_assert_int_eq(plan_start(host, NULL, guest, &plan, NULL), 0);
    ck_assert_uint_gt(plan->steps->len, 0);
}
END_TEST

SUITE("fingerprint", it_tells_ids_class_and_place, a_bus_that_is_renumbered_does_not_change_it,
      each_bridge_on_the_way_is_in_it, virtual_functions_on_other_buses_do_not_look_alike,
      blanks_and_capitals_do_not_matter, what_is_none_is_told_from_one,
      the_right_device_and_one_that_is_not_there_pass, a_twin_in_its_address_is_refused_and_its_own_one_named,
      one_of_its_make_elsewhere_is_named_as_a_guess, a_start_with_the_wrong_device_is_refused_by_section,
      a_start_with_the_right_device_goes_on)
