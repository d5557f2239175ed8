/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tests of import ask of it. */
#pragma once

#include <string.h>

#include "../../../client/import/import.h"
#include "../suite.h"

#define DOMAIN(inner) "<domain type='kvm'><name>win</name>" inner "</domain>"
#define DEVICES(inner) DOMAIN("<devices>" inner "</devices>")
#define HOSTDEV(bus, function, more)                                                                         \
    "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x0000' bus='0x" bus        \
    "' slot='0x00' function='0x" function "'/></source>" more "</hostdev>"

static const ImportOptions nowhere = {NULL, "/nonexistent"};

static inline Import *import(ImportFormat format, const char *text)
{
    g_autofree char *why = NULL;
    Import *found = import_read(format, "-", text, strlen(text), NULL, &nowhere, &why);

    ck_assert_msg(found, "%s", why);
    return found;
}

static inline void assert_refused(ImportFormat format, const char *text, size_t size, const char *expected)
{
    g_autofree char *why = NULL;

    ck_assert_ptr_null(import_read(format, "x", text, size, NULL, &nowhere, &why));
    ck_assert_msg(strstr(why, expected), "%s", why);
}

static inline void assert_says(ImportFormat format, const char *text, const char *line)
{
    g_autoptr(Import) found = import(format, text);
    g_autofree char *definition = draft_text(found->draft), *whole = g_strconcat("\n", line, "\n", NULL);

    ck_assert_msg(strstr(definition, whole), "%s\nis not in\n%s", line, definition);
}

/* How many items of the list have the words. */
static inline unsigned count(const Import *found, DraftList list, const char *words)
{
    const GPtrArray *items = draft_list(found->draft, list);
    unsigned n = 0;

    for (unsigned i = 0; i < items->len; i++)
        n += strstr(items->pdata[i], words) != NULL;
    return n;
}

static inline bool lists(const Import *found, DraftList list, const char *words)
{
    return count(found, list, words) > 0;
}

static inline void assert_lists(ImportFormat format, const char *text, DraftList list, const char *words)
{
    g_autoptr(Import) found = import(format, text);

    ck_assert_msg(lists(found, list, words), "%s is not listed", words);
}
