/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rig-guest.h"

#include <string.h>

static void on_event(Guest *guest, void *userdata)
{
}

GuestDefinition *rig_definition(const Rig *rig, const char *more)
{
    g_autofree char *text =
        g_strconcat("[CPU]\nAccelerator=tcg\n[Console]\nLog=no\n", rig->definition, more, NULL);
    DefinitionText file = {.path = "win10.guest", .text = text, .size = strlen(text)};
    GuestDefinition *definition = NULL;

    ck_assert_int_eq(definition_parse("win10", &file, 1, &definition, NULL), 0);
    return definition;
}

Guest *rig_start(const Rig *rig, const char *more)
{
    static const GuestHandler handler = {.changed = on_event, .rested = on_event};
    Guest *guest = guest_new((Engine *)&rig->engine, "win10", &handler, NULL);
    GuestDefinition *definition = rig_definition(rig, more);
    g_autoptr(Host) host = NULL;
    Plan *plan = NULL;

    ck_assert_int_eq(host_scan(&rig->engine.host_place, NULL, &host), 0);
    ck_assert_int_eq(plan_start(host, NULL, definition, &plan, NULL), 0);
    guest_start(guest, definition, plan, NULL, false);
    return guest;
}

Guest *rig_run(const Rig *rig, FakeQemu *qemu, const char *more)
{
    Guest *guest = rig_start(rig, more);

    fake_qemu_connect(qemu, guest);
    ck_assert(fake_qemu_take_over(qemu));
    fake_qemu_serve(qemu);
    ck_assert_int_eq(guest_state(guest), GUEST_RUNNING);
    return guest;
}
