/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "../../../daemon/base/wire.h"
#include "../suite.h"

static void assert_round_trip(const char *const *words)
{
    g_autoptr(GByteArray) bytes = NULL;
    g_auto(GStrv) back = NULL;
    ck_assert_int_eq(wire_pack(words, &bytes), 0);
    ck_assert_int_eq(wire_unpack(bytes->data, bytes->len, &back), 0);
    ck_assert(g_strv_equal((const char *const *)back, words));
}

START_TEST(words_come_out_as_they_went_in)
{
    assert_round_trip((const char *[]){"hello", "bind", NULL});
    assert_round_trip((const char *[]){"step", "driver", "0000:01:00.0", "radeon", "", NULL});
    assert_round_trip((const char *[]){"done", "=", NULL});
    assert_round_trip((const char *[]){"", NULL});
    assert_round_trip((const char *[]){"", "", "", NULL});
    assert_round_trip((const char *[]){"a word with spaces\nand lines", "ümlaut", "\x01\xff", NULL});
}
END_TEST

START_TEST(the_bytes_are_the_words_each_with_its_nul)
{
    g_autoptr(GByteArray) bytes = NULL;
    ck_assert_int_eq(wire_pack((const char *[]){"ab", "", "c", NULL}, &bytes), 0);
    ck_assert_uint_eq(bytes->len, 6);
    ck_assert_mem_eq(bytes->data, "ab\0\0c", 6);
}
END_TEST

START_TEST(a_message_without_a_word_is_none)
{
    GByteArray *bytes = NULL;
    ck_assert_int_eq(wire_pack((const char *[]){NULL}, &bytes), -EINVAL);
    ck_assert_ptr_null(bytes);

    char **words = NULL;
    ck_assert_int_eq(wire_unpack("", 0, &words), -EBADMSG);
    ck_assert_ptr_null(words);
}
END_TEST

START_TEST(a_message_whose_last_word_does_not_end_is_refused)
{
    char **words = NULL;
    ck_assert_int_eq(wire_unpack("hello\0bind", 10, &words), -EBADMSG);
    ck_assert_int_eq(wire_unpack("x", 1, &words), -EBADMSG);
    ck_assert_ptr_null(words);
}
END_TEST

START_TEST(a_message_may_be_as_long_as_the_limit_and_no_longer)
{
    g_autofree char *word = g_malloc0(WIRE_MESSAGE_MAX + 2);
    memset(word, 'x', WIRE_MESSAGE_MAX - 1);
    assert_round_trip((const char *[]){word, NULL});

    GByteArray *bytes = NULL;
    ck_assert_int_eq(wire_pack((const char *[]){word, "", NULL}, &bytes), -E2BIG);
    word[WIRE_MESSAGE_MAX - 1] = 'x';
    ck_assert_int_eq(wire_pack((const char *[]){word, NULL}, &bytes), -E2BIG);
    ck_assert_ptr_null(bytes);

    char **words = NULL;
    ck_assert_int_eq(wire_unpack(word, WIRE_MESSAGE_MAX + 1, &words), -EBADMSG);
    ck_assert_ptr_null(words);
}
END_TEST

START_TEST(any_cut_of_a_message_is_refused_or_has_fewer_words)
{
    static const char message[] = "step\0override\0"
                                  "0000:01:00.0\0\0vfio-pci";
    for (size_t size = 1; size <= sizeof(message); size++) {
        g_auto(GStrv) words = NULL;
        int r = wire_unpack(message, size, &words);
        ck_assert_int_eq(r, message[size - 1] == '\0' ? 0 : -EBADMSG);
        if (r == 0)
            ck_assert_int_eq(g_strv_length(words) == 5, size == sizeof(message));
    }
}
END_TEST

SUITE("wire", words_come_out_as_they_went_in, the_bytes_are_the_words_each_with_its_nul,
      a_message_without_a_word_is_none, a_message_whose_last_word_does_not_end_is_refused,
      a_message_may_be_as_long_as_the_limit_and_no_longer, any_cut_of_a_message_is_refused_or_has_fewer_words)
