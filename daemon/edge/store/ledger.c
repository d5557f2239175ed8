/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ledger.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"
#include "../../base/log.h"
#include "../../core/host/pci-address.h"

#define FILE_NAME "ledger"
#define SIZE_MAX_BYTES (1024 * 1024)

struct Ledger {
    int dir_fd;
    GHashTable *lines;   /* address → "2026-01-01T10:00:00Z reset failed: …", owned */
    GHashTable *reasons; /* address → what ledger_reason() gives, owned */
};

/* The written time in words for a person here; NULL if it is no time. */
static char *local_time(const char *text)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(text, NULL);
    g_autoptr(GDateTime) local = time ? g_date_time_to_local(time) : NULL;

    return local ? g_date_time_format(local, "%Y-%m-%d %H:%M:%S") : NULL;
}

/* "0000:01:00.0 2026-01-01T10:00:00Z what". False if it is no such line. */
static bool take_line(Ledger *ledger, const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", 3);
    PciAddress address;

    if (g_strv_length(words) != 3 || !g_utf8_validate(line, -1, NULL) ||
        pci_address_from_string(words[0], &address) < 0)
        return false;
    g_autofree char *since = local_time(words[1]);
    if (!since)
        return false;
    g_hash_table_replace(ledger->lines, g_strdup(PCI_ADDRESS_STR(address)),
                         g_strdup_printf("%s %s", words[1], words[2]));
    g_hash_table_replace(ledger->reasons, g_strdup(PCI_ADDRESS_STR(address)),
                         g_strdup_printf("since %s: %s", since, words[2]));
    return true;
}

static void read_lines(Ledger *ledger)
{
    g_autofree char *text = NULL;

    int r = file_read_all_at(ledger->dir_fd, FILE_NAME, SIZE_MAX_BYTES, &text, NULL);
    if (r == -ENOENT)
        return;
    if (r < 0) {
        log_error("cannot read the ledger of failed devices: %s; going on without", strerror(-r));
        return;
    }
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (unsigned i = 0; lines[i]; i++)
        if (*lines[i] && !take_line(ledger, lines[i]))
            log_warning("line %u of the ledger of failed devices makes no sense and is left out", i + 1);
}

Ledger *ledger_open(int dir_fd)
{
    Ledger *ledger = g_new0(Ledger, 1);

    ledger->dir_fd = dir_fd;
    ledger->lines = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    ledger->reasons = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    read_lines(ledger);
    return ledger;
}

DEFINE_FREE(Ledger, ledger_free, ledger)
{
    g_hash_table_destroy(ledger->lines);
    g_hash_table_destroy(ledger->reasons);
}

static int write_lines(const Ledger *ledger)
{
    g_autoptr(GString) text = g_string_new(NULL);
    GHashTableIter iter;
    void *address, *line;

    g_hash_table_iter_init(&iter, ledger->lines);
    while (g_hash_table_iter_next(&iter, &address, &line))
        g_string_append_printf(text, "%s %s\n", (char *)address, (char *)line);
    return file_replace_at(ledger->dir_fd, FILE_NAME, text->str, 0644);
}

int ledger_note(Ledger *ledger, const char *address, uint64_t realtime_usec, const char *what)
{
    if (!ledger)
        return 0;
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(realtime_usec / G_USEC_PER_SEC);
    g_autofree char *since = g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ");
    g_autofree char *valid = g_utf8_make_valid(what, -1);
    g_autofree char *line = g_strdup_printf("%s %s %s", address, since, g_strdelimit(valid, "\n\r", ' '));

    if (!take_line(ledger, line))
        return -EINVAL;
    return write_lines(ledger);
}

int ledger_clear(Ledger *ledger, const char *address)
{
    if (!ledger || !g_hash_table_remove(ledger->lines, address))
        return -ENOENT;
    g_hash_table_remove(ledger->reasons, address);
    return write_lines(ledger);
}

const char *ledger_reason(const Ledger *ledger, const char *address)
{
    return ledger ? g_hash_table_lookup(ledger->reasons, address) : NULL;
}
