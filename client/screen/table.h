/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of cells under titles, aligned by display columns. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

#include "terminal.h"

typedef struct TableColumn {
    const char *title; /* NULL ends the columns */
    bool right;        /* numbers */
    bool shrinks;      /* gives way, ellipsized, where the terminal is too narrow */
} TableColumn;

typedef struct Table Table;

/* columns is borrowed. */
Table *table_new(const TableColumn *columns);
Table *table_free(Table *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Table, table_free)

/* The next cell, row by row. Copies the text, without its control characters; "" is shown as "-", so that
 * scripts find as many words as there are columns. */
void table_cell(Table *table, Colour colour, const char *text);
void table_number(Table *table, Colour colour, long long number);

size_t table_rows(const Table *table);

/* Titles (if legend says so) and rows. The last column is not padded. */
void table_print(const Table *table, const Terminal *terminal, bool legend, FILE *out);
