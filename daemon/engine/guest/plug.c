/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device of the host for a guest that runs: its holders are looked for, its steps are taken into the
 * guest's own journal, and QEMU is told to take it, function 0 last, as that is what the guest's system is
 * told of (pcie_cap_slot_plug_cb() in QEMU). */
#include <unistd.h>

#include "../../base/cleanup.h"
#include "../../base/log.h"
#include "../../core/qemu/pci.h"
#include "../../edge/host-services/clock.h"
#include "plug-private.h"

/* With the first one all of the guest's memory is pinned, page by page, and QEMU does nothing else meanwhile.
 */
#define PIN_USEC (120 * G_USEC_PER_SEC)

GuestPlugging *plugging_new(Guest *g, Job *job, const char *address)
{
    GuestPlugging *p = g_new0(GuestPlugging, 1);

    p->job = job;
    p->address = g_strdup(address);
    p->rom_fd = p->rom_set = -1;
    g->run->plugging = p;
    return p;
}

static void plugging_free(GuestPlugging *p)
{
    sd_event_source_disable_unref(p->deadline);
    opener_free(p->opener);
    holder_gate_free(p->gate);
    execution_free(p->execution);
    plan_free(p->plan);
    close_fd(p->rom_fd);
    g_clear_pointer(&p->subjects, g_hash_table_destroy);
    fault_free(p->fault);
    g_free(p->rom);
    g_free(p->address);
    g_free(p);
}

void guest_forget_plugging(Guest *g)
{
    g_clear_pointer(&g->run->plugging, plugging_free);
    g_clear_pointer(&g->run->left, g_hash_table_destroy);
    g->run->tidy_owed = false;
    guest_forget_slots(g);
}

bool guest_plugging_in(const Guest *g)
{
    return g->run->plugging && g->run->plugging->told;
}

void plugging_note_fault(GuestPlugging *p, Fault *fault)
{
    if (p->fault)
        fault_free(fault);
    else
        p->fault = fault;
}

static void remove_rom(Guest *g)
{
    GuestPlugging *p = g->run->plugging;

    if (p->rom_set < 0 || !g->run->qmp)
        return;
    struct json_object *arguments = json_object_new_object();
    json_object_object_add(arguments, "fdset-id", json_object_new_int(p->rom_set));
    qmp_command(g->run->qmp, "remove-fd", arguments, 0, NULL, NULL);
}

void plugging_end(Guest *g)
{
    GuestPlugging *p = g->run->plugging;

    remove_rom(g);
    g->run->plugging = NULL;
    if (g->run->slots)
        guest_show_slots(g);
    if (p->fault)
        log_guest(LOG_ERR, g->name, "%s%s%s", p->fault->message, p->fault->remedy ? "; " : "",
                  p->fault->remedy ?: "");
    if (g->handler->devices)
        g->handler->devices(g, g->userdata);
    guest_announce(g);
    sleeper_sync_soon(g->run->sleeper);
    job_end(p->job, p->fault);
    plugging_free(p);
    if (g->run->end_owed) {
        g->run->end_owed = false;
        guest_ended(g);
    } else if (g->run->tidy_owed) {
        guest_tidy(g);
    }
}

void plugging_end_unknown(Guest *g, int error)
{
    Fault *fault = NULL;

    g->run->plugging->told = false;
    if (error == -ETIMEDOUT)
        guest_go_silent(g);
    guest_forget_slots(g);
    guest_raise_unresponsive(g, &fault);
    plugging_note_fault(g->run->plugging, fault);
    plugging_end(g);
}

void guest_lose_plugging(Guest *g)
{
    if (g->run->plugging && g->run->plugging->slot)
        plugging_end_unknown(g, -ECONNRESET);
    guest_forget_slots(g);
}

bool guest_end_plugging(Guest *g)
{
    GuestPlugging *p = g->run->plugging;

    g->run->tidy_owed = false;
    if (!p)
        return true;
    plugging_note_fault(p, fault_new(FAULT_NOT_RUNNING, NULL, "guest %s ended", g->name));
    if (p->execution) {
        g->run->end_owed = true;
        execution_stop(p->execution, NULL);
        return false;
    }
    plugging_end(g);
    return true;
}

static PlanDevice *planned(const GuestPlugging *p)
{
    return g_ptr_array_index(p->plan->devices, 0);
}

static const char *function_address(const GuestPlugging *p)
{
    static PciAddressText text;

    text = pci_address_to_text(g_array_index(planned(p)->functions, PciAddress, p->function));
    return text.text;
}

static void plug_function(Guest *g);

static void on_plugged(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;
    GuestPlugging *p = g->run->plugging;

    if (error < 0 && error != -EREMOTEIO) {
        plugging_end_unknown(g, error);
        return;
    }
    p->told = false;
    if (error == -EREMOTEIO) {
        plugging_note_fault(p, fault_new(FAULT_GUEST_FAILED, "see also: usherctl status, journalctl -k",
                                         "QEMU of guest %s does not take %s: %s", g->name,
                                         function_address(p), message));
        /* Those that it took before. */
        plugging_let_go(g);
        return;
    }
    g_free(p->slot->functions[p->function]);
    p->slot->functions[p->function] = g_strdup(function_address(p));
    if (p->function-- > 0) {
        plug_function(g);
        return;
    }
    p->slot->leaving = false;
    log_guest(LOG_INFO, g->name, "has %s now", p->address);
    plugging_end(g);
}

static void plug_function(Guest *g)
{
    GuestPlugging *p = g->run->plugging;

    p->told = true;
    int r = qmp_command(g->run->qmp, "device_add",
                        qemu_pci_function(planned(p), p->slot->name, p->function, p->rom), PIN_USEC,
                        on_plugged, g);
    if (r < 0)
        plugging_end_unknown(g, r);
}

static void on_rom(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;
    GuestPlugging *p = g->run->plugging;
    struct json_object *set = NULL, *fd = NULL;

    if (error < 0 || !json_object_object_get_ex(result, "fdset-id", &set) ||
        !json_object_object_get_ex(result, "fd", &fd)) {
        plugging_end_unknown(g, error);
        return;
    }
    p->rom_set = json_object_get_int(set);
    p->rom = g_strdup_printf("/proc/self/fd/%d", json_object_get_int(fd));
    plug_function(g);
}

/* QEMU answers: what it is told now it does now, and not when its sender has long given up. */
static void on_awake(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;
    GuestPlugging *p = g->run->plugging;

    if (error < 0) {
        plugging_end_unknown(g, error);
        return;
    }
    p->function = planned(p)->functions->len - 1;
    if (p->rom_fd < 0) {
        plug_function(g);
        return;
    }
    int r = qmp_command_with_fd(qmp, steal_fd(&p->rom_fd), "add-fd", NULL, PLUG_ANSWER_USEC, on_rom, g);
    if (r < 0)
        plugging_end_unknown(g, r);
}

static void take_steps(Guest *g);

/* What was expected is there: the rest is planned upon what it has become. */
static int plan_anew(Guest *g)
{
    GuestPlugging *p = g->run->plugging;
    Fault *fault = NULL;
    Plan *rest;

    int r = g->handler->plan_rest(g, g->run->definition, planned(p)->wish, &rest, &fault, g->userdata);
    if (r != 0) {
        plugging_note_fault(
            p, fault ?: fault_new(FAULT_FAILED, NULL, "cannot read the host's devices: %s", g_strerror(-r)));
        return r;
    }
    plan_free(p->plan);
    p->plan = rest;
    return 0;
}

static void on_steps(Execution *execution, const Fault *fault, void *userdata)
{
    Guest *g = userdata;
    GuestPlugging *p = g->run->plugging;

    if (fault)
        plugging_note_fault(p, fault_copy(fault));
    p->execution = execution_free(execution);
    if (!p->fault && p->plan->making > 0 && plan_anew(g) == 0) {
        take_steps(g);
        return;
    }
    if (!p->fault && !(guest_qmp_usable(g) && g->run->slots && (p->slot = guest_slot_for(g, planned(p))))) {
        Fault *lost = NULL;
        guest_raise_unresponsive(g, &lost);
        plugging_note_fault(p, lost);
    }
    /* At its end the whole journal is undone. */
    if (g->run->end_owed)
        plugging_end(g);
    else if (p->fault)
        plugging_give_back(g);
    else if (qmp_command(g->run->qmp, "query-status", NULL, PLUG_ANSWER_USEC, on_awake, g) < 0)
        plugging_end_unknown(g, -ENOTCONN);
}

static void on_progress(Execution *execution, const char *words, unsigned done, unsigned total,
                        void *userdata)
{
    Guest *g = userdata;

    job_progress(g->run->plugging->job, words, done, total);
}

static void take_steps(Guest *g)
{
    static const ExecutionHandler handler = {on_progress, on_steps, guest_on_unstuck};
    GuestPlugging *p = g->run->plugging;
    g_autoptr(GPtrArray) steps = plan_due(p->plan);

    p->execution = execution_run(g->engine, g->run->journal, steps, &handler, g);
    execution_set_guest(p->execution, g->run->uid, g->run->gid);
}

static void on_gate(const Fault *fault, void *userdata)
{
    Guest *g = userdata;
    GuestPlugging *p = g->run->plugging;

    if (fault)
        plugging_note_fault(p, fault_copy(fault));
    p->gate = holder_gate_free(p->gate);
    if (p->fault)
        plugging_end(g);
    else
        take_steps(g);
}

/* Nothing is touched before it is known that all is there. */
static void look_for_holders(Guest *g)
{
    GuestPlugging *p = g->run->plugging;
    g_autoptr(GPtrArray) leaving = plan_leaving(p->plan);

    if (leaving->len == 0) {
        take_steps(g);
        return;
    }
    job_progress(p->job, HOLDER_LOOK_WORDS, 0, p->plan->steps->len);
    p->gate = holder_gate_new(g->engine, p->plan, true, on_gate, g);
}

static Fault *rom_fault(const Guest *g, int error)
{
    const DefinitionPci *wish = planned(g->run->plugging)->wish;
    g_autofree char *what = g_strdup_printf("[PCI %s] ROM=%s", wish->name, wish->rom);

    return opener_fault(g->run->plugging->opener, error, g->name, what)
               ?: fault_new(FAULT_MISSING_FILE, "put it there, or correct ROM= in its definition",
                            "guest %s: %s: %s", g->name, what, g_strerror(-error));
}

static void on_rom_opened(int error, int *fd, void *userdata)
{
    Guest *g = userdata;
    GuestPlugging *p = g->run->plugging;

    if (error < 0) {
        plugging_note_fault(p, rom_fault(g, error));
        plugging_end(g);
        return;
    }
    p->opener = opener_free(p->opener);
    p->rom_fd = steal_fd(fd);
    look_for_holders(g);
}

static int refuse_without_port(const Guest *g, Fault **ret_fault)
{
    unsigned n = guest_spare_slots(g);
    g_autofree char *remedy =
        g_strdup_printf("detach one, or give it more for its next start: usherctl edit %s, [Guest] "
                        "SparePorts=",
                        g->name);

    if (n == 0)
        return fault_raise(ret_fault, FAULT_REFUSED, remedy,
                           "guest %s has no spare port: nothing can be plugged in while it runs", g->name);
    return fault_raise(ret_fault, FAULT_REFUSED, remedy, "guest %s has %u spare port%s, and all are in use",
                       g->name, n, n == 1 ? "" : "s");
}

int guest_check_pluggable(const Guest *g, Fault **ret_fault)
{
    if (!guest_state_live(g->state) || g->state == GUEST_STOPPING || g->state == GUEST_STARTING ||
        g->run->recovering)
        return fault_raise(ret_fault, FAULT_NOT_RUNNING, NULL, "guest %s is %s", g->name,
                           guest_state_to_string(g->state));
    if (!guest_qmp_usable(g))
        return guest_raise_unresponsive(g, ret_fault);
    if (!g->run->slots)
        return fault_raise(ret_fault, FAULT_BUSY, "try again", "QEMU of guest %s is being asked what it has",
                           g->name);
    if (g->run->plugging)
        return fault_raise(ret_fault, FAULT_BUSY, "wait for it", "another device of guest %s is on its way",
                           g->name);
    return 0;
}

const DefinitionPci *guest_section(const Guest *g, PciAddress address)
{
    const GuestDefinition *definition = guest_definition(g);

    for (unsigned i = 0; definition && i < definition->pci->len; i++) {
        const DefinitionPci *section = g_ptr_array_index(definition->pci, i);
        if (definition_mediates(section))
            continue;
        bool named = section->functions == 0 || section->functions >> address.function & 1;
        if (section->virtual_functions > 0 ? pci_address_equal(section->address, address)
                                           : named && pci_address_same_slot(section->address, address))
            return section;
    }
    return NULL;
}

int guest_check_attach(const Guest *g, const Plan *plan, Fault **ret_fault)
{
    const PlanDevice *device = g_ptr_array_index(plan->devices, 0);

    for (unsigned i = 0; i < device->functions->len; i++) {
        const char *address = PCI_ADDRESS_STR(g_array_index(device->functions, PciAddress, i));
        if (guest_slot_of(g, address))
            return fault_raise(ret_fault, FAULT_IN_USE, NULL, "guest %s has %s already", g->name, address);
    }
    return guest_slot_for(g, device) ? 0 : refuse_without_port(g, ret_fault);
}

void guest_attach(Guest *g, Plan *plan, const char *address, Job *job)
{
    const DefinitionPci *wish = ((const PlanDevice *)g_ptr_array_index(plan->devices, 0))->wish;
    GuestPlugging *p = plugging_new(g, job, address);

    p->plan = plan;
    /* What of it could not be given back before is tried again after this time. */
    for (unsigned i = 0; g->run->left && i < plan->steps->len; i++)
        g_hash_table_remove(g->run->left, ((const Step *)g_ptr_array_index(plan->steps, i))->subject);
    if (!wish || !wish->rom) {
        look_for_holders(g);
        return;
    }
    p->opener = opener_new(g->engine, false);
    opener_open(p->opener, FILE_KIND_FILE, wish->rom, on_rom_opened, g);
}
