/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "log.h"
#include "words.h"

/* Lines about one guest, in that time. Fewer than what the journal takes from a whole service (10000 in 30 s,
 * journald.conf(5), RateLimitBurst=), so that what one guest gives cause for does not cost the lines about
 * others. */
#define GUEST_LINES 200
#define GUEST_LINES_USEC (10 * G_USEC_PER_SEC)

typedef struct Quota {
    gint64 since; /* monotonic */
    unsigned lines, left_out;
} Quota;

static GHashTable *quotas; /* guest → Quota; both owned */
static bool to_journal;
static int max_level = LOG_INFO;

static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    uintmax_t device, inode;
    struct stat st;

    return stream && sscanf(stream, "%ju:%ju", &device, &inode) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
           st.st_dev == device && st.st_ino == inode;
}

void log_open(int level)
{
    max_level = level;
    to_journal = stderr_is_journal();
}

static void send_to_journal(int level, const char *guest, const char *device, const char *text)
{
    g_autofree char *message = g_strconcat("MESSAGE=", text, NULL);
    g_autofree char *priority = g_strdup_printf("PRIORITY=%d", level);
    g_autofree char *guest_field = g_strconcat("USHER_GUEST=", guest ?: "", NULL);
    g_autofree char *device_field = g_strconcat("USHER_DEVICE=", device ?: "", NULL);
    /* journalctl -u shows what a privileged service says about a unit of this name (journalctl(1), -u). */
    g_autofree char *unit = g_strdup_printf("OBJECT_SYSTEMD_UNIT=usher-guest@%s.service", guest ?: "");
    struct iovec fields[5] = {
        {message, strlen(message)},
        {priority, strlen(priority)},
    };
    int n = 2;

    if (guest) {
        fields[n++] = (struct iovec){guest_field, strlen(guest_field)};
        fields[n++] = (struct iovec){unit, strlen(unit)};
    }
    if (device)
        fields[n++] = (struct iovec){device_field, strlen(device_field)};
    sd_journal_sendv(fields, n);
}

static void put(int level, const char *guest, const char *device, const char *text)
{
    /* Names of files and words of devices may be in it: one message is one line. */
    g_autofree char *line = words_in_line(text, strlen(text));

    if (to_journal)
        send_to_journal(level, guest, device, line);
    else
        fprintf(stderr, "%s%s%s\n", guest ?: device ?: "", guest || device ? ": " : "", line);
}

/* Whether there may be another line about the guest; says how many there might not. */
static bool within_quota(const char *guest)
{
    gint64 now = g_get_monotonic_time();

    if (!quotas)
        quotas = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    Quota *quota = g_hash_table_lookup(quotas, guest);
    if (!quota)
        g_hash_table_insert(quotas, g_strdup(guest), quota = g_new0(Quota, 1));
    if (quota->lines == 0 || now - quota->since >= GUEST_LINES_USEC) {
        if (quota->left_out > 0) {
            g_autofree char *text = g_strdup_printf("%u lines more were left out", quota->left_out);
            put(LOG_WARNING, guest, NULL, text);
        }
        *quota = (Quota){.since = now};
    }
    if (quota->lines >= GUEST_LINES) {
        quota->left_out++;
        return false;
    }
    quota->lines++;
    return true;
}

void log_message(int level, const char *guest, const char *device, const char *format, ...)
{
    int saved = errno;
    va_list arguments;

    if (level > max_level)
        return;

    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);

    if (!guest || level <= LOG_ERR || within_quota(guest))
        put(level, guest, device, text);
    errno = saved;
}
