/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The manager's guests: what is defined of them, and what is asked of one that is there. */
#include <string.h>

#include "../../core/definition/definition.h"
#include "../../base/cleanup.h"
#include "../../base/log.h"
#include "private.h"

void guest_entry_free(GuestEntry *entry)
{
    guest_free(entry->guest);
    g_free(entry->description);
    g_free(entry->source);
    fault_free(entry->fault);
    g_ptr_array_unref(entry->wished);
    g_free(entry);
}

static void on_guest_changed(Guest *guest, void *userdata)
{
    manager_settle_memory(userdata, guest);
    manager_announce(userdata, MANAGER_GUEST_CHANGED, guest_name(guest));
}

static int on_tidy(sd_event_source *source, void *userdata)
{
    Manager *m = userdata;
    GHashTableIter iter;
    GuestEntry *entry;

    m->tidy = sd_event_source_disable_unref(m->tidy);
    g_hash_table_iter_init(&iter, m->guests);
    while (g_hash_table_iter_next(&iter, NULL, (void **)&entry)) {
        if (entry->defined || !guest_at_rest(entry->guest) || guest_has_leftovers(entry->guest))
            continue;
        g_autofree char *name = g_strdup(guest_name(entry->guest));
        g_hash_table_iter_remove(&iter);
        manager_announce(m, MANAGER_GUEST_REMOVED, name);
    }
    return 0;
}

static void tidy_soon(Manager *m)
{
    if (!m->tidy)
        sd_event_add_defer(m->engine->event, &m->tidy, on_tidy, m);
}

static void on_guest_rested(Guest *guest, void *userdata)
{
    Manager *m = userdata;
    const Owner owner = owner_of_guest(guest_name(guest));

    /* What could not be given back stays claimed, so that nobody else builds upon it. */
    if (!guest_has_leftovers(guest))
        claims_give_up(m->claims, owner.text);
    manager_devices_changed(m, manager_guest_entry(m, guest_name(guest))->wished);
    manager_announce(m, MANAGER_GUEST_CHANGED, guest_name(guest));
    /* Another guest may wait for what this one had. */
    manager_sync_plugs(m);
    if (guest_comes_again(guest))
        m->start_again(m);
    tidy_soon(m);
}

static int on_plan_rest(Guest *guest, const GuestDefinition *definition, const DefinitionPci *section,
                        Plan **ret, Fault **ret_fault, void *userdata)
{
    const Owner owner = owner_of_guest(guest_name(guest));
    Manager *m = userdata;
    const Host *host;

    int r = host_cache_look(m->host, NULL, &host);
    if (r == 0)
        r = section ? plan_attach_rest(host, m->claims, owner.text, NULL, section, ret, ret_fault)
                    : plan_rest(host, m->claims, definition, ret, ret_fault);
    if (r == 0)
        claims_take_all(m->claims, (*ret)->groups, (*ret)->owner);
    if (r == 0)
        claims_note_nodes(m->claims, (*ret)->steps);
    if (r == 0 && !section)
        plan_claim_memory(*ret, m->claims);
    return r;
}

GuestEntry *manager_ensure_entry(Manager *m, const char *name)
{
    static const GuestHandler handler = {on_guest_changed, on_guest_rested, on_plan_rest,
                                         manager_guest_devices};
    GuestEntry *entry = manager_guest_entry(m, name);

    if (entry)
        return entry;
    entry = g_new0(GuestEntry, 1);
    entry->guest = guest_new(m->engine, name, &handler, m);
    entry->description = g_strdup(name);
    entry->source = g_strdup("");
    entry->wished = g_ptr_array_new_with_free_func(g_free);
    g_hash_table_insert(m->guests, g_strdup(name), entry);
    manager_announce(m, MANAGER_GUEST_ADDED, name);
    return entry;
}

/* The functions that Functions= names; without it, all of the slot. */
static void wish_functions(Manager *m, const DefinitionPci *pci, GPtrArray *wished)
{
    g_autoptr(GPtrArray) slot =
        pci->virtual_functions > 0 ? g_ptr_array_new() : host_slot(manager_host(m), pci->address);

    for (unsigned i = 0; i < slot->len; i++) {
        const HostDevice *device = g_ptr_array_index(slot, i);
        if (pci->functions == 0 || pci->functions & (1U << device->address.function))
            g_ptr_array_add(wished, g_strdup(PCI_ADDRESS_STR(device->address)));
    }
    if (slot->len == 0)
        g_ptr_array_add(wished, g_strdup(PCI_ADDRESS_STR(pci->address)));
}

/* Renews what is shown of a definition; a running guest keeps the one that it was started with. */
static void read_entry(Manager *m, const char *name)
{
    GuestEntry *entry = manager_ensure_entry(m, name);
    g_autoptr(GuestDefinition) definition = NULL;

    entry->defined = true;
    entry->fault = fault_free(entry->fault);
    g_free(entry->source);
    entry->source = g_strdup_printf("%s/%s.guest", m->engine->definitions_path, name);
    g_ptr_array_set_size(entry->wished, 0);
    int r = manager_load(m, name, &definition, &entry->fault);
    entry->closed = definition_store_closed(m->definitions, name);
    if (r != 0)
        return;
    g_free(entry->description);
    entry->description = g_strdup(definition->description);
    entry->display = definition->display.type;
    entry->tainted = definition_tainted(definition);
    for (unsigned i = 0; i < definition->pci->len; i++)
        if (!definition_mediates(g_ptr_array_index(definition->pci, i)))
            wish_functions(m, g_ptr_array_index(definition->pci, i), entry->wished);
}

static void read_name(Manager *m, const char *name)
{
    if (!guest_name_valid(name))
        return;
    if (!manager_guest_entry(m, name) && !manager_has_room(m)) {
        g_autofree char *file = g_strconcat(name, ".guest", NULL);
        skipped_add(m->skipped, file, "there are " G_STRINGIFY(MANAGER_GUESTS_MAX) " guests already",
                    "remove one: usherctl undefine");
    } else {
        read_entry(m, name);
        manager_announce(m, MANAGER_GUEST_CHANGED, name);
    }
}

const GPtrArray *manager_skipped(Manager *m)
{
    return m->skipped;
}

static void look_for_skipped(Manager *m)
{
    g_auto(GStrv) files = NULL;

    if (definition_store_files(m->definitions, &files) < 0)
        return;
    g_ptr_array_unref(m->skipped);
    m->skipped = skipped_find(files);
}

static void log_skipped(const Manager *m)
{
    for (unsigned i = 0; i < m->skipped->len; i++) {
        const Skipped *skipped = g_ptr_array_index(m->skipped, i);
        log_warning("%s/%s is left out: %s; %s", m->engine->definitions_path, skipped->file, skipped->why,
                    skipped->remedy);
    }
}

void manager_reload(Manager *m)
{
    g_auto(GStrv) names = NULL;
    GHashTableIter iter;
    GuestEntry *entry;

    int r = definition_store_names(m->definitions, &names);
    if (r < 0) {
        log_error("cannot read %s: %s", m->engine->definitions_path, strerror(-r));
        return;
    }
    g_hash_table_iter_init(&iter, m->guests);
    while (g_hash_table_iter_next(&iter, NULL, (void **)&entry))
        entry->defined = false;
    look_for_skipped(m);
    for (char **name = names; *name; name++)
        read_name(m, *name);
    log_skipped(m);
    g_hash_table_iter_init(&iter, m->guests);
    while (g_hash_table_iter_next(&iter, NULL, (void **)&entry))
        guest_retry_usbs(entry->guest);
    tidy_soon(m);
}

bool manager_guest(Manager *m, const char *name, GuestView *ret)
{
    const GuestEntry *entry = manager_guest_entry(m, name);

    if (!entry)
        return false;
    guest_ask(entry->guest);
    guest_refresh_inner_addresses(entry->guest);
    const GPtrArray *has = guest_devices(entry->guest);
    *ret = (GuestView){
        .guest = entry->guest,
        .description = entry->description,
        .source = entry->defined ? entry->source : "",
        .definition_fault = entry->fault,
        .closed = entry->closed,
        .devices = has->len > 0 ? has : entry->wished,
        .tainted = guest_at_rest(entry->guest) ? entry->tainted : guest_tainted(entry->guest),
        .display = guest_at_rest(entry->guest) ? entry->display : guest_display(entry->guest),
    };
    return true;
}

/* Requests. */

int manager_find_guest(Manager *m, const char *name, GuestEntry **ret, Fault **ret_fault)
{
    g_autoptr(GuestDefinition) definition = NULL;

    *ret = manager_guest_entry(m, name);
    if (*ret)
        return 0;
    int r = manager_load(m, name, &definition, ret_fault);
    if (r == 0)
        *ret = manager_ensure_entry(m, name);
    return r;
}

int manager_control(Manager *m, const char *name, GuestControl control, GuestControlled controlled,
                    void *userdata, Fault **ret_fault)
{
    GuestEntry *entry;

    int r = manager_find_guest(m, name, &entry, ret_fault);
    return r != 0 ? r : guest_control(entry->guest, control, controlled, userdata, ret_fault);
}

int manager_send_inside(Manager *m, const char *name, InnerErrand errand, InnerErrandDone done,
                        void *userdata, Fault **ret_fault)
{
    GuestEntry *entry;

    int r = manager_find_guest(m, name, &entry, ret_fault);
    return r != 0 ? r : guest_send_inside(entry->guest, errand, done, userdata, ret_fault);
}

int manager_change_medium(Manager *m, const char *name, const char *drive, int fd, bool force,
                          GuestControlled controlled, void *userdata, Fault **ret_fault)
{
    GuestEntry *entry;

    int r = manager_find_guest(m, name, &entry, ret_fault);
    if (r == 0)
        return guest_change_medium(entry->guest, drive, fd, force, controlled, userdata, ret_fault);
    close_fd(fd);
    return r;
}

int manager_open(Manager *m, const char *name, GuestStream stream, bool force, GuestOpened opened,
                 void *userdata, Fault **ret_fault)
{
    GuestEntry *entry;

    int r = manager_find_guest(m, name, &entry, ret_fault);
    return r != 0 ? r : guest_open(entry->guest, stream, force, opened, userdata, ret_fault);
}
