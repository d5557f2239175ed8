/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "../../base/cleanup.h"
#include "holder.h"
#include "../../base/wire.h"

#define WORDS_EACH 7
#define TEXT_MAX 128
/* A message names this many; the rest is counted. */
#define NAMED_MAX 4

static const char *const kind_names[HOLDER_KIND_MAX] = {
    [HOLDER_FILE] = "file",   [HOLDER_MAPPING] = "mapping", [HOLDER_DRM] = "drm",   [HOLDER_MOUNT] = "mount",
    [HOLDER_BLOCK] = "block", [HOLDER_KERNEL] = "kernel",   [HOLDER_LINK] = "link", [HOLDER_HOST] = "host",
};

const char *holder_kind_to_string(HolderKind kind)
{
    return kind >= 0 && kind < HOLDER_KIND_MAX ? kind_names[kind] : NULL;
}

HolderKind holder_kind_from_string(const char *name)
{
    for (int kind = 0; kind < HOLDER_KIND_MAX; kind++)
        if (strcmp(kind_names[kind], name) == 0)
            return kind;
    return HOLDER_KIND_INVALID;
}

static char *clean(const char *text)
{
    g_autofree char *part = g_strndup(text ? text : "", TEXT_MAX);
    char *valid = g_utf8_make_valid(part, -1);

    for (char *c = valid; *c; c++)
        if (g_ascii_iscntrl(*c))
            *c = '?';
    return valid;
}

Holder *holder_new(HolderKind kind, const char *device, const char *what, pid_t pid, const char *command,
                   const char *unit, const char *session)
{
    Holder *holder = g_new(Holder, 1);

    *holder = (Holder){
        .kind = kind,
        .device = clean(device),
        .what = clean(what),
        .pid = pid,
        .command = clean(command),
        .unit = clean(unit),
        .session = clean(session),
    };
    return holder;
}

DEFINE_FREE(Holder, holder_free, holder)
{
    g_free(holder->device);
    g_free(holder->what);
    g_free(holder->command);
    g_free(holder->unit);
    g_free(holder->session);
}

GPtrArray *holders_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)holder_free);
}

bool holder_needed(const Holder *holder)
{
    return holder->kind == HOLDER_HOST || holder->kind == HOLDER_MOUNT;
}

/* "kwin_wayland (pid 812, user@1000.service, session 2)" */
static char *describe_process(const Holder *holder)
{
    GString *text = g_string_new(NULL);

    g_string_printf(text, "%s (pid %d", holder->command, holder->pid);
    if (*holder->unit)
        g_string_append_printf(text, ", %s", holder->unit);
    if (*holder->session)
        g_string_append_printf(text, ", session %s", holder->session);
    g_string_append_c(text, ')');
    return g_string_free(text, FALSE);
}

char *holder_describe(const Holder *holder)
{
    g_autofree char *who = holder->pid > 0 ? describe_process(holder) : NULL;

    switch (holder->kind) {
    case HOLDER_FILE:
        if (!*holder->device)
            return g_strdup_printf("%s has it open", who);
        return g_strdup_printf("%s has %s of %s open", who, holder->what, holder->device);
    case HOLDER_MAPPING:
        return g_strdup_printf("%s has %s of %s mapped", who, holder->what, holder->device);
    case HOLDER_DRM:
        return g_strdup_printf("%s draws with %s", who, holder->device);
    case HOLDER_MOUNT:
        return g_strdup_printf("%s has %s of %s mounted", who, holder->what, holder->device);
    case HOLDER_BLOCK:
        return g_strdup_printf("%s of %s is in use", holder->what, holder->device);
    case HOLDER_KERNEL:
        return g_strdup_printf("%s of %s is in use by the kernel", holder->what, holder->device);
    case HOLDER_LINK:
        return g_strdup_printf("the network link %s of %s is in use%s%s", holder->what, holder->device,
                               who ? " in the network namespace of " : "", who ? who : "");
    default:
        return g_strdup_printf("%s is needed by the host: %s", holder->device, holder->what);
    }
}

/* systemd puts "_" before a name that the kernel would take for its own. */
static const char *unescape(const char *part)
{
    return *part == '_' ? part + 1 : part;
}

void holder_place(const char *cgroup, char **ret_unit, char **ret_session)
{
    const char *line = g_str_has_prefix(cgroup, "0::/") ? cgroup : strstr(cgroup, "\n0::/");
    g_autofree char *path =
        line ? g_strndup(strchr(line, '/'), strcspn(strchr(line, '/'), "\n")) : g_strdup("");
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);

    *ret_unit = *ret_session = NULL;
    for (char **part = parts; *part && !*ret_unit; part++) {
        const char *name = unescape(*part);
        if (g_str_has_suffix(name, ".service") || g_str_has_suffix(name, ".scope"))
            *ret_unit = g_strdup(name);
        if (g_str_has_prefix(name, "session-") && g_str_has_suffix(name, ".scope"))
            *ret_session = g_strndup(name + strlen("session-"), strlen(name) - strlen("session-.scope"));
    }
    *ret_unit = *ret_unit ?: g_strdup("");
    *ret_session = *ret_session ?: g_strdup("");
}

/* The wire. */

static size_t add_word(GPtrArray *words, char *word)
{
    g_ptr_array_add(words, word);
    return strlen(word) + 1;
}

char **holders_to_words(const char *verb, const GPtrArray *holders)
{
    GPtrArray *words = g_ptr_array_new();
    size_t size = add_word(words, g_strdup(verb));

    for (unsigned i = 0;
         i < holders->len && i < HOLDERS_MAX && size < WIRE_MESSAGE_MAX - WORDS_EACH * 3 * TEXT_MAX; i++) {
        const Holder *holder = g_ptr_array_index(holders, i);
        size += add_word(words, g_strdup(holder_kind_to_string(holder->kind)));
        size += add_word(words, g_strdup(holder->device));
        size += add_word(words, g_strdup(holder->what));
        size += add_word(words, g_strdup_printf("%d", holder->pid));
        size += add_word(words, g_strdup(holder->command));
        size += add_word(words, g_strdup(holder->unit));
        size += add_word(words, g_strdup(holder->session));
    }
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(words, FALSE);
}

int holders_from_words(char *const *words, GPtrArray **ret)
{
    g_autoptr(GPtrArray) holders = holders_new();

    for (; *words; words += WORDS_EACH) {
        guint64 pid;
        for (unsigned i = 1; i < WORDS_EACH; i++)
            if (!words[i])
                return -EBADMSG;
        HolderKind kind = holder_kind_from_string(words[0]);
        if (kind < 0 || !g_ascii_string_to_unsigned(words[3], 10, 0, G_MAXINT, &pid, NULL))
            return -EBADMSG;
        g_ptr_array_add(holders, holder_new(kind, words[1], words[2], pid, words[4], words[5], words[6]));
    }
    *ret = g_steal_pointer(&holders);
    return 0;
}

/* The judgement. */

static bool has_unit(const GPtrArray *units, const char *unit)
{
    return g_ptr_array_find_with_equal_func((GPtrArray *)units, unit, g_str_equal, NULL);
}

/* Only a service can be started again as it was: somebody else started the processes of a scope. The process
 * of a link is just one of those in its network namespace. */
static bool stoppable(const Holder *holder)
{
    return holder->pid > 0 && g_str_has_suffix(holder->unit, ".service") && !holder_needed(holder) &&
           holder->kind != HOLDER_LINK;
}

static char *describe_all(const GPtrArray *holders)
{
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < holders->len && i < NAMED_MAX; i++) {
        g_autofree char *words = holder_describe(g_ptr_array_index(holders, i));
        g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", words);
    }
    if (holders->len > NAMED_MAX)
        g_string_append_printf(text, ", and %u more", holders->len - NAMED_MAX);
    return g_string_free(text, FALSE);
}

/* For "eth1.10 on eth1" the remedy takes eth1 down: then nothing goes over the links that are built upon
 * it. */
static char *link_remedy(const Holder *holder)
{
    const char *space = strrchr(holder->what, ' ');

    if (holder->pid > 0)
        return g_strdup_printf(
            "take the link down in its namespace first: nsenter --net=/proc/%d/ns/net ip link set %.*s down",
            holder->pid, (int)strcspn(holder->what, " "), holder->what);
    return g_strdup_printf("take the link down first: ip link set %s down", space ? space + 1 : holder->what);
}

/* The remedy for the holders that remain: the one that comes first, as nothing else helps before. */
static char *remedy_for(const GPtrArray *holders)
{
    g_autoptr(GPtrArray) units = g_ptr_array_new();

    for (unsigned i = 0; i < holders->len; i++) {
        const Holder *holder = g_ptr_array_index(holders, i);
        if (holder->kind == HOLDER_MOUNT)
            return g_strdup("unmount the file system, or choose another device");
        if (holder_needed(holder))
            return g_strdup("end that use first, or choose another device");
        if (holder->kind == HOLDER_LINK)
            return link_remedy(holder);
        if (holder->kind == HOLDER_BLOCK)
            return g_strdup("deactivate what uses the disk (vgchange -an, mdadm --stop, cryptsetup close, "
                            "losetup -d), or end its export");
        if (holder->kind == HOLDER_KERNEL)
            return g_strdup_printf("find out what uses %s (zpool status, another file system's journal or "
                                   "cache, a mount in another namespace), and end that use",
                                   holder->what);
        if (stoppable(holder) && !has_unit(units, holder->unit))
            g_ptr_array_add(units, holder->unit);
        else if (!stoppable(holder))
            return g_strdup_printf(
                "close %s%s", holder->command,
                g_str_has_prefix(holder->what, "/dev/vfio/")
                    ? ", which another manager (libvirt, Proxmox, a script) may have started"
                    : "");
    }
    g_ptr_array_add(units, NULL);
    g_autofree char *list = g_strjoinv(",", (char **)units->pdata);
    return g_strdup_printf("close it, or let usherd stop it and start it again afterwards: --stop-holders=%s",
                           list);
}

int holders_judge(const GPtrArray *holders, char *const *units, GPtrArray **ret_stop, Fault **ret_fault)
{
    g_autoptr(GPtrArray) stop = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) remaining = g_ptr_array_new();

    for (unsigned i = 0; i < holders->len; i++) {
        Holder *holder = g_ptr_array_index(holders, i);
        if (!stoppable(holder) || !units || !g_strv_contains((const char *const *)units, holder->unit))
            g_ptr_array_add(remaining, holder);
        else if (!has_unit(stop, holder->unit))
            g_ptr_array_add(stop, g_strdup(holder->unit));
    }
    if (remaining->len > 0) {
        g_autofree char *words = describe_all(remaining), *remedy = remedy_for(remaining);
        return fault_raise(ret_fault, FAULT_IN_USE, remedy, "%s", words);
    }
    *ret_stop = g_steal_pointer(&stop);
    return 0;
}
