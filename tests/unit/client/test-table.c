/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "../../../client/screen/table.h"
#include "../../../client/screen/text.h"
#include "../suite.h"

static const TableColumn columns[] = {
    {.title = "NAME"}, {.title = "PID", .right = true}, {.title = "TEXT", .shrinks = true}, {NULL}};

/* Two rows: a plain one, and one with wide characters. */
static Table *a_table(void)
{
    Table *table = table_new(columns);

    table_cell(table, COLOUR_NORMAL, "win10");
    table_number(table, COLOUR_GOOD, 4711);
    table_cell(table, COLOUR_NORMAL, "a rather long description");
    table_cell(table, COLOUR_NORMAL, "日本語");
    table_cell(table, COLOUR_NORMAL, "");
    table_cell(table, COLOUR_BAD, "b");
    return table;
}

/* What is printed; the caller frees it. */
static char *printed(const Table *table, const Terminal *terminal, bool legend)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    table_print(table, terminal, legend, out);
    fclose(out);
    return text;
}

/* The two rows, printed so. */
static void assert_printed(const Terminal *terminal, bool legend, const char *expected)
{
    g_autoptr(Table) table = a_table();
    g_autofree char *text = printed(table, terminal, legend);

    ck_assert_str_eq(text, expected);
    ck_assert_uint_eq(table_rows(table), 2);
}

START_TEST(cells_are_aligned_by_display_columns)
{
    assert_printed(&(Terminal){0}, true,
                   "NAME     PID  TEXT\n"
                   "win10   4711  a rather long description\n"
                   "日本語     -  b\n");
}
END_TEST

START_TEST(without_a_legend_titles_neither_show_nor_widen)
{
    static const TableColumn wide[] = {{.title = "A VERY WIDE TITLE"}, {.title = "B"}, {NULL}};
    g_autoptr(Table) table = table_new(wide);
    g_autofree char *text = NULL;

    table_cell(table, COLOUR_NORMAL, "x");
    table_cell(table, COLOUR_NORMAL, "y");
    text = printed(table, &(Terminal){0}, false);
    ck_assert_str_eq(text, "x  y\n");
}
END_TEST

START_TEST(colours_surround_the_text_and_not_the_padding)
{
    assert_printed(&(Terminal){.tty = true, .colour = true}, false,
                   "win10   \033[1;32m4711\033[0m  a rather long description\n"
                   "日本語     -  \033[1;31mb\033[0m\n");
}
END_TEST

START_TEST(only_columns_that_may_shrink_do_so)
{
    assert_printed(&(Terminal){.columns = 30}, false,
                   "win10   4711  a rather long d…\n"
                   "日本語     -  b\n");
}
END_TEST

START_TEST(a_terminal_that_is_far_too_narrow_leaves_a_readable_rest)
{
    assert_printed(&(Terminal){.columns = 5}, false,
                   "win10   4711  a rathe…\n"
                   "日本語     -  b\n");
}
END_TEST

START_TEST(a_cell_cannot_break_its_row)
{
    static const TableColumn one[] = {{.title = "A"}, {NULL}};
    g_autoptr(Table) table = table_new(one);
    g_autofree char *text = NULL;

    table_cell(table, COLOUR_NORMAL, "two\nlines\x1b[2J");
    text = printed(table, &(Terminal){0}, false);
    ck_assert_str_eq(text, "two?lines?[2J\n");
}
END_TEST

SUITE("client-table", cells_are_aligned_by_display_columns, without_a_legend_titles_neither_show_nor_widen,
      colours_surround_the_text_and_not_the_padding, only_columns_that_may_shrink_do_so,
      a_terminal_that_is_far_too_narrow_leaves_a_readable_rest, a_cell_cannot_break_its_row)
