/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's USB devices that a guest gets while it runs: they are looked for whenever one comes or goes, one
 * section after the other. A device that was unplugged, or that slept, is another one when it is back. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "../../base/file.h"
#include "../../base/log.h"
#include "../../core/qemu/usb.h"
#include "../../core/host/usb.h"
#include "../../edge/sight/usb-interfaces.h"
#include "usb-private.h"
#include "../host-look.h"
#include "../../core/plan/usb-wish.h"

static void look_from(Guest *g, unsigned index);

static void usb_free(void *pointer)
{
    GuestUsb *usb = pointer;

    g_free(usb->node);
    g_free(usb->words);
    g_free(usb);
}

GuestUsb *guest_usb_current(const Guest *g)
{
    return g_ptr_array_index(g->run->usbs, g->run->usb_index);
}

void guest_forget_usbs(Guest *g)
{
    guest_usb_drop(g);
    g->run->usb_execution = execution_free(g->run->usb_execution);
    g->run->usb_host = host_free(g->run->usb_host);
    g_clear_pointer(&g->run->usbs, g_ptr_array_unref);
    g->run->usbs_busy = g->run->usbs_again = false;
}

static void note_wishes(Guest *g)
{
    if (g->run->usbs)
        return;
    g->run->usbs = g_ptr_array_new_with_free_func(usb_free);
    for (unsigned i = 0; g->run->definition && i < g->run->definition->usbs->len; i++) {
        GuestUsb *usb = g_new0(GuestUsb, 1);

        usb->wish = g_ptr_array_index(g->run->definition->usbs, i);
        g_ptr_array_add(g->run->usbs, usb);
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
void guest_usb_remember(Guest *g)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (unsigned i = 0; i < g->run->usbs->len; i++) {
        const GuestUsb *usb = g_ptr_array_index(g->run->usbs, i);
        if (usb->given)
            g_string_append_printf(text, "%s %s %" G_GUINT64_FORMAT "\n", usb->wish->name, usb->node,
                                   (guint64)usb->inode);
    }
    int r = file_replace_at(g->folder_fd, "usb", text->str, 0600);
    if (r < 0)
        log_guest(LOG_WARNING, g->name, "cannot note which USB devices it has: %s", strerror(-r));
}

void guest_recall_usbs(Guest *g)
{
    g_autofree char *text = NULL;

    note_wishes(g);
    if (file_read_value_at(g->folder_fd, "usb", &text) < 0)
        return;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) words = g_strsplit(*line, " ", 3);
        for (unsigned i = 0; g_strv_length(words) == 3 && i < g->run->usbs->len; i++) {
            GuestUsb *usb = g_ptr_array_index(g->run->usbs, i);
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

void guest_usb_set_words(Guest *g, int level, char *words)
{
    GuestUsb *usb = guest_usb_current(g);

    bool news = g_strcmp0(usb->words, words) != 0;

    if (news)
        log_guest(level, g->name, "[USB %s]: %s", usb->wish->name, words);
    g_free(usb->words);
    usb->words = words;
    if (news)
        guest_announce(g);
}

void guest_usb_look_on(Guest *g)
{
    guest_usb_drop(g);
    look_from(g, g->run->usb_index + 1);
}

/* The device that it is to have now. words: why none, NULL: it is simply not there. */
static const HostUsb *wanted(const Guest *g, char **ret_words)
{
    const DefinitionUsb *wish = guest_usb_current(g)->wish;
    _cleanup_fault_ Fault *fault = NULL;
    const HostUsb *device = NULL;

    int r = usb_find(g->run->usb_host, g->name, wish, &device, &fault);
    if (r == 0 && device)
        r = usb_judge(device, g->name, wish, &fault);
    if (!fault)
        return r == 0 ? device : NULL;
    g_autofree char *line = fault_to_line(fault);
    /* That a device comes or goes, or another guest ends, is seen. */
    bool unseen = fault->kind == FAULT_IN_USE && device && !device->guest;
    *ret_words = g_strconcat(line, unseen ? GUEST_USB_AGAIN : "", NULL);
    return NULL;
}

/* Another section of the same guest has it: both fit. */
static const GuestUsb *find_twin(const Guest *g, const char *node)
{
    for (unsigned i = 0; i < g->run->usbs->len; i++) {
        const GuestUsb *other = g_ptr_array_index(g->run->usbs, i);
        if (i != g->run->usb_index && other->given && g_str_equal(other->node, node))
            return other;
    }
    return NULL;
}

/* True if something is under way for this one. */
static bool give(Guest *g)
{
    GuestUsb *usb = guest_usb_current(g);
    g_autofree char *words = NULL;
    const HostUsb *device = wanted(g, &words);

    if (!device) {
        g_autofree char *meant = usb_wish_describe(usb->wish);
        int level = words ? LOG_WARNING : LOG_NOTICE;
        guest_usb_set_words(
            g, level,
            g_steal_pointer(&words)
                ?: g_strdup_printf("%s is not plugged in; the guest gets it when it is", meant));
        return false;
    }
    bool again = usb->again;
    usb->again = false;
    g_autofree char *node = usb_node(device);
    const GuestUsb *twin = find_twin(g, node);
    if (twin)
        guest_usb_set_words(
            g, LOG_WARNING,
            g_strdup_printf("the device that it means is that of [USB %s]", twin->wish->name));
    if (twin || (!again && g_strcmp0(node, usb->node) == 0 && node_inode(g, node) == usb->inode))
        return false;
    g_free(usb->node);
    usb->node = g_steal_pointer(&node);
    usb->inode = node_inode(g, usb->node);
    const char *other = disk_claims_take(g->engine->disks, usb->node, true, g->name);
    if (other) {
        /* Since the snapshot was taken. */
        guest_usb_set_words(g, LOG_WARNING, g_strdup_printf("guest %s has just got it", other));
        g_clear_pointer(&usb->node, g_free);
        return false;
    }
    guest_usb_give(g);
    return true;
}

static void on_deleted(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;
    GuestUsb *usb = guest_usb_current(g);

    if (error < 0 && error != -EREMOTEIO) {
        guest_usb_look_on(g);
        return;
    }
    disk_claims_give_up_one(g->engine->disks, usb->node, g->name);
    g_clear_pointer(&usb->node, g_free);
    usb->given = false;
    guest_usb_remember(g);
    if (!give(g))
        guest_usb_look_on(g);
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
        if (!usb->words && usb_find(g->run->usb_host, g->name, usb->wish, &device, NULL) == 0 && device)
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
    return qmp_command(g->run->qmp, "device_del", arguments, QMP_ANSWER_USEC, on_deleted, g) >= 0;
}

static void look_from(Guest *g, unsigned index)
{
    for (g->run->usb_index = index; g->run->usb_index < g->run->usbs->len; g->run->usb_index++)
        if (guest_qmp_usable(g) && look_at(g, guest_usb_current(g)))
            return;
    g->run->usbs_busy = false;
    if (g->run->usbs_again)
        guest_mind_usbs(g);
}

void guest_mind_usbs(Guest *g)
{
    if (!guest_qmp_usable(g) || !g->run->journal || !g->run->definition || g->run->definition->usbs->len == 0)
        return;
    note_wishes(g);
    g->run->usbs_again = g->run->usbs_busy;
    if (g->run->usbs_busy)
        return;
    g->run->usb_host = host_free(g->run->usb_host);
    int r = host_look(g->engine, &g->run->usb_host);
    if (r < 0) {
        log_guest(LOG_WARNING, g->name, "cannot look for its USB devices: %s", strerror(-r));
        return;
    }
    g->run->usbs_busy = true;
    look_from(g, 0);
}

void guest_retry_usbs(Guest *g)
{
    for (unsigned i = 0; g->run && g->run->usbs && i < g->run->usbs->len; i++)
        ((GuestUsb *)g_ptr_array_index(g->run->usbs, i))->again = true;
    guest_mind_usbs(g);
}

bool guest_end_usbs(Guest *g)
{
    guest_usb_drop(g);
    if (!g->run->usb_execution)
        return true;
    execution_stop(g->run->usb_execution, NULL);
    return false;
}

GPtrArray *guest_usb_words(const Guest *g)
{
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

    for (unsigned i = 0; g->run && g->run->watched && g->run->usbs && i < g->run->usbs->len; i++) {
        const GuestUsb *usb = g_ptr_array_index(g->run->usbs, i);
        if (usb->words)
            g_ptr_array_add(words, g_strdup_printf("%s: %s", usb->wish->name, usb->words));
    }
    return words;
}
