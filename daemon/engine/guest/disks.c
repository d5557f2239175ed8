/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest's disks: open from before the first step until QEMU has them, and claimed as long as it runs. */
#include "../../base/file.h"
#include "private.h"

#define OPEN_WORDS "opening its disks"

void guest_close_disks(Guest *g)
{
    g->run->disks = file_gate_free(g->run->disks);
}

int guest_dup_disk(const Guest *g, const char *path, bool read_only, bool *ret_block)
{
    return g->run->disks ? file_gate_dup(g->run->disks, path, read_only, ret_block) : -ENOENT;
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
static bool claim_looking_glass(Guest *g)
{
    const char *device = g->run->definition->looking_glass.device,
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
    Guest *g = userdata;
    const char *device = g->run->definition->looking_glass.device;

    if (fault) {
        guest_fail(g, fault_copy(fault));
        return;
    }
    if (!claim_looking_glass(g))
        return;
    g_autofree char *lines =
        g_strconcat(file_gate_lines(g->run->disks), device ?: "", device ? " w\n" : "", NULL);
    int r = file_replace_at(g->folder_fd, "disks", lines, 0600);
    if (r < 0)
        guest_fail(g, fault_new(FAULT_FAILED, "is there room in /run?", "guest %s: cannot note its disks: %s",
                                g->name, g_strerror(-r)));
    else
        guest_open_kvmfr(g);
}

void guest_open_disks(Guest *g)
{
    if (g->run->definition->disks->len + g->run->definition->cdroms->len > 0)
        job_progress(g->start_job, OPEN_WORDS, 0, g->run->plan->steps->len);
    g->run->disks = file_gate_new(g->engine, g->run->definition, FILE_GATE_START, NULL, on_gate, g);
}
