/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <string.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/core/host/cpu-list.h"
#include "fake-launcher.h"

/* A guest, as the launcher knows it. */
typedef struct Instance {
    unsigned starts, stops;
    int signo;
    pid_t pid; /* to be found; 0: none */
    LauncherExited exited;
    void *watcher;
} Instance;

/* One of the host's. */
typedef struct Unit {
    const char *state;
    bool transient, stubborn;
} Unit;

/* What is still to be told. */
typedef struct Call {
    Launcher *launcher;
    char *instance;
    LauncherDone done;
    LauncherFound found;
    LauncherExited exited;
    LauncherFailed failed;
    LauncherUnitSeen seen;
    LauncherSliceSeen slice_seen;
    int error;
    char *message;
    LauncherExit exit;
    pid_t pid;
    void *userdata;
    sd_event_source *turn;
} Call;

struct Launcher {
    sd_event *event;
    FakeHost *host;
    GHashTable *instances; /* name → Instance, owned */
    GHashTable *units;     /* name → Unit, owned */
    GPtrArray *calls;      /* of Call, owned */
    LauncherFailed failed;
    void *failed_userdata;
    LauncherFailed given_up;
    void *given_up_userdata;
    bool late;
    int refusal;
    char *refusal_message;
    bool fails_when_killed;
    bool modules_broken, modules_hang;
    const char *cpus; /* that anything without a limit runs on */
};

DEFINE_ELEMENT_FREE(Call, call_free, call)
{
    sd_event_source_disable_unref(call->turn);
    g_free(call->instance);
    g_free(call->message);
}

Launcher *fake_launcher_new(sd_event *event, FakeHost *host)
{
    Launcher *launcher = g_new0(Launcher, 1);

    launcher->event = event;
    launcher->host = host;
    launcher->cpus = "0-7";
    launcher->instances = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    launcher->units = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    launcher->calls = g_ptr_array_new_with_free_func(call_free);
    return launcher;
}

DEFINE_FREE(Launcher, launcher_free, launcher)
{
    g_ptr_array_unref(launcher->calls);
    g_hash_table_unref(launcher->instances);
    g_hash_table_unref(launcher->units);
    g_free(launcher->refusal_message);
}

static Instance *instance_of(const Launcher *launcher, const char *name)
{
    Instance *instance = g_hash_table_lookup(launcher->instances, name);

    if (!instance) {
        instance = g_new0(Instance, 1);
        g_hash_table_insert(launcher->instances, g_strdup(name), instance);
    }
    return instance;
}

static int on_call(sd_event_source *source, void *userdata)
{
    Call *call = userdata;
    unsigned i;

    ck_assert(g_ptr_array_find(call->launcher->calls, call, &i));
    g_ptr_array_steal_index(call->launcher->calls, i);
    if (call->seen) {
        const Unit *unit = g_hash_table_lookup(call->launcher->units, call->instance);
        const LauncherUnit seen = {
            .loaded = unit, .transient = unit && unit->transient, .state = unit ? unit->state : "inactive"};
        call->seen(0, &seen, call->userdata);
    }
    if (call->slice_seen) {
        g_autofree char *allowed = fake_host_allowed_cpus(call->launcher->host, call->instance);
        call->slice_seen(0, allowed, *allowed ? allowed : call->launcher->cpus, call->userdata);
    }
    if (call->done)
        call->done(call->error, call->message, call->userdata);
    if (call->found)
        call->found(call->pid, call->userdata);
    if (call->exited)
        call->exited(&call->exit, call->userdata);
    if (call->failed)
        call->failed(call->instance, call->message, call->userdata);
    call_free(call);
    return 0;
}

static Call *tell(Launcher *launcher, const char *instance, void *userdata)
{
    Call *call = g_new0(Call, 1);

    call->launcher = launcher;
    call->instance = g_strdup(instance);
    call->userdata = userdata;
    g_ptr_array_add(launcher->calls, call);
    if (!launcher->late)
        ck_assert_int_ge(sd_event_add_defer(launcher->event, &call->turn, on_call, call), 0);
    return call;
}

const char *launcher_name(const Launcher *launcher)
{
    return "systemd";
}

char *launcher_unit(const Launcher *launcher, LauncherKind kind, const char *instance)
{
    return g_strdup_printf("usher-%s@%s.service", kind == LAUNCHER_GUEST ? "guest" : "bind", instance);
}

void launcher_on_failed(Launcher *launcher, LauncherKind kind, LauncherFailed failed, void *userdata)
{
    launcher->failed = failed;
    launcher->failed_userdata = userdata;
}

void launcher_on_given_up(Launcher *launcher, LauncherFailed given_up, void *userdata)
{
    launcher->given_up = given_up;
    launcher->given_up_userdata = userdata;
}

int launcher_start(Launcher *launcher, LauncherKind kind, const char *instance, LauncherDone done,
                   void *userdata)
{
    instance_of(launcher, instance)->starts++;
    Call *call = tell(launcher, instance, userdata);
    call->done = done;
    call->error = launcher->refusal;
    call->message = g_strdup(launcher->refusal_message);
    return 0;
}

int launcher_stop(Launcher *launcher, LauncherKind kind, const char *instance, LauncherDone done,
                  void *userdata)
{
    instance_of(launcher, instance)->stops++;
    if (done)
        tell(launcher, instance, userdata)->done = done;
    return 0;
}

static void tell_exit(Launcher *launcher, const char *name, const LauncherExit *exit)
{
    Instance *instance = instance_of(launcher, name);

    ck_assert_msg(instance->exited, "nobody watches %s", name);
    Call *call = tell(launcher, name, instance->watcher);
    call->exited = instance->exited;
    call->exit = *exit;
    instance->exited = NULL;
    instance->pid = 0;
}

int launcher_kill(Launcher *launcher, LauncherKind kind, const char *name, int signo)
{
    Instance *instance = instance_of(launcher, name);

    instance->signo = signo;
    if (signo == SIGKILL && instance->exited)
        tell_exit(launcher, name, &(LauncherExit){.known = true, .by_signal = true, .status = SIGKILL});
    else if (launcher->fails_when_killed)
        fake_launcher_fail(launcher, name, "its main process was killed by signal 9");
    return 0;
}

int launcher_watch(Launcher *launcher, LauncherKind kind, const char *name, pid_t pid, LauncherExited exited,
                   void *userdata)
{
    Instance *instance = instance_of(launcher, name);

    instance->exited = exited;
    instance->watcher = userdata;
    return 0;
}

void launcher_unwatch(Launcher *launcher, LauncherKind kind, const char *name)
{
    instance_of(launcher, name)->exited = NULL;
}

int launcher_find(Launcher *launcher, LauncherKind kind, const char *name, pid_t pid_hint,
                  uint64_t start_time_hint, LauncherFound found, void *userdata)
{
    Call *call = tell(launcher, name, userdata);

    call->found = found;
    call->pid = instance_of(launcher, name)->pid;
    return 0;
}

int launcher_start_time(pid_t pid, uint64_t *ret)
{
    *ret = 4711;
    return 0;
}

int launcher_load_module(Launcher *launcher, const char *module, LauncherDone done, void *userdata)
{
    ck_assert_str_eq(module, "vfio_pci");
    if (launcher->modules_hang)
        return 0;
    if (!launcher->modules_broken)
        fake_host_load_vfio_pci(launcher->host);
    tell(launcher, module, userdata)->done = done;
    return 0;
}

int launcher_unit_look(Launcher *launcher, const char *unit, LauncherUnitSeen seen, void *userdata)
{
    tell(launcher, unit, userdata)->seen = seen;
    return 0;
}

int launcher_unit_set(Launcher *launcher, const char *name, bool active, LauncherDone done, void *userdata)
{
    Unit *unit = g_hash_table_lookup(launcher->units, name);

    if (unit && !unit->stubborn)
        unit->state = active ? "active" : "inactive";
    tell(launcher, name, userdata)->done = done;
    return 0;
}

int launcher_slice_look(Launcher *launcher, const char *unit, LauncherSliceSeen seen, void *userdata)
{
    tell(launcher, unit, userdata)->slice_seen = seen;
    return 0;
}

int launcher_slice_set(Launcher *launcher, const char *unit, const GArray *cpus, LauncherDone done,
                       void *userdata)
{
    g_autofree char *text = cpu_set_to_text(cpus);
    Call *call = tell(launcher, unit, userdata);

    call->done = done;
    call->error = fake_host_allow_cpus(launcher->host, unit, text);
    return 0;
}

void launcher_forget(Launcher *launcher, const void *userdata)
{
    GHashTableIter iter;
    Instance *instance;

    for (unsigned i = launcher->calls->len; i-- > 0;)
        if (((const Call *)g_ptr_array_index(launcher->calls, i))->userdata == userdata)
            g_ptr_array_remove_index(launcher->calls, i);
    g_hash_table_iter_init(&iter, launcher->instances);
    while (g_hash_table_iter_next(&iter, NULL, (void **)&instance))
        if (instance->watcher == userdata)
            instance->exited = NULL;
}

/* For the test. */

void fake_launcher_be_late(Launcher *launcher)
{
    launcher->late = true;
}

static Call *copy_call(const Call *call)
{
    Call *copy = g_memdup2(call, sizeof(Call));

    copy->instance = g_strdup(call->instance);
    copy->message = g_strdup(call->message);
    return copy;
}

void fake_launcher_answer(Launcher *launcher, unsigned times)
{
    unsigned n = launcher->calls->len;

    launcher->late = false;
    for (unsigned i = 0; i < n; i++) {
        Call *call = g_ptr_array_index(launcher->calls, i);
        if (call->turn)
            continue;
        for (unsigned j = 1; j < times; j++) {
            Call *again = copy_call(call);
            g_ptr_array_add(launcher->calls, again);
            ck_assert_int_ge(sd_event_add_defer(launcher->event, &again->turn, on_call, again), 0);
        }
        ck_assert_int_ge(sd_event_add_defer(launcher->event, &call->turn, on_call, call), 0);
    }
}

unsigned fake_launcher_starts(const Launcher *launcher, const char *guest)
{
    return instance_of(launcher, guest)->starts;
}

unsigned fake_launcher_stops(const Launcher *launcher, const char *guest)
{
    return instance_of(launcher, guest)->stops;
}

int fake_launcher_signal(const Launcher *launcher, const char *guest)
{
    return instance_of(launcher, guest)->signo;
}

void fake_launcher_refuse(Launcher *launcher, int error, const char *message)
{
    launcher->refusal = error;
    g_free(launcher->refusal_message);
    launcher->refusal_message = g_strdup(message);
}

void fake_launcher_fail(Launcher *launcher, const char *guest, const char *message)
{
    Call *call = tell(launcher, guest, launcher->failed_userdata);

    call->failed = launcher->failed;
    call->message = g_strdup(message);
}

void fake_launcher_fail_when_killed(Launcher *launcher)
{
    launcher->fails_when_killed = true;
}

void fake_launcher_exit(Launcher *launcher, const char *guest, const LauncherExit *exit)
{
    tell_exit(launcher, guest, exit);
}

bool fake_launcher_watches(const Launcher *launcher, const char *guest)
{
    return instance_of(launcher, guest)->exited != NULL;
}

void fake_launcher_found(Launcher *launcher, const char *guest, pid_t pid)
{
    instance_of(launcher, guest)->pid = pid;
}

void fake_launcher_break_modules(Launcher *launcher, bool hang)
{
    launcher->modules_broken = true;
    launcher->modules_hang = hang;
}

void fake_launcher_unit(Launcher *launcher, const char *name, const char *state, bool transient,
                        bool stubborn)
{
    Unit *unit = g_new(Unit, 1);

    *unit = (Unit){state, transient, stubborn};
    g_hash_table_insert(launcher->units, g_strdup(name), unit);
}

const char *fake_launcher_unit_state(const Launcher *launcher, const char *name)
{
    return ((const Unit *)g_hash_table_lookup(launcher->units, name))->state;
}
