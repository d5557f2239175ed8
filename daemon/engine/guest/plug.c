/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Gives a running guest a device of the host: looks for the device's holders, takes its steps into the
 * guest's own journal, and tells QEMU to take it. Function 0 comes last, as the guest's system hears of the
 * device with that one (pcie_cap_slot_plug_cb() in QEMU). */
#include <errno.h>

#include "../../core/definition/pci.h"
#include "../../base/log.h"
#include "../../core/qemu/pci.h"
#include "fd-set.h"
#include "plugs-private.h"
#include "qmp-fault.h"

/* With the first device all of the guest's memory is pinned, page by page, and QEMU does nothing else
 * meanwhile. */
#define PIN_USEC (120 * G_USEC_PER_SEC)

static PlanDevice *planned(const Plugging *p)
{
    return g_ptr_array_index(p->plan->devices, 0);
}

static const char *function_address(const Plugging *p)
{
    static PciAddressText text;

    text = pci_address_to_text(g_array_index(planned(p)->functions, PciAddress, p->function));
    return text.text;
}

static void plug_function(Plugs *all, Qmp *qmp);

static void on_plugged(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Plugs *all = userdata;
    Plugging *p = all->current;

    if (error < 0 && error != -EREMOTEIO) {
        plugging_end_unknown(all, error);
        return;
    }
    p->told = false;
    if (error == -EREMOTEIO) {
        plugging_note_fault(p, fault_new(FAULT_GUEST_FAILED, "see also: usherctl status, journalctl -k",
                                         "QEMU of guest %s does not take %s: %s", all->guest,
                                         function_address(p), message));
        if (planned(p)->iommufd)
            plugging_drop_node(qmp);
        /* Those that it took before. */
        plugging_let_go(all, qmp);
        return;
    }
    g_free(p->slot->functions[p->function]);
    p->slot->functions[p->function] = g_strdup(function_address(p));
    if (p->function-- > 0) {
        plug_function(all, qmp);
        return;
    }
    p->slot->leaving = false;
    log_guest(LOG_INFO, all->guest, "has %s now", p->address);
    plugging_end(all);
}

static void add_function(Plugs *all, Qmp *qmp)
{
    Plugging *p = all->current;
    const char *node = planned(p)->iommufd ? PLUG_NODE_NAME : NULL;

    p->told = true;
    int r = qmp_command(qmp, "device_add",
                        qemu_pci_function(planned(p), p->slot->name, p->function, p->rom, node), PIN_USEC,
                        on_plugged, all);
    if (r < 0)
        plugging_end_unknown(all, r);
}

static void plug_function(Plugs *all, Qmp *qmp)
{
    if (planned(all->current)->iommufd)
        plug_node_give(all, function_address(all->current), add_function);
    else
        add_function(all, qmp);
}

static void plug_first(Plugs *all, Qmp *qmp)
{
    Plugging *p = all->current;

    p->function = planned(p)->functions->len - 1;
    if (planned(p)->iommufd)
        plug_node_prepare(all, qmp, plug_function);
    else
        plug_function(all, qmp);
}

static void on_rom(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Plugs *all = userdata;
    Plugging *p = all->current;
    struct json_object *fd = NULL;

    if (error < 0 || !json_object_object_get_ex(result, "fd", &fd)) {
        plugging_end_unknown(all, error);
        return;
    }
    p->rom_set = fd_set_of(result);
    p->rom = g_strdup_printf("/proc/self/fd/%d", json_object_get_int(fd));
    plug_first(all, qmp);
}

/* QEMU has just answered, so it carries out a command now, and not when its sender has long given up. */
static void on_awake(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Plugs *all = userdata;
    Plugging *p = all->current;

    if (error < 0) {
        plugging_end_unknown(all, error);
        return;
    }
    if (!p->files) {
        plug_first(all, qmp);
        return;
    }
    int fd = file_gate_dup(p->files, FILE_KIND_FILE, planned(p)->wish->rom);
    int r = fd < 0 ? fd : fd_set_add(qmp, fd, on_rom, all);
    p->files = file_gate_free(p->files);
    if (r < 0)
        plugging_end_unknown(all, r);
}

static void take_steps(Plugs *all);

/* The devices that were expected are there; the rest of the plan starts from what they have become. */
static int plan_anew(Plugs *all)
{
    Plugging *p = all->current;
    Fault *fault = NULL;
    Plan *rest;

    int r = all->handler->plan_rest(planned(p)->wish, &rest, &fault, all->userdata);
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
    Plugs *all = userdata;
    Plugging *p = all->current;

    if (fault)
        plugging_note_fault(p, fault_copy(fault));
    p->execution = execution_free(execution);
    if (!p->fault && p->plan->making > 0 && plan_anew(all) == 0) {
        take_steps(all);
        return;
    }
    Qmp *qmp = all->handler->qmp(all->userdata);
    if (!p->fault && !(qmp && slots_known(all->slots) && (p->slot = slots_for(all->slots, planned(p)))))
        plugging_note_fault(p, qmp_fault(all->guest, -ETIMEDOUT, NULL));
    /* The whole journal is undone at the guest's end. */
    if (all->end_owed)
        plugging_end(all);
    else if (p->fault)
        plugging_give_back(all);
    else if (qmp_command(qmp, "query-status", NULL, PLUG_ANSWER_USEC, on_awake, all) < 0)
        plugging_end_unknown(all, -ENOTCONN);
}

static void take_steps(Plugs *all)
{
    static const ExecutionHandler handler = {.progress = plugging_on_progress, .ended = on_steps};
    Plugging *p = all->current;
    g_autoptr(GPtrArray) steps = plan_due(p->plan);

    p->execution = execution_run(all->engine, all->journal, steps, &handler, all);
    execution_set_guest(p->execution, p->uid, p->gid);
    execution_set_unstuck(p->execution, all->handler->unstuck, all->userdata);
}

static void on_gate(const Fault *fault, void *userdata)
{
    Plugs *all = userdata;
    Plugging *p = all->current;

    if (fault)
        plugging_note_fault(p, fault_copy(fault));
    p->gate = holder_gate_free(p->gate);
    if (p->fault)
        plugging_end(all);
    else
        take_steps(all);
}

/* The host stays untouched until everything is known to be there. */
static void look_for_holders(Plugs *all)
{
    Plugging *p = all->current;
    g_autoptr(GPtrArray) leaving = plan_leaving(p->plan);

    if (leaving->len == 0) {
        take_steps(all);
        return;
    }
    job_progress(p->job, HOLDER_LOOK_WORDS, 0, p->plan->steps->len);
    p->gate = holder_gate_new(all->engine, p->plan, true, on_gate, all);
}

static void on_files(const Fault *fault, void *userdata)
{
    Plugs *all = userdata;
    Plugging *p = all->current;

    if (fault) {
        plugging_note_fault(p, fault_copy(fault));
        plugging_end(all);
        return;
    }
    look_for_holders(all);
}

static int refuse_without_port(const Plugs *all, Fault **ret_fault)
{
    unsigned n = slots_spare(all->slots);
    g_autofree char *remedy = g_strdup_printf("detach a device, or give the guest more ports for its next "
                                              "start: usherctl edit %s, [Guest] SparePorts=",
                                              all->guest);

    if (n == 0)
        return fault_raise(ret_fault, FAULT_REFUSED, remedy,
                           "guest %s has no spare port: nothing can be plugged in while it runs", all->guest);
    return fault_raise(ret_fault, FAULT_REFUSED, remedy, "guest %s has %u spare port%s, and all are in use",
                       all->guest, n, n == 1 ? "" : "s");
}

int plugs_check_attach(const Plugs *all, const Plan *plan, Fault **ret_fault)
{
    const PlanDevice *device = g_ptr_array_index(plan->devices, 0);

    for (unsigned i = 0; i < device->functions->len; i++) {
        const char *address = PCI_ADDRESS_STR(g_array_index(device->functions, PciAddress, i));
        if (slots_of(all->slots, address))
            return fault_raise(ret_fault, FAULT_IN_USE, NULL, "guest %s has %s already", all->guest, address);
    }
    return slots_for(all->slots, device) ? 0 : refuse_without_port(all, ret_fault);
}

void plugs_attach(Plugs *all, const GuestDefinition *definition, Plan *plan, const char *address, Job *job,
                  uid_t uid, gid_t gid)
{
    const DefinitionPci *wish = ((const PlanDevice *)g_ptr_array_index(plan->devices, 0))->wish;
    Plugging *p = plugging_new(all, job, address);

    p->plan = plan;
    p->uid = uid;
    p->gid = gid;
    /* Steps of this device that could not be undone before are tried again after this time. */
    for (unsigned i = 0; all->left && i < plan->steps->len; i++)
        g_hash_table_remove(all->left, ((const Step *)g_ptr_array_index(plan->steps, i))->subject);
    if (!wish || !wish->rom) {
        look_for_holders(all);
        return;
    }
    p->files =
        file_gate_new(all->engine, definition, file_wishes_of_pci(wish), FILE_GATE_START, on_files, all);
}
