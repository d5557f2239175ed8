/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rig-guest.h"

#include <string.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/engine/host-look.h"

static void on_event(Guest *guest, void *userdata)
{
}

static int on_plan_rest(Guest *guest, const GuestDefinition *definition, const DefinitionPci *section,
                        Plan **ret, Fault **ret_fault, void *userdata)
{
    return rig_plan_rest(userdata, definition, section, ret, ret_fault);
}

GuestDefinition *rig_definition(const Rig *rig, const char *more)
{
    g_autofree char *text =
        g_strconcat("[CPU]\nAccelerator=tcg\n[Console]\nLog=no\n", rig->definition, more, NULL);
    DefinitionText file = {.path = "win10.guest", .text = text, .size = strlen(text)};
    GuestDefinition *definition = NULL;
    _cleanup_fault_ Fault *fault = NULL;

    int r = definition_parse("win10", &file, 1, &definition, &fault);
    ck_assert_msg(r == 0, "%s", fault ? fault->message : strerror(-r));
    return definition;
}

void rig_begin(const Rig *rig, Guest *guest, GuestDefinition *definition, Job *job)
{
    g_autoptr(Host) host = NULL;
    Plan *plan = NULL;

    ck_assert_int_eq(host_scan(&rig->engine.host_place, NULL, &host), 0);
    host_look_mediated((Engine *)&rig->engine, definition, host);
    ck_assert_int_eq(plan_start(host, NULL, definition, &plan, NULL), 0);
    guest_start(guest, definition, plan, job, false);
}

static Guest *a_guest(const Rig *rig)
{
    static const GuestHandler handler = {.changed = on_event, .rested = on_event, .plan_rest = on_plan_rest};

    return guest_new((Engine *)&rig->engine, "win10", &handler, (void *)rig);
}

static void on_rested(Guest *guest, void *userdata)
{
    ((RigReport *)userdata)->rested++;
}

static int on_rest_asked(Guest *guest, const GuestDefinition *definition, const DefinitionPci *section,
                         Plan **ret, Fault **ret_fault, void *userdata)
{
    RigReport *report = userdata;

    report->rests++;
    if (report->refusal)
        return fault_raise(ret_fault, FAULT_NOT_VIABLE, NULL, "%s", report->refusal);
    return rig_plan_rest(report->rig, definition, section, ret, ret_fault);
}

static void on_devices(Guest *guest, void *userdata)
{
    RigReport *report = userdata;
    const GPtrArray *devices = guest_devices(guest);

    if (!report->devices)
        return;
    g_string_append(report->devices, "[");
    for (unsigned i = 0; i < devices->len; i++)
        g_string_append_printf(report->devices, "%s%s", i ? " " : "", (char *)g_ptr_array_index(devices, i));
    g_string_append(report->devices, "]");
}

Guest *rig_guest(RigReport *report)
{
    static const GuestHandler handler = {
        .changed = on_event, .rested = on_rested, .plan_rest = on_rest_asked, .devices = on_devices};

    return guest_new((Engine *)&report->rig->engine, "win10", &handler, report);
}

Guest *rig_start(const Rig *rig, const char *more)
{
    Guest *guest = a_guest(rig);

    rig_begin(rig, guest, rig_definition(rig, more), NULL);
    return guest;
}

Guest *rig_run(const Rig *rig, FakeQemu *qemu, const char *more)
{
    Guest *guest = rig_start(rig, more);

    fake_qemu_launch(qemu, guest);
    ck_assert_int_eq(guest_state(guest), GUEST_RUNNING);
    return guest;
}

void rig_lose_daemon(Rig *rig, Guest *guest, bool finish, pid_t pid)
{
    rig_die(rig, finish);
    guest_free(guest);
    rig_come_again(rig);
    fake_launcher_found(rig->engine.launcher, "win10", pid);
}

void rig_restart(Rig *rig, FakeQemu *qemu, Guest *guest)
{
    rig_lose_daemon(rig, guest, false, QEMU_PID);
    qemu->qmp_fd = close_fd(qemu->qmp_fd);
}

Guest *rig_find(const Rig *rig, const char *more)
{
    Guest *guest = a_guest(rig);

    guest_recover(guest, rig_definition(rig, more));
    return guest;
}

const char *rig_look_again(FakeQemu *qemu, Guest *guest, void (*look)(Guest *guest))
{
    g_string_truncate(qemu->commands, 0);
    look(guest);
    fake_qemu_serve(qemu);
    return qemu->commands->str;
}

void rig_rest(const Rig *rig, const Guest *guest)
{
    fake_launcher_exit(rig->engine.launcher, "win10", &(LauncherExit){.known = true});
    rig_settle(rig);
    ck_assert(guest_at_rest(guest));
    ck_assert(!guest_has_leftovers(guest));
    ck_assert_str_eq(fake_sleep_locks(rig->engine.sleep), "");
    rig_assert_restored(rig);
}

void rig_end(const Rig *rig, Guest *guest)
{
    rig_rest(rig, guest);
    guest_free(guest);
}

void rig_assert_devices(const Guest *guest, const char *expected)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const GPtrArray *devices = guest_devices(guest);

    for (unsigned i = 0; i < devices->len; i++)
        g_string_append_printf(text, "%s%s", i ? " " : "", (char *)g_ptr_array_index(devices, i));
    ck_assert_str_eq(text->str, expected);
}
