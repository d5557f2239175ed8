/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "huge-pages.h"

uint64_t huge_page_size(HugePages pages)
{
    static const uint64_t sizes[] = {
        [HUGE_PAGES_2M] = UINT64_C(2) << 20, [HUGE_PAGES_1G] = UINT64_C(1) << 30};

    return sizes[pages];
}
