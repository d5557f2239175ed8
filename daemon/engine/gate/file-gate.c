/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "file-gate.h"

#include <fcntl.h>

#include "../../base/cleanup.h"
#include "../../base/log.h"
#include "../../core/definition/absent.h"
#include "../../core/plan/disk-wish.h"
#include "../opener.h"

typedef struct OpenFile {
    int fd; /* -1: there is nothing to hand over */
    bool handed;
} OpenFile;

typedef struct OpenDisk {
    int fd; /* -1: it would be made */
    bool block;
    DiskGeometry geometry;
} OpenDisk;

struct FileGate {
    Engine *engine;
    const GuestDefinition *definition;
    const char *guest; /* its name */
    FileGateHow how;
    FileGateAnswered answered;
    void *userdata;
    GPtrArray *files;  /* of FileWish, owned */
    GArray *opened;    /* of OpenFile, by their place in files */
    GPtrArray *wishes; /* of DiskWish, owned */
    GArray *disks;     /* of OpenDisk, by their place in wishes */
    GPtrArray *absent; /* of char*, owned: sections */
    GPtrArray *lacks;  /* likewise, by the same places: in words */
    uint64_t memory;
    GString *lines;
    Opener *opener;        /* NULL: it is over */
    sd_event_source *turn; /* the first */
};

static void open_next_file(FileGate *gate);
static void open_next_disk(FileGate *gate);

static void close_file(void *file)
{
    close_fd(((OpenFile *)file)->fd);
}

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

static Fault *used_by_guest(const FileGate *gate, const char *section, const char *key, const char *path,
                            const char *other)
{
    g_autofree char *remedy = g_strdup_printf("stop that guest first: usherctl stop %s", other);

    return fault_new(FAULT_IN_USE, remedy, "guest %s: [%s] %s=%s is in use by guest %s", gate->guest, section,
                     key, path, other);
}

/* The guest that has it already; NULL: none, and it is this one's. */
static const char *claim(FileGate *gate, const char *id, bool writable)
{
    DiskClaims *claims = gate->engine->disks;
    const char *other = gate->how == FILE_GATE_START ? disk_claims_take(claims, id, writable, gate->guest)
                                                     : disk_claims_against(claims, id, writable, gate->guest);

    if (!other)
        g_string_append_printf(gate->lines, "%s %c\n", id, writable ? 'w' : 'r');
    return other;
}

/* NULL: the guest may have it. */
static Fault *judge(FileGate *gate, const DiskSeen *seen)
{
    const DiskWish *wish = current(gate);
    Fault *fault = NULL;

    if (disk_wish_judge(gate->guest, wish, seen, &fault) != 0)
        return fault;
    const char *other = claim(gate, seen->id, wish->writable);
    if (other)
        return used_by_guest(gate, wish->section, wish->key, wish->path, other);
    if (seen->made)
        log_guest(LOG_NOTICE, gate->guest, "made %s, an empty file of %" G_GUINT64_FORMAT " bytes",
                  wish->path, wish->size);
    return NULL;
}

static Fault *held(const FileGate *gate, const DiskSeen *seen, const GPtrArray *holders)
{
    const char *other = disk_claims_other(gate->engine->disks, seen->id, gate->guest);
    const DiskWish *wish = current(gate);

    return other ? used_by_guest(gate, wish->section, wish->key, wish->path, other)
                 : disk_wish_held(gate->guest, wish, holders);
}

/* "[Disk system] Path=/srv/a.img" */
static char *title(const char *section, const char *key, const char *path)
{
    return section ? g_strdup_printf("[%s] %s=%s", section, key, path) : g_strdup(path);
}

/* Notes that the guest starts without it. */
static void go_without(FileGate *gate, const char *section, const char *key, const char *path)
{
    g_ptr_array_add(gate->absent, g_strdup(section));
    g_ptr_array_add(gate->lacks, definition_absent_words(section, key, path));
}

static bool is_without(const FileGate *gate, const char *section)
{
    return g_ptr_array_find_with_equal_func(gate->absent, section, g_str_equal, NULL);
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
    open_next_disk(gate);
}

static void on_place(int error, const FileSeen *seen, int *fd, void *userdata)
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

    opener_open(gate->opener, FILE_KIND_PLACE, folder, on_place, gate);
}

static void on_disk(int error, const DiskSeen *seen, const GPtrArray *holders, int *fd, void *userdata)
{
    FileGate *gate = userdata;

    if (gate->how != FILE_GATE_START && error == -ENOENT && current(gate)->size > 0) {
        ask_place(gate);
        return;
    }
    const DiskWish *wish = current(gate);
    if (file_error_absent(error) && wish->optional) {
        /* It was there when it was looked at. */
        go_without(gate, wish->section, wish->key, wish->path);
        go_on(gate, (OpenDisk){.fd = -1});
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
        go_on(gate, (OpenDisk){steal_fd(fd), seen->id[0] == 'b', seen->geometry});
}

static void open_next_disk(FileGate *gate)
{
    if (gate->disks->len == gate->wishes->len) {
        end(gate, NULL);
        return;
    }
    DiskWish wish = *current(gate);
    /* Of a chain, all images are absent. */
    if (is_without(gate, wish.section)) {
        go_on(gate, (OpenDisk){.fd = -1});
        return;
    }
    if (gate->how != FILE_GATE_START) {
        wish.size = 0;
        wish.how = gate->how == FILE_GATE_ASK ? DISK_HOW_ASK : DISK_HOW_LOOK;
    }
    opener_open_disk(gate->opener, &wish, on_disk, gate);
}

static const FileWish *current_file(const FileGate *gate)
{
    return gate->opened->len < gate->files->len ? g_ptr_array_index(gate->files, gate->opened->len) : NULL;
}

/* The guest gets a descriptor of such a thing. */
static bool is_handed_over(FileKind kind)
{
    return kind != FILE_KIND_DISK && kind != FILE_KIND_KVMFR && kind != FILE_KIND_USER &&
           kind != FILE_KIND_GROUP;
}

/* Memory that a picture is written to has one writer, as a disk has. NULL: the guest may have it. */
static Fault *claim_memory(FileGate *gate, const FileWish *wish, const FileSeen *seen)
{
    const char *other = seen && wish->kind == FILE_KIND_KVMFR ? claim(gate, wish->path, true) : NULL;

    gate->memory = MAX(gate->memory, seen ? seen->memory : 0);
    return other ? used_by_guest(gate, wish->section, wish->key, wish->path, other) : NULL;
}

/* NULL: the guest may have it. */
static Fault *judge_file(FileGate *gate, int error, const FileSeen *seen, int fd)
{
    const FileWish *wish = current_file(gate);
    g_autofree char *what = title(wish->section, wish->key, wish->path);
    Fault *fault = opener_fault(gate->opener, error, gate->guest, what) ?: claim_memory(gate, wish, seen);

    if (fault || file_wish_judge(gate->definition, wish, error, seen, &fault) != 0)
        return fault;
    if (gate->how == FILE_GATE_START && is_handed_over(wish->kind) && fd < 0)
        file_wish_judge(gate->definition, wish, -EBADMSG, NULL, &fault);
    return fault;
}

static void add_file(FileGate *gate, int fd)
{
    OpenFile file = {fd, false};

    g_array_append_val(gate->opened, file);
    open_next_file(gate);
}

static void on_file(int error, const FileSeen *seen, int *fd, void *userdata)
{
    FileGate *gate = userdata;
    const FileWish *wish = current_file(gate);
    if (file_wish_absent(wish, error, seen)) {
        if (!is_without(gate, wish->section))
            go_without(gate, wish->section, wish->key, wish->path);
        add_file(gate, -1);
        return;
    }
    Fault *fault = judge_file(gate, error, seen, *fd);

    if (fault)
        end(gate, fault);
    else
        add_file(gate, steal_fd(fd));
}

/* Whoever opens a link plugs it in, and whoever opens vhost's device loads its module: no look does that. */
static bool is_opened(const FileGate *gate, FileKind kind)
{
    return gate->how == FILE_GATE_START || (kind != FILE_KIND_LINK && kind != FILE_KIND_VHOST);
}

/* Disks come after all else: that is quick, and a missing file is better reported than one in use. */
static void open_next_file(FileGate *gate)
{
    const FileWish *wish = current_file(gate);

    if (!wish)
        open_next_disk(gate);
    else if (is_opened(gate, wish->kind))
        opener_open(gate->opener, wish->kind, wish->path, on_file, gate);
    else
        add_file(gate, -1);
}

static int on_turn(sd_event_source *source, void *userdata)
{
    FileGate *gate = userdata;

    gate->turn = sd_event_source_disable_unref(gate->turn);
    open_next_file(gate);
    return 0;
}

static GPtrArray *wishes_for(const GuestDefinition *definition, const GPtrArray *files)
{
    for (unsigned i = 0; i < files->len; i++)
        if (((const FileWish *)g_ptr_array_index(files, i))->kind == FILE_KIND_DISK)
            return disk_wishes(definition);
    return g_ptr_array_new();
}

FileGate *file_gate_new(Engine *engine, const GuestDefinition *definition, GPtrArray *files, FileGateHow how,
                        FileGateAnswered answered, void *userdata)
{
    FileGate *gate = g_new(FileGate, 1);

    *gate = (FileGate){.engine = engine,
                       .definition = definition,
                       .guest = definition_name(definition),
                       .how = how,
                       .answered = answered,
                       .userdata = userdata,
                       .files = files};
    gate->opener = opener_new(engine, how != FILE_GATE_START);
    gate->opened = g_array_new(FALSE, FALSE, sizeof(OpenFile));
    g_array_set_clear_func(gate->opened, close_file);
    gate->wishes = wishes_for(definition, files);
    gate->disks = g_array_new(FALSE, FALSE, sizeof(OpenDisk));
    g_array_set_clear_func(gate->disks, close_disk);
    gate->absent = g_ptr_array_new_with_free_func(g_free);
    gate->lacks = g_ptr_array_new_with_free_func(g_free);
    gate->lines = g_string_new(NULL);
    if (sd_event_add_defer(engine->event, &gate->turn, on_turn, gate) < 0)
        g_error("out of memory");
    return gate;
}

DEFINE_FREE(FileGate, file_gate_free, gate)
{
    sd_event_source_disable_unref(gate->turn);
    opener_free(gate->opener);
    g_array_unref(gate->opened);
    g_array_unref(gate->disks);
    g_ptr_array_unref(gate->files);
    g_ptr_array_unref(gate->wishes);
    g_ptr_array_unref(gate->absent);
    g_ptr_array_unref(gate->lacks);
    g_string_free(gate->lines, TRUE);
}

static int dup_fd(int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

    return copy < 0 ? -errno : copy;
}

int file_gate_dup(FileGate *gate, FileKind kind, const char *path)
{
    OpenFile *found = NULL;

    for (unsigned i = 0; i < gate->opened->len && (!found || found->handed); i++) {
        const FileWish *wish = g_ptr_array_index(gate->files, i);
        if (wish->kind == kind && g_str_equal(wish->path, path))
            found = &g_array_index(gate->opened, OpenFile, i);
    }
    if (!found)
        return -ENOENT;
    found->handed = true;
    return dup_fd(found->fd);
}

int file_gate_dup_disk(const FileGate *gate, const char *path, bool read_only, bool direct, bool *ret_block,
                       DiskGeometry *ret_geometry)
{
    for (unsigned i = 0; i < gate->disks->len; i++) {
        const OpenDisk *disk = &g_array_index(gate->disks, OpenDisk, i);
        const DiskWish *wish = g_ptr_array_index(gate->wishes, i);
        if (!g_str_equal(wish->path, path) || wish->writable == read_only || wish->direct != direct)
            continue;
        *ret_block = disk->block;
        *ret_geometry = disk->geometry;
        return dup_fd(disk->fd);
    }
    return -ENOENT;
}

uint64_t file_gate_memory(const FileGate *gate)
{
    return gate->memory;
}

const GPtrArray *file_gate_absent(const FileGate *gate)
{
    return gate->absent;
}

const GPtrArray *file_gate_lacks(const FileGate *gate)
{
    return gate->lacks;
}

const char *file_gate_lines(const FileGate *gate)
{
    return gate->lines->str;
}
