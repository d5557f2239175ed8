/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../../../daemon/core/record/run-state.h"

#include <string.h>

#include "../suite.h"
#include "a-qemu.h"

START_TEST(only_what_runs_hears_and_only_what_is_held_may_go_on)
{
    static const struct {
        const char *status, *word;
        bool hears, may_go_on;
    } cases[] = {
        {"running", "", true, false},
        {"paused", "", false, true},
        {"suspended", "suspended", false, false},
        {"guest-panicked", "panicked", false, false},
        {"watchdog", "watchdog", false, true},
        {"io-error", "io-error", false, true},
        {"internal-error", "internal-error", false, false},
        {"debug", "debug", false, true},
        {"prelaunch", "prelaunch", false, false},
        {"inmigrate", "inmigrate", false, false},
        {"shutdown", "shutdown", false, false},
        /* Its disks are another's. */
        {"postmigrate", "postmigrate", false, false},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        RunState run = run_state_read(cases[i].status);
        ck_assert_str_eq(run.word, cases[i].word);
        ck_assert_msg(run_state_hears(run) == cases[i].hears, "%s", cases[i].status);
        ck_assert_msg(run_state_may_go_on(run) == cases[i].may_go_on, "%s", cases[i].status);
    }
}
END_TEST

START_TEST(what_a_newer_qemu_says_is_shown_as_it_is_and_not_counted_upon)
{
    RunState run = run_state_read("napping");
    ck_assert_int_eq(run.kind, RUN_UNKNOWN);
    ck_assert_str_eq(run.word, "napping");
    /* It may hear, so it is asked; but usher may not be the one to let it go on. */
    ck_assert(run_state_hears(run));
    ck_assert(!run_state_may_go_on(run));
}
END_TEST

START_TEST(a_qemu_that_was_broken_out_of_says_nothing_odd)
{
    g_autofree char *long_word = g_strnfill(100000, 'a');

    ck_assert_uint_eq(strlen(run_state_read(long_word).word), RUN_WORD_MAX - 1);
    ck_assert_str_eq(run_state_read("a\n\x1b[31m\xc3\xa9").word, "a---31m--");
    ck_assert_str_eq(run_state_read("").word, "unknown");
    ck_assert_str_eq(run_state_read(NULL).word, "unknown");
}
END_TEST

START_TEST(a_button_is_deaf_until_its_bit_is_set)
{
    ck_assert(run_button_is_deaf("portw[0x0602] = 0x0000\r\n"));
    ck_assert(run_button_is_deaf("portw[0x0602] = 0x0020\r\n"));
    ck_assert(!run_button_is_deaf("portw[0x0602] = 0x0120\r\n"));
    /* No firmware has been there yet. */
    ck_assert(run_button_is_deaf("portw[0x0602] = 0xffff\r\n"));
    /* If nobody knows, usher does not wait. */
    ck_assert(!run_button_is_deaf(""));
    ck_assert(!run_button_is_deaf("unknown command: 'i'"));
}
END_TEST

static struct json_object *member(struct json_object *object, const char *name)
{
    return json_object_object_get(object, name);
}

/* The entry of query-qmp-schema whose field has that value. */
static struct json_object *entry(struct json_object *schema, const char *name)
{
    for (size_t i = 0; i < json_object_array_length(schema); i++) {
        struct json_object *object = json_object_array_get_idx(schema, i);
        if (g_strcmp0(json_object_get_string(member(object, "name")), name) == 0)
            return object;
    }
    return NULL;
}

static const char *type_of(struct json_object *members, const char *name)
{
    for (size_t i = 0; i < json_object_array_length(members); i++) {
        struct json_object *object = json_object_array_get_idx(members, i);
        if (g_str_equal(json_object_get_string(member(object, "name")), name))
            return json_object_get_string(member(object, "type"));
    }
    return NULL;
}

static void no_file(const QemuFile *file, const char *path)
{
}

START_TEST(every_state_that_this_qemu_knows_is_known_here)
{
    g_autoptr(GuestDefinition) definition = a_definition("[CPU]\nAccelerator=tcg\n[Memory]\nSize=64M\n");
    g_autoptr(QemuCommand) command = a_command_for(definition);
    Qemu *qemu = qemu_start(command, no_file, NULL);
    qemu_negotiate(qemu);
    struct json_object *schema = qemu_ask(qemu, "query-qmp-schema", NULL);
    const char *result = json_object_get_string(member(entry(schema, "query-status"), "ret-type"));
    struct json_object *values =
        member(entry(schema, type_of(member(entry(schema, result), "members"), "status")), "values");

    ck_assert_uint_ge(json_object_array_length(values), 16);
    for (size_t i = 0; i < json_object_array_length(values); i++) {
        const char *status = json_object_get_string(json_object_array_get_idx(values, i));
        ck_assert_msg(run_state_read(status).kind != RUN_UNKNOWN, "RunState %s is not known", status);
    }
    json_object_put(schema);
    qemu_do(qemu, "quit");
    qemu_end(qemu, NULL);
}
END_TEST

START_TEST(this_qemu_tells_whether_the_button_is_heard)
{
    g_autoptr(GuestDefinition) definition = a_definition("[CPU]\nAccelerator=tcg\n[Memory]\nSize=64M\n");
    g_autoptr(QemuCommand) command = a_command_for(definition);
    Qemu *qemu = qemu_start(command, no_file, NULL);
    qemu_negotiate(qemu);
    struct json_object *arguments = json_object_new_object();
    json_object_object_add(arguments, "command-line", json_object_new_string(RUN_BUTTON_QUESTION));
    struct json_object *words = qemu_ask(qemu, "human-monitor-command", arguments);

    /* Its firmware has not run. */
    ck_assert_msg(run_button_is_deaf(json_object_get_string(words)), "%s", json_object_get_string(words));
    json_object_put(words);
    qemu_do(qemu, "quit");
    qemu_end(qemu, NULL);
}
END_TEST

SUITE("run-state", only_what_runs_hears_and_only_what_is_held_may_go_on,
      what_a_newer_qemu_says_is_shown_as_it_is_and_not_counted_upon,
      a_qemu_that_was_broken_out_of_says_nothing_odd, a_button_is_deaf_until_its_bit_is_set,
      every_state_that_this_qemu_knows_is_known_here, this_qemu_tells_whether_the_button_is_heard)
