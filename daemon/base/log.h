/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Logging: to the journal with structured fields when stderr is the journal, to stderr otherwise.
 * Log once, where the error is handled. Core never logs. */
#pragma once

#include <glib.h>
#include <syslog.h>

/* Decides where messages go (JOURNAL_STREAM names stderr's device and inode, systemd.exec(5)) and what is
 * dropped: messages of a level above max_level (LOG_DEBUG keeps all). Call once, before anything else logs.
 */
void log_open(int max_level);

/* One line, whatever is in it (words_in_line()). Of what is said of one guest in ten seconds, 200 lines are
 * kept, and those of LOG_ERR and above. guest and device may be NULL; they become the fields USHER_GUEST= and
 * USHER_DEVICE=, and what is said of a guest is shown by journalctl -u of its unit too. errno is kept. */
void log_message(int level, const char *guest, const char *device, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

#define log_error(...) log_message(LOG_ERR, NULL, NULL, __VA_ARGS__)
#define log_warning(...) log_message(LOG_WARNING, NULL, NULL, __VA_ARGS__)
#define log_notice(...) log_message(LOG_NOTICE, NULL, NULL, __VA_ARGS__)
#define log_info(...) log_message(LOG_INFO, NULL, NULL, __VA_ARGS__)
#define log_debug(...) log_message(LOG_DEBUG, NULL, NULL, __VA_ARGS__)
#define log_guest(level, guest, ...) log_message(level, guest, NULL, __VA_ARGS__)
#define log_device(level, device, ...) log_message(level, NULL, device, __VA_ARGS__)
