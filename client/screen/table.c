/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "table.h"

#include <string.h>

#include "../../daemon/base/cleanup.h"
#include "text.h"

/* Blanks between columns, and the least width of a shrinking column. */
#define GAP 2
#define SHRUNK_MIN 8

typedef struct Cell {
    char *text;
    Colour colour;
} Cell;

struct Table {
    const TableColumn *columns;
    size_t n_columns;
    GArray *cells; /* of Cell, row after row */
};

static void cell_clear(void *cell)
{
    g_free(((Cell *)cell)->text);
}

Table *table_new(const TableColumn *columns)
{
    Table *table = g_new0(Table, 1);

    table->columns = columns;
    while (columns[table->n_columns].title)
        table->n_columns++;
    table->cells = g_array_new(FALSE, FALSE, sizeof(Cell));
    g_array_set_clear_func(table->cells, cell_clear);
    return table;
}

DEFINE_FREE(Table, table_free, table)
{
    g_array_unref(table->cells);
}

void table_cell(Table *table, Colour colour, const char *text)
{
    Cell cell = {.text = text_printable(*text ? text : "-", false), .colour = colour};

    g_array_append_val(table->cells, cell);
}

void table_number(Table *table, Colour colour, long long number)
{
    g_autofree char *text = g_strdup_printf("%lld", number);

    table_cell(table, colour, text);
}

size_t table_rows(const Table *table)
{
    return table->cells->len / table->n_columns;
}

static const Cell *cell_at(const Table *table, size_t row, size_t column)
{
    return &g_array_index(table->cells, Cell, row * table->n_columns + column);
}

static size_t total_width(const Table *table, const size_t *widths)
{
    size_t total = (table->n_columns - 1) * GAP;

    for (size_t i = 0; i < table->n_columns; i++)
        total += widths[i];
    return total;
}

/* Shrinks the widest of the shrinking columns by one, until the row fits or none can give more. */
static void shrink(const Table *table, size_t *widths, size_t columns)
{
    size_t total = total_width(table, widths);

    for (; total > columns; total--) {
        size_t *widest = NULL;
        for (size_t i = 0; i < table->n_columns; i++) {
            if (table->columns[i].shrinks && widths[i] > SHRUNK_MIN && (!widest || widths[i] > *widest))
                widest = &widths[i];
        }
        if (!widest)
            return;
        --*widest;
    }
}

static void print_cell(const Table *table, const Terminal *terminal, size_t column, size_t width,
                       const Cell *cell, FILE *out)
{
    g_autofree char *text = text_fit(cell->text, width);
    int padding = (int)(width - text_width(text));
    bool right = table->columns[column].right;
    bool last = column + 1 == table->n_columns;
    const char *on = cell->colour ? terminal_colour(terminal, cell->colour) : "";
    const char *off = cell->colour ? terminal_colour(terminal, COLOUR_NORMAL) : "";

    fprintf(out, "%*s%s%s%s", right ? padding : 0, "", on, text, off);
    if (last)
        fputc('\n', out);
    else
        fprintf(out, "%*s", (right ? 0 : padding) + GAP, "");
}

void table_print(const Table *table, const Terminal *terminal, bool legend, FILE *out)
{
    g_autofree size_t *widths = g_new0(size_t, table->n_columns);

    for (size_t i = 0; i < table->n_columns; i++) {
        widths[i] = legend ? text_width(table->columns[i].title) : 0;
        for (size_t row = 0; row < table_rows(table); row++)
            widths[i] = MAX(widths[i], text_width(cell_at(table, row, i)->text));
    }
    if (terminal->columns > 0)
        shrink(table, widths, terminal->columns);
    for (size_t i = 0; legend && i < table->n_columns; i++) {
        Cell title = {.text = (char *)table->columns[i].title, .colour = COLOUR_TITLE};
        print_cell(table, terminal, i, widths[i], &title, out);
    }
    for (size_t row = 0; row < table_rows(table); row++) {
        for (size_t i = 0; i < table->n_columns; i++)
            print_cell(table, terminal, i, widths[i], cell_at(table, row, i), out);
    }
}
