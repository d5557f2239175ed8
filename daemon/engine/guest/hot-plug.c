/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hands host devices that a guest gets while it runs to the parts that give them, and takes up what those
 * parts report. */
#include "../../core/definition/definition.h"
#include "private.h"

/* The guest runs or is paused, and QEMU accepts commands. */
static bool is_usable(const Guest *g)
{
    return (g->state == GUEST_RUNNING || g->state == GUEST_PAUSED) && qemu_link_hears(g->run->link) &&
           !qemu_link_ending(g->run->link);
}

static Qmp *usable_qmp(void *userdata)
{
    const Guest *g = userdata;

    return is_usable(g) ? qemu_link_qmp(g->run->link) : NULL;
}

static void on_changed(void *userdata)
{
    guest_announce(userdata);
}

static void on_ended(void *userdata)
{
    guest_ended(userdata);
}

void guest_sync_inputs(Guest *g)
{
    static const InputsHandler handler = {usable_qmp, on_ended};
    Run *run = g->run;

    if (!is_usable(g) || !run->journal || !run->definition)
        return;
    if (!run->inputs)
        run->inputs = inputs_new(&(InputsSetup){.engine = g->engine,
                                                .guest = g->name,
                                                .wishes = run->definition->inputs,
                                                .journal = run->journal,
                                                .uid = run->process.uid,
                                                .gid = run->process.gid,
                                                .adopted = run->adopted},
                                 &handler, g);
    inputs_sync(run->inputs);
}

/* NULL: the guest has none. */
static Usbs *usbs_of(Guest *g)
{
    static const UsbsHandler handler = {usable_qmp, on_changed, on_ended};
    Run *run = g->run;

    if (run && !run->usbs && run->journal && run->definition)
        run->usbs = usbs_new(&(UsbsSetup){.engine = g->engine,
                                          .guest = g->name,
                                          .wishes = run->definition->usbs,
                                          .journal = run->journal,
                                          .folder_fd = g->folder_fd},
                             &handler, g);
    return run ? run->usbs : NULL;
}

void guest_recall_usbs(Guest *g)
{
    Usbs *usbs = usbs_of(g);

    if (usbs)
        usbs_recall(usbs);
}

void guest_sync_usbs(Guest *g)
{
    Usbs *usbs = usbs_of(g);

    if (usbs)
        usbs_sync(usbs);
}

void guest_retry_usbs(Guest *g)
{
    Usbs *usbs = usbs_of(g);

    if (usbs)
        usbs_retry(usbs);
}

GPtrArray *guest_usb_words(const Guest *g)
{
    return g->run && g->run->process.watched && g->run->usbs ? usbs_words(g->run->usbs) : g_ptr_array_new();
}

/* PCI devices. */

static int on_plan_rest(const DefinitionPci *section, Plan **ret, Fault **ret_fault, void *userdata)
{
    Guest *g = userdata;

    return g->handler->plan_rest(g, g->run->definition, section, ret, ret_fault, g->userdata);
}

static void on_list(void *userdata)
{
    const Guest *g = userdata;

    plugs_list(g->run->plugs, g->addresses);
}

static void on_settled(void *userdata)
{
    Guest *g = userdata;

    if (g->handler->devices)
        g->handler->devices(g, g->userdata);
    guest_announce(g);
    sleeper_sync_soon(g->run->sleeper);
}

const PlugsHandler guest_plugs_handler = {usable_qmp, on_plan_rest, on_list,
                                          on_settled, on_ended,     guest_on_unstuck};

int guest_check_pluggable(const Guest *g, Fault **ret_fault)
{
    if (!guest_state_live(g->state) || g->state == GUEST_STOPPING || g->state == GUEST_STARTING ||
        g->run->recovering)
        return guest_raise_not_running(g, ret_fault);
    if (!is_usable(g))
        return qemu_link_raise_silent(g->run->link, ret_fault);
    return plugs_check(g->run->plugs, ret_fault);
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
    return plugs_check_attach(g->run->plugs, plan, ret_fault);
}

void guest_attach(Guest *g, Plan *plan, const char *address, Job *job)
{
    plugs_attach(g->run->plugs, g->run->definition, plan, address, job, g->run->process.uid,
                 g->run->process.gid);
}

int guest_check_detach(const Guest *g, const char *address, Fault **ret_fault)
{
    g_autofree char *resume = g_strdup_printf("resume the guest first: usherctl resume %s", g->name);

    if (g->state == GUEST_PAUSED && plugs_has(g->run->plugs, address))
        return fault_raise(ret_fault, FAULT_REFUSED, resume,
                           "guest %s is paused, and cannot release a device", g->name);
    return plugs_check_detach(g->run->plugs, address, ret_fault);
}

int guest_detach(Guest *g, const char *address, Job *job)
{
    return plugs_detach(g->run->plugs, address, job);
}

GPtrArray *guest_plan_detach(const Guest *g, const char *address)
{
    return plugs_plan_detach(g->run->plugs, address);
}
