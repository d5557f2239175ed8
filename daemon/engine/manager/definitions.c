/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Definitions as they are read: what they say line by line, and whether they are right. */
#include <string.h>

#include "../../core/definition/handle.h"
#include "../../base/dmi.h"
#include "../../base/words.h"
#include "../../core/plan/assumed.h"
#include "../gate/preflight.h"
#include "private.h"

#define PATH_SHOWN_MAX 512

const DefinitionText *manager_texts_of(const DefinitionFiles *files)
{
    return (const DefinitionText *)files->texts->data;
}

int manager_check_name(const char *name, Fault **ret_fault)
{
    if (guest_name_valid(name))
        return 0;
    g_autofree char *shown = words_quote(name);
    return fault_raise(ret_fault, FAULT_INVALID_NAME, "use a-z, 0-9 and -, up to 63 characters",
                       "\"%s\" is not the name of a guest", shown);
}

int manager_raise_missing(Manager *m, const char *name, Fault **ret_fault)
{
    return fault_raise(ret_fault, FAULT_NO_SUCH_GUEST, "see which guests there are: usherctl list",
                       "no guest %s: there is no %s/%s.guest", name, m->engine->definitions_path, name);
}

int manager_raise_error(const char *verb, const char *path, int error, Fault **ret_fault)
{
    return fault_raise(ret_fault, FAULT_FAILED, error == -EROFS ? "is /etc writable on this host?" : NULL,
                       "cannot %s %s: %s", verb, path, definition_files_error(error));
}

/* 0, FAULT_RAISED, or -errno: they cannot be read. */
static int read_files(Manager *m, const char *name, DefinitionFiles **ret, Fault **ret_fault)
{
    int r = manager_check_name(name, ret_fault);

    if (r == 0)
        r = definition_store_load(m->definitions, name, ret, ret_fault);
    return r == -ENOENT ? manager_raise_missing(m, name, ret_fault) : r;
}

static int load(Manager *m, const char *name, DefinitionFiles **ret_files, GuestDefinition **ret,
                Fault **ret_fault)
{
    int r = read_files(m, name, ret_files, ret_fault);

    if (r < 0)
        return fault_raise(ret_fault, FAULT_BAD_DEFINITION, NULL, "cannot read %s/%s.guest: %s",
                           m->engine->definitions_path, name, definition_files_error(r));
    if (r == 0)
        r = definition_parse(name, manager_texts_of(*ret_files), (*ret_files)->texts->len, ret, ret_fault);
    if (r == 0)
        definition_set_host(*ret, m->engine->host_id);
    if (r == 0)
        definition_fill_smbios(*ret, dmi_read);
    return r;
}

int manager_load(Manager *m, const char *name, GuestDefinition **ret, Fault **ret_fault)
{
    g_autoptr(DefinitionFiles) files = NULL;

    return load(m, name, &files, ret, ret_fault);
}

int manager_guest_lines(Manager *m, const char *name, GPtrArray **ret, Fault **ret_fault)
{
    g_autoptr(GuestDefinition) definition = NULL;
    g_autoptr(DefinitionFiles) files = NULL;

    int r = load(m, name, &files, &definition, ret_fault);
    return r != 0 ? r : definition_lines(manager_texts_of(files), files->texts->len, ret);
}

bool manager_guest_closed(Manager *m, const char *name)
{
    return guest_name_valid(name) && definition_store_closed(m->definitions, name);
}

int manager_check_allowed(const Manager *m, const GuestDefinition *definition, Fault **ret_fault)
{
    if (!definition_tainted(definition) || m->engine->allow_qemu_arguments)
        return 0;
    return fault_raise(
        ret_fault, FAULT_REFUSED,
        "remove it, or write AllowQemuArguments=yes into usherd.conf, then: systemctl restart usherd",
        "guest %s: [QEMU] is not allowed on this host", definition_name(definition));
}

/* Of a slot of this host; bridges are not lent. */
static uint8_t look(PciAddress slot, const void *userdata)
{
    g_autoptr(GPtrArray) devices = host_slot(userdata, slot);
    uint8_t functions = 0;

    for (unsigned i = 0; i < devices->len; i++) {
        const HostDevice *device = g_ptr_array_index(devices, i);
        if (!host_device_stays(device))
            functions |= 1u << device->address.function;
    }
    return functions;
}

/* Devices and programs that are not here are taken to be: where the definition is read says nothing of where
 * the guest will be started. */
int manager_check_abilities(Manager *m, GuestDefinition *definition, Fault **ret_fault)
{
    const QemuFacts *facts = qemu_probe_known(m->engine->probe);
    g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);

    if (!facts)
        return 0;
    g_autoptr(HostTools) tools = tools_find(&m->engine->tools_place);
    host_tools_assume(tools, definition, notes);
    g_autoptr(Plan) plan = plan_assume(definition, look, manager_host(m), notes);
    host_tools_settle(tools, definition);
    return preflight_check_qemu(definition, plan, facts, tools, ret_fault);
}

int manager_validate(Manager *m, const char *name, const DefinitionText *texts, size_t n_texts,
                     Fault **ret_fault)
{
    g_autoptr(GuestDefinition) definition = NULL;

    /* Each message about the definition begins with a path. */
    for (size_t i = 0; i < n_texts; i++)
        if (strlen(texts[i].path) > PATH_SHOWN_MAX)
            return fault_raise(ret_fault, FAULT_BAD_DEFINITION, "shorten it",
                               "a path is longer than %d bytes", PATH_SHOWN_MAX);
    int r = definition_parse(name, texts, n_texts, &definition, ret_fault);
    if (r == 0)
        r = manager_check_allowed(m, definition, ret_fault);
    if (r == 0)
        definition_set_host(definition, m->engine->host_id);
    return r == 0 ? manager_check_abilities(m, definition, ret_fault) : r;
}

int manager_guest_files(Manager *m, const char *name, DefinitionFiles **ret, Fault **ret_fault)
{
    g_autoptr(DefinitionFiles) files = NULL;

    int r = read_files(m, name, &files, ret_fault);
    if (r != 0)
        return r < 0 ? manager_raise_error("read", name, r, ret_fault) : r;
    for (unsigned i = 0; i < files->texts->len; i++)
        if (!g_utf8_validate_len(manager_texts_of(files)[i].text, manager_texts_of(files)[i].size, NULL))
            return fault_raise(ret_fault, FAULT_BAD_DEFINITION, "save it as UTF-8, without NUL bytes",
                               "%s is not text", manager_texts_of(files)[i].path);
    *ret = g_steal_pointer(&files);
    return 0;
}
