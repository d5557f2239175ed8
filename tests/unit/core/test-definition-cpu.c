/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What [CPU] and [Memory] take together. */
#include "../suite.h"
#include "a-definition.h"

#define AT FILE_PATH ":"

START_TEST(huge_pages_are_of_two_sizes_or_none)
{
    g_autoptr(GuestDefinition) none = a_definition(""), large = a_definition("[Memory]\nHugePages=2M\n"),
                               huge = a_definition("[Memory]\nSize=3G\nHugePages=1G\n");

    ck_assert_int_eq(none->huge_pages, HUGE_PAGES_NO);
    ck_assert_uint_eq(huge_page_size(none->huge_pages), 0);
    ck_assert_uint_eq(huge_page_size(large->huge_pages), 2 << 20);
    ck_assert_uint_eq(huge_page_size(huge->huge_pages), 1 << 30);
    assert_refused("[Memory]\nHugePages=4M\n", AT "2: [Memory] HugePages=4M is not no, 2M or 1G",
                   "did you mean 2M?");
}
END_TEST

START_TEST(memory_is_made_of_whole_huge_pages)
{
    assert_refused("[Memory]\nSize=3585M\nHugePages=2M\n",
                   AT "3: [Memory] Size= is no multiple of HugePages=2M",
                   "choose a Size= that is a multiple of it, or smaller pages");
    assert_refused("[Memory]\nHugePages=1G\nSize=3584M\n",
                   AT "2: [Memory] Size= is no multiple of HugePages=1G",
                   "choose a Size= that is a multiple of it, or smaller pages");
}
END_TEST

SUITE("definition-cpu", huge_pages_are_of_two_sizes_or_none, memory_is_made_of_whole_huge_pages)
