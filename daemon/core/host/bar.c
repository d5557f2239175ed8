/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bar.h"

#include <stdio.h>

char *bar_size_to_text(unsigned bar, uint64_t size)
{
    if (size & ((UINT64_C(1) << MIB_BITS) - 1))
        return g_strdup_printf("bar %u: %" G_GUINT64_FORMAT, bar, size);
    return g_strdup_printf("bar %u: %" G_GUINT64_FORMAT "M", bar, size >> MIB_BITS);
}

bool bar_size_parse(const char *text, unsigned *ret_bar, uint64_t *ret_size)
{
    unsigned bar;
    unsigned long size;

    if (sscanf(text, "bar %1u: %12luM", &bar, &size) != 2 || bar >= BARS_MAX)
        return false;
    g_autofree char *canonical = bar_size_to_text(bar, (uint64_t)size << MIB_BITS);
    if (!g_str_equal(canonical, text))
        return false;
    *ret_bar = bar;
    *ret_size = (uint64_t)size << MIB_BITS;
    return true;
}
