/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../base/cleanup.h"
#include "journal-record.h"

#define CRC_DIGITS 8
/* Far above any step's line; bounds the work for a damaged file. */
#define LINE_MAX_SIZE 8192

static const char *const mark_names[JOURNAL_MARK_MAX] = {
    [JOURNAL_BEGIN] = "begin",
    [JOURNAL_DONE] = "done",
    [JOURNAL_UNDONE] = "undone",
};

static JournalMark mark_from_string(const char *name)
{
    for (int mark = 0; mark < JOURNAL_MARK_MAX; mark++)
        if (strcmp(mark_names[mark], name) == 0)
            return mark;
    return JOURNAL_MARK_INVALID;
}

/* CRC-32 of IEEE 802.3, bit by bit: a journal is a few kilobytes. */
static uint32_t crc32_of(const char *bytes, size_t size)
{
    uint32_t crc = ~0u;

    for (size_t i = 0; i < size; i++) {
        crc ^= (uint8_t)bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

/* "" becomes "-", so that there are always as many words. */
static void append_escaped(GString *line, const char *value)
{
    if (value[0] == '\0')
        g_string_append_c(line, '-');
    else if (strcmp(value, "-") == 0)
        g_string_append(line, "%2D");
    else
        for (const char *c = value; *c; c++)
            if ((unsigned char)*c <= ' ' || *c == '%' || *c == 0x7f)
                g_string_append_printf(line, "%%%02X", (unsigned char)*c);
            else
                g_string_append_c(line, *c);
}

/* NULL if append_escaped() did not write it, as far as single bytes show that; the comparison with the line
 * written anew shows the rest. */
static char *unescape(const char *word)
{
    if (strcmp(word, "-") == 0)
        return g_strdup("");

    GString *value = g_string_new(NULL);
    for (; *word; word++) {
        if (*word != '%') {
            g_string_append_c(value, *word);
            continue;
        }
        int high = g_ascii_xdigit_value(word[1]);
        int low = high < 0 ? -1 : g_ascii_xdigit_value(word[2]);
        if (low < 0 || high * 16 + low == 0) {
            g_string_free(value, TRUE);
            return NULL;
        }
        g_string_append_c(value, high * 16 + low);
        word += 2;
    }
    return g_string_free(value, FALSE);
}

char *journal_record_to_line(JournalMark mark, unsigned number, const Step *step)
{
    GString *line = g_string_new(NULL);

    g_string_append_printf(line, "%s %u %s ", mark_names[mark], number, step_kind_to_string(step->kind));
    append_escaped(line, step->subject);
    g_string_append_c(line, ' ');
    append_escaped(line, step->before);
    g_string_append_c(line, ' ');
    append_escaped(line, step->after);
    g_string_append_printf(line, " %08x\n", crc32_of(line->str, line->len));
    return g_string_free(line, FALSE);
}

static int record_from_words(char **words, JournalRecord **ret)
{
    enum { MARK, NUMBER, KIND, SUBJECT, BEFORE, AFTER, CRC, WORDS };

    if (g_strv_length(words) != WORDS)
        return -EBADMSG;
    JournalMark mark = mark_from_string(words[MARK]);
    StepKind kind = step_kind_from_string(words[KIND]);
    guint64 number;
    if (mark < 0 || kind < 0 || !g_ascii_string_to_unsigned(words[NUMBER], 10, 0, G_MAXUINT, &number, NULL))
        return -EBADMSG;

    g_autofree char *subject = unescape(words[SUBJECT]);
    g_autofree char *before = unescape(words[BEFORE]);
    g_autofree char *after = unescape(words[AFTER]);
    if (!subject || !before || !after)
        return -EBADMSG;

    JournalRecord *record = g_new(JournalRecord, 1);
    *record = (JournalRecord){.mark = mark, .number = number, .step = step_new(kind, subject, before, after)};
    *ret = record;
    return 0;
}

static bool crc_matches(const char *line, size_t size)
{
    char crc[CRC_DIGITS + 1];

    if (size <= CRC_DIGITS || size > LINE_MAX_SIZE || line[size - CRC_DIGITS - 1] != ' ')
        return false;
    for (size_t i = size - CRC_DIGITS; i < size; i++)
        if (!g_ascii_isxdigit(line[i]))
            return false;
    snprintf(crc, sizeof(crc), "%08x", crc32_of(line, size - CRC_DIGITS - 1));
    return memcmp(crc, line + size - CRC_DIGITS, CRC_DIGITS) == 0;
}

int journal_record_from_line(const char *line, JournalRecord **ret)
{
    if (!crc_matches(line, strlen(line)))
        return -EBADMSG;

    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    JournalRecord *record;
    int r = record_from_words(words, &record);
    if (r < 0)
        return r;

    /* Written anew it must be the same: no second spelling of a record is believed. */
    g_autofree char *again = journal_record_to_line(record->mark, record->number, record->step);
    if (strncmp(again, line, strlen(line)) != 0 || strcmp(again + strlen(line), "\n") != 0) {
        journal_record_free(record);
        return -EBADMSG;
    }
    *ret = record;
    return 0;
}

DEFINE_FREE(JournalRecord, journal_record_free, record)
{
    step_free(record->step);
}

void journal_open_free(JournalOpen *open)
{
    step_free(open->step);
    g_free(open);
}

typedef struct Replay {
    GHashTable *open; /* number → JournalOpen */
    unsigned bad;
    unsigned next;
} Replay;

/* Each record stands for itself, so that a lost record takes no other with it: a done without its begin is a
 * step taken, and an undone without either is no step. */
static void replay_record(Replay *replay, JournalRecord *record)
{
    gpointer key = GUINT_TO_POINTER(record->number);

    replay->next = MAX(replay->next, record->number + 1);
    if (record->mark == JOURNAL_UNDONE) {
        g_hash_table_remove(replay->open, key);
    } else {
        JournalOpen *open = g_new(JournalOpen, 1);
        *open = (JournalOpen){
            .number = record->number,
            .certain = record->mark == JOURNAL_DONE,
            .step = g_steal_pointer(&record->step),
        };
        g_hash_table_replace(replay->open, key, open);
    }
    journal_record_free(record);
}

/* Takes the record that a damaged line still begins with, and says where the next one may begin: a damaged
 * newline makes one line of two records, and both would be lost. 0 if there is none. */
static size_t replay_head(Replay *replay, const char *line, size_t size)
{
    for (size_t end = CRC_DIGITS + 1; end < MIN(size, LINE_MAX_SIZE); end++) {
        if (!crc_matches(line, end))
            continue;
        g_autofree char *head = g_strndup(line, end);
        JournalRecord *record;
        if (journal_record_from_line(head, &record) == 0) {
            replay_record(replay, record);
            return end + 1;
        }
    }
    return 0;
}

static void replay_line(Replay *replay, const char *bytes, size_t size)
{
    while (size > 0) {
        g_autofree char *line = g_strndup(bytes, size);
        JournalRecord *record;

        if (strlen(line) == size && journal_record_from_line(line, &record) == 0) {
            replay_record(replay, record);
            return;
        }
        replay->bad++;
        size_t next = replay_head(replay, bytes, size);
        if (next == 0 || next > size)
            return;
        bytes += next;
        size -= next;
    }
}

static int compare_numbers(gconstpointer a, gconstpointer b)
{
    const JournalOpen *const *x = a, *const *y = b;
    return (*x)->number < (*y)->number ? -1 : (*x)->number > (*y)->number;
}

static void replay_text(Replay *replay, const char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        const char *newline = memchr(text + at, '\n', size - at);
        size_t end = newline ? (size_t)(newline - text) : size;
        /* An empty line is where the journal was taken up again after a torn one. */
        if (end > at)
            replay_line(replay, text + at, end - at);
        at = end + 1;
    }
}

static GHashTable *open_table_new(void)
{
    return g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)journal_open_free);
}

GPtrArray *journal_replay(const char *text, size_t size, unsigned *ret_bad)
{
    g_autoptr(GHashTable) open = open_table_new();
    Replay replay = {.open = open};
    replay_text(&replay, text, size);

    GPtrArray *standing = g_ptr_array_new_with_free_func((GDestroyNotify)journal_open_free);
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, open);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        g_hash_table_iter_steal(&iter);
        g_ptr_array_add(standing, value);
    }
    /* Steps get their numbers in the order in which they are taken. */
    g_ptr_array_sort(standing, compare_numbers);
    *ret_bad = replay.bad;
    return standing;
}

unsigned journal_replay_next(const char *text, size_t size)
{
    g_autoptr(GHashTable) open = open_table_new();
    Replay replay = {.open = open};
    replay_text(&replay, text, size);
    return replay.next;
}
