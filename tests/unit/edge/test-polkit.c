/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Against a mock of polkit's authority, as a test can ask nobody for a password. The caller is a process of
 * another user (root is not asked about), which calls Ask() on the daemon's connection. */
#include <sys/wait.h>

#include "../../../daemon/edge/host-services/polkit.h"
#include "../suite.h"
#include "loop.h"
#include "private-bus.h"

#define POLKIT_PATH "/org/freedesktop/PolicyKit1/Authority"
#define NOBODY 65534

typedef enum Verdict {
    VERDICT_ALLOWED,
    VERDICT_DENIED,
    VERDICT_CHALLENGE, /* a password would be needed, and nobody can be asked */
    VERDICT_ERROR,
    VERDICT_TIMEOUT, /* sd-bus reports the same after its timeout */
    VERDICT_NONSENSE,
    VERDICT_SILENCE,
} Verdict;

static sd_event *event;
static PrivateBus private;
static sd_bus *daemon_bus, *polkit_bus;
static Verdict verdict;
static char *asked, *cancelled; /* what polkit was asked, and which question was taken back */
static int questions, cancellations;
static PolkitQuery *query;
static pid_t caller;

static int calls, answers;
static bool allowed;
static Fault *denied;

static void on_answer(bool may, const Fault *why, void *userdata)
{
    answers++;
    allowed = may;
    denied = fault_free(denied);
    if (why)
        denied = fault_copy(why);
    query = NULL;
}

static int on_ask(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    static const char *const details[] = {"guest", "win10", NULL};

    calls++;
    ck_assert_int_eq(polkit_check(daemon_bus, m, "org.usher1.start-guest", details, on_answer, NULL, &query),
                     0);
    ck_assert_msg(answers == 0, "nothing is called back from within");
    return 1;
}

/* Notes the question as words: subject's kind and name (as whether it is the caller's), action, details,
 * flags. */
static void note_question(sd_bus_message *m, char **ret_id)
{
    const char *kind, *key, *name, *action, *detail, *value, *id;
    uint32_t flags;

    ck_assert_str_eq(sd_bus_message_get_signature(m, true), "(sa{sv})sa{ss}us");
    ck_assert_int_gt(sd_bus_message_read(m, "(sa{sv})s", &kind, 1, &key, "s", &name, &action), 0);
    ck_assert_int_gt(sd_bus_message_read(m, "a{ss}us", 1, &detail, &value, &flags, &id), 0);
    ck_assert_int_eq(name[0], ':');
    g_free(asked);
    asked = g_strdup_printf("%s %s %s %s=%s %u", kind, key, action, detail, value, flags);
    *ret_id = g_strdup(id);
    questions++;
}

static int on_check(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    g_autofree char *id = NULL;

    note_question(m, &id);
    switch (verdict) {
    case VERDICT_ALLOWED:
    case VERDICT_DENIED:
    case VERDICT_CHALLENGE:
        return sd_bus_reply_method_return(m, "(bba{ss})", verdict == VERDICT_ALLOWED,
                                          verdict == VERDICT_CHALLENGE, 0);
    case VERDICT_ERROR:
        return sd_bus_error_set(error, "org.freedesktop.PolicyKit1.Error.Failed", "Action is not registered");
    case VERDICT_TIMEOUT:
        return sd_bus_error_set(error, SD_BUS_ERROR_NO_REPLY, "Method call timed out");
    case VERDICT_NONSENSE:
        return sd_bus_reply_method_return(m, "s", "yes");
    default:
        return 1;
    }
}

static int on_cancel(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    const char *id;

    ck_assert_int_gt(sd_bus_message_read(m, "s", &id), 0);
    g_free(cancelled);
    cancelled = g_strdup(id);
    cancellations++;
    return sd_bus_reply_method_return(m, NULL);
}

static const sd_bus_vtable authority[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("CheckAuthorization", "(sa{sv})sa{ss}us", "(bba{ss})", on_check,
                  SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("CancelCheckAuthorization", "s", NULL, on_cancel, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static const sd_bus_vtable asking[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Ask", NULL, NULL, on_ask, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static void setup(void)
{
    calls = answers = questions = cancellations = 0;
    event = loop_new();
    private_bus_start(&private);
    daemon_bus = private_bus_connect(&private, event, "org.usher1");
    ck_assert_int_ge(sd_bus_add_object_vtable(daemon_bus, NULL, "/", "org.usher1.Test", asking, NULL), 0);
}

static void start_polkit(Verdict says)
{
    verdict = says;
    polkit_bus = private_bus_connect(&private, event, "org.freedesktop.PolicyKit1");
    ck_assert_int_ge(sd_bus_add_object_vtable(polkit_bus, NULL, POLKIT_PATH,
                                              "org.freedesktop.PolicyKit1.Authority", authority, NULL),
                     0);
}

/* The caller of user uid: asks, and waits for an answer that never comes. */
static void ask_as(uid_t uid, bool interactive)
{
    caller = fork();
    if (caller != 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* The parent's connections would stay open in here. */
    close_range(3, ~0U, 0);
    if (geteuid() == 0 && (setgid(uid) < 0 || setuid(uid) < 0))
        _exit(1);
    /* No assertion in here: it would go on with the next test in this process. */
    sd_bus *bus = NULL;
    if (sd_bus_new(&bus) < 0 || sd_bus_set_address(bus, private.address) < 0 ||
        sd_bus_set_bus_client(bus, true) < 0 || sd_bus_start(bus) < 0)
        _exit(1);
    sd_bus_set_allow_interactive_authorization(bus, interactive);
    sd_bus_call_method(bus, "org.usher1", "/", "org.usher1.Test", "Ask", NULL, NULL, NULL);
    for (;;)
        pause();
}

static void dismiss_caller(void)
{
    ck_assert_int_eq(kill(caller, SIGKILL), 0);
    ck_assert_int_eq(waitpid(caller, NULL, 0), caller);
    caller = 0;
}

static void teardown(void)
{
    if (caller)
        dismiss_caller();
    daemon_bus = sd_bus_flush_close_unref(daemon_bus);
    polkit_bus = sd_bus_flush_close_unref(polkit_bus);
    private_bus_stop(&private);
    event = sd_event_unref(event);
    denied = fault_free(denied);
    g_clear_pointer(&asked, g_free);
    g_clear_pointer(&cancelled, g_free);
}

static void assert_denied(const char *message)
{
    loop_until_count(event, &answers, 1);
    ck_assert(!allowed);
    ck_assert_ptr_nonnull(denied);
    ck_assert_int_eq(denied->kind, FAULT_NOT_AUTHORIZED);
    ck_assert_str_eq(denied->message, message);
}

START_TEST(who_polkit_allows_may)
{
    start_polkit(VERDICT_ALLOWED);
    ask_as(NOBODY, false);
    loop_until_count(event, &answers, 1);
    ck_assert(allowed);
    ck_assert_ptr_null(denied);
    ck_assert_str_eq(asked, "system-bus-name name org.usher1.start-guest guest=win10 0");
}
END_TEST

START_TEST(who_polkit_denies_may_not)
{
    start_polkit(VERDICT_DENIED);
    ask_as(NOBODY, false);
    assert_denied("not authorised for org.usher1.start-guest: polkit refuses");
    ck_assert_int_eq(cancellations, 0);
}
END_TEST

START_TEST(who_would_need_a_password_may_not)
{
    start_polkit(VERDICT_CHALLENGE);
    ask_as(NOBODY, false);
    assert_denied(
        "not authorised for org.usher1.start-guest: polkit wants a password, and cannot ask for one here");
}
END_TEST

START_TEST(who_may_be_asked_for_a_password_is)
{
    start_polkit(VERDICT_ALLOWED);
    ask_as(NOBODY, true);
    loop_until_count(event, &answers, 1);
    ck_assert(allowed);
    ck_assert_str_eq(asked, "system-bus-name name org.usher1.start-guest guest=win10 1");
}
END_TEST

START_TEST(an_error_of_polkits_is_a_no)
{
    start_polkit(VERDICT_ERROR);
    ask_as(NOBODY, false);
    assert_denied("not authorised for org.usher1.start-guest: polkit cannot say");
}
END_TEST

START_TEST(an_answer_that_cannot_be_read_is_a_no)
{
    start_polkit(VERDICT_NONSENSE);
    ask_as(NOBODY, false);
    loop_until_count(event, &answers, 1);
    ck_assert(!allowed);
    ck_assert_ptr_nonnull(denied);
}
END_TEST

START_TEST(no_answer_in_time_is_a_no_and_closes_the_dialog)
{
    start_polkit(VERDICT_TIMEOUT);
    ask_as(NOBODY, true);
    assert_denied("not authorised for org.usher1.start-guest: polkit gave no answer in time");
    loop_until_count(event, &cancellations, 1);
}
END_TEST

START_TEST(without_polkit_the_answer_is_no_and_says_so)
{
    ask_as(NOBODY, false);
    assert_denied("not authorised for org.usher1.start-guest: polkit is not running");
    ck_assert_ptr_nonnull(denied->remedy);
}
END_TEST

START_TEST(polkit_that_vanishes_over_a_question_is_a_no)
{
    start_polkit(VERDICT_SILENCE);
    ask_as(NOBODY, true);
    loop_until_count(event, &questions, 1);
    ck_assert_int_eq(answers, 0);
    polkit_bus = sd_bus_flush_close_unref(polkit_bus);
    loop_until_count(event, &answers, 1);
    ck_assert(!allowed);
}
END_TEST

START_TEST(a_caller_who_leaves_is_denied_and_the_dialog_closed)
{
    start_polkit(VERDICT_SILENCE);
    ask_as(NOBODY, true);
    loop_until_count(event, &questions, 1);
    dismiss_caller();
    assert_denied("not authorised for org.usher1.start-guest: the caller has left the bus");
    loop_until_count(event, &cancellations, 1);
    ck_assert_msg(g_str_has_prefix(cancelled, "usherd-"), "%s", cancelled);
    loop_settle(event);
    ck_assert_int_eq(answers, 1);
}
END_TEST

START_TEST(a_question_that_is_taken_back_is_not_answered)
{
    start_polkit(VERDICT_SILENCE);
    ask_as(NOBODY, true);
    loop_until_count(event, &questions, 1);
    query = polkit_cancel(query);
    loop_until_count(event, &cancellations, 1);
    dismiss_caller();
    loop_settle(event);
    ck_assert_int_eq(answers, 0);
    ck_assert_ptr_null(polkit_cancel(NULL));
}
END_TEST

START_TEST(a_question_can_be_taken_back_before_polkit_hears_of_it)
{
    start_polkit(VERDICT_ALLOWED);
    ask_as(NOBODY, false);
    loop_until_count(event, &calls, 1);
    query = polkit_cancel(query);
    dismiss_caller();
    loop_settle(event);
    ck_assert_int_eq(answers + questions + cancellations, 0);
}
END_TEST

START_TEST(root_may_without_polkit_being_asked)
{
    ck_assert_msg(geteuid() == 0, "this test program has to be run by root");
    start_polkit(VERDICT_DENIED);
    ask_as(0, false);
    loop_until_count(event, &answers, 1);
    ck_assert(allowed);
    ck_assert_int_eq(questions, 0);
}
END_TEST

SUITE_WITH("polkit", setup, teardown, who_polkit_allows_may, who_polkit_denies_may_not,
           who_would_need_a_password_may_not, who_may_be_asked_for_a_password_is, an_error_of_polkits_is_a_no,
           an_answer_that_cannot_be_read_is_a_no, no_answer_in_time_is_a_no_and_closes_the_dialog,
           without_polkit_the_answer_is_no_and_says_so, polkit_that_vanishes_over_a_question_is_a_no,
           a_caller_who_leaves_is_denied_and_the_dialog_closed, a_question_that_is_taken_back_is_not_answered,
           a_question_can_be_taken_back_before_polkit_hears_of_it, root_may_without_polkit_being_asked)
