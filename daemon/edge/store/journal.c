/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"
#include "journal.h"

#define SIZE_LIMIT (16 * 1024 * 1024)

struct Journal {
    int dir_fd;
    int fd;
    char *owner;
    char *name;
    unsigned next;
    bool torn; /* the last line has no end */
};

/* Numbers go on after the highest one in any record, whether its step was undone or not. */
static int take_up(Journal *journal)
{
    g_autofree char *text = NULL;
    size_t size;
    int r = file_read_all_at(journal->dir_fd, journal->name, SIZE_LIMIT, &text, &size);
    if (r < 0)
        return r;

    journal->torn = size > 0 && text[size - 1] != '\n';
    journal->next = journal_replay_next(text, size);
    return 0;
}

int journal_open(int dir_fd, const char *owner, Journal **ret)
{
    g_autofree char *name = owner_to_file(owner);
    if (!name)
        return -EINVAL;
    int fd = openat(dir_fd, name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;

    Journal *journal = g_new0(Journal, 1);
    *journal = (Journal){
        .dir_fd = dir_fd,
        .fd = fd,
        .owner = g_strdup(owner),
        .name = g_steal_pointer(&name),
    };
    int r = take_up(journal);
    if (r < 0) {
        journal_close(journal);
        return r;
    }
    *ret = journal;
    return 0;
}

DEFINE_FREE(Journal, journal_close, journal)
{
    close_fd(journal->fd);
    g_free(journal->owner);
    g_free(journal->name);
}

Journal *journal_remove(Journal *journal)
{
    if (journal)
        unlinkat(journal->dir_fd, journal->name, 0);
    return journal_close(journal);
}

const char *journal_owner(const Journal *journal)
{
    return journal->owner;
}

unsigned journal_next(const Journal *journal)
{
    return journal->next;
}

int journal_write(Journal *journal, JournalMark mark, unsigned number, const Step *step)
{
    g_autofree char *record = journal_record_to_line(mark, number, step);
    /* A record after a torn line would become part of that line. */
    g_autofree char *line = g_strconcat(journal->torn ? "\n" : "", record, NULL);
    ssize_t size = strlen(line);

    ssize_t n = write(journal->fd, line, size);
    if (n != size) {
        int error = n < 0 ? -errno : -ENOSPC;
        journal->torn |= n > 0;
        return error;
    }
    journal->torn = false;
    journal->next = MAX(journal->next, number + 1);
    return 0;
}

int journal_read(const Journal *journal, GPtrArray **ret_open, unsigned *ret_bad)
{
    g_autofree char *text = NULL;
    size_t size;
    int r = file_read_all_at(journal->dir_fd, journal->name, SIZE_LIMIT, &text, &size);
    if (r < 0)
        return r;

    unsigned bad;
    *ret_open = journal_replay(text, size, &bad);
    if (ret_bad)
        *ret_bad = bad;
    return 0;
}

static int compare_owners(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int journal_owners(int dir_fd, char ***ret)
{
    g_auto(GStrv) names = NULL;
    int r = file_list_at(dir_fd, ".", &names);
    if (r < 0)
        return r;

    g_autoptr(GPtrArray) owners = g_ptr_array_new_with_free_func(g_free);
    for (char **name = names; *name; name++) {
        char *owner = owner_from_file(*name);
        if (owner)
            g_ptr_array_add(owners, owner);
    }
    g_ptr_array_sort(owners, compare_owners);
    g_ptr_array_add(owners, NULL);
    *ret = (char **)g_ptr_array_free(g_steal_pointer(&owners), FALSE);
    return 0;
}
