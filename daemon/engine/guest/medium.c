/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes what is in a guest's CD drive: the image goes to QEMU as a descriptor (add-fd), the drive takes it
 * from there (blockdev-change-medium, eject), and the descriptor is given up again, as the drive has its own
 * by then. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "../../base/cleanup.h"
#include "../../base/log.h"
#include "../../edge/host-services/clock.h"
#include "private.h"

/* The guest's system is asked to open the tray; Linux's udev does so at once, and so does Windows. */
#define TRAY_USEC (5 * G_USEC_PER_SEC)
#define NO_SET (-1)

struct MediumChange {
    Guest *guest;
    char *drive;  /* its name in the definition */
    char *device; /* its id in QEMU */
    char *node;   /* what QEMU's command line put into it */
    bool eject, force;
    int fd;       /* of the image, until QEMU has it */
    bool waiting; /* for the tray to open, */
    bool waited;  /* which is done once */
    int set;      /* the number of the descriptor that QEMU has */
    int old_set;  /* of what the command line put in */
    sd_event_source *deadline;
    GuestControlled controlled;
    void *userdata;
};

static void ask_drive(MediumChange *change);

static void change_free(MediumChange *change)
{
    sd_event_source_disable_unref(change->deadline);
    close_fd(change->fd);
    g_free(change->drive);
    g_free(change->device);
    g_free(change->node);
    g_free(change);
}

static struct json_object *text_argument(const char *name, const char *text)
{
    struct json_object *arguments = json_object_new_object();

    json_object_object_add(arguments, name, json_object_new_string(text));
    return arguments;
}

static void remove_set(Qmp *qmp, int set)
{
    struct json_object *arguments = json_object_new_object();

    json_object_object_add(arguments, "fdset-id", json_object_new_int(set));
    qmp_command(qmp, "remove-fd", arguments, 0, NULL, NULL);
}

/* What the drive has no more use for. A node that is still in it is kept by QEMU; its descriptor may go. */
static void tidy(MediumChange *change)
{
    Qmp *qmp = change->guest->run->qmp;
    g_autofree char *file = g_strconcat(change->node, "-file", NULL);

    if (qmp && change->set != NO_SET)
        remove_set(qmp, change->set);
    if (!qmp || change->old_set == NO_SET)
        return;
    qmp_command(qmp, "blockdev-del", text_argument("node-name", change->node), 0, NULL, NULL);
    qmp_command(qmp, "blockdev-del", text_argument("node-name", file), 0, NULL, NULL);
    remove_set(qmp, change->old_set);
}

static void end(MediumChange *change, Fault *fault)
{
    _cleanup_fault_ Fault *owned = fault;

    change->guest->run->medium = NULL;
    tidy(change);
    change->controlled(owned, change->userdata);
    change_free(change);
}

static void end_unanswered(MediumChange *change, int error, const char *message)
{
    Guest *g = change->guest;

    if (error == -ETIMEDOUT)
        guest_go_silent(g);
    if (error == -EREMOTEIO)
        end(change, fault_new(FAULT_GUEST_FAILED, NULL, "QEMU of guest %s said no: %s", g->name, message));
    else
        end(change, fault_new(FAULT_UNRESPONSIVE, "usherctl kill ends it", "QEMU of guest %s does not answer",
                              g->name));
}

void guest_drop_medium(Guest *g)
{
    if (g->run->medium)
        end(g->run->medium, fault_new(FAULT_NOT_RUNNING, NULL, "guest %s ended, or QEMU hung up", g->name));
}

static int on_tray_locked(sd_event_source *source, uint64_t usec, void *userdata)
{
    MediumChange *change = userdata;

    end(change, fault_new(FAULT_IN_USE, "unmount and eject it in the guest, or say --force",
                          "guest %s has locked the tray of its drive %s, and does not open it",
                          change->guest->name, change->drive));
    return 0;
}

void guest_tray_moved(Guest *g, struct json_object *data)
{
    struct json_object *id = NULL, *open = NULL;
    MediumChange *change = g->run->medium;

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
    MediumChange *change = userdata;

    /* QEMU has told the guest's system of it, and says when the tray is open (qapi/block.json, eject). */
    if (error == -EREMOTEIO && strstr(message, "is locked") && !change->force && !change->waited) {
        change->waiting = change->waited = true;
        clock_after(change->guest->engine->event, TRAY_USEC, on_tray_locked, change, &change->deadline);
        return;
    }
    if (error < 0) {
        end_unanswered(change, error, message);
        return;
    }
    log_guest(LOG_INFO, change->guest->name, "%s", change->eject ? "a CD was taken out" : "a CD was put in");
    end(change, NULL);
}

/* Opens the tray, and changes what is in it. */
static void ask_drive(MediumChange *change)
{
    struct json_object *arguments = text_argument("id", change->device);
    g_autofree char *file = g_strdup_printf("/dev/fdset/%d", change->set);

    json_object_object_add(arguments, "force", json_object_new_boolean(change->force));
    if (!change->eject) {
        json_object_object_add(arguments, "filename", json_object_new_string(file));
        json_object_object_add(arguments, "format", json_object_new_string("raw"));
        json_object_object_add(arguments, "read-only-mode", json_object_new_string("read-only"));
    }
    int r = qmp_command(change->guest->run->qmp, change->eject ? "eject" : "blockdev-change-medium",
                        arguments, QMP_ANSWER_USEC, on_drive, change);
    if (r < 0)
        end_unanswered(change, r, NULL);
}

static void on_added(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    MediumChange *change = userdata;
    struct json_object *set = NULL;

    if (error < 0) {
        end_unanswered(change, error, message);
        return;
    }
    if (json_object_object_get_ex(result, "fdset-id", &set))
        change->set = json_object_get_int(set);
    ask_drive(change);
}

/* The number of the descriptor that a node reads from; NO_SET: there is no such node. */
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
    return NO_SET;
}

/* QEMU is awake: what it is told now is done now. */
static void on_nodes(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    MediumChange *change = userdata;
    g_autofree char *file = g_strconcat(change->node, "-file", NULL);

    if (error < 0) {
        end_unanswered(change, error, message);
        return;
    }
    change->old_set = find_set(result, file);
    if (change->eject) {
        ask_drive(change);
        return;
    }
    int r =
        qmp_command_with_fd(qmp, steal_fd(&change->fd), "add-fd", NULL, QMP_ANSWER_USEC, on_added, change);
    if (r < 0)
        end_unanswered(change, r, NULL);
}

/* What is asked for is one of the drives, or the only one. */
static int find_drive(const Guest *g, const char *name, unsigned *ret_index, Fault **ret_fault)
{
    const GPtrArray *cdroms = g->run->definition ? g->run->definition->cdroms : NULL;
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
                           "add [CDROM NAME] to its definition, and start it again",
                           "guest %s has no CD drive", g->name);
    g_autofree char *remedy = g_strdup_printf("it has %s", all->str);
    if (*name == '\0')
        return fault_raise(ret_fault, FAULT_NO_SUCH_DEVICE, remedy, "which CD drive of guest %s?", g->name);
    return fault_raise(ret_fault, FAULT_NO_SUCH_DEVICE, remedy, "guest %s has no CD drive of that name",
                       g->name);
}

/* Without asking its file system, which may be the caller's own (FUSE) and never answer. */
static int check_image(const Guest *g, int fd, Fault **ret_fault)
{
    struct statx st;
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 ||
        statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE | STATX_INO, &st) < 0)
        return -errno;
    if ((flags & (O_ACCMODE | O_PATH)) != O_RDONLY || !S_ISREG(st.stx_mode))
        return fault_raise(ret_fault, FAULT_BAD_OPTION, "open a file, for reading alone",
                           "what is to be put into the drive is no image");
    g_autofree char *id = g_strdup_printf("f%u:%u:%" G_GUINT64_FORMAT, st.stx_dev_major, st.stx_dev_minor,
                                          (uint64_t)st.stx_ino);
    const char *other = disk_claims_take(g->engine->disks, id, false, g->name);
    if (other)
        return fault_raise(ret_fault, FAULT_IN_USE, "stop that guest first", "guest %s writes to that image",
                           other);
    return 0;
}

static int check_ready(const Guest *g, Fault **ret_fault)
{
    if (!guest_state_live(g->state) || g->state == GUEST_RESTORING || g->state == GUEST_STARTING)
        return fault_raise(ret_fault, FAULT_NOT_RUNNING, NULL, "guest %s is %s", g->name,
                           guest_state_to_string(g->state));
    if (g->run->silent || !g->run->qmp || !qmp_ready(g->run->qmp))
        return fault_raise(ret_fault, FAULT_UNRESPONSIVE, "usherctl kill ends it",
                           "QEMU of guest %s does not answer", g->name);
    if (g->run->medium)
        return fault_raise(ret_fault, FAULT_BUSY, "wait for it", "a CD of guest %s is being changed",
                           g->name);
    return 0;
}

int guest_change_medium(Guest *g, const char *drive, int image, bool force, GuestControlled controlled,
                        void *userdata, Fault **ret_fault)
{
    _cleanup_close_ int fd = image;
    bool eject = fd < 0;
    unsigned index = 0;

    int r = check_ready(g, ret_fault);
    if (r == 0)
        r = find_drive(g, drive, &index, ret_fault);
    if (r == 0 && !eject)
        r = check_image(g, fd, ret_fault);
    if (r != 0)
        return r;

    const DefinitionCdrom *cdrom = g_ptr_array_index(g->run->definition->cdroms, index);
    MediumChange *change = g_new0(MediumChange, 1);
    *change = (MediumChange){
        .guest = g,
        .drive = g_strdup(cdrom->name),
        .device = g_strconcat("cdrom-", cdrom->name, NULL),
        .node = g_strdup_printf("cdrom-%u", index),
        .eject = eject,
        .force = force,
        .set = NO_SET,
        .old_set = NO_SET,
        .fd = steal_fd(&fd),
        .controlled = controlled,
        .userdata = userdata,
    };
    struct json_object *flat = json_object_new_object();
    json_object_object_add(flat, "flat", json_object_new_boolean(true));
    r = qmp_command(g->run->qmp, "query-named-block-nodes", flat, QMP_ANSWER_USEC, on_nodes, change);
    if (r < 0) {
        change_free(change);
        return r;
    }
    g->run->medium = change;
    return 0;
}
