/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's USB devices that a guest gets while it runs: they are looked for whenever one comes or goes, one
 * section after the other. The node is opened by usher-bind, the drivers leave by a step, and QEMU gets the
 * descriptor. A device that was unplugged, or that slept, is another one when it is back. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "../base/cleanup.h"
#include "../base/file.h"
#include "../base/log.h"
#include "../core/qemu-usb.h"
#include "../core/usb.h"
#include "../edge/usb-drivers.h"
#include "guest-private.h"
#include "host-look.h"

struct GuestUsb {
    const DefinitionUsb *wish; /* borrowed from the definition */
    char *node;  /* "/dev/bus/usb/001/007": what QEMU has, or could not be given; NULL: nothing */
    ino_t inode; /* of that node: after a reset of the controller another device may have the same name */
    bool given;  /* QEMU has it */
    char *words; /* for people: the device, or why there is none */
};

static void look_from(Guest *g, unsigned index);

static void usb_free(void *pointer)
{
    GuestUsb *usb = pointer;

    g_free(usb->node);
    g_free(usb->words);
    g_free(usb);
}

static GuestUsb *current_usb(const Guest *g)
{
    return g_ptr_array_index(g->usbs, g->usb_index);
}

static void drop_opening(Guest *g)
{
    if (g->usb_request)
        worker_request_cancel(g->usb_request);
    g->usb_request = NULL;
    if (g->usb_worker)
        worker_release(g->usb_worker);
    g->usb_worker = NULL;
    g->usb_fd = close_fd(g->usb_fd);
}

void guest_forget_usbs(Guest *g)
{
    drop_opening(g);
    g->usb_execution = execution_free(g->usb_execution);
    g->usb_host = host_free(g->usb_host);
    g_clear_pointer(&g->usbs, g_ptr_array_unref);
    g->usbs_busy = g->usbs_again = false;
}

static void note_wishes(Guest *g)
{
    if (g->usbs)
        return;
    g->usbs = g_ptr_array_new_with_free_func(usb_free);
    for (unsigned i = 0; g->definition && i < g->definition->usbs->len; i++) {
        GuestUsb *usb = g_new0(GuestUsb, 1);

        usb->wish = g_ptr_array_index(g->definition->usbs, i);
        g_ptr_array_add(g->usbs, usb);
    }
}

/* 0: it is not there. */
static ino_t node_inode(const Guest *g, const char *node)
{
    struct stat st;

    return fstatat(g->engine->step_place.dev_fd, node + strlen("/dev/"), &st, AT_SYMLINK_NOFOLLOW) < 0
               ? 0
               : st.st_ino;
}

/* What QEMU has stands in the guest's folder, "SECTION NODE INODE" a line, for a daemon that comes after this
 * one. */
static void remember(Guest *g)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (unsigned i = 0; i < g->usbs->len; i++) {
        const GuestUsb *usb = g_ptr_array_index(g->usbs, i);
        if (usb->given)
            g_string_append_printf(text, "%s %s %" G_GUINT64_FORMAT "\n", usb->wish->name, usb->node,
                                   (guint64)usb->inode);
    }
    int r = file_replace_at(g->run_fd, "usb", text->str, 0600);
    if (r < 0)
        log_guest(LOG_WARNING, g->name, "cannot note which USB devices it has: %s", strerror(-r));
}

void guest_recall_usbs(Guest *g)
{
    g_autofree char *text = NULL;

    note_wishes(g);
    if (file_read_value_at(g->run_fd, "usb", &text) < 0)
        return;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) words = g_strsplit(*line, " ", 3);
        for (unsigned i = 0; g_strv_length(words) == 3 && i < g->usbs->len; i++) {
            GuestUsb *usb = g_ptr_array_index(g->usbs, i);
            if (!g_str_equal(usb->wish->name, words[0]))
                continue;
            g_free(usb->node);
            usb->node = g_strdup(words[1]);
            usb->inode = g_ascii_strtoull(words[2], NULL, 10);
            usb->given = true;
            disk_claims_take(g->engine->disks, usb->node, true, g->name);
        }
    }
}

/* Told once, not at each look. words are taken over. */
static void set_words(Guest *g, int level, char *words)
{
    GuestUsb *usb = current_usb(g);

    bool news = g_strcmp0(usb->words, words) != 0;

    if (news)
        log_guest(level, g->name, "[USB %s]: %s", usb->wish->name, words);
    g_free(usb->words);
    usb->words = words;
    if (news)
        guest_announce(g);
}

static void look_on(Guest *g)
{
    drop_opening(g);
    look_from(g, g->usb_index + 1);
}

/* QEMU has not got it; another time, or another device. */
static void give_up(Guest *g, char *words)
{
    GuestUsb *usb = current_usb(g);

    set_words(g, LOG_WARNING, words);
    disk_claims_give_up_one(g->engine->disks, usb->node, g->name);
    usb->given = false;
    look_on(g);
}

/* Its drivers have left: steps are undone together, when the guest has ended. */
static char *why_not(int error, const char *message)
{
    return g_strdup_printf("QEMU does not take it: %s; the host has it back after the guest",
                           message ?: g_strerror(-error));
}

static void on_added(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;
    GuestUsb *usb = current_usb(g);
    struct json_object *set = json_object_new_object();

    /* The device has a descriptor of its own by now, or never will. */
    json_object_object_add(set, "fdset-id", json_object_new_int(g->usb_set));
    qmp_command(qmp, "remove-fd", set, QMP_ANSWER_USEC, NULL, NULL);
    if (error < 0) {
        give_up(g, why_not(error, message));
        return;
    }
    const HostUsb *device = NULL;
    usb->given = true;
    if (usb_find(g->usb_host, g->name, usb->wish, &device, NULL) == 0 && device)
        set_words(g, LOG_INFO, usb_describe(device));
    remember(g);
    look_on(g);
}

static void on_fd_added(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;
    struct json_object *set = NULL;

    if (error == 0 && json_object_object_get_ex(result, "fdset-id", &set)) {
        g->usb_set = json_object_get_int(set);
        error =
            qmp_command(qmp, "device_add", qemu_usb_device(current_usb(g)->wish, g->usb_index, g->usb_set),
                        QMP_ANSWER_USEC, on_added, g);
    }
    if (error < 0)
        give_up(g, why_not(error, message));
}

static void hand_over(Guest *g)
{
    int r = g->qmp ? qmp_command_with_fd(g->qmp, steal_fd(&g->usb_fd), "add-fd", NULL, QMP_ANSWER_USEC,
                                         on_fd_added, g)
                   : -ENOTCONN;

    if (r < 0)
        give_up(g, why_not(r, NULL));
}

static void on_taken(Execution *execution, const Fault *fault, void *userdata)
{
    Guest *g = userdata;
    g_autofree char *why = fault ? g_strdup(fault->message) : NULL;

    g->usb_execution = execution_free(execution);
    if (g->end_owed) {
        g->end_owed = false;
        guest_ended(g);
    } else if (why) {
        give_up(g, g_steal_pointer(&why));
    } else {
        hand_over(g);
    }
}

/* The drivers that it has, now that its node is open. */
static void take(Guest *g)
{
    static const ExecutionHandler handler = {.ended = on_taken};
    g_autoptr(GPtrArray) steps = g_ptr_array_new_with_free_func((GDestroyNotify)step_free);
    g_autofree char *drivers = NULL;
    const char *node = current_usb(g)->node;

    int r = usb_drivers_read(g->engine->step_place.sys_fd, node, &drivers);
    if (r < 0 || !drivers) {
        give_up(g, g_strdup("it was unplugged just now"));
        return;
    }
    g_ptr_array_add(steps, step_new(STEP_USB_DRIVERS, node, drivers, ""));
    g->usb_execution = execution_run(g->engine, g->journal, steps, &handler, g);
}

static void on_opened(int error, int *fd, void *userdata)
{
    Guest *g = userdata;

    if (error == -ECONNRESET)
        g->usb_worker = NULL;
    if (error < 0) {
        give_up(g, g_strdup_printf("cannot open %s: %s", current_usb(g)->node, g_strerror(-error)));
        return;
    }
    g->usb_fd = steal_fd(fd);
    worker_release(g->usb_worker);
    g->usb_worker = NULL;
    take(g);
}

static void on_worker(Worker *worker, const char *message, void *userdata)
{
    Guest *g = userdata;
    int r = worker ? 0 : -ECHILD;

    g->usb_request = NULL;
    g->usb_worker = worker;
    if (worker)
        r = worker_open_device(worker, current_usb(g)->node, on_opened, g);
    if (r < 0)
        give_up(g, g_strdup_printf("cannot start usher-bind: %s", message ?: g_strerror(-r)));
}

static void open_node(Guest *g)
{
    int r = worker_request(g->engine->workers, on_worker, g, &g->usb_request);

    if (r < 0)
        give_up(g, g_strdup_printf("cannot start usher-bind: %s", g_strerror(-r)));
}

/* The device that it is to have now. words: why none, NULL: it is simply not there. */
static const HostUsb *wanted(const Guest *g, char **ret_words)
{
    const DefinitionUsb *wish = current_usb(g)->wish;
    _cleanup_fault_ Fault *fault = NULL;
    const HostUsb *device = NULL;

    int r = usb_find(g->usb_host, g->name, wish, &device, &fault);
    if (r == 0 && device)
        r = usb_judge(device, g->name, wish, &fault);
    if (fault)
        *ret_words = fault_to_line(fault);
    return r == 0 ? device : NULL;
}

/* Another section of the same guest has it: both fit. */
static const GuestUsb *find_twin(const Guest *g, const char *node)
{
    for (unsigned i = 0; i < g->usbs->len; i++) {
        const GuestUsb *other = g_ptr_array_index(g->usbs, i);
        if (i != g->usb_index && other->given && g_str_equal(other->node, node))
            return other;
    }
    return NULL;
}

/* True if something is under way for this one. */
static bool give(Guest *g)
{
    GuestUsb *usb = current_usb(g);
    g_autofree char *words = NULL;
    const HostUsb *device = wanted(g, &words);

    if (!device) {
        g_autofree char *meant = usb_wish_describe(usb->wish);
        int level = words ? LOG_WARNING : LOG_NOTICE;
        set_words(g, level,
                  g_steal_pointer(&words)
                      ?: g_strdup_printf("%s is not plugged in; the guest gets it when it is", meant));
        return false;
    }
    g_autofree char *node = usb_node(device);
    const GuestUsb *twin = find_twin(g, node);
    if (twin)
        set_words(g, LOG_WARNING,
                  g_strdup_printf("the device that it means is that of [USB %s]", twin->wish->name));
    if (twin || (g_strcmp0(node, usb->node) == 0 && node_inode(g, node) == usb->inode))
        return false;
    g_free(usb->node);
    usb->node = g_steal_pointer(&node);
    usb->inode = node_inode(g, usb->node);
    const char *other = disk_claims_take(g->engine->disks, usb->node, true, g->name);
    if (other) {
        /* Since the snapshot was taken. */
        set_words(g, LOG_WARNING, g_strdup_printf("guest %s has just got it", other));
        g_clear_pointer(&usb->node, g_free);
        return false;
    }
    open_node(g);
    return true;
}

static void on_deleted(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;
    GuestUsb *usb = current_usb(g);

    if (error < 0 && error != -EREMOTEIO) {
        look_on(g);
        return;
    }
    disk_claims_give_up_one(g->engine->disks, usb->node, g->name);
    g_clear_pointer(&usb->node, g_free);
    usb->given = false;
    remember(g);
    if (!give(g))
        look_on(g);
}

static bool still_there(const Guest *g, const GuestUsb *usb)
{
    g_autofree char *drivers = NULL;

    return (usb_drivers_read(g->engine->step_place.sys_fd, usb->node, &drivers) < 0 || drivers) &&
           node_inode(g, usb->node) == usb->inode;
}

/* True if something is under way for this one. */
static bool look_at(Guest *g, GuestUsb *usb)
{
    if (usb->given && still_there(g, usb)) {
        const HostUsb *device = NULL;
        if (!usb->words && usb_find(g->usb_host, g->name, usb->wish, &device, NULL) == 0 && device)
            usb->words = usb_describe(device);
        return false;
    }
    if (!usb->given) {
        if (usb->node && !still_there(g, usb))
            g_clear_pointer(&usb->node, g_free);
        return give(g);
    }
    struct json_object *arguments = json_object_new_object();
    g_autofree char *id = qemu_usb_id(usb->wish);
    json_object_object_add(arguments, "id", json_object_new_string(id));
    return qmp_command(g->qmp, "device_del", arguments, QMP_ANSWER_USEC, on_deleted, g) >= 0;
}

static void look_from(Guest *g, unsigned index)
{
    for (g->usb_index = index; g->usb_index < g->usbs->len; g->usb_index++)
        if (guest_qmp_usable(g) && look_at(g, current_usb(g)))
            return;
    g->usbs_busy = false;
    if (g->usbs_again)
        guest_mind_usbs(g);
}

void guest_mind_usbs(Guest *g)
{
    if (!guest_qmp_usable(g) || !g->journal || !g->definition || g->definition->usbs->len == 0)
        return;
    note_wishes(g);
    g->usbs_again = g->usbs_busy;
    if (g->usbs_busy)
        return;
    g->usb_host = host_free(g->usb_host);
    int r = host_look(g->engine, &g->usb_host);
    if (r < 0) {
        log_guest(LOG_WARNING, g->name, "cannot look for its USB devices: %s", strerror(-r));
        return;
    }
    g->usbs_busy = true;
    look_from(g, 0);
}

bool guest_end_usbs(Guest *g)
{
    drop_opening(g);
    if (!g->usb_execution)
        return true;
    execution_stop(g->usb_execution, NULL);
    return false;
}

GPtrArray *guest_usb_words(const Guest *g)
{
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

    for (unsigned i = 0; g->watched && g->usbs && i < g->usbs->len; i++) {
        const GuestUsb *usb = g_ptr_array_index(g->usbs, i);
        if (usb->words)
            g_ptr_array_add(words, g_strdup_printf("%s: %s", usb->wish->name, usb->words));
    }
    return words;
}
