/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QEMU's object is bound to one device for good: a keyboard that was unplugged, or that slept, is another
 * device when it is back. So each return needs a new object, and the devices are handed over one after the
 * other. */
#include "../../base/cleanup.h"
#include "../../core/definition/input.h"
#include "inputs.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "../../base/file.h"
#include "../../base/log.h"
#include "../../core/qemu/input.h"
#include "../execution/execution.h"
#include "rounds.h"

typedef struct Input {
    const DefinitionInput *wish;
    char *node;  /* "/dev/input/event5": what QEMU has, or could not be given; NULL: nothing */
    ino_t inode; /* the inode of that node: a device that is back may get the same name */
} Input;

struct Inputs {
    InputsSetup setup;
    const InputsHandler *handler;
    void *userdata;
    GPtrArray *list; /* of Input, owned */
    Rounds rounds;
    Execution *execution; /* the current one is being handed over */
    bool ending;
};

static const RoundsHandler rounds_handler;

DEFINE_ELEMENT_FREE(Input, input_free, input)
{
    g_free(input->node);
}

Inputs *inputs_new(const InputsSetup *setup, const InputsHandler *handler, void *userdata)
{
    Inputs *all = g_new0(Inputs, 1);

    *all = (Inputs){
        .setup = *setup,
        .handler = handler,
        .userdata = userdata,
        .list = g_ptr_array_new_with_free_func(input_free),
        .rounds = {.handler = &rounds_handler, .userdata = all, .n = setup->wishes->len},
    };
    for (unsigned i = 0; i < setup->wishes->len; i++) {
        Input *input = g_new0(Input, 1);

        input->wish = g_ptr_array_index(setup->wishes, i);
        g_ptr_array_add(all->list, input);
    }
    return all;
}

DEFINE_FREE(Inputs, inputs_free, all)
{
    execution_free(all->execution);
    g_ptr_array_unref(all->list);
}

static Input *current(const Inputs *all)
{
    return g_ptr_array_index(all->list, all->rounds.index);
}

/* The device's current node, to which its stable name is a link. Returns false if the device is not there. */
static bool find_node(const Inputs *all, const DefinitionInput *wish, char **ret_node, struct stat *ret)
{
    int dev_fd = all->setup.engine->step_place.dev_fd;
    const char *path = wish->device + strlen("/dev/");
    g_autofree char *name = NULL;

    if (file_link_name_at(dev_fd, path, &name) < 0)
        name = g_path_get_basename(path);
    g_autofree char *node = g_strconcat("input/", name, NULL);
    if (!g_str_has_prefix(name, "event") || fstatat(dev_fd, node, ret, AT_SYMLINK_NOFOLLOW) < 0 ||
        S_ISLNK(ret->st_mode))
        return false;
    *ret_node = g_strconcat("/dev/", node, NULL);
    return true;
}

/* QEMU did not get the command, so it is sent another time. */
static void go_on_untold(Inputs *all)
{
    g_clear_pointer(&current(all)->node, g_free);
    rounds_go_on(&all->rounds);
}

static void on_added(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Inputs *all = userdata;
    const Input *input = current(all);

    if (error < 0 && error != -EREMOTEIO) {
        go_on_untold(all);
        return;
    }
    if (error < 0)
        log_guest(LOG_WARNING, all->setup.guest, "[Input %s]: QEMU does not take %s: %s", input->wish->name,
                  input->node, message ?: strerror(-error));
    else
        log_guest(LOG_INFO, all->setup.guest, "has %s (%s)", input->wish->device, input->node);
    rounds_go_on(&all->rounds);
}

/* QEMU may have no such object; that does not matter. QEMU closes the descriptor of a device that has gone,
 * and closes the same number again with the object. So the object of a device that has gone is deleted at
 * once. */
static void on_deleted(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Inputs *all = userdata;
    const Input *input = current(all);

    if (error < 0 && error != -EREMOTEIO) {
        go_on_untold(all);
    } else if (!input->node) {
        log_guest(LOG_NOTICE, all->setup.guest,
                  "%s was unplugged; the guest gets it when it is plugged in again", input->wish->device);
        rounds_go_on(&all->rounds);
    } else if (qmp_command(qmp, "object-add", qemu_input_object(input->wish, input->node), QMP_ANSWER_USEC,
                           on_added, all) < 0) {
        go_on_untold(all);
    }
}

static void renew_object(Inputs *all)
{
    Qmp *qmp = all->handler->qmp(all->userdata);

    if (!qmp) {
        go_on_untold(all);
        return;
    }
    struct json_object *arguments = json_object_new_object();
    g_autofree char *id = qemu_input_id(current(all)->wish);
    json_object_object_add(arguments, "id", json_object_new_string(id));
    if (qmp_command(qmp, "object-del", arguments, QMP_ANSWER_USEC, on_deleted, all) < 0)
        go_on_untold(all);
}

static void on_taken(Execution *execution, const Fault *fault, void *userdata)
{
    Inputs *all = userdata;
    const Input *input = current(all);
    bool given = fault == NULL;

    if (fault)
        log_guest(LOG_WARNING, all->setup.guest, "[Input %s]: cannot give the guest %s: %s",
                  input->wish->name, input->node, fault->message);
    all->execution = execution_free(execution);
    if (all->ending)
        all->handler->ended(all->userdata);
    else if (given)
        renew_object(all);
    else
        rounds_go_on(&all->rounds);
}

static void take(Inputs *all, const char *node, const struct stat *st)
{
    static const ExecutionHandler handler = {.ended = on_taken};
    g_autoptr(GPtrArray) steps = g_ptr_array_new_with_free_func((GDestroyNotify)step_free);
    g_autofree char *owner = g_strdup_printf("%u:%u", st->st_uid, st->st_gid);

    g_ptr_array_add(steps, step_new(STEP_NODE_OWNER, node, owner, STEP_VALUE_GUEST));
    all->execution = execution_run(all->setup.engine, all->setup.journal, steps, &handler, all);
    execution_set_guest(all->execution, all->setup.uid, all->setup.gid);
}

static bool begin(void *userdata)
{
    const Inputs *all = userdata;

    return all->handler->qmp(all->userdata) != NULL;
}

static bool look_at(unsigned index, void *userdata)
{
    Inputs *all = userdata;
    Input *input = g_ptr_array_index(all->list, index);
    g_autofree char *node = NULL;
    struct stat st = {};

    if (!begin(all))
        return false;
    if (!find_node(all, input->wish, &node, &st)) {
        bool had = input->node != NULL;
        g_clear_pointer(&input->node, g_free);
        if (had)
            renew_object(all);
        return had;
    }
    if (g_strcmp0(node, input->node) == 0 && st.st_ino == input->inode)
        return false;
    /* An earlier daemon gave the device to the guest. */
    bool given = !input->node && all->setup.adopted && st.st_uid == all->setup.uid;
    g_free(input->node);
    input->node = g_strdup(node);
    input->inode = st.st_ino;
    if (!given)
        take(all, node, &st);
    return !given;
}

static const RoundsHandler rounds_handler = {begin, look_at};

void inputs_sync(Inputs *all)
{
    rounds_ask(&all->rounds);
}

bool inputs_end(Inputs *all)
{
    if (!all || !all->execution)
        return true;
    all->ending = true;
    execution_stop(all->execution, NULL);
    return false;
}
