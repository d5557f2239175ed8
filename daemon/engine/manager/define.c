/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing and removing definitions. */
#include <string.h>

#include "../../base/log.h"
#include "../../base/words.h"
#include "private.h"

#define DROP_IN_MAX 128

/* A name that is read as a drop-in and leads nowhere else. */
static bool drop_in_valid(const char *drop_in)
{
    if (!g_str_has_suffix(drop_in, ".conf") || *drop_in == '.' || strlen(drop_in) > DROP_IN_MAX)
        return false;
    for (const char *c = drop_in; *c; c++)
        if (!g_ascii_isalnum(*c) && !strchr("._-", *c))
            return false;
    return true;
}

static int check_wish(Manager *m, const char *name, const DefineWish *wish, Fault **ret_fault)
{
    int r = manager_check_name(name, ret_fault);

    if (r == 0 && wish->drop_in && !drop_in_valid(wish->drop_in)) {
        g_autofree char *shown = words_quote(wish->drop_in);
        return fault_raise(ret_fault, FAULT_BAD_OPTION,
                           "use letters, digits, dots, - and _, and .conf at the end",
                           "drop_in: \"%s\" is not the name of a drop-in", shown);
    }
    if (r == 0 && strlen(wish->text) > DEFINITION_SIZE_MAX)
        return fault_raise(ret_fault, FAULT_BAD_DEFINITION, "shorten it", "the text is longer than %d KiB",
                           DEFINITION_KIB_MAX);
    return r;
}

/* Somebody else may have written the file since the caller read it. */
static int check_replaced(const char *name, const DefinitionFiles *files, const DefineWish *wish,
                          const char *path, Fault **ret_fault)
{
    const char *text = "";

    for (unsigned i = 0; i < files->texts->len; i++)
        if (g_str_equal(manager_texts_of(files)[i].path, path))
            text = manager_texts_of(files)[i].text;
    if (!wish->replaces || g_str_equal(text, wish->replaces))
        return 0;
    g_autofree char *remedy = g_strdup_printf("see what it says now: usherctl cat %s", name);
    return fault_raise(ret_fault, FAULT_REFUSED, remedy, "somebody else has changed %s meanwhile", path);
}

/* Checks the definition as it would be read afterwards, with all its files. */
static int check_outcome(Manager *m, const char *name, const DefineWish *wish, const char *path,
                         Fault **ret_fault)
{
    g_autofree char *file = definition_store_path(m->definitions, name, NULL);
    g_autoptr(DefinitionFiles) files = NULL;

    int r = definition_files_load(file, true, &files, ret_fault);
    if (r != 0)
        return r < 0 ? manager_raise_error("read", file, r, ret_fault) : r;
    bool there = files->texts->len > 0 && g_str_equal(manager_texts_of(files)[0].path, file);
    if (!there && wish->drop_in)
        return manager_raise_missing(m, name, ret_fault);
    if (there && wish->only_new)
        return fault_raise(ret_fault, FAULT_REFUSED,
                           "choose another name, or change it: usherctl edit --full",
                           "there is a guest %s already", name);
    if (!there && !manager_guest_entry(m, name) && !manager_has_room(m))
        return fault_raise(ret_fault, FAULT_REFUSED, "remove one: usherctl undefine",
                           "there are as many guests as there may be");
    r = check_replaced(name, files, wish, path, ret_fault);
    if (r != 0)
        return r;
    definition_files_put(files, path, wish->text);
    return manager_validate(m, name, manager_texts_of(files), files->texts->len, ret_fault);
}

int manager_define(Manager *m, const char *name, const DefineWish *wish, Fault **ret_fault)
{
    int r = check_wish(m, name, wish, ret_fault);
    if (r != 0)
        return r;
    g_autofree char *path = definition_store_path(m->definitions, name, wish->drop_in);
    r = check_outcome(m, name, wish, path, ret_fault);
    if (r != 0)
        return r;
    bool removes = wish->drop_in && !*wish->text;
    r = removes ? definition_store_remove(m->definitions, name, wish->drop_in)
                : definition_store_write(m->definitions, name, wish->drop_in, wish->text);
    if (r < 0 && !(removes && r == -ENOENT))
        return manager_raise_error(removes ? "remove" : "write", path, r, ret_fault);
    log_guest(LOG_NOTICE, name, "%s was %s", path, removes ? "removed" : "written");
    manager_reload(m);
    return 0;
}

int manager_undefine(Manager *m, const char *name, Fault **ret_fault)
{
    const GuestEntry *entry = manager_guest_entry(m, name);

    int r = manager_check_name(name, ret_fault);
    if (r != 0)
        return r;
    if (entry)
        r = manager_refuse_sought(entry->guest, ret_fault);
    if (r != 0)
        return r;
    if (entry && !guest_at_rest(entry->guest)) {
        g_autofree char *remedy = g_strdup_printf("end it first: usherctl stop %s", name);
        return fault_raise(ret_fault, FAULT_REFUSED, remedy, "guest %s is %s", name,
                           guest_state_to_string(guest_state(entry->guest)));
    }
    if (entry)
        r = manager_refuse_leftovers(entry->guest, ret_fault);
    if (r != 0)
        return r;
    g_autofree char *path = definition_store_path(m->definitions, name, NULL);
    r = definition_store_remove(m->definitions, name, NULL);
    if (r == -ENOENT)
        return manager_raise_missing(m, name, ret_fault);
    if (r < 0)
        return manager_raise_error("remove", path, r, ret_fault);
    log_guest(LOG_NOTICE, name, "%s was removed", path);
    manager_reload(m);
    return 0;
}
