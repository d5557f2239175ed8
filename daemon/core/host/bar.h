/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The size of a device's BAR as a step has it (STEP_BAR_SIZE): "bar 1: 256M". */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define BARS_MAX 6

/* The kernel and PCI Express count in powers of two of this: bytes >> MIB_BITS. */
#define MIB_BITS 20

/* size in bytes; 0: the BAR has no place. The caller frees it. */
char *bar_size_to_text(unsigned bar, uint64_t size);
/* false if it is no such text. */
bool bar_size_parse(const char *text, unsigned *ret_bar, uint64_t *ret_size);
