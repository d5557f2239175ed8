/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <stdint.h>

typedef enum HugePages {
    HUGE_PAGES_NO,
    HUGE_PAGES_2M,
    HUGE_PAGES_1G,
    HUGE_PAGES_MAX,
    HUGE_PAGES_INVALID = -EINVAL,
} HugePages;

/* Bytes; 0 for no huge pages. */
uint64_t huge_page_size(HugePages pages);
