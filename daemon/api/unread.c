/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unread.h"

#include <glib.h>
#include <stdbool.h>

#include "../base/cleanup.h"
#include "../base/log.h"

#define BUS_NAME "org.freedesktop.DBus"

/* An answer has 256 KiB at most where there are not hundreds of guests: what comes between two looks stays
 * well below the bus's limit. */
#define LOOK_EVERY 8
/* The answer to a look comes behind what others have sent meanwhile. This many calls of one user, and of all,
 * are answered until then. */
#define CALLS_MAX (4 * LOOK_EVERY)
#define CALLS_OF_ALL_MAX (8 * CALLS_MAX)
/* Below this total the bus is not asked whose the bytes are. */
#define TOTAL_FREE (8u * 1024 * 1024)
#define TOTAL_MAX (32u * 1024 * 1024)
#define OF_ONE_MAX (256u * 1024)
#define DEAF_MAX 4096

struct Unread {
    sd_bus *bus;
    GHashTable *served; /* names that called since the last look */
    GHashTable *asked;  /* and before it */
    GHashTable *deaf;
    GPtrArray *looks; /* of Look, owned: at one caller each */
    sd_bus_slot *look;
    unsigned calls;    /* since the last look */
    GHashTable *users; /* uid → how many of those are of a user's who is known */
    unsigned total;    /* bytes, at the last look */
    bool untold;       /* this bus does not tell */
};

typedef struct Look {
    Unread *unread;
    char *name;
    sd_bus_slot *slot;
} Look;

DEFINE_ELEMENT_FREE(Look, look_free, look)
{
    sd_bus_slot_unref(look->slot);
    g_free(look->name);
}

static int read_bytes(sd_bus_message *reply, const char *wanted, unsigned *ret)
{
    const char *key;
    uint32_t bytes;

    int r = sd_bus_message_enter_container(reply, 'a', "{sv}");
    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
        r = sd_bus_message_read(reply, "s", &key);
        if (r >= 0 && g_str_equal(key, wanted)) {
            r = sd_bus_message_read(reply, "v", "u", &bytes);
            if (r >= 0)
                *ret = bytes;
            return r < 0 ? r : 0;
        }
        if (r >= 0)
            r = sd_bus_message_skip(reply, "v");
        if (r >= 0)
            r = sd_bus_message_exit_container(reply);
    }
    return r < 0 ? r : -ENODATA;
}

static int ask(Unread *unread, sd_bus_slot **slot, sd_bus_message_handler_t answered, void *userdata,
               const char *name)
{
    return sd_bus_call_method_async(unread->bus, slot, BUS_NAME, "/org/freedesktop/DBus",
                                    BUS_NAME ".Debug.Stats", "GetConnectionStats", answered, userdata, "s",
                                    name);
}

static int on_caller(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    Look *look = userdata;
    Unread *unread = look->unread;
    unsigned bytes = 0;

    /* A connection that has left has nothing unread. */
    if (!sd_bus_message_is_method_error(reply, NULL))
        read_bytes(reply, "OutgoingBytes", &bytes);
    if (bytes <= OF_ONE_MAX)
        g_hash_table_remove(unread->deaf, look->name);
    else if (g_hash_table_size(unread->deaf) < DEAF_MAX &&
             g_hash_table_add(unread->deaf, g_strdup(look->name)))
        log_notice("%s does not read its answers, and gets no more until it does", look->name);
    g_ptr_array_remove_fast(unread->looks, look);
    return 0;
}

static void look_at_callers(Unread *unread)
{
    GHashTableIter iter;
    void *name;

    g_hash_table_iter_init(&iter, unread->asked);
    while (g_hash_table_iter_next(&iter, &name, NULL)) {
        Look *look = g_new0(Look, 1);
        *look = (Look){.unread = unread, .name = g_strdup(name)};
        if (ask(unread, &look->slot, on_caller, look, look->name) >= 0)
            g_ptr_array_add(unread->looks, look);
        else
            look_free(look);
    }
}

static int on_own(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    Unread *unread = userdata;

    unread->look = sd_bus_slot_unref(unread->look);
    if (sd_bus_message_is_method_error(reply, NULL) ||
        read_bytes(reply, "IncomingBytes", &unread->total) < 0) {
        /* This is dbus-broker, which hangs up on who does not read, or a dbus-daemon without statistics. */
        log_debug("the bus does not say how much is unread");
        unread->untold = true;
        return 0;
    }
    if (unread->total > TOTAL_FREE)
        look_at_callers(unread);
    else
        g_hash_table_remove_all(unread->deaf);
    g_hash_table_remove_all(unread->asked);
    return 0;
}

static void look(Unread *unread)
{
    const char *name;

    if (sd_bus_get_unique_name(unread->bus, &name) < 0 ||
        ask(unread, &unread->look, on_own, unread, name) < 0)
        return;
    GHashTable *served = unread->served;
    unread->served = unread->asked;
    unread->asked = served;
    unread->calls = 0;
    g_hash_table_remove_all(unread->users);
}

static bool has_many(const Unread *unread, const uint32_t *uid)
{
    return unread->calls >= CALLS_OF_ALL_MAX ||
           (uid && GPOINTER_TO_UINT(g_hash_table_lookup(unread->users, GUINT_TO_POINTER(*uid))) >= CALLS_MAX);
}

static void count(Unread *unread, const char *sender, const uint32_t *uid)
{
    unread->calls++;
    if (!g_hash_table_contains(unread->served, sender))
        g_hash_table_add(unread->served, g_strdup(sender));
    if (uid) {
        unsigned calls = GPOINTER_TO_UINT(g_hash_table_lookup(unread->users, GUINT_TO_POINTER(*uid)));
        g_hash_table_insert(unread->users, GUINT_TO_POINTER(*uid), GUINT_TO_POINTER(calls + 1));
    }
}

UnreadVerdict unread_judge(Unread *unread, const char *sender, const uint32_t *uid)
{
    if (unread->untold)
        return UNREAD_ANSWER;
    if (unread->calls >= LOOK_EVERY && !unread->look)
        look(unread);
    bool many = has_many(unread, uid);
    if (!many)
        count(unread, sender, uid);
    if (g_hash_table_contains(unread->deaf, sender))
        return UNREAD_DROP;
    /* A caller whose user is not known yet may be root. */
    return uid && (many || unread->total > TOTAL_MAX) ? UNREAD_REFUSE : UNREAD_ANSWER;
}

Unread *unread_new(sd_bus *bus)
{
    Unread *unread = g_new0(Unread, 1);

    unread->bus = bus;
    unread->served = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    unread->asked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    unread->users = g_hash_table_new(g_direct_hash, g_direct_equal);
    unread->deaf = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    unread->looks = g_ptr_array_new_with_free_func(look_free);
    return unread;
}

DEFINE_FREE(Unread, unread_free, unread)
{
    sd_bus_slot_unref(unread->look);
    g_ptr_array_unref(unread->looks);
    g_hash_table_destroy(unread->served);
    g_hash_table_destroy(unread->asked);
    g_hash_table_destroy(unread->users);
    g_hash_table_destroy(unread->deaf);
}
