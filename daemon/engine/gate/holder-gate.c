/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "holder-gate.h"

#include "../../base/cleanup.h"
#include "../../edge/helper/unit-step.h"

struct HolderGate {
    Engine *engine;
    Plan *plan;
    HolderGateAnswered answered;
    void *userdata;
    HolderLook *look;
    GPtrArray *stop; /* of char*: units to be stopped, the first `asked` of which are fit for it */
    unsigned asked;
};

static void ask_next(HolderGate *gate);

static void refuse(HolderGate *gate, Fault *fault)
{
    _cleanup_fault_ Fault *owned = fault;

    gate->answered(owned, gate->userdata);
}

/* A unit that cannot be started again as it was is not stopped. */
static void on_unit(int error, const LauncherUnit *unit, void *userdata)
{
    HolderGate *gate = userdata;
    const char *name = g_ptr_array_index(gate->stop, gate->asked);
    g_autofree char *remedy = g_strdup_printf("stop it yourself: systemctl stop %s", name);

    if (error < 0)
        refuse(gate,
               fault_new(FAULT_FAILED, remedy, "cannot ask systemd for %s: %s", name, g_strerror(-error)));
    else if (!unit->loaded || unit->transient)
        refuse(gate,
               fault_new(FAULT_IN_USE, remedy,
                         "%s has no unit file (systemd-run?), so systemd could not start it again", name));
    else if (g_strcmp0(unit_step_live(unit), "active") != 0)
        refuse(gate, fault_new(FAULT_IN_USE, "try again when it has started or stopped", "%s is %s just now",
                               name, unit->state));
    else {
        gate->asked++;
        ask_next(gate);
    }
}

static void ask_next(HolderGate *gate)
{
    if (gate->asked == gate->stop->len) {
        if (gate->plan->making > 0)
            gate->plan->making += gate->stop->len;
        for (unsigned i = gate->stop->len; i > 0; i--)
            g_ptr_array_insert(
                gate->plan->steps, 0,
                step_new(STEP_UNIT, g_ptr_array_index(gate->stop, i - 1), "active", "inactive"));
        gate->answered(NULL, gate->userdata);
        return;
    }
    const char *name = g_ptr_array_index(gate->stop, gate->asked);
    if (launcher_unit_look(gate->engine->launcher, name, on_unit, gate) < 0)
        refuse(gate, fault_new(FAULT_IN_USE, "stop it by hand",
                               "%s cannot be stopped by usherd, which runs without systemd", name));
}

static void on_looked(const GPtrArray *holders, const Fault *look_fault, void *userdata)
{
    HolderGate *gate = userdata;
    Fault *fault = fault_copy(look_fault);

    gate->look = holder_look_free(gate->look);
    if (fault || holders_judge(holders, gate->plan->may_stop, &gate->stop, &fault) != 0)
        refuse(gate, fault);
    else
        ask_next(gate);
}

HolderGate *holder_gate_new(Engine *engine, Plan *plan, bool claim, HolderGateAnswered answered,
                            void *userdata)
{
    HolderGate *gate = g_new0(HolderGate, 1);
    g_autoptr(GPtrArray) leaving = plan_leaving(plan);

    *gate = (HolderGate){.engine = engine, .plan = plan, .answered = answered, .userdata = userdata};
    gate->look = holder_look_new(engine, leaving, claim, on_looked, gate);
    return gate;
}

DEFINE_FREE(HolderGate, holder_gate_free, gate)
{
    launcher_forget(gate->engine->launcher, gate);
    holder_look_free(gate->look);
    if (gate->stop)
        g_ptr_array_unref(gate->stop);
}
