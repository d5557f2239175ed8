/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "usb-give.h"

#include "../../base/cleanup.h"
#include "../../core/qemu/usb.h"
#include "../../edge/sight/usb-interfaces.h"
#include "../execution/execution.h"
#include "../opener.h"
#include "fd-set.h"

struct UsbGive {
    Engine *engine;
    Journal *journal;
    const DefinitionUsb *wish;
    unsigned index;
    char *node;
    const UsbGiveHandler *handler;
    void *userdata;
    Opener *opener;       /* asked to open the node; then */
    int fd;               /* the open node, until QEMU has it; -1: none */
    Execution *execution; /* the step by which its drivers leave */
    int set;              /* QEMU's number of the descriptor */
    bool stopping;
};

DEFINE_FREE(UsbGive, usb_give_free, give)
{
    opener_free(give->opener);
    execution_free(give->execution);
    close_fd(give->fd);
    g_free(give->node);
}

bool usb_give_stop(UsbGive *give)
{
    if (!give)
        return true;
    give->opener = opener_free(give->opener);
    give->fd = close_fd(give->fd);
    if (!give->execution)
        return true;
    give->stopping = true;
    execution_stop(give->execution, NULL);
    return false;
}

/* why is taken over. */
static void give_up(UsbGive *give, char *why)
{
    g_autofree char *owned = why;

    give->handler->done(owned, give->userdata);
}

/* Its drivers have left, and stay away: steps are undone together, when the guest has ended. */
static void give_up_untaken(UsbGive *give, int error, const char *message)
{
    give_up(give, g_strdup_printf("QEMU refuses it: %s; the host gets it back when the guest has ended",
                                  message ?: g_strerror(-error)));
}

static void on_added(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    UsbGive *give = userdata;

    /* QEMU's device has a descriptor of its own by now, or never will. */
    fd_set_remove(qmp, give->set);
    if (error < 0)
        give_up_untaken(give, error, message);
    else
        give->handler->done(NULL, give->userdata);
}

static void on_fd_added(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    UsbGive *give = userdata;

    give->set = error == 0 ? fd_set_of(result) : FD_SET_NONE;
    if (give->set != FD_SET_NONE)
        error = qmp_command(qmp, "device_add", qemu_usb_device(give->wish, give->index, give->set),
                            QMP_ANSWER_USEC, on_added, give);
    if (error < 0)
        give_up_untaken(give, error, message);
}

static void hand_over(UsbGive *give)
{
    Qmp *qmp = give->handler->qmp(give->userdata);

    int r = qmp ? fd_set_add(qmp, steal_fd(&give->fd), on_fd_added, give) : -ENOTCONN;
    if (r < 0)
        give_up_untaken(give, r, NULL);
}

static void on_taken(Execution *execution, const Fault *fault, void *userdata)
{
    UsbGive *give = userdata;
    g_autofree char *why = fault ? g_strdup(fault->message) : NULL;

    give->execution = execution_free(execution);
    if (give->stopping)
        give->handler->stopped(give->userdata);
    else if (why)
        give_up(give, g_steal_pointer(&why));
    else
        hand_over(give);
}

/* The drivers that the device has, now that its node is open. */
static void take(UsbGive *give)
{
    static const ExecutionHandler handler = {.ended = on_taken};
    g_autoptr(GPtrArray) steps = g_ptr_array_new_with_free_func((GDestroyNotify)step_free);
    g_autofree char *drivers = NULL;

    int r = usb_drivers_read(give->engine->step_place.sys_fd, give->node, &drivers);
    if (r < 0 || !drivers) {
        give_up(give, g_strdup("it was unplugged just now"));
        return;
    }
    g_ptr_array_add(steps, step_new(STEP_USB_DRIVERS, give->node, drivers, ""));
    give->execution = execution_run(give->engine, give->journal, steps, &handler, give);
}

static void on_opened(int error, const FileSeen *seen, int *fd, void *userdata)
{
    UsbGive *give = userdata;

    if (error < 0) {
        give_up(give,
                g_strdup_printf("cannot open %s: %s", give->node,
                                error == -ECHILD ? "usher-bind cannot be started" : g_strerror(-error)));
        return;
    }
    give->fd = steal_fd(fd);
    give->opener = opener_free(give->opener);
    take(give);
}

UsbGive *usb_give_new(Engine *engine, Journal *journal, const DefinitionUsb *wish, unsigned index,
                      const char *node, const UsbGiveHandler *handler, void *userdata)
{
    UsbGive *give = g_new0(UsbGive, 1);

    *give = (UsbGive){
        .engine = engine,
        .journal = journal,
        .wish = wish,
        .index = index,
        .node = g_strdup(node),
        .handler = handler,
        .userdata = userdata,
        .opener = opener_new(engine, false),
        .fd = -1,
    };
    opener_open(give->opener, FILE_KIND_USB, node, on_opened, give);
    return give;
}
