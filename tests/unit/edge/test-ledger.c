/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../daemon/base/file.h"
#include "../../../daemon/edge/store/ledger.h"
#include "../scratch.h"
#include "../suite.h"

#define GPU "0000:01:00.0"
#define SOUND "0000:01:00.1"
#define MOMENT (UINT64_C(1767261600) * 1000000) /* 2026-01-01 10:00:00 UTC */

static Folder ledger_folder_new(void)
{
    setenv("TZ", "UTC", 1);
    return folder_new();
}

/* Nothing but the ledger may be left in it. */
static void ledger_folder_free(Folder *folder)
{
    unlinkat(folder->fd, "ledger", 0);
    ck_assert_int_eq(rmdir(folder->path), 0);
    folder_free(folder);
}

#define A_LEDGER_FOLDER __attribute__((cleanup(ledger_folder_free))) Folder folder = ledger_folder_new()

START_TEST(what_failed_stays_noted_over_a_restart_until_it_is_cleared)
{
    A_LEDGER_FOLDER;

    Ledger *ledger = ledger_open(folder.fd);
    ck_assert_ptr_null(ledger_reason(ledger, GPU));
    ck_assert_int_eq(ledger_note(ledger, GPU, MOMENT, "reset failed:\nInput/output error"), 0);
    ck_assert_int_eq(ledger_note(ledger, SOUND, MOMENT, "restore failed"), 0);
    ledger_free(ledger);

    ledger = ledger_open(folder.fd);
    ck_assert_str_eq(ledger_reason(ledger, GPU),
                     "since 2026-01-01 10:00:00: reset failed: Input/output error");
    ck_assert_int_eq(ledger_clear(ledger, GPU), 0);
    ck_assert_int_eq(ledger_clear(ledger, GPU), -ENOENT);
    ledger_free(ledger);

    ledger = ledger_open(folder.fd);
    ck_assert_ptr_null(ledger_reason(ledger, GPU));
    ck_assert_str_eq(ledger_reason(ledger, SOUND), "since 2026-01-01 10:00:00: restore failed");
    ledger_free(ledger);
}
END_TEST

START_TEST(the_last_failure_counts)
{
    A_LEDGER_FOLDER;
    Ledger *ledger = ledger_open(folder.fd);

    ck_assert_int_eq(ledger_note(ledger, GPU, MOMENT, "one"), 0);
    ck_assert_int_eq(ledger_note(ledger, GPU, MOMENT + 1000000, "two"), 0);
    ck_assert_str_eq(ledger_reason(ledger, GPU), "since 2026-01-01 10:00:01: two");
    ledger_free(ledger);
}
END_TEST

START_TEST(damage_costs_the_damaged_lines_alone)
{
    A_LEDGER_FOLDER;

    ck_assert_int_eq(file_replace_at(folder.fd, "ledger",
                                     "rubbish\n" GPU " yesterday why\n\xff\xfe\n" SOUND
                                     " 2026-01-01T10:00:00Z still here\n0000:02:00.0 2026-01-01T1",
                                     0644),
                     0);
    Ledger *ledger = ledger_open(folder.fd);
    ck_assert_ptr_null(ledger_reason(ledger, GPU));
    ck_assert_ptr_null(ledger_reason(ledger, "0000:02:00.0"));
    ck_assert_str_eq(ledger_reason(ledger, SOUND), "since 2026-01-01 10:00:00: still here");
    ledger_free(ledger);
}
END_TEST

START_TEST(a_ledger_cut_off_anywhere_is_read)
{
    static const char text[] =
        GPU " 2026-01-01T10:00:00Z reset failed\n" SOUND " 2026-01-01T10:00:00Z restore failed\n";
    A_LEDGER_FOLDER;

    for (size_t n = 0; n < sizeof(text); n++) {
        g_autofree char *part = g_strndup(text, n);
        ck_assert_int_eq(file_replace_at(folder.fd, "ledger", part, 0644), 0);
        Ledger *ledger = ledger_open(folder.fd);
        /* The whole part of a torn line counts: that the device failed matters more than the full reason. */
        ck_assert_int_eq(ledger_reason(ledger, GPU) != NULL, n >= strlen(GPU " 2026-01-01T10:00:00Z "));
        ledger_free(ledger);
    }
}
END_TEST

START_TEST(what_cannot_be_written_still_holds)
{
    A_LEDGER_FOLDER;
    Ledger *ledger = ledger_open(folder.fd);

    ck_assert_int_eq(mkdirat(folder.fd, "ledger", 0755), 0);
    ck_assert_int_lt(ledger_note(ledger, GPU, MOMENT, "reset failed"), 0);
    ck_assert_ptr_nonnull(ledger_reason(ledger, GPU));
    ledger_free(ledger);
    ck_assert_int_eq(unlinkat(folder.fd, "ledger", AT_REMOVEDIR), 0);
}
END_TEST

START_TEST(none_is_an_empty_one)
{
    ck_assert_ptr_null(ledger_reason(NULL, GPU));
    ck_assert_int_eq(ledger_note(NULL, GPU, MOMENT, "reset failed"), 0);
    ck_assert_int_eq(ledger_clear(NULL, GPU), -ENOENT);
    ck_assert_ptr_null(ledger_free(NULL));
}
END_TEST

SUITE("ledger", what_failed_stays_noted_over_a_restart_until_it_is_cleared, the_last_failure_counts,
      damage_costs_the_damaged_lines_alone, a_ledger_cut_off_anywhere_is_read,
      what_cannot_be_written_still_holds, none_is_an_empty_one)
