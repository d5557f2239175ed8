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

void log_message(int level, const char *guest, const char *device, const char *format, ...)
{
    int saved = errno;
    va_list arguments;

    if (level > max_level)
        return;

    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);

    if (to_journal)
        send_to_journal(level, guest, device, text);
    else
        fprintf(stderr, "%s%s%s\n", guest ?: device ?: "", guest || device ? ": " : "", text);
    errno = saved;
}
