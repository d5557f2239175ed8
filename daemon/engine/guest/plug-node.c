/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The descriptors by which a QEMU that runs gets a device with iommufd: /dev/iommu, for an object of its own,
 * which all devices share, and the device's own node. usher-bind opens both; QEMU keeps each by a name until
 * a command takes it (getfd). */
#include "../../base/cleanup.h"
#include "../../core/qemu/pci.h"
#include "plugs-private.h"

#define IOMMU_NAME "usher-iommu"

static void refuse(Plugs *all, Qmp *qmp, const char *what, const char *why)
{
    plugging_note_fault(all->current, fault_new(FAULT_GUEST_FAILED, "see: usherctl status, journalctl -k",
                                                "guest %s cannot get %s: %s", all->guest, what, why));
    /* Those that it took before. */
    plugging_let_go(all, qmp);
}

/* False: it is over. */
static bool goes_on(Plugs *all, Qmp *qmp, int error, const char *message)
{
    if (error == 0)
        return true;
    if (error == -EREMOTEIO)
        refuse(all, qmp, all->current->address, message);
    else
        plugging_end_unknown(all, error);
    return false;
}

static void on_given(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Plugs *all = userdata;

    if (goes_on(all, qmp, error, message))
        all->current->next(all, qmp);
}

static void give(Plugs *all, Qmp *qmp, int fd, const char *name, QmpReply reply)
{
    struct json_object *arguments = json_object_new_object();

    json_object_object_add(arguments, "fdname", json_object_new_string(name));
    int r = qmp_command_with_fd(qmp, fd, "getfd", arguments, PLUG_ANSWER_USEC, reply, all);
    if (r < 0)
        plugging_end_unknown(all, r);
}

static void on_iommu_given(Qmp *qmp, int error, const char *message, struct json_object *result,
                           void *userdata)
{
    Plugs *all = userdata;

    if (!goes_on(all, qmp, error, message))
        return;
    int r = qmp_command(qmp, "object-add", qemu_iommufd(IOMMU_NAME), PLUG_ANSWER_USEC, on_given, all);
    if (r < 0)
        plugging_end_unknown(all, r);
}

/* The connection as it is now; NULL: the descriptor is of no use, and it is over. */
static Qmp *after_opening(Plugs *all, int error, const char *what)
{
    Qmp *qmp = all->handler->qmp(all->userdata);

    if (!qmp) {
        plugging_end_unknown(all, -ENOTCONN);
        return NULL;
    }
    if (error < 0) {
        refuse(all, qmp, what, g_strerror(-error));
        return NULL;
    }
    return qmp;
}

static void on_iommu(int error, const FileSeen *seen, int *fd, void *userdata)
{
    Plugs *all = userdata;
    Qmp *qmp = after_opening(all, error, VFIO_IOMMU);

    if (qmp)
        give(all, qmp, steal_fd(fd), IOMMU_NAME, on_iommu_given);
}

static void on_node(int error, const FileSeen *seen, int *fd, void *userdata)
{
    Plugs *all = userdata;
    Qmp *qmp = after_opening(all, error, all->current->address);

    if (qmp)
        give(all, qmp, steal_fd(fd), PLUG_NODE_NAME, on_given);
}

static void open_by_worker(Plugs *all, const char *what, WorkerOpened opened)
{
    Plugging *p = all->current;

    if (!p->opener)
        p->opener = opener_new(all->engine, false);
    opener_open(p->opener, FILE_KIND_VFIO, what, opened, all);
}

static void on_objects(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Plugs *all = userdata;

    if (!goes_on(all, qmp, error, message))
        return;
    for (size_t i = 0; json_object_is_type(result, json_type_array) && i < json_object_array_length(result);
         i++) {
        struct json_object *name = NULL;
        if (json_object_object_get_ex(json_object_array_get_idx(result, i), "name", &name) &&
            g_strcmp0(json_object_get_string(name), QEMU_IOMMUFD_ID) == 0) {
            all->current->next(all, qmp);
            return;
        }
    }
    open_by_worker(all, VFIO_IOMMU, on_iommu);
}

void plug_node_prepare(Plugs *all, Qmp *qmp, PlugNext next)
{
    struct json_object *arguments = json_object_new_object();

    all->current->next = next;
    json_object_object_add(arguments, "path", json_object_new_string("/objects"));
    int r = qmp_command(qmp, "qom-list", arguments, PLUG_ANSWER_USEC, on_objects, all);
    if (r < 0)
        plugging_end_unknown(all, r);
}

void plug_node_give(Plugs *all, const char *address, PlugNext next)
{
    all->current->next = next;
    open_by_worker(all, address, on_node);
}
