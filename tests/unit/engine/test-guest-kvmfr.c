/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest and the memory of Looking Glass's module, which is not to be had here: what is opened in its place
 * knows nothing of sizes. */
#include <string.h>

#include "fake-qemu.h"

#define DEVICE "[LookingGlass]\nDevice=/dev/kvmfr0\n"

static void on_event(Guest *guest, void *userdata)
{
}

static const GuestHandler handler = {on_event, on_event};

static GuestDefinition *a_definition(const Rig *rig, const char *more)
{
    g_autofree char *text =
        g_strconcat("[CPU]\nAccelerator=tcg\n[Console]\nLog=no\n", rig->definition, more, NULL);
    DefinitionText file = {.path = "win10.guest", .text = text, .size = strlen(text)};
    GuestDefinition *definition = NULL;

    ck_assert_int_eq(definition_parse("win10", &file, 1, &definition, NULL), 0);
    return definition;
}

static Guest *start(const Rig *rig, const char *more)
{
    Guest *guest = guest_new((Engine *)&rig->engine, "win10", &handler, NULL);
    GuestDefinition *definition = a_definition(rig, more);
    g_autoptr(Host) host = NULL;
    Plan *plan = NULL;

    ck_assert_int_eq(host_scan(&rig->engine.host_place, NULL, &host), 0);
    ck_assert_int_eq(plan_start(host, NULL, definition, &plan, NULL), 0);
    guest_start(guest, definition, plan, NULL, false);
    return guest;
}

static void assert_refused(const Rig *rig, FaultKind kind, const char *message)
{
    Guest *guest = start(rig, DEVICE);

    rig_settle(rig);
    ck_assert_int_eq(guest_state(guest), GUEST_FAILED);
    ck_assert_int_eq(guest_fault(guest)->kind, kind);
    ck_assert_str_eq(guest_fault(guest)->message, message);
    ck_assert_uint_eq(fake_workers_steps(rig->engine.workers), 0);
    guest_free(guest);
    rig_assert_restored(rig);
}

START_TEST(a_device_without_a_size_refuses_the_start_before_anything_is_touched)
{
    A_RIG(build_gpu);
    assert_refused(&rig, FAULT_REFUSED,
                   "guest win10: [LookingGlass] Device=/dev/kvmfr0: it does not say how much memory it has");
    ck_assert_ptr_null(disk_claims_other(rig.engine.disks, "/dev/kvmfr0", ""));
}
END_TEST

START_TEST(a_device_that_another_guest_has_is_refused)
{
    A_RIG(build_gpu);
    disk_claims_take(rig.engine.disks, "/dev/kvmfr0", true, "other");
    assert_refused(&rig, FAULT_IN_USE,
                   "guest win10: [LookingGlass] Device=/dev/kvmfr0 is in use by guest other");
    ck_assert_str_eq(disk_claims_other(rig.engine.disks, "/dev/kvmfr0", ""), "other");
}
END_TEST

SUITE("guest-kvmfr", a_device_without_a_size_refuses_the_start_before_anything_is_touched,
      a_device_that_another_guest_has_is_refused)
