/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"
#include "../../core/host/pci-address.h"
#include "../host-services/clock.h"
#include "step-mark.h"

/* The kernel tells of a close before it lets go of the locks (__fput() in fs/file_table.c). */
#define SETTLE_USEC (100 * G_TIME_SPAN_MILLISECOND)

typedef struct Mark {
    char *address;
    int fd; /* open, and not locked by us: another's lock is on it */
} Mark;

struct StepMarks {
    sd_event *event;
    int dir_fd;
    StepMarkFreed freed;
    void *userdata;
    GPtrArray *marks; /* of Mark, owned */
    sd_event_source *closed;
    sd_event_source *settle;
};

int step_mark_take(int dir_fd, const char *address)
{
    _cleanup_close_ int fd = openat(dir_fd, address, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
        return -errno;
    return steal_fd(&fd);
}

void step_mark_remove(int dir_fd, const char *address)
{
    unlinkat(dir_fd, address, 0);
}

DEFINE_ELEMENT_FREE(Mark, mark_free, mark)
{
    close_fd(mark->fd);
    g_free(mark->address);
}

DEFINE_FREE(StepMarks, step_marks_free, marks)
{
    sd_event_source_disable_unref(marks->closed);
    sd_event_source_disable_unref(marks->settle);
    g_ptr_array_free(marks->marks, TRUE);
    sd_event_unref(marks->event);
}

static bool held(const Mark *mark)
{
    return flock(mark->fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

static int on_settled(sd_event_source *source, uint64_t usec, void *userdata)
{
    StepMarks *marks = userdata;
    g_autoptr(GPtrArray) freed = g_ptr_array_new_with_free_func(mark_free);

    for (unsigned i = marks->marks->len; i > 0; i--)
        if (!held(g_ptr_array_index(marks->marks, i - 1)))
            g_ptr_array_add(freed, g_ptr_array_steal_index(marks->marks, i - 1));
    for (unsigned i = 0; i < freed->len; i++) {
        const Mark *mark = g_ptr_array_index(freed, i);
        step_mark_remove(marks->dir_fd, mark->address);
        marks->freed(mark->address, marks->userdata);
    }
    return 0;
}

static int on_closed(sd_event_source *source, const struct inotify_event *event, void *userdata)
{
    StepMarks *marks = userdata;

    if (marks->marks->len == 0)
        return 0;
    return clock_after(marks->event, SETTLE_USEC, on_settled, marks, &marks->settle);
}

static void find(StepMarks *marks, const char *name)
{
    PciAddress address;
    Mark *mark = g_new0(Mark, 1);

    *mark = (Mark){g_strdup(name), openat(marks->dir_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW)};
    bool known = pci_address_from_string(name, &address) == 0 || g_uuid_string_is_valid(name);
    if (known && mark->fd >= 0 && held(mark)) {
        g_ptr_array_add(marks->marks, mark);
        return;
    }
    step_mark_remove(marks->dir_fd, name);
    mark_free(mark);
}

int step_marks_find(sd_event *event, int dir_fd, StepMarkFreed freed, void *userdata, StepMarks **ret)
{
    StepMarks *marks = g_new0(StepMarks, 1);
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", dir_fd);
    g_auto(GStrv) names = NULL;

    *marks =
        (StepMarks){.event = sd_event_ref(event), .dir_fd = dir_fd, .freed = freed, .userdata = userdata};
    marks->marks = g_ptr_array_new_with_free_func(mark_free);
    /* Watched before it is read, so that no mark can be let go of in between. */
    int r = sd_event_add_inotify(event, &marks->closed, path, IN_CLOSE, on_closed, marks);
    if (r >= 0)
        r = file_list_at(dir_fd, ".", &names);
    if (r < 0) {
        step_marks_free(marks);
        return r;
    }
    for (char **name = names; *name; name++)
        find(marks, *name);
    if (marks->marks->len == 0)
        marks->closed = sd_event_source_disable_unref(marks->closed);
    *ret = marks;
    return 0;
}

GPtrArray *step_marks_list(const StepMarks *marks)
{
    GPtrArray *addresses = g_ptr_array_new();

    for (unsigned i = 0; i < marks->marks->len; i++)
        g_ptr_array_add(addresses, ((Mark *)g_ptr_array_index(marks->marks, i))->address);
    return addresses;
}
