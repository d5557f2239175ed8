/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The phase of a start that opens a guest's disks. They are open until QEMU has them, and claimed as long as
 * it runs. */
#include "../../core/definition/definition.h"
#include "../../base/file.h"
#include "private.h"

#define OPEN_WORDS "opening its disks"

int guest_dup_disk(const Guest *g, const char *path, bool read_only, bool direct, bool *ret_block)
{
    return g->run->start.disks ? file_gate_dup(g->run->start.disks, path, read_only, direct, ret_block)
                               : -ENOENT;
}

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

/* Memory that a picture is written to has one writer, too. False: the guest has failed. */
static bool claim_looking_glass(Run *run)
{
    Guest *g = run->guest;
    const char *device = run->definition->looking_glass.device,
               *other = device ? disk_claims_take(g->engine->disks, device, true, g->name) : NULL;

    if (other) {
        g_autofree char *remedy =
            g_strdup_printf("name another one, or stop that guest: usherctl stop %s", other);
        guest_fail(g,
                   fault_new(FAULT_IN_USE, remedy, "guest %s: [LookingGlass] Device=%s is in use by guest %s",
                             g->name, device, other));
    }
    return !other;
}

static void on_gate(const Fault *fault, void *userdata)
{
    Run *run = userdata;
    Guest *g = run->guest;
    const char *device = run->definition->looking_glass.device;

    if (fault) {
        guest_fail(g, fault_copy(fault));
        return;
    }
    if (!claim_looking_glass(run))
        return;
    g_autofree char *lines =
        g_strconcat(file_gate_lines(run->start.disks), device ?: "", device ? " w\n" : "", NULL);
    int r = file_replace_at(g->folder_fd, "disks", lines, 0600);
    if (r < 0)
        guest_fail(g, fault_new(FAULT_FAILED, "is there room in /run?", "guest %s: cannot note its disks: %s",
                                g->name, g_strerror(-r)));
    else
        start_phase_done(run);
}

void phase_disks(Run *run)
{
    Guest *g = run->guest;

    if (run->definition->disks->len + run->definition->cdroms->len > 0)
        job_progress(g->start_job, OPEN_WORDS, 0, run->plan->steps->len);
    run->start.disks = file_gate_new(g->engine, run->definition, FILE_GATE_START, NULL, on_gate, run);
}

void phase_disks_off(Run *run)
{
    run->start.disks = file_gate_free(run->start.disks);
}
