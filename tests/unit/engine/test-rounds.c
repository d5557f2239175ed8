/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../../../daemon/engine/guest/rounds.h"

#include <glib.h>

#include "../suite.h"

/* Looks at things one by one, and notes them as "begin 0 1 …". */
typedef struct Look {
    GString *words;
    bool refuses;
    int slow; /* the one that takes a while; -1: none */
} Look;

static bool on_begin(void *userdata)
{
    Look *look = userdata;

    if (!look->refuses)
        g_string_append(look->words, "begin ");
    return !look->refuses;
}

static bool on_look(unsigned index, void *userdata)
{
    Look *look = userdata;

    g_string_append_printf(look->words, "%u ", index);
    return (int)index == look->slow;
}

static const RoundsHandler handler = {on_begin, on_look};

static void look_free(Look *look)
{
    g_string_free(look->words, TRUE);
}

#define A_LOOK(name, at)                                                                                     \
    __attribute__((cleanup(look_free))) Look name = {.words = g_string_new(NULL), .slow = (at)};             \
    Rounds rounds = {.handler = &handler, .userdata = &name, .n = 3}

START_TEST(a_round_looks_at_all)
{
    A_LOOK(look, -1);
    rounds_ask(&rounds);
    ck_assert_str_eq(look.words->str, "begin 0 1 2 ");
    rounds_ask(&rounds);
    ck_assert_str_eq(look.words->str, "begin 0 1 2 begin 0 1 2 ");
}
END_TEST

START_TEST(what_takes_a_while_holds_up_those_behind_it)
{
    A_LOOK(look, 1);
    rounds_ask(&rounds);
    ck_assert_str_eq(look.words->str, "begin 0 1 ");
    ck_assert_uint_eq(rounds.index, 1);
    rounds_go_on(&rounds);
    ck_assert_str_eq(look.words->str, "begin 0 1 2 ");
}
END_TEST

START_TEST(rounds_that_are_asked_for_meanwhile_are_one_more)
{
    A_LOOK(look, 1);
    rounds_ask(&rounds);
    rounds_ask(&rounds);
    rounds_ask(&rounds);
    ck_assert_str_eq(look.words->str, "begin 0 1 ");
    look.slow = -1;
    rounds_go_on(&rounds);
    ck_assert_str_eq(look.words->str, "begin 0 1 2 begin 0 1 2 ");
}
END_TEST

START_TEST(a_round_that_cannot_begin_is_forgotten)
{
    A_LOOK(look, -1);
    look.refuses = true;
    rounds_ask(&rounds);
    ck_assert_str_eq(look.words->str, "");
    look.refuses = false;
    rounds_ask(&rounds);
    ck_assert_str_eq(look.words->str, "begin 0 1 2 ");
}
END_TEST

SUITE("rounds", a_round_looks_at_all, what_takes_a_while_holds_up_those_behind_it,
      rounds_that_are_asked_for_meanwhile_are_one_more, a_round_that_cannot_begin_is_forgotten)
