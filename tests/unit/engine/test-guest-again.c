/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest that is stopped and started again at every moment of its start, while the first run still waits for
 * answers: they come early, late, twice, never, after that run has ended. */
#include <string.h>

#include "rig-guest.h"

/* When the answer to the first run's question comes, which nobody wants any more. */
typedef enum Stray {
    STRAY_NEVER,
    STRAY_AT_REST, /* between both runs */
    STRAY_AMID,    /* in a turn of the second run */
} Stray;

/* One guest and its two runs. */
typedef struct Life {
    Rig *rig;
    Guest *guest;
    Job *jobs[4]; /* start, stop, start, stop */
    FakeQemu qemus[2];
    unsigned starts; /* of its unit, before this run */
    RigReport report;
} Life;

static void life_init(Life *life, Rig *rig)
{
    *life = (Life){.rig = rig, .report = {.rig = rig}};
    for (unsigned i = 0; i < G_N_ELEMENTS(life->jobs); i++)
        life->jobs[i] = job_new(i + 1, i % 2 == 0 ? JOB_START : JOB_STOP, "win10");
    for (unsigned i = 0; i < G_N_ELEMENTS(life->qemus); i++)
        life->qemus[i] = fake_qemu_new(rig);
    life->guest = rig_guest(&life->report);
}

static void life_clear(Life *life)
{
    guest_free(life->guest);
    for (unsigned i = 0; i < G_N_ELEMENTS(life->jobs); i++)
        job_free(life->jobs[i]);
    for (unsigned i = 0; i < G_N_ELEMENTS(life->qemus); i++)
        fake_qemu_free(&life->qemus[i]);
}

static QemuProbe *probe_of(const Life *life)
{
    return life->rig->engine.probe;
}

static Launcher *launcher_of(const Life *life)
{
    return life->rig->engine.launcher;
}

static void start(Life *life, Job *job)
{
    life->starts = fake_launcher_starts(launcher_of(life), "win10");
    rig_begin(life->rig, life->guest, rig_definition(life->rig, ""), job);
}

/* Connects the run's launcher as soon as its unit was asked for. */
static void connect_due(Life *life, unsigned run)
{
    if (life->qemus[run].launch_fd < 0 && guest_awaits_launcher(life->guest) &&
        fake_launcher_starts(launcher_of(life), "win10") > life->starts)
        fake_qemu_connect(&life->qemus[run], life->guest);
}

static bool turn(Life *life, unsigned run)
{
    connect_due(life, run);
    return rig_turn(life->rig);
}

/* Goes on from where the start needs answers of others. */
static void run_on(Life *life, unsigned run)
{
    FakeQemu *qemu = &life->qemus[run];

    /* QEMU is asked before the first step, and again for its command line. */
    for (bool answered = true; answered;) {
        while (turn(life, run))
            ;
        answered = fake_probe_waiting(probe_of(life)) > 0;
        while (fake_probe_waiting(probe_of(life)) > 0)
            fake_probe_answer(probe_of(life), 2, NULL);
    }
    ck_assert_str_eq(guest_state_to_string(guest_state(life->guest)), "starting");
    ck_assert(fake_qemu_take_over(qemu));
    fake_qemu_serve(qemu);
    if (strstr(life->rig->definition, "Pin=")) {
        g_free(fake_qemu_place(qemu, (const char *const[]){"placed", NULL}));
        fake_qemu_serve(qemu);
    }
    ck_assert_str_eq(guest_state_to_string(guest_state(life->guest)), "running");
}

static void until_rest(Life *life)
{
    while (!guest_at_rest(life->guest)) {
        if (rig_turn(life->rig))
            continue;
        ck_assert_msg(fake_launcher_watches(launcher_of(life), "win10"),
                      "it waits for what nobody owes it: %s",
                      guest_state_to_string(guest_state(life->guest)));
        fake_launcher_exit(launcher_of(life), "win10", &(LauncherExit){.known = true});
    }
}

/* The first run up to the moment; false: QEMU runs already. */
static bool begin(Life *life, unsigned moment)
{
    start(life, life->jobs[0]);
    for (unsigned i = 0; i < moment; i++) {
        if (turn(life, 0))
            continue;
        /* The last moments: QEMU is asked what it can do, is told to run, runs. */
        if (fake_probe_waiting(probe_of(life)) > 0 && i + 1 < moment)
            fake_probe_answer(probe_of(life), 1, NULL);
        else if (fake_probe_waiting(probe_of(life)) == 0)
            run_on(life, 0);
        if (guest_state(life->guest) == GUEST_RUNNING)
            return i + 1 == moment;
    }
    return true;
}

static void begin_without_answers(Life *life, unsigned moment)
{
    start(life, life->jobs[0]);
    for (unsigned i = 0; i < moment; i++)
        turn(life, 0);
}

static void stray(Life *life, unsigned owed)
{
    for (unsigned i = 0; i < owed; i++)
        fake_probe_answer(probe_of(life), 2, NULL);
}

/* How many steps a single start takes. */
static unsigned steps_of(RigBuild build)
{
    A_RIG(build);
    Life life;

    life_init(&life, &rig);
    start(&life, life.jobs[0]);
    run_on(&life, 0);
    unsigned n = fake_workers_steps(rig.engine.workers);
    life_clear(&life);
    return n;
}

/* Stops the first run in this turn, and starts the guest again at once. False: there is no such moment. */
static bool again(RigBuild build, unsigned moment, Stray when, unsigned amid, unsigned n_steps)
{
    A_RIG(build);
    Life life;

    life_init(&life, &rig);
    fake_probe_be_late(rig.engine.probe);
    bool there = begin(&life, moment);
    if (there) {
        ck_assert_int_eq(guest_stop(life.guest, life.jobs[1], false, NULL), 0);
        until_rest(&life);
        ck_assert_uint_eq(life.report.rested, 1);
        rig_assert_restored(&rig);

        unsigned owed = fake_probe_waiting(rig.engine.probe), before = fake_workers_steps(rig.engine.workers);
        if (when == STRAY_AMID && owed == 0) {
            life_clear(&life);
            return true;
        }
        if (when == STRAY_AT_REST)
            stray(&life, owed);
        start(&life, life.jobs[2]);
        for (unsigned i = 0; when == STRAY_AMID && i < amid; i++)
            turn(&life, 1);
        if (when == STRAY_AMID)
            stray(&life, owed);
        /* With STRAY_NEVER, the stray answer comes with the second run's own, and changes nothing. */
        run_on(&life, 1);
        /* The devices were given once, by the second run alone. */
        ck_assert_uint_eq(fake_workers_steps(rig.engine.workers) - before, n_steps);
        ck_assert_str_eq(life.jobs[2]->result, "done");

        ck_assert_int_eq(guest_stop(life.guest, life.jobs[3], false, NULL), 0);
        until_rest(&life);
        ck_assert_uint_eq(life.report.rested, 2);
        ck_assert_str_eq(guest_state_to_string(guest_state(life.guest)), "stopped");
        rig_assert_restored(&rig);
    }
    life_clear(&life);
    return there;
}

static unsigned again_at_each(RigBuild build, Stray when, unsigned amid)
{
    unsigned moment = 0, n_steps = steps_of(build);

    while (again(build, moment, when, amid, n_steps))
        moment++;
    return moment;
}

START_TEST(it_can_be_stopped_and_started_again_at_any_moment)
{
    for (unsigned i = 0; i < N_BUILDS; i++) {
        unsigned n = again_at_each(BUILDS[i], STRAY_NEVER, 0);
        ck_assert_msg(n > 20, "only %u moments of build %u were tried", n, i);
    }
}
END_TEST

START_TEST(what_the_run_before_had_asked_is_nothing_to_the_next)
{
    again_at_each(build_gpu, STRAY_AT_REST, 0);
    /* Each phase of the second start. */
    for (unsigned amid = 0; amid < 45; amid++)
        again_at_each(build_gpu, STRAY_AMID, amid);
}
END_TEST

/* systemd is busy: it answers the first run's start during the second, twice, and with a failure. */
START_TEST(an_answer_of_systemd_for_the_run_before_is_nothing_to_the_next)
{
    unsigned n_steps = steps_of(build_gpu);

    for (unsigned moment = 0; moment < 40; moment++) {
        A_RIG(build_gpu);
        Life life;
        life_init(&life, &rig);
        fake_launcher_refuse(rig.engine.launcher, -ETIMEDOUT, "the first was not to be");
        fake_launcher_be_late(rig.engine.launcher);
        begin_without_answers(&life, moment);
        ck_assert_int_eq(guest_stop(life.guest, life.jobs[1], false, NULL), 0);
        until_rest(&life);
        rig_assert_restored(&rig);
        unsigned before = fake_workers_steps(rig.engine.workers);
        start(&life, life.jobs[2]);
        fake_launcher_answer(rig.engine.launcher, 2);
        fake_launcher_refuse(rig.engine.launcher, 0, NULL);
        run_on(&life, 1);
        ck_assert_uint_eq(fake_workers_steps(rig.engine.workers) - before, n_steps);
        life_clear(&life);
    }
}
END_TEST

START_TEST(a_unit_that_failed_for_the_run_before_is_nothing_to_the_next)
{
    A_RIG(build_gpu);
    Life life;
    life_init(&life, &rig);
    start(&life, life.jobs[0]);
    /* The unit was asked for, but its launcher has not come. */
    while (fake_launcher_starts(rig.engine.launcher, "win10") == 0)
        ck_assert(rig_turn(&rig));
    ck_assert_int_eq(guest_stop(life.guest, life.jobs[1], false, NULL), 0);
    until_rest(&life);
    start(&life, life.jobs[2]);
    guest_launch_failed(life.guest, "its main process was killed by signal 9");
    run_on(&life, 1);
    ck_assert_str_eq(life.jobs[2]->result, "done");
    life_clear(&life);
}
END_TEST

/* The launcher had connected when its unit was killed, but is only heard now. */
START_TEST(a_launcher_of_the_run_before_is_not_waited_for)
{
    for (unsigned early = 0; early < 2; early++) {
        A_RIG(build_gpu);
        Life life;
        life_init(&life, &rig);
        fake_launcher_be_late(rig.engine.launcher);
        start(&life, life.jobs[2]);
        while (!early && fake_launcher_starts(rig.engine.launcher, "win10") == 0)
            ck_assert(rig_turn(&rig));
        fake_qemu_connect(&life.qemus[0], life.guest);
        rig_settle(&rig);
        ck_assert_msg(!fake_qemu_take_over(&life.qemus[0]), "it became QEMU before systemd had started it");
        fake_qemu_hang_up(&life.qemus[0]);
        rig_settle(&rig);
        fake_launcher_answer(rig.engine.launcher, 1);
        life.starts = 0;
        run_on(&life, 1);
        ck_assert_str_eq(life.jobs[2]->result, "done");
        life_clear(&life);
    }
}
END_TEST

START_TEST(a_start_that_systemd_does_not_answer_has_worked_when_its_launcher_is_there)
{
    A_RIG(build_gpu);
    Life life;
    life_init(&life, &rig);
    fake_launcher_refuse(rig.engine.launcher, -ETIMEDOUT, "Method call timed out");
    fake_launcher_be_late(rig.engine.launcher);
    start(&life, life.jobs[0]);
    while (turn(&life, 0))
        ;
    ck_assert_int_ge(life.qemus[0].launch_fd, 0);
    fake_launcher_answer(rig.engine.launcher, 2);
    run_on(&life, 0);
    life_clear(&life);
}
END_TEST

/* Otherwise it would start the guest by itself, long after the start was reported as failed. */
START_TEST(a_unit_that_may_yet_come_up_is_stopped_when_its_start_has_failed)
{
    A_RIG(build_gpu);
    Life life;
    life_init(&life, &rig);
    fake_launcher_refuse(rig.engine.launcher, -ETIMEDOUT, "Method call timed out");
    start(&life, life.jobs[0]);
    rig_settle(&rig);
    ck_assert_str_eq(life.jobs[0]->result, "failed");
    ck_assert_uint_eq(fake_launcher_stops(rig.engine.launcher, "win10"), 1);
    rig_assert_restored(&rig);
    life_clear(&life);
}
END_TEST

/* usher-bind is slow, gone, or says something twice; whoever asked it has been stopped meanwhile. */
START_TEST(what_usher_bind_says_late_is_nothing_to_the_next)
{
    unsigned n_steps = steps_of(build_gpu);

    for (unsigned moment = 0; moment < 80; moment++) {
        bool twice = moment % 2 == 1;
        A_RIG(build_gpu);
        Life life;
        life_init(&life, &rig);
        start(&life, life.jobs[0]);
        for (unsigned i = 0; i < moment / 2; i++)
            turn(&life, 0);
        fake_workers_be_late(rig.engine.workers);
        rig_settle(&rig);
        ck_assert_int_eq(guest_stop(life.guest, life.jobs[1], false, NULL), 0);
        rig_settle(&rig);
        bool rested = guest_at_rest(life.guest);
        unsigned before = fake_workers_steps(rig.engine.workers);
        if (rested)
            start(&life, life.jobs[2]);
        fake_workers_answer(rig.engine.workers, twice);
        if (!rested) {
            until_rest(&life);
            rig_assert_restored(&rig);
            before = fake_workers_steps(rig.engine.workers);
            start(&life, life.jobs[2]);
        }
        run_on(&life, 1);
        ck_assert_uint_eq(fake_workers_steps(rig.engine.workers) - before, n_steps);
        ck_assert_int_eq(guest_stop(life.guest, life.jobs[3], false, NULL), 0);
        until_rest(&life);
        rig_assert_restored(&rig);
        life_clear(&life);
    }
}
END_TEST

START_TEST(a_qemu_that_cannot_be_asked_ends_the_start_in_words)
{
    A_RIG(build_gpu);
    Life life;
    life_init(&life, &rig);
    fake_probe_be_late(rig.engine.probe);
    start(&life, life.jobs[0]);
    while (turn(&life, 0))
        ;
    ck_assert_uint_eq(fake_probe_waiting(rig.engine.probe), 1);
    fake_probe_answer(rig.engine.probe, 2, "/bin/true: did not answer within 20 s");
    until_rest(&life);
    ck_assert_str_eq(guest_fault(life.guest)->message,
                     "cannot ask QEMU what it can do: /bin/true: did not answer within 20 s");
    ck_assert_uint_eq(life.report.rested, 1);
    rig_assert_restored(&rig);
    life_clear(&life);
}
END_TEST

START_TEST(a_guest_that_goes_while_it_is_owed_answers_hears_none)
{
    for (unsigned moment = 0; moment < 40; moment++) {
        A_RIG(build_gpu);
        Life life;
        life_init(&life, &rig);
        fake_probe_be_late(rig.engine.probe);
        fake_launcher_be_late(rig.engine.launcher);
        begin_without_answers(&life, moment);
        fake_workers_be_late(rig.engine.workers);
        rig_settle(&rig);
        life.guest = guest_free(life.guest);
        fake_launcher_answer(rig.engine.launcher, 2);
        fake_workers_answer(rig.engine.workers, true);
        stray(&life, fake_probe_waiting(rig.engine.probe));
        rig_settle(&rig);
        ck_assert_uint_eq(life.report.rested, 0);
        life_clear(&life);
    }
}
END_TEST

SUITE("guest-again", an_answer_of_systemd_for_the_run_before_is_nothing_to_the_next,
      a_unit_that_failed_for_the_run_before_is_nothing_to_the_next,
      a_launcher_of_the_run_before_is_not_waited_for,
      a_start_that_systemd_does_not_answer_has_worked_when_its_launcher_is_there,
      a_unit_that_may_yet_come_up_is_stopped_when_its_start_has_failed,
      what_usher_bind_says_late_is_nothing_to_the_next, a_qemu_that_cannot_be_asked_ends_the_start_in_words,
      a_guest_that_goes_while_it_is_owed_answers_hears_none,
      it_can_be_stopped_and_started_again_at_any_moment, what_the_run_before_had_asked_is_nothing_to_the_next)
