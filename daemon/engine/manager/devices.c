/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The manager's devices: the host as last seen, whose they are, and groups bound by hand. */
#include <string.h>

#include "../../base/log.h"
#include "../../base/words.h"
#include "private.h"
#include "../execution/undo.h"

/* While a job runs, what changes hands tells so at every step: a look at the whole host each time would hold
 * up the next one. The job's end makes up for it. */
static void look_again(Manager *m, const char *text)
{
    PciAddress address;

    if (g_hash_table_size(m->jobs) == 0 || pci_address_from_string(text, &address) < 0)
        host_cache_stale(m->host);
    else
        host_cache_look_at(m->host, address);
}

void manager_mind_plugs(Manager *m)
{
    GHashTableIter iter;
    GuestEntry *entry;

    g_hash_table_iter_init(&iter, m->guests);
    while (g_hash_table_iter_next(&iter, NULL, (void **)&entry)) {
        guest_sync_inputs(entry->guest);
        guest_sync_usbs(entry->guest);
    }
}

static void on_host_event(const char *action, const char *address, void *userdata)
{
    Manager *m = userdata;
    PciAddress function;

    if (pci_address_from_string(address, &function) < 0)
        manager_mind_plugs(m);
    if (*address && pci_address_from_string(address, &function) < 0)
        return;
    if (g_str_equal(action, "add") || g_str_equal(action, "remove"))
        host_cache_stale(m->host);
    else
        look_again(m, address);
    manager_look_soon(m);
    if (g_str_equal(action, "add"))
        manager_announce(m, MANAGER_DEVICE_ADDED, address);
    else if (g_str_equal(action, "remove"))
        manager_announce(m, MANAGER_DEVICE_REMOVED, address);
    else if (*address)
        manager_announce(m, MANAGER_DEVICE_CHANGED, address);
}

int manager_watch_devices(Manager *m)
{
    return host_monitor_new(m->engine->event, on_host_event, m, &m->monitor);
}

void manager_devices_changed(Manager *m, const GPtrArray *addresses)
{
    for (unsigned i = 0; i < addresses->len; i++) {
        look_again(m, g_ptr_array_index(addresses, i));
        manager_announce(m, MANAGER_DEVICE_CHANGED, g_ptr_array_index(addresses, i));
    }
}

const Host *manager_host(Manager *m)
{
    return host_cache_get(m->host);
}

PciNames manager_names(Manager *m, const HostDevice *device)
{
    pci_name_table_learn(m->names, manager_host(m));
    return pci_name_table_get(m->names, device);
}

static Hold *find_hold(Manager *m, PciAddress address)
{
    GHashTableIter iter;
    Hold *hold;

    g_hash_table_iter_init(&iter, m->holds);
    while (g_hash_table_iter_next(&iter, NULL, (void **)&hold))
        if (hold_covers(hold, address))
            return hold;
    return NULL;
}

const char *manager_device_guest(Manager *m, const HostDevice *device)
{
    const char *owner = host_device_stays(device) ? NULL : claims_owner(m->claims, device->group);

    return owner_guest(owner) ?: "";
}

const char *manager_device_state(Manager *m, const HostDevice *device)
{
    if (host_device_stays(device))
        return "bridge";
    if (device->stuck)
        return "stuck";
    if (manager_device_drift(m, PCI_ADDRESS_STR(device->address)))
        return "drift";
    if (*manager_device_guest(m, device))
        return "guest";
    if (device->dead)
        return "dead";
    if (!device->driver)
        return "unused";
    if (!g_str_equal(device->driver, "vfio-pci"))
        return "host";
    return find_hold(m, device->address) ? "bound" : "vfio";
}

int manager_find_device(Manager *m, const char *text, const HostDevice **ret, Fault **ret_fault)
{
    PciAddress address;

    if (pci_address_from_string(text, &address) < 0) {
        g_autofree char *shown = words_quote(text);
        return fault_raise(ret_fault, FAULT_NO_SUCH_DEVICE,
                           "write it as lspci does: 0000:01:00.0, or 01:00.0", "\"%s\" is not a PCI address",
                           shown);
    }
    *ret = host_find(manager_host(m), address);
    if (!*ret)
        return fault_raise(ret_fault, FAULT_NO_SUCH_DEVICE, "usherctl devices shows what there is",
                           "there is no device %s", PCI_ADDRESS_STR(address));
    return 0;
}

/* Groups bound by hand. */

static void on_hold_rested(Hold *hold, void *userdata)
{
    Manager *m = userdata;

    claims_give_up(m->claims, hold_owner(hold));
    host_cache_stale(m->host);
    if (!hold_bound(hold))
        g_hash_table_remove(m->holds, hold_owner(hold));
}

static bool claim_hold(Hold *hold, void *userdata)
{
    g_autoptr(GPtrArray) addresses = hold_devices(hold);

    return manager_claim(userdata, hold_owner(hold), addresses);
}

static const HoldHandler hold_handler = {claim_hold, on_hold_rested};

void manager_recover_hold(Manager *m, const char *owner)
{
    Hold *hold;

    int r = hold_recover(m->engine, owner, &hold_handler, m, &hold);
    if (r < 0)
        log_error("cannot read the journal of %s: %s", owner, strerror(-r));
    else
        g_hash_table_insert(m->holds, g_strdup(owner), hold);
}

static int refuse_busy(PciAddress address, Fault **ret_fault)
{
    return fault_raise(ret_fault, FAULT_BUSY, "try again when that is done", "%s is changing hands just now",
                       PCI_ADDRESS_STR(address));
}

static int prepare_bind(Manager *m, const BindWish *wish, Plan **ret, Fault **ret_fault)
{
    const Host *host;

    int r = host_cache_look(m->host, NULL, &host);
    if (r < 0)
        return r;
    const Hold *hold = find_hold(m, wish->address);
    if (hold && !hold_at_rest(hold))
        return refuse_busy(wish->address, ret_fault);
    if (hold)
        return fault_raise(ret_fault, FAULT_REFUSED, "to give it back: usherctl restore",
                           "%s is bound to vfio-pci already", PCI_ADDRESS_STR(wish->address));
    r = plan_bind(host, m->claims, wish, ret, ret_fault);
    if (r == 0)
        (*ret)->may_stop = g_strdupv(wish->may_stop);
    return r;
}

int manager_bind(Manager *m, const BindWish *wish, unsigned *ret_job, Fault **ret_fault)
{
    Plan *plan;
    Hold *hold;

    int r = prepare_bind(m, wish, &plan, ret_fault);
    if (r != 0)
        return r;
    /* Claimed while it changes hands; a group that is bound is free for a guest to claim. */
    g_autofree char *owner = g_strdup(plan->owner);
    claims_take_all(m->claims, plan->groups, owner);
    Job *job = manager_new_job(m, JOB_BIND, PCI_ADDRESS_STR(wish->address));
    *ret_job = job->id;
    r = hold_bind(m->engine, plan, job, &hold_handler, m, &hold);
    if (r < 0) {
        _cleanup_fault_ Fault *fault =
            fault_new(FAULT_FAILED, NULL, "cannot write a journal: %s", g_strerror(-r));
        claims_give_up(m->claims, owner);
        job_end(job, fault);
        return 0;
    }
    g_hash_table_insert(m->holds, g_strdup(owner), hold);
    return 0;
}

/* A guest that came to rest with this device not given back. */
static Guest *find_leftover(Manager *m, PciAddress address)
{
    GHashTableIter iter;
    GuestEntry *entry;

    g_hash_table_iter_init(&iter, m->guests);
    while (g_hash_table_iter_next(&iter, NULL, (void **)&entry)) {
        const GPtrArray *devices = guest_devices(entry->guest);
        for (unsigned i = 0; guest_has_leftovers(entry->guest) && i < devices->len; i++)
            if (g_str_equal(g_ptr_array_index(devices, i), PCI_ADDRESS_STR(address)))
                return entry->guest;
    }
    return NULL;
}

static int refuse_stuck(Manager *m, PciAddress address, Fault **ret_fault)
{
    if (!g_hash_table_contains(m->engine->stuck, PCI_ADDRESS_STR(address)))
        return 0;
    return fault_raise(ret_fault, FAULT_STUCK,
                       "close what still uses it, and it goes on by itself; if that does not help, only a "
                       "restart of the host does",
                       "%s is stuck: a write to it hangs in the kernel", PCI_ADDRESS_STR(address));
}

static int refuse_restore(Manager *m, PciAddress address, const Hold *hold, Fault **ret_fault)
{
    const HostDevice *device = host_find(manager_host(m), address);

    /* One that has gone for good is struck off all the same. */
    if (!device && hold && hold_at_rest(hold))
        return 0;
    if (!device)
        return fault_raise(ret_fault, FAULT_NO_SUCH_DEVICE, "usherctl devices shows what there is",
                           "there is no device %s", PCI_ADDRESS_STR(address));
    const char *guest = manager_device_guest(m, device);
    if (*guest) {
        g_autofree char *remedy = g_strdup_printf("stop it first: usherctl stop %s", guest);
        return fault_raise(ret_fault, FAULT_IN_USE, remedy, "%s is claimed by guest %s",
                           PCI_ADDRESS_STR(address), guest);
    }
    if (!hold)
        return fault_raise(ret_fault, FAULT_REFUSED,
                           device->driver && g_str_equal(device->driver, "vfio-pci")
                               ? "whoever bound it (vfio-pci.ids=, driverctl, a script) has to give it back"
                               : "there is nothing to restore",
                           "%s was not bound by usher, its driver is %s", PCI_ADDRESS_STR(address),
                           device->driver ?: "none");
    return hold_at_rest(hold) ? 0 : refuse_busy(address, ret_fault);
}

int manager_restore(Manager *m, PciAddress address, unsigned *ret_job, Fault **ret_fault)
{
    Guest *guest = find_leftover(m, address);
    Hold *hold = find_hold(m, address);

    if (guest && !guest_at_rest(guest))
        return fault_raise(ret_fault, FAULT_BUSY, "try again when the job has ended",
                           "guest %s is restoring it just now", guest_name(guest));
    int r = refuse_stuck(m, address, ret_fault);
    if (r == 0 && !guest)
        r = refuse_restore(m, address, hold, ret_fault);
    /* Claimed while it changes hands. */
    if (r == 0 && !guest && !claim_hold(hold, m))
        r = refuse_busy(address, ret_fault);
    if (r != 0)
        return r;
    Job *job = manager_new_job(m, JOB_RESTORE, PCI_ADDRESS_STR(address));
    *ret_job = job->id;
    if (guest) {
        guest_restore(guest, job, true);
        return 0;
    }
    hold_restore(hold, job);
    return 0;
}

int manager_clear_quarantine(Manager *m, const char *text, Fault **ret_fault)
{
    PciAddress address;

    /* It need not be there: a card that was taken out may be cleared all the same. */
    if (pci_address_from_string(text, &address) < 0) {
        g_autofree char *shown = words_quote(text);
        return fault_raise(ret_fault, FAULT_NO_SUCH_DEVICE,
                           "write it as lspci does: 0000:01:00.0, or 01:00.0", "\"%s\" is not a PCI address",
                           shown);
    }
    int r = ledger_clear(m->engine->ledger, PCI_ADDRESS_STR(address));
    if (r == -ENOENT)
        return fault_raise(ret_fault, FAULT_REFUSED, NULL, "%s is not in quarantine",
                           PCI_ADDRESS_STR(address));
    host_cache_stale(m->host);
    manager_announce(m, MANAGER_DEVICE_CHANGED, PCI_ADDRESS_STR(address));
    log_device(LOG_NOTICE, PCI_ADDRESS_STR(address), "released from quarantine by an administrator");
    return r;
}

int manager_plan_bind(Manager *m, const BindWish *wish, bool claim, ManagerPlanned planned, void *userdata,
                      Fault **ret_fault)
{
    Plan *plan;

    int r = prepare_bind(m, wish, &plan, ret_fault);
    return r != 0 ? r : manager_show_plan(m, plan, NULL, FILE_GATE_LOOK, NULL, claim, planned, userdata, ret_fault);
}

int manager_plan_restore(Manager *m, PciAddress address, GPtrArray **ret, Fault **ret_fault)
{
    Guest *guest = find_leftover(m, address);
    const Hold *hold = find_hold(m, address);

    if (guest)
        return manager_plan_stop(m, guest_name(guest), ret, ret_fault);
    int r = refuse_restore(m, address, hold, ret_fault);
    if (r == 0)
        *ret = hold_plan_restore(hold);
    return r;
}
