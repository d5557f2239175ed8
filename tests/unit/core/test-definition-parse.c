/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../../daemon/core/definition/parse.h"
#include "../suite.h"

static int note_section(const char *name, const char *instance, DefinitionPlace place, void *userdata,
                        Fault **ret_fault)
{
    g_string_append_printf(userdata, "%u[%s|%s] ", place.line, name, instance ?: "-");
    return g_str_equal(name, "Fail") ? -EIO : 0;
}

static int note_assignment(const char *key, const char *value, DefinitionPlace place, void *userdata,
                           Fault **ret_fault)
{
    g_string_append_printf(userdata, "%u{%s|%s} ", place.line, key, value);
    if (g_str_equal(key, "Fault"))
        return fault_raise(ret_fault, FAULT_REFUSED, NULL, "no");
    return 0;
}

static const DefinitionHandler handler = {note_section, note_assignment};

static void assert_seen(const char *text, size_t size, const char *seen)
{
    g_autoptr(GString) notes = g_string_new(NULL);
    _cleanup_fault_ Fault *fault = NULL;
    int r = definition_scan("f", text, size, &handler, notes, &fault);

    ck_assert_msg(r == 0, "%s", fault ? fault->message : "?");
    ck_assert_str_eq(notes->str, seen);
}

#define SEEN(text, seen) assert_seen(text, sizeof(text) - 1, seen)

static void assert_refused(const char *text, size_t size, const char *message, const char *remedy)
{
    g_autoptr(GString) notes = g_string_new(NULL);
    _cleanup_fault_ Fault *fault = NULL;

    ck_assert_int_eq(definition_scan("/etc/f", text, size, &handler, notes, &fault), FAULT_RAISED);
    ck_assert_int_eq(fault->kind, FAULT_BAD_DEFINITION);
    ck_assert_str_eq(fault->message, message);
    ck_assert_pstr_eq(fault->remedy, remedy);
}

#define REFUSED(text, message, remedy) assert_refused(text, sizeof(text) - 1, message, remedy)

START_TEST(sections_and_assignments_come_with_their_lines)
{
    SEEN("[A]\nOne=1\n\n[B x]\nTwo=2\n", "1[A|-] 2{One|1} 4[B|x] 5{Two|2} ");
    SEEN("", "");
    SEEN("\n\n", "");
    SEEN("[A]", "1[A|-] ");
}
END_TEST

START_TEST(blanks_around_names_and_values_do_not_count)
{
    SEEN("  [A]\t\n  One =\t1 2  \nTwo=\n [ B \t y ] ", "1[A|-] 2{One|1 2} 3{Two|} 4[B|y] ");
}
END_TEST

START_TEST(a_value_may_hold_anything_else)
{
    SEEN("[A]\nOne=a=b # no; comment \"q\" %n \\x\n", "1[A|-] 2{One|a=b # no; comment \"q\" %n \\x} ");
    SEEN("[A]\nOne=\xc3\xbc\n", "1[A|-] 2{One|\xc3\xbc} ");
}
END_TEST

START_TEST(comments_begin_with_a_hash_or_a_semicolon)
{
    SEEN("# x\n; y\n[A]\n  # z = [\n\t;\nOne=1\n#", "3[A|-] 6{One|1} ");
}
END_TEST

START_TEST(a_backslash_continues_the_line_as_a_blank)
{
    SEEN("[A]\nOne=a\\\nb\nTwo=c\n", "1[A|-] 2{One|a b} 4{Two|c} ");
    SEEN("[A]\nOne=a \\\n  b\\\n\tc\n", "1[A|-] 2{One|a    b \tc} ");
    SEEN("[A]\nOne=\\\n\nTwo=2", "1[A|-] 2{One|} 4{Two|2} ");
}
END_TEST

START_TEST(comments_within_a_continued_line_are_left_out)
{
    SEEN("[A]\nOne=a\\\n# not \\\n; this\nb\n", "1[A|-] 2{One|a b} ");
}
END_TEST

START_TEST(two_backslashes_at_the_end_continue_nothing)
{
    SEEN("[A]\nOne=a\\\\\nTwo=2\n", "1[A|-] 2{One|a\\\\} 3{Two|2} ");
    SEEN("[A]\nOne=a\\\\\\\nb\n", "1[A|-] 2{One|a\\\\ b} ");
}
END_TEST

START_TEST(a_backslash_at_the_very_end_is_an_error_on_its_line)
{
    static const char remedy[] = "remove the backslash, or add the line that it announces";
    REFUSED("[A]\nOne=a\\", "/etc/f:2: the line ends with a backslash, but no line follows", remedy);
    REFUSED("[A]\nOne=a\\\nb\\\n", "/etc/f:3: the line ends with a backslash, but no line follows", remedy);
}
END_TEST

START_TEST(a_byte_order_mark_is_skipped)
{
    SEEN("\xef\xbb\xbf[A]\nOne=1\n", "1[A|-] 2{One|1} ");
    SEEN("\xef\xbb\xbf", "");
}
END_TEST

START_TEST(a_section_needs_its_bracket_and_a_name)
{
    REFUSED("\n[A\n", "/etc/f:2: the section's name has no ] at the end of the line",
            "write [Section] or [Section name], and nothing after it");
    REFUSED("[A] x\n", "/etc/f:1: the section's name has no ] at the end of the line",
            "write [Section] or [Section name], and nothing after it");
    REFUSED("[ ]\n", "/etc/f:1: the section has no name", "write [Section] or [Section name]");
    REFUSED("[", "/etc/f:1: the section's name has no ] at the end of the line",
            "write [Section] or [Section name], and nothing after it");
}
END_TEST

START_TEST(what_is_no_assignment_is_an_error)
{
    REFUSED("[A]\nOne\n", "/etc/f:2: there is no = in the line", "write Key=value; a comment begins with #");
    REFUSED("[A]\n  =1\n", "/etc/f:2: there is no key before the =", "write Key=value");
    REFUSED("One=1\n[A]\n", "/etc/f:1: the assignment stands before the first section",
            "begin with a section, such as [Guest]");
}
END_TEST

START_TEST(dos_line_ends_are_called_by_their_name)
{
    REFUSED("[A]\nOne=1\r\n", "/etc/f:2: the line ends with CR LF, as in DOS files",
            "convert the file: sed -i 's/\\r$//' '/etc/f'");
    REFUSED("# x\r\n", "/etc/f:1: the line ends with CR LF, as in DOS files",
            "convert the file: sed -i 's/\\r$//' '/etc/f'");
}
END_TEST

START_TEST(nul_bytes_are_an_error_on_their_line)
{
    REFUSED("[A]\nOne=1\0002\n", "/etc/f:2: there is a NUL byte in the line", "remove it");
    REFUSED("[A]\n# \0\n", "/etc/f:2: there is a NUL byte in the line", "remove it");
    REFUSED("\0", "/etc/f:1: there is a NUL byte in the line", "remove it");
}
END_TEST

START_TEST(what_is_not_utf_8_is_an_error_with_its_byte)
{
    REFUSED("[A]\nOne=\xff\n", "/etc/f:2: byte 5 of the line, 0xff, is not UTF-8", "save the file as UTF-8");
    REFUSED("[A]\nOn\xc3=1\n", "/etc/f:2: byte 3 of the line, 0xc3, is not UTF-8", "save the file as UTF-8");
    REFUSED("\xff\xfe", "/etc/f:1: byte 1 of the line, 0xff, is not UTF-8", "save the file as UTF-8");
}
END_TEST

START_TEST(control_characters_are_an_error)
{
    REFUSED("[A]\nOne=\x1b[2J\n", "/etc/f:2: there is a control character (U+001B) in the line", "remove it");
    REFUSED("[A]\nOne=a\rb\n", "/etc/f:2: there is a control character (U+000D) in the line", "remove it");
    REFUSED("[A]\nOne=\xc2\x9b\n", "/etc/f:2: there is a control character (U+009B) in the line",
            "remove it");
}
END_TEST

START_TEST(a_line_has_its_limit_continued_or_not)
{
    g_autofree char *fill = g_strnfill(DEFINITION_LINE_MAX - 4, 'x'),
                    *half = g_strnfill(DEFINITION_LINE_MAX / 2, 'x');
    g_autofree char *fits = g_strdup_printf("[A]\nOne=%s\n", fill),
                    *seen = g_strdup_printf("1[A|-] 2{One|%s} ", fill);
    g_autofree char *over = g_strdup_printf("[A]\nOne=%sy\n", fill);
    g_autofree char *joined = g_strdup_printf("[A]\n\nOne=%s\\\n%s\n", half, half);
    g_autofree char *comment = g_strdup_printf("#%s%s\n", fill, fill);

    assert_seen(fits, strlen(fits), seen);
    assert_refused(over, strlen(over), "/etc/f:2: the line is longer than 16384 bytes", "shorten it");
    assert_refused(comment, strlen(comment), "/etc/f:1: the line is longer than 16384 bytes", "shorten it");
    assert_refused(joined, strlen(joined),
                   "/etc/f:3: the line and those that continue it are longer than 16384 bytes", "shorten it");
}
END_TEST

START_TEST(what_the_handler_returns_ends_the_scan)
{
    g_autoptr(GString) notes = g_string_new(NULL);
    _cleanup_fault_ Fault *fault = NULL;
    static const char failing[] = "[A]\n[Fail]\nOne=1\n", raising[] = "[A]\nFault=1\nTwo=\xff\n";

    ck_assert_int_eq(definition_scan("f", failing, strlen(failing), &handler, notes, &fault), -EIO);
    ck_assert_str_eq(notes->str, "1[A|-] 2[Fail|-] ");
    ck_assert_int_eq(definition_scan("f", raising, strlen(raising), &handler, notes, &fault), FAULT_RAISED);
    ck_assert_str_eq(fault->message, "no");
}
END_TEST

START_TEST(the_size_alone_says_where_the_text_ends)
{
    assert_seen("[A]\nOne=12", 9, "1[A|-] 2{One|1} ");
    assert_seen("[A]\nOne=1\\2", 10 - 1, "1[A|-] 2{One|1} ");
}
END_TEST

SUITE("definition-parse", sections_and_assignments_come_with_their_lines,
      blanks_around_names_and_values_do_not_count, a_value_may_hold_anything_else,
      comments_begin_with_a_hash_or_a_semicolon, a_backslash_continues_the_line_as_a_blank,
      comments_within_a_continued_line_are_left_out, two_backslashes_at_the_end_continue_nothing,
      a_backslash_at_the_very_end_is_an_error_on_its_line, a_byte_order_mark_is_skipped,
      a_section_needs_its_bracket_and_a_name, what_is_no_assignment_is_an_error,
      dos_line_ends_are_called_by_their_name, nul_bytes_are_an_error_on_their_line,
      what_is_not_utf_8_is_an_error_with_its_byte, control_characters_are_an_error,
      a_line_has_its_limit_continued_or_not, what_the_handler_returns_ends_the_scan,
      the_size_alone_says_where_the_text_ends)
