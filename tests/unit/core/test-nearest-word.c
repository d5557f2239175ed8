/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "../../../daemon/core/definition/nearest-word.h"
#include "../suite.h"

static const char *nearest(const char *word)
{
    static const char *const known[] = {"Cores",      "Threads",     "Sockets", "Model",
                                        "virtio-blk", "virtio-scsi", "nvme"};
    NearestWord nearest_word = {.word = word};

    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        nearest_word_offer(&nearest_word, known[i]);
    return nearest_word.best;
}

START_TEST(one_slip_is_forgiven)
{
    ck_assert_pstr_eq(nearest("Coers"), "Cores");
    ck_assert_pstr_eq(nearest("Core"), "Cores");
    ck_assert_pstr_eq(nearest("Corres"), "Cores");
    ck_assert_pstr_eq(nearest("Gores"), "Cores");
    ck_assert_pstr_eq(nearest("nvem"), "nvme");
}
END_TEST

START_TEST(case_is_no_difference)
{
    ck_assert_pstr_eq(nearest("cores"), "Cores");
    ck_assert_pstr_eq(nearest("THREDAS"), "Threads");
}
END_TEST

START_TEST(the_beginning_of_a_word_is_near_it)
{
    ck_assert_pstr_eq(nearest("virtio"), "virtio-blk");
    ck_assert_pstr_eq(nearest("virtio-s"), "virtio-scsi");
    ck_assert_pstr_eq(nearest("Sock"), "Sockets");
}
END_TEST

START_TEST(the_nearer_of_two_wins_whatever_their_order)
{
    NearestWord forth = {.word = "abcd"}, back = {.word = "abcd"};
    nearest_word_offer(&forth, "abce");
    nearest_word_offer(&forth, "abcd");
    nearest_word_offer(&back, "abcd");
    nearest_word_offer(&back, "abce");
    ck_assert_str_eq(forth.best, "abcd");
    ck_assert_str_eq(back.best, "abcd");
}
END_TEST

START_TEST(what_is_far_from_all_has_no_nearest)
{
    ck_assert_ptr_null(nearest("Colour"));
    ck_assert_ptr_null(nearest("x"));
    ck_assert_ptr_null(nearest(""));
    ck_assert_ptr_null(nearest("Co"));
}
END_TEST

START_TEST(a_word_of_any_length_is_safe)
{
    g_autofree char *word = g_strnfill(100000, 'C');
    ck_assert_ptr_null(nearest(word));
    for (size_t length = 30; length < 60; length++) {
        NearestWord same = {.word = word + 100000 - length};
        nearest_word_offer(&same, word + 100000 - length + 1);
        ck_assert(same.best || length > 40);
    }
}
END_TEST

SUITE("nearest-word", one_slip_is_forgiven, case_is_no_difference, the_beginning_of_a_word_is_near_it,
      the_nearer_of_two_wins_whatever_their_order, what_is_far_from_all_has_no_nearest,
      a_word_of_any_length_is_safe)
