/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "medium.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "../../base/cleanup.h"
#include "../../base/log.h"
#include "../../core/definition/disk.h"
#include "../../edge/host-services/clock.h"
#include "fd-set.h"
#include "qmp-fault.h"

/* How long the guest's system has to open the tray; Linux's udev does so at once, and so does Windows. */
#define TRAY_USEC (5 * G_USEC_PER_SEC)

typedef struct Change {
    Medium *medium;
    char *drive;  /* its name in the definition */
    char *device; /* its id in QEMU */
    char *node;   /* what QEMU's command line put into it */
    bool eject, force;
    int fd;       /* the open image, until QEMU has it */
    char *image;  /* its id among the claims on disks; NULL: it is taken out */
    bool waiting; /* waits for the tray to open */
    bool waited;  /* has waited once; there is no second wait */
    int set;      /* the number of the descriptor that QEMU has */
    int old_set;  /* the number of the descriptor of the command line's image */
    sd_event_source *deadline;
    GuestControlled changed;
    void *userdata;
} Change;

struct Medium {
    Engine *engine;
    const char *guest;
    QemuLink *link;
    Change *change;     /* under way */
    GHashTable *inside; /* drive → id of the image that was put into it, as claimed; both owned */
    GHashTable *kept;   /* set of ids, owned: claimed to the guest's end whatever is in its drives */
};

Medium *medium_new(Engine *engine, const char *guest, QemuLink *link)
{
    Medium *medium = g_new(Medium, 1);

    *medium = (Medium){
        .engine = engine,
        .guest = guest,
        .link = link,
        .inside = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
        .kept = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
    };
    return medium;
}

static void change_free(Change *change)
{
    if (!change)
        return;
    sd_event_source_disable_unref(change->deadline);
    close_fd(change->fd);
    g_free(change->drive);
    g_free(change->device);
    g_free(change->node);
    g_free(change->image);
    g_free(change);
}

DEFINE_FREE(Medium, medium_free, medium)
{
    change_free(medium->change);
    g_hash_table_destroy(medium->inside);
    g_hash_table_destroy(medium->kept);
}

/* The claims on what is in the drives. */

static bool is_inside(const Medium *medium, const char *image)
{
    GHashTableIter iter;
    const char *other;

    g_hash_table_iter_init(&iter, medium->inside);
    while (g_hash_table_iter_next(&iter, NULL, (void **)&other))
        if (g_str_equal(image, other))
            return true;
    return false;
}

/* The guest whose claim prevents it; NULL: the image is claimed. */
static const char *claim(Medium *medium, const char *image)
{
    DiskClaims *claims = medium->engine->disks;

    if (!disk_claims_has(claims, image, medium->guest))
        return disk_claims_take(claims, image, false, medium->guest);
    /* By the command line: it may be in another drive, or a disk, too. */
    if (!is_inside(medium, image))
        g_hash_table_add(medium->kept, g_strdup(image));
    return NULL;
}

static void give_up(const Medium *medium, const char *image)
{
    if (image && !is_inside(medium, image) && !g_hash_table_contains(medium->kept, image))
        disk_claims_give_up_one(medium->engine->disks, image, medium->guest);
}

static void note_change(const Change *change)
{
    Medium *medium = change->medium;
    g_autofree char *old = g_strdup(g_hash_table_lookup(medium->inside, change->drive));

    if (change->image)
        g_hash_table_insert(medium->inside, g_strdup(change->drive), g_strdup(change->image));
    else
        g_hash_table_remove(medium->inside, change->drive);
    give_up(medium, old);
}

static struct json_object *text_argument(const char *name, const char *text)
{
    struct json_object *arguments = json_object_new_object();

    json_object_object_add(arguments, name, json_object_new_string(text));
    return arguments;
}

/* Deletes the nodes and descriptors that the drive no longer uses. QEMU keeps a node that is still in the
 * drive; the node's descriptor may go. */
static void tidy(Change *change)
{
    Qmp *qmp = qemu_link_qmp(change->medium->link);
    g_autofree char *file = g_strconcat(change->node, "-file", NULL);

    fd_set_remove(qmp, change->set);
    if (!qmp || change->old_set == FD_SET_NONE)
        return;
    qmp_command(qmp, "blockdev-del", text_argument("node-name", change->node), 0, NULL, NULL);
    qmp_command(qmp, "blockdev-del", text_argument("node-name", file), 0, NULL, NULL);
    fd_set_remove(qmp, change->old_set);
}

/* fault is taken over; NULL: it is done. */
static void end(Change *change, Fault *fault)
{
    _cleanup_fault_ Fault *owned = fault;

    change->medium->change = NULL;
    tidy(change);
    if (fault)
        give_up(change->medium, change->image);
    else
        note_change(change);
    change->changed(owned, change->userdata);
    change_free(change);
}

static void end_undone(Change *change, int error, const char *message)
{
    Medium *medium = change->medium;

    if (error == -ETIMEDOUT)
        qemu_link_go_silent(medium->link);
    /* QEMU may have put it in all the same. */
    if (error != -EREMOTEIO && change->image)
        g_hash_table_add(medium->kept, g_strdup(change->image));
    end(change, qmp_fault(medium->guest, error, message));
}

void medium_drop(Medium *medium)
{
    if (medium->change)
        end_undone(medium->change, -ECONNRESET, NULL);
}

static int on_tray_locked(sd_event_source *source, uint64_t usec, void *userdata)
{
    Change *change = userdata;

    end(change, fault_new(FAULT_IN_USE, "unmount and eject the medium in the guest, or use --force",
                          "guest %s has locked the tray of its drive %s, and does not open the tray",
                          change->medium->guest, change->drive));
    return 0;
}

static void ask_drive(Change *change);

void medium_tray_moved(Medium *medium, struct json_object *data)
{
    struct json_object *id = NULL, *open = NULL;
    Change *change = medium->change;

    if (!change || !change->waiting || !json_object_object_get_ex(data, "id", &id) ||
        !json_object_object_get_ex(data, "tray-open", &open) || !json_object_get_boolean(open) ||
        g_strcmp0(json_object_get_string(id), change->device) != 0)
        return;
    change->waiting = false;
    change->deadline = sd_event_source_disable_unref(change->deadline);
    ask_drive(change);
}

static void on_drive(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Change *change = userdata;

    /* QEMU has told the guest's system of it, and says when the tray is open (qapi/block.json, eject). */
    if (error == -EREMOTEIO && strstr(message, "is locked") && !change->force && !change->waited) {
        change->waiting = change->waited = true;
        clock_after(change->medium->engine->event, TRAY_USEC, on_tray_locked, change, &change->deadline);
        return;
    }
    if (error < 0) {
        end_undone(change, error, message);
        return;
    }
    log_guest(LOG_INFO, change->medium->guest, "%s",
              change->eject ? "a CD was taken out" : "a CD was put in");
    end(change, NULL);
}

/* Opens the tray, and changes what is in it. */
static void ask_drive(Change *change)
{
    struct json_object *arguments = text_argument("id", change->device);
    g_autofree char *file = fd_set_path(change->set);

    json_object_object_add(arguments, "force", json_object_new_boolean(change->force));
    if (!change->eject) {
        json_object_object_add(arguments, "filename", json_object_new_string(file));
        json_object_object_add(arguments, "format", json_object_new_string("raw"));
        json_object_object_add(arguments, "read-only-mode", json_object_new_string("read-only"));
    }
    int r =
        qmp_command(qemu_link_qmp(change->medium->link), change->eject ? "eject" : "blockdev-change-medium",
                    arguments, QMP_ANSWER_USEC, on_drive, change);
    if (r < 0)
        end_undone(change, r, NULL);
}

static void on_added(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Change *change = userdata;

    if (error < 0) {
        end_undone(change, error, message);
        return;
    }
    change->set = fd_set_of(result);
    ask_drive(change);
}

/* The number of the descriptor that a node reads from; FD_SET_NONE: there is no such node. */
static int find_set(struct json_object *nodes, const char *name)
{
    for (size_t i = 0; json_object_is_type(nodes, json_type_array) && i < json_object_array_length(nodes);
         i++) {
        struct json_object *node = json_object_array_get_idx(nodes, i), *node_name = NULL, *file = NULL;
        int set;

        json_object_object_get_ex(node, "node-name", &node_name);
        json_object_object_get_ex(node, "file", &file);
        if (g_strcmp0(json_object_get_string(node_name), name) == 0 && file &&
            sscanf(json_object_get_string(file), "/dev/fdset/%d", &set) == 1)
            return set;
    }
    return FD_SET_NONE;
}

/* QEMU is awake, so it carries out a command now. */
static void on_nodes(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Change *change = userdata;
    g_autofree char *file = g_strconcat(change->node, "-file", NULL);

    if (error < 0) {
        end_undone(change, error, message);
        return;
    }
    change->old_set = find_set(result, file);
    if (change->eject) {
        ask_drive(change);
        return;
    }
    int r = fd_set_add(qmp, steal_fd(&change->fd), on_added, change);
    if (r < 0)
        end_undone(change, r, NULL);
}

/* Finds the drive that was asked for, or the only one. */
static int find_drive(const Medium *medium, const GPtrArray *cdroms, const char *name, unsigned *ret_index,
                      Fault **ret_fault)
{
    g_autoptr(GString) all = g_string_new(NULL);

    for (unsigned i = 0; cdroms && i < cdroms->len; i++) {
        const DefinitionCdrom *cdrom = g_ptr_array_index(cdroms, i);
        if (g_str_equal(cdrom->name, name) || (*name == '\0' && cdroms->len == 1)) {
            *ret_index = i;
            return 0;
        }
        g_string_append_printf(all, "%s%s", i > 0 ? ", " : "", cdrom->name);
    }
    if (all->len == 0)
        return fault_raise(ret_fault, FAULT_NO_SUCH_DEVICE,
                           "add [CDROM NAME] to the guest's definition, and start the guest again",
                           "guest %s has no CD drive", medium->guest);
    g_autofree char *remedy = g_strdup_printf("its drives are %s", all->str);
    if (*name == '\0')
        return fault_raise(ret_fault, FAULT_NO_SUCH_DEVICE, remedy,
                           "guest %s has several CD drives, and none was named", medium->guest);
    return fault_raise(ret_fault, FAULT_NO_SUCH_DEVICE, remedy, "guest %s has no CD drive of that name",
                       medium->guest);
}

/* This does not ask the file system, which may be the caller's own (FUSE) and never answer. */
static int check_image(Medium *medium, int fd, char **ret_image, Fault **ret_fault)
{
    struct statx st;
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 ||
        statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE | STATX_INO, &st) < 0)
        return -errno;
    if ((flags & (O_ACCMODE | O_PATH)) != O_RDONLY || !S_ISREG(st.stx_mode))
        return fault_raise(ret_fault, FAULT_BAD_OPTION, "pass a regular file that is open for reading only",
                           "the image is not a regular file, or is open for writing");
    g_autofree char *id = g_strdup_printf("f%u:%u:%" G_GUINT64_FORMAT, st.stx_dev_major, st.stx_dev_minor,
                                          (uint64_t)st.stx_ino);
    const char *other = claim(medium, id);
    if (other)
        return fault_raise(ret_fault, FAULT_IN_USE, "stop that guest first", "guest %s writes to this image",
                           other);
    *ret_image = g_steal_pointer(&id);
    return 0;
}

static Change *change_new(Medium *medium, const DefinitionCdrom *cdrom, unsigned index)
{
    Change *change = g_new(Change, 1);

    *change = (Change){
        .medium = medium,
        .drive = g_strdup(cdrom->name),
        .device = g_strconcat("cdrom-", cdrom->name, NULL),
        .node = g_strdup_printf("cdrom-%u", index),
        .set = FD_SET_NONE,
        .old_set = FD_SET_NONE,
        .fd = -1,
    };
    return change;
}

/* Asks first what the drive has; on_nodes() goes on. change is taken over. */
static int begin(Change *change)
{
    struct json_object *flat = json_object_new_object();

    json_object_object_add(flat, "flat", json_object_new_boolean(true));
    int r = qmp_command(qemu_link_qmp(change->medium->link), "query-named-block-nodes", flat, QMP_ANSWER_USEC,
                        on_nodes, change);
    if (r >= 0) {
        change->medium->change = change;
        return 0;
    }
    give_up(change->medium, change->image);
    change_free(change);
    return r;
}

int medium_change(Medium *medium, const GPtrArray *cdroms, const char *drive, int image, bool force,
                  GuestControlled changed, void *userdata, Fault **ret_fault)
{
    _cleanup_close_ int fd = image;
    g_autofree char *id = NULL;
    bool eject = fd < 0;
    unsigned index = 0;

    if (medium->change)
        return fault_raise(ret_fault, FAULT_BUSY, "wait until that has ended",
                           "another change of a CD of guest %s is under way", medium->guest);
    int r = find_drive(medium, cdroms, drive, &index, ret_fault);
    if (r == 0 && !eject)
        r = check_image(medium, fd, &id, ret_fault);
    if (r != 0)
        return r;

    Change *change = change_new(medium, g_ptr_array_index(cdroms, index), index);
    change->eject = eject;
    change->force = force;
    change->fd = steal_fd(&fd);
    change->image = g_steal_pointer(&id);
    change->changed = changed;
    change->userdata = userdata;
    return begin(change);
}
