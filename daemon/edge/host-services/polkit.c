/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../base/log.h"
#include "polkit.h"

#define POLKIT_NAME "org.freedesktop.PolicyKit1"
#define POLKIT_PATH "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_AUTHORITY "org.freedesktop.PolicyKit1.Authority"
#define BUS_NAME "org.freedesktop.DBus"

#define TIMEOUT_USEC (25 * G_USEC_PER_SEC)
#define INTERACTIVE_TIMEOUT_USEC (120 * G_USEC_PER_SEC)
#define ALLOW_USER_INTERACTION 1
/* The bus counts a match rule and a reply against us for each question. A user has a share, so that his
 * unanswered questions do not keep others from being asked. */
#define QUESTIONS_MAX 64
#define QUESTIONS_OF_USER_MAX 8

#define REMEDY_ROOT "ask as root: sudo usherctl …"

struct PolkitQuery {
    sd_bus *bus;
    sd_bus_message *message; /* kept, so that the sender's name stays that of this call */
    char *action;
    char **details;
    bool quiet;
    PolkitAnswer answer;
    void *userdata;
    char *cancellation; /* the question's name at polkit; NULL: not asked yet */
    uint32_t uid;       /* whose it is, once it is asked */
    sd_bus_slot *call;
    sd_bus_slot *sender_gone;
};

/* Names questions, so that those of different calls cannot be confused. */
static unsigned last_question;
static unsigned open_questions;
static GHashTable *open_of_user; /* uid → how many; NULL: none yet */

static unsigned count_open(uint32_t uid, int more)
{
    if (!open_of_user)
        open_of_user = g_hash_table_new(g_direct_hash, g_direct_equal);
    unsigned n = GPOINTER_TO_UINT(g_hash_table_lookup(open_of_user, GUINT_TO_POINTER(uid))) + more;

    open_questions += more;
    if (n > 0)
        g_hash_table_insert(open_of_user, GUINT_TO_POINTER(uid), GUINT_TO_POINTER(n));
    else
        g_hash_table_remove(open_of_user, GUINT_TO_POINTER(uid));
    return n;
}

static void query_free(PolkitQuery *query)
{
    sd_bus_slot_unref(query->call);
    sd_bus_slot_unref(query->sender_gone);
    sd_bus_message_unref(query->message);
    sd_bus_unref(query->bus);
    g_strfreev(query->details);
    if (query->cancellation)
        count_open(query->uid, -1);
    g_free(query->cancellation);
    g_free(query->action);
    g_free(query);
}

/* Answers, and is done with it. */
static void answer(PolkitQuery *query, bool allowed, Fault *denied)
{
    PolkitAnswer answered = query->answer;
    void *userdata = query->userdata;

    query_free(query);
    answered(allowed, denied, userdata);
    fault_free(denied);
}

static void deny(PolkitQuery *query, const char *remedy, const char *why)
{
    Fault *denied = fault_new(FAULT_NOT_AUTHORIZED, remedy, "not authorised for %s: %s", query->action, why);

    answer(query, false, denied);
}

/* Closes the dialog that may stand on somebody's screen. */
static void withdraw(PolkitQuery *query)
{
    if (!query->cancellation)
        return;
    int r = sd_bus_call_method_async(query->bus, NULL, POLKIT_NAME, POLKIT_PATH, POLKIT_AUTHORITY,
                                     "CancelCheckAuthorization", NULL, NULL, "s", query->cancellation);
    if (r < 0)
        log_debug("cannot cancel a question to polkit: %s", strerror(-r));
}

/* polkit itself failed: whatever the reason, the answer is no. */
static void deny_for_error(PolkitQuery *query, const sd_bus_error *error)
{
    static bool absence_told;
    bool absent =
        sd_bus_error_has_names(error, SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER,
                               "org.freedesktop.systemd1.NoSuchUnit", "org.freedesktop.systemd1.UnitMasked");

    if (absent) {
        if (!absence_told)
            log_warning("polkit is not running: only root may change anything (%s)", error->message);
        absence_told = true;
        deny(query, REMEDY_ROOT ", or install polkitd", "polkit is not running");
    } else if (sd_bus_error_has_names(error, SD_BUS_ERROR_TIMEOUT, SD_BUS_ERROR_NO_REPLY)) {
        withdraw(query);
        deny(query, "try again", "polkit gave no answer in time");
    } else {
        log_warning("polkit cannot say whether %s is authorised for %s: %s",
                    sd_bus_message_get_sender(query->message), query->action, error->message ?: error->name);
        deny(query, REMEDY_ROOT, "polkit cannot say");
    }
}

static int on_authority(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    PolkitQuery *query = userdata;
    int authorised, challenge;

    if (sd_bus_message_is_method_error(reply, NULL)) {
        deny_for_error(query, sd_bus_message_get_error(reply));
        return 0;
    }
    int r = sd_bus_message_enter_container(reply, 'r', "bba{ss}");
    if (r >= 0)
        r = sd_bus_message_read(reply, "bb", &authorised, &challenge);
    if (r < 0)
        deny(query, REMEDY_ROOT, "polkit's answer could not be read");
    else if (authorised)
        answer(query, true, NULL);
    else if (challenge)
        deny(query, REMEDY_ROOT, "polkit wants a password, and cannot ask for one here");
    else
        deny(query, REMEDY_ROOT, "polkit refuses");
    return 0;
}

static int append_details(sd_bus_message *call, char **details)
{
    int r = sd_bus_message_open_container(call, 'a', "{ss}");

    for (char **detail = details; r >= 0 && detail && detail[0]; detail += 2)
        r = sd_bus_message_append(call, "{ss}", detail[0], detail[1]);
    return r < 0 ? r : sd_bus_message_close_container(call);
}

/* CheckAuthorization(), as the polkit D-Bus API reference has it. */
static int ask(PolkitQuery *query)
{
    bool interactive =
        !query->quiet && sd_bus_message_get_allow_interactive_authorization(query->message) > 0;
    g_autofree char *cancellation = g_strdup_printf("usherd-%u", ++last_question);
    sd_bus_message *call = NULL;

    int r = sd_bus_message_new_method_call(query->bus, &call, POLKIT_NAME, POLKIT_PATH, POLKIT_AUTHORITY,
                                           "CheckAuthorization");
    if (r >= 0)
        r = sd_bus_message_append(call, "(sa{sv})s", "system-bus-name", 1, "name", "s",
                                  sd_bus_message_get_sender(query->message), query->action);
    if (r >= 0)
        r = append_details(call, query->details);
    if (r >= 0)
        r = sd_bus_message_append(call, "us", interactive ? ALLOW_USER_INTERACTION : 0, cancellation);
    query->call = sd_bus_slot_unref(query->call);
    if (r >= 0)
        r = sd_bus_call_async(query->bus, &query->call, call, on_authority, query,
                              interactive ? INTERACTIVE_TIMEOUT_USEC : TIMEOUT_USEC);
    sd_bus_message_unref(call);
    if (r >= 0) {
        query->cancellation = g_steal_pointer(&cancellation);
        count_open(query->uid, 1);
    }
    return r;
}

static int read_uid(sd_bus_message *reply, uint32_t *ret)
{
    const char *name;

    int r = sd_bus_message_enter_container(reply, 'a', "{sv}");
    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
        r = sd_bus_message_read(reply, "s", &name);
        if (r >= 0 && g_str_equal(name, "UnixUserID"))
            return sd_bus_message_read(reply, "v", "u", ret);
        if (r >= 0)
            r = sd_bus_message_skip(reply, "v");
        if (r >= 0)
            r = sd_bus_message_exit_container(reply);
    }
    return r < 0 ? r : -ENODATA;
}

/* Not sd_bus_query_sender_creds(3), which waits for the answer. */
static int on_credentials(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    PolkitQuery *query = userdata;
    uint32_t uid;

    if (sd_bus_message_is_method_error(reply, NULL) || read_uid(reply, &uid) < 0) {
        deny(query, NULL, "the bus does not know the caller");
        return 0;
    }
    if (uid == 0) {
        answer(query, true, NULL);
        return 0;
    }
    query->uid = uid;
    if (open_questions >= QUESTIONS_MAX || count_open(uid, 0) >= QUESTIONS_OF_USER_MAX) {
        deny(query, "answer polkit's questions first, or try again later",
             "too many questions of polkit wait for an answer");
        return 0;
    }
    int r = ask(query);
    if (r < 0)
        deny(query, REMEDY_ROOT, g_strerror(-r));
    return 0;
}

static int on_match_added(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    PolkitQuery *query = userdata;

    if (sd_bus_message_is_method_error(reply, NULL)) {
        withdraw(query);
        deny(query, "try again", "the bus has no room for another question");
    }
    return 0;
}

/* A caller who left may not be found any more, and an error may not become a yes (CVE-2021-3560). */
static int on_sender_gone(sd_bus_message *signal, void *userdata, sd_bus_error *error)
{
    PolkitQuery *query = userdata;
    const char *name, *old_owner, *new_owner;

    if (sd_bus_message_read(signal, "sss", &name, &old_owner, &new_owner) < 0 || *new_owner)
        return 0;
    withdraw(query);
    deny(query, NULL, "the caller has left the bus");
    return 0;
}

static int check(sd_bus *bus, sd_bus_message *message, const char *action, const char *const *details,
                 bool quiet, PolkitAnswer answered, void *userdata, PolkitQuery **ret)
{
    const char *sender = sd_bus_message_get_sender(message);

    if (!sender)
        return -EINVAL;
    PolkitQuery *query = g_new0(PolkitQuery, 1);
    *query = (PolkitQuery){.quiet = quiet, .answer = answered, .userdata = userdata};
    query->bus = sd_bus_ref(bus);
    query->message = sd_bus_message_ref(message);
    query->action = g_strdup(action);
    query->details = g_strdupv((char **)details);

    g_autofree char *match = g_strdup_printf("type='signal',sender='" BUS_NAME "',interface='" BUS_NAME
                                             "',member='NameOwnerChanged',arg0='%s'",
                                             sender);
    int r = sd_bus_add_match_async(bus, &query->sender_gone, match, on_sender_gone, on_match_added, query);
    if (r >= 0)
        r = sd_bus_call_method_async(bus, &query->call, BUS_NAME, "/org/freedesktop/DBus", BUS_NAME,
                                     "GetConnectionCredentials", on_credentials, query, "s", sender);
    if (r < 0) {
        query_free(query);
        return r;
    }
    if (ret)
        *ret = query;
    return 0;
}

int polkit_check(sd_bus *bus, sd_bus_message *message, const char *action, const char *const *details,
                 PolkitAnswer answered, void *userdata, PolkitQuery **ret)
{
    return check(bus, message, action, details, false, answered, userdata, ret);
}

int polkit_check_quietly(sd_bus *bus, sd_bus_message *message, const char *action, PolkitAnswer answered,
                         void *userdata, PolkitQuery **ret)
{
    return check(bus, message, action, NULL, true, answered, userdata, ret);
}

PolkitQuery *polkit_cancel(PolkitQuery *query)
{
    if (query) {
        withdraw(query);
        query_free(query);
    }
    return NULL;
}
