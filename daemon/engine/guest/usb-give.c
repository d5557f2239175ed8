/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One USB device on its way to a guest: the node is opened by usher-bind, the drivers leave by a step, and
 * QEMU gets the descriptor. */
#include "../../base/cleanup.h"
#include "../../base/log.h"
#include "../../core/qemu/usb.h"
#include "../../core/host/usb.h"
#include "../../edge/sight/usb-interfaces.h"
#include "usb-private.h"
#include "../../core/plan/usb-wish.h"

void guest_usb_drop(Guest *g)
{
    if (g->run->usb_request)
        worker_request_cancel(g->run->usb_request);
    g->run->usb_request = NULL;
    if (g->run->usb_worker)
        worker_release(g->run->usb_worker);
    g->run->usb_worker = NULL;
    g->run->usb_fd = close_fd(g->run->usb_fd);
}

/* QEMU has not got it; another time, or another device. why is taken over. */
static void give_up(Guest *g, char *why)
{
    g_autofree char *owned = why;
    GuestUsb *usb = guest_usb_current(g);

    guest_usb_set_words(g, LOG_WARNING, g_strconcat(why, GUEST_USB_AGAIN, NULL));
    disk_claims_give_up_one(g->engine->disks, usb->node, g->name);
    usb->given = false;
    guest_usb_look_on(g);
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
    GuestUsb *usb = guest_usb_current(g);
    struct json_object *set = json_object_new_object();

    /* The device has a descriptor of its own by now, or never will. */
    json_object_object_add(set, "fdset-id", json_object_new_int(g->run->usb_set));
    qmp_command(qmp, "remove-fd", set, QMP_ANSWER_USEC, NULL, NULL);
    if (error < 0) {
        give_up(g, why_not(error, message));
        return;
    }
    const HostUsb *device = NULL;
    usb->given = true;
    if (usb_find(g->run->usb_host, g->name, usb->wish, &device, NULL) == 0 && device)
        guest_usb_set_words(g, LOG_INFO, usb_describe(device));
    guest_usb_remember(g);
    guest_usb_look_on(g);
}

static void on_fd_added(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;
    struct json_object *set = NULL;

    if (error == 0 && json_object_object_get_ex(result, "fdset-id", &set)) {
        g->run->usb_set = json_object_get_int(set);
        error = qmp_command(qmp, "device_add",
                            qemu_usb_device(guest_usb_current(g)->wish, g->run->usb_index, g->run->usb_set),
                            QMP_ANSWER_USEC, on_added, g);
    }
    if (error < 0)
        give_up(g, why_not(error, message));
}

static void hand_over(Guest *g)
{
    int r = g->run->qmp ? qmp_command_with_fd(g->run->qmp, steal_fd(&g->run->usb_fd), "add-fd", NULL,
                                              QMP_ANSWER_USEC, on_fd_added, g)
                        : -ENOTCONN;

    if (r < 0)
        give_up(g, why_not(r, NULL));
}

static void on_taken(Execution *execution, const Fault *fault, void *userdata)
{
    Guest *g = userdata;
    g_autofree char *why = fault ? g_strdup(fault->message) : NULL;

    g->run->usb_execution = execution_free(execution);
    if (g->run->end_owed) {
        g->run->end_owed = false;
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
    const char *node = guest_usb_current(g)->node;

    int r = usb_drivers_read(g->engine->step_place.sys_fd, node, &drivers);
    if (r < 0 || !drivers) {
        give_up(g, g_strdup("it was unplugged just now"));
        return;
    }
    g_ptr_array_add(steps, step_new(STEP_USB_DRIVERS, node, drivers, ""));
    g->run->usb_execution = execution_run(g->engine, g->run->journal, steps, &handler, g);
}

static void on_opened(int error, int *fd, void *userdata)
{
    Guest *g = userdata;

    if (error == -ECONNRESET)
        g->run->usb_worker = NULL;
    if (error < 0) {
        give_up(g, g_strdup_printf("cannot open %s: %s", guest_usb_current(g)->node, g_strerror(-error)));
        return;
    }
    g->run->usb_fd = steal_fd(fd);
    worker_release(g->run->usb_worker);
    g->run->usb_worker = NULL;
    take(g);
}

static void on_worker(Worker *worker, const char *message, void *userdata)
{
    Guest *g = userdata;
    int r = worker ? 0 : -ECHILD;

    g->run->usb_request = NULL;
    g->run->usb_worker = worker;
    if (worker)
        r = worker_open_device(worker, guest_usb_current(g)->node, on_opened, g);
    if (r < 0)
        give_up(g, g_strdup_printf("cannot start usher-bind: %s", message ?: g_strerror(-r)));
}

void guest_usb_give(Guest *g)
{
    int r = worker_request(g->engine->workers, on_worker, g, &g->run->usb_request);

    if (r < 0)
        give_up(g, g_strdup_printf("cannot start usher-bind: %s", g_strerror(-r)));
}
