/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../../daemon/core/definition/skipped.h"
#include "../suite.h"

#define FILES(...) ((char *[]){__VA_ARGS__, NULL})

/* "FILE: WHY; REMEDY" a line. */
static char *told(char *const *files)
{
    g_autoptr(GPtrArray) skipped = skipped_find(files);
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < skipped->len; i++) {
        const Skipped *one = g_ptr_array_index(skipped, i);
        g_string_append_printf(text, "%s: %s; %s\n", one->file, one->why, one->remedy);
    }
    return g_string_free(text, FALSE);
}

static void assert_told(char *const *files, const char *expected)
{
    g_autofree char *text = told(files);

    ck_assert_str_eq(text, expected);
}

#define NO_NAME ": a guest's name has a-z, 0-9 and - only, at most 63, and no - at its beginning; "

START_TEST(a_name_that_no_guest_can_have_is_told_with_one_that_it_can)
{
    assert_told(FILES((char *)"Windows_11.guest"),
                "Windows_11.guest" NO_NAME "rename it: windows-11.guest\n");
    assert_told(FILES((char *)"-__My  VM!.guest"), "-__My  VM!.guest" NO_NAME "rename it: my-vm.guest\n");
    assert_told(FILES((char *)"\xc3\xa4.guest"), "\\303\\244.guest" NO_NAME "rename it: guest.guest\n");
    assert_told(FILES((char *)"Win.guest", (char *)"win.guest"),
                "Win.guest" NO_NAME "choose a name that no other guest has, such as a longer one\n");
}
END_TEST

START_TEST(a_file_that_does_not_say_that_it_is_a_guests_is_told)
{
    assert_told(FILES((char *)"win10.conf"),
                "win10.conf: its name does not end in .guest; rename it: win10.guest\n");
    assert_told(FILES((char *)"win10"), "win10: its name does not end in .guest; rename it: win10.guest\n");
    assert_told(FILES((char *)"win10.GUEST"),
                "win10.GUEST: its name does not end in .guest; rename it: win10.guest\n");
    assert_told(FILES((char *)"win10.xml"),
                "win10.xml: its name does not end in .guest; convert it: usherctl import\n");
}
END_TEST

START_TEST(drop_ins_of_no_guest_are_told)
{
    assert_told(FILES((char *)"a.guest", (char *)"a.guest.d", (char *)"b.guest.d"),
                "b.guest.d: there is no b.guest to add to; write that file, or remove the folder\n");
}
END_TEST

START_TEST(what_was_put_aside_is_nobodys_mistake)
{
    assert_told(FILES((char *)"a.guest", (char *)".a.guest.swp", (char *)"a.guest~", (char *)"a.guest.bak",
                      (char *)"a.guest.dpkg-old", (char *)"README", (char *)"README.md", (char *)"notes.txt"),
                "");
}
END_TEST

START_TEST(of_many_the_first_are_named_and_the_others_counted)
{
    g_auto(GStrv) files = g_new0(char *, 1001);
    for (unsigned i = 0; i < 1000; i++)
        files[i] = g_strdup_printf("A%0200u.guest", i);
    g_autoptr(GPtrArray) skipped = skipped_find(files);

    ck_assert_uint_eq(skipped->len, SKIPPED_MAX + 1);
    const Skipped *first = g_ptr_array_index(skipped, 0), *last = g_ptr_array_index(skipped, SKIPPED_MAX);
    ck_assert_uint_le(strlen(first->file), 80);
    ck_assert_uint_le(strlen(first->remedy), 100);
    ck_assert_str_eq(last->why, "984 more files are left out");
}
END_TEST

SUITE("skipped", a_name_that_no_guest_can_have_is_told_with_one_that_it_can,
      a_file_that_does_not_say_that_it_is_a_guests_is_told, drop_ins_of_no_guest_are_told,
      what_was_put_aside_is_nobodys_mistake, of_many_the_first_are_named_and_the_others_counted)
