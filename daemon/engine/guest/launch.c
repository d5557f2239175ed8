/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From bound devices and a waiting launcher to a QEMU process: hands over argv and descriptors, follows the
 * process. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"
#include "../../base/log.h"
#include "../../core/qemu/argv.h"
#include "../../edge/launcher/process-watch.h"
#include "../../edge/scan/kit-find.h"
#include "private.h"
#include "../gate/preflight.h"

#define QMP_DEADLINE_USEC (60 * G_USEC_PER_SEC)
#define WORDS_LIMIT (128 * 1024)

static void on_words(const char *line, void *userdata)
{
    Guest *g = userdata;

    /* Not to be taken for words of usherd's. */
    log_guest(LOG_WARNING, g->name, "QEMU: %s", line);
}

int guest_open_run_folder(Guest *g)
{
    if (g->folder_fd < 0) {
        int fd = file_open_dirs_at(g->engine->guests_fd, g->name, 0750);
        if (fd < 0)
            return fd;
        g->folder_fd = fd;
    }
    if (g->stderr_log)
        return 0;
    const GuestLogPlace place = {g->folder_fd, "qemu.pipe", g->folder_fd,
                                 "qemu.log",   WORDS_LIMIT, .words = true};
    return guest_log_open(g->engine->event, &place, on_words, g, &g->stderr_log);
}

static int write_process(Guest *g)
{
    uint64_t start_time = 0;

    int r = launcher_start_time(g->run->pid, &start_time);
    if (r < 0)
        return r;
    g_autoptr(GString) text = g_string_new(NULL);
    g_string_printf(text, "%d %" G_GUINT64_FORMAT " %u %u\n", g->run->pid, start_time, g->run->uid,
                    g->run->gid);
    companions_to_text(g->run->companions, text);
    return file_replace_at(g->folder_fd, "process", text->str, 0600);
}

void guest_read_process(Guest *g, uint64_t *ret_start_time)
{
    g_autofree char *text = NULL;
    uint64_t start_time;
    int pid;
    unsigned uid, gid;

    if (file_read_value_at(g->folder_fd, "process", &text) < 0 ||
        sscanf(text, "%d %" G_GUINT64_FORMAT " %u %u", &pid, &start_time, &uid, &gid) != 4)
        return;
    g->run->pid = pid;
    g->run->uid = uid;
    g->run->gid = gid;
    *ret_start_time = start_time;
}

void guest_forget_process(Guest *g)
{
    unlinkat(g->folder_fd, "process", 0);
}

/* Whether the end was one that was meant, and if not, why not. */
static Fault *judge_exit(const Guest *g, const LauncherExit *exit)
{
    g_autofree char *remedy = g_strdup_printf("see: usherctl status %s", g->name);

    if (g->run->stop_asked)
        return NULL;
    if (g->run->trouble)
        return fault_new(FAULT_GUEST_FAILED, remedy, "%s", g->run->trouble);
    if (exit->known && exit->by_signal)
        return fault_new(FAULT_GUEST_FAILED, remedy, "QEMU of guest %s was killed by signal %d (%s)", g->name,
                         exit->status, strsignal(exit->status));
    if (exit->known && exit->status != 0)
        return fault_new(FAULT_GUEST_FAILED, remedy, "QEMU of guest %s ended with exit status %d", g->name,
                         exit->status);
    if (!g->run->shutdown_seen && !exit->known)
        return fault_new(FAULT_GUEST_FAILED, remedy, "QEMU of guest %s went away without a word", g->name);
    return NULL;
}

static void on_exited(const LauncherExit *exit, void *userdata)
{
    Guest *g = userdata;

    g->run->watched = false;
    g->run->recovering = false;
    if (!g->fault)
        g->fault = judge_exit(g, exit);
    companions_end(g->run->companions);
}

void guest_watch_process(Guest *g)
{
    int r = launcher_watch(g->engine->launcher, LAUNCHER_GUEST, g->name, g->run->pid, on_exited, g);
    if (r < 0) {
        log_guest(LOG_WARNING, g->name, "cannot watch pid %d: %s", g->run->pid, strerror(-r));
        on_exited(&(LauncherExit){}, g);
        return;
    }
    g->run->watched = true;
}

static int send_command(Guest *g)
{
    const QemuCommand *command = g->run->command;
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    g_autofree char *memlock = g_strdup_printf("%" G_GUINT64_FORMAT, command->memlock);

    if (g->run->definition->cpu.pin) {
        const char *emulator = g->run->definition->cpu.emulator_pin ?: "-";
        int r = channel_send(g->run->launch, (const char *const[]){"pin", emulator, NULL}, NULL, 0);
        if (r < 0)
            return r;
    }
    g_ptr_array_add(words, (char *)"run");
    g_ptr_array_add(words, memlock);
    for (unsigned i = 0; i < command->argv->len; i++)
        g_ptr_array_add(words, g_ptr_array_index(command->argv, i));
    if (g_ptr_array_index(words, words->len - 1))
        g_ptr_array_add(words, NULL);
    return channel_send(g->run->launch, (const char *const *)words->pdata, (const int *)g->run->fds->data,
                        g->run->fds->len);
}

static int on_qmp_late(sd_event_source *source, uint64_t usec, void *userdata)
{
    Guest *g = userdata;

    guest_fail(g, fault_new(FAULT_TIMEOUT, "see: usherctl status",
                            "QEMU of guest %s did not say hello within 60 s", g->name));
    return 0;
}

static void hand_over(void *userdata)
{
    Guest *g = userdata;
    int words = fcntl(guest_log_fd(g->stderr_log), F_DUPFD_CLOEXEC, 3);

    /* Those after its own the companions have by now. */
    g_array_set_size(g->run->fds, g->run->command->files->len);
    g_array_append_val(g->run->fds, words);
    /* Written before it can become true: a daemon that crashes in between finds a launcher that will go by
     * itself. */
    int r = write_process(g);
    if (r >= 0)
        r = send_command(g);
    guest_close_files(g);
    guest_close_disks(g);
    if (r < 0) {
        guest_fail(g, fault_new(FAULT_FAILED, NULL, "cannot hand guest %s over to its launcher: %s", g->name,
                                g_strerror(-r)));
        return;
    }
    guest_set_state(g, GUEST_EVENT_LAUNCH);
    guest_set_deadline(g, QMP_DEADLINE_USEC, on_qmp_late);
    guest_watch_process(g);
    if (g->run->watched)
        guest_connect_qmp(g);
}

static void on_companion_failed(const char *name, int error, void *userdata)
{
    Guest *g = userdata;

    guest_fail(g, fault_new(FAULT_GUEST_FAILED, "see journalctl -t usher-launch",
                            "cannot start %s of guest %s: %s", name, g->name, g_strerror(error)));
}

/* The ladder is climbed down as if somebody had asked: the guest may yet save what it has. */
static void on_companion_lost(const char *name, void *userdata)
{
    Guest *g = userdata;

    if (g->run->stop_asked || g->run->shutdown_seen || g->fault ||
        (g->run->watched && process_ending(g->run->pid)))
        return;
    g_autofree char *remedy = g_strdup_printf("what it said last shows: usherctl status %s", g->name);
    Fault *fault =
        fault_new(FAULT_GUEST_FAILED, remedy, "%s of guest %s ended; the guest is stopped", name, g->name);

    log_guest(LOG_ERR, g->name, "%s", fault->message);
    if (!g->run->watched) {
        guest_fail(g, fault);
        return;
    }
    g->fault = fault;
    guest_stop(g, NULL, false, NULL);
}

static void on_companions_ended(void *userdata)
{
    guest_ended(userdata);
}

const CompanionsHandler guest_companions_handler = {hand_over, on_companion_failed, on_companion_lost,
                                                    on_companions_ended};

void guest_start_companions(Guest *g)
{
    companions_start(g->run->companions, &(CompanionsStart){.launcher = g->run->launch,
                                                            .command = g->run->command,
                                                            .fds = g->run->fds,
                                                            .log = guest_log_fd(g->stderr_log),
                                                            .launcher_pid = g->run->pid});
}

static void on_facts(const QemuFacts *facts, const char *message, void *userdata)
{
    Guest *g = userdata;
    Fault *fault = NULL;

    if (!g->run->facts_asked)
        return;
    g->run->facts_asked = false;
    if (g->state != GUEST_PREPARING || !g->run->launch)
        return;
    g_autoptr(HostKit) kit = kit_find(g->engine->state_path, g->engine->confined);
    if (!facts)
        fault = fault_new(FAULT_GUEST_FAILED, "try: usherctl check", "cannot ask QEMU what it can do: %s",
                          message);
    else
        preflight_check_qemu(g->run->definition, g->run->plan, facts, kit, &fault);
    if (fault)
        guest_fail(g, fault);
    else
        guest_open_files(g, qemu_command_build(g->run->definition, g->run->plan, facts, kit));
}

void guest_try_launch(Guest *g)
{
    bool asked = g->run->by_unit || g->run->unit == GUEST_UNIT_ACCEPTED;

    if (g->run->bound && g->run->launch && asked && g->state == GUEST_PREPARING && !g->run->facts_asked &&
        !g->run->command) {
        g->run->facts_asked = true;
        qemu_probe_get(g->engine->probe, on_facts, g);
    }
}

/* The launcher says what became of companions, and then nothing: what comes is its end. After `run` that is
 * QEMU taking its place. */
static void on_launcher(Channel *channel, char **words, int *fds, unsigned n_fds, void *userdata)
{
    Guest *g = userdata;

    if (words) {
        if (g->state == GUEST_STARTING)
            guest_pinned(g, words);
        else if (g->state == GUEST_PREPARING)
            companions_answered(g->run->companions, words);
        return;
    }
    g->run->launch = channel_free(channel);
    /* One of an earlier run, which is ended before this run's is started. */
    if (g->state == GUEST_PREPARING && !g->run->by_unit && g->run->unit != GUEST_UNIT_ACCEPTED) {
        guest_await_launcher(g);
    } else if (g->state == GUEST_PREPARING) {
        g->run->unit = GUEST_UNIT_UNASKED;
        g_autofree char *unit = launcher_unit(g->engine->launcher, LAUNCHER_GUEST, g->name);
        g_autofree char *remedy = g_strdup_printf("see: systemctl status %s", unit);
        guest_fail(g, fault_new(FAULT_GUEST_FAILED, remedy,
                                "usher-launch of guest %s went away before QEMU started", g->name));
    }
}

void guest_connected(Guest *g, Channel *channel, pid_t pid, uid_t uid, gid_t gid)
{
    if (g->state != GUEST_PREPARING || g->run->launch) {
        channel_send(channel, (const char *const[]){"refused", "nobody asked for this start", "", NULL}, NULL,
                     0);
        channel_free(channel);
        return;
    }
    g->run->launch = channel;
    g->run->pid = pid;
    g->run->uid = uid;
    g->run->gid = gid;
    channel_set_handler(channel, on_launcher, g);
    if (g->run->execution)
        execution_set_guest(g->run->execution, uid, gid);
    guest_try_launch(g);
}
