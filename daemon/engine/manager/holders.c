/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The manager's questions: who holds a device, and plans, which need to know that too. They are asked one at
 * a time, as each takes a usher-bind and a pass over all processes, and anybody may ask. */
#include "../gate/file-gate.h"
#include "../gate/holder-gate.h"
#include "private.h"

/* Each caller has a limit of his own (api/callers), and so has root. */
#define WAITING_MAX 256

struct ManagerQuestion {
    Manager *manager;
    bool claim;
    GPtrArray *addresses; /* of char*, owned: the one that is asked about; NULL with a plan */
    Plan *plan;
    GuestDefinition *definition; /* with the plan; NULL: nothing that it names is looked at */
    GPtrArray *files;            /* of FileWish: what of it is; NULL: the gate has them, or there are none */
    ManagerHeld held;            /* either of both */
    ManagerPlanned planned;
    void *userdata;
    HolderLook *look; /* both NULL: waits for its turn */
    HolderGate *gate;
    FileGate *file_gate;
};

static void ask_next(Manager *m);

void manager_question_free(ManagerQuestion *question)
{
    holder_look_free(question->look);
    holder_gate_free(question->gate);
    file_gate_free(question->file_gate);
    definition_free(question->definition);
    g_clear_pointer(&question->files, g_ptr_array_unref);
    g_clear_pointer(&question->addresses, g_ptr_array_unref);
    plan_free(question->plan);
    g_free(question);
}

/* Whether the snapshot tells this reason too: the look finds some of them again. */
static bool is_told(const HostDevice *device, const char *reason)
{
    g_auto(GStrv) reasons = g_strsplit(device && device->needed_for ? device->needed_for : "", ", ", -1);

    return g_strv_contains((const char *const *)reasons, reason);
}

/* Answers with the processes that hold the device, and with what the host itself needs it for. */
static void answer_held(const ManagerQuestion *question, const GPtrArray *holders, const Fault *fault)
{
    const char *text = g_ptr_array_index(question->addresses, 0);
    g_autoptr(GPtrArray) all = g_ptr_array_new();
    g_autoptr(Holder) needed = NULL;
    PciAddress address = {};

    if (!holders) {
        question->held(NULL, fault, question->userdata);
        return;
    }
    pci_address_from_string(text, &address);
    const HostDevice *device = host_find(manager_host(question->manager), address);
    if (device && device->needed_for) {
        needed = holder_new(HOLDER_HOST, text, device->needed_for, 0, NULL, NULL, NULL);
        g_ptr_array_add(all, needed);
    }
    for (unsigned i = 0; i < holders->len; i++) {
        Holder *holder = g_ptr_array_index(holders, i);
        if (holder->kind != HOLDER_HOST || !is_told(device, holder->what))
            g_ptr_array_add(all, holder);
    }
    question->held(all, NULL, question->userdata);
}

static void end(ManagerQuestion *question)
{
    Manager *m = question->manager;

    g_ptr_array_remove_index(m->questions, 0);
    ask_next(m);
}

static void on_looked(const GPtrArray *holders, const Fault *fault, void *userdata)
{
    answer_held(userdata, holders, fault);
    end(userdata);
}

/* "warning  CDROM install  …": what the guest would start without. */
static void show_absent(const ManagerQuestion *question, GPtrArray *shown)
{
    const GPtrArray *absent = question->file_gate ? file_gate_absent(question->file_gate) : NULL;

    for (unsigned i = 0; absent && i < absent->len; i++)
        g_ptr_array_add(shown, step_new(STEP_WARNING, g_ptr_array_index(absent, i), "",
                                        g_ptr_array_index(file_gate_lacks(question->file_gate), i)));
}

static void on_planned(const Fault *fault, void *userdata)
{
    ManagerQuestion *question = userdata;

    g_autoptr(GPtrArray) shown = fault ? NULL : plan_shown(question->plan);

    if (shown)
        show_absent(question, shown);
    question->planned(shown, fault, question->userdata);
    end(question);
}

static void on_gate(const Fault *fault, void *userdata)
{
    ManagerQuestion *question = userdata;

    if (fault || !question->files) {
        on_planned(fault, question);
        return;
    }
    question->file_gate =
        file_gate_new(question->manager->engine, question->definition, g_steal_pointer(&question->files),
                      question->claim ? FILE_GATE_LOOK : FILE_GATE_ASK, on_planned, question);
}

static void ask_next(Manager *m)
{
    ManagerQuestion *question = m->questions->len > 0 ? g_ptr_array_index(m->questions, 0) : NULL;

    if (!question || question->look || question->gate)
        return;
    if (question->plan)
        question->gate = holder_gate_new(m->engine, question->plan, question->claim, on_gate, question);
    else
        question->look =
            holder_look_new(m->engine, question->addresses, question->claim, on_looked, question);
}

/* Takes the parts of the question over. */
static int ask(Manager *m, const ManagerQuestion *parts, Fault **ret_fault)
{
    ManagerQuestion *question = g_new(ManagerQuestion, 1);

    *question = *parts;
    question->manager = m;
    if (m->questions->len >= WAITING_MAX) {
        manager_question_free(question);
        return fault_raise(ret_fault, FAULT_BUSY, "try again in a moment",
                           "%d questions about who uses devices are waiting already", WAITING_MAX);
    }
    g_ptr_array_add(m->questions, question);
    ask_next(m);
    return 0;
}

int manager_holders(Manager *m, PciAddress address, bool claim, ManagerHeld held, void *userdata,
                    Fault **ret_fault)
{
    ManagerQuestion parts = {.claim = claim, .held = held, .userdata = userdata};

    parts.addresses = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(parts.addresses, g_strdup(PCI_ADDRESS_STR(address)));
    return ask(m, &parts, ret_fault);
}

int manager_show_plan(Manager *m, Plan *plan, GuestDefinition *definition, GPtrArray *files, bool claim,
                      ManagerPlanned planned, void *userdata, Fault **ret_fault)
{
    const ManagerQuestion parts = {.claim = claim,
                                   .plan = plan,
                                   .definition = definition,
                                   .files = files,
                                   .planned = planned,
                                   .userdata = userdata};

    return ask(m, &parts, ret_fault);
}

void manager_forget(Manager *m, const void *userdata)
{
    qemu_probe_forget(m->engine->probe, userdata);
    for (unsigned i = 0; i < m->questions->len; i++) {
        const ManagerQuestion *question = g_ptr_array_index(m->questions, i);
        if (question->userdata != userdata)
            continue;
        g_ptr_array_remove_index(m->questions, i);
        ask_next(m);
        return;
    }
}

void manager_drop_questions(Manager *m)
{
    _cleanup_fault_ Fault *fault = fault_new(FAULT_FAILED, "ask again", "usherd is being stopped");

    for (unsigned i = 0; i < m->questions->len; i++) {
        const ManagerQuestion *question = g_ptr_array_index(m->questions, i);
        if (question->plan)
            question->planned(NULL, fault, question->userdata);
        else
            question->held(NULL, fault, question->userdata);
    }
    g_ptr_array_unref(m->questions);
}
