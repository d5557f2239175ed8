/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The phase of a start that opens whatever QEMU gets of the host's files: all of it before the first step, so
 * that nothing of it can fail the start later. The descriptors are kept until QEMU has them; disks are
 * claimed as long as it runs. */
#include "../../base/cleanup.h"
#include "../../base/file.h"
#include "../../base/log.h"
#include "../../core/definition/absent.h"
#include "../../core/definition/definition.h"
#include "../../edge/qemu/nvram.h"
#include "../../edge/scan/tools-find.h"
#include "private.h"

#define OPEN_WORDS "opening its files"

/* What is claimed stands in the guest's folder, for a daemon that comes after this one. */
void guest_claim_disks_again(Guest *g)
{
    g_autofree char *text = NULL;
    if (file_read_value_at(g->folder_fd, "disks", &text) < 0)
        return;

    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) words = g_strsplit(*line, " ", 2);
        if (g_strv_length(words) == 2)
            disk_claims_take(g->engine->disks, words[0], words[1][0] == 'w', g->name);
    }
}

/* NULL: done. */
static Fault *note_disks(const Run *run)
{
    const Guest *g = run->guest;
    int r = file_replace_at(g->folder_fd, "disks", file_gate_lines(run->start.files), 0600);

    return r < 0 ? fault_new(FAULT_FAILED, "is there room in /run?", "guest %s: cannot note its disks: %s",
                             g->name, g_strerror(-r))
                 : NULL;
}

/* Made from the template where there are none yet. A descriptor or -errno. */
static int open_variables(Run *run, const char *path, const char *template)
{
    int fd = nvram_open(path);

    if (fd != -ENOENT)
        return fd;
    _cleanup_close_ int from = file_gate_dup(run->start.files, FILE_KIND_COPY, template);
    int r = from < 0 ? from : nvram_make(path, from);
    return r < 0 ? r : nvram_open(path);
}

/* The guest's own variables, which are usher's and no key names; NULL: done, or it has none. */
static Fault *open_nvram(Run *run)
{
    Firmware firmware;

    if (!host_tools_firmware(run->start.tools, run->definition, &firmware) || !firmware.template)
        return NULL;
    g_autofree char *path = host_tools_nvram_path(run->start.tools, run->definition, firmware.template_qcow2);
    run->start.nvram_fd = open_variables(run, path, firmware.template);
    return run->start.nvram_fd < 0
               ? fault_new(FAULT_MISSING_FILE, "is there room in /var/lib, and is the firmware installed?",
                           "guest %s: cannot open %s, made from %s: %s", run->guest->name, path,
                           firmware.template, g_strerror(-run->start.nvram_fd))
               : NULL;
}

/* The words are kept in the guest's folder, too, for a daemon that comes after this one. */
static void go_without(Run *run)
{
    Guest *g = run->guest;
    const GPtrArray *absent = file_gate_absent(run->start.files), *lacks = file_gate_lacks(run->start.files);
    g_autoptr(GPtrArray) words = g_ptr_array_new();

    for (unsigned i = 0; i < absent->len; i++) {
        char *line = g_strdup(g_ptr_array_index(lacks, i));
        log_guest(LOG_WARNING, g->name, "%s", line);
        definition_set_absent(run->definition, g_ptr_array_index(absent, i));
        g_ptr_array_add(words, line);
    }
    if (words->len == 0)
        return;
    g_ptr_array_add(words, NULL);
    g_strfreev(run->condition.warnings);
    run->condition.warnings = (char **)g_ptr_array_free(g_steal_pointer(&words), FALSE);
    job_warn(g->start_job, run->condition.warnings);
    g_autofree char *text = g_strjoinv("\n", run->condition.warnings);
    int r = file_replace_at(g->folder_fd, "warnings", text, 0600);
    if (r < 0)
        log_guest(LOG_WARNING, g->name, "cannot note what it goes without: %s", g_strerror(-r));
}

void guest_recall_warnings(Guest *g)
{
    g_autofree char *text = NULL;

    if (file_read_value_at(g->folder_fd, "warnings", &text) == 0)
        g->run->condition.warnings = g_strsplit(text, "\n", -1);
}

static void on_gate(const Fault *refused, void *userdata)
{
    Run *run = userdata;
    Fault *fault = refused ? fault_copy(refused) : note_disks(run) ?: open_nvram(run);

    if (fault) {
        guest_fail(run->guest, fault);
        return;
    }
    go_without(run);
    if (run->definition->looking_glass.device)
        run->definition->looking_glass.size = file_gate_memory(run->start.files);
    start_phase_done(run);
}

void phase_files(Run *run)
{
    Guest *g = run->guest;
    Start *start = &run->start;

    start->tools = tools_find(&g->engine->tools_place);
    GPtrArray *files = host_tools_file_wishes(start->tools, run->definition, run->plan->vhost_net);
    if (files->len > 0)
        job_progress(g->start_job, OPEN_WORDS, 0, run->plan->steps->len);
    start->files = file_gate_new(g->engine, run->definition, files, FILE_GATE_START, on_gate, run);
}

void phase_files_off(Run *run)
{
    run->start.files = file_gate_free(run->start.files);
    run->start.tools = host_tools_free(run->start.tools);
    run->start.nvram_fd = close_fd(run->start.nvram_fd);
}
