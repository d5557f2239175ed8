/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The phase of a start in which the launcher gets argv and descriptors and becomes QEMU. It lasts until QEMU
 * says that it is there. */
#include <fcntl.h>
#include <string.h>

#include "../../core/definition/cpu.h"
#include "private.h"

#define QMP_DEADLINE_USEC (60 * G_USEC_PER_SEC)

static int send_command(const Run *run)
{
    const QemuCommand *command = run->start.command;
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    g_autofree char *memlock = g_strdup_printf("%" G_GUINT64_FORMAT, command->memlock);

    if (definition_cpu(run->definition)->pin) {
        const char *emulator = definition_cpu(run->definition)->emulator_pin ?: "-";
        int r = channel_send(run->start.launch, (const char *const[]){"pin", emulator, NULL}, NULL, 0);
        if (r < 0)
            return r;
    }
    g_ptr_array_add(words, (char *)"run");
    g_ptr_array_add(words, memlock);
    for (unsigned i = 0; i < command->argv->len; i++)
        g_ptr_array_add(words, g_ptr_array_index(command->argv, i));
    if (g_ptr_array_index(words, words->len - 1))
        g_ptr_array_add(words, NULL);
    return channel_send(run->start.launch, (const char *const *)words->pdata,
                        (const int *)run->start.fds->data, run->start.fds->len);
}

static int on_qmp_late(sd_event_source *source, uint64_t usec, void *userdata)
{
    Guest *g = userdata;

    guest_fail(g, fault_new(FAULT_TIMEOUT, "see: usherctl status",
                            "QEMU of guest %s sent no greeting within 60 s", g->name));
    return 0;
}

void phase_launch(Run *run)
{
    Guest *g = run->guest;
    int words = fcntl(guest_log_fd(g->stderr_log), F_DUPFD_CLOEXEC, 3);

    /* The companions have the descriptors after its own by now. */
    g_array_set_size(run->start.fds, run->start.command->files->len);
    g_array_append_val(run->start.fds, words);
    /* This is written before the process becomes QEMU: a daemon that crashes in between finds a launcher that
     * will go away by itself. */
    int r = guest_write_process(g);
    if (r >= 0)
        r = send_command(run);
    phase_links_off(run);
    phase_files_off(run);
    if (r < 0) {
        guest_fail(g, fault_new(FAULT_FAILED, NULL, "cannot hand guest %s over to its launcher: %s", g->name,
                                g_strerror(-r)));
        return;
    }
    guest_set_state(g, GUEST_EVENT_LAUNCH);
    guest_set_deadline(g, QMP_DEADLINE_USEC, on_qmp_late);
    guest_watch_process(g);
    if (run->process.watched)
        qemu_link_open(run->link, true);
}

void guest_greeted(Run *run)
{
    viewers_admit(streams_viewers(run->streams));
    if (start_is_at(run, phase_launch))
        start_phase_done(run);
}

static void on_cont(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;

    if (error < 0 && g->state == GUEST_STARTING)
        guest_fail(g, fault_new(FAULT_GUEST_FAILED, "see: usherctl status",
                                "QEMU of guest %s refused to run: %s", g->name, message ?: strerror(-error)));
}

void phase_run(Run *run)
{
    qmp_command(qemu_link_qmp(run->link), "cont", NULL, QMP_ANSWER_USEC, on_cont, run->guest);
}
