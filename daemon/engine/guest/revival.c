/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "revival.h"

#include <string.h>
#include <unistd.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"
#include "../../base/log.h"

static const char *const causes[GUEST_END_MAX] = {
    [GUEST_END_REBOOT] = "it rebooted",
    [GUEST_END_POWER_OFF] = "it powered off",
    [GUEST_END_CRASH] = "it crashed",
};

struct Revival {
    int folder_fd;
    const char *guest;
    char *path; /* below the folder */
    GuestEnd owed;
    char **may_stop;
    gint64 times[REVIVALS_MAX]; /* of the last starts, the oldest first: usec of the clock since the boot */
    unsigned n;
    bool counted; /* the start that comes next is */
    bool begun;   /* the start that is owed */
};

Revival *revival_new(int folder_fd, const char *guest)
{
    Revival *revival = g_new0(Revival, 1);

    revival->folder_fd = folder_fd;
    revival->guest = guest;
    revival->path = g_strdup_printf("%s/again", guest);
    return revival;
}

DEFINE_FREE(Revival, revival_free, revival)
{
    g_strfreev(revival->may_stop);
    g_free(revival->path);
}

/* "reboot", the times in one line, then a unit a line. */
static void save(const Revival *revival)
{
    g_autoptr(GString) text = g_string_new(guest_end_to_string(revival->owed));

    if (revival->owed == GUEST_END_OTHER && revival->n == 0) {
        unlinkat(revival->folder_fd, revival->path, 0);
        return;
    }
    g_string_append_c(text, '\n');
    for (unsigned i = 0; i < revival->n; i++)
        g_string_append_printf(text, "%s%" G_GINT64_FORMAT, i > 0 ? " " : "", revival->times[i]);
    for (char **unit = revival->may_stop; unit && *unit; unit++)
        if (!strchr(*unit, '\n'))
            g_string_append_printf(text, "\n%s", *unit);
    int r = file_replace_at(revival->folder_fd, revival->path, text->str, 0600);
    if (r < 0)
        log_guest(LOG_WARNING, revival->guest, "cannot note that it is to be started again: %s",
                  g_strerror(-r));
}

static void read_times(Revival *revival, const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);

    revival->n = 0;
    for (char **word = words; *word && **word && revival->n < REVIVALS_MAX; word++)
        revival->times[revival->n++] = g_ascii_strtoll(*word, NULL, 10);
}

void revival_recall(Revival *revival)
{
    g_autofree char *text = NULL;

    if (file_read_value_at(revival->folder_fd, revival->path, &text) < 0)
        return;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    int end = *lines ? guest_end_from_string(*lines) : GUEST_END_INVALID;
    if (end < 0)
        return;
    revival->owed = end;
    if (!lines[1])
        return;
    read_times(revival, lines[1]);
    g_strfreev(revival->may_stop);
    revival->may_stop = g_strdupv(lines + 2);
}

void revival_owe(Revival *revival, GuestEnd end, char *const *may_stop)
{
    char **units = g_strdupv((char **)may_stop);

    g_strfreev(revival->may_stop);
    revival->may_stop = units;
    revival->owed = end;
    revival->begun = false;
    save(revival);
}

GuestEnd revival_owed(const Revival *revival)
{
    return revival->owed;
}

char **revival_may_stop(const Revival *revival)
{
    return revival->may_stop;
}

static void forget(Revival *revival)
{
    revival->owed = GUEST_END_OTHER;
    revival->begun = revival->counted = false;
    g_clear_pointer(&revival->may_stop, g_strfreev);
    save(revival);
}

void revival_settle(Revival *revival)
{
    if (revival->owed != GUEST_END_OTHER)
        forget(revival);
}

/* Those that were too long ago do not count any more. */
static void forget_old(Revival *revival, gint64 now)
{
    unsigned old = 0;

    while (old < revival->n && now - revival->times[old] > REVIVALS_SECONDS * G_USEC_PER_SEC)
        old++;
    revival->n -= old;
    memmove(revival->times, revival->times + old, revival->n * sizeof(*revival->times));
}

int revival_count(Revival *revival, Fault **ret_fault)
{
    gint64 now = g_get_monotonic_time();

    forget_old(revival, now);
    if (revival->n == REVIVALS_MAX)
        return fault_raise(ret_fault, FAULT_GUEST_FAILED, NULL,
                           "it was started again %u times within %u minutes, and once more %s", revival->n,
                           REVIVALS_SECONDS / 60, causes[revival->owed]);
    revival->times[revival->n++] = now;
    revival->counted = true;
    save(revival);
    log_guest(LOG_NOTICE, revival->guest, "%s: it is started again, %u of at most %u times within %u minutes",
              causes[revival->owed], revival->n, REVIVALS_MAX, REVIVALS_SECONDS / 60);
    return 0;
}

void revival_begin(Revival *revival, bool by_person)
{
    if (revival->counted) {
        revival->counted = false;
        revival->begun = true;
        return;
    }
    if (by_person)
        revival->n = 0;
    forget(revival);
}

void revival_rest(Revival *revival, bool well)
{
    if (revival->owed != GUEST_END_OTHER && !revival->begun && !well)
        log_guest(LOG_ERR, revival->guest, "%s, and is not started again after that", causes[revival->owed]);
    if (revival->begun || !well)
        revival_settle(revival);
}
