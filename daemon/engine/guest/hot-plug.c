/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of the host's a guest gets while it runs, handed to the parts that give it; and what those parts tell. */
#include "private.h"

static Qmp *usable_qmp(void *userdata)
{
    const Guest *g = userdata;

    return guest_qmp_usable(g) ? g->run->qmp : NULL;
}

static void on_changed(void *userdata)
{
    guest_announce(userdata);
}

static void on_ended(void *userdata)
{
    guest_ended(userdata);
}

void guest_sync_inputs(Guest *g)
{
    static const InputsHandler handler = {usable_qmp, on_ended};
    Run *run = g->run;

    if (!guest_qmp_usable(g) || !run->journal || !run->definition)
        return;
    if (!run->inputs)
        run->inputs = inputs_new(&(InputsSetup){.engine = g->engine,
                                                .guest = g->name,
                                                .wishes = run->definition->inputs,
                                                .journal = run->journal,
                                                .uid = run->uid,
                                                .gid = run->gid,
                                                .adopted = run->adopted},
                                 &handler, g);
    inputs_sync(run->inputs);
}

/* NULL: it has none. */
static Usbs *usbs_of(Guest *g)
{
    static const UsbsHandler handler = {usable_qmp, on_changed, on_ended};
    Run *run = g->run;

    if (run && !run->usbs && run->journal && run->definition)
        run->usbs = usbs_new(&(UsbsSetup){.engine = g->engine,
                                          .guest = g->name,
                                          .wishes = run->definition->usbs,
                                          .journal = run->journal,
                                          .folder_fd = g->folder_fd},
                             &handler, g);
    return run ? run->usbs : NULL;
}

void guest_recall_usbs(Guest *g)
{
    Usbs *usbs = usbs_of(g);

    if (usbs)
        usbs_recall(usbs);
}

void guest_sync_usbs(Guest *g)
{
    Usbs *usbs = usbs_of(g);

    if (usbs)
        usbs_sync(usbs);
}

void guest_retry_usbs(Guest *g)
{
    Usbs *usbs = usbs_of(g);

    if (usbs)
        usbs_retry(usbs);
}

GPtrArray *guest_usb_words(const Guest *g)
{
    return g->run && g->run->watched && g->run->usbs ? usbs_words(g->run->usbs) : g_ptr_array_new();
}
