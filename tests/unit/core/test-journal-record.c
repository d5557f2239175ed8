/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../../daemon/core/record/journal-record.h"
#include "../suite.h"

static void assert_same_step(const Step *a, const Step *b)
{
    ck_assert_int_eq(a->kind, b->kind);
    ck_assert_str_eq(a->subject, b->subject);
    ck_assert_str_eq(a->before, b->before);
    ck_assert_str_eq(a->after, b->after);
}

static void assert_round_trip(JournalMark mark, unsigned number, const Step *step)
{
    g_autofree char *line = journal_record_to_line(mark, number, step);
    size_t size = strlen(line);
    ck_assert_ptr_eq(strchr(line, '\n'), line + size - 1);

    line[size - 1] = '\0';
    JournalRecord *record;
    ck_assert_int_eq(journal_record_from_line(line, &record), 0);
    ck_assert_int_eq(record->mark, mark);
    ck_assert_uint_eq(record->number, number);
    assert_same_step(record->step, step);
    journal_record_free(record);
}

START_TEST(a_record_comes_back_as_it_was_written)
{
    static const char *const values[] = {"",    "-",  "--",         "%",      "%2D", " ",
                                         "a b", "\n", "\t\x7f\x01", "radeon", "0:0", "grün"};

    for (int mark = 0; mark < JOURNAL_MARK_MAX; mark++)
        for (int kind = 0; kind < STEP_KIND_MAX; kind++)
            for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
                g_autoptr(Step) step =
                    step_new(kind, "0000:01:00.0", values[i], values[(i + 1) % G_N_ELEMENTS(values)]);
                assert_round_trip(mark, i * 1000, step);
            }
    g_autoptr(Step) last = step_new(STEP_DRIVER, "", "", "");
    assert_round_trip(JOURNAL_DONE, G_MAXUINT, last);
}
END_TEST

/* The check sum was calculated by another program (zlib's crc32), so that old journals stay readable. */
START_TEST(a_record_looks_as_it_always_has)
{
    g_autoptr(Step) step = step_new(STEP_DRIVER, "0000:01:00.0", "radeon", "");
    g_autofree char *line = journal_record_to_line(JOURNAL_BEGIN, 3, step);
    ck_assert_str_eq(line, "begin 3 driver 0000:01:00.0 radeon - b43018d2\n");
}
END_TEST

START_TEST(a_second_spelling_of_a_record_is_not_believed)
{
    /* Each with the right check sum. */
    static const char *const lines[] = {
        "begin 03 driver 0000:01:00.0 radeon - 3a30b428",
        "begin +3 driver 0000:01:00.0 radeon - b05946c3",
        "begin 3 driver 0000:01:00.0 radeon  34cc95f7",
        "begin 3 driver 0000:01:00.0 %72adeon - a0da206c",
        "begin 3 driver 0000:01:00.0 ra%2don - 0c85fe69",
        "begin 3 driver 0000:01:00.0 ra% - 2a1d2529",
        "begin 3 driver 0000:01:00.0 ra%00 - da276c25",
        "begin 3 driver 0000:01:00.0 ra%7f - 2fc1069e",
        "begin 3 driver 0000:01:00.0  radeon - f5e63261",
        "begin 3 driver 0000:01:00.0 radeon ad267b6f",
        "begin 3 driver 0000:01:00.0 radeon - - 31e0e1d3",
        "BEGIN 3 driver 0000:01:00.0 radeon - 2b0ebd0c",
        "ended 3 driver 0000:01:00.0 radeon - a86eaca9",
        "begin 3 erase 0000:01:00.0 radeon - a9edf5ac",
        "begin 4294967296 driver 0000:01:00.0 radeon - 4117882a",
        "begin -1 driver 0000:01:00.0 radeon - eec8f235",
        " 00000000",
        "begin 3 driver 0000:01:00.0 radeon - B43018D2",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        JournalRecord *record = NULL;
        ck_assert_msg(journal_record_from_line(lines[i], &record) == -EBADMSG, "%s was believed", lines[i]);
        ck_assert_ptr_null(record);
    }
}
END_TEST

START_TEST(every_flipped_bit_is_noticed)
{
    g_autoptr(Step) step = step_new(STEP_OVERRIDE, "0000:01:00.0", "", "vfio-pci");
    g_autofree char *line = journal_record_to_line(JOURNAL_DONE, 41, step);
    size_t size = strlen(line) - 1;
    line[size] = '\0';

    for (size_t bit = 0; bit < size * 8; bit++) {
        JournalRecord *record = NULL;
        line[bit / 8] ^= 1 << bit % 8;
        ck_assert_msg(journal_record_from_line(line, &record) == -EBADMSG, "bit %zu", bit);
        line[bit / 8] ^= 1 << bit % 8;
    }
}
END_TEST

START_TEST(every_torn_line_is_noticed)
{
    g_autoptr(Step) step = step_new(STEP_OVERRIDE, "0000:01:00.0", "", "vfio-pci");
    g_autofree char *line = journal_record_to_line(JOURNAL_DONE, 41, step);

    for (size_t size = 0; size < strlen(line) - 1; size++) {
        g_autofree char *torn = g_strndup(line, size);
        JournalRecord *record = NULL;
        ck_assert_int_eq(journal_record_from_line(torn, &record), -EBADMSG);
        ck_assert_ptr_null(record);
    }
    ck_assert_ptr_null(journal_record_free(NULL));
}
END_TEST

/* A journal of three steps, of which the last was undone, then begun anew as number 3 and not finished. */
static GString *a_journal(void)
{
    GString *text = g_string_new(NULL);
    static const struct {
        JournalMark mark;
        unsigned number;
    } marks[] = {
        {JOURNAL_BEGIN, 0}, {JOURNAL_DONE, 0},   {JOURNAL_BEGIN, 1}, {JOURNAL_DONE, 1},
        {JOURNAL_BEGIN, 2}, {JOURNAL_UNDONE, 2}, {JOURNAL_BEGIN, 3},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(marks); i++) {
        g_autofree char *subject = g_strdup_printf("0000:01:00.%u", marks[i].number);
        g_autoptr(Step) step = step_new(STEP_DRIVER, subject, "radeon", "");
        g_autofree char *line = journal_record_to_line(marks[i].mark, marks[i].number, step);
        g_string_append(text, line);
    }
    return text;
}

static const JournalOpen *standing(const GPtrArray *open, unsigned number)
{
    for (unsigned i = 0; i < open->len; i++) {
        const JournalOpen *o = g_ptr_array_index(open, i);
        if (o->number == number)
            return o;
    }
    return NULL;
}

START_TEST(a_journal_leaves_standing_what_was_not_undone)
{
    g_autoptr(GString) text = a_journal();
    unsigned bad = 99;
    g_autoptr(GPtrArray) open = journal_replay(text->str, text->len, &bad);
    ck_assert_uint_eq(bad, 0);
    ck_assert_uint_eq(open->len, 3);

    static const unsigned numbers[] = {0, 1, 3};
    for (unsigned i = 0; i < 3; i++) {
        const JournalOpen *o = g_ptr_array_index(open, i);
        g_autofree char *subject = g_strdup_printf("0000:01:00.%u", numbers[i]);
        ck_assert_uint_eq(o->number, numbers[i]);
        ck_assert_str_eq(o->step->subject, subject);
        ck_assert_str_eq(o->step->before, "radeon");
        ck_assert_int_eq(o->certain, numbers[i] != 3);
    }
}
END_TEST

START_TEST(an_empty_journal_leaves_nothing)
{
    unsigned bad = 99;
    g_autoptr(GPtrArray) open = journal_replay("", 0, &bad);
    ck_assert_uint_eq(open->len, 0);
    ck_assert_uint_eq(bad, 0);

    g_autoptr(GPtrArray) blank = journal_replay("\n\n", 2, &bad);
    ck_assert_uint_eq(blank->len, 0);
    ck_assert_uint_eq(bad, 0);
}
END_TEST

/* A journal that is cut at any byte tells the same as its whole records: nobody acted upon the torn one. */
START_TEST(a_torn_tail_takes_no_other_record_with_it)
{
    g_autoptr(GString) text = a_journal();

    for (size_t size = 0; size <= text->len; size++) {
        size_t whole = size;
        while (whole > 0 && text->str[whole - 1] != '\n')
            whole--;
        /* A record that only lacks its newline is whole. */
        if (text->str[size] == '\n')
            whole = size;
        unsigned bad, none;
        g_autoptr(GPtrArray) open = journal_replay(text->str, size, &bad);
        g_autoptr(GPtrArray) expected = journal_replay(text->str, whole, &none);
        ck_assert_uint_eq(bad, size != whole);
        ck_assert_uint_eq(none, 0);
        ck_assert_uint_eq(open->len, expected->len);
        for (unsigned i = 0; i < open->len; i++) {
            const JournalOpen *a = g_ptr_array_index(open, i), *b = g_ptr_array_index(expected, i);
            ck_assert_uint_eq(a->number, b->number);
            ck_assert_int_eq(a->certain, b->certain);
            assert_same_step(a->step, b->step);
        }
    }
}
END_TEST

/* Flips any bit of the file, newlines included: the damage is counted, and no step with a second record is
 * lost. */
START_TEST(a_flipped_bit_is_counted_and_hides_no_step_that_was_done)
{
    g_autoptr(GString) text = a_journal();

    for (size_t bit = 0; bit < text->len * 8; bit++) {
        text->str[bit / 8] ^= 1 << bit % 8;
        unsigned bad;
        g_autoptr(GPtrArray) open = journal_replay(text->str, text->len, &bad);
        text->str[bit / 8] ^= 1 << bit % 8;

        ck_assert_msg(bad > 0, "bit %zu", bit);
        for (unsigned number = 0; number < 2; number++) {
            const JournalOpen *o = standing(open, number);
            ck_assert_msg(o, "bit %zu hid step %u", bit, number);
            g_autofree char *subject = g_strdup_printf("0000:01:00.%u", number);
            ck_assert_str_eq(o->step->subject, subject);
            ck_assert_str_eq(o->step->before, "radeon");
            ck_assert_str_eq(o->step->after, "");
        }
        ck_assert_uint_le(open->len, 4);
    }
}
END_TEST

START_TEST(a_damaged_newline_costs_no_record)
{
    g_autoptr(GString) text = a_journal();

    for (size_t i = 0; i < text->len; i++) {
        if (text->str[i] != '\n')
            continue;
        text->str[i] = 'J';
        unsigned bad;
        g_autoptr(GPtrArray) open = journal_replay(text->str, text->len, &bad);
        text->str[i] = '\n';
        ck_assert_uint_eq(bad, 1);
        ck_assert_uint_eq(open->len, 3);
        ck_assert_ptr_nonnull(standing(open, 3));
    }
}
END_TEST

START_TEST(a_nul_byte_behind_a_record_is_damage)
{
    g_autoptr(GString) text = a_journal();
    g_string_insert_len(text, text->len - 1, "\0 and more", 10);
    unsigned bad;
    g_autoptr(GPtrArray) open = journal_replay(text->str, text->len, &bad);
    ck_assert_uint_gt(bad, 0);
    ck_assert_uint_eq(open->len, 3);
}
END_TEST

START_TEST(each_record_tells_its_step_without_the_others)
{
    g_autoptr(Step) step = step_new(STEP_OVERRIDE, "0000:01:00.0", "", "vfio-pci");
    unsigned bad;

    g_autofree char *done = journal_record_to_line(JOURNAL_DONE, 7, step);
    g_autoptr(GPtrArray) without_begin = journal_replay(done, strlen(done), &bad);
    ck_assert_uint_eq(without_begin->len, 1);
    ck_assert(standing(without_begin, 7)->certain);

    g_autofree char *undone = journal_record_to_line(JOURNAL_UNDONE, 7, step);
    g_autoptr(GPtrArray) only_undone = journal_replay(undone, strlen(undone), &bad);
    ck_assert_uint_eq(only_undone->len, 0);
    ck_assert_uint_eq(bad, 0);
}
END_TEST

START_TEST(numbers_decide_the_order_of_steps)
{
    g_autoptr(Step) step = step_new(STEP_DRIVER, "0000:01:00.0", "radeon", "");
    g_autoptr(GString) text = g_string_new(NULL);
    static const unsigned numbers[] = {300, 2, 10, 0, 1};
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        g_autofree char *line = journal_record_to_line(JOURNAL_DONE, numbers[i], step);
        g_string_append(text, line);
    }
    unsigned bad;
    g_autoptr(GPtrArray) open = journal_replay(text->str, text->len, &bad);
    ck_assert_uint_eq(open->len, 5);
    for (unsigned i = 1; i < open->len; i++) {
        const JournalOpen *a = g_ptr_array_index(open, i - 1), *b = g_ptr_array_index(open, i);
        ck_assert_uint_lt(a->number, b->number);
    }
}
END_TEST

START_TEST(numbers_go_on_after_the_highest_even_of_what_was_undone)
{
    g_autoptr(GString) text = a_journal();
    ck_assert_uint_eq(journal_replay_next(text->str, text->len), 4);
    ck_assert_uint_eq(journal_replay_next("", 0), 0);

    g_autoptr(Step) step = step_new(STEP_DRIVER, "0000:01:00.0", "radeon", "");
    g_autofree char *line = journal_record_to_line(JOURNAL_UNDONE, 17, step);
    g_string_append(text, line);
    ck_assert_uint_eq(journal_replay_next(text->str, text->len), 18);
    g_autofree char *lower = journal_record_to_line(JOURNAL_UNDONE, 5, step);
    g_string_append(text, lower);
    ck_assert_uint_eq(journal_replay_next(text->str, text->len), 18);
}
END_TEST

START_TEST(rubbish_is_counted_and_survived)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);
    g_autoptr(GString) text = a_journal();
    gsize good = text->len;
    g_string_append_c(text, '\n');
    for (unsigned i = 0; i < 20000; i++)
        g_string_append_c(text, g_rand_int_range(rand, 0, 256));

    unsigned bad;
    g_autoptr(GPtrArray) open = journal_replay(text->str, text->len, &bad);
    ck_assert_uint_gt(bad, 0);
    ck_assert_uint_eq(open->len, 3);
    g_autoptr(GPtrArray) same = journal_replay(text->str, good, &bad);
    ck_assert_uint_eq(bad, 0);
    ck_assert_uint_eq(same->len, open->len);
}
END_TEST

SUITE("journal-record", a_record_comes_back_as_it_was_written, a_record_looks_as_it_always_has,
      a_second_spelling_of_a_record_is_not_believed, every_flipped_bit_is_noticed, every_torn_line_is_noticed,
      a_journal_leaves_standing_what_was_not_undone, an_empty_journal_leaves_nothing,
      a_torn_tail_takes_no_other_record_with_it, a_flipped_bit_is_counted_and_hides_no_step_that_was_done,
      a_damaged_newline_costs_no_record, a_nul_byte_behind_a_record_is_damage,
      each_record_tells_its_step_without_the_others, numbers_decide_the_order_of_steps,
      numbers_go_on_after_the_highest_even_of_what_was_undone, rubbish_is_counted_and_survived)
