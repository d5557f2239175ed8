/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "nat-range.h"

#include <stdio.h>

/* Shorter prefixes are ways out to everything: 0.0.0.0/0, or 0.0.0.0/1 and 128.0.0.0/1 (OpenVPN's def1). */
#define PREFIX_MIN 8

/* Ranges by their third byte. Home routers have 192.168.0 to 192.168.2 and .178, libvirt .122; Docker begins
 * at 172.17, and companies like 10. */
static const struct {
    uint32_t base;
    unsigned first, last;
} blocks[] = {
    {0xc0a80000, 150, 254}, /* 192.168 */
    {0xac1f0000, 0, 255},   /* 172.31 */
    {0x0ad50000, 0, 255},   /* 10.213 */
};

static bool meets(uint32_t range, const NatTaken *taken)
{
    unsigned prefix = MIN(taken->prefix, NAT_PREFIX);

    return taken->prefix >= PREFIX_MIN && ((range ^ taken->address) >> (32 - prefix)) == 0;
}

bool nat_range_free(uint32_t range, const GArray *taken)
{
    for (unsigned i = 0; i < taken->len; i++)
        if (meets(range, &g_array_index(taken, NatTaken, i)))
            return false;
    return true;
}

bool nat_range_choose(const GArray *taken, uint32_t *ret)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(blocks); i++)
        for (unsigned third = blocks[i].first; third <= blocks[i].last; third++) {
            uint32_t range = blocks[i].base | third << 8;
            if (!nat_range_free(range, taken))
                continue;
            *ret = range;
            return true;
        }
    return false;
}

static bool is_private(uint32_t range)
{
    return range >> 24 == 10 || range >> 20 == 0xac1 || range >> 16 == 0xc0a8;
}

bool nat_range_parse(const char *text, uint32_t *ret)
{
    unsigned a, b, c;
    int end = 0;

    if (sscanf(text, "%3u.%3u.%3u.0/24%n", &a, &b, &c, &end) != 3 || end == 0 || text[end] || a > 255 ||
        b > 255 || c > 255 || !is_private(a << 24 | b << 16 | c << 8))
        return false;
    *ret = a << 24 | b << 16 | c << 8;
    return true;
}

char *nat_range_address(uint32_t range, unsigned number)
{
    uint32_t address = range | number;

    return g_strdup_printf("%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255,
                           address & 255);
}
