/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <time.h>

#include "../base/cleanup.h"
#include "../base/log.h"
#include "callers.h"

#define BUS_NAME "org.freedesktop.DBus"
#define ROOT 0u

/* The bus lets a user have 256 connections and all together 2048 (max_connections_per_user,
 * max_completed_connections, dbus-daemon(1)). */
#define CALLERS_MAX 4096

/* Half of what was spent is forgotten in about this time. */
#define FADE_USEC (500.0 * 1000)
/* Everybody may have spent this much lately (faded as above), whoever else waits. */
#define FREE_USEC (50.0 * 1000)
#define FREE_UNKNOWN_USEC (2.0 * 1000)
/* How many calls of one user may come in a row while others wait. A user who waits for each answer before the
 * next call makes a row of one, however much he asks; one who sends without waiting makes long rows. */
#define ROW_MAX 2

/* What a user, or a connection while its user is unknown, has cost and has under way. */
typedef struct Account {
    double spent; /* microseconds of CPU time, faded */
    gint64 faded; /* when, monotonic */
    unsigned due[CALLER_DUE_MAX];
    unsigned callers;
} Account;

struct Caller {
    Callers *callers;
    char *name;
    Account own;
    Account *user;                  /* NULL: not known yet */
    uint32_t uid;                   /* whose that is */
    GPtrArray *due[CALLER_DUE_MAX]; /* borrowed from who takes them */
    sd_bus_slot *question;
};

struct Callers {
    sd_bus *bus;
    CallerLeft left;
    void *userdata;
    GHashTable *names;   /* → Caller, owned */
    GHashTable *users;   /* uid → Account, owned */
    sd_bus_slot *losses; /* tells of names that have gone, while there are callers */
    sd_event_source *turn;
    Account *charged; /* who pays for the current work; NULL: the next caller, whose call is being read */
    gint64 charged_since;
    const Account *last; /* who called last */
    unsigned row;        /* and how often in a row */
};

static gint64 cpu_usec(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return used.tv_sec * G_USEC_PER_SEC + used.tv_nsec / 1000;
}

static double faded(Account *account)
{
    gint64 now = g_get_monotonic_time();

    account->spent *= FADE_USEC / (FADE_USEC + (now - account->faded));
    account->faded = now;
    return account->spent;
}

static void charge(Callers *callers, Account *next)
{
    gint64 now = cpu_usec();
    Account *payer = callers->charged ?: next;

    if (payer) {
        faded(payer);
        payer->spent += now - callers->charged_since;
    }
    callers->charged = next;
    callers->charged_since = now;
}

/* Runs before each turn of the loop: the user who was answered last pays neither for reading the next call,
 * which may be long, nor for the loop's other work. */
static int on_turn(sd_event_source *source, void *userdata)
{
    charge(userdata, NULL);
    return 0;
}

static int on_never(sd_event_source *source, uint64_t usec, void *userdata)
{
    return 0;
}

static Account *account_of(Caller *caller)
{
    return caller->user ?: &caller->own;
}

static bool is_root(const Caller *caller)
{
    return caller->user && caller->uid == ROOT;
}

DEFINE_ELEMENT_FREE(Caller, caller_free, caller)
{
    Callers *callers = caller->callers;

    if (callers->charged == &caller->own)
        charge(callers, NULL);
    if (callers->last == &caller->own)
        callers->last = NULL;
    for (CallerDue kind = 0; kind < CALLER_DUE_MAX; kind++)
        while (caller->due[kind]->len > 0) {
            void *due = g_ptr_array_index(caller->due[kind], 0);
            caller_done(caller, kind, due);
            callers->left(kind, due, callers->userdata);
        }
    if (caller->user)
        caller->user->callers--;
    for (CallerDue kind = 0; kind < CALLER_DUE_MAX; kind++)
        g_ptr_array_unref(caller->due[kind]);
    sd_bus_slot_unref(caller->question);
    g_free(caller->name);
}

static void forget(Callers *callers, const char *name)
{
    g_hash_table_remove(callers->names, name);
    if (g_hash_table_size(callers->names) == 0)
        callers->losses = sd_bus_slot_unref(callers->losses);
}

static int on_loss(sd_bus_message *signal, void *userdata, sd_bus_error *error)
{
    Callers *callers = userdata;
    const char *name, *old_owner, *new_owner;

    if (sd_bus_message_read(signal, "sss", &name, &old_owner, &new_owner) >= 0 && !*new_owner)
        forget(callers, name);
    return 0;
}

/* Users who have gone are remembered until what they cost is forgotten: a new connection makes nobody new. */
static gboolean is_forgotten(gpointer key, gpointer value, gpointer userdata)
{
    Account *account = value;
    const Callers *callers = userdata;

    return account->callers == 0 && account != callers->charged && account != callers->last &&
           faded(account) < 1;
}

static Account *find_user(Callers *callers, uint32_t uid)
{
    Account *account = g_hash_table_lookup(callers->users, GUINT_TO_POINTER(uid));

    if (account)
        return account;
    g_hash_table_foreach_remove(callers->users, is_forgotten, callers);
    account = g_new0(Account, 1);
    account->faded = g_get_monotonic_time();
    g_hash_table_insert(callers->users, GUINT_TO_POINTER(uid), account);
    return account;
}

static void know(Caller *caller, uint32_t uid)
{
    Account *user = find_user(caller->callers, uid);

    if (caller->callers->charged == &caller->own)
        charge(caller->callers, user);
    faded(user);
    user->spent += faded(&caller->own);
    user->callers++;
    for (CallerDue kind = 0; kind < CALLER_DUE_MAX; kind++)
        user->due[kind] += caller->own.due[kind];
    caller->user = user;
    caller->uid = uid;
}

static int on_user(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    Caller *caller = userdata;
    uint32_t uid;

    caller->question = sd_bus_slot_unref(caller->question);
    if (sd_bus_message_is_method_error(reply, NULL) || sd_bus_message_read(reply, "u", &uid) < 0)
        forget(caller->callers, caller->name);
    else
        know(caller, uid);
    return 0;
}

/* Not sd_bus_query_sender_creds(3), which waits for the answer. One rule for all, as the bus has 512 for each
 * connection (max_match_rules_per_connection); before the question, so that a caller who has left by then is
 * not kept. */
static int introduce(Caller *caller)
{
    Callers *callers = caller->callers;
    int r = 0;

    if (!callers->losses)
        r = sd_bus_add_match_async(callers->bus, &callers->losses,
                                   "type='signal',sender='" BUS_NAME "',interface='" BUS_NAME
                                   "',member='NameOwnerChanged',arg2=''",
                                   on_loss, NULL, callers);
    return r < 0 ? r
                 : sd_bus_call_method_async(callers->bus, &caller->question, BUS_NAME,
                                            "/org/freedesktop/DBus", BUS_NAME, "GetConnectionUnixUser",
                                            on_user, caller, "s", caller->name);
}

Caller *callers_find(Callers *callers, sd_bus_message *call)
{
    const char *name = sd_bus_message_get_sender(call);
    Caller *caller = name ? g_hash_table_lookup(callers->names, name) : NULL;

    if (caller || !name || g_hash_table_size(callers->names) >= CALLERS_MAX)
        return caller;
    caller = g_new0(Caller, 1);
    *caller = (Caller){.callers = callers, .name = g_strdup(name), .own.faded = g_get_monotonic_time()};
    for (CallerDue kind = 0; kind < CALLER_DUE_MAX; kind++)
        caller->due[kind] = g_ptr_array_new();
    g_hash_table_insert(callers->names, caller->name, caller);
    int r = introduce(caller);
    if (r < 0) {
        log_warning("cannot ask the bus who calls: %s", g_strerror(-r));
        forget(callers, name);
        return NULL;
    }
    return caller;
}

static bool is_heaviest(Callers *callers, const Account *account)
{
    GHashTableIter iter;
    Account *other;

    g_hash_table_iter_init(&iter, callers->users);
    while (g_hash_table_iter_next(&iter, NULL, (void **)&other))
        if (other != account && faded(other) > account->spent)
            return false;
    return true;
}

/* Calls after which nothing else was waiting make no row: their caller kept nobody waiting. */
static unsigned count_row(Callers *callers, const Account *account, bool others_wait)
{
    callers->row = !others_wait ? 0 : callers->last == account ? callers->row + 1 : 1;
    callers->last = account;
    return callers->row;
}

void caller_pass(Caller *caller)
{
    count_row(caller->callers, account_of(caller), true);
}

bool caller_begin(Caller *caller, bool others_wait)
{
    Account *account = account_of(caller);
    unsigned row = count_row(caller->callers, account, others_wait);

    charge(caller->callers, account);
    if (is_root(caller) || !others_wait || row <= ROW_MAX)
        return true;
    if (!caller->user)
        return faded(account) < FREE_UNKNOWN_USEC;
    return faded(account) < FREE_USEC || !is_heaviest(caller->callers, account);
}

CallerKnown caller_known(const Caller *caller, uint32_t *ret_uid)
{
    *ret_uid = caller->uid;
    return is_root(caller) ? CALLER_ROOT : caller->user ? CALLER_USER : CALLER_UNKNOWN;
}

bool caller_take(Caller *caller, CallerDue kind, void *due, unsigned *ret_most)
{
    static const struct {
        unsigned user, root;
    } most[] = {[CALLER_QUESTION] = {8, 64}, [CALLER_RIGHT] = {8, 64}, [CALLER_ASKING] = {4, 64}};
    Account *account = account_of(caller);

    *ret_most = is_root(caller) ? most[kind].root : most[kind].user;
    if (account->due[kind] >= *ret_most)
        return false;
    account->due[kind]++;
    g_ptr_array_add(caller->due[kind], due);
    return true;
}

void caller_done(Caller *caller, CallerDue kind, void *due)
{
    if (g_ptr_array_remove_fast(caller->due[kind], due))
        account_of(caller)->due[kind]--;
}

Callers *callers_new(sd_bus *bus, CallerLeft left, void *userdata)
{
    Callers *callers = g_new0(Callers, 1);

    *callers = (Callers){.bus = bus, .left = left, .userdata = userdata};
    callers->names = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, caller_free);
    callers->users = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
    /* The timer never fires; only its preparation before each turn counts. */
    if (sd_event_add_time(sd_bus_get_event(bus), &callers->turn, CLOCK_MONOTONIC, UINT64_MAX, 0, on_never,
                          callers) < 0 ||
        sd_event_source_set_prepare(callers->turn, on_turn) < 0)
        g_error("out of memory");
    return callers;
}

DEFINE_FREE(Callers, callers_free, callers)
{
    sd_event_source_disable_unref(callers->turn);
    sd_bus_slot_unref(callers->losses);
    g_hash_table_destroy(callers->names);
    g_hash_table_destroy(callers->users);
}
