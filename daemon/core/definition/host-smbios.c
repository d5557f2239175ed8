/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* [SMBIOS] Host=: the texts that a section does not set are the host's. */
#include <string.h>

#include "keys.h"
#include "machine.h"

/* Of what a firmware has put there, what a line of a definition could say: one line of text, as long as its
 * key allows. NULL: nothing is left. */
static char *tidy(const char *text, size_t max)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    g_autoptr(GString) kept = g_string_new(NULL);

    for (const char *c = valid; *c; c = g_utf8_next_char(c)) {
        size_t length = g_utf8_next_char(c) - c;
        if (kept->len + length > max)
            break;
        if (!g_unichar_iscntrl(g_utf8_get_char(c)))
            g_string_append_len(kept, c, length);
    }
    g_strstrip(kept->str);
    return *kept->str ? g_strdup(kept->str) : NULL;
}

void smbios_fill(DefinitionSmbios *smbios, char *(*look)(const char *name))
{
    const struct {
        char **field;
        const char *key, *name;
    } texts[] = {
        {&smbios->bios_vendor, "BIOSVendor", "bios_vendor"},
        {&smbios->bios_version, "BIOSVersion", "bios_version"},
        {&smbios->bios_date, "BIOSDate", "bios_date"},
        {&smbios->manufacturer, "Manufacturer", "sys_vendor"},
        {&smbios->product, "Product", "product_name"},
        {&smbios->version, "Version", "product_version"},
        {&smbios->serial, "Serial", "product_serial"},
        {&smbios->sku, "SKU", "product_sku"},
        {&smbios->family, "Family", "product_family"},
        {&smbios->board_manufacturer, "BoardManufacturer", "board_vendor"},
        {&smbios->board_product, "BoardProduct", "board_name"},
        {&smbios->board_version, "BoardVersion", "board_version"},
        {&smbios->board_serial, "BoardSerial", "board_serial"},
    };

    for (size_t i = 0; smbios->host && i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *found = *texts[i].field ? NULL : look(texts[i].name);
        if (!found)
            continue;
        *texts[i].field = tidy(found, definition_key_find(SECTION_SMBIOS, texts[i].key)->max);
        smbios->board |= *texts[i].field && g_str_has_prefix(texts[i].key, "Board");
    }
}
