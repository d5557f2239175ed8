/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a key takes, in words. */
#include "machine.h"
#include "value.h"

#define HOUR_USEC (UINT64_C(3600) * 1000000)

static char *size_text(uint64_t bytes)
{
    static const char *const units[] = {"", "K", "M", "G", "T"};
    unsigned unit = 0;

    for (; unit < 4 && bytes && bytes % 1024 == 0; unit++)
        bytes /= 1024;
    return g_strdup_printf("%" G_GUINT64_FORMAT "%s", bytes, units[unit]);
}

static char *size_range(const DefinitionKey *key)
{
    g_autofree char *min = size_text(key->min), *max = size_text(key->max), *step = size_text(key->step);

    return g_strdup_printf("a size from %s to %s, such as 8G, in steps of %s", min, max, step);
}

static char *words_range(const char *const *words)
{
    GString *text = g_string_new(words[0]);

    for (int i = 1; words[i]; i++)
        g_string_append_printf(text, "%s%s", words[i + 1] ? ", " : " or ", words[i]);
    return g_string_free(text, FALSE);
}

char *value_range(const DefinitionKey *key)
{
    static const char *const booleans[] = {"yes", "no", NULL};

    switch (key->type) {
    case VALUE_TEXT:
        return g_strdup_printf("a text of at most %" G_GUINT64_FORMAT " bytes", key->max);
    case VALUE_WORD:
        return g_strdup_printf(
            "a word of letters, digits, dots, dashes and underscores, at most %" G_GUINT64_FORMAT, key->max);
    case VALUE_PATH:
    case VALUE_PATHS:
        return g_strdup("an absolute path without \"..\"");
    case VALUE_NUMBER:
        return g_strdup_printf("a whole number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT, key->min,
                               key->max);
    case VALUE_SIZE:
        return size_range(key);
    case VALUE_SPAN:
        return g_strdup_printf("a time such as 90, 90s, 2min or 500ms, at most %" G_GUINT64_FORMAT "h",
                               key->max / HOUR_USEC);
    case VALUE_SWITCH:
        return words_range(key->words ?: booleans);
    case VALUE_CHOICE:
        return words_range(key->words);
    case VALUE_ADDRESS:
        return g_strdup("a PCI address such as 0000:01:00.0");
    case VALUE_FUNCTIONS:
        return g_strdup("all, or numbers from 0 to 7 such as 0,1");
    case VALUE_ID:
        return g_strdup("four hexadecimal digits such as 10de");
    case VALUE_CPUS:
        if (key->section == SECTION_NUMA)
            return g_strdup("a list of vCPUs, counted from 0, each once, such as 0-3 or 0,2");
        return g_strdup("a list of host CPUs, each once, such as 2-7 or 2,8,3,9");
    case VALUE_FEATURES:
        return g_strdup("a list of CPU features, each with + or -, such as +topoext,-svm");
    case VALUE_MAC:
        return g_strdup("the address of one card such as 52:54:00:12:34:56");
    case VALUE_FORWARD:
        return g_strdup(
            "a protocol, an IPv4 address of the host, a port of the host and one of the guest such as "
            "tcp:127.0.0.1:3389:3389");
    case VALUE_ARGUMENTS:
        return g_strdup(
            "words as a shell reads them, such as -device pvpanic, without options that usher alone gives");
    case VALUE_OVERRIDE:
        return g_strdup(
            "a device's id, one of its properties and a value such as disk-system.queue-size=128");
    case VALUE_IDENTITY:
        return g_strdup("a fingerprint such as 1002:5046 1af4:1100 030000 0000:00:03.0/00.0");
    case VALUE_IMAGE:
        return g_strdup("a format and an absolute path without \"..\" such as qcow2:/srv/base.qcow2");
    case VALUE_USB_ID:
        return g_strdup("a vendor and a product, four hexadecimal digits each, such as 046d:0a8f");
    case VALUE_USB_PORT:
        return g_strdup("a bus and ports such as 1-2.3");
    case VALUE_UUID:
        return g_strdup("a UUID such as 4b20d080-1b54-4048-85b3-a6a62d165c01");
    case VALUE_CLOCK:
        return g_strdup(CLOCK_UTC ", " CLOCK_LOCAL " or a time zone such as Europe/Berlin");
    case VALUE_TYPE_MAX:
    case VALUE_TYPE_INVALID:
        break;
    }
    g_assert_not_reached();
}
