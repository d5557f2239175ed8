/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device leaves a guest that runs: its system is asked to let go of it, QEMU says when it has
 * (DEVICE_DELETED), and then its steps are undone. Who takes it away from the guest does not matter: what the
 * journal tells of and QEMU does not have is the host's, whether somebody asked just now, or long ago, or the
 * guest did so by itself. */
#include <stdio.h>

#include "../../base/log.h"
#include "../../edge/host-services/clock.h"
#include "plug-private.h"
#include "../host-look.h"
#include "../execution/undo.h"

static void note_group(GHashTable *groups, const Host *host, const char *text)
{
    PciAddress address;
    const HostDevice *device = pci_address_from_string(text, &address) == 0 ? host_find(host, address) : NULL;

    if (device && device->group != HOST_NO_GROUP)
        g_hash_table_add(groups, GINT_TO_POINTER(device->group));
    /* With it goes what it was made of. */
    if (device && device->virtual_function)
        note_group(groups, host, PCI_ADDRESS_STR(device->physical));
}

/* The groups of what the guest has; with `without`, of what it has besides. */
static GHashTable *kept_groups(const Guest *g, const Host *host, const GuestSlot *without)
{
    GHashTable *groups = g_hash_table_new(NULL, NULL);

    for (unsigned i = 0; i < g->run->slots->len; i++) {
        const GuestSlot *slot = g_ptr_array_index(g->run->slots, i);
        for (unsigned j = 0; slot != without && j < SLOT_FUNCTIONS; j++)
            if (slot->functions[j])
                note_group(groups, host, slot->functions[j]);
    }
    return groups;
}

static bool is_kept(const char *text, const Host *host, GHashTable *groups)
{
    g_autoptr(GHashTable) own = g_hash_table_new(NULL, NULL);
    GHashTableIter iter;
    void *group;
    int number;

    if (sscanf(text, "/dev/vfio/%d", &number) == 1)
        return g_hash_table_contains(groups, GINT_TO_POINTER(number)) || host_mediated_of(host, number);
    note_group(own, host, text);
    g_hash_table_iter_init(&iter, own);
    return g_hash_table_iter_next(&iter, &group, NULL) && g_hash_table_contains(groups, group);
}

/* What of the journal is for devices that the guest does not have. */
static GHashTable *to_give_back(const Guest *g, const GuestSlot *without)
{
    GHashTable *subjects = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GPtrArray) steps = undo_plan(g->run->journal);
    g_autoptr(Host) host = NULL;
    PciAddress address;

    if (host_look(g->engine, &host) < 0)
        return subjects;
    g_autoptr(GHashTable) groups = kept_groups(g, host, without);
    for (unsigned i = 0; i < steps->len; i++) {
        const char *subject = ((const Step *)g_ptr_array_index(steps, i))->subject;
        bool device =
            pci_address_from_string(subject, &address) == 0 || g_str_has_prefix(subject, "/dev/vfio/");
        if (device && !is_kept(subject, host, groups) &&
            !(g->run->left && g_hash_table_contains(g->run->left, subject)))
            g_hash_table_add(subjects, g_strdup(subject));
    }
    return subjects;
}

static void on_progress(Execution *execution, const char *words, unsigned done, unsigned total,
                        void *userdata)
{
    Guest *g = userdata;

    job_progress(g->run->plugging->job, words, done, total);
}

static void take_left(void *subject, void *value, void *userdata)
{
    Guest *g = userdata;

    g_hash_table_add(g->run->left, g_strdup(subject));
}

/* What could not be given back stays in the journal, and is tried again when the guest has ended. */
static void on_given_back(Execution *execution, const Fault *fault, void *userdata)
{
    Guest *g = userdata;
    GuestPlugging *p = g->run->plugging;

    if (fault && !g->run->left)
        g->run->left = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (fault && !g->run->end_owed) {
        g_hash_table_foreach(p->subjects, take_left, g);
        plugging_note_fault(p, fault_copy(fault));
    }
    p->execution = execution_free(execution);
    plugging_end(g);
}

void plugging_give_back(Guest *g)
{
    static const ExecutionHandler handler = {on_progress, on_given_back, guest_on_unstuck};
    GuestPlugging *p = g->run->plugging;

    p->deadline = sd_event_source_disable_unref(p->deadline);
    p->slot = NULL;
    /* Not a device of the guest's any more, whatever becomes of it: it is no drift that it leaves vfio-pci.
     */
    if (g->run->slots)
        guest_show_slots(g);
    if (g->run->slots)
        p->subjects = to_give_back(g, NULL);
    if (!p->subjects || g_hash_table_size(p->subjects) == 0) {
        plugging_end(g);
        return;
    }
    g_autoptr(GArray) numbers = undo_some(g->run->journal, p->subjects);
    p->execution = execution_undo_some(g->engine, g->run->journal, numbers, &handler, g);
}

void guest_tidy(Guest *g)
{
    if (g->run->plugging) {
        g->run->tidy_owed = true;
        return;
    }
    g->run->tidy_owed = false;
    if (!g->run->slots || !g->run->journal || !guest_state_live(g->state))
        return;
    g_autoptr(GHashTable) subjects = to_give_back(g, NULL);
    if (g_hash_table_size(subjects) == 0)
        return;
    log_guest(LOG_NOTICE, g->name, "giving back what it does not have any more");
    plugging_new(g, NULL, NULL);
    plugging_give_back(g);
}

static int lowest_function(const GuestSlot *slot)
{
    for (int i = 0; i < SLOT_FUNCTIONS; i++)
        if (slot->functions[i])
            return i;
    return -1;
}

static struct json_object *deletion(const GuestSlot *slot)
{
    struct json_object *arguments = json_object_new_object();
    g_autofree char *id = g_strdup_printf("%s-%d", slot->name, lowest_function(slot));

    json_object_object_add(arguments, "id", json_object_new_string(id));
    return arguments;
}

/* Functions without function 0, which the guest has never heard of: usherd went away between two of them. */
void guest_slots_found(Guest *g)
{
    for (unsigned i = 0; i < g->run->slots->len; i++) {
        const GuestSlot *slot = g_ptr_array_index(g->run->slots, i);
        if (lowest_function(slot) > 0)
            qmp_command(g->run->qmp, "device_del", deletion(slot), PLUG_ANSWER_USEC, NULL, NULL);
    }
    if (g->handler->devices)
        g->handler->devices(g, g->userdata);
    guest_announce(g);
    guest_tidy(g);
}

void guest_device_deleted(Guest *g, struct json_object *data)
{
    struct json_object *id = NULL;
    const char *name = json_object_object_get_ex(data, "device", &id) ? json_object_get_string(id)
                                                                      : NULL; /* may have no id */
    GuestSlot *slot = name ? guest_slot_deleted(g, name) : NULL;

    if (!slot || !guest_slot_empty(slot))
        return;
    slot->leaving = false;
    log_guest(LOG_INFO, g->name, "let go of what was in %s", slot->name);
    GuestPlugging *p = g->run->plugging;
    if (!p || p->slot != slot)
        guest_tidy(g);
    else if (p->deadline)
        plugging_give_back(g);
    /* Else an answer of QEMU's is to come yet, and it is seen then. */
}

static int on_kept(sd_event_source *source, uint64_t usec, void *userdata)
{
    Guest *g = userdata;
    GuestPlugging *p = g->run->plugging;

    p->slot->leaving = true;
    plugging_note_fault(
        p, fault_new(FAULT_TIMEOUT,
                     "it may be in use inside, or no system there supports hot-plug; it is given "
                     "back as soon as the guest lets go of it, or ends",
                     "guest %s has not let go of %s within %" G_GUINT64_FORMAT " s, and keeps it", g->name,
                     p->address, g->engine->limits.unplug_usec / G_USEC_PER_SEC));
    plugging_end(g);
    return 0;
}

static void on_asked(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;
    GuestPlugging *p = g->run->plugging;

    if (error < 0 && error != -EREMOTEIO) {
        plugging_end_unknown(g, error);
        return;
    }
    /* It was asked before, and QEMU says so. */
    if (error == -EREMOTEIO && !p->slot->leaving) {
        plugging_note_fault(p,
                            fault_new(FAULT_GUEST_FAILED, NULL, "QEMU of guest %s does not let go of %s: %s",
                                      g->name, p->address, message));
        plugging_end(g);
        return;
    }
    if (guest_slot_empty(p->slot)) {
        plugging_give_back(g);
        return;
    }
    job_progress(p->job, "waiting for the guest to let go of it", 0, 1);
    clock_after(g->engine->event, g->engine->limits.unplug_usec, on_kept, g, &p->deadline);
}

void plugging_let_go(Guest *g)
{
    GuestPlugging *p = g->run->plugging;

    if (guest_slot_empty(p->slot)) {
        plugging_give_back(g);
        return;
    }
    int r = qmp_command(g->run->qmp, "device_del", deletion(p->slot), PLUG_ANSWER_USEC, on_asked, g);
    if (r < 0)
        plugging_end_unknown(g, r);
}

static void on_awake(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;

    if (error < 0)
        plugging_end_unknown(g, error);
    else
        plugging_let_go(g);
}

int guest_check_detach(const Guest *g, const char *address, Fault **ret_fault)
{
    g_autoptr(GString) all = g_string_new(NULL);

    if (guest_slot_of(g, address) && g->state == GUEST_PAUSED) {
        g_autofree char *resume = g_strdup_printf("let it run on first: usherctl resume %s", g->name);
        return fault_raise(ret_fault, FAULT_REFUSED, resume,
                           "guest %s is paused, and cannot let go of a device", g->name);
    }
    if (guest_slot_of(g, address))
        return 0;
    for (unsigned i = 0; i < g->addresses->len; i++)
        g_string_append_printf(all, "%s%s", i > 0 ? ", " : "", (char *)g_ptr_array_index(g->addresses, i));
    g_autofree char *remedy = g_strdup_printf("it has %s", all->len > 0 ? all->str : "no device of the host");
    return fault_raise(ret_fault, FAULT_NO_SUCH_DEVICE, remedy, "guest %s does not have %s", g->name,
                       address);
}

int guest_detach(Guest *g, const char *address, Job *job)
{
    int r = qmp_command(g->run->qmp, "query-status", NULL, PLUG_ANSWER_USEC, on_awake, g);

    if (r < 0)
        return r;
    plugging_new(g, job, address)->slot = guest_slot_of(g, address);
    return 0;
}

GPtrArray *guest_plan_detach(const Guest *g, const char *address)
{
    g_autoptr(GHashTable) subjects = to_give_back(g, guest_slot_of(g, address));

    return undo_some_plan(g->run->journal, subjects);
}
