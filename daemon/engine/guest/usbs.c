/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../../base/cleanup.h"
#include "../../core/definition/usb.h"
#include "usbs.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "../../base/file.h"
#include "../../base/log.h"
#include "../../core/host/usb.h"
#include "../../core/plan/usb-wish.h"
#include "../../core/qemu/usb.h"
#include "../../edge/sight/usb-interfaces.h"
#include "../host-look.h"
#include "rounds.h"
#include "usb-give.h"

/* How often a device is tried again: nothing tells when its holder releases it. */
#define AGAIN "; to try again: usherctl reload"

typedef struct Usb {
    const DefinitionUsb *wish;
    char *node;  /* "/dev/bus/usb/001/007": what QEMU has, or could not be given; NULL: nothing */
    ino_t inode; /* the inode of that node: after a reset of the controller another device may have the same
                  * name */
    bool given;  /* QEMU has it */
    bool again;  /* try the device although it could not be given before */
    char *words; /* for people: the device, or why there is none */
} Usb;

struct Usbs {
    UsbsSetup setup;
    const UsbsHandler *handler;
    void *userdata;
    GPtrArray *list; /* of Usb, owned */
    Rounds rounds;
    Host *host;    /* as it was when the round began */
    UsbGive *give; /* the current one is being given; NULL: it is not */
};

static const RoundsHandler rounds_handler;

DEFINE_ELEMENT_FREE(Usb, usb_free, usb)
{
    g_free(usb->node);
    g_free(usb->words);
}

Usbs *usbs_new(const UsbsSetup *setup, const UsbsHandler *handler, void *userdata)
{
    Usbs *all = g_new0(Usbs, 1);

    *all = (Usbs){
        .setup = *setup,
        .handler = handler,
        .userdata = userdata,
        .list = g_ptr_array_new_with_free_func(usb_free),
        .rounds = {.handler = &rounds_handler, .userdata = all, .n = setup->wishes->len},
    };
    for (unsigned i = 0; i < setup->wishes->len; i++) {
        Usb *usb = g_new0(Usb, 1);

        usb->wish = g_ptr_array_index(setup->wishes, i);
        g_ptr_array_add(all->list, usb);
    }
    return all;
}

DEFINE_FREE(Usbs, usbs_free, all)
{
    usb_give_free(all->give);
    host_free(all->host);
    g_ptr_array_unref(all->list);
}

static Usb *current(const Usbs *all)
{
    return g_ptr_array_index(all->list, all->rounds.index);
}

static int dev_fd(const Usbs *all)
{
    return all->setup.engine->step_place.dev_fd;
}

/* 0: it is not there. */
static ino_t node_inode(const Usbs *all, const char *node)
{
    struct stat st;

    return fstatat(dev_fd(all), node + strlen("/dev/"), &st, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : st.st_ino;
}

/* The devices that QEMU has, "SECTION NODE INODE" a line. */
static void remember(const Usbs *all)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (unsigned i = 0; i < all->list->len; i++) {
        const Usb *usb = g_ptr_array_index(all->list, i);
        if (usb->given)
            g_string_append_printf(text, "%s %s %" G_GUINT64_FORMAT "\n", usb->wish->name, usb->node,
                                   (guint64)usb->inode);
    }
    int r = file_replace_at(all->setup.folder_fd, "usb", text->str, 0600);
    if (r < 0)
        log_guest(LOG_WARNING, all->setup.guest, "cannot note which USB devices it has: %s", strerror(-r));
}

/* NULL: nobody else has it. */
static const char *claim(const Usbs *all, const char *node)
{
    return disk_claims_take(all->setup.engine->disks, node, true, all->setup.guest);
}

static void give_claim_up(const Usbs *all, const char *node)
{
    disk_claims_give_up_one(all->setup.engine->disks, node, all->setup.guest);
}

static Usb *find_section(const Usbs *all, const char *name)
{
    for (unsigned i = 0; i < all->list->len; i++) {
        Usb *usb = g_ptr_array_index(all->list, i);
        if (g_str_equal(usb->wish->name, name))
            return usb;
    }
    return NULL;
}

void usbs_recall(Usbs *all)
{
    g_autofree char *text = NULL;

    if (file_read_value_at(all->setup.folder_fd, "usb", &text) < 0)
        return;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) words = g_strsplit(*line, " ", 3);
        Usb *usb = g_strv_length(words) == 3 ? find_section(all, words[0]) : NULL;
        if (!usb)
            continue;
        g_free(usb->node);
        usb->node = g_strdup(words[1]);
        usb->inode = g_ascii_strtoull(words[2], NULL, 10);
        usb->given = true;
        claim(all, usb->node);
    }
}

/* Logs the words once, not at each look. words are taken over. */
static void set_words(Usbs *all, int level, char *words)
{
    Usb *usb = current(all);
    bool news = g_strcmp0(usb->words, words) != 0;

    if (news)
        log_guest(level, all->setup.guest, "[USB %s]: %s", usb->wish->name, words);
    g_free(usb->words);
    usb->words = words;
    if (news)
        all->handler->changed(all->userdata);
}

/* The device for the current one. words: why there is none; NULL: it is simply not plugged in. */
static const HostUsb *wanted(const Usbs *all, char **ret_words)
{
    const DefinitionUsb *wish = current(all)->wish;
    _cleanup_fault_ Fault *fault = NULL;
    const HostUsb *device = NULL;

    int r = usb_find(all->host, all->setup.guest, wish, &device, &fault);
    if (r == 0 && device)
        r = usb_judge(device, all->setup.guest, wish, &fault);
    if (!fault)
        return r == 0 ? device : NULL;
    g_autofree char *line = fault_to_line(fault);
    /* usherd sees that a device comes or goes, or that another guest ends. */
    bool unseen = fault->kind == FAULT_IN_USE && device && !device->guest;
    *ret_words = g_strconcat(line, unseen ? AGAIN : "", NULL);
    return NULL;
}

/* "046d:0a8f at port 1-2", of the current one; NULL: it is not there. */
static char *describe(const Usbs *all)
{
    const HostUsb *device = NULL;

    return usb_find(all->host, all->setup.guest, current(all)->wish, &device, NULL) == 0 && device
               ? usb_describe(device)
               : NULL;
}

/* Another section of the same guest has the device: it fits both. */
static const Usb *find_twin(const Usbs *all, const char *node)
{
    for (unsigned i = 0; i < all->list->len; i++) {
        const Usb *other = g_ptr_array_index(all->list, i);
        if (i != all->rounds.index && other->given && g_str_equal(other->node, node))
            return other;
    }
    return NULL;
}

static Qmp *give_qmp(void *userdata)
{
    const Usbs *all = userdata;

    return all->handler->qmp(all->userdata);
}

static void on_given(const char *why, void *userdata)
{
    Usbs *all = userdata;
    Usb *usb = current(all);

    usb->given = why == NULL;
    if (why) {
        set_words(all, LOG_WARNING, g_strconcat(why, AGAIN, NULL));
        give_claim_up(all, usb->node);
    } else {
        char *words = describe(all);
        if (words)
            set_words(all, LOG_INFO, words);
        remember(all);
    }
    all->give = usb_give_free(all->give);
    rounds_go_on(&all->rounds);
}

static void on_stopped(void *userdata)
{
    const Usbs *all = userdata;

    all->handler->ended(all->userdata);
}

/* Says why there is no device for the current one. words are taken over, and may be NULL. */
static void say_why_none(Usbs *all, char *words)
{
    g_autofree char *meant = usb_wish_describe(current(all)->wish);
    int level = words ? LOG_WARNING : LOG_NOTICE;

    set_words(all, level,
              words
                  ?: g_strdup_printf("%s is not plugged in; the guest gets it when it is plugged in", meant));
}

/* True if the current one is being given its device. */
static bool give(Usbs *all)
{
    static const UsbGiveHandler handler = {give_qmp, on_given, on_stopped};
    Usb *usb = current(all);
    char *words = NULL;
    const HostUsb *device = wanted(all, &words);

    if (!device) {
        say_why_none(all, words);
        return false;
    }
    bool again = usb->again;
    usb->again = false;
    g_autofree char *node = usb_node(device);
    const Usb *twin = find_twin(all, node);
    if (twin)
        set_words(all, LOG_WARNING, g_strdup_printf("[USB %s] has this device already", twin->wish->name));
    if (twin || (!again && g_strcmp0(node, usb->node) == 0 && node_inode(all, node) == usb->inode))
        return false;
    g_free(usb->node);
    usb->node = g_steal_pointer(&node);
    usb->inode = node_inode(all, usb->node);
    const char *other = claim(all, usb->node);
    if (other) {
        /* The other guest got it after the snapshot was taken. */
        set_words(all, LOG_WARNING, g_strdup_printf("guest %s has just got it", other));
        g_clear_pointer(&usb->node, g_free);
        return false;
    }
    all->give = usb_give_new(all->setup.engine, all->setup.journal, usb->wish, all->rounds.index, usb->node,
                             &handler, all);
    return true;
}

static void on_deleted(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Usbs *all = userdata;
    Usb *usb = current(all);

    if (error < 0 && error != -EREMOTEIO) {
        rounds_go_on(&all->rounds);
        return;
    }
    give_claim_up(all, usb->node);
    g_clear_pointer(&usb->node, g_free);
    usb->given = false;
    remember(all);
    if (!give(all))
        rounds_go_on(&all->rounds);
}

static bool still_there(const Usbs *all, const Usb *usb)
{
    g_autofree char *drivers = NULL;

    return (usb_drivers_read(all->setup.engine->step_place.sys_fd, usb->node, &drivers) < 0 || drivers) &&
           node_inode(all, usb->node) == usb->inode;
}

static bool take_back(Usbs *all, Qmp *qmp, const Usb *usb)
{
    struct json_object *arguments = json_object_new_object();
    g_autofree char *id = qemu_usb_id(usb->wish);

    json_object_object_add(arguments, "id", json_object_new_string(id));
    return qmp_command(qmp, "device_del", arguments, QMP_ANSWER_USEC, on_deleted, all) >= 0;
}

static bool look_at(unsigned index, void *userdata)
{
    Usbs *all = userdata;
    Usb *usb = g_ptr_array_index(all->list, index);
    Qmp *qmp = give_qmp(all);

    if (!qmp)
        return false;
    if (usb->given && still_there(all, usb)) {
        if (!usb->words)
            usb->words = describe(all);
        return false;
    }
    if (usb->given)
        return take_back(all, qmp, usb);
    if (usb->node && !still_there(all, usb))
        g_clear_pointer(&usb->node, g_free);
    return give(all);
}

static bool begin(void *userdata)
{
    Usbs *all = userdata;

    if (all->list->len == 0 || !give_qmp(all))
        return false;
    all->host = host_free(all->host);
    int r = host_look(all->setup.engine, &all->host);
    if (r < 0)
        log_guest(LOG_WARNING, all->setup.guest, "cannot look for its USB devices: %s", strerror(-r));
    return r >= 0;
}

static const RoundsHandler rounds_handler = {begin, look_at};

void usbs_sync(Usbs *all)
{
    rounds_ask(&all->rounds);
}

void usbs_retry(Usbs *all)
{
    for (unsigned i = 0; i < all->list->len; i++)
        ((Usb *)g_ptr_array_index(all->list, i))->again = true;
    usbs_sync(all);
}

bool usbs_end(Usbs *all)
{
    return !all || usb_give_stop(all->give);
}

GPtrArray *usbs_words(const Usbs *all)
{
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

    for (unsigned i = 0; i < all->list->len; i++) {
        const Usb *usb = g_ptr_array_index(all->list, i);
        if (usb->words)
            g_ptr_array_add(words, g_strdup_printf("%s: %s", usb->wish->name, usb->words));
    }
    return words;
}
