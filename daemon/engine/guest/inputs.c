/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's input devices that a guest gets while it runs: each is looked for whenever one comes or goes,
 * its node is handed over by a step, and QEMU is told. One after the other, as an object of QEMU's is bound
 * to what it was made with: a keyboard that was unplugged, or that slept, is another device when it is back.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "../../base/file.h"
#include "../../base/log.h"
#include "../../core/qemu/input.h"
#include "private.h"

struct GuestInput {
    const DefinitionInput *wish; /* borrowed from the definition */
    char *node;  /* "/dev/input/event5": what QEMU has, or could not be given; NULL: nothing */
    ino_t inode; /* of that node: a device that is back may get the same name */
};

static void look_from(Guest *g, unsigned index);

static void input_free(void *pointer)
{
    GuestInput *input = pointer;

    g_free(input->node);
    g_free(input);
}

void guest_forget_inputs(Guest *g)
{
    g->run->input_execution = execution_free(g->run->input_execution);
    g_clear_pointer(&g->run->inputs, g_ptr_array_unref);
    g->run->inputs_busy = g->run->inputs_again = false;
}

static void note_wishes(Guest *g)
{
    if (g->run->inputs)
        return;
    g->run->inputs = g_ptr_array_new_with_free_func(input_free);
    for (unsigned i = 0; g->run->definition && i < g->run->definition->inputs->len; i++) {
        GuestInput *input = g_new0(GuestInput, 1);

        input->wish = g_ptr_array_index(g->run->definition->inputs, i);
        g_ptr_array_add(g->run->inputs, input);
    }
}

static GuestInput *current_input(const Guest *g)
{
    return g_ptr_array_index(g->run->inputs, g->run->input_index);
}

/* Where the device is now: its stable name is a link to its node. Returns false if it is not there. */
static bool find_node(const Guest *g, const DefinitionInput *wish, char **ret_node, struct stat *ret)
{
    int dev_fd = g->engine->step_place.dev_fd;
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

static void look_on(Guest *g)
{
    look_from(g, g->run->input_index + 1);
}

/* QEMU did not hear of it: another time. */
static void forget_node(Guest *g)
{
    g_clear_pointer(&current_input(g)->node, g_free);
}

static void on_added(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;
    const GuestInput *input = current_input(g);

    if (error < 0 && error != -EREMOTEIO)
        forget_node(g);
    else if (error < 0)
        log_guest(LOG_WARNING, g->name, "[Input %s]: QEMU does not take %s: %s", input->wish->name,
                  input->node, message ?: strerror(-error));
    else
        log_guest(LOG_INFO, g->name, "has %s (%s)", input->wish->device, input->node);
    look_on(g);
}

/* Whether there was one is all the same. QEMU closes the descriptor of a device that has gone, and, with the
 * object, that number again: so the object of one that has gone goes at once. */
static void on_deleted(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;
    const GuestInput *input = current_input(g);

    if (error < 0 && error != -EREMOTEIO) {
        forget_node(g);
        look_on(g);
        return;
    }
    if (!input->node) {
        log_guest(LOG_NOTICE, g->name, "%s has gone; the guest gets it when it is back", input->wish->device);
        look_on(g);
        return;
    }
    if (qmp_command(qmp, "object-add", qemu_input_object(input->wish, input->node), QMP_ANSWER_USEC, on_added,
                    g) < 0) {
        forget_node(g);
        look_on(g);
    }
}

static void renew_object(Guest *g)
{
    struct json_object *arguments = json_object_new_object();
    g_autofree char *id = qemu_input_id(current_input(g)->wish);

    json_object_object_add(arguments, "id", json_object_new_string(id));
    if (g->run->qmp && qmp_command(g->run->qmp, "object-del", arguments, QMP_ANSWER_USEC, on_deleted, g) >= 0)
        return;
    if (!g->run->qmp)
        json_object_put(arguments);
    forget_node(g);
    look_on(g);
}

static void on_taken(Execution *execution, const Fault *fault, void *userdata)
{
    Guest *g = userdata;
    const GuestInput *input = current_input(g);

    if (fault)
        log_guest(LOG_WARNING, g->name, "[Input %s]: cannot give it %s: %s", input->wish->name, input->node,
                  fault->message);
    bool given = fault == NULL;
    g->run->input_execution = execution_free(execution);
    if (g->run->end_owed) {
        g->run->end_owed = false;
        guest_ended(g);
    } else if (given) {
        renew_object(g);
    } else {
        look_on(g);
    }
}

static void take(Guest *g, const char *node, const struct stat *st)
{
    static const ExecutionHandler handler = {.ended = on_taken};
    g_autoptr(GPtrArray) steps = g_ptr_array_new_with_free_func((GDestroyNotify)step_free);
    g_autofree char *owner = g_strdup_printf("%u:%u", st->st_uid, st->st_gid);

    g_ptr_array_add(steps, step_new(STEP_NODE_OWNER, node, owner, STEP_VALUE_GUEST));
    g->run->input_execution = execution_run(g->engine, g->run->journal, steps, &handler, g);
    execution_set_guest(g->run->input_execution, g->run->uid, g->run->gid);
}

/* True if something is under way for this one. */
static bool look_at(Guest *g, GuestInput *input)
{
    g_autofree char *node = NULL;
    struct stat st = {};

    if (!find_node(g, input->wish, &node, &st)) {
        bool had = input->node != NULL;
        g_clear_pointer(&input->node, g_free);
        if (had)
            renew_object(g);
        return had;
    }
    if (g_strcmp0(node, input->node) == 0 && st.st_ino == input->inode)
        return false;
    /* After a restart of the daemon: it was given before, and QEMU has it. */
    bool given = !input->node && g->run->adopted && st.st_uid == g->run->uid;
    g_free(input->node);
    input->node = g_strdup(node);
    input->inode = st.st_ino;
    if (!given)
        take(g, node, &st);
    return !given;
}

static void look_from(Guest *g, unsigned index)
{
    for (g->run->input_index = index; g->run->input_index < g->run->inputs->len; g->run->input_index++)
        if (guest_qmp_usable(g) && look_at(g, current_input(g)))
            return;
    g->run->inputs_busy = false;
    if (g->run->inputs_again)
        guest_mind_inputs(g);
}

void guest_mind_inputs(Guest *g)
{
    if (!guest_qmp_usable(g) || !g->run->journal)
        return;
    note_wishes(g);
    g->run->inputs_again = g->run->inputs_busy;
    if (g->run->inputs_busy)
        return;
    g->run->inputs_busy = true;
    look_from(g, 0);
}
