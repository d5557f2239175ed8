/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest shows while it starts: the phase that its start waits for. */
#include "rig-guest.h"

/* Each phase once, as it was announced. */
static void on_changed(Guest *guest, void *userdata)
{
    GString *shown = userdata;
    bool starts = guest_state(guest) == GUEST_PREPARING || guest_state(guest) == GUEST_STARTING;

    if (starts && !g_str_has_suffix(shown->str, guest_sub_state(guest)))
        g_string_append_printf(shown, "%s%s", shown->len > 0 ? " " : "", guest_sub_state(guest));
}

static void on_rested(Guest *guest, void *userdata)
{
}

static Guest *start(Rig *rig, const char *more, GString *shown, Job *job)
{
    static const GuestHandler handler = {on_changed, on_rested};
    Guest *guest = guest_new(&rig->engine, "win10", &handler, shown);

    rig_begin(rig, guest, rig_definition(rig, more), job);
    return guest;
}

START_TEST(its_sub_state_is_the_phase_that_its_start_waits_for)
{
    A_RIG(build_gpu);
    A_QEMU(qemu, &rig);
    g_autoptr(GString) shown = g_string_new(NULL);
    Job *job = job_new(1, JOB_START, "win10");
    Guest *guest = start(&rig, "[CPU]\nPin=6,4\n", shown, job);

    ck_assert_str_eq(guest_sub_state(guest), "holders");
    fake_qemu_connect(&qemu, guest);
    ck_assert(fake_qemu_take_over(&qemu));
    ck_assert_str_eq(guest_sub_state(guest), "qemu");
    fake_qemu_serve(&qemu);
    ck_assert_str_eq(guest_sub_state(guest), "pinning");
    g_free(fake_qemu_place(&qemu, (const char *const[]){"placed", NULL}));
    fake_qemu_serve(&qemu);
    ck_assert_int_eq(guest_state(guest), GUEST_RUNNING);
    ck_assert_str_eq(guest_sub_state(guest), "");
    ck_assert_str_eq(shown->str, "holders files devices qemu pinning run");
    guest_free(guest);
    job_free(job);
}
END_TEST

START_TEST(an_answer_that_does_not_come_is_told_by_its_phase)
{
    A_RIG(build_gpu);
    A_QEMU(qemu, &rig);
    g_autoptr(GString) shown = g_string_new(NULL);
    Job *job = job_new(1, JOB_START, "win10");

    fake_probe_be_late(rig.engine.probe);
    Guest *guest = start(&rig, "", shown, job);
    fake_qemu_connect(&qemu, guest);
    rig_settle(&rig);
    ck_assert_str_eq(guest_sub_state(guest), "qemu-abilities");
    ck_assert_int_eq(guest_stop(guest, NULL, false, NULL), 0);
    rig_settle(&rig);
    ck_assert_str_eq(guest_sub_state(guest), "");
    rig_assert_restored(&rig);
    guest_free(guest);
    job_free(job);
}
END_TEST

START_TEST(what_qemu_turns_out_not_to_have_refuses_the_start_before_its_first_step)
{
    A_RIG(build_gpu);
    g_autoptr(GString) shown = g_string_new(NULL);
    Job *job = job_new(1, JOB_START, "win10");
    Guest *guest = start(&rig, "[CPU]\nModel=EPCY\n", shown, job);

    /* For somebody else, while the start looks who uses its devices. */
    fake_probe_learn(rig.engine.probe);
    rig_settle(&rig);
    ck_assert_uint_eq(fake_workers_steps(rig.engine.workers), 0);
    ck_assert_int_eq(guest_state(guest), GUEST_FAILED);
    ck_assert_str_eq(guest_fault(guest)->message, "/bin/true (7.2.0) has no CPU model EPCY");
    rig_assert_restored(&rig);
    guest_free(guest);
    job_free(job);
}
END_TEST

/* It hangs, as on a file server that is dead. */
START_TEST(a_launcher_that_does_not_say_what_runs_ends_the_start)
{
    A_RIG(build_gpu);
    A_QEMU(qemu, &rig);
    g_autoptr(GString) shown = g_string_new(NULL);
    Job *job = job_new(1, JOB_START, "win10");

    rig.engine.limits.launcher_usec = G_USEC_PER_SEC / 10;
    Guest *guest = start(&rig, "[TPM]\nVersion=2.0\n", shown, job);
    fake_qemu_connect(&qemu, guest);
    rig_settle(&rig);
    ck_assert_str_eq(guest_sub_state(guest), "companions");
    while (guest_state(guest) == GUEST_PREPARING)
        ck_assert_int_ge(sd_event_run(rig.engine.event, 5 * G_USEC_PER_SEC), 1);
    rig_settle(&rig);
    ck_assert_str_eq(guest_fault(guest)->message,
                     "usher-launch of guest win10 did not start swtpm within 0 s");
    rig_assert_restored(&rig);
    guest_free(guest);
    job_free(job);
}
END_TEST

/* A later daemon finds its launcher. */
START_TEST(a_guest_that_goes_while_its_unit_comes_up_stops_nothing)
{
    A_RIG(build_gpu);
    g_autoptr(GString) shown = g_string_new(NULL);
    Job *job = job_new(1, JOB_START, "win10");
    Guest *guest = start(&rig, "", shown, job);

    rig_settle(&rig);
    ck_assert(guest_awaits_launcher(guest));
    ck_assert_uint_eq(fake_launcher_starts(rig.engine.launcher, "win10"), 1);
    guest_free(guest);
    ck_assert_uint_eq(fake_launcher_stops(rig.engine.launcher, "win10"), 0);
    job_free(job);
}
END_TEST

SUITE("guest-start", its_sub_state_is_the_phase_that_its_start_waits_for,
      an_answer_that_does_not_come_is_told_by_its_phase,
      what_qemu_turns_out_not_to_have_refuses_the_start_before_its_first_step,
      a_launcher_that_does_not_say_what_runs_ends_the_start,
      a_guest_that_goes_while_its_unit_comes_up_stops_nothing)
