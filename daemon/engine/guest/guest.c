/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <unistd.h>

#include "../../base/cleanup.h"
#include "../../base/log.h"
#include "../../edge/host-services/clock.h"
#include "private.h"

/* A launcher connects as soon as its unit is up; a host that needs longer than this is in trouble. */
#define LAUNCHER_DEADLINE_USEC (60 * G_USEC_PER_SEC)
#define LAST_WORDS_MAX 2000

static const char *const rung_names[GUEST_RUNG_MAX] = {
    [GUEST_RUNG_NONE] = "",       [GUEST_RUNG_WAKE] = "wake-up",
    [GUEST_RUNG_AGENT] = "agent", [GUEST_RUNG_POWER_BUTTON] = "power-button",
    [GUEST_RUNG_QUIT] = "quit",   [GUEST_RUNG_TERMINATE] = "terminate",
    [GUEST_RUNG_KILL] = "kill",
};

static void channel_freep(void *channel)
{
    channel_free(channel);
}

Guest *guest_new(Engine *engine, const char *name, const GuestHandler *handler, void *userdata)
{
    Guest *g = g_new0(Guest, 1);

    g->engine = engine;
    g->name = g_strdup(name);
    g->handler = handler;
    g->userdata = userdata;
    g->state = GUEST_STOPPED;
    g->run_fd = -1;
    g->inner_addresses = g_ptr_array_new_with_free_func(g_free);
    g->console_end = -1;
    g->usb_fd = g->sound_fd = -1;
    g->addresses = g_ptr_array_new_with_free_func(g_free);
    g->controls = g_ptr_array_new();
    g->end_jobs = g_ptr_array_new();
    g->end_waiters = g_ptr_array_new_with_free_func(channel_freep);
    g->restored_waiters = g_ptr_array_new_with_free_func(channel_freep);
    return g;
}

Guest *guest_free(Guest *g)
{
    if (!g)
        return NULL;
    launcher_forget(g->engine->launcher, g);
    qemu_probe_forget(g->engine->probe, g);
    sd_event_source_disable_unref(g->deadline);
    sd_event_source_disable_unref(g->button_look);
    guest_drop_qmp(g);
    guest_close_files(g);
    sd_event_source_disable_unref(g->sleep_turn);
    sleep_lock_free(g->sleep_lock);
    sleep_lock_free(g->shutdown_lock);
    guest_agent_free(g->agent);
    g_ptr_array_free(g->inner_addresses, TRUE);
    g_free(g->trouble);
    companions_free(g->companions);
    guest_close_disks(g);
    disk_claims_give_up(g->engine->disks, g->name);
    holder_gate_free(g->gate);
    guest_forget_inputs(g);
    guest_forget_usbs(g);
    guest_forget_plugging(g);
    execution_free(g->execution);
    channel_free(g->launch);
    g_clear_pointer(&g->place, g_ptr_array_unref);
    guest_log_close(g->console_log);
    guest_log_close(g->words);
    journal_close(g->journal);
    close_fd(g->run_fd);
    definition_free(g->definition);
    plan_free(g->plan);
    fault_free(g->fault);
    g_ptr_array_free(g->addresses, TRUE);
    g_ptr_array_free(g->controls, TRUE);
    g_ptr_array_free(g->end_jobs, TRUE);
    g_ptr_array_free(g->end_waiters, TRUE);
    g_ptr_array_free(g->restored_waiters, TRUE);
    g_free(g->name);
    g_free(g);
    return NULL;
}

const char *guest_name(const Guest *g)
{
    return g->name;
}

GuestState guest_state(const Guest *g)
{
    return g->state;
}

const char *guest_sub_state(const Guest *g)
{
    if (g->state == GUEST_PAUSED && g->paused_for_sleep && g->run.kind != RUN_SLEEPS)
        return "host-sleep";
    if (g->state == GUEST_PAUSED)
        return g->run.word;
    if (g->state == GUEST_RUNNING && g->frozen)
        return "frozen";
    return g->state == GUEST_STOPPING ? rung_names[g->rung] : "";
}

bool guest_tainted(const Guest *g)
{
    return g->definition && definition_tainted(g->definition);
}

pid_t guest_pid(const Guest *g)
{
    return g->watched ? g->pid : 0;
}

uint64_t guest_since_usec(const Guest *g)
{
    return g->since;
}

const Fault *guest_fault(const Guest *g)
{
    return g->fault;
}

const GuestDefinition *guest_definition(const Guest *g)
{
    return g->definition;
}

const GPtrArray *guest_devices(const Guest *g)
{
    return g->addresses;
}

bool guest_has_leftovers(const Guest *g)
{
    return g->leftovers;
}

bool guest_at_rest(const Guest *g)
{
    return (g->state == GUEST_STOPPED || g->state == GUEST_FAILED) && !g->recovering && !g->execution;
}

bool guest_awaits_launcher(const Guest *g)
{
    return g->state == GUEST_PREPARING && !g->launch;
}

char *guest_last_words(const Guest *g)
{
    return g->words ? guest_log_tail(g->words, LAST_WORDS_MAX) : g_strdup("");
}

char *guest_run_path(const Guest *g, const char *file)
{
    return g_strdup_printf("%s/guests/%s/%s", g->engine->run_path, g->name, file);
}

void guest_announce(Guest *g)
{
    g->handler->changed(g, g->userdata);
}

void guest_set_deadline(Guest *g, uint64_t usec, sd_event_time_handler_t handler)
{
    clock_after(g->engine->event, usec, handler, g, &g->deadline);
}

void guest_set_state(Guest *g, GuestEvent event)
{
    int next = guest_state_next(g->state, event);

    if (next < 0) {
        log_guest(LOG_ERR, g->name, "bug: %s while %s", guest_event_to_string(event),
                  guest_state_to_string(g->state));
        return;
    }
    if (next == (int)g->state)
        return;
    log_guest(LOG_INFO, g->name, "%s → %s", guest_state_to_string(g->state), guest_state_to_string(next));
    g->deadline = sd_event_source_disable_unref(g->deadline);
    g->button_look = sd_event_source_disable_unref(g->button_look);
    g->state = next;
    g->since = clock_realtime_usec();
    guest_announce(g);
    guest_mind_sleep_soon(g);
}

/* The start. */

void guest_on_progress(Execution *execution, const char *words, unsigned done, unsigned total, void *userdata)
{
    Guest *g = userdata;

    job_progress(g->start_job, words, done, total);
    for (unsigned i = 0; !g->start_job && i < g->end_jobs->len; i++)
        job_progress(g_ptr_array_index(g->end_jobs, i), words, done, total);
}

static const ExecutionHandler start_handler;

/* What was expected is there: the rest is planned upon what it has become. */
static void plan_anew(Guest *g)
{
    Fault *fault = NULL;
    Plan *rest;

    int r = g->handler->plan_rest(g, g->definition, NULL, &rest, &fault, g->userdata);
    if (r != 0) {
        guest_fail(
            g, fault ?: fault_new(FAULT_FAILED, NULL, "cannot read the host's devices: %s", g_strerror(-r)));
        return;
    }
    plan_free(g->plan);
    g->plan = rest;
    guest_note_slots(g);
    g->execution = execution_run(g->engine, g->journal, g->plan->steps, &start_handler, g);
    if (g->launch)
        execution_set_guest(g->execution, g->uid, g->gid);
}

static void on_bound(Execution *execution, const Fault *fault, void *userdata)
{
    Guest *g = userdata;

    /* Before it goes with the execution, which it belongs to. */
    if (fault && !g->fault)
        g->fault = fault_copy(fault);
    g->execution = execution_free(execution);
    if (g->fault || g->stop_asked || g->end_owed) {
        g->end_owed = false;
        guest_ended(g);
        return;
    }
    if (g->plan->making > 0) {
        plan_anew(g);
        return;
    }
    g->bound = true;
    guest_try_launch(g);
}

void guest_unstuck(Guest *g)
{
    if (guest_at_rest(g) && g->leftovers) {
        log_guest(LOG_NOTICE, g->name, "going on to give its devices back");
        guest_restore(g, NULL, false);
    } else if (guest_state_live(g->state) && g->left) {
        g_clear_pointer(&g->left, g_hash_table_destroy);
        guest_tidy(g);
    }
}

void guest_on_unstuck(const char *subject, void *userdata)
{
    guest_unstuck(userdata);
}

static const ExecutionHandler start_handler = {guest_on_progress, on_bound, guest_on_unstuck};

static void on_start_asked(int error, const char *message, void *userdata)
{
    Guest *g = userdata;

    /* A launcher that is here shows that it was started, also where systemd takes too long to say so. */
    if (g->state == GUEST_PREPARING && (error == 0 || g->launch)) {
        g->unit = GUEST_UNIT_ACCEPTED;
        guest_try_launch(g);
        return;
    }
    /* One that was called off was killed, and is no failure. */
    if (error == 0 || g->stop_asked || (g->state != GUEST_PREPARING && g->state != GUEST_STOPPING))
        return;
    g_autofree char *unit = launcher_unit(g->engine->launcher, LAUNCHER_GUEST, g->name);
    g_autofree char *remedy = g_strdup_printf("see: systemctl status %s", unit);
    guest_fail(g,
               fault_new(FAULT_FAILED, remedy, "cannot start %s: %s", unit, message ?: g_strerror(-error)));
}

static int on_launcher_late(sd_event_source *source, uint64_t usec, void *userdata)
{
    Guest *g = userdata;
    g_autofree char *unit = launcher_unit(g->engine->launcher, LAUNCHER_GUEST, g->name);
    g_autofree char *remedy = g_strdup_printf("see: journalctl -u %s", unit);

    if (!g->launch || g->unit == GUEST_UNIT_ASKED)
        guest_fail(g, fault_new(FAULT_TIMEOUT, remedy, "usher-launch of guest %s did not come up within 60 s",
                                g->name));
    return 0;
}

void guest_await_launcher(Guest *g)
{
    guest_set_deadline(g, LAUNCHER_DEADLINE_USEC, on_launcher_late);
}

/* It has ended as often as systemd lets it: failed, however well its last run ended. */
void guest_given_up(Guest *g, const char *message)
{
    g_autofree char *remedy = g_strdup_printf("put it right, then: usherctl start %s", g->name);
    Fault *last = g->fault;

    if (!guest_at_rest(g))
        return;
    g->fault = last ? fault_new(last->kind, remedy, "%s; %s", last->message, message)
                    : fault_new(FAULT_GUEST_FAILED, remedy, "guest %s: %s", g->name, message);
    fault_free(last);
    log_guest(LOG_ERR, g->name, "%s", message);
    guest_set_state(g, GUEST_EVENT_FAILED);
    guest_announce(g);
}

void guest_launch_failed(Guest *g, const char *message)
{
    /* Else it is an earlier run's. */
    if (g->unit == GUEST_UNIT_UNASKED || g->launch)
        return;
    g->unit = GUEST_UNIT_UNASKED;
    if (g->state == GUEST_PREPARING || g->state == GUEST_STOPPING)
        on_start_asked(-ECHILD, message, g);
}

void guest_forget_run(Guest *g)
{
    guest_forget_inputs(g);
    guest_forget_usbs(g);
    guest_forget_plugging(g);
    companions_free(g->companions);
    g->companions = companions_new(g->engine->event, g->name, &guest_companions_handler, g);
    g->adopted = g->end_owed = false;
    g->fault = fault_free(g->fault);
    g->definition = definition_free(g->definition);
    g->plan = plan_free(g->plan);
    g->bound = g->shutdown_seen = g->stop_asked = g->leftovers = false;
    g->unit = GUEST_UNIT_UNASKED;
    g->asked = g->silent = false;
    guest_forget_agent(g);
    g->run = (RunState){RUN_BEGINS, ""};
    g->panicked = g->awake = false;
    g_clear_pointer(&g->trouble, g_free);
    g->sleep_asked = g->sleep_minded = g->paused_for_sleep = false;
    g->rung = GUEST_RUNG_NONE;
    g->pid = 0;
}

/* Opens what the run needs before its first step. 0 or -errno. */
static int open_run(Guest *g)
{
    g_autofree char *owner = g_strconcat("guest/", g->name, NULL);

    int r = guest_open_run_folder(g);
    if (r < 0)
        return r;
    guest_log_clear(g->words);
    guest_forget_process(g);
    unlinkat(g->run_fd, "usb", 0);
    guest_forget_sleep(g);
    return journal_open(g->engine->journal_fd, owner, &g->journal);
}

void guest_start(Guest *g, GuestDefinition *definition, Plan *plan, Job *job, bool by_unit)
{
    guest_forget_run(g);
    g->definition = definition;
    g->plan = plan;
    g->start_job = job;
    g->by_unit = by_unit;
    guest_note_slots(g);
    guest_set_state(g, GUEST_EVENT_START);
    guest_await_launcher(g);

    int r = open_run(g);
    if (r < 0) {
        guest_fail(g, fault_new(FAULT_FAILED, "is /run/usher writable?", "cannot prepare guest %s: %s",
                                g->name, g_strerror(-r)));
        return;
    }
    guest_look(g);
}

void guest_begin(Guest *g)
{
    g_autoptr(GPtrArray) first = plan_due(g->plan);

    /* The unit comes up while the devices change hands: neither waits for the other. */
    g->execution = execution_run(g->engine, g->journal, first, &start_handler, g);
    if (g->launch)
        execution_set_guest(g->execution, g->uid, g->gid);
    if (!g->by_unit) {
        g->unit = GUEST_UNIT_ASKED;
        int r = launcher_start(g->engine->launcher, LAUNCHER_GUEST, g->name, on_start_asked, g);
        if (r < 0)
            on_start_asked(r, NULL, g);
    }
}
