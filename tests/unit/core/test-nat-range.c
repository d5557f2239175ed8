/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which addresses guests with Mode=nat get. */
#include "../../../daemon/core/host/nat-range.h"
#include "../suite.h"

#define ADDRESS(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static GArray *nothing(void)
{
    return g_array_new(FALSE, FALSE, sizeof(NatTaken));
}

static void take(GArray *taken, uint32_t address, unsigned prefix)
{
    NatTaken one = {address, prefix};
    g_array_append_val(taken, one);
}

static void assert_chosen(const GArray *taken, const char *expected)
{
    uint32_t range;

    ck_assert(nat_range_choose(taken, &range));
    g_autofree char *address = nat_range_address(range, 1);
    ck_assert_str_eq(address, expected);
}

START_TEST(a_host_that_uses_none_of_them_gets_the_first)
{
    g_autoptr(GArray) taken = nothing();

    assert_chosen(taken, "192.168.150.1");
    take(taken, ADDRESS(192, 168, 1, 7), 24);
    take(taken, ADDRESS(10, 0, 0, 0), 8);
    assert_chosen(taken, "192.168.150.1");
}
END_TEST

START_TEST(what_meets_an_address_a_subnet_or_a_wider_route_is_passed_over)
{
    g_autoptr(GArray) taken = nothing();

    take(taken, ADDRESS(192, 168, 150, 200), 32);
    assert_chosen(taken, "192.168.151.1");
    take(taken, ADDRESS(192, 168, 151, 128), 25);
    assert_chosen(taken, "192.168.152.1");
    take(taken, ADDRESS(192, 168, 152, 0), 22);
    assert_chosen(taken, "192.168.156.1");
    take(taken, ADDRESS(192, 168, 0, 0), 16);
    assert_chosen(taken, "172.31.0.1");
    take(taken, ADDRESS(172, 16, 0, 0), 12);
    assert_chosen(taken, "10.213.0.1");
}
END_TEST

START_TEST(a_way_out_to_everything_takes_nothing)
{
    g_autoptr(GArray) taken = nothing();

    take(taken, 0, 0);
    take(taken, 0, 1);
    take(taken, ADDRESS(128, 0, 0, 0), 1);
    assert_chosen(taken, "192.168.150.1");
}
END_TEST

START_TEST(a_host_that_uses_all_gets_none)
{
    g_autoptr(GArray) taken = nothing();
    uint32_t range;

    take(taken, ADDRESS(192, 168, 0, 0), 16);
    take(taken, ADDRESS(172, 16, 0, 0), 12);
    take(taken, ADDRESS(10, 0, 0, 0), 8);
    ck_assert(!nat_range_choose(taken, &range));
}
END_TEST

START_TEST(a_range_that_somebody_writes_is_private_and_whole)
{
    static const char *const wrong[] = {
        "",           "10.1.2.0",      "10.1.2.1/24",   "10.1.2.0/16",  "10.1.2.0/24 ",
        "8.8.8.0/24", "10.256.2.0/24", "172.32.0.0/24", "10.1.2.0/244", "-1.0.0.0/24"};
    uint32_t range;

    for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++)
        ck_assert_msg(!nat_range_parse(wrong[i], &range), "%s", wrong[i]);
    ck_assert(nat_range_parse("10.1.2.0/24", &range));
    ck_assert_uint_eq(range, ADDRESS(10, 1, 2, 0));
    ck_assert(nat_range_parse("172.31.0.0/24", &range) && nat_range_parse("192.168.9.0/24", &range));
}
END_TEST

SUITE("nat-range", a_host_that_uses_none_of_them_gets_the_first,
      what_meets_an_address_a_subnet_or_a_wider_route_is_passed_over, a_way_out_to_everything_takes_nothing,
      a_host_that_uses_all_gets_none, a_range_that_somebody_writes_is_private_and_whole)
