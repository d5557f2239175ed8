/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../daemon/edge/store/journal.h"
#include "../scratch.h"
#include "../suite.h"

static Journal *journal_of(const Folder *folder, const char *owner)
{
    Journal *journal = NULL;
    ck_assert_int_eq(journal_open(folder->fd, owner, &journal), 0);
    ck_assert_str_eq(journal_owner(journal), owner);
    return journal;
}

static void write_step(Journal *journal, JournalMark mark, unsigned number)
{
    g_autofree char *subject = g_strdup_printf("0000:01:00.%u", number);
    g_autoptr(Step) step = step_new(STEP_DRIVER, subject, "radeon", "");
    ck_assert_int_eq(journal_write(journal, mark, number, step), 0);
}

static void take_step(Journal *journal, unsigned number)
{
    write_step(journal, JOURNAL_BEGIN, number);
    write_step(journal, JOURNAL_DONE, number);
}

/* "0! 1? " for steps that stand: ! certain, ? only begun. */
static char *standing(const Journal *journal, unsigned *ret_bad)
{
    GString *text = g_string_new(NULL);
    g_autoptr(GPtrArray) open = NULL;
    ck_assert_int_eq(journal_read(journal, &open, ret_bad), 0);
    for (unsigned i = 0; i < open->len; i++) {
        const JournalOpen *o = g_ptr_array_index(open, i);
        g_string_append_printf(text, "%u%s ", o->number, o->certain ? "!" : "?");
    }
    return g_string_free(text, FALSE);
}

static void assert_standing(const Journal *journal, const char *expected, unsigned expected_bad)
{
    unsigned bad = 99;
    g_autofree char *text = standing(journal, &bad);
    ck_assert_str_eq(text, expected);
    ck_assert_uint_eq(bad, expected_bad);
}

START_TEST(what_is_written_stands_until_it_is_undone)
{
    A_FOLDER;
    Journal *journal = journal_of(&folder, "guest/win10");
    assert_standing(journal, "", 0);
    ck_assert_uint_eq(journal_next(journal), 0);
    take_step(journal, 0);
    write_step(journal, JOURNAL_BEGIN, 1);
    ck_assert_uint_eq(journal_next(journal), 2);
    assert_standing(journal, "0! 1? ", 0);
    write_step(journal, JOURNAL_UNDONE, 1);
    assert_standing(journal, "0! ", 0);
    write_step(journal, JOURNAL_UNDONE, 0);
    assert_standing(journal, "", 0);
    ck_assert_uint_eq(journal_next(journal), 2);
    journal_remove(journal);
}
END_TEST

START_TEST(a_journal_goes_on_where_it_was_left)
{
    A_FOLDER;
    Journal *journal = journal_of(&folder, "guest/win10");
    write_step(journal, JOURNAL_DONE, 0);
    write_step(journal, JOURNAL_UNDONE, 0);
    write_step(journal, JOURNAL_BEGIN, 1);
    journal_close(journal);

    journal = journal_of(&folder, "guest/win10");
    ck_assert_uint_eq(journal_next(journal), 2);
    assert_standing(journal, "1? ", 0);
    write_step(journal, JOURNAL_DONE, 1);
    write_step(journal, JOURNAL_BEGIN, 2);
    assert_standing(journal, "1! 2? ", 0);
    journal_close(journal);
}
END_TEST

START_TEST(each_owner_has_a_file_of_its_own)
{
    A_FOLDER;
    static const char *const owners[] = {"guest/win10", "guest/a-b", "guest/a", "bind/0000:01:00.0"};
    for (size_t i = 0; i < G_N_ELEMENTS(owners); i++)
        journal_close(journal_of(&folder, owners[i]));
    ck_assert_int_eq(faccessat(folder.fd, "guest-win10.journal", F_OK, 0), 0);
    ck_assert_int_eq(faccessat(folder.fd, "bind-0000:01:00.0.journal", F_OK, 0), 0);

    /* Files of others are nobody's. */
    static const char *const others[] = {"guest-.journal", "guest-x",       "other-x.journal",
                                         ".journal",       "guest.journal", "guest-x.journal~"};
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        close(openat(folder.fd, others[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0600));

    g_auto(GStrv) found = NULL;
    ck_assert_int_eq(journal_owners(folder.fd, &found), 0);
    ck_assert(g_strv_equal((const char *const *)found, (const char *[]){"bind/0000:01:00.0", "guest/a",
                                                                        "guest/a-b", "guest/win10", NULL}));
}
END_TEST

START_TEST(a_removed_journal_is_gone)
{
    A_FOLDER;
    Journal *journal = journal_of(&folder, "guest/win10");
    write_step(journal, JOURNAL_DONE, 0);
    ck_assert_ptr_null(journal_remove(journal));
    g_auto(GStrv) found = NULL;
    ck_assert_int_eq(journal_owners(folder.fd, &found), 0);
    ck_assert_uint_eq(g_strv_length(found), 0);
    ck_assert_ptr_null(journal_remove(NULL));
    ck_assert_ptr_null(journal_close(NULL));
}
END_TEST

START_TEST(what_is_no_owner_has_no_journal)
{
    A_FOLDER;
    static const char *const owners[] = {
        "",          "guest",         "guest/",       "win10",       "other/win10",
        "guest/a/b", "guest/../../x", "/guest/win10", "guests/win10"};
    for (size_t i = 0; i < G_N_ELEMENTS(owners); i++) {
        Journal *journal = NULL;
        ck_assert_msg(journal_open(folder.fd, owners[i], &journal) == -EINVAL, "%s", owners[i]);
        ck_assert_ptr_null(journal);
    }
    g_auto(GStrv) found = NULL;
    ck_assert_int_eq(journal_owners(folder.fd, &found), 0);
    ck_assert_uint_eq(g_strv_length(found), 0);
}
END_TEST

START_TEST(a_journal_is_for_root_alone)
{
    A_FOLDER;
    journal_close(journal_of(&folder, "guest/win10"));
    struct stat st;
    ck_assert_int_eq(fstatat(folder.fd, "guest-win10.journal", &st, 0), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
}
END_TEST

START_TEST(a_link_in_the_place_of_a_journal_is_not_followed)
{
    A_FOLDER;
    ck_assert_int_eq(symlinkat("elsewhere", folder.fd, "guest-win10.journal"), 0);
    Journal *journal = NULL;
    ck_assert_int_eq(journal_open(folder.fd, "guest/win10", &journal), -ELOOP);
    ck_assert_int_lt(faccessat(folder.fd, "elsewhere", F_OK, 0), 0);
}
END_TEST

/* The daemon dies in the middle of a write, at any byte, and the next one goes on: nothing that stood is
 * lost, and what is written after it is read. */
START_TEST(a_journal_torn_at_any_byte_goes_on)
{
    A_FOLDER;
    Journal *journal = journal_of(&folder, "guest/win10");
    write_step(journal, JOURNAL_DONE, 0);
    struct stat st;
    ck_assert_int_eq(fstatat(folder.fd, "guest-win10.journal", &st, 0), 0);
    off_t whole = st.st_size;
    write_step(journal, JOURNAL_BEGIN, 1);
    journal_close(journal);
    ck_assert_int_eq(fstatat(folder.fd, "guest-win10.journal", &st, 0), 0);
    g_autofree char *path = g_build_filename(folder.path, "guest-win10.journal", NULL);
    g_autofree char *text = NULL;
    ck_assert(g_file_get_contents(path, &text, NULL, NULL));

    for (off_t size = whole; size < st.st_size; size++) {
        ck_assert(g_file_set_contents(path, text, size, NULL));
        journal = journal_of(&folder, "guest/win10");
        /* But for its newline the record is whole. */
        bool begun = size == st.st_size - 1;
        bool torn = size > whole && !begun;
        assert_standing(journal, begun ? "0! 1? " : "0! ", torn);
        ck_assert_uint_eq(journal_next(journal), begun ? 2 : 1);
        take_step(journal, 1);
        assert_standing(journal, "0! 1! ", torn);
        journal_close(journal);
    }
}
END_TEST

START_TEST(a_damaged_journal_tells_of_its_damage_and_of_all_that_was_done)
{
    A_FOLDER;
    Journal *journal = journal_of(&folder, "guest/win10");
    take_step(journal, 0);
    take_step(journal, 1);
    journal_close(journal);
    g_autofree char *path = g_build_filename(folder.path, "guest-win10.journal", NULL);
    g_autofree char *text = NULL;
    gsize size;
    ck_assert(g_file_get_contents(path, &text, &size, NULL));

    for (gsize bit = 0; bit < size * 8; bit++) {
        text[bit / 8] ^= 1 << bit % 8;
        ck_assert(g_file_set_contents(path, text, size, NULL));
        text[bit / 8] ^= 1 << bit % 8;
        journal = journal_of(&folder, "guest/win10");
        unsigned bad = 0;
        g_autofree char *open = standing(journal, &bad);
        ck_assert_uint_gt(bad, 0);
        ck_assert_msg(g_str_has_prefix(open, "0! 1") || g_str_has_prefix(open, "0? 1"), "bit %zu: %s", bit,
                      open);
        ck_assert_uint_eq(journal_next(journal), 2);
        journal_close(journal);
    }
}
END_TEST

/* A full /run: the file may not grow. */
START_TEST(a_write_that_did_not_fit_counts_for_nothing)
{
    A_FOLDER;
    Journal *journal = journal_of(&folder, "guest/win10");
    write_step(journal, JOURNAL_DONE, 0);
    struct stat st;
    ck_assert_int_eq(fstatat(folder.fd, "guest-win10.journal", &st, 0), 0);

    struct rlimit old, tight = {.rlim_cur = st.st_size + 10};
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    tight.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &tight), 0);
    g_autoptr(Step) step = step_new(STEP_DRIVER, "0000:01:00.1", "radeon", "");
    int cut = journal_write(journal, JOURNAL_BEGIN, 1, step);
    int none = journal_write(journal, JOURNAL_BEGIN, 1, step);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);

    ck_assert_int_eq(cut, -ENOSPC);
    ck_assert_int_eq(none, -EFBIG);
    assert_standing(journal, "0! ", 1);
    ck_assert_uint_eq(journal_next(journal), 1);
    write_step(journal, JOURNAL_BEGIN, 1);
    assert_standing(journal, "0! 1? ", 1);
    journal_close(journal);
}
END_TEST

SUITE("journal", what_is_written_stands_until_it_is_undone, a_journal_goes_on_where_it_was_left,
      each_owner_has_a_file_of_its_own, a_removed_journal_is_gone, what_is_no_owner_has_no_journal,
      a_journal_is_for_root_alone, a_link_in_the_place_of_a_journal_is_not_followed,
      a_journal_torn_at_any_byte_goes_on, a_damaged_journal_tells_of_its_damage_and_of_all_that_was_done,
      a_write_that_did_not_fit_counts_for_nothing)
