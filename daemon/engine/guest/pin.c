/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A phase of a start: asks QEMU for its threads, and has the process that usher-launch left behind put them
 * where the definition says. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../core/definition/cpu.h"
#include "../../core/qemu/argv.h"
#include "private.h"

static void fail(Guest *g, const char *why)
{
    guest_fail(g,
               fault_new(FAULT_GUEST_FAILED, "see journalctl, or remove Pin=, EmulatorPin= and IOThreadPin=",
                         "guest %s: its vCPUs cannot be pinned: %s", g->name, why));
}

/* The "thread-id" of each object, with the host CPUs for that thread. */
static void add_threads(GPtrArray *words, struct json_object *list, const char *const *cpus)
{
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *item = json_object_array_get_idx(list, i), *thread = NULL;

        if (!json_object_object_get_ex(item, "thread-id", &thread))
            continue;
        g_ptr_array_add(words, g_strdup_printf("%d", json_object_get_int(thread)));
        g_ptr_array_add(words, g_strdup(cpus[i]));
    }
}

static void send(Guest *g)
{
    g_ptr_array_add(g->run->start.place, NULL);
    int r = g->run->start.launch
                ? channel_send(g->run->start.launch, (const char *const *)g->run->start.place->pdata, NULL, 0)
                : -ENOTCONN;
    if (r < 0)
        fail(g, g_strerror(-r));
}

static void on_iothreads(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;

    if (g->state != GUEST_STARTING)
        return;
    if (error < 0) {
        fail(g, message ?: strerror(-error));
        return;
    }
    g_autofree const char **cpus = g_new(const char *, json_object_array_length(result) + 1);
    for (size_t i = 0; i < json_object_array_length(result); i++)
        cpus[i] = definition_cpu(g->run->definition)->iothread_pin;
    add_threads(g->run->start.place, result, cpus);
    send(g);
}

static void on_cpus(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;

    if (g->state != GUEST_STARTING)
        return;
    if (error < 0) {
        fail(g, message ?: strerror(-error));
        return;
    }
    size_t n = json_object_array_length(result);
    g_auto(GStrv) cpus = g_new0(char *, n + 1);
    for (size_t i = 0; i < n; i++)
        cpus[i] = definition_pin(g->run->definition, i);
    add_threads(g->run->start.place, result, (const char *const *)cpus);
    if (!definition_cpu(g->run->definition)->iothread_pin)
        send(g);
    else if (qmp_command(qmp, "query-iothreads", NULL, QMP_ANSWER_USEC, on_iothreads, g) < 0)
        fail(g, "QEMU cannot be asked");
}

void phase_pin_off(Run *run)
{
    g_clear_pointer(&run->start.place, g_ptr_array_unref);
}

void phase_pin(Run *run)
{
    Guest *g = run->guest;

    if (!definition_cpu(run->definition)->pin) {
        start_phase_done(run);
        return;
    }
    g->run->start.place = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(g->run->start.place, g_strdup("place"));
    if (qmp_command(qemu_link_qmp(g->run->link), "query-cpus-fast", NULL, QMP_ANSWER_USEC, on_cpus, g) < 0)
        fail(g, "QEMU cannot be asked");
}

void guest_pinned(Guest *g, char **words)
{
    if (g->state != GUEST_STARTING)
        return;
    if (g_str_equal(words[0], "placed")) {
        start_phase_done(g->run);
        return;
    }
    g_autofree char *why =
        g_strdup_printf("a thread cannot be put onto %s: %s", words[1] && words[2] ? words[2] : "?",
                        g_strerror(words[1] ? atoi(words[1]) : EBADMSG));
    fail(g, why);
}
