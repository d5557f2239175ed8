/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups bound by hand, and devices given back. */
#include <string.h>

#include "../../base/log.h"
#include "../../core/host/vfio-driver.h"
#include "private.h"

Hold *manager_find_hold(Manager *m, PciAddress address)
{
    GHashTableIter iter;
    Hold *hold;

    g_hash_table_iter_init(&iter, m->holds);
    while (g_hash_table_iter_next(&iter, NULL, (void **)&hold))
        if (hold_covers(hold, address))
            return hold;
    return NULL;
}

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
    return fault_raise(ret_fault, FAULT_BUSY, "try again when that has ended",
                       "%s is being bound or restored just now", PCI_ADDRESS_STR(address));
}

static int prepare_bind(Manager *m, const BindWish *wish, Plan **ret, Fault **ret_fault)
{
    const Host *host;

    int r = host_cache_look(m->host, NULL, &host);
    if (r < 0)
        return r;
    const Hold *hold = manager_find_hold(m, wish->address);
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
    /* The group is claimed while it changes hands; once it is bound, a guest may claim it. */
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

/* A guest at rest that has not given back this device. */
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
                       "close what still uses the device, and the write goes on by itself; if that does not "
                       "help, restart the host",
                       "%s is stuck: a write to it hangs in the kernel", PCI_ADDRESS_STR(address));
}

static int refuse_restore(Manager *m, PciAddress address, const Hold *hold, Fault **ret_fault)
{
    const HostDevice *device = host_find(manager_host(m), address);

    /* A device that has gone for good is struck off all the same. */
    if (!device && hold && hold_at_rest(hold))
        return 0;
    if (!device)
        return fault_raise(ret_fault, FAULT_NO_SUCH_DEVICE, "see which devices there are: usherctl devices",
                           "there is no device %s", PCI_ADDRESS_STR(address));
    const char *guest = manager_device_guest(m, device);
    if (*guest) {
        g_autofree char *remedy = g_strdup_printf("stop it first: usherctl stop %s", guest);
        return fault_raise(ret_fault, FAULT_IN_USE, remedy, "%s is claimed by guest %s",
                           PCI_ADDRESS_STR(address), guest);
    }
    if (!hold)
        return fault_raise(
            ret_fault, FAULT_REFUSED,
            vfio_driver_has(device)
                ? "whoever bound the device (vfio-pci.ids=, driverctl, a script) has to give it back"
                : "there is nothing to restore",
            "%s was not bound by usher, its driver is %s", PCI_ADDRESS_STR(address),
            device->driver ?: "none");
    return hold_at_rest(hold) ? 0 : refuse_busy(address, ret_fault);
}

int manager_restore(Manager *m, PciAddress address, unsigned *ret_job, Fault **ret_fault)
{
    Guest *guest = find_leftover(m, address);
    Hold *hold = manager_find_hold(m, address);

    if (guest && !guest_at_rest(guest))
        return fault_raise(ret_fault, FAULT_BUSY, "try again when the job has ended",
                           "guest %s is restoring it just now", guest_name(guest));
    int r = refuse_stuck(m, address, ret_fault);
    if (r == 0 && !guest)
        r = refuse_restore(m, address, hold, ret_fault);
    /* The group is claimed while it changes hands. */
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

int manager_plan_bind(Manager *m, const BindWish *wish, bool claim, ManagerPlanned planned, void *userdata,
                      Fault **ret_fault)
{
    Plan *plan;

    int r = prepare_bind(m, wish, &plan, ret_fault);
    return r != 0 ? r : manager_show_plan(m, plan, NULL, NULL, claim, planned, userdata, ret_fault);
}

int manager_plan_restore(Manager *m, PciAddress address, GPtrArray **ret, Fault **ret_fault)
{
    Guest *guest = find_leftover(m, address);
    const Hold *hold = manager_find_hold(m, address);

    if (guest)
        return manager_plan_stop(m, guest_name(guest), ret, ret_fault);
    int r = refuse_restore(m, address, hold, ret_fault);
    if (r == 0)
        *ret = hold_plan_restore(hold);
    return r;
}
