/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../../daemon/base/log.h"
#include "../suite.h"

static FILE *file;
static int saved;

static void setup(void)
{
    unsetenv("JOURNAL_STREAM");
    log_open(LOG_INFO);
    file = tmpfile();
    fflush(stderr);
    saved = dup(STDERR_FILENO);
    ck_assert_int_ge(dup2(fileno(file), STDERR_FILENO), 0);
}

static char *lines(void)
{
    char *text = g_malloc0(1 << 20);

    fflush(stderr);
    rewind(file);
    text[fread(text, 1, (1 << 20) - 1, file)] = '\0';
    ck_assert_int_eq(ftruncate(fileno(file), 0), 0);
    rewind(file);
    return text;
}

static void teardown(void)
{
    dup2(saved, STDERR_FILENO);
    close(saved);
    fclose(file);
}

static unsigned count(const char *text)
{
    unsigned n = 0;

    for (; *text; text++)
        n += *text == '\n';
    return n;
}

START_TEST(a_message_is_one_line)
{
    log_warning("cannot open /mnt/a\nguest win10: was stopped\x1b[2J\xff");
    g_autofree char *text = lines();
    ck_assert_str_eq(text, "cannot open /mnt/a\\x0aguest win10: was stopped\\x1b[2J\uFFFD\n");
}
END_TEST

START_TEST(a_guest_has_a_number_of_lines_and_errors_besides)
{
    for (int i = 0; i < 1000; i++)
        log_guest(LOG_WARNING, "loud", "its system has panicked");
    g_autofree char *loud = lines();
    ck_assert_uint_eq(count(loud), 200);
    log_guest(LOG_ERR, "loud", "has failed");
    log_guest(LOG_INFO, "calm", "runs");
    log_device(LOG_INFO, "0000:01:00.0", "lent");
    log_info("ready");
    g_autofree char *others = lines();
    ck_assert_str_eq(others, "loud: has failed\ncalm: runs\n0000:01:00.0: lent\nready\n");
}
END_TEST

SUITE_WITH("log", setup, teardown, a_message_is_one_line, a_guest_has_a_number_of_lines_and_errors_besides)
