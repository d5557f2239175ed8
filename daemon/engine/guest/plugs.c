/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Takes a device from a running guest: the guest's system is asked to release the device, QEMU says when it
 * has (DEVICE_DELETED), and then the device's steps are undone. It does not matter who takes the device from
 * the guest. A device that is in the journal and that QEMU does not have belongs to the host, whether
 * somebody asked just now, or long ago, or the guest released the device by itself. */
#include "plugs.h"

#include "../../base/cleanup.h"
#include "../../base/log.h"
#include "../../edge/host-services/clock.h"
#include "../execution/undo.h"
#include "fd-set.h"
#include "give-back.h"
#include "plugs-private.h"
#include "qmp-fault.h"

static void on_found(void *userdata);
static void tidy(Plugs *all);

Plugs *plugs_new(Engine *engine, const char *guest, QemuLink *link, const PlugsHandler *handler,
                 void *userdata)
{
    Plugs *all = g_new0(Plugs, 1);

    *all = (Plugs){.engine = engine, .guest = guest, .link = link, .handler = handler, .userdata = userdata};
    all->slots = slots_new(link, on_found, all);
    return all;
}

static void plugging_free(Plugging *p)
{
    sd_event_source_disable_unref(p->deadline);
    file_gate_free(p->files);
    holder_gate_free(p->gate);
    execution_free(p->execution);
    opener_free(p->opener);
    plan_free(p->plan);
    g_clear_pointer(&p->subjects, g_hash_table_destroy);
    fault_free(p->fault);
    g_free(p->rom);
    g_free(p->address);
    g_free(p);
}

DEFINE_FREE(Plugs, plugs_free, all)
{
    g_clear_pointer(&all->current, plugging_free);
    g_clear_pointer(&all->left, g_hash_table_destroy);
    slots_free(all->slots);
}

void plugs_note(Plugs *all, const GuestDefinition *definition, const Plan *plan)
{
    slots_note(all->slots, definition, plan);
    all->handler->changed(all->userdata);
}

void plugs_set_journal(Plugs *all, Journal *journal)
{
    all->journal = journal;
}

void plugs_find(Plugs *all)
{
    Qmp *qmp = all->handler->qmp(all->userdata);

    if (qmp)
        slots_find(all->slots, qmp);
}

bool plugs_pin_memory(const Plugs *all)
{
    return all->current && all->current->told;
}

bool plugs_has(const Plugs *all, const char *address)
{
    return slots_of(all->slots, address);
}

/* Remembers devices that the guest has released and the host could not take back. */
static void list_left(const Plugs *all, GPtrArray *addresses)
{
    g_autoptr(GPtrArray) lent = all->left && all->journal ? undo_lent(all->journal) : NULL;

    for (unsigned i = 0; lent && i < lent->len; i++) {
        const char *address = g_ptr_array_index(lent, i);
        if (g_hash_table_contains(all->left, address) &&
            !g_ptr_array_find_with_equal_func(addresses, address, g_str_equal, NULL))
            g_ptr_array_add(addresses, g_strdup(address));
    }
}

void plugs_list(const Plugs *all, GPtrArray *addresses)
{
    if (!slots_known(all->slots))
        return;
    g_ptr_array_set_size(addresses, 0);
    for (unsigned i = 0; i < slots_count(all->slots); i++) {
        const Slot *slot = slots_at(all->slots, i);
        for (unsigned j = 0; j < SLOT_FUNCTIONS; j++)
            if (slot->functions[j])
                g_ptr_array_add(addresses, g_strdup(slot->functions[j]));
    }
    list_left(all, addresses);
}

/* One device that is being plugged in or unplugged. */

Plugging *plugging_new(Plugs *all, Job *job, const char *address)
{
    Plugging *p = g_new0(Plugging, 1);

    p->job = job;
    p->address = g_strdup(address);
    p->rom_set = FD_SET_NONE;
    all->current = p;
    return p;
}

void plugging_note_fault(Plugging *p, Fault *fault)
{
    if (p->fault)
        fault_free(fault);
    else
        p->fault = fault;
}

void plugging_on_progress(Execution *execution, const char *words, unsigned done, unsigned total,
                          void *userdata)
{
    const Plugs *all = userdata;

    job_progress(all->current->job, words, done, total);
}

static void remove_rom(const Plugs *all)
{
    fd_set_remove(all->handler->qmp(all->userdata), all->current->rom_set);
}

void plugging_end(Plugs *all)
{
    Plugging *p = all->current;

    remove_rom(all);
    all->current = NULL;
    all->handler->changed(all->userdata);
    if (p->fault)
        log_guest(LOG_ERR, all->guest, "%s%s%s", p->fault->message, p->fault->remedy ? "; " : "",
                  p->fault->remedy ?: "");
    all->handler->settled(all->userdata);
    job_end(p->job, p->fault);
    plugging_free(p);
    if (all->end_owed)
        all->handler->ended(all->userdata);
    else if (all->tidy_owed)
        tidy(all);
}

void plugging_end_unknown(Plugs *all, int error)
{
    all->current->told = false;
    if (error == -ETIMEDOUT)
        qemu_link_go_silent(all->link);
    slots_forget(all->slots);
    plugging_note_fault(all->current, qmp_fault(all->guest, -ETIMEDOUT, NULL));
    plugging_end(all);
}

void plugs_lose(Plugs *all)
{
    if (all->current && all->current->slot)
        plugging_end_unknown(all, -ECONNRESET);
    slots_forget(all->slots);
}

bool plugs_end(Plugs *all)
{
    Plugging *p = all->current;

    all->over = true;
    if (!p)
        return true;
    plugging_note_fault(p, fault_new(FAULT_NOT_RUNNING, NULL, "guest %s ended", all->guest));
    all->end_owed = p->execution;
    if (p->execution)
        execution_stop(p->execution, NULL);
    else
        plugging_end(all);
    return !all->end_owed;
}

/* Back to the host. */

static void take_left(void *subject, void *value, void *userdata)
{
    g_hash_table_add(userdata, g_strdup(subject));
}

/* A step that could not be undone stays in the journal, and is tried again when the guest has ended. */
static void on_given_back(Execution *execution, const Fault *fault, void *userdata)
{
    Plugs *all = userdata;
    Plugging *p = all->current;

    if (fault && !all->left)
        all->left = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (fault && !all->end_owed) {
        g_hash_table_foreach(p->subjects, take_left, all->left);
        plugging_note_fault(p, fault_copy(fault));
    }
    p->execution = execution_free(execution);
    plugging_end(all);
}

void plugging_give_back(Plugs *all)
{
    static const ExecutionHandler handler = {.progress = plugging_on_progress, .ended = on_given_back};
    Plugging *p = all->current;

    p->deadline = sd_event_source_disable_unref(p->deadline);
    p->slot = NULL;
    /* It is no device of the guest's any more, whatever becomes of it, so it is no drift that it leaves
     * vfio-pci. */
    all->handler->changed(all->userdata);
    if (slots_known(all->slots))
        p->subjects = give_back_subjects(all->engine, all->journal, all->slots, NULL, all->left);
    if (!p->subjects || g_hash_table_size(p->subjects) == 0) {
        plugging_end(all);
        return;
    }
    g_autoptr(GArray) numbers = undo_some(all->journal, p->subjects);
    p->execution = execution_undo_some(all->engine, all->journal, numbers, &handler, all);
    execution_set_unstuck(p->execution, all->handler->unstuck, all->userdata);
}

void plugging_drop_node(Qmp *qmp)
{
    struct json_object *arguments = json_object_new_object();

    json_object_object_add(arguments, "fdname", json_object_new_string(PLUG_NODE_NAME));
    qmp_command(qmp, "closefd", arguments, 0, NULL, NULL);
}

/* Gives back what the journal tells of and QEMU does not have, when nothing else is on its way. */
static void tidy(Plugs *all)
{
    all->tidy_owed = all->current;
    if (all->current || all->over || !slots_known(all->slots) || !all->journal)
        return;
    g_autoptr(GHashTable) subjects =
        give_back_subjects(all->engine, all->journal, all->slots, NULL, all->left);
    if (g_hash_table_size(subjects) == 0)
        return;
    log_guest(LOG_NOTICE, all->guest, "giving back what it does not have any more");
    /* An earlier daemon may have gone between the descriptor and device_add: QEMU keeps the device open then.
     */
    plugging_drop_node(all->handler->qmp(all->userdata));
    plugging_new(all, NULL, NULL);
    plugging_give_back(all);
}

void plugs_unstuck(Plugs *all)
{
    if (!all->left || all->over)
        return;
    g_clear_pointer(&all->left, g_hash_table_destroy);
    tidy(all);
}

static struct json_object *deletion(const Slot *slot)
{
    struct json_object *arguments = json_object_new_object();
    g_autofree char *id = g_strdup_printf("%s-%d", slot->name, slot_lowest(slot));

    json_object_object_add(arguments, "id", json_object_new_string(id));
    return arguments;
}

/* Functions without function 0, of which the guest has never heard: usherd went away between two of them. */
static void drop_unheard(const Plugs *all)
{
    Qmp *qmp = all->handler->qmp(all->userdata);

    for (unsigned i = 0; qmp && i < slots_count(all->slots); i++) {
        const Slot *slot = slots_at(all->slots, i);
        if (slot_lowest(slot) > 0)
            qmp_command(qmp, "device_del", deletion(slot), PLUG_ANSWER_USEC, NULL, NULL);
    }
}

static void on_found(void *userdata)
{
    Plugs *all = userdata;

    all->handler->changed(all->userdata);
    drop_unheard(all);
    /* What is on its way stands in no journal yet. */
    if (!all->current)
        all->handler->settled(all->userdata);
    tidy(all);
}

void plugs_deleted(Plugs *all, struct json_object *data)
{
    struct json_object *id = NULL;
    const char *name = json_object_object_get_ex(data, "device", &id) ? json_object_get_string(id)
                                                                      : NULL; /* the device may have no id */
    Slot *slot = name ? slots_deleted(all->slots, name) : NULL;

    if (!slot || slot_lowest(slot) >= 0)
        return;
    slot->leaving = false;
    log_guest(LOG_INFO, all->guest, "has released the device in %s", slot->name);
    Plugging *p = all->current;
    if (!p || p->slot != slot)
        tidy(all);
    else if (p->deadline)
        plugging_give_back(all);
    /* Else QEMU still owes an answer, and the slot is looked at then. */
}

static int on_kept(sd_event_source *source, uint64_t usec, void *userdata)
{
    Plugs *all = userdata;
    Plugging *p = all->current;

    p->slot->leaving = true;
    plugging_note_fault(p,
                        fault_new(FAULT_TIMEOUT,
                                  "the guest may use the device, or its system may not support hot-plug; the "
                                  "host gets the device back when the guest releases it, or ends",
                                  "guest %s has not released %s within %" G_GUINT64_FORMAT " s, and keeps it",
                                  all->guest, p->address, all->engine->limits.unplug_usec / G_USEC_PER_SEC));
    plugging_end(all);
    return 0;
}

static void on_asked(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Plugs *all = userdata;
    Plugging *p = all->current;

    if (error < 0 && error != -EREMOTEIO) {
        plugging_end_unknown(all, error);
        return;
    }
    /* QEMU was asked before, and says so. */
    if (error == -EREMOTEIO && !p->slot->leaving) {
        plugging_note_fault(p, fault_new(FAULT_GUEST_FAILED, NULL, "QEMU of guest %s does not release %s: %s",
                                         all->guest, p->address, message));
        plugging_end(all);
        return;
    }
    if (slot_lowest(p->slot) < 0) {
        plugging_give_back(all);
        return;
    }
    job_progress(p->job, "waiting for the guest to release the device", 0, 1);
    clock_after(all->engine->event, all->engine->limits.unplug_usec, on_kept, all, &p->deadline);
}

void plugging_let_go(Plugs *all, Qmp *qmp)
{
    const Slot *slot = all->current->slot;

    if (slot_lowest(slot) < 0) {
        plugging_give_back(all);
        return;
    }
    int r = qmp_command(qmp, "device_del", deletion(slot), PLUG_ANSWER_USEC, on_asked, all);
    if (r < 0)
        plugging_end_unknown(all, r);
}

static void on_awake(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Plugs *all = userdata;

    if (error < 0)
        plugging_end_unknown(all, error);
    else
        plugging_let_go(all, qmp);
}

int plugs_check(const Plugs *all, Fault **ret_fault)
{
    if (!slots_known(all->slots))
        return fault_raise(ret_fault, FAULT_BUSY, "try again",
                           "usherd is still asking QEMU of guest %s which devices it has", all->guest);
    if (all->current)
        return fault_raise(ret_fault, FAULT_BUSY, "wait until that has ended",
                           "another device of guest %s is being plugged in or unplugged", all->guest);
    return 0;
}

int plugs_check_detach(const Plugs *all, const char *address, Fault **ret_fault)
{
    g_autoptr(GPtrArray) addresses = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GString) words = g_string_new(NULL);

    if (plugs_has(all, address))
        return 0;
    plugs_list(all, addresses);
    for (unsigned i = 0; i < addresses->len; i++)
        g_string_append_printf(words, "%s%s", i > 0 ? ", " : "", (char *)g_ptr_array_index(addresses, i));
    g_autofree char *remedy =
        g_strdup_printf("it has %s", words->len > 0 ? words->str : "no device of the host");
    return fault_raise(ret_fault, FAULT_NO_SUCH_DEVICE, remedy, "guest %s does not have %s", all->guest,
                       address);
}

int plugs_detach(Plugs *all, const char *address, Job *job)
{
    Qmp *qmp = all->handler->qmp(all->userdata);

    int r = qmp ? qmp_command(qmp, "query-status", NULL, PLUG_ANSWER_USEC, on_awake, all) : -ENOTCONN;
    if (r < 0)
        return r;
    plugging_new(all, job, address)->slot = slots_of(all->slots, address);
    return 0;
}

GPtrArray *plugs_plan_detach(const Plugs *all, const char *address)
{
    g_autoptr(GHashTable) subjects =
        give_back_subjects(all->engine, all->journal, all->slots, slots_of(all->slots, address), all->left);

    return undo_some_plan(all->journal, subjects);
}
