/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../../core/definition/handle.h"
#include "file-gate.h"

#include <fcntl.h>

#include "../../base/cleanup.h"
#include "../../base/log.h"
#include "../../core/plan/disk-wish.h"
#include "../opener.h"

typedef struct OpenDisk {
    int fd; /* -1: it would be made */
    bool block;
} OpenDisk;

struct FileGate {
    Engine *engine;
    const GuestDefinition *definition;
    const char *guest; /* its name */
    bool look, takes_nothing;
    FileGateAnswered answered;
    void *userdata;
    GPtrArray *files;  /* of FileWish, owned */
    unsigned n_seen;   /* of those */
    GPtrArray *wishes; /* of DiskWish, owned */
    GArray *disks;     /* of OpenDisk, by their place in wishes */
    GString *lines;
    Opener *opener;        /* NULL: it is over */
    sd_event_source *turn; /* the first */
};

static void look_next(FileGate *gate);
static void open_next(FileGate *gate);

static void close_disk(void *disk)
{
    close_fd(((OpenDisk *)disk)->fd);
}

static void end(FileGate *gate, Fault *fault)
{
    _cleanup_fault_ Fault *owned = fault;

    gate->opener = opener_free(gate->opener);
    gate->answered(owned, gate->userdata);
}

static const DiskWish *current(const FileGate *gate)
{
    return g_ptr_array_index(gate->wishes, gate->disks->len);
}

static Fault *used_by_guest(const FileGate *gate, const char *other)
{
    const DiskWish *wish = current(gate);
    g_autofree char *remedy = g_strdup_printf("stop that guest first: usherctl stop %s", other);

    return fault_new(FAULT_IN_USE, remedy, "guest %s: [%s] %s=%s is in use by guest %s", gate->guest,
                     wish->section, wish->key, wish->path, other);
}

/* NULL: the guest may have it. */
static Fault *judge(FileGate *gate, const DiskSeen *seen)
{
    const DiskWish *wish = current(gate);
    DiskClaims *claims = gate->engine->disks;
    Fault *fault = NULL;

    if (disk_wish_judge(gate->guest, wish, seen, &fault) != 0)
        return fault;
    const char *other = gate->look ? disk_claims_against(claims, seen->id, wish->writable, gate->guest)
                                   : disk_claims_take(claims, seen->id, wish->writable, gate->guest);
    if (other)
        return used_by_guest(gate, other);
    if (seen->made)
        log_guest(LOG_NOTICE, gate->guest, "made %s with %" G_GUINT64_FORMAT " bytes, empty", wish->path,
                  wish->size);
    g_string_append_printf(gate->lines, "%s %c\n", seen->id, wish->writable ? 'w' : 'r');
    return NULL;
}

static Fault *held(const FileGate *gate, const DiskSeen *seen, const GPtrArray *holders)
{
    const char *other = disk_claims_other(gate->engine->disks, seen->id, gate->guest);

    return other ? used_by_guest(gate, other) : disk_wish_held(gate->guest, current(gate), holders);
}

/* "[Disk system] Path=/srv/a.img" */
static char *title(const char *section, const char *key, const char *path)
{
    return section ? g_strdup_printf("[%s] %s=%s", section, key, path) : g_strdup(path);
}

static void fail(FileGate *gate, int error)
{
    const DiskWish *wish = current(gate);
    g_autofree char *what = title(wish->section, wish->key, wish->path);

    end(gate,
        opener_fault(gate->opener, error, gate->guest, what) ?: disk_wish_fault(gate->guest, wish, error));
}

static void go_on(FileGate *gate, OpenDisk disk)
{
    g_array_append_val(gate->disks, disk);
    open_next(gate);
}

static void on_place(int error, int *fd, void *userdata)
{
    FileGate *gate = userdata;

    if (error < 0)
        fail(gate, error);
    else
        go_on(gate, (OpenDisk){.fd = -1});
}

/* A disk that would be made needs a folder for it. */
static void ask_place(FileGate *gate)
{
    g_autofree char *folder = g_path_get_dirname(current(gate)->path);

    opener_open(gate->opener, FILE_KIND_DISK, folder, on_place, gate);
}

static void on_opened(int error, const DiskSeen *seen, const GPtrArray *holders, int *fd, void *userdata)
{
    FileGate *gate = userdata;

    if (gate->look && error == -ENOENT && current(gate)->size > 0) {
        ask_place(gate);
        return;
    }
    if (error < 0) {
        fail(gate, error);
        return;
    }
    Fault *fault = error > 0 ? held(gate, seen, holders) : judge(gate, seen);
    if (fault)
        end(gate, fault);
    else
        go_on(gate, (OpenDisk){steal_fd(fd), seen->id[0] == 'b'});
}

static void open_next(FileGate *gate)
{
    if (gate->disks->len == gate->wishes->len) {
        end(gate, NULL);
        return;
    }
    DiskWish wish = *current(gate);
    if (gate->look) {
        wish.size = 0;
        wish.how = gate->takes_nothing ? DISK_HOW_ASK : DISK_HOW_LOOK;
    }
    opener_open_disk(gate->opener, &wish, on_opened, gate);
}

static void on_seen(int error, const FileSeen *seen, void *userdata)
{
    FileGate *gate = userdata;
    const FileWish *wish = g_ptr_array_index(gate->files, gate->n_seen++);
    g_autofree char *what = title(wish->section, wish->key, wish->path);
    Fault *fault = opener_fault(gate->opener, error, gate->guest, what);

    if (!fault)
        file_wish_judge(gate->definition, wish, error, seen, &fault);
    if (fault)
        end(gate, fault);
    else
        look_next(gate);
}

/* Looks at everything first: that is quick, and a missing file is better reported than one in use. */
static void look_next(FileGate *gate)
{
    const FileWish *wish =
        gate->n_seen < gate->files->len ? g_ptr_array_index(gate->files, gate->n_seen) : NULL;

    if (wish)
        opener_look(gate->opener, wish->kind, wish->path, on_seen, gate);
    else
        open_next(gate);
}

static int on_turn(sd_event_source *source, void *userdata)
{
    FileGate *gate = userdata;

    gate->turn = sd_event_source_disable_unref(gate->turn);
    look_next(gate);
    return 0;
}

static void keep_section(FileGate *gate, const char *section)
{
    for (unsigned i = gate->files->len; i > 0; i--)
        if (g_strcmp0(((const FileWish *)g_ptr_array_index(gate->files, i - 1))->section, section) != 0)
            g_ptr_array_remove_index(gate->files, i - 1);
    for (unsigned i = gate->wishes->len; i > 0; i--)
        if (!g_str_equal(((const DiskWish *)g_ptr_array_index(gate->wishes, i - 1))->section, section))
            g_ptr_array_remove_index(gate->wishes, i - 1);
}

FileGate *file_gate_new(Engine *engine, const GuestDefinition *definition, FileGateHow how,
                        const char *section, FileGateAnswered answered, void *userdata)
{
    FileGate *gate = g_new(FileGate, 1);

    *gate = (FileGate){.engine = engine,
                       .definition = definition,
                       .guest = definition_name(definition),
                       .look = how != FILE_GATE_START,
                       .answered = answered,
                       .userdata = userdata};
    gate->opener = opener_new(engine, gate->look);
    gate->files = how == FILE_GATE_DISKS ? file_wishes_of_disks(definition) : file_wishes(definition);
    gate->wishes = disk_wishes(definition);
    if (section)
        keep_section(gate, section);
    gate->lines = g_string_new(NULL);
    gate->disks = g_array_new(FALSE, FALSE, sizeof(OpenDisk));
    g_array_set_clear_func(gate->disks, close_disk);
    if (sd_event_add_defer(engine->event, &gate->turn, on_turn, gate) < 0)
        g_error("out of memory");
    return gate;
}

void file_gate_take_nothing(FileGate *gate)
{
    gate->takes_nothing = true;
}

DEFINE_FREE(FileGate, file_gate_free, gate)
{
    sd_event_source_disable_unref(gate->turn);
    opener_free(gate->opener);
    g_array_unref(gate->disks);
    g_ptr_array_unref(gate->files);
    g_ptr_array_unref(gate->wishes);
    g_string_free(gate->lines, TRUE);
}

int file_gate_dup(const FileGate *gate, const char *path, bool read_only, bool direct, bool *ret_block)
{
    for (unsigned i = 0; i < gate->disks->len; i++) {
        const OpenDisk *disk = &g_array_index(gate->disks, OpenDisk, i);
        const DiskWish *wish = g_ptr_array_index(gate->wishes, i);
        if (!g_str_equal(wish->path, path) || wish->writable == read_only || wish->direct != direct)
            continue;
        int fd = fcntl(disk->fd, F_DUPFD_CLOEXEC, 3);
        *ret_block = disk->block;
        return fd < 0 ? -errno : fd;
    }
    return -ENOENT;
}

const char *file_gate_lines(const FileGate *gate)
{
    return gate->lines->str;
}
